"""Who takes too long is left, but not for the time in which our own loop was held up."""

import asyncio
import time

import pytest

from doorstep.patience import allowance, allowed, apart, as_allowed, patience

pytestmark = pytest.mark.anyio
FOR_EVER = 3600.0


async def test_what_never_comes_is_waited_for_as_long_as_said() -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        async with patience(0.1):
            await asyncio.Event().wait()
    assert time.monotonic() - begun >= 0.1


async def test_what_comes_in_time_is_had_and_nothing_goes_on_behind_it() -> None:
    async with patience(0.02):
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)


async def test_the_time_in_which_the_loop_was_held_does_not_count() -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.readline():
            writer.write(asked)
        writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    async with patience(0.2):
        for n in range(5):
            writer.write(b"%d\n" % n)
            time.sleep(0.3)  # noqa: ASYNC251  # whoever else holds the loop
            assert await reader.readline() == b"%d\n" % n
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_who_never_answers_is_left_also_where_the_loop_is_held_all_the_time() -> None:
    loop = asyncio.get_running_loop()

    def hold() -> None:
        nonlocal held
        time.sleep(0.01)
        held = loop.call_soon(hold)

    held = loop.call_soon(hold)
    with pytest.raises(TimeoutError):
        async with patience(0.02):
            await asyncio.Event().wait()
    held.cancel()


async def waits_for(seconds: float) -> bool:
    """Whether this is waited for."""
    try:
        async with as_allowed():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return False
    return True


async def test_a_request_waits_for_so_long_in_all() -> None:
    with allowance(0.2):
        assert await waits_for(0.1)
        assert not await waits_for(FOR_EVER)
        here = allowed()
        assert here is not None
        assert here.spent
        assert not await waits_for(FOR_EVER)
    assert await waits_for(0.1)


async def test_what_a_request_leaves_behind_may_take_its_time_once_it_has_ended() -> None:
    with allowance(0.05):
        assert not await waits_for(FOR_EVER)
        ended = asyncio.Event()

        async def behind() -> bool:
            await ended.wait()
            return await waits_for(0.1)

        task = asyncio.create_task(behind())
    ended.set()
    assert await task


async def test_what_is_begun_apart_spends_nothing() -> None:
    with allowance(0.05):
        assert not await waits_for(FOR_EVER)
        assert await apart(waits_for(0.1))
