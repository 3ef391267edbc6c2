"""What many ask for at the same moment is made once, and given to all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """What is under way, by what it is. Nothing is kept of it when it is there."""

    def __init__(self) -> None:
        self._making: dict[Hashable, asyncio.Task[T]] = {}

    async def have(self, what: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """It is made on, for the others, when who asked first goes away."""
        making = self._making.get(what)
        if making is None:
            making = self._making[what] = asyncio.create_task(self._made(make))
            making.add_done_callback(lambda _: self._making.pop(what))
        return await asyncio.shield(making)

    async def _made(self, make: Callable[[], Awaitable[T]]) -> T:
        return await make()
