"""How orders come in, from a file or from a shop system: new, changed or as they were, each with its event.

All that enters for one store enters one after the other: SQLite works so by itself, PostgreSQL by a lock. Two that read,
merge and write the same order at once would else lose what one of them wrote.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

from msgspec import Struct, structs
from sqlalchemy import Connection, func, select

from .clock import Clock
from .errors import OrderExists
from .order import Order, Parcel
from .orderbook import KeptOrder, OrderBook
from .outbox import Event, Outbox
from .packing import merged


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    SAME = "same"


class Entry(Struct, frozen=True):
    """What became of an order that came in; `parcels` are the ids of those that are new to it."""

    outcome: Outcome
    order: KeptOrder
    parcels: tuple[str, ...] = ()


Change = Callable[[Order], Order]  # from the order as it was written to how it is now
Follow = Callable[
    [Connection, KeptOrder, Order], None
]  # what an order brings with it, as it is kept and as it was written


class Ledger:
    """Enters orders, in the caller's transaction; `follow` is done for each that is new or has changed."""

    def __init__(self, orders: OrderBook, outbox: Outbox, *, clock: Clock, follow: Sequence[Follow] = ()) -> None:
        self._orders = orders
        self._outbox = outbox
        self._clock = clock
        self._follow = follow

    def begin(self, connection: Connection, store: str) -> None:
        """Waits until nothing else is entering for the store, and keeps others waiting until the transaction ends."""
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"enter {store}", 0))))

    def enter(self, connection: Connection, store: str, number: str, change: Change) -> Entry:
        """Keeps what `change` makes of the order with this number: of an empty one, when there is none. Nothing is
        written when an error is raised. Raises NumberError."""
        written = change(Order(number))
        try:
            kept = self._orders.create(connection, store, written)
        except OrderExists:
            there = self._orders.find(connection, store, number, lock=True)
            assert there is not None  # noqa: S101  # begin() keeps all others out
            return self.amend(connection, there, change)
        self._told(connection, "order.created", kept, written)
        return Entry(Outcome.CREATED, kept, _new_parcels(kept))

    def amend(self, connection: Connection, kept: KeptOrder, change: Change) -> Entry:
        """As `enter`, for an order that is known to be there. Raises NumberError, and OrderExists for another's number."""
        before = self._orders.written(connection, kept)
        wanted = change(before)
        wanted = self._orders.settled(kept.store, wanted, wanted.placed_at or kept.placed_at)
        after = structs.replace(wanted, shipments=_with_known_carriers(wanted.shipments, before.shipments))
        if after == before:
            return Entry(Outcome.SAME, kept)
        changed = self._orders.change(connection, kept, after)
        self._told(connection, "order.updated", changed, after)
        return Entry(Outcome.CHANGED, changed, _new_parcels(changed, but=kept))

    def _told(self, connection: Connection, kind: str, kept: KeptOrder, written: Order) -> None:
        data = {"order": {"id": kept.id, "number": kept.order.number}}
        self._outbox.put(connection, Event(kept.store, kind, data, f"{kind}:{kept.id}:{kept.version}", kept.id))
        for follow in self._follow:
            follow(connection, kept, written)


def _new_parcels(kept: KeptOrder, *, but: KeptOrder | None = None) -> tuple[str, ...]:
    known = {one.id for one in but.parcels} if but else set()
    return tuple(one.id for one in kept.parcels if one.id not in known and one.fetched_at is None)


def _with_known_carriers(wanted: tuple[Parcel, ...], before: tuple[Parcel, ...]) -> tuple[Parcel, ...]:
    """A carrier that was found out stays where a shop names none."""
    known = {one.number: one.carrier for one in before}
    filled = [structs.replace(one, carrier=one.carrier or known.get(one.number, "")) for one in wanted]
    return merged(filled)
