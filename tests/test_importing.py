"""An import: nothing lost, nothing twice, what is bad is given back, and what was counted is there after kill -9."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import timedelta
from io import BytesIO
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from doorstep.cli import main
from doorstep.database import Database
from doorstep.drafts import Draft, JsonLines
from doorstep.importing import APART, AT_ONCE, Counts, Importer
from doorstep.ledger import Ledger
from doorstep.outbox import Outbox
from doorstep.sheet import Sheet
from doorstep.tables import events, orders, parcels

from .clock import FakeClock
from .orders import NOON, book_of, rows

SETTINGS = """
secret_key = "a secret that nobody knows, of 40 letters"
[stores.main]
name = "Harbour & Pine"
timezone = "Europe/Berlin"
"""
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def imported(database: Database, clock: FakeClock) -> Callable[..., list[Counts]]:
    """`imported(drafts)` imports them; the bad ones are in `imported.bad`."""
    ledger = Ledger(book_of(clock), Outbox({}, clock=clock), clock=clock)

    def run(drafts: Iterable[Draft], **how: bool) -> list[Counts]:
        importer = Importer(database, ledger, clock=clock, store="main")
        return list(importer.run(drafts, refused=run.bad.append, **how))

    run.bad = []
    return run


def lines(*orders: dict) -> Iterable[Draft]:
    return JsonLines(BytesIO("\n".join(map(json.dumps, orders)).encode())).drafts()


def total(counts: list[Counts], name: str) -> int:
    return sum(getattr(one, name) for one in counts)


def many(count: int) -> Iterable[Draft]:
    text = "number,email,shipment_number\n" + "".join(f"{n},s{n}@post.example,JD{n:010}\n" for n in range(count))
    return Sheet(BytesIO(text.encode()), "orders.csv", BERLIN).drafts()


def test_a_second_import_changes_nothing_and_makes_no_event(imported, database) -> None:
    first = imported(many(AT_ONCE + 10))
    assert [one.created for one in first] == [AT_ONCE, 10], "in transactions of a few hundred"
    again = imported(many(AT_ONCE + 10))
    assert (total(again, "same"), total(again, "created"), total(again, "changed")) == (AT_ONCE + 10, 0, 0)
    with database.reading() as connection:
        assert [rows(connection, one) for one in (orders, parcels, events)] == [AT_ONCE + 10] * 3


def test_an_order_that_is_there_is_changed_where_the_line_says_something(imported, database, clock) -> None:
    imported(lines({"number": "1001", "email": "mara@post.example", "note": "Thank you", "tags": ["gift"]}))
    (counts,) = imported(lines({"number": "1001", "note": "", "shipments": [{"number": "JD014600"}]}))
    assert (counts.changed, counts.parcels) == (1, 1)
    with database.reading() as connection:
        book = book_of(clock)
        written = book.written(connection, book.find(connection, "main", "1001"))
    assert (written.email, written.note, written.tags) == ("mara@post.example", "", ("gift",))


def test_parcels_under_way_are_asked_about_one_after_the_other(imported, database, clock) -> None:
    imported(many(5))
    clock.advance(1)
    imported(lines({"number": "late", "shipments": [{"number": "JD999999"}]}))
    with database.reading() as connection:
        due = list(connection.scalars(select(parcels.c.due_at).order_by(parcels.c.due_at)))
    assert due == [NOON + APART * n for n in range(1, 7)], "the second import goes on where the first ends"
    assert timedelta(minutes=60) < APART * 10_000


def test_a_dry_run_counts_and_keeps_nothing(imported, database) -> None:
    assert total(imported(many(20), dry_run=True), "created") == 20
    with database.reading() as connection:
        assert [rows(connection, one) for one in (orders, parcels, events)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        ('{"number": ""}', "number", "Expected `str` of length >= 1"),
        ('{"number": "1", "emial": "x"}', "emial", "there is no 'emial'"),
        ('{"number": "1", "items": [{"name": "Boots", "quantity": "2"}]}', "items[0].quantity", "Expected `int`"),
        ('{"number": "1", "shipments": [{"number": "by hand"}]}', "shipments[0].number", ""),
        ('{"number": "1", "placed_at": "2026-11-20T10:00:00"}', "placed_at", "Expected `datetime` with a timezone"),
        ("[]", "", "Expected `object`, got `array`"),
        ("number,email", "", "JSON is malformed"),
        ("[" * 100_000, "", ""),
        ('"' + "x" * 1_000_001, "", "the line is longer than 1,000,000 bytes"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(line, column, problem) -> None:
    content = f'{{"number": "a"}}\n\n{line}\n\ufeff{{"number": "b"}}\n'.encode()
    read = list(JsonLines(BytesIO(content)).drafts())
    assert [one.number for one in read if one.change] == ["a", "b"]
    (found,) = (problem for one in read for problem in one.problems)
    assert (found.line, found.column) == (3, column)
    assert found.problem.startswith(problem)
    assert found.next_step


def test_a_line_that_is_not_utf_8_is_bad() -> None:
    (draft,) = JsonLines(BytesIO(b'{"number": "\xfc"}\n')).drafts()
    assert [one.problem for one in draft.problems] == ["it is not UTF-8 text"]


def test_bad_lines_are_given_back_to_be_mended_and_read_again(imported) -> None:
    source = JsonLines(BytesIO(b'{"number": "1", "country": "Germany"}\n{"number": 2\n'))
    imported(source.drafts())
    given = "".join(map(source.give_back, imported.bad))
    assert given.splitlines()[1] == '{"number": 2'
    assert "country: Expected `str` of length <= 2" in json.loads(given.splitlines()[0])["problem"]
    mended = given.replace("Germany", "DE").replace('{"number": 2', '{"number": "2"}')
    (counts,) = imported(JsonLines(BytesIO(mended.encode())).drafts())
    assert (counts.created, counts.bad) == (2, 0)


@pytest.mark.exhaustive
def test_memory_does_not_grow_with_the_file(new_sqlite, tmp_path, clock) -> None:
    database = Database(new_sqlite(tmp_path / "flat.db"), base=tmp_path)
    importer = Importer(
        database, Ledger(book_of(clock), Outbox({}, clock=clock), clock=clock), clock=clock, store="main"
    )
    tracemalloc.start()
    try:
        counts = importer.run(many(8 * AT_ONCE), refused=print)
        at = [tracemalloc.get_traced_memory()[0] for _ in islice(counts, 8)]
    finally:
        tracemalloc.stop()
        database.close_now()
    assert at[7] < at[2] * 1.5, "the file itself and caches are there from the start"


# The command.


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doorstep.toml").write_text(SETTINGS)
    return tmp_path


def doorstep(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="doorstep")


BAD = "number;country;shipment_number\n1001;DE;JD014600\n1002;Germany;\n"


def test_bad_rows_end_in_a_file_beside_and_that_file_is_imported_once_mended(desk: Path) -> None:
    (desk / "orders.csv").write_text(BAD)
    first = doorstep("orders", "import", "orders.csv")
    assert first.exit_code == 1
    assert "orders.csv: 1 new, 0 changed, 0 as they were, 1 bad" in first.output
    assert "line 3, country: Expected `str` of length <= 2: write two letters: DE" in first.output
    report = desk / "orders.bad.csv"
    report.write_text(report.read_text("utf-8-sig").replace("Germany", "DE"), "utf-8-sig")
    second = doorstep("orders", "import", "orders.bad.csv", "--json")
    told = json.loads(second.stdout)
    assert (second.exit_code, told["created"], told["bad"], told["report"]) == (0, 1, 0, None)
    assert doorstep("orders", "import", "orders.csv").exit_code == 1
    assert (desk / "orders.bad-2.csv").is_file(), "somebody may be mending the first"


def test_the_report_goes_where_it_is_wanted_but_never_over_the_file_itself(desk: Path) -> None:
    (desk / "orders.csv").write_text(BAD)
    assert doorstep("orders", "import", "orders.csv", "--report", "mend.csv").exit_code == 1
    assert (desk / "mend.csv").read_text("utf-8-sig").startswith("problem;number;country;shipment_number")
    assert doorstep("orders", "import", "orders.csv", "--report", "./orders.csv").exit_code == 2
    assert (desk / "orders.csv").read_text() == BAD


def test_wrong_usage_is_2_and_a_file_that_is_none_is_1(desk: Path) -> None:
    (desk / "orders.xlsx").write_bytes(b"PK")
    (desk / "orders.csv").write_text("order;mail\n1;x\n")
    assert doorstep("orders", "import", "orders.xlsx").exit_code == 2
    assert doorstep("orders", "import", "nowhere.csv").exit_code == 2
    assert doorstep("orders", "import", "orders.csv", "--store", "none").exit_code == 2
    wrong = doorstep("orders", "import", "orders.csv")
    assert (wrong.exit_code, "has no column 'number'" in wrong.output) == (1, True)


def test_orders_are_listed_and_shown_without_what_is_personal(desk: Path) -> None:
    assert "There is no order yet" in doorstep("orders", "list").output
    (desk / "orders.jsonl").write_text(
        json.dumps(
            {
                "number": "1001", "placed_at": "2026-11-20T09:30:00Z", "email": "mara@post.example",
                "postcode": "04109", "items": [{"name": "Boots"}], "shipments": [{"number": "JD014600"}],
            }
        )
    )  # fmt: skip
    assert doorstep("orders", "import", "orders.jsonl").exit_code == 0
    listed, shown = doorstep("orders", "list"), doorstep("orders", "show", "1001")
    as_json = [json.loads(doorstep("orders", *what, "--json").stdout) for what in (("list",), ("show", "1001"))]
    assert "1001    2026-11-20" in listed.output
    assert "1 × Boots" in shown.output
    assert "JD014600" in shown.output
    assert as_json[0][0]["id"] == as_json[1]["id"]
    for output in (listed.output, shown.output, str(as_json)):
        assert "mara" not in output
        assert "04109" not in output
    assert doorstep("orders", "show", "1002").exit_code == 1


WATCHED = """
import signal, sys
from doorstep.commands import orders as command
from doorstep.cli import main

