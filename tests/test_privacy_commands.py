"""`doorstep privacy`: a person's data handed out whole, and erased for good when it is said twice."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from doorstep.cli import main
from doorstep.order import Order
from doorstep.tables import orders

from .clock import FakeClock
from .person import EMAIL, SETTINGS, TRACES, Parts, config_of, everything


@pytest.fixture
def engine(database_url: str, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """What wrote everything down, beside the settings that the commands read."""
    monkeypatch.chdir(tmp_path)
    Path("doorstep.toml").write_text(SETTINGS.format(database=database_url))
    engine = Parts(config_of(database_url), clock)
    engine.database.open_now()
    everything(engine)
    with engine.database.writing() as connection:
        engine.orders.create(connection, "main", Order("B-2", email="nobody.else@mail.example", postcode="5004 X"))
    engine.database.close_now()
    return engine


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["privacy", *arguments], input=answer)


def kept(engine: Parts) -> list[bool]:
    """Of each order, the oldest first, whether it still has a person's data."""
    with engine.database.reading() as connection:
        found = list(connection.scalars(select(orders.c.contact.is_not(None)).order_by(orders.c.placed_at)))
    engine.database.close_now()
    return found


@pytest.mark.parametrize("asked", [("--order", "HP-40127"), ("--email", EMAIL.upper())])
def test_export_tells_everything_of_the_person_and_of_nobody_else(engine: Parts, asked: tuple[str, ...]) -> None:
    result = run("export", *asked)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [one["order"]["number"] for one in told["orders"]] == ["HP-40127"]
    assert [trace for trace in TRACES if trace not in result.stdout.lower()] == []
    assert told["orders"][0]["order"]["email"] == EMAIL
    assert told["orders"][0]["reports"][0]["data"]["text"] == "It is wet. O. Quillfeather"


def test_export_into_a_file_that_nobody_else_may_read(engine: Parts) -> None:
    result = run("export", "--email", EMAIL, "--out", "person.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("person.json").stat().st_mode & 0o777 == 0o600
    assert json.loads(Path("person.json").read_text())["store"] == "main"


def test_a_file_that_others_may_read_is_closed_to_them_first(engine: Parts) -> None:
    Path("person.json").touch(mode=0o644)
    assert run("export", "--email", EMAIL, "--out", "person.json").exit_code == 0
    assert Path("person.json").stat().st_mode & 0o777 == 0o600


def test_erase_asks_and_does_nothing_without_a_yes(engine: Parts) -> None:
    result = run("erase", "--email", EMAIL, answer="n\n")
    assert result.exit_code == 1
    assert "1 order for good" in result.output
    assert kept(engine) == [True, True]


def test_erase_after_a_yes(engine: Parts) -> None:
    result = run("erase", "--email", EMAIL, answer="y\n")
    assert result.exit_code == 0, result.output
    assert "Erased: 1 orders, 1 parcels, 4 events, 1 reports, 2 answers." in result.output
    assert kept(engine) == [False, True]
    again = run("export", "--email", EMAIL)
    assert (again.exit_code, "keeps no such order" in again.output) == (1, True)


def test_erase_for_scripts_counts_as_json(engine: Parts) -> None:
    result = run("erase", "--order", "HP-40127", "--yes", "--json")
    counts = {"orders": 1, "parcels": 1, "events": 4, "reports": 1, "answers": 2}
    assert (result.exit_code, json.loads(result.stdout)) == (0, counts)


def test_a_postcode_narrows_and_never_chooses(engine: Parts) -> None:
    assert run("erase", "--postcode", "5004 X", "--yes").exit_code == 2
    assert run("erase", "--email", EMAIL, "--postcode", "9999", "--yes").exit_code == 1
    assert kept(engine) == [True, True]
    assert run("erase", "--email", EMAIL, "--postcode", "5004x", "--yes").exit_code == 0
    assert kept(engine) == [False, True]


@pytest.mark.parametrize("command", ["export", "erase"])
def test_without_anybody_named_it_is_wrong_usage(engine: Parts, command: str) -> None:
    result = run(command)
    assert (result.exit_code, "--email" in result.output) == (2, True)


def test_with_another_secret_key_nothing_is_exported_and_the_way_out_is_named(engine: Parts) -> None:
    settings = Path("doorstep.toml").read_text().replace("a secret of", "another one, of")
    Path("doorstep.toml").write_text(settings)
    result = run("export", "--order", "HP-40127")
    assert result.exit_code == 1
    assert "put the former key back" in result.output


def test_what_cannot_be_read_any_more_can_still_be_erased(engine: Parts) -> None:
    settings = Path("doorstep.toml").read_text().replace("a secret of", "another one, of")
    Path("doorstep.toml").write_text(settings)
    assert run("erase", "--order", "HP-40127", "--yes").exit_code == 0
    assert kept(engine) == [False, True]
