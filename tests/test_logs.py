"""Logs are lines of JSON on stderr that tell what happened and to nobody of whom."""

import json
import re
import unicodedata

import httpx2
import pytest
import structlog
from starlette.applications import Starlette

from doorstep.logs import configure
from doorstep.serving import on_loopback


@pytest.fixture
def lines(capsys):
    """`lines()`: what was logged since, each line read as JSON."""
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    structlog.reset_defaults()


@pytest.mark.fault(34)
def test_an_event_is_one_line_of_json_whatever_is_in_it(lines):
    configure()
    structlog.get_logger().warning("carrier did not answer", reason='two\nlines "and" \u202e more')
    (entry,) = lines()
    assert (entry["event"], entry["level"]) == ("carrier did not answer", "warning")
    assert entry["reason"] == 'two lines "and" more'
    assert entry["timestamp"].endswith("Z")


def test_a_traceback_names_places_and_no_values(lines):
    def ask(number, key):
        raise ExceptionGroup(f"about {number}", [KeyError(key), ValueError(number)]) from LookupError(key)

    configure()
    try:
        ask("1ZD0R5TP0373116441", "hunter2")
    except ExceptionGroup as error:
        error.add_note("of hunter2")
        structlog.get_logger().exception("a page failed")
    (entry,) = lines()
    assert entry["exception"][0]["exc_type"] == "ExceptionGroup"
    assert entry["exception"][0]["frames"][-1]["name"] == "ask"
    assert "1ZD0R5TP0373116441" not in str(entry)
    assert "hunter2" not in str(entry)


def test_on_a_terminal_too_nobody_begins_a_line_or_moves_the_cursor(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    configure()
    forged = "gone\r\n2026-11-22 [info] all is well \x1b[2J\x9b2J\u202e"
    structlog.get_logger().warning("no " + forged, reason=forged, several=[forged])
    structlog.reset_defaults()
    told = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().err)  # its own colours
    assert len(told.splitlines()) == 1
    assert not [char for char in told.removesuffix("\n") if unicodedata.category(char) in ("Cc", "Cf")]


@pytest.mark.parametrize(("verbose", "told"), [(False, ["shown"]), (True, ["hidden", "shown"])])
def test_debug_lines_are_for_those_who_ask_for_them(lines, verbose, told):
    configure(verbose=verbose)
    log = structlog.get_logger()
    log.debug("hidden")
    log.info("shown")
    assert [entry["event"] for entry in lines()] == told


def test_who_opened_which_page_is_not_logged(capfd):
    configure()
    with on_loopback(Starlette()) as url:
        assert httpx2.get(f"{url}/track/1ZD0R5TP0373116441", trust_env=False).status_code == 404
    assert "".join(capfd.readouterr()) == ""
