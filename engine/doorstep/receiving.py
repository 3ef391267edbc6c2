"""What a connector read becomes what is kept: in one transaction, once, and never an older state over a newer one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import structlog
from msgspec import structs
from sqlalchemy import Connection, Row, select

from .clock import Clock
from .connector import Change, DataRequest, OrderChange, OrderGone, Redaction
from .database import insert
from .errors import NumberError, ProtocolError
from .ledger import Ledger
from .order import Order, Parcel
from .orderbook import KeptOrder, OrderBook
from .outbox import Event, Outbox
from .privacy import erase, find
from .recognition import normalise
from .tables import requests, sources
from .vault import Vault

log = structlog.get_logger("doorstep.receiving")
_SCOPE = "connector"
_TYPES = {field.name: field.type for field in structs.fields(Order)}


class Receiver:
    """Keeps what connectors read."""

    def __init__(self, book: OrderBook, ledger: Ledger, outbox: Outbox, vault: Vault, *, clock: Clock) -> None:
        self._book = book
        self._ledger = ledger
        self._outbox = outbox
        self._vault = vault
        self._clock = clock

    def receive(self, connection: Connection, store: str, connector: str, key: str, changes: Sequence[Change]) -> bool:
        """Keeps the changes; False when the same came before. Raises a DoorstepError; nothing is to be kept then."""
        digest = sha256("\x1f".join((store, connector, key)).encode()).hexdigest()
        self._ledger.begin(connection, store)
        row = {"scope": _SCOPE, "key": digest, "fingerprint": digest, "status": 200, "created_at": self._clock.now()}
        first = insert(connection, requests).on_conflict_do_nothing().returning(requests.c.key)
        if connection.scalar(first, row) is None:
            return False
        desk = _Desk(connection, store, connector)
        for change in map(_checked, changes):
            match change:
                case OrderChange():
                    self._change(desk, change)
                case OrderGone():
                    for order_id in desk.orders_of([change.source]):
                        self._book.remove(connection, order_id)
                case Redaction():
                    ids = self._concerned(desk, change)
                    erased = erase(connection, ids, vault=self._vault, now=self._clock.now())
                    self._tell(desk, "privacy.erased", digest, {"orders": erased.orders})
                case DataRequest():
                    for id in self._concerned(desk, change):
                        named = {"id": id, "number": self._book.one(connection, id).order.number}
                        self._tell(desk, "privacy.data_requested", digest, {"order": named}, order_id=id)
        return True

    def _change(self, desk: "_Desk", change: OrderChange) -> None:
        source = desk.source(change.source)
        if source is not None and _older(change.changed_at, source.changed_at):
            return
        known = source or (desk.source(change.part_of) if change.part_of else None)
        kept = self._book.find(desk.connection, desk.store, known.order_id, lock=True) if known else None
        if kept is not None and kept.erased_at is not None:
            return  # what was forgotten stays forgotten
        parcels = None if change.parcels is None else _with_numbers(change.parcels)
        gone = desk.gone(kept, change.source, parcels) if kept is not None and parcels is not None else frozenset()
        said = _fitting(change.fields) | ({} if change.part_of else {"number": change.number})

        def changed(before: Order) -> Order:
            listed = _together(before.shipments, parcels or (), gone)
            return structs.replace(before, **said, shipments=listed)

        if kept is not None:
            entry = self._ledger.amend(desk.connection, kept, changed)
        else:
            entry = self._ledger.enter(desk.connection, desk.store, change.number, changed)
        desk.note(change.source, entry.order.id, change.changed_at, parcels)

    def _concerned(self, desk: "_Desk", change: Redaction | DataRequest) -> list[str]:
        """The ids of the orders that a person's request is about."""
        ids = desk.everything() if isinstance(change, Redaction) and change.everything else set()
        ids |= desk.orders_of(change.sources)
        if change.email:
            ids |= set(find(desk.connection, self._vault, desk.store, email=change.email))
        return sorted(ids)

    def _tell(
        self, desk: "_Desk", kind: str, digest: str, data: Mapping[str, Any], *, order_id: str | None = None
    ) -> None:
        told, once = {"connector": desk.connector, **data}, f"{kind}:{digest[:32]}:{order_id or ''}"
        self._outbox.put(desk.connection, Event(desk.store, kind, told, once, order_id))


