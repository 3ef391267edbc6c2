"""What others wrote is only looked at in a terminal: it moves no cursor, turns no direction, and begins no line of its own."""

import asyncio
import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from doorstep import Event, Place, Shipment, Status, terminal
from doorstep.answers import Answers
from doorstep.cli import main
from doorstep.lines import escaped
from doorstep.order import Order
from doorstep.outbox import Outbox
from doorstep.parsing import Parsed

from .acme import at
from .bookkeeping import Books
from .filling import Filling
from .hostile import GIVEN

EVIL = "ZQ\x1b[2J\x1b]0;owned\x07\x9b31m\x90q\x9c\u202e\u2066\u2028\u2029\r\nowned: yes\x00\x7f\x08"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066\u2067\u061c\u200e\u200f]")
SETTINGS = 'database = "{}"\nsecret_key = "{}"\n[stores.shop]\nname = "Shop"\n'


@pytest.fixture
def run(
    tmp_path: Path, database_url: str, database: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """A command in the folder of a shop whose one order, and what was answered about it, are hostile in every field."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doorstep.toml").write_text(SETTINGS.format(database_url, "x" * 32))
    number = {"number": "1001", "shipments[].number": "SPY100001", "shipments[].carrier": "acme", "items[].id": "b"}
    wanted = Filling(EVIL, GIVEN["order"] | number).made(Order)
    with database.writing() as connection:
        kept = Books(database, clock).orders.create(connection, "shop", wanted)
        Books(database, clock).orders.create(connection, "shop", structs.replace(wanted, number="\x9b2J\u202e1002"))
    answers = Answers(database, Outbox({}, clock=clock), clock=clock)
    said = {"comment": EVIL, "own": [EVIL], "share": True, "name": EVIL}
    asyncio.run(answers.save("shop", "survey", kept.id, "said", said, order=(kept.id, kept.order.number)))
    return lambda *arguments: CliRunner().invoke(main, [*arguments])


def assert_quiet(output: str) -> None:
    assert not CONTROL.search(output), CONTROL.findall(output)
    assert not re.search("^owned", output, re.MULTILINE)


@pytest.mark.fault(34)
def test_no_command_prints_what_a_terminal_would_obey(run: Callable[..., Result]) -> None:
    for command in (
        "orders list",
        "orders show 1001",
        "answers list",
        "messages queue",
        "messages why 1001",
        "link 1001",
    ):
        for form in ((), ("--json",)):
            result = run(*command.split(), *form)
            assert result.exit_code == 0, (command, result.output)
            assert_quiet(result.output)
            if form:
                json.loads(result.output)
    assert "owned: yes" in run("orders", "show", "1001").output, "it is shown, on a line of something else"
    shown = json.loads(run("orders", "show", "1001", "--json").output)
    assert "\x9b31m" in shown["items"][0]["name"], "and nothing is lost for a program"


def test_a_file_that_is_imported_says_nothing_to_the_terminal(run: Callable[..., Result], tmp_path: Path) -> None:
    with (tmp_path / "orders.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["number", "email", EVIL, "quantity"], [EVIL, EVIL, EVIL, EVIL], ["1", EVIL, "", "x"]]
        )
    result = run("orders", "import", "orders.csv")
    assert result.exit_code == 1
    assert_quiet(result.output)


def test_a_carriers_answer_says_nothing_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    scan = Event(at(20), Status.IN_TRANSIT, code=EVIL, text=EVIL, place=Place(EVIL, name=EVIL))
    parsed = Parsed((Shipment(EVIL, (scan,), carrier_name=EVIL),), ())
    terminal.say(*terminal.parsed_lines(parsed))
    assert_quiet(capsys.readouterr().out)


def test_json_for_a_terminal_is_the_same_to_a_program() -> None:
    value = json.dumps({"text": EVIL, "more": ["é", "日本", "\u2068x\u2069"]}, ensure_ascii=False)
    assert not CONTROL.search(escaped(value))
    assert json.loads(escaped(value)) == json.loads(value)
