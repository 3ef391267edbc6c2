"""Time-outs for what others take to answer: while our own loop is held up, their answer may lie there unread.

A request has an `allowance` for the server that processes share: what it may wait for all of its replies together.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from math import inf
from typing import Any, TypeVar

T = TypeVar("T")
LOOKS = 20  # that the loop takes, at the least, before the time is over
_NOTHING = 0.001  # seconds: less is no time to wait
Passed = Callable[[float], None]


class Allowance:
    """The seconds that one request may still wait."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @property
    def spent(self) -> bool:
        return self.left < _NOTHING

    def spend(self, seconds: float) -> None:
        self.left = max(0.0, self.left - seconds)


_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


def allowed() -> Allowance | None:
    """What the request has that is served here; None where no request is."""
    return _allowance.get()


class allowance:
    """For the block, a request. What it leaves behind when it ends may take its time: nobody waits for it any more."""

    def __init__(self, seconds: float) -> None:
        self._here = Allowance(seconds)

    def __enter__(self) -> None:
        self._token = _allowance.set(self._here)

    def __exit__(self, *_: object) -> None:
        _allowance.reset(self._token)
        self._here.left = inf


def apart(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that no request waits for, whoever begins it."""
    context = copy_context()
    context.run(_allowance.set, None)
    return asyncio.create_task(work, context=context)


@asynccontextmanager
async def as_allowed() -> AsyncIterator[None]:
    """TimeoutError when the block takes longer than the request may still wait."""
    here = allowed()
    if here is None:
        yield
        return
    async with patience(here.left, here.spend):
        yield


@asynccontextmanager
async def patience(seconds: float, passed: Passed = lambda seconds: None) -> AsyncIterator[None]:
    """TimeoutError when the block takes longer. The time passes in twentieths, and what the loop is late for one of them does
    not count: it has read what came meanwhile before it begins the next. Each that has passed is told."""
    loop = asyncio.get_running_loop()
    step = seconds / LOOKS
    timer: asyncio.TimerHandle

    def begin(left: int) -> None:
        nonlocal timer
        timer = loop.call_later(step, look, left - 1)

    def look(left: int) -> None:
        passed(step)
        if left:
            begin(left)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        begin(LOOKS)
        try:
            yield
        finally:
            timer.cancel()
