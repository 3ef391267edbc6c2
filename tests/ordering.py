"""A shop with orders: parcels of a carrier that answers from a file, and links to the orders' pages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from sqlalchemy import Row, Table, select

from doorstep import Document, PickupPoint, Place, Shipment, Status, Window
from doorstep.config import Store
from doorstep.order import Item, Order, PackedItem, Parcel, Promise
from doorstep.orderbook import KeptOrder
from doorstep.packages import Package
from doorstep.sandbox import sandbox_of

from .acme import at, scan
from .shopfront import Front, parsed, shop, store
from .spy import SPY, spy

EMAIL, POSTCODE = "ada@post.example", "SW1A 2AA"
MOVING, DELIVERED, PICKUP, LATE, UNKNOWN = "SPY100001", "SPY100002", "SPY100003", "SPY100004", "SPY999999"
POINT = PickupPoint(
    "Kiosk am Tor", "Torstr. 7", Place("Berlin", "", "10119", "DE"), ("Mon–Fri 8–20", "Sat 9–13"), at(27)
)
# The clock stands at noon on Sunday 22 November 2026.
ANSWERS: dict[str, tuple[Shipment, ...]] = {
    MOVING: (Shipment(MOVING, (scan(moment=at(21)),), window=Window(at(24), at(24))),),
    DELIVERED: (
        Shipment(
            DELIVERED,
            (scan(Status.DELIVERED, at(20, 15)), scan(moment=at(18))),
            documents=(Document("signature", "ref-1"), Document("photo", "ref-2")),
        ),
    ),
    PICKUP: (Shipment(PICKUP, (scan(Status.AVAILABLE_FOR_PICKUP, at(22, 9)),), pickup_point=POINT),),
    LATE: (Shipment(LATE, (scan(moment=at(21), reason="weather"),), window=Window(at(27), at(27))),),
}
SHOES = Item("Trail shoes", "shoes", image="https://img.example/shoes.jpg", url="https://shop.example/shoes")
SOCKS = Item("Wool socks", "socks", 3)
STORE = store(
    image_hosts=("img.example",), return_url="https://shop.example/returns", contact_url="https://shop.example/help"
)


def order(number: str = "1001", *parcels: Parcel | str, until: date | None = None, **fields: Any) -> Order:
    listed = tuple(Parcel(one) if isinstance(one, str) else one for one in parcels)
    promised = Promise(until=until) if until else None
    return Order(number, **{"items": (SHOES, SOCKS), "shipments": listed, "promised": promised, **fields})


def packed(number: str, **items: int) -> Parcel:
    return Parcel(number, items=tuple(PackedItem(id, count) for id, count in items.items()))


@contextmanager
def ordering(
    folder: Path, plugin: Any, *more: Package, stores: dict[str, Store] | None = None, **fields: Any
) -> Iterator[Front]:
    """The shop, at work. `plugin` is the fixture, `more` are further packages."""
    package = spy(plugin, ANSWERS)
    wanted = stores or {"main": STORE}
    with shop(folder, sandbox_of([]), "", more=(package, *more), accounts=SPY, stores=wanted, **fields) as front:
        yield front


def placed(front: Front, wanted: Order, store_id: str = "main") -> KeptOrder:
    with front.engine.database.writing() as connection:
        kept: KeptOrder = front.engine.orders.create(connection, store_id, wanted)
    return kept


def page_of(front: Front, wanted: Order, *, days: int = 30) -> str:
    """The path of the page of a new order."""
    return f"/o/{front.engine.access.link(placed(front, wanted), timedelta(days=days))}/"


def page(front: Front, wanted: Order, language: str = "en") -> Element:
    """The page of an order that is placed, as the browser builds it."""
    response = front.get(page_of(front, wanted), language)
    assert response.status_code == 200
    return parsed(response.text)


def parcel_of(shown: Element) -> str:
    """The id of the first parcel of a page."""
    return next(
        one.get("aria-labelledby", "") for one in shown.iter("section") if "parcel" in one.get("class", "").split()
    )


def rows(front: Front, table: Table) -> Sequence[Row[Any]]:
    """What lies in a table."""
    with front.engine.database.reading() as connection:
        return list(connection.execute(select(table)))
