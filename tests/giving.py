"""A shop that gives codes with its orders, for tests of codes and referrals."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select, update

from doorstep import CodeFacts, CodeRule
from doorstep.database import Database
from doorstep.ledger import Ledger
from doorstep.metrics import Metrics
from doorstep.order import Order
from doorstep.orderbook import KeptOrder
from doorstep.outbox import Outbox
from doorstep.referrals import Referrals
from doorstep.secret import Secret
from doorstep.tables import codes, events, orders, parcels, referrals
from doorstep.vault import Vault
from doorstep.widget_codes import Codes

from .clock import FakeClock
from .orders import KEY, book_of


class Giving:
    """The store `main`, in Berlin, on a domain of its own. `rules` are those of its widgets, by name."""

    def __init__(self, database: Database, clock: FakeClock, *keys: Secret, **rules: CodeRule) -> None:
        secrets = keys or (KEY,)
        self.database = database
        self.clock = clock
        self.metrics = Metrics()
        self.counts: Counter[tuple[str, str, str]] = Counter()  # by store, kind and widget
        self.book = book_of(clock, *secrets)
        outbox, vault = Outbox({}, clock=clock), Vault(secrets)
        self.codes = Codes(
            {"main": rules}, self.book, outbox, vault, self.metrics, clock=clock,
            zones={"main": ZoneInfo("Europe/Berlin")}, addresses={"main": "https://shop.example"}, counted=self.count,
        )  # fmt: skip
        self.referrals = Referrals(database, self.book, self.codes, outbox, vault, clock=clock)
        follow = (self.codes.give, self.referrals.follow)
        self.ledger = Ledger(self.book, outbox, clock=clock, follow=follow)

    def count(self, connection: Any, *what: str) -> None:
        self.counts[what] += 1

    def enter(self, number: str = "1001", **fields: Any) -> KeptOrder:
        wanted = msgspec.convert({"number": number, **fields}, Order)
        with self.database.writing() as connection:
            self.ledger.begin(connection, "main")
            return self.ledger.enter(connection, "main", number, lambda _: wanted).order

    def fill(self, pool: str, *listed: str) -> tuple[int, int]:
        with self.database.writing() as connection:
            filled = self.codes.fill(connection, "main", pool, listed)
        return filled.added, filled.known

    def stock(self) -> list[tuple[str, str, int, int, int]]:
        with self.database.reading() as connection:
            return [msgspec.structs.astuple(one) for one in self.codes.stock(connection, "main")]

    def redeem(self, code: str, number: str) -> None:
        """As the API does for an order that Doorstep does not know."""
        with self.database.writing() as connection:
            row = self.codes.find(connection, "main", code, lock=True)
            assert row is not None
            self.codes.redeem(connection, row, number, None)

    def facts(self, order: KeptOrder) -> dict[str, CodeFacts]:
        with self.database.reading() as connection:
            return self.codes.of_order(connection, self.book.one(connection, order.id))

    def code(self, order: KeptOrder, widget: str = "offer") -> str:
        found = self.facts(order).get(widget)
        return found.code if found else ""

    def arrive(self, order: KeptOrder, at: datetime, status: str = "delivered") -> None:
        """All parcels of the order come to their end."""
        values = {"status": status, "final": True, "delivered_at": at if status == "delivered" else None}
        with self.database.writing() as connection:
            connection.execute(
                update(parcels).where(parcels.c.id.in_([one.id for one in order.parcels])).values(values)
            )
            connection.execute(update(orders).where(orders.c.id == order.id).values(closed_at=at))
            self.codes.arrived(connection, [order.id])

    def brought(self) -> list[tuple[str, str, str]]:
        """Order, state and reason of all referrals, by order."""
        query = select(referrals.c.order_number, referrals.c.state, referrals.c.reason)
        with self.database.reading() as connection:
            return sorted(tuple(row) for row in connection.execute(query))

    def told(self, start: str) -> list[tuple[str, Any]]:
        """Type and data of the events that begin so, in the order of their types."""
        query = select(events.c.type, events.c.data).where(events.c.type.startswith(start)).order_by(events.c.at)
        with self.database.reading() as connection:
            return [(type, msgspec.json.decode(data)) for type, data in connection.execute(query)]

    def rows(self) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(select(codes).order_by(codes.c.id)))

    def later(self, **span: float) -> None:
        self.clock.advance(timedelta(**span).total_seconds())
