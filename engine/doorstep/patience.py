"""Time-outs for what others take to answer: while our own loop is held up, their answer may lie there unread."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LOOKS = 20  # that the loop takes, at the least, before the time is over


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """TimeoutError when the block takes longer. The time passes in twentieths, and what the loop is late for one of them does
    not count: it has read what came meanwhile before it begins the next."""
    loop = asyncio.get_running_loop()
    step = seconds / _LOOKS
    timer: asyncio.TimerHandle

    def look(left: int) -> None:
        nonlocal timer
        if left:
            timer = loop.call_later(step, look, left - 1)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        look(_LOOKS)
        try:
            yield
        finally:
            timer.cancel()
