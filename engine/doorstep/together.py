"""What many ask for at the same moment is made once, and given to all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """What is under way, by what it is, with those who wait for it. Nothing is kept of it when it is there."""

    def __init__(self) -> None:
        self._making: dict[Hashable, list[asyncio.Future[tuple[T] | None]]] = {}

    async def have(self, what: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Who asks first makes it, without a task of its own; when that one goes away, the next makes it anew."""
        while (waiting := self._making.get(what)) is not None:
            coming: asyncio.Future[tuple[T] | None] = asyncio.get_running_loop().create_future()
            waiting.append(coming)
            if (made := await coming) is not None:
                return made[0]
        return await self._made(what, make)

    async def _made(self, what: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        waiting = self._making[what] = []
        outcome: tuple[T] | Exception | None = None  # none: who made it went away
        try:
            made = await make()
            outcome = (made,)
        except Exception as error:
            outcome = error
            raise
        finally:
            del self._making[what]
            for coming in waiting:
                _tell(coming, outcome)
        return made


def _tell(coming: asyncio.Future[tuple[T] | None], outcome: tuple[T] | Exception | None) -> None:
    if coming.done():
        return
    if isinstance(outcome, Exception):
        coming.set_exception(outcome)
    else:
        coming.set_result(outcome)
