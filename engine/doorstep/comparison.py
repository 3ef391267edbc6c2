"""Carriers compared by lane: from which country to which, by which service; from parcels that came to their end.

A parcel counts in the period in which it came to its end (delivered, returned, lost), or in which its promised day passed
while it was still under way: so a slow lane does not look quick because its slow parcels have not arrived yet. What erased
orders leave is enough to count them.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Subquery,
    and_,
    case,
    cast,
    extract,
    func,
    or_,
    select,
)

from .models import Status
from .tables import history, order_parcels, orders, parcels

LEAST = 20  # parcels of a lane, below which its figures would be chance
_TENTH = 8640  # seconds: of a day
_WENT_WRONG = (Status.EXCEPTION, Status.RETURNING, Status.RETURNED, Status.LOST)
_LONGEST = 400  # days between a parcel's end and its promise, where clocks are looked at


class Lane(NamedTuple):
    """Whose parcels went from where to where, and how."""

    carrier: str
    origin: str
    destination: str
    service: str


class LaneFigures(Struct, frozen=True):
    """A carrier on a lane. Countries are ISO 3166-1, empty where the carrier does not say; shares are percent and None where
    nothing counts. `promised` had a promise, `on_time` of these arrived by the end of the promised day; days are from the
    first scan to delivery; `exceptions` met a problem; `first_attempt` of the delivered had no failed attempt."""

    carrier: str
    origin: str
    destination: str
    service: str
    parcels: int
    promised: int
    on_time: float | None
    median_days: float | None
    p90_days: float | None
    exceptions: float
    first_attempt: float | None


class Comparison(Struct, frozen=True):
    """The lanes with enough parcels, and how many parcels went on others."""

    lanes: tuple[LaneFigures, ...] = ()
    others: int = 0


class Grouped(Struct, frozen=True):
    """Parcels of one lane that took equally long, in tenths of a day; None: not delivered."""

    lane: Lane
    tenths: int | None
    parcels: int
    promised: int
    on_time: int
    troubled: int
    attempted: int  # a delivery failed at least once


def compare(connection: Connection, store: str, first: date, last: date, zone: ZoneInfo, *, today: date) -> Comparison:
    """The lanes of a store from the day `first` to `last`, on its own clock."""
    rows = connection.execute(_counted(_parcels(store, first, last, zone, today), zone, first, last))
    return figures(_grouped(row) for row in rows)


def figures(groups: Iterable[Grouped], *, least: int = LEAST) -> Comparison:
    """What groups come to, lane by lane; on each lane the carrier that keeps its promises best comes first."""
    lanes: dict[Lane, list[Grouped]] = {}
    for one in groups:
        lanes.setdefault(one.lane, []).append(one)
    found = [_figures(lane, of_lane) for lane, of_lane in lanes.items()]
    shown = [one for one in found if one.parcels >= least]
    shown.sort(key=lambda one: (one.origin, one.destination, -(one.on_time or 0), one.carrier, one.service))
    return Comparison(tuple(shown), sum(one.parcels for one in found if one.parcels < least))


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """The smallest value that at least this share of all lie at or below (nearest rank); None without any."""
    total = sum(counts.values())
    rank, below = max(1, ceil(share * total)), 0
    for value in sorted(counts):
        below += counts[value]
        if below >= rank:
            return value
    return None


def _figures(lane: Lane, groups: list[Grouped]) -> LaneFigures:
    taken: dict[int, int] = {}
    for one in groups:
        if one.tenths is not None:
            taken[max(0, one.tenths)] = taken.get(max(0, one.tenths), 0) + one.parcels
    median, p90 = quantile(taken, 0.5), quantile(taken, 0.9)
    arrived = [one for one in groups if one.tenths is not None]
    delivered = sum(one.parcels for one in arrived)
    total, promised = sum(one.parcels for one in groups), sum(one.promised for one in groups)
    return LaneFigures(
        *lane,
        total,
        promised,
        _percent(sum(one.on_time for one in groups), promised),
        None if median is None else median / 10,
        None if p90 is None else p90 / 10,
        _percent(sum(one.troubled for one in groups), total) or 0.0,
        _percent(delivered - sum(one.attempted for one in arrived), delivered),
    )


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _parcels(store: str, first: date, last: date, zone: ZoneInfo, today: date) -> Subquery:
    """The parcels that count, with their promise and what their history has."""
    promised = (
        select(func.min(orders.c.promised_until))
        .join(order_parcels, order_parcels.c.order_id == orders.c.id)
        .where(order_parcels.c.parcel_id == parcels.c.id)
        .scalar_subquery()
    )
    candidate = select(
        parcels.c.carrier,
        parcels.c.origin_country.label("origin"),
        parcels.c.destination_country.label("destination"),
        parcels.c.service,
        parcels.c.first_scan_at,
        parcels.c.delivered_at,
        parcels.c.final,
        func.coalesce(parcels.c.delivered_at, parcels.c.last_scan_at).label("ended_at"),
        promised.label("promised"),
        _had(_WENT_WRONG).label("troubled"),
        _had((Status.DELIVERY_ATTEMPTED,)).label("attempted"),
    ).where(
        parcels.c.store == store,
        parcels.c.first_scan_at.is_not(None),
        parcels.c.status != Status.CANCELLED.value,
        parcels.c.last_scan_at >= _midnight(first, zone) - timedelta(days=_LONGEST),
    )
    found = candidate.subquery()
    ended = and_(found.c.ended_at >= _midnight(first, zone), found.c.ended_at < _midnight(last + timedelta(1), zone))
    overdue = and_(found.c.promised >= first, found.c.promised <= min(last, today - timedelta(1)))
    return select(found).where(or_(and_(found.c.final, ended), and_(~found.c.final, overdue))).subquery()


def _had(statuses: Iterable[Status]) -> ColumnElement[bool]:
    mine = history.c.parcel_id == parcels.c.id
    return select(history.c.version).where(mine, history.c.status.in_([one.value for one in statuses])).exists()


def _counted(one: Subquery, zone: ZoneInfo, first: date, last: date) -> Select[Any]:
    """How many parcels of each lane took how long, in SQL: a shop's parcels are many, these rows are not."""
    taken = (_seconds(one.c.delivered_at) - _seconds(one.c.first_scan_at) + _TENTH // 2) // _TENTH
    tenths = case((one.c.delivered_at.is_not(None), taken)).label("tenths")
    by_then = _seconds(one.c.delivered_at) < _seconds(one.c.promised) + 86_400 - _offset(
        one.c.promised, zone, first, last
    )
    keys = [*(one.c[name] for name in Lane._fields), tenths]
    return select(
        *keys,
        func.count().label("parcels"),
        func.count(one.c.promised).label("promised"),
        _times(by_then).label("on_time"),
        _times(one.c.troubled).label("troubled"),
        _times(one.c.attempted).label("attempted"),
    ).group_by(*keys)


def _times(holds: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((holds, 1), else_=0))


def _seconds(at: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(extract("epoch", at), BigInteger)


def _offset(day: ColumnElement[date], zone: ZoneInfo, first: date, last: date) -> ColumnElement[int]:
    """How many seconds the shop's clock is ahead of UTC when a day ends there: databases need not know zones."""
    changes: list[tuple[date, int]] = []
    for n in range(-_LONGEST, (last - first).days + _LONGEST):
        at = first + timedelta(days=n)
        ahead = round((_midnight(at + timedelta(1), zone).utcoffset() or timedelta()).total_seconds())
        if not changes or changes[-1][1] != ahead:
            changes.append((at, ahead))
    return case(*((day >= since, ahead) for since, ahead in reversed(changes)), else_=changes[0][1])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _grouped(row: Row[Any]) -> Grouped:
    tenths = None if row.tenths is None else int(row.tenths)
    numbers = (int(number) for number in row[-5:])
    return Grouped(Lane(row.carrier, row.origin, row.destination, row.service), tenths, *numbers)
