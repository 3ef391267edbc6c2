"""What earlier versions kept and wrote is read by this one: answers, databases, settings, themes and plugins, as they lie in
`earlier/`; and what a version may change so that the next one, and the one before, go on beside it."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command as alembic
from click.testing import CliRunner
from sqlalchemy import Connection, MetaData, Table, create_engine, inspect, make_url, select, text
from sqlalchemy.pool import NullPool

from doorstep import Basis, Event, Found, Moment, NotFound, Place, Precision, Shipment, Status
from doorstep.cli import main
from doorstep.compact import FORMAT, unpack
from doorstep.database import Database, migrations_of, newest_version
from doorstep.errors import StoreError
from doorstep.freshness import Entry
from doorstep.keys import Keys
from doorstep.models import Weight
from doorstep.order import Contact
from doorstep.secret import Secret
from doorstep.tables import answers, banners, parcels

from .clock import FakeClock
from .orders import book_of

EARLIER = Path(__file__).with_name("earlier")
SECRET = Secret("a secret of thirty-two characters or more")
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCAN = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
MOMENT = Moment(
    "2026-11-21T09:30:00+01:00", Precision.SECOND, Basis.OFFSET, SCAN, SCAN.replace(tzinfo=None, hour=9), "+01:00"
)
DELIVERED = Shipment(
    "123456789",
    (
        Event(MOMENT, Status.DELIVERED, code="Z11", text="Delivered", place=Place("Aachen", "", "52062", "DE")),
        Event(MOMENT, Status.IN_TRANSIT, code="Z1", text="Arrived", place=Place("Köln", "", "51149", "DE")),
    ),
    id="4c1f09a7be2255d06b8e", carrier="acme", status=Status.DELIVERED, final=True, since=MOMENT, service="Home",
    destination=Place(country="DE"), weight=Weight(1.5), language="en",
)  # fmt: skip
KEPT = {"found": Entry(Found((DELIVERED,)), AT), "not_found": Entry(NotFound("no such number"), AT, 7)}


@pytest.mark.parametrize("file", sorted(EARLIER.glob("answers-*.json")), ids=lambda file: file.stem)
def test_answers_that_an_earlier_version_kept_in_redis_are_read(file: Path) -> None:
    """Should the format have to change, its name does too: then those of before are missed, and this file goes."""
    kept = json.loads(file.read_text())
    assert kept.pop("format") == FORMAT
    assert {name: unpack(bytes.fromhex(packed)) for name, packed in kept.items()} == KEPT


def laid_out(connection: Connection, version: str) -> dict[str, list[dict[str, Any]]]:
    """Makes the database of an earlier version, with what it kept; gives its rows."""
    alembic.upgrade(migrations_of(connection), version)
    kept = msgspec.json.decode((EARLIER / f"database-{version}.json").read_bytes())
    tables = MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        if kept.get(table.name):
            connection.execute(table.insert(), [_values(table, row) for row in kept[table.name]])
    return rows_of(connection)


def _values(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: bytes in hex, instants in ISO 8601."""
    return {name: _value(table.c[name].type.python_type, value) for name, value in row.items()}


def _value(kind: type, value: Any) -> Any:
    if value is None:
        return None
    if kind is bytes:
        return bytes.fromhex(value)
    if kind is date:
        return date.fromisoformat(value)
    # SQLite keeps no zone, and gets none; PostgreSQL takes what has none for UTC.
    return datetime.fromisoformat(value) if kind is datetime else kind(value)


def rows_of(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name in inspect(connection).get_table_names():
        rows = [dict(row) for row in connection.execute(text(f'SELECT * FROM "{name}"')).mappings()]
        found[name] = sorted(rows, key=lambda row: str([*row.values()][:3]))
    return found


def plain_engine(url: str) -> Any:
    parsed = make_url(url)
    driver = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}[parsed.drivername]
    return create_engine(parsed.set(drivername=driver), poolclass=NullPool)


