"""The database of one engine: SQLite in a file, or PostgreSQL; SQLAlchemy Core, brought up to date by Alembic.

Work on it is a function of a connection that runs as one transaction, off the event loop:

    order = await database.read(lambda connection: find(connection, "1001"))
    await database.write(lambda connection: save(connection, order))

What such a function raises rolls back and goes on to the caller; what the database raises becomes a StoreError without
statement or values, which may be personal.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from sqlalchemy import URL, Connection, DateTime, Dialect, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator

from .errors import ConfigError, StoreError

T = TypeVar("T")
_MIGRATIONS = Path(__file__).parent / "migrations"
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_THREADS = 8
_TRIES = 3
_UNDONE = ("40001", "40P01")  # SQLSTATE: serialization failure, deadlock
_MIGRATION_LOCK = 5_407_011  # of PostgreSQL's advisory locks: any number that is always the same


class Instant(TypeDecorator[datetime]):
    """A time that is aware and in UTC, in and out, also where the database keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """`await database.open()` connects and brings the tables up to date; commands use `open_now`, `reading`,
    `writing`, `close_now`."""

    def __init__(self, url: str, *, base: Path) -> None:
        self._engine = _engine(url, base)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        # SQLite's lock is taken at once: taken later, two that have both read could only fail.
        self._writing = self._engine.execution_options(immediate=True) if self.is_sqlite else self._engine
        one_view = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading = self._engine.execution_options(**one_view)
        self._readers: CapacityLimiter | None = None
        self._writers: CapacityLimiter | None = None

    async def open(self) -> None:
        """Raises StoreError."""
        await to_thread.run_sync(self.open_now)

    def open_now(self) -> None:
        """Raises StoreError."""
        try:
            with self.reading() as connection:
                if _is_current(connection):
                    return  # without waiting for somebody who writes
            with self.writing() as connection:
                _migrate(connection)
        except StoreError as error:
            raise StoreError(f"the database cannot be opened: {error.message}", next_step="check `database`") from error

    async def close(self) -> None:
        await to_thread.run_sync(self.close_now)

    def close_now(self) -> None:
        self._engine.dispose()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, from one consistent view. Raises StoreError."""
        if self._readers is None:
            self._readers = CapacityLimiter(_THREADS)
        return await to_thread.run_sync(self._read, work, limiter=self._readers)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once it is on the disk; `work` runs again when PostgreSQL ended it in favour of another that it
        had blocked. Raises StoreError when it is not kept."""
        if self._writers is None:  # SQLite has one writer at a time: the others wait here, not in a busy loop there
            self._writers = CapacityLimiter(1 if self.is_sqlite else _THREADS)
        return await to_thread.run_sync(self._write, work, limiter=self._writers)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of everything. Raises StoreError."""
        with _told(), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction. Raises StoreError."""
        with _told(), self._writing.begin() as connection:
            yield connection

    async def healthy(self) -> bool:
        try:
            await self.read(lambda connection: connection.execute(text("SELECT 1")))
        except StoreError:
            return False
        return True

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self.reading() as connection:
            return work(connection)

    def _write(self, work: Callable[[Connection], T], tries: int = _TRIES) -> T:
        try:
            with self.writing() as connection:
                return work(connection)
        except _Undone:
            if tries == 1:
                raise
            return self._write(work, tries - 1)


class _Undone(StoreError):
    """PostgreSQL ended the transaction in favour of another one. It can be done again."""


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`, in the database's own dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # with all of its drivers: a shop with SQLite starts without them

    return postgresql.insert(table)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolExhausted, OSError) as error:
        kind = _Undone if getattr(getattr(error, "orig", None), "sqlstate", "") in _UNDONE else StoreError
        raise kind(_cause(error)) from None  # of PostgreSQL's errors the second line has the values


def _engine(url: str, base: Path) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("database is not a URL", next_step='write database = "sqlite:///doorstep.db"') from None
    if parsed.drivername not in _DRIVERS:
        raise ConfigError(
            f"database: {parsed.drivername}:// is not supported", next_step="use one of postgresql://, sqlite://"
        )
    dialect, parsed = parsed.drivername, parsed.set(drivername=_DRIVERS[parsed.drivername])
    return _sqlite_engine(parsed, base) if dialect == "sqlite" else _postgresql_engine(parsed)


def _sqlite_engine(url: URL, base: Path) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    if url.database and not in_memory:
        url = url.set(database=str(base / url.database))
    # In memory the one connection is the database. Threads hand a connection round, one after the other.
    size = 1 if in_memory else _THREADS + 1
    shared = {"check_same_thread": False}
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=size, max_overflow=0, connect_args=shared, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_size=_THREADS,
            max_overflow=_THREADS,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
            hide_parameters=True,
        )
    except ImportError:
        raise ConfigError(
            "database: the driver for PostgreSQL is not installed", next_step="pip install doorstep[postgres]"
        ) from None
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    """Readers and one writer at a time without blocking each other; a commit is on the disk when it returns; what is deleted
    is overwritten."""
    connection.isolation_level = None  # transactions begin below, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, record: object) -> None:
    """PostgreSQL has no NUL in texts. One that a stranger wrote is another character there: it is kept, and finds nothing."""
    connection.adapters.register_dumper(str, _without_nul())


@cache
def _without_nul() -> type[Any]:
    from psycopg.types.string import StrDumperUnknown

    class WithoutNul(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    return WithoutNul


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _is_current(connection: Connection) -> bool:
    """Whether this version can work on the tables: with what a newer one of the same line added to them, too."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    found, newest = connection.scalar(text("SELECT version_num FROM alembic_version")) or "", newest_version()
    if found[:1] > newest[:1]:
        raise StoreError(f"its tables are newer than this Doorstep ({found} after {newest})")
    return bool(found >= newest)


def _migrate(connection: Connection) -> None:
    """Brings the tables up to date. Where they are, Alembic is not even imported: it would be a third of the start."""
    if connection.dialect.name == "postgresql":  # several processes start at once
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    if _is_current(connection):
        return
    from alembic import command

    command.upgrade(migrations_of(connection), "head")


def migrations_of(connection: Connection) -> Any:
    """What Alembic's commands take, to work on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def newest_version() -> str:
    """The last migration there is, by the number in its file's name."""
    return max(file.name[1:5] for file in (_MIGRATIONS / "versions").glob("v[0-9]*.py"))


def _cause(error: BaseException) -> str:
    """The driver's own words, without the statement and its values: those may be personal."""
    cause = getattr(error, "orig", None)
    if cause is None:
        return type(error).__name__
    said, _, _ = str(cause).partition("\n")
    return said.partition(': "')[0]  # behind that PostgreSQL quotes a value that it cannot read
