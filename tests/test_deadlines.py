"""What takes too long ends in its time, and what comes in time goes on as if nothing had been."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from doorstep.deadlines import Deadlines

from .clock import SkippingLoop


class CountingLoop(SkippingLoop):
    """Counts the timers that are set for `counted`."""

    counted: Callable[..., object] | None = None
    timers = 0

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        self.timers += callback == self.counted
        return super().call_at(when, callback, *args, context=context)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        return runner.run(work)


async def takes(deadlines: Deadlines, seconds: float, most: float) -> float:
    """How long it took; negative where it was too long."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        with deadlines.within(most):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return round(began - loop.time(), 6)
    return round(loop.time() - began, 6)


def test_each_ends_in_its_own_time_whichever_began_first() -> None:
    async def work() -> list[float]:
        deadlines = Deadlines()
        asked = [(9, 3), (9, 1), (0.5, 1), (2, 2.5), (9, 2)]
        first = await asyncio.gather(*(takes(deadlines, *one) for one in asked))
        return [*first, await takes(deadlines, 9, 1), await takes(deadlines, 1, 2)]

    assert run(work()) == [-3, -1, 0.5, 2, -2, -1, 1]


def test_there_is_one_timer_however_many_come_in_time() -> None:
    async def work() -> int:
        deadlines, loop = Deadlines(), asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        loop.counted = deadlines._look
        for _ in range(100):
            await takes(deadlines, 0, 2.5)
        return loop.timers

    assert run(work()) == 1


def test_a_block_that_has_no_time_ends_at_once() -> None:
    async def work(most: float) -> bool:
        with Deadlines().within(most):
            await asyncio.sleep(9)
        return True

    for most in (0, -1):
        with pytest.raises(TimeoutError):
            run(work(most))


def test_who_is_cancelled_is_cancelled_and_does_not_run_out_of_time() -> None:
    async def work() -> bool:
        task = asyncio.create_task(takes(Deadlines(), 9, 5))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert run(work())


def test_who_is_cancelled_when_the_time_is_over_is_cancelled() -> None:
    async def work() -> bool:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(takes(Deadlines(), 9, 1))
        loop.call_at(loop.time() + 1, task.cancel)
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert run(work())


def test_one_in_another_ends_alone() -> None:
    async def work() -> tuple[float, float]:
        deadlines = Deadlines()
        with deadlines.within(3):
            inner = await takes(deadlines, 9, 1)
            return inner, await takes(deadlines, 1, 9)

    assert run(work()) == (-1, 1)


def test_an_error_comes_as_it_is() -> None:
    async def work() -> None:
        with Deadlines().within(1):
            raise KeyError("x")

    with pytest.raises(KeyError):
        run(work())


def test_another_loop_begins_anew() -> None:
    deadlines = Deadlines()
    assert [run(takes(deadlines, *one)) for one in ((9, 1), (9, 2), (1, 2))] == [-1, -2, 1]


def test_it_is_for_a_task() -> None:
    said: list[BaseException] = []

    def outside() -> None:
        try:
            Deadlines().within(1).__enter__()
        except RuntimeError as error:
            said.append(error)

    async def work() -> None:
        asyncio.get_running_loop().call_soon(outside)
        await asyncio.sleep(0)

    run(work())
    assert len(said) == 1


def test_a_loop_with_coarse_timers_keeps_them_too() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(takes(Deadlines(), 5, 0.0123)) < -0.01
