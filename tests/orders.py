"""Orders for tests: an order book, orders in few words, and two transactions of which one has to wait."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Table, func, select, text, update

from doorstep.calendar import Calendar
from doorstep.clock import Clock
from doorstep.database import Database
from doorstep.order import Order
from doorstep.orderbook import OrderBook
from doorstep.secret import Secret
from doorstep.tables import parcels
from doorstep.vault import Vault

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday; also where FakeClock stands
KEY = Secret("a secret that nobody knows, of 40 letters")
UPS = "1Z5R89390357567127"
_SLUGS = {"ups": "ups", "UPS": "ups", "dhl": "dhl"}


def book_of(clock: Clock, *keys: Secret, **calendar: Any) -> OrderBook:
    """The order book of the stores `main` and `outlet`."""
    calendars = {store: (Calendar(**calendar), ZoneInfo("Europe/Berlin")) for store in ("main", "outlet")}
    vault = Vault(keys or [KEY])
    return OrderBook(vault, clock=clock, calendars=calendars, carrier_named=lambda name: _SLUGS.get(name, ""))


def order(number: str = "1001", *named: str, **fields: Any) -> Order:
    """An order, with a parcel for each of these numbers."""
    return msgspec.convert({"number": number, "shipments": [{"number": one} for one in named], **fields}, Order)


def come_to_an_end(connection: Connection, parcel_id: str, at: datetime) -> None:
    values = {"final": True, "status": "delivered", "delivered_at": at, "changed_at": at}
    connection.execute(update(parcels).where(parcels.c.id == parcel_id).values(values))


def rows(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def behind(database: Database, first: Callable[[Connection], Any], second: Callable[[Connection], Any]) -> Any:
    """What `second` returns in a transaction of its own that has to wait for the one in which `first` was done."""
    came: list[Any] = []

    def follow() -> None:
        with database.writing() as connection:
            came.append(second(connection))

    follower = Thread(target=follow)
    with database.writing() as connection:
        first(connection)
        follower.start()
        if not database.is_sqlite:
            _until_somebody_waits(database)
    follower.join()
    return came[0] if came else None


def _until_somebody_waits(database: Database) -> None:
    for _ in range(400):
        with database.reading() as connection:
            if connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                return
        sleep(0.025)
    raise AssertionError("nobody waits")
