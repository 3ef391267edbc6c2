"""What hangs, dies, comes twice or is set wrongly: no endpoint waits for another, every event arrives at least once."""

import asyncio
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from doorstep import delivery as module
from doorstep.config import parse
from doorstep.database import Database
from doorstep.delivery import Deliverer
from doorstep.engine import create_engine
from doorstep.errors import ConfigError
from doorstep.metrics import Metrics
from doorstep.outbox import LEASE, Queue
from doorstep.tables import deliveries, troubles

from .clock import FakeClock
from .outgoing import SECRET, Desk, desks, ids, webhook
from .servers import drip, flood, hang_up, hostile, reply, silence, until

pytestmark = pytest.mark.anyio
OK = reply(204, b"")
PATIENT = 30  # seconds: endpoints of these tests answer at once, on a machine that may be busy


@pytest.fixture
async def desk_of(database, clock):
    """`desk_of(erp=webhook(url))`: the store's outbox with these endpoints."""
    async with desks(database, clock) as make:
        yield make


# Slow endpoints


async def test_an_endpoint_that_does_not_answer_is_hung_up_on(desk_of):
    async with hostile(silence) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        await desk.deliverer(patience=2).run_once(wait=PATIENT)
        await until(shop.left.is_set)
    assert desk.rows("state", "error") == [("pending", "no answer within 2 s")]


async def test_an_endpoint_has_fifteen_seconds():
    assert module._PATIENCE == 15
    assert timedelta(seconds=2 * module._PATIENCE) < LEASE, "nobody else may take what is still being sent"


async def test_an_endpoint_that_hangs_delays_its_own_events_only(desk_of):
    async with hostile(silence) as slow, hostile(OK) as quick:
        desk = desk_of(erp=webhook(slow.url), crm=webhook(quick.url))
        deliverer = desk.deliverer()
        first = desk.put()
        await _until_idle(deliverer, lambda: desk.states("crm") == ["delivered"])
        second = desk.put()
        await _until_idle(deliverer, lambda: desk.states("crm") == ["delivered"] * 2)
        assert ids(quick.requests) == [first, second]
        assert ids(slow.requests) == [first]
    assert desk.states("erp") == ["pending", "pending"]


async def _until_idle(deliverer, condition):
    async with asyncio.timeout(PATIENT):
        while not condition():
            await deliverer.run_once(wait=0.05)


async def test_the_status_counts_whatever_becomes_of_the_body(desk_of):
    async with hostile(drip) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        await desk.deliverer().run_once(wait=PATIENT)
        await until(shop.left.is_set)
    assert desk.states() == ["delivered"]


async def test_a_long_answer_is_not_read(desk_of):
    shops = []
    async with hostile(flood(shops, 256 * 2**20)) as shop:
        shops.append(shop)
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        await desk.deliverer().run_once(wait=PATIENT)
        await until(shop.left.is_set)
        assert shop.sent < 16 * 2**20, "what buffers on the way hold, and no more"
    assert desk.states() == ["delivered"]


