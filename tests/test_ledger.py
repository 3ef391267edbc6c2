"""Orders that come in are new, changed or as they were; each change has its event, in the same transaction."""

import msgspec
import pytest
from msgspec import structs
from sqlalchemy import select

from doorstep.clock import Clock
from doorstep.database import Database
from doorstep.errors import NumberError
from doorstep.ledger import Ledger, Outcome
from doorstep.order import Order, Parcel
from doorstep.outbox import Outbox
from doorstep.tables import events, orders, parcels

from .orders import UPS, behind, book_of, order, rows


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(book_of(clock), Outbox({}, clock=clock), clock=clock)


def told(database: Database) -> list[str]:
    with database.reading() as connection:
        return sorted(connection.scalars(select(events.c.type)))


def entered(database: Database, ledger: Ledger, wanted: Order) -> Outcome:
    with database.writing() as connection:
        return ledger.enter(connection, "main", wanted.number, lambda _: wanted).outcome


def test_the_same_order_twice_is_one_order_and_one_event(ledger: Ledger, database: Database) -> None:
    wanted = order("1001", UPS, "JD014600", email="mara@post.example", promised={"business_days": 3})
    assert [entered(database, ledger, wanted) for _ in range(3)] == [Outcome.CREATED, Outcome.SAME, Outcome.SAME]
    assert told(database) == ["order.created"]
    with database.reading() as connection:
        assert (rows(connection, orders), rows(connection, parcels)) == (1, 2)


def test_a_change_is_an_event_with_the_order_s_id_and_number(ledger: Ledger, database: Database) -> None:
    entered(database, ledger, order("1001"))
    assert entered(database, ledger, order("1001", note="Thank you")) is Outcome.CHANGED
    with database.reading() as connection:
        data = connection.scalar(select(events.c.data).where(events.c.type == "order.updated"))
        (id,) = connection.scalars(select(orders.c.id))
    assert msgspec.json.decode(data) == {"order": {"id": id, "number": "1001"}}


def test_a_carrier_that_was_found_out_is_no_change_where_a_shop_names_none(
    ledger: Ledger, database: Database
) -> None:  # fmt: skip
    entered(database, ledger, order("1001", UPS))
    entered(database, ledger, structs.replace(order("1001"), shipments=(Parcel(UPS, "UPS"),)))
    assert entered(database, ledger, order("1001", UPS)) is Outcome.SAME


def test_a_wrong_parcel_s_number_leaves_nothing_behind(ledger: Ledger, database: Database) -> None:
    with database.writing() as connection:
        with pytest.raises(NumberError):
            ledger.enter(connection, "main", "1001", lambda before: order("1001", "by hand"))
        assert (rows(connection, orders), rows(connection, events)) == (0, 0)


def test_two_that_add_to_one_order_at_once_both_count(ledger: Ledger, database: Database) -> None:
    entered(database, ledger, order("1001"))

    def add(number: str):
        def change(before: Order) -> Order:
            return structs.replace(before, shipments=(*before.shipments, Parcel(number)))

        def work(connection):
            ledger.begin(connection, "main")
            ledger.enter(connection, "main", "1001", change)

        return work

    behind(database, add("JD014600"), add("JD014601"))
    with database.reading() as connection:
        kept = book_of(ledger._clock).find(connection, "main", "1001")
    assert [one.number for one in kept.parcels] == ["JD014600", "JD014601"]
