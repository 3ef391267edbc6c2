"""Parcels of orders as their carriers last described them, in SQL: what lasts when the cache is lost.

A change of a parcel, its place in the history, what it means for its orders and the events that tell of it are one
transaction. A newer answer alone changes anything, so no parcel goes backwards; an error keeps what is known.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection, Row, Select, select, update

from .clock import Clock
from .database import Database
from .errors import CarrierError, StoreError
from .exchange import Found
from .freshness import Entry, Record
from .models import TROUBLE, Moment, Place, Shipment, Status
from .order import Contact
from .orderbook import close_orders
from .outbox import Event, Outbox
from .tables import history, order_parcels, orders, parcels
from .vault import Vault

_PATIENCE = 1.0  # seconds a page waits for the database
_PAUSE = 5.0  # seconds it is left alone after it did not answer
_SLACK = timedelta(days=1)  # clocks and dates without a zone: earlier by less is not clearly earlier
_FORMER = timedelta(days=90)  # what had ended so long before the order is another parcel under the same number
PAST = timedelta(days=7)  # what ended so long before the shop told of the parcel is no news

Arrived = Callable[[Connection, Sequence[str]], None]  # with the ids of orders

# A parcel without what its carrier said in full, which is most of it.
SUMMARY = tuple(column for column in parcels.c if column.name != "snapshot")

log = structlog.get_logger("doorstep.records")


class Told(Struct, frozen=True):
    """A parcel's summary, as events tell it: no address, no name."""

    number: str
    carrier: str
    status: str
    reason: str
    delayed: bool
    final: bool
    expected: date | None


_Recorded = Mapping[tuple[str, str], Record]  # by language and number


class _Reading(Struct):
    """Whom the database is asked for at once, numbers by language, and what it will say of them."""

    coming: asyncio.Future[_Recorded]
    wanted: dict[str, set[str]] = {}


