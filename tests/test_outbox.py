"""The outbox takes part in the transaction in which something happened: one event, and a delivery to each who wants it."""

import json

import pytest
from sqlalchemy import select

from doorstep.config import Webhook
from doorstep.errors import StoreError
from doorstep.outbox import Event, Outbox
from doorstep.secret import Secret
from doorstep.tables import deliveries, events, orders

from .orders import NOON, UPS, behind, book_of, order, rows

SIGNED = (Secret("whsec_c29tZSBieXRlcyBvZiBhIHNlY3JldA=="),)
ENDPOINTS = {
    "main": {
        "crm": Webhook("https://crm.example/hook", SIGNED),
        "desk": Webhook("https://desk.example/hook", SIGNED, events=("order.problem_reported",)),
    },
    "outlet": {"erp": Webhook("https://erp.example/hook", SIGNED)},
}


@pytest.fixture
def outbox(clock):
    return Outbox(ENDPOINTS, clock=clock)


def event(type="order.created", once="created:1", store="main", **more):
    return Event(store, type, {"order": {"id": "ord_1", "number": "1001"}}, once, **more)


def waiting(connection):
    columns = (deliveries.c.event_id, deliveries.c.endpoint, deliveries.c.state, deliveries.c.attempts)
    return [tuple(row) for row in connection.execute(select(*columns).order_by(deliveries.c.id))]


def test_an_event_is_kept_with_a_delivery_to_each_endpoint_that_wants_it(outbox, database):
    with database.writing() as connection:
        created = outbox.put(connection, event())
        reported = outbox.put(connection, event("order.problem_reported", "report:1"))
        elsewhere = outbox.put(connection, event(store="outlet", once="created:2"))
        assert waiting(connection) == [
            (created, "crm", "pending", 0),
            (reported, "crm", "pending", 0),
            (reported, "desk", "pending", 0),
            (elsewhere, "erp", "pending", 0),
        ]
        kept = connection.execute(select(events).where(events.c.id == created)).one()
        due = set(connection.scalars(select(deliveries.c.next_at)))
    assert (kept.store, kept.type, kept.once, kept.at, due) == ("main", "order.created", "created:1", NOON, {NOON})
    assert json.loads(kept.data) == {"order": {"id": "ord_1", "number": "1001"}}


def test_an_event_that_nobody_wants_is_kept(outbox, database):
    with database.writing() as connection:
        assert outbox.put(connection, event(store="unknown")) is not None
        assert (rows(connection, events), waiting(connection)) == (1, [])


def test_what_happened_before_does_not_happen_again(outbox, database):
    with database.writing() as connection:
        first = outbox.put(connection, event())
        assert outbox.put(connection, event()) is None
        assert outbox.put(connection, event("order.updated")) is None
        assert waiting(connection) == [(first, "crm", "pending", 0)]


@pytest.mark.fault(42)
def test_of_two_who_tell_the_same_at_once_one_tells_it(outbox, database):
    told = behind(
        database,
        lambda connection: outbox.put(connection, event()),
        lambda connection: [outbox.put(connection, event())],
    )
    with database.reading() as connection:
        assert (told, rows(connection, events), len(waiting(connection))) == ([None], 1, 1)


def test_a_transaction_that_fails_leaves_neither_order_nor_event(outbox, database, clock):
    book = book_of(clock)

    def work(connection):
        kept = book.create(connection, "main", order("1001", UPS))
        outbox.put(connection, event(order_id=kept.id, parcel_id=kept.parcels[0].id))
        raise LookupError

    with pytest.raises(LookupError), database.writing() as connection:
        work(connection)
    with database.reading() as connection:
        assert [rows(connection, table) for table in (orders, events, deliveries)] == [0, 0, 0]


def test_an_order_that_is_removed_takes_its_events_with_it(outbox, database, clock):
    book = book_of(clock)
    with database.writing() as connection:
        kept = book.create(connection, "main", order("1001", UPS))
        outbox.put(connection, event(order_id=kept.id, parcel_id=kept.parcels[0].id))
        outbox.put(connection, event(once="another"))
        book.remove(connection, kept.id)
        assert (rows(connection, events), len(waiting(connection))) == (1, 1)


def test_an_event_of_an_order_that_is_not_there_is_refused(outbox, database):
    with pytest.raises(StoreError, match=r"(?i)foreign key"), database.writing() as connection:
        outbox.put(connection, event(order_id="ord_nothing"))
