"""What a page asks the database for and does not wait for long: asked once for all who want it, and not while it is silent."""

import asyncio
from collections.abc import Callable, Hashable
from math import inf
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from .clock import Clock
from .database import Database
from .errors import StoreError
from .patience import apart

T = TypeVar("T")
PATIENCE = 0.5  # seconds a page waits
PAUSE = 5.0  # seconds the database is left alone after it did not answer

log = structlog.get_logger("doorstep.brief_reads")


class BriefReads:
    """Reads of one database. What is said of it by one holds for all: after a failure none asks for a while."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._not_before = -inf
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def read(self, what: Hashable, work: Callable[[Connection], T]) -> T:
        """What `work` returns; those who ask for the same `what` at once share it. Raises StoreError, at the latest after
        `PATIENCE`."""
        if self._clock.monotonic() < self._not_before:
            raise StoreError("it did not answer a moment ago")
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._under_way.get(what) or self._begin(what, work))
        except TimeoutError:
            raise self._given_up("it does not answer") from None
        except StoreError as error:
            raise self._given_up(error.message) from error

    def _begin(self, what: Hashable, work: Callable[[Connection], T]) -> asyncio.Task[T]:
        """It may outlive the pages: a thread that waits for the database is not left for another that does the same."""
        task = self._under_way[what] = apart(self._database.read(work))

        def end(task: asyncio.Task[T]) -> None:
            del self._under_way[what]
            if not task.cancelled():
                task.exception()  # told where somebody still waits for it

        task.add_done_callback(end)
        return task

    def _given_up(self, reason: str) -> StoreError:
        now = self._clock.monotonic()
        if now >= self._not_before:
            log.warning("the database does not answer", reason=reason)
        self._not_before = now + PAUSE
        return StoreError(reason)
