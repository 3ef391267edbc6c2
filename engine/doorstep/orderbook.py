"""Orders and their parcels in SQL. Every function works inside the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, Row, bindparam, case, delete, func, or_, select, tuple_, update

from . import consent_owners
from .calendar import Calendar
from .clock import Clock
from .code_owners import let_go, rename
from .database import insert
from .errors import NumberError, OrderChanged, OrderExists, StoreError
from .ids import new_id
from .order import Contact, CustomerFacts, Money, Order, Parcel, Promise
from .packing import Fields, KeptParcel, close_orders, drop_orphans, merged, pack, packed_in, unpack
from .recognition import normalise
from .tables import answers, order_parcels, orders
from .vault import Vault

__all__ = ["KeptOrder", "KeptParcel", "OrderBook", "Page", "close_orders"]

_CHANGE = (
    update(orders)
    .where(orders.c.id == bindparam("order"), orders.c.version == bindparam("seen"))
    .values(
        version=orders.c.version + 1,  # what was told of a promise holds as long as the promise does
        promise=case((orders.c.promised_until == bindparam("until"), orders.c.promise), else_=""),
    )
    .returning(orders)
)


class KeptOrder(Struct, frozen=True):
    """An order as it is kept. `order` is what the shop wrote, without what `OrderBook.contact` gives."""

    id: str
    store: str
    version: int
    order: Order
    placed_at: datetime
    promised: Promise | None
    promise: str  # "", at_risk, missed
    link_generation: int
    parcels: tuple[KeptParcel, ...]
    email_hash: str | None
    postcode_hash: str | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    erased_at: datetime | None


class Page(Struct, frozen=True):
    """A page of a list; `after` is where the next one begins, None at the end."""

    orders: tuple[KeptOrder, ...]
    after: tuple[datetime, str] | None


class OrderBook:
    """`calendars` are the stores' business days and zones; `carrier_named` gives the slug of a carrier's name, or ""."""

    def __init__(
        self,
        vault: Vault,
        *,
        clock: Clock,
        calendars: Mapping[str, tuple[Calendar, ZoneInfo]],
        carrier_named: Callable[[str], str],
    ) -> None:
        self._vault = vault
        self._clock = clock
        self._calendars = calendars
        self._carrier_named = carrier_named

    def create(self, connection: Connection, store: str, order: Order) -> KeptOrder:
        """Keeps a new order. Raises OrderExists, or NumberError for a parcel's number that is none; nothing is kept then."""
        now = self._clock.now()
        whole = self.settled(store, order, order.placed_at or now)
        row = {
            **self._columns(whole), "id": new_id("ord"), "store": store, "version": 1, "link_generation": 0,
            "promise": "", "created_at": now, "updated_at": now, "closed_at": None, "erased_at": None, "talk_at": now,
        }  # fmt: skip
        made = insert(connection, orders).on_conflict_do_nothing().returning(orders.c.id)
        if connection.scalar(made, row) is None:
            raise OrderExists(f"there is an order {order.number!r} already", next_step="change it with PATCH")
        return self._packed(connection, row, whole)

    def change(self, connection: Connection, kept: KeptOrder, order: Order) -> KeptOrder:
        """Writes the order anew: what `order` leaves empty is empty then. Raises OrderExists, NumberError, and OrderChanged
        when `kept` is not the last version."""
        whole = self.settled(kept.store, order, order.placed_at or kept.placed_at)
        if order.number != kept.order.number and self._find(
            connection, orders.c.store == kept.store, orders.c.number == order.number
        ):
            raise OrderExists(f"there is an order {order.number!r} already", next_step="choose another number")
        columns = self._columns(whole)
        which = {"order": kept.id, "seen": kept.version, "until": columns["promised_until"]}
        now = self._clock.now()
        values = {**columns, **which, "updated_at": now, "talk_at": now}
        row = connection.execute(_CHANGE, values).mappings().one_or_none()
        if row is None:
            raise OrderChanged(f"the order {order.number!r} was changed meanwhile", next_step="read it again")
        if order.number != kept.order.number:
            rename(connection, kept.store, kept.order.number, order.number)
        before = unpack(connection, kept.id)
        changed = self._packed(connection, row, whole)
        drop_orphans(connection, before.difference(one.id for one in changed.parcels))
        return changed

    def remove(self, connection: Connection, order_id: str) -> bool:
        """Deletes an order, with the parcels that belong to no other. Whether there was one."""
        kept = self.by_id(connection, order_id)
        if kept is None:
            return False
        hashes, contact = self.email_hashes(connection, kept), Contact()
        with suppress(StoreError):  # the key that could open it is gone
            contact = self.contact(connection, order_id)
        written = consent_owners.written_for(connection, order_id)
        before = unpack(connection, order_id)
        connection.execute(delete(orders).where(orders.c.id == order_id))
        connection.execute(delete(answers).where(answers.c.shipment == order_id))
        drop_orphans(connection, before)
        let_go(connection, kept.store, order_id, kept.order.number, hashes)
        consent_owners.let_go(connection, self._vault, kept.store, order_id, contact, [*hashes, *written])
        return True

    def one(self, connection: Connection, order_id: str) -> KeptOrder:
        """The order of an id that is there."""
        return self._read(connection, [connection.execute(select(orders).where(orders.c.id == order_id)).one()])[0]

    def find(self, connection: Connection, store: str, key: str, *, lock: bool = False) -> KeptOrder | None:
        """The order by its id or by the shop's own number; with `lock` nobody else changes it in this transaction's time."""
        row = self._find(
            connection, orders.c.store == store, or_(orders.c.id == key, orders.c.number == key), lock=lock
        )
        return self._read(connection, [row])[0] if row is not None else None

    def by_id(self, connection: Connection, order_id: str) -> KeptOrder | None:
        row = self._find(connection, orders.c.id == order_id)
        return self._read(connection, [row])[0] if row is not None else None

    def several(self, connection: Connection, order_ids: Sequence[str]) -> list[KeptOrder]:
        """Those of these orders that are there, in no order."""
        return self._read(connection, connection.execute(select(orders).where(orders.c.id.in_(order_ids))).all())

    def page(
        self, connection: Connection, store: str, *, after: tuple[datetime, str] | None = None, limit: int = 50,
        matching: Sequence[Any] = (),
    ) -> Page:  # fmt: skip
        """Orders of a store, the newest first; `matching` are further conditions on `tables.orders`."""
        query = select(orders).where(orders.c.store == store, *matching)
        if after is not None:
            query = query.where(tuple_(orders.c.placed_at, orders.c.id) < after)
        query = query.order_by(orders.c.placed_at.desc(), orders.c.id.desc()).limit(limit + 1)
        rows = connection.execute(query).all()
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(tuple(self._read(connection, rows[:limit])), (last.placed_at, last.id) if last else None)

    def of_parcel(self, connection: Connection, parcel_id: str) -> list[KeptOrder]:
        """Every order that the parcel brings something of, the oldest first."""
        mine = select(order_parcels.c.order_id).where(order_parcels.c.parcel_id == parcel_id)
        query = select(orders).where(orders.c.id.in_(mine)).order_by(orders.c.placed_at, orders.c.id)
        return self._read(connection, connection.execute(query).all())

    def contact(self, connection: Connection, order_id: str) -> Contact:
        """Where the customer of an order is reached; empty where that is not known. Raises StoreError."""
        sealed = connection.scalar(select(orders.c.contact).where(orders.c.id == order_id))
        return msgspec.json.decode(self._vault.open(sealed), type=Contact) if sealed is not None else Contact()

    def written(self, connection: Connection, kept: KeptOrder) -> Order:
        """The order as its shop wrote it, with e-mail, postcode and parcels. Raises StoreError."""
        contact = self.contact(connection, kept.id)
        listed = tuple(Parcel(one.number, one.carrier, one.items, one.shipped_at) for one in kept.parcels)
        return structs.replace(kept.order, **structs.asdict(contact), shipments=listed)

    def settled(self, store: str, order: Order, placed_at: datetime) -> Order:
        """The order as `written` would give it once it is kept: dated, promised by the calendar, each parcel once, under
        its normalised number and its carrier's slug. Raises NumberError."""
        calendar, zone = self._calendars[store]
        promised = calendar.promised(order.promised, placed_at, zone)
        listed = merged(self._named(one, index) for index, one in enumerate(order.shipments))
        return structs.replace(order, placed_at=placed_at.astimezone(UTC), promised=promised, shipments=listed)

    def void_links(self, connection: Connection, order_id: str) -> None:
        """Makes every link to the order given so far void."""
        values = {"link_generation": orders.c.link_generation + 1}
        connection.execute(update(orders).where(orders.c.id == order_id).values(values))

    def facts(self, connection: Connection, kept: KeptOrder) -> CustomerFacts:
        """What is known of the customer: as the shop says, and counted from the orders with the same e-mail address where it
        does not say how many there were."""
        said = kept.order.customer
        if said is not None and said.orders:
            return said
        counted = self._counted(connection, kept)
        if said is None:
            return counted
        return structs.replace(
            counted,
            value=said.value or counted.value,
            last_order_at=said.last_order_at or counted.last_order_at,
            tags=said.tags,
            points=said.points,
            tier=said.tier,
        )

    def _counted(self, connection: Connection, kept: KeptOrder) -> CustomerFacts:
        if kept.email_hash is None:
            return CustomerFacts(orders=1, value=kept.order.total)
        total = kept.order.total
        same = (orders.c.store == kept.store) & orders.c.email_hash.in_(self.email_hashes(connection, kept))
        count = connection.scalar(select(func.count()).select_from(orders).where(same)) or 0
        earlier = orders.c.placed_at < kept.placed_at
        before = connection.scalar(select(func.max(orders.c.placed_at)).where(same, earlier))
        if total is None:
            return CustomerFacts(count, None, before)
        spent = select(func.sum(orders.c.amount)).where(same, orders.c.currency == total.currency)
        cents = connection.scalar(spent) or 0
        return CustomerFacts(count, Money(Decimal(int(cents)).scaleb(-2), total.currency), before)

    def email_hashes(self, connection: Connection, kept: KeptOrder) -> set[str]:
        """What the customer's address is kept as in all of the orders: those of before have a former key's hash."""
        hashes = {kept.email_hash or ""}
        with suppress(StoreError):  # the key that could open it is gone
            hashes.update(self._vault.email_hashes(self.contact(connection, kept.id).email))
        return hashes

    def _named(self, parcel: Parcel, index: int) -> Parcel:
        """The parcel under its normalised number and its carrier's slug."""
        shipped_at = parcel.shipped_at.astimezone(UTC) if parcel.shipped_at else None
        try:
            number = normalise(parcel.number)
        except NumberError as error:
            raise NumberError(f"shipments[{index}].number: {error.message}", next_step=error.next_step) from None
        return structs.replace(
            parcel, number=number, carrier=self._carrier_named(parcel.carrier), shipped_at=shipped_at
        )

    def _columns(self, whole: Order) -> dict[str, Any]:
        """What a settled order is in the table, however it came."""
        contact = Contact(whole.email, whole.postcode, whole.phone)
        total = whole.total
        return {
            "number": whole.number,
            "document": _document(_bare(whole)),
            "contact": self._vault.seal(contact.packed()) if contact != Contact() else None,
            "email_hash": self._vault.email_hash(whole.email) if whole.email else None,
            "postcode_hash": self._vault.postcode_hash(whole.postcode) if whole.postcode else None,
            "placed_at": whole.placed_at,
            "promised_until": whole.promised.until if whole.promised else None,
            "amount": int((total.amount * 100).to_integral_value()) if total else None,
            "currency": total.currency if total else None,
        }

    def _packed(self, connection: Connection, row: Fields, whole: Order) -> KeptOrder:
        """The order of this row, which has no parcels yet, with its parcels."""
        now = self._clock.now()
        listed = pack(connection, row["store"], row["id"], whole.shipments, row["placed_at"], now)
        ended = bool(listed) and all(one.final for one in listed)
        closed_at = (row["closed_at"] or now) if ended else None
        if closed_at != row["closed_at"]:
            connection.execute(update(orders).where(orders.c.id == row["id"]).values(closed_at=closed_at))
        return _order({**row, "closed_at": closed_at}, _bare(whole), listed)

    @staticmethod
    def _find(connection: Connection, *matching: Any, lock: bool = False) -> Row[Any] | None:
        query = select(orders).where(*matching).limit(1)
        return connection.execute(query.with_for_update() if lock else query).one_or_none()

    def _read(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[KeptOrder]:
        packed = packed_in(connection, [row.id for row in rows])
        documents = (msgspec.json.decode(row.document, type=Order) for row in rows)
        return [_order(row._mapping, order, packed.get(row.id, ())) for row, order in zip(rows, documents, strict=True)]


def _document(order: Order) -> bytes:
    """An order without what it leaves open: a version that does not know a field reads the orders that do not use it."""
    blank = Order(order.number)
    said = {name: value for name, value in structs.asdict(order).items() if value != getattr(blank, name)}
    return msgspec.json.encode({"number": order.number, **said})


def _bare(whole: Order) -> Order:
    """What is kept as the document: the parcels have tables of their own, where to reach somebody is sealed."""
    return structs.replace(whole, email="", postcode="", phone="", shipments=())


def _order(row: Fields, order: Order, listed: tuple[KeptParcel, ...]) -> KeptOrder:
    return KeptOrder(
        row["id"], row["store"], row["version"], order, row["placed_at"], order.promised, row["promise"],
        row["link_generation"], listed, row["email_hash"], row["postcode_hash"], row["created_at"], row["updated_at"],
        row["closed_at"], row["erased_at"],
    )  # fmt: skip
