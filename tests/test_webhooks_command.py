"""`doorstep webhooks`: an operator sees what waits and what was given up, tries an endpoint, and sends again."""

import asyncio
import base64
import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from doorstep.cli import main
from doorstep.outbox import TYPES

from .clock import FakeClock
from .outgoing import SECRET, Desk, ids, is_signed, webhook
from .servers import free_port, hostile, reply

pytestmark = pytest.mark.anyio
PATIENT = 30
OK = reply(204, b"")
SETTINGS = """
database = "{database}"
[stores.main]
name = "Shop"
[stores.main.webhooks.erp]
url = "{url}"
secret = ["{secret}"]
[stores.main.webhooks.crm]
url = "{url}"
secret = ["{secret}"]
events = ["order.created"]
"""


@pytest.fixture
def run(tmp_path, database_url, monkeypatch):
    """`run("list", url=…)`: the command with settings of this test's database, and its endpoints at `url`."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments, url="http://127.0.0.1:9/"):
        (tmp_path / "doorstep.toml").write_text(SETTINGS.format(database=database_url, url=url, secret=SECRET))
        return CliRunner().invoke(main, ["webhooks", *arguments])

    return command


@pytest.fixture
async def given_up(database):
    """The desk of a store whose endpoint said that it is gone, with one event."""
    async with hostile(reply(410)) as shop:
        desk = Desk(database, FakeClock(), {"erp": webhook(shop.url)})
        desk.id = desk.put(data={"order": {"number": "PRIVATE"}})
        await desk.deliverer().run_once(wait=PATIENT)
        desk.url = shop.url
        yield desk
        await desk.close()


async def in_a_thread(call):
    """The command runs a loop of its own; the endpoint answers in this one."""
    return await asyncio.to_thread(call)


async def test_list_shows_what_became_of_each_event_and_who_is_left_alone(run, given_up):
    waiting = given_up.put("order.created")
    result = run("list", "--json")
    assert result.exit_code == 0, result.output
    told = msgspec.json.decode(result.output)
    assert told["left_alone"] == [{"endpoint": "erp", "failures": 1, "paused_until": None}]
    assert told["deliveries"] == [
        {
            "event": waiting, "type": "order.created", "at": "2026-11-22T12:00:00Z", "endpoint": "erp",
            "state": "pending", "attempts": 0, "next_at": "2026-11-22T12:00:00Z", "error": "", "delivered_at": None,
        },
        {
            "event": given_up.id, "type": "shipment.delivered", "at": "2026-11-22T12:00:00Z", "endpoint": "erp",
            "state": "dead", "attempts": 1, "next_at": None, "error": "HTTP 410", "delivered_at": None,
        },
    ]  # fmt: skip
    assert "PRIVATE" not in result.output


async def test_list_for_people_and_by_state(run, given_up):
    waiting = given_up.put("order.created")
    lines = run("list").output.splitlines()
    assert lines[0] == "erp is left alone for good: it said that it is gone"
    assert [" ".join(line.split()) for line in lines[1:]] == [
        f"2026-11-22 12:00Z {waiting} order.created erp pending 0 attempts",
        f"2026-11-22 12:00Z {given_up.id} shipment.delivered erp dead 1 attempt HTTP 410",
    ]
    dead = msgspec.json.decode(run("list", "--state", "dead", "--json").output)["deliveries"]
    assert [one["event"] for one in dead] == [given_up.id]
    newest = msgspec.json.decode(run("list", "--limit", "1", "--json").output)["deliveries"]
    assert [one["event"] for one in newest] == [waiting]


def test_list_of_nothing(run):
    result = run("list")
    assert (result.exit_code, result.output) == (0, "no delivery\n")


async def test_what_was_given_up_is_sent_again_under_its_id(run, given_up):
    result = run("replay", "--dead", url=given_up.url)
    assert (result.exit_code, result.output) == (0, "1 to be sent again\n")
    async with hostile(OK) as shop:
        later = Desk(given_up.database, given_up.clock, {"erp": webhook(shop.url)})
        given_up.clock.advance(24 * 3600 * 365)
        await later.deliverer().run_once(wait=PATIENT)
        assert ids(shop.requests) == [given_up.id]
        await later.close()
    assert msgspec.json.decode(run("replay", "--dead", "--json").output) == {"replayed": 0}


async def test_one_event_is_sent_again_to_one_endpoint_or_all_that_want_it(run, given_up):
    assert msgspec.json.decode(run("replay", given_up.id, "--json").output) == {"replayed": 1}
    assert given_up.states("crm") == [], "it does not want to hear of deliveries"
    assert run("replay", given_up.id, "--endpoint", "crm").exit_code == 0
    assert (given_up.states("erp"), given_up.states("crm")) == (["pending"], ["pending"])


def test_an_event_that_is_not_there_is_named(run):
    result = run("replay", "evt_gone")
    assert result.exit_code == 1
    assert result.output == "doorstep: there is no event 'evt_gone': doorstep webhooks list shows them\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "evt_1", "--dead"],
        ["replay", "--dead", "--endpoint", "pos"],
        ["test", "pos"],
        ["test", "erp", "--store", "other"],
        ["list", "--state", "lost"],
    ],
)
def test_wrong_usage_ends_with_2(run, arguments):
    assert run(*arguments).exit_code == 2


async def test_an_endpoint_is_tried_with_a_signed_event_that_is_kept_nowhere(run, database):
    async with hostile(OK) as shop:
        result = await in_a_thread(lambda: run("test", "erp", url=shop.url))
        (seen,) = shop.requests
    assert (result.exit_code, result.output) == (0, "erp: HTTP 204, accepted\n")
    assert msgspec.json.decode(seen.body)["type"] == "webhook.test"
    assert msgspec.json.decode(seen.body)["data"] == {"store": "main"}
    assert is_signed(seen)
    assert Desk(database, FakeClock(), {}).rows("id") == []


async def test_an_endpoint_that_does_not_accept_ends_with_1(run):
    async with hostile(reply(404)) as shop:
        result = await in_a_thread(lambda: run("test", "erp", "--json", url=shop.url))
    assert result.exit_code == 1
    assert msgspec.json.decode(result.output) == {"accepted": False, "answer": "HTTP 404"}
    refused = await in_a_thread(lambda: run("test", "erp", url=f"http://127.0.0.1:{free_port()}/"))
    assert (refused.exit_code, refused.output) == (1, "erp: no connection: ConnectError, not accepted\n")


def test_a_secret_is_32_random_bytes():
    first, second = (CliRunner().invoke(main, ["webhooks", "secret"]).output for _ in range(2))
    assert first != second
    assert first.endswith("\n")
    assert len(base64.b64decode(first.strip().removeprefix("whsec_"), validate=True)) == 32


def test_every_type_of_event_is_on_the_page():
    page = (Path(__file__).parent.parent / "docs" / "webhooks.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(TYPES)
