"""The parcels of orders: found again or made when an order names them, and let go when none does. Every function works
inside the caller's transaction.

What it looks at it locks, in one order (the order, then its parcels by number), so that a parcel which comes to its end
while an order takes it in is seen by one of the two, and none is dropped that another order just took in.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, bindparam, delete, or_, select, update

from .database import insert
from .ids import new_id
from .models import Shipment
from .order import PackedItem, Parcel
from .tables import order_parcels, orders, parcels

_NEW_ERA = timedelta(days=90)  # a number that comes again so long after its parcel arrived is another parcel
_AT_ONCE = 500  # ids in one statement
_UNSEEN = {
    "version": 0, "status": "pending", "reason": "", "delayed": False, "action_required": False, "final": False,
    "origin_country": "", "destination_country": "", "service": "", "failures": 0, "error": "",
    "snapshot": None, "expected": None, "fetched_at": None,
}  # fmt: skip
_OF_ORDER = order_parcels.c.order_id == bindparam("order")
_KNOWN = (
    select(parcels)
    .where(parcels.c.store == bindparam("store"), parcels.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(parcels.c.number, parcels.c.era.desc())
    .with_for_update(key_share=True)
)
_PACKED = (
    select(order_parcels.c.order_id, order_parcels.c.contents, order_parcels.c.shipped_at, parcels)
    .join(parcels, parcels.c.id == order_parcels.c.parcel_id)
    .where(order_parcels.c.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(order_parcels.c.position)
)


class KeptParcel(Struct, frozen=True):
    """A parcel of an order, with what its carrier last said (`shipment`, None before the first answer)."""

    id: str
    number: str
    carrier: str  # slug, empty until known
    items: tuple[PackedItem, ...]
    shipped_at: datetime | None
    shipment: Shipment | None
    status: str
    final: bool
    expected: date | None
    version: int
    fetched_at: datetime | None
    error: str


One = TypeVar("One", Parcel, KeptParcel)
Fields = Mapping[Any, Any]  # of a row, by column


def pack(
    connection: Connection, store: str, order_id: str, named: Sequence[Parcel], placed_at: datetime, now: datetime
) -> tuple[KeptParcel, ...]:
    """Puts these parcels, settled, into an order that has none: the ones there are, else new ones."""
    if not named:
        return ()
    known = _known(connection, store, {parcel.number for parcel in named})
    packed: dict[str, KeptParcel] = {}
    for parcel in named:
        row = _parcel(connection, store, parcel, known, placed_at, now)
        one = _kept_parcel(row, parcel.items, parcel.shipped_at)
        packed[one.id] = _joined(one, packed[one.id]) if one.id in packed else one
    rows = [
        {
            "order_id": order_id, "parcel_id": one.id, "position": position,
            "contents": msgspec.json.encode(one.items), "shipped_at": one.shipped_at,
        }
        for position, one in enumerate(packed.values(), 1)
    ]  # fmt: skip
    connection.execute(order_parcels.insert(), rows)
    return tuple(packed.values())


def unpack(connection: Connection, order_id: str) -> set[str]:
    """Takes the parcels out of an order; their ids."""
    taken = delete(order_parcels).where(_OF_ORDER).returning(order_parcels.c.parcel_id)
    return set(connection.scalars(taken, {"order": order_id}))


def drop_orphans(connection: Connection, ids: Collection[str]) -> None:
    """Deletes those of the parcels that belong to no order."""
    if not ids:
        return
    mine = parcels.c.id.in_(ids)
    # An order may be taking one in: only what begins after its transaction has ended sees that.
    connection.execute(select(parcels.c.id).where(mine).order_by(parcels.c.number).with_for_update()).all()
    connection.execute(delete(parcels).where(mine, parcels.c.id.not_in(select(order_parcels.c.parcel_id))))


def packed_in(connection: Connection, order_ids: Sequence[str]) -> dict[str, tuple[KeptParcel, ...]]:
    """The parcels of orders, by the order's id, as the orders list them."""
    found: dict[str, list[KeptParcel]] = {}
    for start in range(0, len(order_ids), _AT_ONCE):
        for row in connection.execute(_PACKED, {"orders": order_ids[start : start + _AT_ONCE]}):
            items = msgspec.json.decode(row.contents, type=tuple[PackedItem, ...])
            found.setdefault(row.order_id, []).append(_kept_parcel(row._mapping, items, row.shipped_at))
    return {order_id: tuple(listed) for order_id, listed in found.items()}


