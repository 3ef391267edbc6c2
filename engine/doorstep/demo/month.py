"""A month of the demo shop: invented parcels of three carriers, who looked at their pages, and what was answered.

Orders are as erasure leaves them, so that no person need be invented. The same day gives the same month. What is counted is
what happens here to these parcels, so that the figures of `doorstep insights` are true of them.
"""

from collections import Counter
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from ..message import Kind
from ..models import Status
from ..order import Order
from ..tables import answers, history, order_parcels, orders, parcels, tallies

DAYS = 40  # before today, on which parcels are given to carriers
_ORIGIN = "DE"
_PROMISED = {"DE": 3, "AT": 4, "FR": 5, "GB": 7, "US": 8}  # days to each country
_A_DAY = (31, 26, 24, 23, 27, 15, 12)  # parcels, from Monday
_MEANT = (9, 10)  # scores of who is content


class _Way(Struct, frozen=True):
    """How a carrier does on a lane: days it takes and how they spread, and how often something goes wrong."""

    carrier: str
    service: str
    country: str
    often: int
    days: float
    spread: float
    problems: float
    second_attempts: float


_WAYS = (
    _Way("dhl", "Paket", "DE", 30, 1.7, 0.6, 0.02, 0.06),
    _Way("dpd", "Classic", "DE", 22, 2.1, 0.9, 0.04, 0.14),
    _Way("ups", "Standard", "DE", 12, 1.5, 0.5, 0.02, 0.09),
    _Way("dhl", "Paket", "AT", 9, 2.9, 0.8, 0.03, 0.07),
    _Way("dpd", "Classic", "AT", 9, 2.3, 0.7, 0.03, 0.08),
    _Way("ups", "Standard", "FR", 10, 3.1, 0.9, 0.03, 0.08),
    _Way("dpd", "Classic", "FR", 9, 4.2, 1.6, 0.07, 0.18),
    _Way("ups", "Standard", "GB", 8, 5.4, 1.8, 0.11, 0.07),
    _Way("ups", "Worldwide Saver", "US", 6, 4.6, 1.1, 0.08, 0.05),
    _Way("dhl", "Paket", "US", 5, 8.1, 2.4, 0.12, 0.06),
    _Way("dpd", "Classic", "GB", 1, 6.0, 2.0, 0.10, 0.10),  # too few to say anything
)


class _Parcel(Struct, frozen=True):
    """A parcel with its days. `trouble` are the statuses that its history has beside the usual ones."""

    way: _Way
    shipped: datetime
    arrived: datetime
    promised: date
    trouble: tuple[Status, ...]


class _Month(Struct):
    """The rows of everything."""

    orders: list[dict[str, Any]] = []
    parcels: list[dict[str, Any]] = []
    packed: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    counts: Counter[tuple[date, str, str]] = msgspec.field(default_factory=Counter)


def send_month(connection: Connection, store: str, *, today: date, widgets: Collection[str]) -> bool:
    """Writes the month into a store that has none yet, with what its widgets were used for. Whether it did."""
    if connection.scalar(select(tallies.c.day).where(tallies.c.store == store).limit(1)) is not None:
        return False
    month = _made(store, today, frozenset(widgets))
    days = [
        {"store": store, "day": day, "kind": kind, "subject": subject, "count": count}
        for (day, kind, subject), count in sorted(month.counts.items())
    ]
    for table, rows in (
        (orders, month.orders), (parcels, month.parcels), (order_parcels, month.packed), (history, month.history),
        (answers, month.answers), (tallies, days),
    ):  # fmt: skip
        connection.execute(table.insert(), rows)
    return True


def _made(store: str, today: date, widgets: frozenset[str]) -> _Month:
    chance, month = Random(str(today)), _Month()  # noqa: S311  # invented parcels need no secret
    ways = [way.often for way in _WAYS]
    for ago in range(DAYS, 0, -1):
        day = today - timedelta(days=ago)
        for _ in range(round(_A_DAY[day.weekday()] * chance.uniform(0.8, 1.2))):
            parcel = _sent(chance.choices(_WAYS, ways)[0], day, chance)
            _write(month, store, parcel, today)
            _tell(month, parcel, today, chance)
            _read(month, store, parcel, today, widgets, chance)
    return month


def _sent(way: _Way, day: date, chance: Random) -> _Parcel:
    shipped = datetime.combine(day, time(17), UTC) + timedelta(minutes=chance.randrange(120))
    trouble = []
    took = max(0.7, chance.gauss(way.days, way.spread))
    if chance.random() < way.problems:
        trouble.append(Status.EXCEPTION)
        took += chance.uniform(1, 4)
    if chance.random() < way.second_attempts:
        trouble.append(Status.DELIVERY_ATTEMPTED)
        took += 1
    arrived = datetime.combine((shipped + timedelta(days=took)).date(), time(8), UTC)
    arrived = max(arrived, shipped + timedelta(hours=14)) + timedelta(minutes=chance.randrange(540))
    return _Parcel(way, shipped, arrived, day + timedelta(days=_PROMISED[way.country]), tuple(trouble))


