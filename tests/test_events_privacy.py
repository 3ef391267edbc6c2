"""Events leave the engine: whatever is known of an order and its parcels, they tell numbers and states, no person."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import select

from doorstep import Found, PickupPoint, Place, Shipment, Status
from doorstep.calendar import Calendar
from doorstep.config import parse
from doorstep.engine import create_engine
from doorstep.freshness import Entry
from doorstep.order import CustomerFacts, Item, Money, Order, Parcel, Promise
from doorstep.reports import Kind
from doorstep.shelf_life import ShelfLife
from doorstep.tables import events
from doorstep.watch import Watch

from .scans import at

pytestmark = pytest.mark.anyio
# What an event may tell, by the path in its data.
TOLD = {
    "order.id", "order.number", "report.id", "report.kind", "promised", "cause", "since",
    "code.code", "code.widget", "referral.id", "referral.code", "referral.reason",
    *(f"shipment.{name}" for name in ("number", "carrier", "status", "reason", "delayed", "final", "expected")),
}  # fmt: skip
ORDER = Order(
    "1001",
    placed_at=datetime(2026, 11, 1, 9, tzinfo=UTC),
    email="PRIVATE@shop.example",
    postcode="PRIVATE 1",
    country="NO",
    promised=Promise(until=date(2026, 11, 20)),
    items=(Item("PRIVATE shoes", "PRIVATE-1", sku="PRIVATE-2", url="https://shop.example/PRIVATE", tags=("PRIVATE",)),),
    shipments=(Parcel("2L07713964205"),),
    total=Money(Decimal("49.90"), "NOK"),
    tags=("PRIVATE",),
    note="PRIVATE note",
    customer=CustomerFacts(3),
)
PLACE = Place(city="PRIVATE city", region="PRIVATE", postcode="PRIVATE", country="NO", name="PRIVATE shop")


def shipment(status):
    scan = at(60, status, place=PLACE, text="left with PRIVATE", code="PRIVATE")
    return Shipment(
        "2L07713964205", (scan,), "shp_1", "acme", status=status, origin=PLACE, destination=PLACE, service="PRIVATE",
        pickup_point=PickupPoint("PRIVATE", "PRIVATE street 1"),
    )  # fmt: skip


@pytest.fixture
async def engine(database_url, clock, tmp_path):
    text = f'secret_key = "{"k" * 32}"\ndatabase = "{database_url}"\n[stores.main]\nname = "Shop"\n'
    engine = create_engine(parse(text, file="doorstep.toml", environ={}, base=tmp_path), clock=clock, packages=[])
    await engine.database.open()
    yield engine
    await engine.close()


async def test_no_event_tells_of_a_person(engine, clock):
    with engine.database.writing() as connection:
        kept = engine.ledger.enter(connection, "main", "1001", lambda order: ORDER).order
        engine.ledger.amend(connection, kept, lambda order: msgspec.structs.replace(order, note="PRIVATE, too"))
        kept = engine.orders.one(connection, kept.id)
        for kind in Kind:
            told = {"text": "PRIVATE words", "contact": "PRIVATE@shop.example"}
            engine.reports.keep(connection, kept, kind, told, id=f"rep_{kind}", parcel=kept.parcels[0])
    watch = Watch(
        engine.database,
        engine.outbox,
        clock=clock,
        calendars={"main": (Calendar(), ZoneInfo("UTC"))},
        lives={"main": ShelfLife()},
    )
    for status in (Status.IN_TRANSIT, Status.EXCEPTION, Status.DELIVERED):
        clock.advance(60)
        with engine.database.writing() as connection:
            engine.records.record(
                connection, kept.parcels[0].id, {"acme": Entry(Found((shipment(status),)), clock.now())}
            )
            watch.settle(connection, kept.parcels[0].id)
        await watch.look_round()
    with engine.database.reading() as connection:
        put = connection.execute(select(events)).all()
    assert {row.type for row in put} >= {
        "order.created", "order.updated", "order.problem_reported", "order.call_requested", "order.not_received",
        "shipment.status_changed", "shipment.problem", "shipment.delivered", "shipment.stalled", "order.promise_missed",
    }  # fmt: skip
    for row in put:
        assert b"PRIVATE" not in row.data
        assert set(paths(msgspec.json.decode(row.data))) <= TOLD, row.type


def paths(data, before=""):
    for name, value in data.items():
        if isinstance(value, dict):
            yield from paths(value, f"{before}{name}.")
        else:
            yield before + name
