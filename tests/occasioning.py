"""Orders and their parcels' histories in few words, for the rules of messages."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from doorstep.changes import Change
from doorstep.config import Messages
from doorstep.journeys import Journey
from doorstep.message import Kind
from doorstep.models import Moment, PickupPoint, Precision, Shipment, Status, Window
from doorstep.moments import whole_day
from doorstep.occasion import Facts, Occasion, Why
from doorstep.occasions import occasions
from doorstep.order import Order

from .kept import kept_order, kept_parcel

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday; 13:00 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def day(number: int) -> date:
    return date(2026, 11, number)


def journey(
    *steps: tuple[float, str] | tuple[float, str, dict[str, Any]],
    id: str = "pcl_1",
    known: float = -1000,
    **fields: Any,
) -> Journey:
    """A parcel that was seen so many hours from noon on in these states; the last is the present one. A step may say
    `expected`, `reason`, `delayed`; `since` is how many hours from noon on the carrier says that the last one began."""
    changes = tuple(
        Change(id, nth, NOON + hours * HOUR, Status(status), said.get("reason", ""), said.get("delayed", False),
               said.get("expected"))
        for nth, (hours, status, said) in enumerate(((*step, {})[:3] for step in steps), 1)
    )  # fmt: skip
    if not changes:
        return Journey(kept_parcel(id=id, status="pending", **fields), NOON + known * HOUR)
    last = changes[-1]
    since = fields.pop("since", None)
    until = fields.pop("until", None)
    expected = last.expected
    shipment = Shipment(
        "JD14",
        status=last.status,
        reason=last.reason,
        delayed=last.delayed,
        action_required=fields.pop("asked", False),
        since=_moment(since) if since is not None else None,
        window=Window(None, whole_day(expected, raw="")) if expected else None,
        pickup_point=PickupPoint("Kiosk", until=whole_day(until, raw="")) if until else None,
    )
    parcel = kept_parcel(
        id=id, status=last.status.value, expected=expected, shipment=shipment, version=len(changes), **fields
    )
    return Journey(parcel, NOON + known * HOUR, changes)


def facts(*journeys: Journey, order: Order | None = None, hours: float = 0, **fields: Any) -> Facts:
    """What is known so many hours after noon. Fields of Facts, `wishes` as a shop writes them, and of the kept order."""
    mine = {name: fields.pop(name) for name in list(fields) if name in ("told", "leads", "reordered", "zone")}
    wishes = Messages(kinds=fields.pop("kinds", {}))
    kept = kept_order(order or Order("1001"), *(one.parcel for one in journeys), **fields)
    values: dict[str, Any] = {"zone": BERLIN, **mine}
    return Facts(kept, journeys, wishes, now=NOON + hours * HOUR, **values)


def said(told: Facts) -> dict[Kind, Occasion]:
    """What is to be said now, by its kind."""
    found = [one for one in occasions(told) if one.why is None and one.at is not None and one.at <= told.now]
    assert len({one.once for one in found}) == len(found)
    return {one.kind: one for one in found}


def why_not(told: Facts, kind: Kind) -> Why | None:
    return next(one.why for one in occasions(told) if one.kind is kind)


def _moment(hours: float) -> Moment:
    at = NOON + hours * HOUR
    return Moment("", Precision.MINUTE, instant=at, local=at.replace(tzinfo=None))
