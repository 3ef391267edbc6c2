"""The demo shop's orders: as a shop would send them, with sample parcels, and dates that count from today."""

import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..engine import Engine
from ..links import Proof, Ticket
from ..order import Item, Money, Order, PackedItem, Parcel, Promise
from ..samples import Samples
from ..worker import beside
from .month import send_month

_LINKS = timedelta(days=365)
_NOON = time(12, tzinfo=UTC)


class _Parcel(Struct, frozen=True, forbid_unknown_fields=True):
    sample: str  # carrier/case
    holds: dict[str, int]


class DemoOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of `orders.toml`."""

    number: str
    title: str
    placed: int
    promised: int
    email: str
    postcode: str
    country: str
    lines: dict[str, int]
    parcels: tuple[_Parcel, ...]
    note: str = ""


class Product(Struct, frozen=True, forbid_unknown_fields=True):
    """An invented thing of the demo shop."""

    name: str
    price: str
    currency: str
    url: str
    image: str

    @property
    def id(self) -> str:
        return Path(self.image).stem


def products(folder: Path) -> list[Product]:
    raw = tomllib.loads((folder / "products.toml").read_text("utf-8"))
    return msgspec.convert(raw["products"], list[Product])


def demo_orders(folder: Path) -> list[DemoOrder]:
    raw = tomllib.loads((folder / "orders.toml").read_text("utf-8"))
    return msgspec.convert(raw["orders"], list[DemoOrder])


def written(one: DemoOrder, goods: Mapping[str, Product], samples: Mapping[str, Samples], *, today: date) -> Order:
    """The order as the shop sends it."""
    items = tuple(
        Item(
            name=goods[id].name,
            id=id,
            quantity=count,
            image=goods[id].image,
            url=goods[id].url,
            price=Money(Decimal(goods[id].price), goods[id].currency),
        )
        for id, count in one.lines.items()
    )
    total = sum((item.price.amount * item.quantity for item in items if item.price), Decimal())
    return Order(
        number=one.number,
        placed_at=datetime.combine(today + timedelta(days=one.placed), _NOON),
        email=one.email,
        postcode=one.postcode,
        country=one.country,
        promised=Promise(until=today + timedelta(days=one.promised)),
        items=items,
        shipments=tuple(_parcel(parcel, samples) for parcel in one.parcels),
        total=Money(total, "EUR"),
        note=one.note,
    )


def _parcel(parcel: _Parcel, samples: Mapping[str, Samples]) -> Parcel:
    slug, _, name = parcel.sample.partition("/")
    number = next(case.number for case in samples[slug].cases if case.name == name)
    return Parcel(number, slug, tuple(PackedItem(id, count) for id, count in parcel.holds.items()))


@asynccontextmanager
async def orders_and_worker(engine: Engine, orders: Sequence[Order], *, busy: str) -> AsyncIterator[None]:
    """Sends the orders to every store, a month of others to the `busy` one, and lets a worker run; what is there from before
    stays."""
    widgets = engine.config.stores[busy].widgets
    month = partial(send_month, store=busy, today=engine.clock.now().date(), widgets=widgets)
    await engine.database.write(month)
    for store in engine.config.stores:
        for order in orders:
            await engine.database.write(partial(_send, engine, store, order))
    async with beside(engine):
        yield


def _send(engine: Engine, store: str, order: Order, connection: Connection) -> None:
    engine.ledger.begin(connection, store)
    if engine.orders.find(connection, store, order.number) is None:
        engine.ledger.enter(connection, store, order.number, lambda _: order)


async def links(engine: Engine, store: str, numbers: Sequence[str]) -> dict[str, str]:
    """The signed path of each of these orders that the store has, by its number."""
    found = await engine.database.read(
        lambda connection: [engine.orders.find(connection, store, number) for number in numbers]
    )
    until = engine.clock.now() + _LINKS
    tickets = {one.order.number: Ticket(one.id, Proof.LINK, until, one.link_generation) for one in found if one}
    return {number: f"/o/{engine.links.token(ticket)}/" for number, ticket in tickets.items()}
