"""Plugin code off the event loop: in threads that are bounded, so code that hangs costs its own plugin and no other."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from .errors import PluginFailed

T = TypeVar("T")


class Threads:
    """Runs at most `size` calls at once. A call that never returns keeps its place; with none left, calls are refused."""

    def __init__(self, size: int = 4) -> None:
        self._places = asyncio.Semaphore(size)

    async def run(self, call: Callable[[], T], *, wait: float) -> T:
        """The result of `call`. Waits at most `wait` seconds for a place; cancelling leaves the thread behind."""
        try:
            async with asyncio.timeout(wait):
                await self._places.acquire()
        except TimeoutError:
            raise PluginFailed("the plugin does not come back: all its threads are busy") from None
        loop = asyncio.get_running_loop()
        begun = False

        def work() -> T:
            nonlocal begun
            begun = True
            try:
                return call()
            except Exception:
                raise
            except BaseException as error:  # SystemExit and the like would end the process, not the plugin
                raise PluginFailed(f"the plugin raised {type(error).__name__}") from error
            finally:
                with suppress(RuntimeError):  # the loop is closed: nobody waits for the place any more
                    loop.call_soon_threadsafe(self._places.release)

        try:
            return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=CapacityLimiter(1))
        finally:
            if not begun:  # cancelled before the thread came to it
                self._places.release()