def _write(month: _Month, store: str, parcel: _Parcel, today: date) -> None:
    """The parcel and its order as they stand this morning, without anybody's name."""
    n = len(month.orders)
    order_id, parcel_id, way = f"ord_month{n:05}", f"pcl_month{n:05}", parcel.way
    is_there = parcel.arrived.date() < today
    last = parcel.arrived if is_there else parcel.shipped
    status = Status.DELIVERED if is_there else Status.IN_TRANSIT
    placed = parcel.shipped - timedelta(hours=6)
    written = {"version": 1, "created_at": placed, "updated_at": last}
    month.orders.append({
        **written, "id": order_id, "store": store, "number": order_id, "placed_at": placed, "promise": "",
        "document": msgspec.json.encode(Order(order_id, country=way.country)), "promised_until": parcel.promised,
        "link_generation": 1, "closed_at": last, "erased_at": last,
    })  # fmt: skip
    month.parcels.append({
        **written, "id": parcel_id, "store": store, "number": parcel_id, "carrier": way.carrier, "era": 0,
        "status": status.value, "reason": "", "delayed": False, "action_required": False, "final": is_there,
        "first_scan_at": parcel.shipped, "last_scan_at": last, "delivered_at": parcel.arrived if is_there else None,
        "origin_country": _ORIGIN, "destination_country": way.country, "service": way.service, "failures": 0, "error": "",
    })  # fmt: skip
    month.packed.append({"order_id": order_id, "parcel_id": parcel_id, "position": 0, "contents": b"[]"})
    past = (Status.IN_TRANSIT, *parcel.trouble, Status.DELIVERED) if is_there else (Status.IN_TRANSIT,)
    for version, one in enumerate(past, 1):
        at = parcel.shipped if version == 1 else last
        row = {
            "parcel_id": parcel_id,
            "version": version,
            "at": at,
            "status": one.value,
            "reason": "",
            "delayed": False,
        }
        month.history.append(row)


def _tell(month: _Month, parcel: _Parcel, today: date, chance: Random) -> None:
    """What the shop mails on the way, as far as that is over, and who follows its link."""
    told: list[tuple[datetime, Kind, float]] = [(parcel.shipped, Kind.ON_ITS_WAY, 0.31)]
    if Status.DELIVERY_ATTEMPTED in parcel.trouble:
        told.append((parcel.arrived - timedelta(days=1), Kind.ATTEMPTED, 0.58))
    if parcel.arrived.date() > parcel.promised:
        told.append((datetime.combine(parcel.promised, time(18), UTC), Kind.DELAYED, 0.52))
    told += [(parcel.arrived, Kind.DELIVERED, 0.24), (parcel.arrived + timedelta(days=3), Kind.SURVEY, 0.14)]
    if chance.random() < 0.004:  # there is no such address: it is written to once
        month.counts.update((parcel.shipped.date(), kind, Kind.ON_ITS_WAY.value) for kind in ("sent", "bounced"))
        return
    for at, kind, share in told:
        if at.date() < today:
            month.counts[at.date(), "sent", kind.value] += 1
            month.counts[at.date(), "delivered", kind.value] += chance.random() < 0.99
            month.counts[at.date(), "followed", kind.value] += chance.random() < share


def _read(month: _Month, store: str, parcel: _Parcel, today: date, widgets: frozenset[str], chance: Random) -> None:
    """Who waits for the parcel looks at its page now and then, and uses what stands there."""
    day, counts = parcel.shipped.date(), month.counts

    def used(kind: str, widget: str, share: float) -> bool:
        did = widget in widgets and chance.random() < share
        if did:
            counts[day, kind, widget] += 1
        return did

    while day < today and day <= parcel.arrived.date() + timedelta(days=1):
        arrived = day >= parcel.arrived.date()
        if chance.random() < (0.85 if arrived else 0.55):
            counts[day, "viewed", "order" if chance.random() < 0.6 else "tracking"] += 1
            for widget in sorted(widgets):
                if _shows(widget, arrived):
                    counts[day, "shown", widget] += 1
            used("clicked", "cross_sell", 0.06)
            used("clicked", "content", 0.04)
            if arrived:
                if used("answered", "survey", 0.16):
                    _answer(month, store, parcel, day, chance)
                used("referred", "referral", 0.008)
                used("redeemed", "offer", 0.012)
                used("clicked", "review", 0.05)
        day += timedelta(days=1)


def _shows(widget: str, arrived: bool) -> bool:
    return arrived or widget not in {"survey", "offer", "review"}


def _answer(month: _Month, store: str, parcel: _Parcel, day: date, chance: Random) -> None:
    """The later a parcel and the more went wrong, the worse the score."""
    late = max(0, (parcel.arrived.date() - parcel.promised).days)
    score = chance.choice(_MEANT if chance.random() < 0.72 else (7, 8)) - 2 * late - 2 * len(parcel.trouble)
    at = datetime.combine(day, time(18), UTC)
    month.answers.append({
        "store": store, "widget": "survey", "shipment": f"ans_month{len(month.answers):05}", "moment": "after_delivery",
        "data": msgspec.json.encode({"score": max(0, score), "of": 10}), "created_at": at, "updated_at": at,
    })  # fmt: skip
