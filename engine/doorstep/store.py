"""What must last, in SQL: SQLAlchemy Core on SQLite, migrations by Alembic."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, event, inspect, make_url, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .clock import Clock
from .errors import ConfigError, StoreError
from .tables import answers

_MIGRATIONS = Path(__file__).parent / "migrations"
_DRIVERS = {"sqlite": "sqlite+aiosqlite"}


class Answer(Struct, frozen=True):
    """A kept answer of a widget's form."""

    widget: str
    shipment: str
    moment: str
    data: dict[str, Any]
    updated_at: datetime


class Store:
    """The database of one engine. Open it with `await store.open()`, which brings the tables up to date."""

    def __init__(self, url: str, *, base: Path, clock: Clock) -> None:
        self._clock = clock
        self._engine = _engine(url, base)

    async def open(self) -> None:
        """Connects and migrates. Raises StoreError."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(_migrate)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"the database cannot be opened: {_cause(error)}", next_step="check `database`") from error

    async def close(self) -> None:
        await self._engine.dispose()

    async def healthy(self) -> bool:
        try:
            async with self._engine.connect() as connection:
                await connection.execute(select(1))
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def save_answer(self, store: str, widget: str, shipment: str, moment: str, data: Mapping[str, Any]) -> None:
        """Keeps an answer; an earlier one to the same question is replaced. Raises StoreError when it is not kept."""
        now = self._clock.now()
        values = {
            "store": store, "widget": widget, "shipment": shipment, "moment": moment,
            "data": msgspec.json.encode(data), "created_at": now, "updated_at": now,
        }  # fmt: skip
        statement = insert(answers).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=["store", "widget", "shipment", "moment"],
            set_={"data": statement.excluded.data, "updated_at": statement.excluded.updated_at},
        )
        try:
            async with self._engine.begin() as connection:
                await connection.execute(statement)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"the answer was not kept: {_cause(error)}") from error

    async def answers(self, store: str, widget: str, *, most: int = 1000) -> list[Answer]:
        """The answers to a widget of a store, newest first. Raises StoreError."""
        columns = (answers.c.widget, answers.c.shipment, answers.c.moment, answers.c.data, answers.c.updated_at)
        query = select(*columns).where(answers.c.store == store, answers.c.widget == widget)
        query = query.order_by(answers.c.updated_at.desc(), answers.c.id.desc()).limit(most)
        try:
            async with self._engine.connect() as connection:
                rows = (await connection.execute(query)).all()
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"the answers cannot be read: {_cause(error)}") from error
        return [Answer(*row[:3], msgspec.json.decode(row[3]), row[4].replace(tzinfo=UTC)) for row in rows]


def _engine(url: str, base: Path) -> AsyncEngine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("database is not a URL", next_step='write database = "sqlite:///doorstep.db"') from None
    if parsed.drivername not in _DRIVERS:
        known = ", ".join(f"{name}://" for name in sorted(_DRIVERS))
        raise ConfigError(f"database: {parsed.drivername}:// is not supported", next_step=f"use one of {known}")
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        parsed = parsed.set(database=str(base / parsed.database))
    engine = create_async_engine(parsed.set(drivername=_DRIVERS[parsed.drivername]))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Readers and one writer at a time without blocking each other; a commit is on the disk when it returns."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate(connection: Connection) -> None:
    """Brings the tables up to date. Where they are, Alembic is not even imported: it would be a third of the start."""
    if inspect(connection).has_table("alembic_version"):
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found == newest_version():
            return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def newest_version() -> str:
    """The last migration there is, by the number in its file's name."""
    return max(file.name[1:5] for file in (_MIGRATIONS / "versions").glob("v[0-9]*.py"))


def _cause(error: BaseException) -> str:
    """The driver's own words, without the statement and its values: those may be personal."""
    return str(getattr(error, "orig", None) or type(error).__name__).partition("\n")[0]
