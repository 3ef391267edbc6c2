"""What is noticed without a visitor: when a parcel is due again, promises at risk or missed, parcels that stall.

The rules are pure; `Watch` applies them to what is kept, and tells each finding once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, Select, and_, func, or_, select, update

from .calendar import Calendar
from .clock import Clock
from .database import Database
from .freshness import DAY, HOUR, MINUTE
from .models import Status
from .outbox import Event, Outbox
from .records import PAST, SUMMARY, event
from .shelf_life import ShelfLife
from .summary import PAPERWORK
from .tables import order_parcels, orders, parcels

PACE = 2.0  # an ordered parcel is asked about when its answer is twice as old as one that is fresh
LONGEST = DAY
SETTLED = timedelta(days=3)  # an end that stood so long is not asked about any more
GIVEN_UP = timedelta(days=120)  # nor what has not changed for so long: carriers have forgotten it
_RETRY, _LONGEST_RETRY = 5 * MINUTE, 6 * HOUR
_JITTER = 0.15
_AT_ONCE = 200  # orders looked at in one transaction

_MOVING = frozenset({Status.ACCEPTED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.RETURNING})
_THERE = frozenset({Status.DELIVERED, Status.AVAILABLE_FOR_PICKUP})
_NEVER = frozenset({Status.RETURNING, Status.RETURNED, Status.CANCELLED, Status.LOST})


class Way(Struct, frozen=True):
    """How far a parcel of an order has come."""

    status: Status
    expected: date | None = None


class Finding(Struct, frozen=True):
    """How a promise stands ("", at_risk, missed), why, and which of the parcels is the reason, if one is.

    `cause` is expected_later, not_out_for_delivery, not_handed_over, not_coming or too_late.
    """

    promise: str = ""
    cause: str = ""
    nth: int | None = None


class Backlog(Struct, frozen=True):
    """How many parcels are due, and for how many seconds the first of them."""

    due: int
    lag: float


def asked_again(
    status: Status, life: ShelfLife, *, final: bool, idle: timedelta, failures: int, seed: str
) -> float | None:
    """Seconds until a parcel of an order is asked about again; None for never. It is slower the longer nothing has changed
    (`idle`), and after failures. `seed` decides the jitter, so that parcels of one morning do not stay together."""
    if idle > (SETTLED if final else GIVEN_UP):
        return None
    seconds = min(life.of(status) * PACE * (1 + max(0, idle.days)), LONGEST)
    if failures:
        seconds = min(_RETRY * 2.0 ** min(failures - 1, 10), _LONGEST_RETRY)
    return seconds * (1 - _JITTER * sha256(seed.encode()).digest()[0] / 0xFF)


def stalls(status: Status, last_scan: datetime, told: datetime, calendar: Calendar, zone: ZoneInfo) -> bool:
    """Whether a parcel stands still: by what the carrier said when it was asked last (`told`), not by the clock."""
    days = calendar.between(last_scan.astimezone(zone).date(), told.astimezone(zone).date())
    return status in _MOVING and days >= calendar.stalls_after


def found(promised: date, today: date, ways: Sequence[Way], calendar: Calendar) -> Finding:
    """How a promise stands on a day of the shop."""
    open_ways = [(nth, way) for nth, way in enumerate(ways) if way.status not in _THERE]
    if ways and not open_ways:
        return Finding()
    if today > promised:
        return Finding("missed", "too_late", open_ways[0][0] if open_ways else None)
    soon = promised <= calendar.after(today, 1)  # the business day before it has come
    for nth, way in open_ways:
        if cause := _risk(way, promised, today, soon=soon):
            return Finding("at_risk", cause, nth)
    return Finding("at_risk", "not_handed_over") if soon and not ways else Finding()


def _risk(way: Way, promised: date, today: date, *, soon: bool) -> str:
    if way.status in _NEVER:
        return "not_coming"
    if way.expected is not None and way.expected > promised:
        return "expected_later"
    if soon and way.status in PAPERWORK:
        return "not_handed_over"
    return "not_out_for_delivery" if today >= promised and way.status is not Status.OUT_FOR_DELIVERY else ""


class Watch:
    """Applies the rules. `calendars` are the stores' business days and zones, `lives` how long their answers are fresh."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        *,
        clock: Clock,
        calendars: Mapping[str, tuple[Calendar, ZoneInfo]],
        lives: Mapping[str, ShelfLife],
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._calendars = calendars
        self._lives = lives

    def backlog(self, connection: Connection) -> Backlog:
        query = select(func.count(), func.min(parcels.c.due_at)).where(self._is_due())
        count, oldest = connection.execute(query).one()
        return Backlog(count, (self._clock.now() - oldest).total_seconds() if oldest else 0.0)

    def claim(self, connection: Connection, *, limit: int, lease: timedelta) -> list[Row[Any]]:
        """The parcels due for longest, which are the caller's until the lease ends; those of others are passed over."""
        due = select(*SUMMARY).where(self._is_due()).order_by(parcels.c.due_at).limit(limit)
        rows = connection.execute(due.with_for_update(skip_locked=True, key_share=True)).all()
        _set(connection, [row.id for row in rows], leased_until=self._clock.now() + lease)
        return list(rows)

    def release(self, connection: Connection, parcel_ids: Iterable[str]) -> None:
        """Gives back what was claimed and not asked: anybody may take it at once."""
        _set(connection, parcel_ids, leased_until=None)

    def postpone(self, connection: Connection, parcel_ids: Iterable[str], seconds: float) -> None:
        """Not before so many seconds: the carrier has had enough for now, and nothing is wrong with the parcels."""
        _set(connection, parcel_ids, leased_until=None, due_at=self._clock.now() + timedelta(seconds=seconds))

    def settle(self, connection: Connection, parcel_id: str, news_at: datetime | None = None) -> None:
        """After an answer or a failure: when the parcel is due again, and whether it stalls. It is due at once if there is news
        from after the last that was known of when it was claimed (`news_at`)."""
        row = connection.execute(select(*SUMMARY).where(parcels.c.id == parcel_id)).one_or_none()
        if row is None:
            return
        now = self._clock.now()
        idle = now - (row.changed_at or row.created_at)
        status, life, seed = Status(row.status), self._lives[row.store], f"{row.id}{row.version}"
        seconds = asked_again(status, life, final=row.final, idle=idle, failures=row.failures, seed=seed)
        due_at = None if seconds is None else now + timedelta(seconds=seconds)
        if row.news_at is not None and row.news_at != news_at:
            due_at = now
        _set(connection, [row.id], leased_until=None, due_at=due_at)
        calendar, zone = self._calendars[row.store]
        told = row.last_scan_at is not None and row.stalled_at is None
        if told and stalls(status, row.last_scan_at, row.fetched_at, calendar, zone):
            _set(connection, [row.id], stalled_at=now)
            for order in connection.execute(_orders_of(row.id)):
                nth = row.last_scan_at.isoformat()
                self._outbox.put(connection, event("shipment.stalled", order, row, nth, since=row.last_scan_at))

    async def look_round(self) -> int:
        """Finds promises that are kept no more, or again, in all open orders; how many changed."""
        changed, after = 0, ""
        while True:
            ids, differing = await self._database.read(partial(self._differing, after=after))
            if differing:
                changed += await self._database.write(partial(self._tell, order_ids=differing))
            if len(ids) < _AT_ONCE:
                return changed
            after = ids[-1]

    def _differing(self, connection: Connection, *, after: str) -> tuple[list[str], list[str]]:
        """The next open orders whose promise may stand otherwise than told, and those of them where it does."""
        rows = connection.execute(self._doubtful().where(orders.c.id > after).limit(_AT_ONCE)).all()
        findings = self._findings(connection, rows)
        return [row.id for row in rows], [row.id for row in rows if findings[row.id][0].promise != row.promise]

    def _tell(self, connection: Connection, *, order_ids: Sequence[str]) -> int:
        rows = connection.execute(
            select(orders).where(orders.c.id.in_(order_ids)).order_by(orders.c.id).with_for_update(key_share=True)
        ).all()
        count, now = 0, self._clock.now()
        for row in rows:
            finding, parcel = self._findings(connection, [row])[row.id]
            if finding.promise == row.promise:
                continue
            count += 1
            connection.execute(update(orders).where(orders.c.id == row.id).values(promise=finding.promise, talk_at=now))
            if finding.promise:
                self._outbox.put(connection, _promise_event(row, finding, parcel))
        return count

    def _findings(self, connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, tuple[Finding, Row[Any] | None]]:
        mine = order_parcels.c.parcel_id == parcels.c.id
        query = select(order_parcels.c.order_id, *SUMMARY).join(order_parcels, mine)
        query = query.where(order_parcels.c.order_id.in_([row.id for row in rows])).order_by(order_parcels.c.position)
        listed: dict[str, list[Row[Any]]] = {row.id: [] for row in rows}
        for parcel in connection.execute(query):
            listed[parcel.order_id].append(parcel)
        findings = {}
        for row in rows:
            calendar, zone = self._calendars[row.store]
            today = self._clock.now().astimezone(zone).date()
            ways = [Way(Status(one.status), one.expected) for one in listed[row.id]]
            if any(_is_unasked(one) for one in listed[row.id]):
                finding = Finding(row.promise)
            elif _is_void(row):
                finding = Finding()
            else:
                finding = found(row.promised_until, today, ways, calendar)
            findings[row.id] = (finding, None if finding.nth is None else listed[row.id][finding.nth])
        return findings

    def _doubtful(self) -> Select[Any]:
        """Open orders with a promise that is near, slipping by the carrier's word, or told to be at risk."""
        mine = (order_parcels.c.order_id == orders.c.id) & (order_parcels.c.parcel_id == parcels.c.id)
        late = select(order_parcels.c.order_id).where(mine, parcels.c.expected > orders.c.promised_until).exists()
        lost = select(order_parcels.c.order_id).where(mine, parcels.c.status.in_(_NEVER)).exists()
        near = []
        for store, (calendar, zone) in self._calendars.items():
            horizon = calendar.after(self._clock.now().astimezone(zone).date(), 1)
            near.append(and_(orders.c.store == store, orders.c.promised_until <= horizon))
        is_open = and_(orders.c.closed_at.is_(None), orders.c.erased_at.is_(None), orders.c.promised_until.is_not(None))
        known = orders.c.store.in_(list(self._calendars))
        doubtful = or_(*near, late, lost, orders.c.promise == "at_risk")
        return select(orders).where(is_open, known, orders.c.promise != "missed", doubtful).order_by(orders.c.id)

    def _is_due(self) -> Any:
        now = self._clock.now()
        free = or_(parcels.c.leased_until.is_(None), parcels.c.leased_until < now)
        return and_(parcels.c.due_at <= now, free, parcels.c.store.in_(list(self._calendars)))


