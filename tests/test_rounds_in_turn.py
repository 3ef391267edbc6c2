"""What is asked of Redis while a round is under way goes with the next, and waits no longer than its request may."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from doorstep.cache import Unshared
from doorstep.metrics import Metrics
from doorstep.patience import allowance
from doorstep.round_trips import Commands, Rounds
from doorstep.shared_cache import RedisServer

pytestmark = pytest.mark.anyio


class Held:
    """Rounds that come back when they are told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.back = asyncio.Event()

    async def replies(self, commands: Commands) -> Sequence[Any]:
        self.asked.append([str(command[1]) for command in commands])
        await self.back.wait()
        return [str(command[1]).encode() for command in commands]


def server_with(rounds: Held) -> RedisServer:
    server = RedisServer("redis://127.0.0.1:1/0", metrics=Metrics())
    server._rounds = cast(Rounds, rounds)
    return server


async def turns(times: int = 5) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_those_who_come_while_a_round_is_under_way_go_together_with_the_next() -> None:
    held = Held()
    server = server_with(held)
    asked = [asyncio.create_task(server.do("GET", key)) for key in "ab"]
    await turns()
    asked += [asyncio.create_task(server.do("GET", key)) for key in "cd"]
    await turns()
    asked.append(asyncio.create_task(server.do("GET", "e")))
    await turns()
    assert held.asked == [["a", "b"]]
    held.back.set()
    assert await asyncio.gather(*asked) == [b"a", b"b", b"c", b"d", b"e"]
    assert held.asked == [["a", "b"], ["c", "d", "e"]]
    assert await server.do("GET", "f") == b"f"
    await server.close()


async def test_who_waits_for_the_next_round_waits_no_longer_than_the_request_may() -> None:
    held = Held()
    server = server_with(held)

    async def patient(key: str, seconds: float) -> Any:
        with allowance(seconds):
            return await server.do("GET", key)

    first = asyncio.create_task(patient("a", 0.2))
    await turns()
    second = asyncio.create_task(patient("b", 0.03))
    third = asyncio.create_task(patient("c", 0.2))
    with pytest.raises(Unshared):
        await second
    assert not third.done()
    held.back.set()
    assert [await first, await third] == [b"a", b"c"]
    assert held.asked == [["a"], ["c"]]
    await server.close()


async def test_when_the_server_is_lost_those_behind_are_told_at_once() -> None:
    held = Held()
    server = server_with(held)
    asked = [asyncio.create_task(server.do("GET", "a"))]
    await turns()
    asked.append(asyncio.create_task(server.do("GET", "b")))
    said = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5)
    assert [type(one) for one in said] == [Unshared, Unshared]
    assert (server.healthy, held.asked) == (False, [["a"]])
    held.back.set()
    await server.close()
