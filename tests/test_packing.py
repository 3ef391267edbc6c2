"""The parcels of orders: shared, found again, told from others with the same number, let go, and at their end the order's."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from doorstep.order import PackedItem
from doorstep.packing import close_orders
from doorstep.tables import history, order_parcels, orders, parcels

from .orders import NOON, UPS, behind, book_of, come_to_an_end, order, rows


@pytest.fixture
def book(clock):
    return book_of(clock)


@pytest.fixture
def writing(database):
    """`with writing() as connection`: a transaction."""
    return database.writing


def test_a_change_keeps_what_the_carrier_said_of_a_parcel(book, writing):
    with writing() as connection:
        kept = book.create(connection, "main", order("1001", UPS))
        come_to_an_end(connection, kept.parcels[0].id, NOON)
        row = {"parcel_id": kept.parcels[0].id, "version": 1, "at": NOON, "status": "delivered"}
        connection.execute(history.insert().values(**row, reason="", delayed=False))
        changed = book.change(connection, kept, order("1001", "HF0042", UPS))
        assert [(one.number, one.status) for one in changed.parcels] == [("HF0042", "pending"), (UPS, "delivered")]
        assert rows(connection, history) == 1


def test_a_parcel_of_two_orders_is_one_and_stays_as_long_as_one_of_them_names_it(book, writing):
    with writing() as connection:
        first = book.create(connection, "main", order("1001", UPS))
        second = book.create(connection, "main", order("1002", UPS, "HF0042", placed_at="2026-11-23T00:00:00Z"))
        shared = first.parcels[0].id
        assert second.parcels[0].id == shared
        assert [one.order.number for one in book.of_parcel(connection, shared)] == ["1001", "1002"]
        assert book.change(connection, first, order("1001")).parcels == ()
        assert [one.id for one in book.of_parcel(connection, shared)] == [second.id]
        assert book.remove(connection, second.id)
        assert (rows(connection, parcels), rows(connection, order_parcels)) == (0, 0)
        assert not book.remove(connection, second.id)


def test_a_number_of_another_store_is_another_parcel(book, writing):
    with writing() as connection:
        ids = {book.create(connection, store, order("1", UPS)).parcels[0].id for store in ("main", "outlet")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("placed", "is_another"),
    [
        ("2026-05-31T12:00:00Z", False),  # 90 days after the 2nd of March, to the minute
        ("2026-05-31T12:01:00Z", True),
    ],
)
def test_a_number_that_comes_again_long_after_its_parcel_arrived_is_another_parcel(book, writing, placed, is_another):
    with writing() as connection:
        old = book.create(connection, "main", order("1001", UPS, placed_at="2026-02-28T12:00:00Z"))
        come_to_an_end(connection, old.parcels[0].id, datetime(2026, 3, 2, 12, tzinfo=UTC))
        again = book.create(connection, "main", order("1002", UPS, placed_at=placed))
        later = book.create(connection, "main", order("1003", UPS, placed_at=placed))
        assert (again.parcels[0].id != old.parcels[0].id) == is_another
        assert later.parcels[0].id == again.parcels[0].id
        assert (again.parcels[0].status == "pending") == is_another


def test_an_old_order_keeps_its_parcel_when_it_is_changed_long_after(book, writing, clock):
    with writing() as connection:
        kept = book.create(connection, "main", order("1001", UPS))
        come_to_an_end(connection, kept.parcels[0].id, NOON)
        clock.advance(200 * 86_400)
        changed = book.change(connection, kept, order("1001", UPS, note="a review, please"))
        assert changed.parcels[0].id == kept.parcels[0].id


def test_a_parcel_that_is_under_way_for_long_is_no_other_parcel(book, writing):
    with writing() as connection:
        old = book.create(connection, "main", order("1001", UPS, placed_at="2026-01-01T00:00:00Z"))
        again = book.create(connection, "main", order("1002", UPS))
    assert again.parcels[0].id == old.parcels[0].id


def named(number, carrier, **more):
    return {"shipments": [{"number": number, "carrier": carrier, **more}]}


def test_the_same_number_with_another_carrier_is_another_parcel(book, writing):
    with writing() as connection:
        ups = book.create(connection, "main", order("1001", **named("HF0042", "ups"))).parcels[0]
        dhl = book.create(connection, "main", order("1002", **named("HF0042", "dhl"))).parcels[0]
        assert book.create(connection, "main", order("1003", **named("HF0042", "UPS"))).parcels[0].id == ups.id
    assert (ups.carrier, dhl.carrier, ups.id != dhl.id) == ("ups", "dhl", True)


def test_a_carrier_that_is_told_later_is_noted_and_the_parcel_is_due(book, writing, clock):
    with writing() as connection:
        first = book.create(connection, "main", order("1001", **named("HF0042", "Somebody")))
        connection.execute(update(parcels).values(due_at=None))
        clock.advance(60)
        second = book.create(connection, "main", order("1002", **named("HF0042", "dhl")))
        due = connection.scalar(select(parcels.c.due_at))
        again = book.find(connection, "main", "1001")
    assert (first.parcels[0].carrier, second.parcels[0].carrier, again.parcels[0].carrier) == ("", "dhl", "dhl")
    assert first.parcels[0].id == second.parcels[0].id
    assert due == NOON + timedelta(minutes=1)


def test_a_parcel_that_an_order_names_twice_is_one_with_the_items_of_both(book, writing):
    twice = [
        {"number": "hf-0042", "items": [{"id": "a"}]},
        {"number": "HF0043"},
        {"number": "HF 0042", "items": [{"id": "b", "quantity": 3}], "shipped_at": "2026-11-21T08:00:00Z"},
        {"number": "HF0042", "carrier": "dhl", "items": [{"id": "c"}]},
    ]
    with writing() as connection:
        kept = book.create(connection, "main", order(shipments=twice))
        assert kept.parcels == book.find(connection, "main", "1001").parcels
    assert [(one.number, one.carrier) for one in kept.parcels] == [("HF0042", "dhl"), ("HF0043", "")]
    assert kept.parcels[0].items == (PackedItem("a"), PackedItem("b", 3), PackedItem("c"))
    assert kept.parcels[0].shipped_at == datetime(2026, 11, 21, 8, tzinfo=UTC)


def closed_at(connection, number="1001"):
    return connection.scalar(select(orders.c.closed_at).where(orders.c.number == number))


def test_an_order_is_closed_when_its_last_parcel_has_come_to_its_end(book, writing):
    later = NOON + timedelta(days=1)
    with writing() as connection:
        kept = book.create(connection, "main", order("1001", UPS, "HF0042"))
        book.create(connection, "main", order("1002"))
        book.create(connection, "main", order("1003", "HF0043"))
        everyone = [one.id for one in book.page(connection, "main").orders]
        for at, parcel in zip((NOON, later), kept.parcels, strict=True):
            assert closed_at(connection) is None
            come_to_an_end(connection, parcel.id, at)
            close_orders(connection, everyone, at)
        close_orders(connection, everyone, later + timedelta(days=5))
        assert [closed_at(connection, number) for number in ("1001", "1002", "1003")] == [later, None, None]


def test_an_order_is_open_again_with_another_parcel_and_closed_without_it(book, writing, clock):
    with writing() as connection:
        kept = book.create(connection, "main", order("1001", UPS))
        come_to_an_end(connection, kept.parcels[0].id, NOON)
        close_orders(connection, [kept.id], NOON)
        clock.advance(60)
        same = book.change(connection, kept, order("1001", UPS, note="x"))
        opened = book.change(connection, same, order("1001", UPS, "HF0042"))
        closed = book.change(connection, opened, order("1001", UPS))
        assert [one.closed_at for one in (same, opened, closed)] == [NOON, None, NOON + timedelta(minutes=1)]
        assert closed_at(connection) == closed.closed_at
        empty = book.change(connection, closed, order("1001"))
        assert (empty.closed_at, closed_at(connection)) == (None, None)


def test_an_order_whose_parcels_all_arrived_before_it_was_told_is_closed_at_once(book, writing):
    with writing() as connection:
        first = book.create(connection, "main", order("1001", UPS))
        come_to_an_end(connection, first.parcels[0].id, NOON)
        second = book.create(connection, "main", order("1002", UPS))
        assert second.closed_at == closed_at(connection, "1002") == NOON


def test_two_orders_that_name_a_new_parcel_at_once_share_it(book, database):
    first = []
    second = behind(
        database,
        lambda connection: first.append(book.create(connection, "main", order("1001", UPS))),
        lambda connection: book.create(connection, "main", order("1002", "HF0042", UPS)),
    )
    assert second.parcels[1].id == first[0].parcels[0].id


def test_a_parcel_is_not_dropped_that_another_order_takes_in_at_the_same_time(book, database):
    with database.writing() as connection:
        first = book.create(connection, "main", order("1001", UPS))
    taken = behind(
        database,
        lambda connection: book.create(connection, "main", order("1002", UPS)),
        lambda connection: book.remove(connection, first.id),
    )
    with database.reading() as connection:
        assert taken
        assert [one.id for one in book.find(connection, "main", "1002").parcels] == [first.parcels[0].id]


@pytest.mark.parametrize("arrives_first", [False, True])
def test_an_order_is_closed_though_its_parcel_arrived_while_it_was_written(book, database, arrives_first):
    with database.writing() as connection:
        parcel = book.create(connection, "main", order("1001", UPS)).parcels[0]

    def arrive(connection):
        come_to_an_end(connection, parcel.id, NOON)
        close_orders(connection, [one.id for one in book.of_parcel(connection, parcel.id)], NOON)
        return True

    def create(connection):
        return book.create(connection, "main", order("1002", UPS))

    assert behind(database, arrive, create) if arrives_first else behind(database, create, arrive)
    with database.reading() as connection:
        assert [closed_at(connection, number) for number in ("1001", "1002")] == [NOON, NOON]
