"""What became of a parcel of an order, as it was recorded: how its present state began, and when that happened."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from .changes import Change
from .models import Moment, Precision, Status
from .orderbook import KeptParcel
from .summary import PAPERWORK

SCANNED = frozenset(Status) - PAPERWORK
_DAY = timedelta(days=1)


class Journey(Struct, frozen=True):
    """A parcel of an order. `known_at` is when the shop told of it; `changes` are the oldest first."""

    parcel: KeptParcel
    known_at: datetime
    changes: tuple[Change, ...] = ()

    @property
    def status(self) -> Status:
        return Status(self.parcel.status)


def began_with(journey: Journey) -> Change | None:
    """The change with which the present status began."""
    began = None
    for change in reversed(journey.changes):
        if change.status is not journey.status:
            break
        began = change
    return began


def happened_at(journey: Journey, began: Change, zone: ZoneInfo) -> datetime:
    """When the present status came to be: at the latest, where only a day is known."""
    shipment = journey.parcel.shipment
    at = _instant(shipment.since, zone) if shipment is not None and shipment.since is not None else None
    return began.at if at is None else min(at, began.at)


def first_scan(journey: Journey, noticed: datetime, zone: ZoneInfo) -> datetime:
    shipment = journey.parcel.shipment
    events = shipment.events if shipment is not None else ()
    scans = [_instant(one.moment, zone) for one in events if one.status in SCANNED]
    return min((at for at in scans if at is not None), default=noticed)


def _instant(moment: Moment, zone: ZoneInfo) -> datetime | None:
    """A wall clock whose zone is not known is read as the shopper's; a day, as its end."""
    if moment.instant is not None:
        return moment.instant
    if moment.local is None:
        return None
    at = moment.local.replace(tzinfo=zone).astimezone(UTC)
    return at + _DAY if moment.precision is Precision.DAY else at


def is_past(journey: Journey, zone: ZoneInfo) -> bool:
    """Whether it had arrived, or come back, before the shop told of it: it was never seen on its way."""
    began = began_with(journey)
    return began is not None and began.version == 1 and happened_at(journey, began, zone) < journey.known_at


def expected_on(journey: Journey) -> date | None:
    """The day on which the carrier expects to deliver, where it names one and not several."""
    shipment = journey.parcel.shipment
    start = shipment.window.start if shipment is not None and shipment.window is not None else None
    several = start is not None and start.local is not None and start.local.date() != journey.parcel.expected
    return None if several else journey.parcel.expected


def goes_back(journey: Journey) -> date | None:
    """The last day to collect."""
    shipment = journey.parcel.shipment
    moment = shipment.pickup_point.until if shipment is not None and shipment.pickup_point is not None else None
    if moment is None:
        return None
    at = moment.local or moment.instant
    return at.date() if at is not None else None
