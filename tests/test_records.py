"""What carriers said of ordered parcels lasts; each change is one transaction with its events; nothing goes backwards."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from doorstep import CarrierUnavailable, Found, NotFound, Place, Secret, Status
from doorstep.errors import RateLimited, StoreError
from doorstep.freshness import Entry, Record
from doorstep.models import Window
from doorstep.moments import whole_day
from doorstep.records import chosen
from doorstep.tables import deliveries, order_parcels, parcels
from doorstep.vault import Vault

from .acme import at, parcel, scan
from .bookkeeping import NUMBER, Books
from .servers import until

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)  # the clock's
PLACED = datetime(2026, 11, 19, 9, tzinfo=UTC)
SCANNED = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a scan of tests.acme, where it says nothing else


@pytest.fixture
def books(database, clock):
    return Books(database, clock)


def said(status=Status.IN_TRANSIT, *, at=NOON, events=(), carrier="acme", **fields):
    """A carrier's answer about one parcel."""
    final = status in (Status.DELIVERED, Status.RETURNED)
    shipment = parcel(NUMBER, *events, status=status, carrier=carrier, **{"id": "s1", "final": final, **fields})
    return Entry(Found((shipment,)), at)


def test_the_first_answer_is_recorded_with_its_history_its_lane_and_its_event(books):
    order = books.order("1001", NUMBER, placed_at=PLACED)
    assert books.record(
        said(origin=Place(country="FR"), destination=Place(city="Kiel", country="DE"), service="Express")
    )
    row = books.parcel()
    assert (row.status, row.final, row.version, row.carrier) == ("in_transit", False, 1, "acme")
    assert (row.origin_country, row.destination_country, row.service) == ("FR", "DE", "Express")
    assert (row.first_scan_at, row.last_scan_at, row.delivered_at) == (SCANNED, SCANNED, None)
    assert (row.fetched_at, row.changed_at) == (NOON, NOON)
    assert books.history() == [(1, "in_transit")]
    assert books.told() == [
        (
            "shipment.status_changed",
            {
                "order": {"id": order.id, "number": "1001"},
                "shipment": {
                    "number": NUMBER, "carrier": "acme", "status": "in_transit", "reason": "", "delayed": False,
                    "final": False, "expected": None,
                },
            },
        )
    ]  # fmt: skip
    assert books.kept().parcels[0].shipment.service == "Express"


def test_an_answer_that_says_the_same_is_newer_and_no_change(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said())
    assert books.record(said(at=NOON + timedelta(hours=1)))
    row = books.parcel()
    assert (row.version, row.fetched_at, row.changed_at) == (1, NOON + timedelta(hours=1), NOON)
    assert len(books.told()) == 1


@pytest.mark.parametrize("seconds", [0, 1, 86400])
def test_an_answer_that_is_not_newer_changes_nothing(books, seconds):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said(Status.OUT_FOR_DELIVERY))
    before = books.parcel()
    assert not books.record(said(Status.IN_TRANSIT, at=NOON - timedelta(seconds=seconds)))
    assert books.parcel() == before
    assert books.history() == [(1, "out_for_delivery")]


def test_of_two_answers_recorded_in_the_wrong_order_the_newer_one_stays(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said(Status.DELIVERED, at=NOON + timedelta(minutes=5), since=at(22)))
    books.record(said(Status.OUT_FOR_DELIVERY, at=NOON))
    assert books.parcel().status == "delivered"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"reason": "weather"}, None),
        ({"delayed": True}, None),
        ({"action_required": True}, None),
        ({"window": Window(end=whole_day(date(2026, 11, 25), raw="25 Nov"))}, date(2026, 11, 25)),
    ],
)
def test_each_part_of_the_summary_is_a_change_that_is_told(books, change, expected):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said())
    books.record(said(at=NOON + timedelta(minutes=1), **change))
    row = books.parcel()
    assert (row.version, row.expected) == (2, expected)
    assert books.types().count("shipment.status_changed") == 2


