"""Works beside each other of which none waits for another one that is slow."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence


class Alongside:
    """Does each of these works again and again; a work says how much it did."""

    def __init__(self, works: Sequence[Callable[[], Awaitable[int]]]) -> None:
        self._works = works
        self._under_way: dict[int, asyncio.Task[int]] = {}

    async def once(self, wait: float) -> int:
        """Begins all that are not under way; how much was done. Those that take longer than `wait` seconds go on behind; what
        they did counts in the call that finds them done. Raises what a work raises."""
        for nth, work in enumerate(self._works):
            if nth not in self._under_way:
                self._under_way[nth] = asyncio.ensure_future(work())
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=wait)
        done = [(nth, task) for nth, task in self._under_way.items() if task.done()]
        for nth, _ in done:
            del self._under_way[nth]
        errors = [error for _, task in done if (error := task.exception()) is not None]
        if errors:
            raise errors[0]
        return sum(task.result() for _, task in done)

    async def end(self, patience: float) -> None:
        """Waits so many seconds for what is under way, and cuts off the rest."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way.values(), timeout=patience)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
