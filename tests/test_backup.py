"""`doorstep backup`: one state of everything while others write, there whole or not at all; and the way back."""

import json
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from doorstep.backup import back_up
from doorstep.cli import main
from doorstep.errors import StoreError

from .clock import FakeClock
from .person import EMAIL, SETTINGS, Parts, config_of, everything


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_sqlite) -> Path:
    """A folder with settings and a database with one order in it; its database's file."""
    monkeypatch.chdir(tmp_path)
    Path("doorstep.toml").write_text(SETTINGS.format(database="sqlite:///doorstep.db"))
    new_sqlite(tmp_path / "doorstep.db")
    with closing(Opened(tmp_path / "doorstep.db")) as engine:
        everything(engine)
    return tmp_path / "doorstep.db"


class Opened(Parts):
    """To be closed."""

    def __init__(self, file: Path) -> None:
        super().__init__(config_of(f"sqlite:///{file}"), FakeClock())
        self.database.open_now()

    def close(self) -> None:
        self.database.close_now()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["backup", *arguments])


def quiet(left: int, total: int) -> None: ...


def contact(file: Path) -> tuple[str, str]:
    with closing(Opened(file)) as engine, engine.database.reading() as connection:
        kept = engine.orders.find(connection, "main", "HP-40127")
        assert kept is not None
        contact = engine.orders.contact(connection, kept.id)
        return contact.email, contact.postcode


def test_what_is_copied_back_is_all_there(shop: Path) -> None:
    result = run("copy.db")
    assert result.exit_code == 0, result.output
    for file in shop.parent.glob("doorstep.db*"):
        file.unlink()
    shop.write_bytes(Path("copy.db").read_bytes())
    assert contact(shop) == (EMAIL, "5004 X")


def test_it_says_how_large_the_copy_is(shop: Path) -> None:
    result = run("copy.db", "--json")
    assert json.loads(result.stdout) == {"file": "copy.db", "bytes": Path("copy.db").stat().st_size}


def test_the_copy_stands_by_itself_and_only_its_owner_may_read_it(shop: Path) -> None:
    run("copy.db")
    assert sorted(file.name for file in shop.parent.iterdir() if "copy" in file.name) == ["copy.db"]
    assert Path("copy.db").stat().st_mode & 0o777 == 0o600


def test_what_is_not_in_the_file_yet_is_in_the_copy(shop: Path, tmp_path: Path) -> None:
    """A commit stands in the log beside the file first."""
    with closing(Opened(shop)) as engine, engine.database.writing() as connection:
        kept = engine.orders.find(connection, "main", "HP-40127")
        assert kept is not None
        engine.orders.void_links(connection, kept.id)
        connection.commit()
        assert Path(f"{shop}-wal").stat().st_size > 0
        back_up(shop, tmp_path / "copy.db", progress=quiet)
    with closing(Opened(tmp_path / "copy.db")) as engine, engine.database.reading() as connection:
        copied = engine.orders.find(connection, "main", "HP-40127")
    assert copied is not None
    assert copied.link_generation == kept.link_generation + 1


def test_it_is_one_state_of_everything_while_others_write(tmp_path: Path) -> None:
    """Two tables that are always written together, by somebody who never stops; the copy has them alike."""
    file, going = tmp_path / "busy.db", threading.Event()
    _make_pairs(file, rows=200)
    changes = []

    def write() -> None:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as writing:
            while not going.is_set():
                _change_pairs(writing)
                changes.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[int] = []
    try:
        while not changes:
            pass
        back_up(file, tmp_path / "copy.db", progress=lambda left, total: seen.append(len(changes)))
        going_on = len(changes)
        while len(changes) <= going_on:  # whoever writes was not stopped for good
            pass
    finally:
        going.set()
        writer.join()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        both = "SELECT count(*), min(a.n), max(a.n), min(b.n), max(b.n) FROM a JOIN b ON a.id = b.id"
        count, *values = copy.execute(both).fetchone()
    assert count == 200
    assert len(set(values)) == 1


def test_it_ends_although_the_database_changes_between_two_of_its_steps(tmp_path: Path) -> None:
    """Copied without a view that is held, it would begin again with each change."""
    file = tmp_path / "busy.db"
    _make_pairs(file, rows=4000)
    left = []
    with closing(sqlite3.connect(file, isolation_level=None)) as writing:

        def change(remaining: int, total: int) -> None:
            left.append(remaining)
            _change_pairs(writing)

        back_up(file, tmp_path / "copy.db", progress=change)
    assert len(left) > 2
    assert left == sorted(left, reverse=True)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT DISTINCT n FROM a UNION SELECT DISTINCT n FROM b").fetchall() == [(0,)]


def _make_pairs(file: Path, *, rows: int) -> None:
    with closing(sqlite3.connect(file)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        for table in "ab":
            made.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, n INTEGER, filling BLOB)")
            made.execute(
                f"WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < {rows}) "
                f"INSERT INTO {table} SELECT i, 0, zeroblob(3000) FROM r"
            )
        made.commit()


def _change_pairs(writing: sqlite3.Connection) -> None:
    writing.execute("BEGIN IMMEDIATE")
    for table in "ab":
        writing.execute(f"UPDATE {table} SET n = n + 1")
    writing.execute("COMMIT")


def test_a_file_that_is_there_is_replaced_only_when_that_is_said(shop: Path) -> None:
    Path("copy.db").write_text("mine")
    assert run("copy.db").exit_code == 2
    assert Path("copy.db").read_text() == "mine"
    assert run("copy.db", "--force").exit_code == 0
    assert contact(Path("copy.db").resolve()) == (EMAIL, "5004 X")


def test_the_database_is_never_replaced_by_its_own_copy(shop: Path) -> None:
    result = run("./doorstep.db", "--force")
    assert (result.exit_code, "is the database itself" in result.output) == (2, True)


def test_a_database_that_is_damaged_is_no_backup_and_leaves_none(shop: Path) -> None:
    whole = bytearray(shop.read_bytes())
    page = int.from_bytes(whole[16:18], "big")  # of the file's header: the size of a page
    whole[page:] = os.urandom(len(whole) - page)
    shop.write_bytes(whole)
    Path("copy.db").write_text("the last good one")
    result = run("copy.db", "--force")
    assert (result.exit_code, "no backup was made" in result.output) == (1, True)
    assert Path("copy.db").read_text() == "the last good one"
    assert [file.name for file in shop.parent.glob(".copy*")] == []


def test_a_folder_that_is_not_there_is_named(shop: Path) -> None:
    result = run("nowhere/copy.db")
    assert (result.exit_code, "nowhere/copy.db: No such file" in result.output) == (1, True)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        back_up(tmp_path / "none.db", tmp_path / "copy.db", progress=quiet)
    assert list(tmp_path.iterdir()) == []


def test_postgresql_s_own_command_is_named_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("doorstep.toml").write_text(SETTINGS.format(database="postgresql://shop:hidden@db.shop.example:5433/orders"))
    result = run("orders.dump")
    assert result.exit_code == 2
    assert "pg_dump --format=custom --file=orders.dump postgresql://shop@db.shop.example:5433/orders" in result.output
    assert "hidden" not in result.output


def test_what_is_in_memory_only_cannot_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("doorstep.toml").write_text(SETTINGS.format(database="sqlite://"))
    result = run("copy.db")
    assert (result.exit_code, "in memory only" in result.output) == (1, True)
