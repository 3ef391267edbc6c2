"""Many who ask at the same moment for the same thing have it made once."""

import asyncio

import pytest

from doorstep.together import Together

pytestmark = pytest.mark.anyio


class Baker:
    """Bakes when it is told to."""

    def __init__(self) -> None:
        self.baked = 0
        self.hot = asyncio.Event()

    async def bake(self) -> int:
        self.baked += 1
        await self.hot.wait()
        return self.baked


async def test_fifty_who_ask_for_one_thing_have_it_made_once_and_who_asks_later_has_it_made_anew() -> None:
    together, baker = Together[int](), Baker()
    asking = [asyncio.create_task(together.have("bread", baker.bake)) for _ in range(50)]
    await asyncio.sleep(0)
    baker.hot.set()
    assert await asyncio.gather(*asking) == [1] * 50
    assert await together.have("bread", baker.bake) == 2


async def test_what_is_not_the_same_is_made_for_each() -> None:
    together, baker = Together[int](), Baker()
    baker.hot.set()
    assert sorted(await asyncio.gather(*(together.have(what, baker.bake) for what in "abc"))) == [1, 2, 3]


async def test_when_who_asked_first_goes_away_the_next_makes_it_for_all_others() -> None:
    together, baker = Together[int](), Baker()
    first, gone, *others = (asyncio.create_task(together.have("bread", baker.bake)) for _ in range(5))
    await asyncio.sleep(0)
    first.cancel()
    gone.cancel()
    for _ in range(2):  # the first goes, the next begins
        await asyncio.sleep(0)
    baker.hot.set()
    assert await asyncio.gather(*others) == [2, 2, 2]
    assert [first.cancelled(), gone.cancelled()] == [True, True]


async def test_what_fails_fails_for_all_who_wait_and_is_tried_anew_for_the_next() -> None:
    together, baker = Together[int](), Baker()

    async def burn() -> int:
        await baker.hot.wait()
        raise ValueError("burnt")

    asking = [asyncio.create_task(together.have("bread", burn)) for _ in range(2)]
    await asyncio.sleep(0)
    baker.hot.set()
    assert [str(one) for one in await asyncio.gather(*asking, return_exceptions=True)] == ["burnt"] * 2
    assert await together.have("bread", baker.bake) == 1