def test_the_expected_day_is_the_last_of_the_window_on_the_shop_s_clock_where_no_other_is_known(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    late = at(24, 23, 30)  # in Berlin it is half past midnight of the next day
    books.record(said(window=Window(end=late.__class__(late.raw, instant=late.instant))))
    assert books.parcel().expected == date(2026, 11, 25)


def test_an_arrival_is_told_and_closes_the_order_when_it_is_the_last(books, clock):
    books.order("1001", NUMBER, "987654321", placed_at=PLACED)
    books.record(said(Status.DELIVERED, since=at(21, 15)))
    assert books.types() == ["shipment.delivered", "shipment.status_changed"]
    assert books.parcel().delivered_at == datetime(2026, 11, 21, 15, tzinfo=UTC)
    assert books.kept().closed_at is None
    books.record(said(Status.DELIVERED, since=at(21, 15)), number="987654321")
    assert books.kept().closed_at == clock.now()
    books.record(said(Status.IN_TRANSIT, at=NOON + timedelta(hours=1)))
    assert books.kept().closed_at is None, "a later scan reopens it"


def test_trouble_is_told_once_and_again_when_it_is_another(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    for nth, (status, reason) in enumerate(
        [
            (Status.EXCEPTION, "customs.documents"),
            (Status.EXCEPTION, "customs.fees"),  # the same trouble, for another reason
            (Status.RETURNING, ""),
        ]
    ):
        books.record(said(status, at=NOON + timedelta(minutes=nth), reason=reason))
    assert books.types().count("shipment.problem") == 2


def test_what_ended_before_the_shop_told_of_it_is_recorded_and_no_news(books):
    books.order("1001", NUMBER, placed_at=datetime(2026, 11, 1, tzinfo=UTC))
    books.record(said(Status.DELIVERED, events=(scan(Status.DELIVERED, at(5)),), since=at(5)))
    assert (books.parcel().status, books.told()) == ("delivered", [])
    assert books.kept().closed_at is not None


def test_a_parcel_of_two_orders_is_told_for_each(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.order("1002", NUMBER, placed_at=PLACED)
    books.record(said())
    assert sorted(data["order"]["number"] for _, data in books.told()) == ["1001", "1002"]


def test_event_and_change_are_one_transaction(books, monkeypatch):
    books.order("1001", NUMBER, placed_at=PLACED)

    def fail(*args):
        raise StoreError("the disk is full")

    monkeypatch.setattr(books.outbox, "put", fail)
    with pytest.raises(StoreError):
        books.record(said())
    assert (books.parcel().version, books.history()) == (0, [])


def test_every_event_waits_for_its_delivery(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said(Status.DELIVERED))
    with books.database.reading() as connection:
        assert connection.execute(select(deliveries.c.endpoint)).scalars().all() == ["crm", "crm"]


def test_an_error_is_counted_and_keeps_what_is_known_until_an_answer_comes(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said())
    id = books.parcel().id
    with books.database.writing() as connection:
        for error in (CarrierUnavailable("down"), RateLimited("slow down")):
            books.records.failed(connection, id, error)
    row = books.parcel()
    assert (row.failures, row.error, row.status, row.version) == (2, "rate_limited", "in_transit", 1)
    books.record(said(at=NOON + timedelta(minutes=1)))
    assert (books.parcel().failures, books.parcel().error) == (0, "")


def test_a_carrier_that_knows_nothing_yet_changes_nothing_and_is_no_failure(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    with books.database.writing() as connection:
        books.records.failed(connection, books.parcel().id, CarrierUnavailable("down"))
        assert not books.records.record(connection, books.parcel().id, {"acme": Entry(NotFound(), NOON)})
    assert (books.parcel().failures, books.parcel().fetched_at) == (0, None)


def test_a_parcel_that_was_taken_out_of_its_order_meanwhile_is_nobody_s(books):
    with books.database.writing() as connection:
        assert not books.records.record(connection, "pcl_gone", {"acme": said()})
        books.records.failed(connection, "pcl_gone", CarrierUnavailable("down"))
    assert books.told() == []


def test_an_aggregator_s_hit_does_not_say_whose_parcel_it_is(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said(carrier="many", carrier_name="Far Post"))
    assert books.parcel().carrier == ""


def test_the_carrier_that_the_order_names_stays_whoever_answers(books):
    books.order("1001", NUMBER, carrier="zeta", placed_at=PLACED)
    books.record(said(carrier="acme"))
    assert books.parcel().carrier == "zeta"


# Several shipments under one number: the order's date chooses.

OLD = parcel(NUMBER, scan(Status.DELIVERED, at(3)), scan(moment=at(2)), id="old", final=True)
NEW = parcel(NUMBER, scan(moment=at(20)), id="new")
NEWER = parcel(NUMBER, scan(moment=at(21)), id="newer")
UNDATED = parcel(NUMBER, scan(moment=at(20).__class__("soon")), id="undated")


@pytest.mark.parametrize(
    ("shipments", "known", "expected"),
    [
        ([OLD, NEW], None, NEW),
        ([NEW, OLD], None, NEW),
        ([OLD], None, OLD),  # placed later than it was told, perhaps: the one there is
        ([NEW, NEWER], None, None),  # both were sent after the order was placed
        ([NEW, NEWER], NEW, NEW),  # but one of them was known before
        ([OLD, UNDATED], None, None),
        ([], None, None),
    ],
    ids=["second", "first", "one", "cannot tell", "known", "no date", "none"],
)
def test_the_order_s_date_chooses_among_shipments(shipments, known, expected):
    assert chosen(shipments, PLACED, known) is expected


def test_where_all_began_before_the_order_the_newest_is_its_own():
    placed = datetime(2026, 11, 30, tzinfo=UTC)
    assert chosen([OLD, NEWER, NEW], placed, None) is NEWER


def test_a_scan_less_than_a_day_before_the_order_is_not_clearly_before_it():
    placed = datetime(2026, 11, 21, 11, tzinfo=UTC)  # 23 hours after the first scan of NEW
    assert chosen([OLD, NEW], placed, None) is NEW


def test_what_arrived_months_before_the_order_is_another_parcel():
    assert chosen([OLD], datetime(2027, 2, 2, tzinfo=UTC), None) is None  # 91 days after its last scan
    assert chosen([OLD], datetime(2027, 1, 31, tzinfo=UTC), None) is OLD


def test_while_it_cannot_be_chosen_nothing_is_recorded_as_this_parcel_s(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    assert not books.record(Entry(Found((NEW, NEWER)), NOON))
    assert (books.parcel().version, books.told()) == (0, [])


def test_of_two_carriers_that_know_the_number_the_order_s_date_chooses(books):
    books.order("1001", NUMBER, placed_at=PLACED)
    former = Entry(Found((parcel(NUMBER, scan(moment=at(2)), carrier="zeta", id="z"),)), NOON)
    assert books.record(former, said())
    assert books.parcel().carrier == "acme"


# What a page is told of a number.


async def test_a_number_of_an_order_is_known_with_its_last_answer_and_what_carriers_are_told(books):
    shipped = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)  # in Berlin already the 20th
    books.order("1001", NUMBER, placed_at=PLACED, postcode="24103")
    with books.database.writing() as connection:
        connection.execute(update(order_parcels).values(shipped_at=shipped))
    assert await books.records.known(NUMBER, "en") == Record(True, "", {}, "24103", "2026-11-20")
    entry = said()
    books.record(entry)
    assert await books.records.known(NUMBER, "en") == Record(True, "acme", {"acme": entry}, "24103", "2026-11-20")


async def test_with_the_secret_lost_that_sealed_the_address_carriers_are_asked_without_the_postcode(books):
    books.order("1001", NUMBER, placed_at=PLACED, postcode="24103")
    books.records._vault = Vault([Secret("t" * 32)])
    assert await books.records.known(NUMBER, "en") == Record(ordered=True)


async def test_a_number_of_no_order_is_a_stranger_s(books):
    books.order("1001", NUMBER)
    assert await books.records.known("000000000", "en") == Record()


async def test_what_was_said_in_another_language_is_not_for_this_store(books):
    books.order("1001", NUMBER)
    assert await books.records.known(NUMBER, "de") == Record()


async def test_a_number_that_is_used_again_shows_nothing_of_the_parcel_before(books, clock):
    books.order("1001", NUMBER, placed_at=PLACED)
    books.record(said(Status.DELIVERED, since=at(21)))
    clock.advance(100 * 86400)
    books.order("1002", NUMBER)
    assert await books.records.known(NUMBER, "en") == Record(ordered=True)


async def test_a_snapshot_that_cannot_be_read_is_a_miss(books):
    books.order("1001", NUMBER)
    books.record(said())
    with books.database.writing() as connection:
        connection.execute(update(parcels).values(snapshot=b"\xc1"))
    assert await books.records.known(NUMBER, "en") == Record(ordered=True, carrier="acme")


async def test_numbers_that_are_asked_for_while_another_is_read_of_are_read_of_at_once(books, monkeypatch):
    books.order("1001", NUMBER)
    books.record(said())
    books.order("1002", "987654321")
    read, reads, held = books.database.read, [], asyncio.Event()

    async def hold_the_first(work):
        reads.append(work)
        if len(reads) == 1:
            await held.wait()
        return await read(work)

    monkeypatch.setattr(books.database, "read", hold_the_first)
    first = asyncio.create_task(books.records.known("000000000", "en"))
    await until(lambda: bool(reads))
    asked = [(NUMBER, "en"), ("987654321", "en"), (NUMBER, "de"), (NUMBER, "en")]
    coming = [asyncio.create_task(books.records.known(*one)) for one in asked]
    await asyncio.sleep(0)
    held.set()
    stranger, (known, other, elsewhere, again) = await first, [await one for one in coming]
    assert (stranger, other, elsewhere) == (Record(), Record(ordered=True), Record())
    assert (known.carrier, again) == ("acme", known)
    assert len(reads) == 2


async def test_a_database_that_fails_knows_nothing_and_is_left_alone_for_a_moment(books, clock, monkeypatch):
    books.order("1001", NUMBER)
    asked = []

    async def fail(work):
        asked.append(1)
        raise StoreError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(books.database, "read", fail)
        assert [await books.records.known(NUMBER, "en") for _ in range(3)] == [Record()] * 3
    assert len(asked) == 1
    clock.advance(5)
    assert (await books.records.known(NUMBER, "en")).ordered


async def test_a_page_does_not_wait_for_a_database_that_hangs(books, monkeypatch):
    hanging = asyncio.Event()
    monkeypatch.setattr("doorstep.records._PATIENCE", 0.01)
    monkeypatch.setattr(books.database, "read", lambda work: hanging.wait())
    assert await books.records.known(NUMBER, "en") == Record()
    hanging.set()
