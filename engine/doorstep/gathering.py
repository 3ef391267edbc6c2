"""What the rules of messages look at, read for many orders at once. Works inside the caller's transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, select

from .changes import Change, changes_of
from .clock import Clock
from .config import Store
from .hours import zone_of
from .journeys import Journey
from .message import Kind
from .messages import SAID, Kept, of_orders
from .occasion import Facts, Occasion, key_of
from .occasions import occasions
from .order import Item, Order
from .orderbook import KeptOrder, OrderBook
from .tables import orders, parcels

Leads = Callable[[str, Sequence[Item]], frozenset[tuple[Kind, str]]]  # of a store, for these items
_OFTEN = 50  # changes of a parcel that are looked at, at most
_FOR_NO_LATER_ORDER = frozenset({Kind.REPLENISH, Kind.THANKS})
_LATER = 20  # orders that are looked at


class Case(Struct, frozen=True):
    """An order's customer: what there is to say, and what messages there are already."""

    facts: Facts
    occasions: tuple[Occasion, ...]
    messages: tuple[Kept, ...]

    @property
    def order(self) -> KeptOrder:
        return self.facts.order


class Gathering:
    """`leads` says what the shop's pages have something for."""

    def __init__(self, book: OrderBook, stores: Mapping[str, Store], *, clock: Clock, leads: Leads) -> None:
        self._book = book
        self._stores = stores
        self._clock = clock
        self._leads = leads

    def of(self, connection: Connection, order_ids: Sequence[str]) -> list[Case]:
        """One for each of these orders that is there, in their order."""
        kept = {one.id: one for one in self._book.several(connection, order_ids)}
        parcel_ids = [parcel.id for one in kept.values() for parcel in one.parcels]
        changes = _changes(connection, parcel_ids)
        known_at = _known_at(connection, parcel_ids)
        said = of_orders(connection, list(kept))
        return [self._case(connection, kept[id], changes, known_at, tuple(said[id])) for id in order_ids if id in kept]

    def _case(
        self, connection: Connection, order: KeptOrder, changes: Mapping[str, tuple[Change, ...]],
        known_at: Mapping[str, datetime], rows: tuple[Kept, ...],
    ) -> Case:  # fmt: skip
        store = self._stores[order.store]
        journeys = tuple(
            Journey(one, max(order.created_at, known_at[one.id]), changes.get(one.id, ())) for one in order.parcels
        )
        facts = Facts(
            order, journeys, store.messages, zone_of(_country(order), ZoneInfo(store.timezone)), self._clock.now(),
            told=frozenset(row.once for row in rows if row.state in SAID),
            leads=self._leads(order.store, order.order.items),
        )  # fmt: skip
        found = occasions(facts)
        # The customer's later orders matter seldom: only then are they read.
        if any(one.kind in _FOR_NO_LATER_ORDER and is_due(one, facts.now) for one in found):
            facts = structs.replace(facts, reordered=self._reordered(connection, order))
            found = occasions(facts)
        return Case(facts, found, rows)

    def _reordered(self, connection: Connection, order: KeptOrder) -> frozenset[str] | None:
        """What items the customer ordered since; None where no order came after this one."""
        if order.email_hash is None:
            return None
        same = (orders.c.store == order.store) & orders.c.email_hash.in_(self._book.email_hashes(connection, order))
        later = select(orders.c.document).where(same, orders.c.placed_at > order.placed_at)
        found = list(connection.scalars(later.order_by(orders.c.placed_at.desc()).limit(_LATER)))
        documents = (msgspec.json.decode(document, type=Order) for document in found)
        return frozenset(key_of(item) for one in documents for item in one.items) if found else None


def is_due(occasion: Occasion, now: datetime) -> bool:
    """Whether it is to be said now."""
    return occasion.why is None and occasion.at is not None and occasion.at <= now


def _country(order: KeptOrder) -> str:
    """Where the order goes: as the shop says, else as the carriers do."""
    said = (one.shipment.destination.country for one in order.parcels if one.shipment is not None)
    return order.order.country or next(filter(None, said), "")


def _changes(connection: Connection, parcel_ids: Sequence[str]) -> dict[str, tuple[Change, ...]]:
    """Each parcel's, the oldest first."""
    found: dict[str, list[Change]] = {}
    for change in reversed(changes_of(connection, parcel_ids, limit=_OFTEN * len(parcel_ids))):
        found.setdefault(change.parcel_id, []).append(change)
    return {id: tuple(listed) for id, listed in found.items()}


def _known_at(connection: Connection, parcel_ids: Iterable[str]) -> dict[str, datetime]:
    query = select(parcels.c.id, parcels.c.created_at).where(parcels.c.id.in_(list(parcel_ids)))
    return {row.id: row.created_at for row in connection.execute(query)}