def close_orders(connection: Connection, order_ids: Sequence[str], now: datetime) -> None:
    """Notes for these orders whether the last of their parcels has come to its end; retention counts from then."""
    mine = order_parcels.c.order_id == orders.c.id
    joined = select(order_parcels.c.parcel_id).where(mine).join(parcels, parcels.c.id == order_parcels.c.parcel_id)
    is_open = joined.where(parcels.c.final.is_(False)).exists()
    has_any = select(order_parcels.c.parcel_id).where(mine).exists()
    among = orders.c.id.in_(order_ids)
    reopened = among & orders.c.closed_at.is_not(None) & or_(is_open, ~has_any)
    connection.execute(update(orders).where(reopened).values(closed_at=None))
    ended = among & ~is_open & has_any & orders.c.closed_at.is_(None)
    connection.execute(update(orders).where(ended).values(closed_at=now))


def merged(listed: Iterable[Parcel]) -> tuple[Parcel, ...]:
    """Each parcel once, where a shop names one twice with other items in it."""
    found: dict[tuple[str, str], Parcel] = {}
    for one in listed:
        key = (one.number, one.carrier)
        found[key] = _joined(one, found[key]) if key in found else one
    return tuple(found.values())


def _joined(last: One, before: One) -> One:
    """As it was named last, with what it holds by every name."""
    return structs.replace(last, items=before.items + last.items, shipped_at=before.shipped_at or last.shipped_at)


def _known(connection: Connection, store: str, numbers: Collection[str]) -> dict[str, list[Fields]]:
    """The parcels that have these numbers, by number, each time the newest first."""
    found: dict[str, list[Fields]] = {number: [] for number in numbers}
    for row in connection.execute(_KNOWN, {"store": store, "numbers": sorted(numbers)}).mappings():
        found[row["number"]].append(row)
    return found


def _parcel(
    connection: Connection, store: str, parcel: Parcel, known: dict[str, list[Fields]],
    placed_at: datetime, now: datetime,
) -> Fields:  # fmt: skip
    """The row of the parcel with this number: the one there is, unless it is an older one with the same number."""
    eras, carrier = known[parcel.number], parcel.carrier
    newest = next((one for one in eras if not carrier or one["carrier"] in ("", carrier)), None)
    if newest is None or (newest["final"] and _ended(newest) < placed_at - _NEW_ERA):
        era = max((one["era"] for one in eras), default=-1) + 1
        row = {
            **_UNSEEN, "id": new_id("pcl"), "store": store, "number": parcel.number, "carrier": carrier, "era": era,
            "due_at": now, "created_at": now, "updated_at": now,
        }  # fmt: skip
        made = insert(connection, parcels).on_conflict_do_nothing().returning(parcels.c.id)
        if connection.scalar(made, row) is None:  # another transaction was quicker, and has ended by now
            known |= _known(connection, store, [parcel.number])
            return _parcel(connection, store, parcel, known, placed_at, now)
        eras.insert(0, row)
        return row
    if carrier and not newest["carrier"]:
        values = {"carrier": carrier, "due_at": None if newest["final"] else now}
        connection.execute(update(parcels).where(parcels.c.id == newest["id"]).values(values))
        return {**newest, "carrier": carrier}
    return newest


def _kept_parcel(row: Fields, items: tuple[PackedItem, ...], shipped_at: datetime | None) -> KeptParcel:
    return KeptParcel(
        row["id"], row["number"], row["carrier"], items, shipped_at,
        msgspec.msgpack.decode(row["snapshot"], type=Shipment) if row["snapshot"] else None,
        row["status"], row["final"], row["expected"], row["version"], row["fetched_at"], row["error"],
    )  # fmt: skip


def _ended(row: Fields) -> datetime:
    ended: datetime = row["delivered_at"] or row["changed_at"] or row["updated_at"]
    return ended