add = command._Done.add
def told(done, counts):
    add(done, counts)
    print(done.created, flush=True)
command._Done.add = told
sys.argv = ["doorstep", "orders", "import", "orders.csv"]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would be deaf to it
main()
"""


def test_what_was_counted_is_there_after_kill_9_and_a_second_run_finishes(desk: Path) -> None:
    rows = "".join(f"{n};JD{n:010}\n" for n in range(3 * AT_ONCE))
    (desk / "orders.csv").write_text("number;shipment_number\n" + rows)
    with subprocess.Popen([sys.executable, "-c", WATCHED], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        assert run.stdout is not None
        counted = int(run.stdout.readline())
        os.kill(run.pid, signal.SIGKILL)
        counted = max([counted, *(int(line) for line in run.stdout if line.strip().isdigit())])
    connection = sqlite3.connect("doorstep.db")
    kept = connection.execute("SELECT count(*) FROM orders").fetchone()[0]
    connection.close()
    assert AT_ONCE <= counted <= kept
    told = json.loads(doorstep("orders", "import", "orders.csv", "--json").stdout)
    assert (told["created"] + told["same"], told["bad"]) == (3 * AT_ONCE, 0)
    assert told["same"] == kept


def test_ctrl_c_says_what_is_in(desk: Path) -> None:
    rows = "".join(f"{n};JD{n:010}\n" for n in range(20 * AT_ONCE))
    (desk / "orders.csv").write_text("number;shipment_number\n" + rows)
    with subprocess.Popen([sys.executable, "-c", WATCHED], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert int(run.stdout.readline()) == AT_ONCE
        os.kill(run.pid, signal.SIGINT)
        said = run.stdout.read().decode()
    assert "Stopped before the end. What is counted is in" in said
    assert run.returncode == 1
    counted = int(said[: said.index(" new")].split()[-1])
    connection = sqlite3.connect("doorstep.db")
    assert connection.execute("SELECT count(*) FROM orders").fetchone()[0] == counted
    connection.close()
