"""What customers said and the shop approved, for pages to show: a store's newest, kept in the process."""

from collections.abc import Collection, Mapping
from math import inf
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from .brief_reads import BriefReads
from .clock import Clock
from .scores import FIVE
from .tables import answers
from .widget import Voice

FRESH = 30.0  # seconds: so much later at most one appears or goes where another process wrote
MOST = 24
_TAG = "voices:"


class _Said(Struct):
    """What of an answer's data may be shown; `share` is the customer's leave."""

    comment: str = ""
    name: str = ""
    share: bool = False
    score: Annotated[int, Meta(ge=0)] = 0
    of: int = 0
    language: str = ""


def tag(store: str) -> str:
    """What moves when the voices of a store change."""
    return _TAG + store


def may_be_shown(data: Mapping[str, Any]) -> bool:
    """Whether the customer has said something, and that the shop may show it."""
    return data.get("share") is True and bool(data.get("comment"))


class Voices:
    """`zones` are the stores' own, in which an answer has its day."""

    def __init__(self, reads: BriefReads, zones: Mapping[str, ZoneInfo], *, clock: Clock) -> None:
        self._reads = reads
        self._zones = zones
        self._clock = clock
        self._read: dict[str, tuple[float, tuple[Voice, ...]]] = {}
        self._changes = 0

    async def of(self, store: str) -> tuple[Voice, ...]:
        """The newest voices of a store. Raises StoreError: of those read before, one may have been withdrawn."""
        now, changes = self._clock.monotonic(), self._changes
        read_at, kept = self._read.get(store, (-inf, ()))
        if now - read_at < FRESH:
            return kept
        found = await self._reads.read((_TAG, store, changes), lambda connection: self._newest(connection, store))
        if changes == self._changes:  # else this may be from before the change
            self._read[store] = (now, found)
        return found

    def drop(self, tags: Collection[str]) -> None:
        """What has these tags was written."""
        if any(one.startswith(_TAG) for one in tags):
            self.clear()

    def clear(self) -> None:
        self._changes += 1
        self._read.clear()

    def _newest(self, connection: Connection, store: str) -> tuple[Voice, ...]:
        query = select(answers.c.data, answers.c.updated_at)
        query = query.where(answers.c.store == store, answers.c.approved_at.is_not(None))
        newest = query.order_by(answers.c.approved_at.desc(), answers.c.id.desc()).limit(MOST)
        zone = self._zones[store]
        said = ((_read(data), at.astimezone(zone).date()) for data, at in connection.execute(newest))
        return tuple(
            Voice(one.comment, one.score if one.of == FIVE else 0, one.name, one.language, day)
            for one, day in said
            if one is not None and one.share and one.comment
        )


def _read(data: bytes) -> _Said | None:
    try:
        return msgspec.json.decode(data, type=_Said)
    except msgspec.ValidationError:
        return None
