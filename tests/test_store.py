"""What a shopper sent is kept: through restarts, kill -9 and a second edit; and when it is not, nothing of it is told."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from doorstep import store as module
from doorstep.errors import ConfigError, StoreError
from doorstep.store import Answer, Store, newest_version
from doorstep.tables import metadata

from .servers import until

pytestmark = pytest.mark.anyio
URL = "sqlite:///shop.db"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def store_of(tmp_path, clock):
    """`store_of(url)`: a store that is not open yet; closed after the test."""
    opened = []
    others = set(threading.enumerate())

    def make(url=URL):
        opened.append(Store(url, base=tmp_path, clock=clock))
        return opened[-1]

    yield make
    for store in opened:
        await store.close()
    # The driver's thread of a connection that failed ends by itself, a moment later.
    await until(lambda: not any("_connection_worker" in one.name for one in set(threading.enumerate()) - others))


@pytest.fixture
def open_store(store_of):
    """`await open_store()`: the store of this test's database, open."""

    async def open_one(url=URL):
        store = store_of(url)
        await store.open()
        return store

    return open_one


def answer(data, moment="after_delivery", shipment="s1", at=NOON):
    return Answer("survey", shipment, moment, data, at)


async def test_the_migrations_make_exactly_the_tables_of_the_code(open_store, tmp_path):
    await open_store()
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        assert set(found.get_table_names()) == set(metadata.tables) | {"alembic_version"}
        assert {one["name"] for one in found.get_unique_constraints("answers")} == {"uq_answers"}
    engine.dispose()


async def test_an_answer_is_kept_as_it_was_given(open_store):
    store = await open_store()
    data = {"score": 5, "comment": "Grüße 👋\n'); DROP TABLE answers; --", "list": [1.5, None, True]}
    await store.save_answer("main", "survey", "s1", "after_delivery", data)
    assert await store.answers("main", "survey") == [answer(data)]


async def test_the_last_edit_wins_and_is_the_only_one(open_store, clock):
    store = await open_store()
    for score in (1, 5, 3):
        await store.save_answer("main", "survey", "s1", "after_delivery", {"score": score})
        clock.advance(60)
    assert await store.answers("main", "survey") == [answer({"score": 3}, at=NOON + timedelta(minutes=2))]


async def test_another_store_widget_shipment_or_moment_is_another_answer_and_newest_come_first(open_store, clock):
    store = await open_store()
    for store_id, widget, shipment, moment in (
        ("main", "survey", "s1", "a"),
        ("main", "survey", "s2", "a"),
        ("main", "survey", "s1", "b"),
        ("other", "survey", "s1", "a"),
        ("main", "poll", "s1", "a"),
    ):
        await store.save_answer(store_id, widget, shipment, moment, {})
        clock.advance(1)
    kept = await store.answers("main", "survey")
    assert [(one.shipment, one.moment) for one in kept] == [("s1", "b"), ("s2", "a"), ("s1", "a")]
    assert [len(await store.answers(*key)) for key in (("other", "survey"), ("main", "poll"), ("main", "none"))] == [
        1,
        1,
        0,
    ]
    assert len(await store.answers("main", "survey", most=2)) == 2


async def test_answers_survive_a_restart_and_opening_again_changes_nothing(open_store):
    store = await open_store()
    await store.save_answer("main", "survey", "s1", "after_delivery", {"score": 4})
    await store.close()
    again = await open_store()
    assert await again.answers("main", "survey") == [answer({"score": 4})]


WRITER = """
import asyncio, os, sys
from pathlib import Path
from doorstep.clock import SystemClock
from doorstep.store import Store

async def main():
    store = Store("sqlite:///shop.db", base=Path(sys.argv[1]), clock=SystemClock())
    await store.open()
    for n in range(1000):
        await store.save_answer("main", "survey", f"s{n}", "m", {"n": n})
        print(n, flush=True)

asyncio.run(main())
"""


