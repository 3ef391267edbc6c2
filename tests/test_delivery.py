"""The outbox goes out: signed, in order, again over days where it is not taken, and never to who is gone."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from doorstep import delivery as module
from doorstep.delivery import Message
from doorstep.signing import new_secret
from doorstep.tables import events

from .outgoing import Desk, desks, ids, is_signed, webhook
from .servers import free_port, hang_up, hostile, raw, reply

pytestmark = pytest.mark.anyio
OK = reply(204, b"")
MINUTE, HOUR = 60, 3600
# The sample schedule of Standard Webhooks: seconds from one attempt to the next.
GAPS = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
LONGEST_JITTER = 1.2
PATIENT = 30  # seconds: endpoints of these tests answer at once, on a machine that may be busy


@pytest.fixture
async def desk_of(database, clock):
    """`desk_of(erp=webhook(url))`: the store's outbox with these endpoints."""
    async with desks(database, clock) as make:
        yield make


# What arrives


async def test_an_event_arrives_once_signed_as_it_was_written(desk_of):
    async with hostile(OK) as shop:
        desk = desk_of(erp=webhook(f"{shop.url}/hooks?key=1"))
        event = desk.put("shipment.delivered", {"order": {"id": "ord_1", "number": "1001"}})
        desk.clock.advance(90)
        deliverer = desk.deliverer()
        assert await deliverer.run_once(wait=PATIENT) == 1
        assert await deliverer.run_once(wait=PATIENT) == 0
        (seen,) = shop.requests
    assert (seen.method, seen.target) == ("POST", "/hooks?key=1")
    # Noon, when it happened; the attempt is a minute and a half later: 2026-11-22T12:01:30Z.
    assert seen.body == (
        b'{"type":"shipment.delivered","timestamp":"2026-11-22T12:00:00Z",'
        b'"data":{"order":{"id":"ord_1","number":"1001"}}}'
    )
    assert seen.headers["webhook-id"] == event
    assert seen.headers["webhook-timestamp"] == str(int(datetime(2026, 11, 22, 12, 1, 30, tzinfo=UTC).timestamp()))
    assert seen.headers["content-type"] == "application/json"
    assert is_signed(seen)
    assert desk.rows("state", "attempts", "next_at", "error") == [("delivered", 1, None, "")]
    assert desk.rows("delivered_at") == [(desk.clock.now(),)]
    assert desk.counted("delivered") == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_success(desk_of, status):
    async with hostile(reply(status, b"")) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        await desk.deliverer().run_once(wait=PATIENT)
    assert desk.states() == ["delivered"]