VERSIONS = [file.stem.removeprefix("database-") for file in sorted(EARLIER.glob("database-*.json"))]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_database_of_an_earlier_version_is_read_by_this_one(version: str, empty_url: str, tmp_path: Path) -> None:
    with plain_engine(empty_url).begin() as connection:
        laid_out(connection, version)
    database = Database(empty_url, base=tmp_path)
    database.open_now()
    book, known = book_of(FakeClock(), SECRET), Keys(clock=FakeClock())
    with database.reading() as connection:
        kettle = book.find(connection, "main", "old-0")
        assert kettle is not None
        assert book.contact(connection, kettle.id) == Contact("mira@mail.example")
        assert [item.name for item in book.written(connection, kettle).items] == ["Kettle"]
        assert connection.scalars(select(parcels.c.number)).all() == ["AC000050014"]
        said = [msgspec.json.decode(row)["comment"] for row in connection.scalars(select(answers.c.data))]
        assert said == ["from old"]
        assert [msgspec.json.decode(row)["text"] for row in connection.scalars(select(banners.c.document))]
        assert [key.name for key in known.all(connection, "main")] == ["checkout"]
    database.close_now()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_way_forward_and_back_changes_no_row_of_an_earlier_version(version: str, empty_url: str) -> None:
    engine = plain_engine(empty_url)
    with engine.begin() as connection:
        before = laid_out(connection, version)
    with engine.begin() as connection:
        alembic.upgrade(migrations_of(connection), "head")
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == newest_version()
    with engine.begin() as connection:
        alembic.downgrade(migrations_of(connection), version)
    with engine.begin() as connection:
        assert rows_of(connection) == before


def test_within_a_line_migrations_only_add_what_may_be_missing(empty_url: str) -> None:
    """So that a process of the version before goes on: it writes rows without what it does not know."""
    engine, past = plain_engine(empty_url), {}
    files = sorted((Path(str(migrations_of(None).get_main_option("script_location"))) / "versions").glob("v[0-9]*.py"))
    for version in [file.name[1:5] for file in files]:
        with engine.begin() as connection:
            alembic.upgrade(migrations_of(connection), version)
        with engine.connect() as connection:
            now = _columns(connection)
        if any(known[0] == version[0] for known in past):
            before = past[max(past)]
            assert before.keys() <= now.keys(), f"{version} takes a table away"
            for name, columns in before.items():
                assert columns.keys() <= now[name].keys(), f"{version} takes a column of {name} away"
                added = [now[name][column] for column in now[name].keys() - columns.keys()]
                assert all(one["nullable"] or one["default"] for one in added), f"{version} asks for more of {name}"
                assert all(now[name][column]["nullable"] >= columns[column]["nullable"] for column in columns)
        past[version] = now
    assert len(past) >= 6


def _columns(connection: Connection) -> dict[str, dict[str, Any]]:
    found = inspect(connection)
    return {name: {one["name"]: one for one in found.get_columns(name)} for name in found.get_table_names()}


def test_tables_that_the_next_version_of_the_line_has_made_are_worked_on(database: Database, tmp_path: Path) -> None:
    """A process that is started again while another has the newer version already, or after it was taken back."""
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE banners ADD COLUMN colour VARCHAR(16)"))
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{int(newest_version()) + 1:04}'"))
    again = Database(database._engine.url.render_as_string(hide_password=False).replace("+psycopg", ""), base=tmp_path)
    again.open_now()
    with again.writing() as connection:
        connection.execute(banners.insert().values(id="b", store="main", document=b"{}", created_at=AT, updated_at=AT))
    with again.reading() as connection:
        assert connection.execute(select(banners.c.id)).scalars().all() == ["b"]
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) > newest_version()
    again.close_now()


def test_tables_of_the_next_line_are_refused(database: Database, tmp_path: Path) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '1001'"))
    again = Database(database._engine.url.render_as_string(hide_password=False).replace("+psycopg", ""), base=tmp_path)
    with pytest.raises(StoreError, match=r"newer than this Doorstep \(1001 after 0"):
        again.open_now()
    again.close_now()


def test_a_contact_without_a_telephone_number_is_kept_as_before_there_were_any() -> None:
    assert Contact("mira@mail.example", "20095").packed() == b'["mira@mail.example","20095"]'
    with_number = Contact("mira@mail.example", "", "+4930123456")
    for contact in (Contact("mira@mail.example", "20095"), with_number, Contact("", "20095")):
        assert msgspec.json.decode(contact.packed(), type=Contact) == contact


@pytest.mark.parametrize(
    "asked", [["config"], ["theme", "themes/harbour"], ["plugin", "acme", "parade"]], ids=lambda words: words[0]
)
def test_settings_theme_and_plugins_of_an_earlier_version_are_fine(asked: list[str], monkeypatch: Any) -> None:
    """What `doorstep new` wrote before there were messages, and settings of then."""
    monkeypatch.chdir(EARLIER / "shop")
    done = CliRunner().invoke(main, ["check", *asked])
    assert done.exit_code == 0, done.output
    assert "fine" in done.output