async def test_what_was_accepted_survives_kill_9_right_after(open_store, tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  # three lines, then killed
    with writer:
        said = [int(writer.stdout.readline()) for _ in range(3)]
        os.kill(writer.pid, signal.SIGKILL)
        said += [int(line) for line in writer.stdout]  # what it had said before it was gone
    store = await open_store()
    kept = {one.shipment: one.data["n"] for one in await store.answers("main", "survey")}
    assert {f"s{n}": n for n in said}.items() <= kept.items()
    assert len(said) >= 3


async def test_two_stores_on_one_database_write_at_the_same_time(open_store):
    one, other = await open_store(), await open_store()
    await asyncio.gather(
        *(store.save_answer("main", "survey", f"s{n}", "m", {"n": n}) for n in range(40) for store in (one, other))
    )
    assert len(await one.answers("main", "survey")) == 40


SECRETIVE = {"comment": "the parrot is dead, " * 2500}


async def refused(store):
    with pytest.raises(StoreError) as caught:
        await store.save_answer("main", "survey", "s-private", "m", SECRETIVE)
    for told in (str(caught.value), repr(caught.value), caught.value.next_step):
        assert "parrot" not in told
        assert "s-private" not in told
        assert "INSERT" not in told
    return caught.value.message


@pytest.fixture
def on_connect(monkeypatch):
    """`on_connect(statement)`: run it on each connection that is made from now on, after the store's own."""
    prepare = module._prepare_sqlite

    def run(statement):
        def both(connection, record):
            prepare(connection, record)
            cursor = connection.cursor()
            cursor.execute(statement)
            cursor.close()

        monkeypatch.setattr(module, "_prepare_sqlite", both)

    return run


async def test_a_full_disk_is_told_without_what_was_to_be_kept(open_store, on_connect):
    on_connect("PRAGMA max_page_count = 9")
    store = await open_store()
    assert "database or disk is full" in await refused(store)
    await store.save_answer("main", "survey", "s1", "m", {"score": 1})  # for this there was room
    assert await store.healthy()


async def test_a_database_that_is_locked_for_too_long_is_told(open_store, on_connect, tmp_path):
    on_connect("PRAGMA busy_timeout = 50")
    store = await open_store()
    other = sqlite3.connect(tmp_path / "shop.db")
    other.execute("BEGIN EXCLUSIVE")
    assert "locked" in await refused(store)
    other.rollback()
    other.close()
    await store.save_answer("main", "survey", "s1", "m", {})


async def test_a_read_only_database_is_told(open_store, on_connect):
    await (await open_store()).close()
    on_connect("PRAGMA query_only = ON")
    store = await open_store()  # there is nothing to migrate
    assert "readonly" in await refused(store)


async def test_a_database_that_is_no_database_is_told_when_it_is_opened(open_store, tmp_path):
    (tmp_path / "shop.db").write_bytes(b"this is a text, not a database" * 100)
    with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
        await open_store()


async def test_a_folder_that_is_not_there_is_told_when_it_is_opened(open_store):
    with pytest.raises(StoreError, match="cannot be opened: unable to open database file"):
        await open_store("sqlite:///no/such/folder/shop.db")


async def test_a_store_that_was_never_opened_keeps_nothing_and_says_so(store_of):
    store = store_of()
    await refused(store)
    with pytest.raises(StoreError, match="cannot be read"):
        await store.answers("main", "survey")


async def test_a_store_whose_file_is_gone_is_not_healthy(store_of):
    assert not await store_of("sqlite:///no/such/folder/shop.db").healthy()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "database is not a URL"),
        ("mysql://root:hunter2@db.example/shop", r"mysql:// is not supported.*use one of"),
        ("postgresql+psycopg://u:hunter2@db.example/shop", "is not supported"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(tmp_path, clock, url, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Store(url, base=tmp_path, clock=clock)
    assert "hunter2" not in str(caught.value)


async def test_times_are_kept_in_utc_to_the_second_and_beyond(open_store, clock):
    clock.advance(0.25)
    store = await open_store()
    await store.save_answer("main", "survey", "s1", "m", {})
    (kept,) = await store.answers("main", "survey")
    assert (kept.updated_at, kept.updated_at.utcoffset()) == (NOON + timedelta(seconds=0.25), timedelta())


def test_the_newest_migration_by_its_file_name_is_alembic_s_head() -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(module.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == newest_version()


def test_a_database_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from doorstep.store import Store;"
        "from doorstep.clock import SystemClock; store = Store('sqlite:///a.db', base=Path(sys.argv[1]), clock=SystemClock());"
        "asyncio.run(store.open()); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    opened = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert opened == ["True\n", "False\n"]
