"""What a database accepted stays through kill -9 and a full disk, on SQLite and on PostgreSQL; what fails tells nothing."""

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command as alembic
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, func, inspect, literal, make_url, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from structlog.testing import capture_logs

from doorstep import database as module
from doorstep.database import Database, newest_version
from doorstep.errors import ConfigError, StoreError
from doorstep.tables import answers, banners, metadata

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def banner(id="ban_1", document=b"{}", at=NOON):
    return banners.insert().values(id=id, store="main", document=document, created_at=at, updated_at=at)


def count(connection):
    return connection.scalar(select(func.count()).select_from(banners))


def keep(id="ban_1", document=b"{}"):
    return lambda connection: connection.execute(banner(id, document)) and None


@pytest.fixture
async def another(tmp_path):
    """`await another(url)`: one more database object, open; closed after the test."""
    opened = []

    async def open_one(url):
        opened.append(Database(url, base=tmp_path))
        await opened[-1].open()
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


def plain_engine(url):
    parsed = make_url(url)
    driver = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}[parsed.drivername]
    return create_engine(parsed.set(drivername=driver), poolclass=NullPool)


def config_of(connection=None):
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(module.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def test_the_migrations_make_exactly_the_tables_of_the_code(empty_url, another):
    await another(empty_url)
    with plain_engine(empty_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        assert set(found.get_table_names()) == set(metadata.tables) | {"alembic_version"}
        for table in metadata.tables.values():
            keys = {(one["name"], one["options"].get("ondelete")) for one in found.get_foreign_keys(table.name)}
            assert keys == {(key.name, key.ondelete) for key in table.foreign_key_constraints}


@pytest.mark.fault(42)
async def test_rows_of_the_first_version_are_kept_by_the_migrations_to_the_newest(empty_url, another):
    row = {"store": "main", "widget": "survey", "shipment": "s1", "moment": "after_delivery", "data": b'{"score": 4}'}
    with plain_engine(empty_url).begin() as connection:
        alembic.upgrade(config_of(connection), "0001")
        connection.execute(answers.insert().values(**row, created_at=NOON, updated_at=NOON))
    database = await another(empty_url)
    assert await database.read(lambda c: [one._asdict() for one in c.execute(select(answers))]) == [
        {"id": 1, **row, "created_at": NOON, "updated_at": NOON, "approved_at": None}
    ]


async def test_every_migration_can_be_taken_back(empty_url):
    with plain_engine(empty_url).begin() as connection:
        alembic.upgrade(config_of(connection), "head")
        alembic.downgrade(config_of(connection), "base")
    with plain_engine(empty_url).connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


async def test_several_that_open_an_empty_database_at_once_all_get_it(empty_url, another):
    together = await asyncio.gather(*(another(empty_url) for _ in range(4)))
    await together[0].write(keep())
    assert [await one.read(count) for one in together] == [1, 1, 1, 1]


async def test_tables_of_a_newer_version_are_left_alone_and_told(database, database_url, another):
    await database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None)
    with pytest.raises(StoreError, match="cannot be opened: its tables are newer than this Doorstep"):
        await another(database_url)


async def test_what_a_function_wrote_is_there_for_others_when_it_returns(database, database_url, another):
    await database.write(keep())
    assert await (await another(database_url)).read(count) == 1


async def test_what_a_function_raises_goes_on_to_the_caller_and_takes_back_what_it_wrote(database):
    def work(connection):
        connection.execute(banner())
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await database.write(work)
    assert await database.read(count) == 0


async def test_a_reader_sees_one_state_whatever_is_written_meanwhile(database):
    with database.reading() as reader:
        before = count(reader)
        with database.writing() as writer:
            writer.execute(banner())
        assert (before, count(reader)) == (0, 0)
    assert await database.read(count) == 1


async def test_many_writers_of_several_database_objects_lose_nothing(database, database_url, another):
    other = await another(database_url)
    await database.write(keep("ban_0", b"0"))

    def add(connection):
        row = select(banners.c.document).where(banners.c.id == "ban_0").with_for_update()
        found = int(connection.scalar(row))
        connection.execute(update(banners).values(document=str(found + 1).encode()))

    await asyncio.gather(*(one.write(add) for _ in range(20) for one in (database, other)))
    assert await database.read(lambda connection: connection.scalar(select(banners.c.document))) == b"40"


async def test_two_that_wait_for_each_other_both_get_done(database):
    await database.write(lambda connection: [connection.execute(banner(id, b"")) for id in ("ban_a", "ban_b")])
    both = Barrier(2)
    met = not database.is_sqlite  # where one writes at a time they never meet

    def crossing(first, second, mark):
        tries = []

        def work(connection):
            tries.append(mark)
            connection.execute(update(banners).where(banners.c.id == first).values(document=mark))
            if met and len(tries) == 1:
                both.wait(10)
            connection.execute(update(banners).where(banners.c.id == second).values(document=mark))
            connection.execute(banner(f"ban_{mark}"))
            return len(tries)

        return database.write(work)

    tries = await asyncio.gather(crossing("ban_a", "ban_b", b"1"), crossing("ban_b", "ban_a", b"2"))
    assert (max(tries) > 1) == met  # the server may give up more than one of them
    assert await database.read(count) == 4


async def test_times_come_back_in_utc_to_the_microsecond_however_they_were_given(database):
    given = datetime(2026, 11, 22, 23, 30, 0, 250_001, timezone(timedelta(hours=5, minutes=30)))
    await database.write(lambda connection: connection.execute(banner(at=given)) and None)
    kept = await database.read(lambda connection: connection.scalar(select(banners.c.created_at)))
    assert (kept, kept.utcoffset()) == (datetime(2026, 11, 22, 18, 0, 0, 250_001, UTC), timedelta())


async def test_sqlite_waits_for_the_disk_at_every_commit_and_lets_readers_read_meanwhile(new_sqlite, another, tmp_path):
    database = await another(new_sqlite(tmp_path / "shop.db"))
    for pragma, expected in (("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)):  # 2 is FULL
        assert await database.read(lambda c, pragma=pragma: c.scalar(text(f"PRAGMA {pragma}"))) == expected


async def test_a_database_in_memory_is_one_for_all_threads(tmp_path, another):
    database = await another("sqlite://")
    await asyncio.gather(*(database.write(keep(f"ban_{n}")) for n in range(5)))
    assert await asyncio.gather(*(database.read(count) for _ in range(5))) == [5] * 5


WRITER = """
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from doorstep.database import Database
from doorstep.tables import banners

database = Database(sys.argv[1], base=Path())
database.open_now()
now = datetime.now(UTC)
for n in range(100_000):
    with database.writing() as connection:
        row = {"id": f"ban_{n}", "store": "main", "document": b"", "created_at": now, "updated_at": now}
        connection.execute(banners.insert(), row)
    print(n, flush=True)
"""


async def test_what_was_accepted_survives_kill_9_right_after(database, database_url):
    command = [sys.executable, "-c", WRITER, database_url]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  # three lines, then killed
    with writer:
        said = [int(writer.stdout.readline()) for _ in range(3)]
        os.kill(writer.pid, signal.SIGKILL)
        said += [int(line) for line in writer.stdout]  # what it had said before it was gone
    kept = await database.read(lambda connection: set(connection.scalars(select(banners.c.id))))
    assert len(said) >= 3
    assert {f"ban_{n}" for n in said} <= kept


SECRETIVE = b"the parrot is dead, " * 2500


async def refused(database):
    with pytest.raises(StoreError) as caught:
        await database.write(keep("ban_private", SECRETIVE))
    for told in (str(caught.value), repr(caught.value), caught.value.next_step):
        assert "parrot" not in told
        assert "ban_private" not in told
        assert "INSERT" not in told
    return caught.value.message


async def test_a_row_that_is_there_already_is_told_without_its_values(database):
    await database.write(keep("ban_private"))
    assert "uni" in (await refused(database)).lower()


_FAILING = [
    "INSERT INTO banners (id, store, document, created_at, updated_at) VALUES (:told, 'main', :told, NULL, NULL)",
    "INSERT INTO nowhere (id) VALUES (:told)",
    "INSERT INTO banners (id, store, document, created_at, updated_at) VALUES ('1', :told, CAST(:told AS INTEGER), NULL, NULL)",
    "SELECT :told FROM FROM banners",
]


@pytest.mark.parametrize("statement", _FAILING)
async def test_no_failing_statement_tells_its_values_to_an_error_a_traceback_or_a_log(database, statement, caplog):
    caplog.set_level(logging.DEBUG)

    def work(connection):
        try:
            connection.execute(text(statement), {"told": "a dead parrot"})
        except DBAPIError as error:
            seen.append(str(error).partition("\n")[2])  # beside the driver's own words: SQLAlchemy's
            raise

    seen: list[str] = []
    with capture_logs() as logs, pytest.raises(StoreError) as caught:
        await database.write(work)
    told = "".join(traceback.format_exception(caught.value))
    assert "dead parrot" not in "".join([str(caught.value), repr(caught.value), told, caplog.text, str(logs), *seen])
    assert "hide_parameters" in seen[0]


async def test_a_traceback_of_a_row_that_is_there_already_has_no_value(database):
    await database.write(keep("ban_private"))
    with pytest.raises(StoreError) as caught:
        await database.write(keep("ban_private", SECRETIVE))
    assert "ban_private" not in "".join(traceback.format_exception(caught.value)).replace('keep("ban_private"', "")


async def test_a_nul_is_no_error_on_either_database_and_finds_nothing_else(database):
    odd = select(literal("a\0b"), literal("ab"))
    kept, plain = await database.read(lambda connection: tuple(connection.execute(odd).one()))
    assert plain == "ab"
    assert kept in ("a\0b", "a\ufffdb")


@pytest.fixture
def on_connect(monkeypatch):
    """`on_connect(statement)`: run it on each connection to SQLite that is made from now on, after the engine's own."""
    prepare = module._prepare_sqlite

    def run(statement):
        def both(connection, record):
            prepare(connection, record)
            connection.execute(statement)

        monkeypatch.setattr(module, "_prepare_sqlite", both)

    return run


@pytest.fixture
def sqlite_url(new_sqlite, tmp_path):
    return new_sqlite(tmp_path / "shop.db")


@pytest.mark.fault(42)
async def test_a_full_disk_is_told_without_what_was_to_be_kept(sqlite_url, another, on_connect, tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as plain:
        (pages,) = plain.execute("PRAGMA page_count").fetchone()
    plain.close()
    on_connect(f"PRAGMA max_page_count = {pages + 2}")
    database = await another(sqlite_url)
    assert "database or disk is full" in await refused(database)
    await database.write(keep())  # for this there was room
    assert await database.healthy()


@pytest.mark.fault(42)
async def test_a_database_that_is_locked_for_too_long_is_told(sqlite_url, another, on_connect, tmp_path):
    on_connect("PRAGMA busy_timeout = 50")
    database = await another(sqlite_url)
    other = sqlite3.connect(tmp_path / "shop.db")
    other.execute("BEGIN IMMEDIATE")
    assert "locked" in await refused(database)
    assert await (await another(sqlite_url)).read(count) == 0  # who only reads does not wait, nor does who opens it
    other.rollback()
    other.close()
    await database.write(keep())


async def test_a_read_only_database_is_told(sqlite_url, another, on_connect):
    on_connect("PRAGMA query_only = ON")
    assert "readonly" in await refused(await another(sqlite_url))  # it opens: there is nothing to migrate


async def test_a_database_that_is_no_database_is_told_when_it_is_opened(another, tmp_path):
    (tmp_path / "shop.db").write_bytes(b"this is a text, not a database" * 100)
    with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
        await another("sqlite:///shop.db")


async def test_a_folder_that_is_not_there_is_told_when_it_is_opened(another):
    with pytest.raises(StoreError, match="cannot be opened: unable to open database file"):
        await another("sqlite:///no/such/folder/shop.db")


async def test_a_database_without_its_tables_keeps_nothing_and_says_so(empty_url, tmp_path):
    database = Database(empty_url, base=tmp_path)
    await refused(database)
    with pytest.raises(StoreError, match="banners"):
        await database.read(count)
    await database.close()


@pytest.mark.parametrize("url", ["sqlite:///no/such/folder/shop.db", "postgresql://u:hunter2@127.0.0.1:9/shop"])
async def test_a_database_that_cannot_be_reached_is_not_healthy_and_told_without_its_password(tmp_path, url):
    database = Database(url, base=tmp_path)
    assert not await database.healthy()
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        await database.open()
    assert "hunter2" not in str(caught.value)
    await database.close()


@pytest.mark.fault(42)
async def test_a_server_that_ended_our_connections_is_asked_again(new_postgresql, tmp_path):
    with new_postgresql() as url:
        database = Database(url, base=tmp_path)
        await database.write(keep())
        ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()")
        with pytest.raises(StoreError, match="terminating connection"):
            await database.write(lambda connection: connection.execute(ended).all())
        assert await database.read(count) == 1
        await database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "database is not a URL"),
        ("mysql://root:hunter2@db.example/shop", r"mysql:// is not supported.*use one of"),
        ("postgresql+psycopg://u:hunter2@db.example/shop", "is not supported"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(tmp_path, url, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Database(url, base=tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_without_its_driver_says_what_to_install(tmp_path, monkeypatch, scheme):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"not installed: pip install doorstep\[postgres\]"):
        Database(f"{scheme}://db.example/shop", base=tmp_path)


def test_the_newest_migration_by_its_file_name_is_alembic_s_head() -> None:
    assert ScriptDirectory.from_config(config_of()).get_current_head() == newest_version()


def test_a_database_that_is_up_to_date_opens_without_alembic_and_never_with_the_orm(empty_url: str) -> None:
    script = (
        "import sys; from pathlib import Path; from doorstep.database import Database;"
        "database = Database(sys.argv[1], base=Path()); database.open_now(); database.close_now();"
        "print([name in sys.modules for name in ('alembic', 'sqlalchemy.orm')])"
    )
    command = [sys.executable, "-c", script, empty_url]
    opened = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert opened == ["[True, False]\n", "[False, False]\n"]
