"""`doorstep parse`: a carrier's raw answer from a file, without loss."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from doorstep.cli import main
from doorstep.scaffold import new_carrier

Parse = Callable[..., tuple[int, str]]
ANSWER = {
    "number": "BL482107352",
    "scans": [
        {"code": "DEL", "at": "2026-11-20T13:05:00+01:00", "town": "Utrecht", "words": "Delivered"},
        {"code": "X77", "at": "2026-11-20T09:00", "town": "Utrecht", "words": "Sorted twice"},
        {"code": "X77", "at": "2026-11-19T21:00", "town": "Zwolle", "words": "Sorted twice"},
        {"code": "COL", "at": "yesterday", "town": "Zwolle", "words": "Collected"},
    ],
}


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parse]:
    """Writes an answer to a file and parses it as Blue Line's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    new_carrier("Blue Line", tmp_path, shop=True)

    def run(body: object, *options: str) -> tuple[int, str]:
        Path("answer").write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
        result = CliRunner().invoke(main, ["parse", "blue_line", "answer", *options])
        return result.exit_code, result.output

    yield run
    sys.modules.pop("doorstep_blue_line", None)


def test_every_scan_with_its_code_text_and_what_is_known_of_its_time(parse: Parse) -> None:
    code, output = parse(ANSWER, "--json")
    parsed = json.loads(output)
    assert code == 0
    assert set(parsed) == {"shipments", "unmapped"}
    shipment = parsed["shipments"][0]
    assert (shipment["number"], shipment["carrier"], shipment["status"], shipment["final"]) == (
        "BL482107352", "blue_line", "delivered", True,
    )  # fmt: skip
    assert [event["code"] for event in shipment["events"]] == ["DEL", "X77", "X77", "COL"]
    assert shipment["events"][0]["moment"] == {
        "raw": "2026-11-20T13:05:00+01:00", "instant": "2026-11-20T12:05:00Z", "offset": "+01:00",
        "precision": "second", "basis": "offset", "local": "2026-11-20T13:05:00",
    }  # fmt: skip
    assert shipment["events"][1]["moment"]["precision"] == "minute"
    assert shipment["events"][3]["moment"] == {
        "raw": "yesterday", "instant": None, "offset": None, "precision": "minute", "basis": "unknown", "local": None,
    }  # fmt: skip
    assert shipment["events"][0]["place"]["city"] == "Utrecht"


def test_what_cannot_be_mapped_is_listed_counted_and_still_shown(parse: Parse) -> None:
    parsed = json.loads(parse(ANSWER, "--json")[1])
    assert parsed["unmapped"] == [{"code": "X77", "text": "Sorted twice", "events": 2}]
    assert [event["status"] for event in parsed["shipments"][0]["events"]] == [
        "delivered", "unknown", "unknown", "accepted",
    ]  # fmt: skip


def test_a_number_that_is_not_known_is_said_and_no_error(parse: Parse) -> None:
    code, output = parse(b"{}", "--status", "404", "--json")
    assert code == 0
    assert json.loads(output) == {
        "shipments": [], "unmapped": [], "not_found": "the carrier does not know this number",
    }  # fmt: skip
    assert parse(b"{}", "--status", "404")[1].startswith("not found:")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"number": 17}'])
def test_what_is_no_answer_ends_with_1_and_a_reason(parse: Parse, body: bytes) -> None:
    code, output = parse(body, "--json")
    assert code == 1
    assert "doorstep: the answer" in output


def test_a_plugin_that_raises_is_named(parse: Parse) -> None:
    file = Path("plugins/doorstep_blue_line/__init__.py")
    file.write_text(file.read_text().replace("events = tuple(", "events = {}['x'] or tuple("))
    code, output = parse(ANSWER)
    assert code == 1
    assert "the plugin raised KeyError" in output


def test_a_carrier_that_cannot_be_read_is_named_with_those_that_can(parse: Parse) -> None:
    Path("answer").write_text("{}")
    for slug in ("red_line", "speedee"):
        result = CliRunner().invoke(main, ["parse", slug, "answer"])
        assert result.exit_code == 1
        assert f"no installed plugin can read answers of '{slug}': one of " in result.output
        assert "blue_line" in result.output


def test_as_text_it_is_a_table(parse: Parse) -> None:
    lines = parse(ANSWER)[1].splitlines()
    assert lines[0] == "BL482107352  blue_line: delivered, final"
    assert lines[1].split() == ["2026-11-20", "12:05", "UTC", "DEL", "delivered", "Utrecht,", "NL", "Delivered"]
    assert "yesterday (instant unknown)" in lines[4]
    assert lines[-1].strip() == "X77, 2 times: Sorted twice"