async def test_closing_cuts_off_what_hangs_and_it_is_sent_again(desk_of, monkeypatch):
    monkeypatch.setattr(module, "_FAREWELL", 0.05)
    async with hostile(silence, OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        event, deliverer = desk.put(), desk.deliverer()
        assert await deliverer.run_once(wait=0) == 0
        await until(lambda: len(shop.requests) == 1)
        await deliverer.aclose()
        desk.clock.advance(LEASE.total_seconds())
        assert await desk.deliverer().run_once(wait=PATIENT) == 1
        assert ids(shop.requests) == [event, event]


async def test_closing_settles_what_is_under_way_and_takes_nothing_more(desk_of):
    async def late(writer):
        await asyncio.sleep(0.1)
        await OK(writer)

    async with hostile(late) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        desk.put()
        deliverer = desk.deliverer()
        await deliverer.run_once(wait=0)
        await until(lambda: len(shop.requests) == 1)
        await deliverer.aclose()
    assert desk.states() == ["delivered", "pending"]


# At least once


_WORKER = """
import asyncio, sys
from pathlib import Path
from doorstep.clock import SystemClock
from doorstep.config import Webhook
from doorstep.database import Database
from doorstep.delivery import Deliverer
from doorstep.metrics import Metrics
from doorstep.secret import Secret

async def main(database, url, secret):
    database = Database(database, base=Path())
    webhooks = {"main": {"erp": Webhook(url, (Secret(secret),))}}
    await Deliverer(database, webhooks, clock=SystemClock(), metrics=Metrics()).run_once(wait=60)

asyncio.run(main(*sys.argv[1:]))
"""


def _worker(database_url, url):
    return subprocess.Popen([sys.executable, "-c", _WORKER, database_url, url, SECRET])


async def _arrival(shop, worker):
    async with asyncio.timeout(60):
        while not shop.requests and worker.poll() is None:  # noqa: ASYNC110  # what changes it is another process
            await asyncio.sleep(0.01)


async def test_killed_between_sending_and_writing_it_down_it_is_sent_again_under_the_same_id(database, database_url):
    with ExitStack() as lock:

        def choose(seen):
            if len(shop.requests) == 1:  # from here on the worker cannot write down that it sent it
                lock.enter_context(database.writing()).execute(select(deliveries).with_for_update())
            return OK

        async with hostile(choose=choose) as shop:
            desk = Desk(database, FakeClock(datetime.now(UTC)), {"erp": webhook(shop.url)})
            event = desk.put()
            with _worker(database_url, shop.url) as worker:
                await _arrival(shop, worker)
                worker.kill()
            assert worker.returncode == -signal.SIGKILL
            lock.close()
            deliverer = desk.deliverer()
            assert await deliverer.run_once(wait=PATIENT) == 0, "the lease of the dead still holds"
            desk.clock.advance(2 * LEASE.total_seconds() + 60)
            assert await deliverer.run_once(wait=PATIENT) == 1
            assert ids(shop.requests) == [event, event]
            assert desk.states() == ["delivered"]
            await desk.close()


@pytest.mark.fault(42)
async def test_two_deliverers_share_the_work_and_send_nothing_twice(desk_of, database_url, tmp_path):
    async with hostile(OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        happened = [desk.put() for _ in range(40)]
        other = Database(database_url, base=tmp_path)
        await other.open()
        elsewhere = Desk(other, desk.clock, desk.webhooks["main"])
        made = await asyncio.gather(
            desk.deliverer().run_once(wait=PATIENT), elsewhere.deliverer().run_once(wait=PATIENT)
        )
        assert sum(made) == 40
        assert min(made) > 0
        assert sorted(ids(shop.requests)) == sorted(happened)
        await elsewhere.close()
        await other.close()


def test_whose_lease_has_ended_settles_nothing(database, clock):
    desk = Desk(database, clock, {"erp": webhook("https://shop.example/hooks")})
    desk.put()
    queue = Queue("main", "erp", "https://shop.example/hooks")
    with database.writing() as connection:
        slow = queue.take(connection, clock.now())
        assert queue.take(connection, clock.now()) is None
        clock.advance(LEASE.total_seconds())
        quick = queue.take(connection, clock.now())
        queue.settle(connection, slow, "dead", clock.now())
    assert desk.rows("state", "attempts") == [("pending", 0)]
    with database.writing() as connection:
        queue.settle(connection, quick, "delivered", clock.now())
        queue.settle(connection, slow, "dead", clock.now())
    assert desk.rows("state", "attempts") == [("delivered", 1)]


async def test_what_was_delivered_is_sent_again_when_it_is_replayed(desk_of):
    async with hostile(OK) as erp, hostile(OK) as crm:
        desk = desk_of(erp=webhook(erp.url), crm=webhook(crm.url))
        event, deliverer = desk.put(), desk.deliverer()
        await deliverer.run_once(wait=PATIENT)
        with desk.database.writing() as connection:
            assert desk.outbox.replay(connection, event, "crm") == 1
            assert desk.outbox.replay(connection, "evt_unknown") == 0
        assert await deliverer.run_once(wait=PATIENT) == 1
        assert (ids(erp.requests), ids(crm.requests)) == ([event], [event, event])
        assert erp.requests[0].body == crm.requests[1].body


async def test_an_endpoint_that_came_later_is_told_by_a_replay(desk_of):
    async with hostile(OK) as late:
        event = desk_of().put()
        desk = desk_of(erp=webhook(late.url), crm=webhook(late.url, "order.created"))
        with desk.database.writing() as connection:
            assert desk.outbox.replay(connection, event) == 1
        await desk.deliverer().run_once(wait=PATIENT)
        assert ids(late.requests) == [event]
        assert desk.states("crm") == []


# What is told, and what not


async def test_neither_addresses_nor_secrets_nor_what_was_told_is_logged_or_kept_beside_it(desk_of):
    async with hostile(reply(500, b"PRIVATE answer"), reply(503), hang_up) as shop:
        desk = desk_of(erp=webhook(f"{shop.url}/hooks?key=PRIVATE"))
        for _ in range(3):
            desk.put(data={"order": {"number": "PRIVATE"}})
        deliverer = desk.deliverer()
        with capture_logs() as logs:
            for _ in range(3):
                await deliverer.run_once(wait=PATIENT)
                desk.clock.advance(60)
    assert len(shop.requests) >= 3
    assert logs
    told = repr(logs) + repr(desk.rows("error", "endpoint"))
    assert "PRIVATE" not in told
    assert SECRET not in told
    with desk.database.reading() as connection:
        assert "PRIVATE" not in repr(connection.execute(select(troubles)).all())


# Settings that cannot work


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("erp", webhook("https://shop.example/", secrets=()), "stores.main.webhooks.erp.secret is empty: "),
        ("erp", webhook("https://shop.example/", secrets=("x",)), "stores.main.webhooks.erp.secret is not whsec_ and "),
        *(
            ("erp", webhook(url), "stores.main.webhooks.erp.url: ")
            for url in (
                "https://[::1/",
                "https:///hooks",
                "https://shop..example/",
                f"https://{'s' * 64}.example/",
                "https://shop.example:65536/",
                "https://shop.example:0/",
            )
        ),
        (
            "erp",
            webhook("https://shop.example/", "shipment.deliverd"),
            "stores.main.webhooks.erp.events: there is no 'shipment.deliverd': did you mean 'shipment.delivered'?",
        ),
        ("e" * 65, webhook("https://shop.example/"), f"stores.main.webhooks.{'e' * 65}: the name is not good: "),
        ("a.b", webhook("https://shop.example/"), "stores.main.webhooks.a.b: the name is not good: "),
    ],
)
def test_a_webhook_that_cannot_work_is_named_at_start(tmp_path, clock, name, settings, message):
    database = Database("sqlite:///none.db", base=tmp_path)
    with pytest.raises(ConfigError) as caught:
        Deliverer(database, {"main": {name: settings}}, clock=clock, metrics=Metrics())
    assert str(caught.value).startswith(message)
    database.close_now()


def test_the_engine_refuses_to_start_with_it(tmp_path):
    text = """
        secret_key = "thirty-two characters or more, please"
        [stores.main]
        name = "Shop"
        [stores.main.webhooks.erp]
        url = "https://shop.example/hooks"
        secret = ["not one"]
    """
    with pytest.raises(ConfigError, match=r"stores\.main\.webhooks\.erp\.secret .*doorstep webhooks secret"):
        create_engine(parse(text, file="doorstep.toml", environ={}, base=tmp_path), packages=[])