async def test_events_arrive_in_the_order_in_which_they_happened(desk_of):
    async with hostile(OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        happened = [desk.put() for _ in range(12)]
        assert await desk.deliverer().run_once(wait=PATIENT) == 12
        assert ids(shop.requests) == happened
        assert shop.most_at_once == 1


async def test_events_share_a_connection(desk_of):
    connections = []

    async def answer(reader, writer):
        connections.append(writer)
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"ok":true}')

    async def serve(reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await answer(reader, writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        desk = desk_of(erp=webhook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
        for _ in range(5):
            desk.put()
        assert await desk.deliverer().run_once(wait=PATIENT) == 5
        assert len(connections) == 1
        await desk.close()


async def test_an_endpoint_hears_the_types_it_wants_and_its_own_store(desk_of):
    async with hostile(OK) as all_of_it, hostile(OK) as some:
        desk = desk_of(erp=webhook(all_of_it.url), crm=webhook(some.url, "order.created", "shipment.delivered"))
        created, updated = desk.put("order.created"), desk.put("order.updated")
        desk.put("order.created", store="other")
        await desk.deliverer().run_once(wait=PATIENT)
        assert ids(all_of_it.requests) == [created, updated]
        assert ids(some.requests) == [created]


async def test_while_a_secret_is_changed_both_holders_accept(desk_of):
    new, old = new_secret(), new_secret()
    async with hostile(OK) as shop:
        desk = desk_of(erp=webhook(shop.url, secrets=(new, old)))
        desk.put()
        await desk.deliverer().run_once(wait=PATIENT)
        (seen,) = shop.requests
    assert is_signed(seen, new)
    assert is_signed(seen, old)
    assert not is_signed(seen, new_secret())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=30,
)


@pytest.fixture
def kept_data(database, clock):
    """`kept_data(data)`: what the outbox keeps of an event's data, and the webhook made of it."""
    desk = Desk(database, clock, {})

    def keep(data):
        id = desk.put(data=data)
        with database.reading() as connection:
            row = connection.execute(select(events).where(events.c.id == id)).one()
        return row.data, Message(row.id, row.type, row.at, row.data).body()

    return keep


def test_a_webhook_carries_what_was_put_and_nothing_beside_it(kept_data):
    @given(data=st.dictionaries(st.text(max_size=20), JSON, min_size=1, max_size=5))
    def holds(data):
        kept, body = kept_data(data)
        assert msgspec.json.decode(kept) == data
        told = {"type": "shipment.delivered", "timestamp": "2026-11-22T12:00:00Z", "data": data}
        assert msgspec.json.decode(body) == told

    holds()


def test_of_data_that_are_too_large_the_largest_are_left_out_and_named(kept_data):
    order = {"id": "ord_1", "number": "1001"}
    _, body = kept_data({"order": order, "long": "é" * 9000, "longer": "x" * 30_000, "short": "y" * 5000})
    assert len(body) < 20_000
    # é is two bytes: with 5,000 and the 18,000 of "long" it would be 23,000.
    assert msgspec.json.decode(body)["data"] == {"order": order, "short": "y" * 5000, "omitted": ["longer", "long"]}


# What is not taken


async def test_an_event_is_sent_over_three_days_then_given_up(desk_of):
    async with hostile(reply(500)) as shop:
        desk = desk_of(erp=webhook(shop.url))
        event, deliverer = desk.put(), desk.deliverer()
        with capture_logs() as logs:
            assert await deliverer.run_once(wait=PATIENT) == 1
            for gap in GAPS:
                assert desk.states() == ["pending"]
                desk.clock.advance(gap - 1)
                assert await deliverer.run_once(wait=PATIENT) == 0
                desk.clock.advance(1 + gap * (LONGEST_JITTER - 1))
                assert await deliverer.run_once(wait=PATIENT) == 1
            desk.clock.advance(30 * 24 * HOUR)
            assert await deliverer.run_once(wait=PATIENT) == 0
    assert ids(shop.requests) == [event] * 10
    times = [int(seen.headers["webhook-timestamp"]) for seen in shop.requests]
    assert times == sorted(set(times))
    assert all(is_signed(seen) for seen in shop.requests)
    assert len({seen.body for seen in shop.requests}) == 1
    assert desk.rows("state", "attempts", "next_at", "error") == [("dead", 10, None, "HTTP 500")]
    assert (desk.counted("failed"), desk.counted("dead"), desk.counted("delivered")) == (9, 1, 0)
    assert [log["log_level"] for log in logs] == ["warning"] * 9 + ["error"]
    assert logs[-1]["event"] == "webhook given up"


def test_what_fails_together_does_not_come_back_together():
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    nexts = {module.judged(module.Reply(500), 2, now).next_at for _ in range(50)}
    assert len(nexts) > 40
    assert now + timedelta(minutes=5) <= min(nexts) < max(nexts) <= now + timedelta(minutes=6)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_not_followed(desk_of, status):
    async with hostile(OK) as elsewhere, hostile(reply(status, location=elsewhere.url)) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        await desk.deliverer().run_once(wait=PATIENT)
        assert elsewhere.requests == []
    assert desk.rows("state", "error") == [("pending", f"HTTP {status}")]


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500, 501])
async def test_an_event_that_is_refused_holds_no_other_up(desk_of, status):
    def choose(seen):
        return reply(status) if seen.headers["webhook-id"] == refused else OK

    async with hostile(choose=choose) as shop:
        desk = desk_of(erp=webhook(shop.url))
        refused, fine = desk.put(), desk.put()
        await desk.deliverer().run_once(wait=PATIENT)
        assert ids(shop.requests) == [refused, fine]
    assert desk.states() == ["pending", "delivered"]