class _Desk:
    """The sources of one store and connector, as one transaction sees them."""

    def __init__(self, connection: Connection, store: str, connector: str) -> None:
        self.connection = connection
        self.store = store
        self.connector = connector
        self._mine = (sources.c.store == store) & (sources.c.connector == connector)

    def source(self, key: str) -> Row[Any] | None:
        query = select(sources).where(self._mine, sources.c.key == key)
        return self.connection.execute(query).one_or_none()

    def orders_of(self, keys: Iterable[str]) -> set[str]:
        query = select(sources.c.order_id).where(self._mine, sources.c.key.in_(list(keys)))
        return set(self.connection.scalars(query))

    def everything(self) -> set[str]:
        return set(self.connection.scalars(select(sources.c.order_id).where(self._mine)))

    def gone(self, kept: KeptOrder, key: str, parcels: Sequence[Parcel]) -> frozenset[str]:
        """The numbers of parcels that this source named before and names no more, and that no other names."""
        found = self.connection.execute(select(sources).where(sources.c.order_id == kept.id)).all()
        named = {(one.store, one.connector, one.key): set(msgspec.json.decode(one.parcels)) for one in found}
        before = named.pop((self.store, self.connector, key), set())
        return frozenset(before.difference([one.number for one in parcels], *named.values()))

    def note(
        self, key: str, order_id: str, changed_at: datetime | None, parcels: Sequence[Parcel] | None
    ) -> None:  # fmt: skip
        numbers = msgspec.json.encode([one.number for one in parcels or ()])
        row = {
            "store": self.store, "connector": self.connector, "key": key, "order_id": order_id,
            "changed_at": changed_at, "parcels": numbers,
        }  # fmt: skip
        statement = insert(self.connection, sources)
        renewed = {"order_id": statement.excluded.order_id, "changed_at": statement.excluded.changed_at}
        if parcels is not None:
            renewed["parcels"] = statement.excluded.parcels
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["store", "connector", "key"], set_=renewed), row
        )


def _checked(change: Change) -> Change:
    """The change, when it is one: nothing checks the types of what a plugin makes."""
    try:
        checked: Change = msgspec.convert(msgspec.to_builtins(change), type(change))
    except (msgspec.ValidationError, TypeError):  # its text may be personal
        raise ProtocolError(f"a {type(change).__name__} has fields of another type") from None
    return checked


def _older(now: datetime | None, before: datetime | None) -> bool:
    return now is not None and before is not None and now < before


def _fitting(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as an order has them. One that does not fit is left out: the others are worth more than none."""
    fitting = {}
    for name, value in fields.items():
        try:
            fitting[name] = msgspec.convert(msgspec.to_builtins(value), _TYPES[name])
        except msgspec.ValidationError:  # its text may be personal
            log.warning("a field of an order does not fit and was left out", field=name)
    return fitting


def _with_numbers(parcels: Iterable[Parcel]) -> tuple[Parcel, ...]:
    """Those whose number can be one: people type "by hand" there, too."""
    found = []
    for parcel in parcels:
        try:
            found.append(structs.replace(parcel, number=normalise(parcel.number)))
        except NumberError:
            log.info("a parcel's number is none and was left out")
    return tuple(found)


def _together(before: Sequence[Parcel], now: Sequence[Parcel], gone: frozenset[str]) -> tuple[Parcel, ...]:
    """The parcels without those that are gone. One that is there already keeps what is not said anew."""
    listed = {one.number: one for one in before if one.number not in gone}
    for parcel in now:
        there = listed.get(parcel.number, parcel)
        items = {one.id: one for one in (*there.items, *parcel.items)}
        listed[parcel.number] = Parcel(
            parcel.number, parcel.carrier or there.carrier, tuple(items.values()), parcel.shipped_at or there.shipped_at
        )
    return tuple(listed.values())
