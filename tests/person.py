"""An order of somebody, with everything an engine may come to keep about it, for tests of what becomes of that.

Whatever tells who it is has `Quillfeather` in it, or is one of `TRACES`.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from doorstep import Found, PickupPoint, Place, Shipment, Status
from doorstep.access import Access
from doorstep.answers import Answers
from doorstep.config import Config, parse
from doorstep.database import Database
from doorstep.freshness import Entry
from doorstep.idempotency import Given, Once
from doorstep.ledger import Ledger
from doorstep.links import Links
from doorstep.order import CustomerFacts, Item, Money, Order, PackedItem, Parcel, Promise
from doorstep.orderbook import KeptOrder, OrderBook
from doorstep.outbox import Outbox
from doorstep.records import Records
from doorstep.reports import Kind, Reports
from doorstep.tables import answers, codes, referrals, sources
from doorstep.vault import Vault

from .scans import at

NUMBER = "2L07713964205"
EMAIL = "odd.quillfeather@mail.example"
TRACES = ("quillfeather", "hp-40127", "5004 x", NUMBER.lower(), "sea boots", "tveitevannet", "shp_somebody")
PLACED = datetime(2026, 11, 1, 9, tzinfo=UTC)
SETTINGS = """\
secret_key = "a secret of thirty-two characters or more"
database = "{database}"

[stores.main]
name = "Harbour & Pine"

[stores.main.webhooks.crm]
url = "https://crm.shop.example/hook"
secret = ["whsec_bm90IGEgc2VjcmV0LCB0aHJpdHktdHdvIGJ5dGVzISE="]
"""
ORDER = Order(
    "HP-40127",
    placed_at=PLACED,
    email=EMAIL,
    postcode="5004 X",
    country="NO",
    language="nb",
    promised=Promise(until=date(2026, 11, 5)),
    items=(Item("Sea boots for O. Quillfeather", "boots", sku="SEA BOOTS 41"),),
    shipments=(Parcel(NUMBER, "acme", (PackedItem("boots"),)),),
    total=Money(Decimal("1290.00"), "NOK"),
    tags=("Quillfeather",),
    note="Dear Odd Quillfeather, thank you",
    customer=CustomerFacts(3),
)


def config_of(database_url: str) -> Config:
    return parse(SETTINGS.format(database=database_url), file="doorstep.toml", environ={})


class Parts:
    """The parts of an engine that keep something."""

    def __init__(self, config: Config, clock: Any) -> None:
        calendars = {id: (one.calendar, ZoneInfo(one.timezone)) for id, one in config.stores.items()}
        zones = {id: zone for id, (_, zone) in calendars.items()}
        languages = {id: one.language for id, one in config.stores.items()}
        self.clock = clock
        self.database = Database(config.database, base=Path())
        self.vault = Vault(config.secret_key)
        self.outbox = Outbox({id: one.webhooks for id, one in config.stores.items()}, clock=clock)
        self.orders = OrderBook(self.vault, clock=clock, calendars=calendars, carrier_named=str)
        self.ledger = Ledger(self.orders, self.outbox, clock=clock)
        self.records = Records(self.database, self.outbox, self.vault, clock=clock, languages=languages, zones=zones)
        self.reports = Reports(self.vault, self.outbox, clock=clock)
        self.answers = Answers(self.database, self.outbox, clock=clock)
        self.links = Links(config.secret_key)
        self.access = Access(self.database, self.orders, self.links, self.vault, clock=clock)


def delivered(engine: Parts) -> Entry:
    """What the carrier says in the end, with its own words."""
    place = Place(city="Tveitevannet", region="", postcode="5004 X", country="NO", name="Quillfeather")
    scan = at(20 * 24 * 60, Status.DELIVERED, place=place, text="left with Mr. Quillfeather")
    shipment = Shipment(
        NUMBER, (scan,), "shp_somebody", "acme", status=Status.DELIVERED, final=True, since=scan.moment,
        destination=place, service="Parcel", pickup_point=PickupPoint("Quillfeather's kiosk"),
    )  # fmt: skip
    return Entry(Found((shipment,)), engine.clock.now())


def everything(engine: Parts) -> KeptOrder:
    """Keeps ORDER as the API, the worker, a connector and the order's page would; its parcel was delivered."""
    connector = {"store": "main", "connector": "shopsystem", "key": f"order/{ORDER.number}", "changed_at": None}
    with engine.database.writing() as connection:
        once = Once(engine.vault, clock=engine.clock)
        once.do(connection, "a key", "a request", b"", lambda connection: _entered(engine, connection))
        kept = engine.orders.find(connection, "main", ORDER.number)
        assert kept is not None
        engine.records.record(connection, kept.parcels[0].id, {"acme": delivered(engine)})
        told = {"text": "It is wet. O. Quillfeather", "contact": EMAIL}
        engine.reports.keep(connection, kept, Kind.PROBLEM, told, id=f"rep_{kept.id}", parcel=kept.parcels[0])
        connection.execute(
            sources.insert().values(order_id=kept.id, parcels=msgspec.json.encode([NUMBER]), **connector)
        )
        for shipment, comment in ((kept.id, "Quillfeather says thanks"), ("shp_somebody", "5004 X")):
            connection.execute(answers.insert().values(_answer(shipment, comment, engine.clock.now())))
        _codes(engine, connection, kept)
    with engine.database.reading() as connection:
        return engine.orders.one(connection, kept.id)


def _codes(engine: Parts, connection: Any, kept: KeptOrder) -> None:
    """The order has a code, was paid with another, and came by a third."""
    plain = {"store": "main", "pool": "", "redeemed_by": "", "created_at": engine.clock.now()}
    mine = {**plain, "widget": "referral", "code": "MINE", "order_id": kept.id, "customer": kept.email_hash}
    used = {**plain, "widget": "offer", "code": "USED", "redeemed_by": ORDER.number}
    connection.execute(codes.insert().values(mine))
    code_id = connection.scalar(codes.insert().values(used).returning(codes.c.id))
    told = {"store": "main", "friend": kept.email_hash, "order_number": ORDER.number, "state": "pending", "reason": ""}
    row = {"id": f"ref_{kept.id}", "code_id": code_id, "created_at": engine.clock.now(), **told}
    connection.execute(referrals.insert().values(row))


def _answer(shipment: str, comment: str, now: datetime) -> dict[str, Any]:
    data = msgspec.json.encode({"score": 4, "comment": comment, "again": True})
    told = {"store": "main", "widget": "survey", "shipment": shipment, "moment": "after_delivery", "data": data}
    return {**told, "created_at": now, "updated_at": now}


def _entered(engine: Parts, connection: Any) -> Given:
    kept = engine.ledger.enter(connection, "main", ORDER.number, lambda _: ORDER).order
    body = msgspec.json.encode(engine.orders.written(connection, kept))
    return Given(201, {"Location": f"https://shop.example/api/v1/orders/{kept.id}"}, body)


def later(clock: Any, **days: float) -> None:
    clock.advance(timedelta(**days).total_seconds())