class Records:
    """Reads and writes what carriers said. `languages` are the stores', `zones` their clocks, both by store id; `arrived` is
    told which orders a parcel was of that arrived."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        vault: Vault,
        *,
        clock: Clock,
        languages: Mapping[str, str],
        zones: Mapping[str, ZoneInfo],
        arrived: Arrived = lambda connection, order_ids: None,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._vault = vault
        self._clock = clock
        self._languages = languages
        self._zones = zones
        self._arrived = arrived
        self._not_before = 0.0
        self._next: _Reading | None = None
        self._reading: asyncio.Task[None] | None = None

    async def known(self, number: str, language: str) -> Record:
        """What is recorded of a number in stores of this language. A database that fails, or is slow, knows nothing. Those who
        ask while others are read of are read of together."""
        if self._clock.monotonic() < self._not_before:
            return Record()
        reading = self._next = self._next or _Reading(asyncio.get_running_loop().create_future())
        reading.wanted.setdefault(language, set()).add(number)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await asyncio.shield(reading.coming)
        except (StoreError, TimeoutError) as error:
            self._give_up(type(error).__name__)
            return Record()
        return found.get((language, number), Record())

    def of(self, connection: Connection, parcel_ids: Sequence[str]) -> dict[str, Record]:
        """What is recorded of these parcels, by their ids."""
        rows: dict[str, list[Row[Any]]] = {}
        for row in connection.execute(_described().where(parcels.c.id.in_(parcel_ids))):
            rows.setdefault(row.id, []).append(row)
        return {parcel_id: self._record(listed) for parcel_id, listed in rows.items()}

    def record(self, connection: Connection, parcel_id: str, entries: Mapping[str, Entry]) -> bool:
        """Takes in what carriers said of a parcel (answers by slug). Whether anything new is known of it now.

        Of several shipments under the number the order's date chooses: one that was not scanned clearly before the order was
        placed, else the newest. Where that does not tell, nothing is recorded: it may be somebody else's.
        """
        # First the orders, then the parcel, as a change of an order takes them: else the two could wait for each other.
        belongs = connection.execute(_orders_of(parcel_id).with_for_update(of=orders, key_share=True)).all()
        row = _locked(connection, parcel_id)
        if row is None:
            return False
        if row.failures or row.error:
            connection.execute(_change(row, failures=0, error=""))
        placed_at = min((order.placed_at for order in belongs), default=row.created_at)
        offered = [
            (one, entry.fetched_at)
            for entry in entries.values()
            if isinstance(entry.answer, Found)
            for one in entry.answer.shipments
        ]
        shipment = chosen([one for one, _ in offered], placed_at, _snapshot(row))
        if shipment is None:
            return False
        fetched_at = next(at for one, at in offered if one is shipment)
        if row.fetched_at is not None and fetched_at <= row.fetched_at:
            return False
        self._keep(connection, row, shipment, fetched_at, belongs)
        return True

    def failed(self, connection: Connection, parcel_id: str, error: CarrierError) -> None:
        """Notes that a parcel could not be asked about; what is known of it stays."""
        row = _locked(connection, parcel_id)
        if row is not None:
            connection.execute(_change(row, failures=row.failures + 1, error=error.code))

    def _keep(
        self,
        connection: Connection,
        row: Row[Any],
        shipment: Shipment,
        fetched_at: datetime,
        belongs: Sequence[Row[Any]],
    ) -> None:
        now = self._clock.now()
        summary = {
            "status": shipment.status.value, "reason": shipment.reason[:64], "delayed": shipment.delayed,
            "action_required": shipment.action_required, "final": shipment.final,
            "expected": expected_day(shipment, self._zones[row.store]),
        }  # fmt: skip
        scans = _scans(shipment)
        last = max(scans, default=None)
        differs = any(getattr(row, name) != value for name, value in summary.items())
        changed = differs or row.version == 0
        values = {
            **summary,
            "carrier": row.carrier or _own_carrier(shipment),
            "snapshot": msgspec.msgpack.encode(shipment),
            "fetched_at": fetched_at,
            "first_scan_at": min(scans, default=None),
            "last_scan_at": last,
            "delivered_at": _instant(shipment.since) if shipment.status is Status.DELIVERED else None,
            "origin_country": _country(shipment.origin),
            "destination_country": _country(shipment.destination),
            "service": shipment.service[:100],
            "updated_at": now,
        }
        if last != row.last_scan_at:
            values["stalled_at"] = None
        if changed:
            values |= {"version": row.version + 1, "changed_at": fetched_at}
        after = connection.execute(_change(row, **values).returning(*SUMMARY)).one()
        if not changed:
            return
        noted = {name: summary[name] for name in ("status", "reason", "delayed", "expected")}
        concerned = orders.c.id.in_([order.id for order in belongs])
        connection.execute(update(orders).where(concerned).values(talk_at=now))
        connection.execute(history.insert().values(parcel_id=row.id, version=row.version + 1, at=fetched_at, **noted))
        if row.status != shipment.status and shipment.status is Status.DELIVERED:
            self._arrived(connection, [order.id for order in belongs])
        if row.final != shipment.final:
            close_orders(connection, [order.id for order in belongs], now)
        is_past = row.version == 0 and shipment.final and last is not None and last < row.created_at - PAST
        if differs and not is_past:
            for kind in _news(row, shipment):
                for order in belongs:
                    self._outbox.put(connection, event(kind, order, after, f"{after.version}"))

    async def _read(self) -> None:
        """One reading after the other, each of all who came during the one before. It may outlive the pages."""
        try:
            while self._next is not None:
                reading, self._next = self._next, None
                try:
                    reading.coming.set_result(await self._database.read(partial(self._of_all, wanted=reading.wanted)))
                except Exception as error:
                    reading.coming.set_exception(error)
                    reading.coming.exception()  # told where somebody still waits for it
        finally:
            self._reading = None

    def _give_up(self, error: str) -> None:
        now = self._clock.monotonic()
        if now >= self._not_before:
            log.warning("the database does not answer", error=error)
        self._not_before = now + _PAUSE

    def _of_all(self, connection: Connection, *, wanted: Mapping[str, Collection[str]]) -> _Recorded:
        """By language and number; of most numbers that strangers ask for nothing is recorded."""
        found = {}
        for language, numbers in wanted.items():
            stores = [store for store, spoken in self._languages.items() if spoken == language]
            query = (
                select(parcels.c.number).distinct().where(parcels.c.number.in_(numbers), parcels.c.store.in_(stores))
            )
            for number in connection.scalars(query).all():
                found[language, number] = self._of_number(connection, number=number, stores=stores)
        return found

    def _of_number(self, connection: Connection, *, number: str, stores: Sequence[str]) -> Record:
        query = _described().where(parcels.c.number == number, parcels.c.store.in_(stores))
        rows = connection.execute(query.order_by(parcels.c.era.desc(), orders.c.placed_at).limit(100)).all()
        newest: dict[str, int] = {}
        return self._record([row for row in rows if row.era == newest.setdefault(row.store, row.era)])

    def _record(self, rows: Sequence[Row[Any]]) -> Record:
        entries: dict[str, Entry] = {}
        for row in sorted((row for row in rows if row.snapshot), key=lambda row: row.fetched_at):
            shipment = _snapshot(row)
            if shipment is not None:
                entries[shipment.carrier] = Entry(Found((shipment,)), row.fetched_at)
        shipped = min(((row.shipped_at, row.store) for row in rows if row.shipped_at), default=None)
        return Record(
            ordered=bool(rows),
            carrier=next((row.carrier for row in rows if row.carrier), ""),
            entries=entries,
            postcode=next(filter(None, (self._postcode(row.contact) for row in rows if row.contact)), ""),
            shipped_on=shipped[0].astimezone(self._zones[shipped[1]]).date().isoformat() if shipped else "",
            news_at=max((row.news_at for row in rows if row.news_at), default=None),
        )

    def _postcode(self, sealed: bytes) -> str:
        try:
            return msgspec.json.decode(self._vault.open(sealed), type=Contact).postcode
        except (StoreError, msgspec.MsgspecError):
            return ""  # sealed with a key that is gone: carriers are asked without it


def chosen(shipments: Iterable[Shipment], placed_at: datetime, known: Shipment | None) -> Shipment | None:
    """Which of the shipments under a number is the order's; None when that cannot be told."""
    mine = [one for one in shipments if not _is_former(one, placed_at)]
    if len(mine) < 2:
        return next(iter(mine), None)
    if same := [one for one in mine if known is not None and one.id == known.id]:
        return same[0]
    started = [(min(_scans(one), default=None), one) for one in mine]
    fitting = [one for at, one in started if at is not None and at >= placed_at - _SLACK]
    if fitting or any(at is None for at, _ in started):
        return fitting[0] if len(fitting) == 1 else None
    newest = max(at for at, _ in started if at is not None)
    latest = [one for at, one in started if at == newest]
    return latest[0] if len(latest) == 1 else None


