"""Orders and their parcels in a database, for tests of what happens to them."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from doorstep import Secret
from doorstep.calendar import Calendar
from doorstep.config import Webhook
from doorstep.database import Database
from doorstep.order import Order, Parcel, Promise
from doorstep.orderbook import KeptOrder, OrderBook
from doorstep.outbox import Outbox
from doorstep.records import Records
from doorstep.shelf_life import ShelfLife
from doorstep.tables import events, history, parcels
from doorstep.vault import Vault
from doorstep.watch import Watch

BERLIN = ZoneInfo("Europe/Berlin")
NUMBER = "123456789"


class Books:
    """One store, `shop`, in Berlin, which works from Monday to Friday, with a webhook for everything."""

    def __init__(
        self, database: Database, clock: Any, calendar: Calendar = Calendar(), life: ShelfLife = ShelfLife(),  # noqa: B008
    ) -> None:  # fmt: skip
        vault = Vault([Secret("s" * 32)])
        calendars = {"shop": (calendar, BERLIN)}
        hears = {"shop": {"crm": Webhook("https://crm.example/hook", (Secret("x"),))}}
        self.database = database
        self.outbox = Outbox(hears, clock=clock)
        self.orders = OrderBook(vault, clock=clock, calendars=calendars, carrier_named=str.lower)
        self.records = Records(
            database, self.outbox, vault, clock=clock, languages={"shop": "en"}, zones={"shop": BERLIN}
        )
        self.watch = Watch(database, self.outbox, clock=clock, calendars=calendars, lives={"shop": life})

    def order(
        self, number: str = "1001", *numbers: str, carrier: str = "", placed_at: datetime | None = None,
        until: Any = None, **fields: Any,
    ) -> KeptOrder:  # fmt: skip
        """An order with parcels of these numbers, promised until a day."""
        shipments = tuple(Parcel(one, carrier) for one in numbers)
        promised = Promise(until=until) if until else None
        order = Order(number, placed_at=placed_at, shipments=shipments, promised=promised, **fields)
        with self.database.writing() as connection:
            return self.orders.create(connection, "shop", order)

    def parcel(self, number: str = NUMBER) -> Any:
        with self.database.reading() as connection:
            return connection.execute(select(parcels).where(parcels.c.number == number)).one()

    def kept(self, number: str = "1001") -> KeptOrder:
        with self.database.reading() as connection:
            order = self.orders.find(connection, "shop", number)
        assert order is not None
        return order

    def record(self, *answers: Any, number: str = NUMBER) -> bool:
        """Takes in entries, each from the carrier its shipment names."""
        entries = {one.answer.shipments[0].carrier: one for one in answers}
        with self.database.writing() as connection:
            return self.records.record(connection, self.parcel(number).id, entries)

    def settle(self, number: str = NUMBER) -> None:
        with self.database.writing() as connection:
            self.watch.settle(connection, self.parcel(number).id)

    def told(self) -> list[tuple[str, Any]]:
        """Type and data of every event, in the order in which they were written."""
        with self.database.reading() as connection:
            rows = connection.execute(select(events.c.type, events.c.data).order_by(events.c.at, events.c.type)).all()
        return [(row.type, msgspec.json.decode(row.data)) for row in rows]

    def types(self) -> list[str]:
        return [type for type, _ in self.told()]

    def history(self) -> list[tuple[int, str]]:
        with self.database.reading() as connection:
            rows = connection.execute(select(history.c.version, history.c.status).order_by(history.c.version)).all()
        return [(row.version, row.status) for row in rows]