@pytest.mark.parametrize(
    "answer", [reply(429), reply(502), reply(503), reply(504), hang_up, raw(b"hello\r\n\r\n")],
    ids=["429", "502", "503", "504", "hangs up", "no HTTP"],
)  # fmt: skip
async def test_an_endpoint_that_is_down_is_asked_with_one_event_at_a_time_and_ever_more_rarely(desk_of, answer):
    async with hostile(*[answer] * 7, OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        waiting, deliverer = [desk.put() for _ in range(9)], desk.deliverer()
        assert await deliverer.run_once(wait=PATIENT) == 1
        for pause in (5, 10, 20, 40, 60, 60):
            desk.clock.advance(pause - 0.5)
            assert await deliverer.run_once(wait=PATIENT) == 0
            desk.clock.advance(0.5)
            assert await deliverer.run_once(wait=PATIENT) == 1
        desk.clock.advance(60)
        assert await deliverer.run_once(wait=PATIENT) > 2, "it is back: all that is due goes out"
        assert set(ids(shop.requests)) == set(waiting)
        desk.clock.advance(6 * MINUTE)
        await deliverer.run_once(wait=PATIENT)
    assert desk.states() == ["delivered"] * 9


async def test_a_port_where_nobody_listens_is_an_endpoint_that_is_down(desk_of):
    desk = desk_of(erp=webhook(f"http://127.0.0.1:{free_port()}/"))
    desk.put()
    desk.put()
    assert await desk.deliverer().run_once(wait=PATIENT) == 1
    assert sorted(desk.rows("state", "attempts")) == [("pending", 0), ("pending", 1)]
    assert desk.rows("error")[0] == ("no connection: ConnectError",)


async def test_retry_after_of_an_overloaded_endpoint_holds_for_all_its_events(desk_of):
    async with hostile(reply(429, retry_after="600"), OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        deliverer = desk.deliverer()
        await deliverer.run_once(wait=PATIENT)
        desk.put()
        desk.clock.advance(599)
        assert await deliverer.run_once(wait=PATIENT) == 0
        desk.clock.advance(1)
        assert await deliverer.run_once(wait=PATIENT) == 2


async def test_retry_after_of_a_refused_event_holds_for_that_event(desk_of):
    async with hostile(reply(500, retry_after="600"), OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        deliverer = desk.deliverer()
        await deliverer.run_once(wait=PATIENT)
        desk.put()
        assert await deliverer.run_once(wait=PATIENT) == 1
        desk.clock.advance(599)
        assert await deliverer.run_once(wait=PATIENT) == 0
        desk.clock.advance(1)
        assert await deliverer.run_once(wait=PATIENT) == 1


async def test_retry_after_holds_for_an_hour_at_most(desk_of):
    async with hostile(reply(503, retry_after="315360000"), OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        desk.put()
        deliverer = desk.deliverer()
        await deliverer.run_once(wait=PATIENT)
        desk.clock.advance(HOUR)
        assert await deliverer.run_once(wait=PATIENT) == 1
    assert desk.states() == ["delivered"]


async def test_an_endpoint_that_is_gone_is_sent_nothing_more_until_it_is_wanted_again(desk_of):
    async with hostile(reply(410), OK) as shop:
        desk = desk_of(erp=webhook(shop.url))
        first, second = desk.put(), desk.put()
        deliverer = desk.deliverer()
        with capture_logs() as logs:
            assert await deliverer.run_once(wait=PATIENT) == 1
            third = desk.put()
            assert await deliverer.run_once(wait=PATIENT) == 0
        assert [(log["event"], log["log_level"]) for log in logs] == [
            ("webhook given up", "error"),
            ("webhooks given up: their endpoint is gone", "error"),
            ("webhooks given up: their endpoint is gone", "error"),
        ]
        assert desk.states() == ["dead"] * 3
        assert desk.counted("dead") == 3
        with desk.database.writing() as connection:
            assert desk.outbox.replay_dead(connection, "main", "erp") == 3
        assert await deliverer.run_once(wait=PATIENT) == 3
        assert ids(shop.requests) == [first, first, second, third]


async def test_an_endpoint_with_a_new_address_is_no_longer_gone(desk_of):
    async with hostile(reply(410)) as former, hostile(OK) as present:
        before = desk_of(erp=webhook(former.url))
        before.put()
        await before.deliverer().run_once(wait=PATIENT)
        after = desk_of(erp=webhook(present.url))
        event = after.put()
        await after.deliverer().run_once(wait=PATIENT)
        assert ids(present.requests) == [event]