def expected_day(shipment: Shipment, zone: ZoneInfo) -> date | None:
    """The last day on which the carrier expects to deliver, on the clock of the place, else of the shop."""
    moment = shipment.window and (shipment.window.end or shipment.window.start)
    if not moment:
        return None
    if moment.local is not None:
        return moment.local.date()
    return moment.instant.astimezone(zone).date() if moment.instant is not None else None


def event(type: str, order: Row[Any], parcel: Row[Any], nth: str, **data: Any) -> Event:
    """What happened to a parcel, as it is told for one of its orders; two with the same `nth` are one."""
    told = Told(
        parcel.number, parcel.carrier, parcel.status, parcel.reason, parcel.delayed, parcel.final, parcel.expected
    )
    body = {"order": {"id": order.id, "number": order.number}, "shipment": told, **data}
    return Event(parcel.store, type, body, f"{type}:{parcel.id}:{order.id}:{nth}", order.id, parcel.id)


def _news(before: Row[Any], shipment: Shipment) -> list[str]:
    """The types of what is new: of every change, and of an arrival or a problem beside it."""
    types = ["shipment.status_changed"]
    if shipment.status != before.status and shipment.status is Status.DELIVERED:
        types.append("shipment.delivered")
    trouble = shipment.status in TROUBLE or shipment.action_required
    if trouble and (shipment.status, shipment.action_required) != (before.status, before.action_required):
        types.append("shipment.problem")
    return types


def _own_carrier(shipment: Shipment) -> str:
    """The carrier that is confirmed; whoever only knows of all carriers' parcels is none."""
    return "" if shipment.carrier_name else shipment.carrier


def _country(place: Place) -> str:
    return place.country if len(place.country) == 2 else ""


def _is_former(shipment: Shipment, placed_at: datetime) -> bool:
    ended = max(_scans(shipment), default=None) if shipment.final else None
    return ended is not None and ended < placed_at - _FORMER


def _scans(shipment: Shipment) -> list[datetime]:
    """When something happened to the parcel, as exactly as it is known."""
    found = (_instant(event.moment) for event in shipment.events if event.status is not None)
    return [at for at in found if at is not None]


def _instant(moment: Moment | None) -> datetime | None:
    """The instant, or a wall clock without a zone read as UTC: half a day off at most, which days are counted with."""
    if moment is None:
        return None
    if moment.instant is not None:
        return moment.instant
    return moment.local.replace(tzinfo=UTC) if moment.local is not None else None


def _snapshot(row: Row[Any]) -> Shipment | None:
    if not row.snapshot:
        return None
    try:
        return msgspec.msgpack.decode(row.snapshot, type=Shipment)
    except (msgspec.MsgspecError, ValueError):
        return None


def _locked(connection: Connection, parcel_id: str) -> Row[Any] | None:
    query = select(parcels).where(parcels.c.id == parcel_id).with_for_update(key_share=True)
    return connection.execute(query).one_or_none()


def _change(row: Row[Any], **values: Any) -> Any:
    return update(parcels).where(parcels.c.id == row.id).values(values)


def _orders_of(parcel_id: str) -> Select[Any]:
    mine = order_parcels.c.order_id == orders.c.id
    query = select(orders.c.id, orders.c.number, orders.c.placed_at).join(order_parcels, mine)
    return query.where(order_parcels.c.parcel_id == parcel_id).order_by(orders.c.id)


def _described() -> Select[Any]:
    """Parcels with what their orders say of them, a row for each order."""
    query = select(parcels, order_parcels.c.shipped_at, orders.c.contact)
    query = query.join(order_parcels, order_parcels.c.parcel_id == parcels.c.id)
    return query.join(orders, orders.c.id == order_parcels.c.order_id)
