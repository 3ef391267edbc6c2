"""`doorstep messages queue` and `why`: what waits, and why something was said or was not."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from doorstep.cli import main
from doorstep.database import Database
from doorstep.models import Status

from .clock import FakeClock
from .orders import KEY, order
from .talking import Talk

SETTINGS = """
secret_key = "{key}"
database = "{database}"
[channels.post]
channel = "post"
[stores.main]
name = "Shop"
[stores.main.messages]
channels = ["post"]
"""


@pytest.fixture
def run(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`run("queue")`: the command, in a shop in which an order's parcel was just seen on its way."""
    monkeypatch.chdir(tmp_path)
    Path("doorstep.toml").write_text(SETTINGS.format(key=KEY.reveal(), database=database_url))
    database, clock = Database(database_url, base=tmp_path), FakeClock()
    talk = Talk(database, clock)
    talk.moves(talk.place(order("1001", "NW11")).parcels[0].id, Status.IN_TRANSIT)
    asyncio.run(talk.life().work_off())
    database.close_now()
    return lambda *arguments: CliRunner().invoke(main, ["messages", *arguments], catch_exceptions=False)


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout)


def test_queue_lists_what_waits_and_when_it_is_due(run: Callable[..., Result]) -> None:
    (one,) = told(run("queue", "--json"))["messages"]
    assert (one["order"], one["kind"], one["channel"], one["state"]) == ("1001", "on_its_way", "post", "waiting")
    assert (one["due_at"], one["until"]) == ("2026-11-22T12:10:00Z", "2026-11-24T12:00:00Z")
    lines = run("queue").stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["order", "message", "channel", "state", "when"],
        ["1001", "on_its_way", "post", "waiting", "2026-11-22", "12:10Z"],
    ]


def test_why_says_of_each_occasion_what_came_of_it_or_why_nothing_did(run: Callable[..., Result]) -> None:
    found = told(run("why", "1001", "--json"))
    assert found["order"] == "1001"
    by_kind = {one["kind"]: one for one in found["messages"]}
    assert by_kind["on_its_way"]["state"] == "waiting"
    assert by_kind["on_its_way"]["parcel"] == "NW11"
    # The settings name a channel that no plugin offers here.
    reasons = {kind: one["reason"] for kind, one in by_kind.items()}
    assert reasons["delivered"] == "not yet"
    assert reasons["survey"] == "the shop has nothing to show for it"
    text = run("why", "1001").stdout
    assert "due 2026-11-22 12:10Z" in text


def test_an_order_that_there_is_not_is_named_with_the_next_step(run: Callable[..., Result]) -> None:
    result = run("why", "4711")
    assert result.exit_code != 0
    assert "there is no order '4711'" in result.output
