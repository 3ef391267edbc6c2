"""Banners of the stores: those of the settings, and those that the API keeps in SQL."""

from collections.abc import Collection, Mapping
from datetime import datetime
from math import inf
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, select, update

from .banner import Banner
from .brief_reads import BriefReads
from .clock import Clock
from .errors import StoreError
from .ids import new_id
from .invalidation import Moved, nobody
from .tables import banners

_FRESH = 30.0  # seconds: a banner may come so much later to a page, and a page costs no query
_TAG = "banners:"

log = structlog.get_logger("doorstep.banners")


class KeptBanner(Struct, frozen=True):
    """A banner that the API keeps."""

    id: str
    banner: Banner
    created_at: datetime
    updated_at: datetime


class Banners:
    """`settings` are the banners of `doorstep.toml`, by store."""

    def __init__(
        self, reads: BriefReads, settings: Mapping[str, tuple[Banner, ...]], *, clock: Clock, moved: Moved = nobody
    ) -> None:
        self._reads = reads
        self._settings = settings
        self._clock = clock
        self._moved = moved
        self._read: dict[str, tuple[float, tuple[Banner, ...]]] = {}
        self._changes = 0

    async def of(self, store: str) -> tuple[Banner, ...]:
        """All banners of a store, those of the settings first. While the database is away, those that were last read."""
        now = self._clock.monotonic()
        read_at, kept = self._read.get(store, (-inf, ()))
        if now - read_at >= _FRESH:
            kept = await self._read_again(store, read_at, kept)
        return (*self._settings.get(store, ()), *kept)

    @staticmethod
    def tag(store: str) -> str:
        """What moves when the banners of a store are written."""
        return _TAG + store

    async def _read_again(self, store: str, read_at: float, before: tuple[Banner, ...]) -> tuple[Banner, ...]:
        now, changes = self._clock.monotonic(), self._changes
        try:
            found = await self._reads.read((_TAG, store, changes), lambda connection: self.all(connection, store))
            kept = tuple(one.banner for one in found)
        except StoreError as error:
            log.error("banners cannot be read", reason=str(error))
            kept = before
        if changes == self._changes:  # else this may be from before the change
            self._read[store] = (now, kept)
            if kept != before and read_at > -inf:
                self._moved(self.tag(store))  # written by a process that could not tell
        return kept

    def changed(self, store: str) -> None:
        """To be called after the transaction that wrote a banner of this store."""
        self._moved(self.tag(store))

    def drop(self, tags: Collection[str]) -> None:
        """What has these tags was written."""
        if any(one.startswith(_TAG) for one in tags):
            self.clear()

    def clear(self) -> None:
        """Any banner may have been written: all are read anew."""
        self._changes += 1
        self._read = {store: (-inf, kept) for store, (_, kept) in self._read.items()}

    def all(self, connection: Connection, store: str) -> list[KeptBanner]:
        """The banners that the API keeps, the oldest first."""
        query = select(banners).where(banners.c.store == store).order_by(banners.c.created_at, banners.c.id)
        return [_kept(row) for row in connection.execute(query)]

    def find(self, connection: Connection, store: str, id: str) -> KeptBanner | None:
        """The banner, held until the end of the transaction."""
        query = select(banners).where(banners.c.store == store, banners.c.id == id).with_for_update()
        row = connection.execute(query).one_or_none()
        return None if row is None else _kept(row)

    def create(self, connection: Connection, store: str, banner: Banner) -> KeptBanner:
        now = self._clock.now()
        kept = KeptBanner(new_id("ban"), banner, now, now)
        row = {
            "id": kept.id, "store": store, "document": msgspec.json.encode(banner),
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        connection.execute(banners.insert().values(row))
        return kept

    def change(self, connection: Connection, kept: KeptBanner, banner: Banner) -> KeptBanner:
        """Writes the banner anew."""
        changed = KeptBanner(kept.id, banner, kept.created_at, self._clock.now())
        values = {"document": msgspec.json.encode(banner), "updated_at": changed.updated_at}
        connection.execute(update(banners).where(banners.c.id == kept.id).values(values))
        return changed

    def remove(self, connection: Connection, kept: KeptBanner) -> None:
        connection.execute(delete(banners).where(banners.c.id == kept.id))


def _kept(row: Row[Any]) -> KeptBanner:
    return KeptBanner(row.id, msgspec.json.decode(row.document, type=Banner), row.created_at, row.updated_at)
