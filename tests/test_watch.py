"""When a parcel is due again, which promises slip, which parcels stall: by rule, found without a visitor, told once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import update

from doorstep import CarrierUnavailable, Status
from doorstep.calendar import Calendar
from doorstep.models import Window
from doorstep.moments import whole_day
from doorstep.order import Promise
from doorstep.shelf_life import ShelfLife
from doorstep.tables import orders, parcels
from doorstep.watch import Finding, Way, asked_again, found, stalls

from .acme import at, scan
from .bookkeeping import BERLIN, NUMBER, Books
from .test_records import PLACED, said

pytestmark = pytest.mark.anyio

MINUTE, HOUR, DAY = 60, 3600, 86400
WEEK = Calendar()
LIFE = ShelfLife()
# November 2026: the 22nd, on which the tests' clock stands, is a Sunday.
THURSDAY, FRIDAY, SATURDAY, SUNDAY, MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in range(19, 26))


# When a parcel is asked about again.


def due(status, *, days=0, failures=0, final=False, life=LIFE):
    return asked_again(status, life, final=final, idle=timedelta(days=days), failures=failures, seed="any")


def within_jitter(seconds, whole):
    return whole * 0.85 <= seconds <= whole


@pytest.mark.parametrize(
    ("status", "days", "whole"),
    [
        (Status.OUT_FOR_DELIVERY, 0, 10 * MINUTE),  # fresh for five minutes, and asked half as often
        (Status.IN_TRANSIT, 0, 30 * MINUTE),
        (Status.IN_TRANSIT, 1, HOUR),
        (Status.IN_TRANSIT, 3, 2 * HOUR),
        (Status.IN_TRANSIT, 100, DAY),
        (Status.PENDING, 0, HOUR),
        (Status.DELIVERED, 0, DAY),
    ],
)
def test_a_parcel_is_asked_about_the_less_the_longer_nothing_changes(status, days, whole):
    assert within_jitter(due(status, days=days), whole)


@pytest.mark.parametrize(("failures", "whole"), [(1, 5 * MINUTE), (2, 10 * MINUTE), (4, 40 * MINUTE), (50, 6 * HOUR)])
def test_failures_back_off(failures, whole):
    assert within_jitter(due(Status.IN_TRANSIT, failures=failures), whole)


def test_an_end_is_looked_at_for_three_days_in_case_it_was_none():
    assert due(Status.DELIVERED, days=3, final=True) is not None
    assert due(Status.DELIVERED, days=4, final=True) is None
    assert due(Status.IN_TRANSIT, days=4) is not None


def test_what_nobody_has_heard_of_for_four_months_is_given_up():
    assert due(Status.IN_TRANSIT, days=120) is not None
    assert due(Status.IN_TRANSIT, days=121) is None


@given(st.sampled_from(Status), st.integers(0, 119), st.text())
def test_a_parcel_is_never_asked_about_before_its_answer_is_stale(status, days, seed):
    seconds = asked_again(status, LIFE, final=False, idle=timedelta(days=days), failures=0, seed=seed)
    assert LIFE.of(status) * 1.15 < seconds <= DAY


def test_parcels_of_one_morning_do_not_stay_together():
    times = {
        asked_again(Status.PENDING, LIFE, final=False, idle=timedelta(), failures=0, seed=str(n)) for n in range(50)
    }
    assert len(times) > 25


def test_a_shop_whose_answers_are_fresh_for_longer_is_asked_about_less():
    assert within_jitter(due(Status.IN_TRANSIT, life=ShelfLife(in_transit=4 * HOUR)), 8 * HOUR)


# How a promise stands.

OUT, THERE = Way(Status.OUT_FOR_DELIVERY), Way(Status.DELIVERED)
MOVING, LABEL = Way(Status.IN_TRANSIT), Way(Status.LABEL_CREATED)


@pytest.mark.parametrize(
    ("today", "ways", "expected"),
    [
        # promised until Wednesday
        (MONDAY, [MOVING], Finding()),
        (MONDAY, [], Finding()),
        (MONDAY, [LABEL], Finding()),
        (TUESDAY, [LABEL], Finding("at_risk", "not_handed_over", 0)),
        (TUESDAY, [], Finding("at_risk", "not_handed_over")),
        (TUESDAY, [MOVING], Finding()),
        (WEDNESDAY, [MOVING], Finding("at_risk", "not_out_for_delivery", 0)),
        (WEDNESDAY, [OUT], Finding()),
        (WEDNESDAY, [THERE, MOVING], Finding("at_risk", "not_out_for_delivery", 1)),
        (date(2026, 11, 26), [OUT], Finding("missed", "too_late", 0)),
        (date(2026, 11, 26), [], Finding("missed", "too_late")),
        (date(2026, 11, 26), [THERE], Finding()),
        (date(2026, 11, 26), [Way(Status.AVAILABLE_FOR_PICKUP)], Finding()),
        (MONDAY, [Way(Status.IN_TRANSIT, date(2026, 11, 26))], Finding("at_risk", "expected_later", 0)),
        (MONDAY, [Way(Status.IN_TRANSIT, WEDNESDAY)], Finding()),
        (MONDAY, [Way(Status.RETURNING)], Finding("at_risk", "not_coming", 0)),
        (MONDAY, [Way(Status.LOST), THERE], Finding("at_risk", "not_coming", 0)),
        (WEDNESDAY, [THERE], Finding()),
    ],
)
def test_a_promise_until_wednesday(today, ways, expected):
    assert found(WEDNESDAY, today, ways, WEEK) == expected


@pytest.mark.parametrize(("today", "promise"), [(THURSDAY, ""), (FRIDAY, "at_risk"), (SUNDAY, "at_risk")])
def test_the_business_day_before_a_monday_is_friday(today, promise):
    assert found(MONDAY, today, [LABEL], WEEK).promise == promise


def test_the_business_day_before_a_holiday_s_morrow_is_the_day_before_the_holiday():
    closed = Calendar(holidays=(TUESDAY,))
    assert found(WEDNESDAY, SUNDAY, [LABEL], closed).promise == ""
    assert found(WEDNESDAY, MONDAY, [LABEL], closed).promise == "at_risk"


# What stalls.


@pytest.mark.parametrize(
    ("status", "day", "expected"),
    [
        (Status.IN_TRANSIT, MONDAY, False),  # the last scan was on Thursday: Friday, Monday
        (Status.IN_TRANSIT, TUESDAY, True),
        (Status.CUSTOMS, TUESDAY, False),
        (Status.LABEL_CREATED, TUESDAY, False),
        (Status.DELIVERED, TUESDAY, False),
        (Status.AVAILABLE_FOR_PICKUP, TUESDAY, False),
    ],
)
def test_three_business_days_without_a_scan_are_too_many_for_what_moves(status, day, expected):
    scanned = datetime(2026, 11, 19, 16, tzinfo=UTC)
    told = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    assert stalls(status, scanned, told, WEEK, BERLIN) is expected


def test_the_shop_says_how_many_days_are_too_many():
    scanned, told = datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert not stalls(Status.IN_TRANSIT, scanned, told, Calendar(stalls_after=4), BERLIN)


# The same, in a database.


@pytest.fixture
def books(database, clock):
    return Books(database, clock)


async def test_a_late_parcel_puts_the_promise_at_risk_without_a_visitor_and_is_told_once(books):
    order = books.order("1001", NUMBER, placed_at=PLACED, until=SUNDAY)
    books.record(said())
    books.settle()
    assert [await books.watch.look_round(), await books.watch.look_round()] == [1, 0]
    assert books.kept().promise == "at_risk"
    (told,) = [data for type, data in books.told() if type == "order.promise_at_risk"]
    assert told == {
        "order": {"id": order.id, "number": "1001"},
        "shipment": {
            "number": NUMBER, "carrier": "acme", "status": "in_transit", "reason": "", "delayed": False, "final": False,
            "expected": None,
        },
        "promised": "2026-11-22",
        "cause": "not_out_for_delivery",
    }  # fmt: skip


async def test_an_order_without_any_parcel_is_found_too(books):
    order = books.order("1001", placed_at=PLACED, until=MONDAY)
    await books.watch.look_round()
    (told,) = books.told()
    expected = {
        "order": {"id": order.id, "number": "1001"}, "promised": "2026-11-23", "cause": "not_handed_over",
    }  # fmt: skip
    assert told == ("order.promise_at_risk", expected)


async def test_a_promise_at_risk_is_missed_when_its_day_is_over_in_the_shop_s_zone(books, clock):
    books.order("1001", placed_at=PLACED, until=SUNDAY)
    await books.watch.look_round()
    clock.advance(11 * HOUR - 1)  # one second to midnight in Berlin
    assert await books.watch.look_round() == 0
    clock.advance(1)
    assert await books.watch.look_round() == 1
    assert books.types() == ["order.promise_at_risk", "order.promise_missed"]
    clock.advance(DAY)
    assert await books.watch.look_round() == 0


async def test_a_risk_that_is_over_is_no_more_and_is_not_told_again(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED, until=SUNDAY)
    books.record(said())
    books.settle()
    for status in (None, Status.OUT_FOR_DELIVERY, Status.IN_TRANSIT):
        clock.advance(MINUTE)
        if status:
            books.record(said(status, at=clock.now()))
        await books.watch.look_round()
    assert books.kept().promise == "at_risk"
    assert books.types().count("order.promise_at_risk") == 1


async def test_a_slip_of_a_promise_that_is_far_off_is_found_and_so_is_its_end(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED, until=date(2026, 12, 18))
    standing = []
    for nth, day in enumerate((19, 18)):
        window = Window(end=whole_day(date(2026, 12, day), raw=f"{day} December"))
        books.record(said(window=window, at=clock.now() + timedelta(minutes=nth)))
        books.settle()
        await books.watch.look_round()
        standing.append(books.kept().promise)
    assert standing == ["at_risk", ""]
    (cause,) = [data["cause"] for type, data in books.told() if type == "order.promise_at_risk"]
    assert cause == "expected_later"


async def test_what_turns_back_will_not_come_however_far_off_the_promise_is(books):
    books.order("1001", NUMBER, placed_at=PLACED, until=date(2026, 12, 18))
    books.record(said(Status.RETURNING))
    books.settle()
    await books.watch.look_round()
    (cause,) = [data["cause"] for type, data in books.told() if type == "order.promise_at_risk"]
    assert cause == "not_coming"


async def test_a_promise_that_is_kept_is_never_told(books):
    books.order("1001", NUMBER, placed_at=PLACED, until=SUNDAY)
    books.record(said(Status.OUT_FOR_DELIVERY))
    books.settle()
    assert await books.watch.look_round() == 0


async def test_another_promise_is_told_of_again(books, clock):
    kept = books.order("1001", placed_at=PLACED, until=SUNDAY)
    await books.watch.look_round()
    clock.advance(1)
    with books.database.writing() as connection:
        books.orders.change(connection, kept, changed(kept, until=MONDAY))
    assert books.kept().promise == ""
    await books.watch.look_round()
    promised = [data["promised"] for type, data in books.told() if type == "order.promise_at_risk"]
    assert promised == ["2026-11-22", "2026-11-23"]


def changed(kept, until):
    return structs.replace(kept.order, promised=Promise(until=until))


async def test_of_an_order_that_just_came_in_nothing_is_said_before_its_parcels_were_asked_about(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED, until=SATURDAY)
    assert await books.watch.look_round() == 0
    clock.advance(MINUTE)
    with books.database.writing() as connection:
        books.records.failed(connection, books.parcel().id, CarrierUnavailable("down"))
    books.settle()
    assert await books.watch.look_round() == 1


async def test_nothing_is_said_of_promises_that_were_over_long_before_the_shop_told_of_the_order(books):
    books.order("1001", placed_at=datetime(2026, 11, 2, tzinfo=UTC), until=date(2026, 11, 14))
    books.order("1002", placed_at=datetime(2026, 11, 2, tzinfo=UTC), until=date(2026, 11, 15))
    await books.watch.look_round()
    assert [data["order"]["number"] for _, data in books.told()] == ["1002"]


@pytest.mark.parametrize("values", [{"closed_at": PLACED}, {"erased_at": PLACED}])
async def test_nothing_is_said_of_orders_at_their_end(books, values):
    books.order("1001", placed_at=PLACED, until=SUNDAY)
    with books.database.writing() as connection:
        connection.execute(update(orders).values(values))
    assert await books.watch.look_round() == 0


async def test_nothing_is_said_of_a_cancelled_order(books):
    books.order("1001", placed_at=PLACED, until=SUNDAY, cancelled_at=PLACED)
    assert await books.watch.look_round() == 0


async def test_every_order_of_many_is_looked_at(books, monkeypatch):
    monkeypatch.setattr("doorstep.watch._AT_ONCE", 3)
    for nth in range(10):
        books.order(f"10{nth}", placed_at=PLACED, until=SUNDAY)
    assert await books.watch.look_round() == 10


def test_a_parcel_that_stalls_is_told_once_and_again_after_it_has_moved(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED)
    moments = [at(19), at(19), at(24), at(24)]  # Thursday and Tuesday
    for nth, (moment, day) in enumerate(zip(moments, (24, 25, 25, 26), strict=True)):
        books.record(said(events=(scan(moment=moment),), at=datetime(2026, 11, day, 12, nth, tzinfo=UTC)))
        books.settle()
    assert books.types().count("shipment.stalled") == 1
    assert books.parcel().stalled_at is None
    books.record(said(events=(scan(moment=at(24)),), at=datetime(2026, 11, 28, 12, tzinfo=UTC)))
    books.settle()
    assert books.types().count("shipment.stalled") == 2
    since = [data["since"] for type, data in books.told() if type == "shipment.stalled"]
    assert sorted(since) == ["2026-11-19T12:00:00Z", "2026-11-24T12:00:00Z"]


def test_a_parcel_nobody_could_ask_about_does_not_stall(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said())
    clock.advance(10 * DAY)
    with books.database.writing() as connection:
        books.records.failed(connection, books.parcel().id, CarrierUnavailable("down"))
    books.settle()
    assert "shipment.stalled" not in books.types()


def test_a_settled_parcel_is_due_again_by_its_status(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said())
    books.settle()
    seconds = (books.parcel().due_at - clock.now()).total_seconds()
    assert within_jitter(seconds, 30 * MINUTE)


def test_an_end_that_stood_for_days_is_due_no_more(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said(Status.DELIVERED))
    clock.advance(4 * DAY)
    books.settle()
    assert books.parcel().due_at is None


# Claims.


def claim(books, limit=10, lease=timedelta(minutes=5)):
    with books.database.writing() as connection:
        return [row.number for row in books.watch.claim(connection, limit=limit, lease=lease)]


def test_what_is_due_for_longest_is_claimed_first_and_by_one_only(books, clock):
    books.order("1001", "111111111")
    clock.advance(1)
    books.order("1002", "222222222")
    books.order("1003", "333333333")
    assert claim(books, limit=2)[0] == "111111111"
    assert len(claim(books)) == 1
    assert claim(books) == []


def test_a_claim_ends_with_its_lease(books, clock):
    books.order("1001", NUMBER)
    assert claim(books) == [NUMBER]
    clock.advance(5 * MINUTE)
    assert claim(books) == []
    clock.advance(1)
    assert claim(books) == [NUMBER]


def test_what_is_given_back_or_postponed_is_free_again(books, clock):
    books.order("1001", NUMBER)
    claim(books)
    with books.database.writing() as connection:
        books.watch.release(connection, [books.parcel().id])
    assert claim(books) == [NUMBER]
    with books.database.writing() as connection:
        books.watch.postpone(connection, [books.parcel().id], 90)
    clock.advance(89)
    assert claim(books) == []
    clock.advance(1)
    assert claim(books) == [NUMBER]


def test_the_parcels_of_a_store_that_is_no_more_are_left_alone(books):
    books.order("1001", NUMBER)
    with books.database.writing() as connection:
        connection.execute(update(parcels).values(store="closed"))
    assert claim(books) == []


def test_the_backlog_is_counted_with_its_age(books, clock):
    books.order("1001", "111111111", "222222222")
    clock.advance(30)
    with books.database.reading() as connection:
        backlog = books.watch.backlog(connection)
    assert (backlog.due, backlog.lag) == (2, 30)
