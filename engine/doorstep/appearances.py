"""What the API keeps of stores' appearance, in SQL."""

from collections.abc import Collection, Mapping
from datetime import datetime
from math import inf

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection, select, update

from .appearance import Appearance
from .clock import Clock
from .database import Database
from .errors import StoreError
from .invalidation import Moved, nobody
from .tables import appearances

_FRESH = 30.0  # seconds: so much later a process sees it that nobody could tell
_TAG = "look:"

log = structlog.get_logger("doorstep.appearances")


class KeptAppearance(Struct, frozen=True):
    """A store's, as the API keeps it; `version` counts its changes, 0 where it never had any."""

    appearance: Appearance = Appearance()
    version: int = 0
    updated_at: datetime | None = None


class Appearances:
    """Those of all stores; what was last read is known while the database is away."""

    def __init__(self, database: Database, *, clock: Clock, moved: Moved = nobody) -> None:
        self._database = database
        self._clock = clock
        self._moved = moved
        self._known: Mapping[str, KeptAppearance] = {}
        self._read_at = -inf

    @staticmethod
    def tag(store: str) -> str:
        """What moves when the looks of a store change."""
        return _TAG + store

    async def known(self) -> Mapping[str, KeptAppearance]:
        """By store; read anew where it is time, or something was written."""
        now = self._clock.monotonic()
        if now - self._read_at >= _FRESH:
            self._read_at = now
            try:
                self._known = await self._database.read(self.all)
            except StoreError as error:
                log.error("the stores' appearance cannot be read", reason=str(error))
        return self._known

    def changed(self, store: str) -> None:
        """To be called after the transaction that wrote one."""
        self._moved(self.tag(store))

    def drop(self, tags: Collection[str]) -> None:
        """What has these tags was written."""
        if any(one.startswith(_TAG) for one in tags):
            self.clear()

    def clear(self) -> None:
        """Anything may have been written."""
        self._read_at = -inf

    def all(self, connection: Connection) -> dict[str, KeptAppearance]:
        rows = connection.execute(select(appearances))
        return {
            row.store: KeptAppearance(
                msgspec.json.decode(row.document, type=Appearance), row.version, row.updated_at
            )
            for row in rows
        }  # fmt: skip

    def find(self, connection: Connection, store: str) -> KeptAppearance:
        return self.all(connection).get(store, KeptAppearance())

    def write(self, connection: Connection, store: str, before: KeptAppearance, own: Appearance) -> KeptAppearance:
        """Writes one over the version that was read. Raises StoreError where another was written in between."""
        now, version = self._clock.now(), before.version + 1
        values = {"document": msgspec.json.encode(own), "version": version, "updated_at": now}
        if before.version == 0:
            connection.execute(appearances.insert().values(store=store, **values))
        else:
            row = appearances.c.store == store, appearances.c.version == before.version
            if connection.execute(update(appearances).where(*row).values(values)).rowcount != 1:
                raise StoreError("the appearance was written by somebody else", next_step="read it again")
        return KeptAppearance(own, version, now)