class _Cancellation(Struct, frozen=True):
    cancelled_at: datetime | None = None


def _is_void(order: Row[Any]) -> bool:
    """Whether nothing is promised: not any more, or it was over long before the shop told of the order."""
    if order.promised_until is None or order.promised_until < (order.created_at - PAST).date():
        return True
    return msgspec.json.decode(order.document, type=_Cancellation).cancelled_at is not None


def _is_unasked(parcel: Row[Any]) -> bool:
    """Whether nobody knows yet where it is: an order that came in a moment ago may have arrived long since."""
    return parcel.due_at is not None and parcel.due_at <= parcel.created_at


def _promise_event(order: Row[Any], finding: Finding, parcel: Row[Any] | None) -> Event:
    """Told once for each day that was promised."""
    type, told = f"order.promise_{finding.promise}", {"promised": order.promised_until, "cause": finding.cause}
    if parcel is not None:
        one = event(type, order, parcel, "", **told)
        return msgspec.structs.replace(one, once=_once(type, order))
    body = {"order": {"id": order.id, "number": order.number}, **told}
    return Event(order.store, type, body, _once(type, order), order.id)


def _once(type: str, order: Row[Any]) -> str:
    return f"{type}:{order.id}:{order.promised_until}"


def _orders_of(parcel_id: str) -> Select[Any]:
    mine = order_parcels.c.order_id == orders.c.id
    query = select(orders.c.id, orders.c.number).join(order_parcels, mine)
    return query.where(order_parcels.c.parcel_id == parcel_id)


def _set(connection: Connection, parcel_ids: Iterable[str], **values: Any) -> None:
    connection.execute(update(parcels).where(parcels.c.id.in_(list(parcel_ids))).values(values))
