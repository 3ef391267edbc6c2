"""Banners of the stores: those of the settings, and those that the API keeps in SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, select, update

from .banner import Banner
from .clock import Clock
from .database import Database
from .errors import StoreError
from .ids import new_id
from .tables import banners

_FRESH = 30.0  # seconds: a banner may come so much later to a page, and a page costs no query

log = structlog.get_logger("doorstep.banners")


class KeptBanner(Struct, frozen=True):
    """A banner that the API keeps."""

    id: str
    banner: Banner
    created_at: datetime
    updated_at: datetime


class Banners:
    """`settings` are the banners of `doorstep.toml`, by store."""

    def __init__(self, database: Database, settings: Mapping[str, tuple[Banner, ...]], *, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._read: dict[str, tuple[float, tuple[Banner, ...]]] = {}

    async def of(self, store: str) -> tuple[Banner, ...]:
        """All banners of a store, those of the settings first. While the database is away, those that were last read."""
        now = self._clock.monotonic()
        read_at, kept = self._read.get(store, (now - _FRESH, ()))
        if now - read_at >= _FRESH:
            try:
                found = await self._database.read(lambda connection: self.all(connection, store))
                kept = tuple(one.banner for one in found)
            except StoreError as error:
                log.error("banners cannot be read", reason=str(error))
            self._read[store] = (now, kept)
        return (*self._settings.get(store, ()), *kept)

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
