"""When something may be said: not in quiet hours, and of a parcel once a day, by the shopper's clock. Pure."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .config import Quiet
from .message import Kind
from .moments import single_zone


def zone_of(country: str, shop: ZoneInfo) -> ZoneInfo:
    """The clock of who lives there; the shop's, where the country has none or several."""
    zones = single_zone(country)
    return ZoneInfo(zones[0]) if zones else shop


def allowed_from(kind: Kind, at: datetime, zone: ZoneInfo, quiet: Quiet, said: Collection[date] = ()) -> datetime:
    """The first moment from `at` on. `said` are the days on which something was said of the same parcel: what presses does not
    wait for another one. Who has just asked for messages is up, and is answered at once."""
    if kind is Kind.CONFIRM:
        return at
    at = _awake(at, zone, quiet)
    while not kind.presses and at.astimezone(zone).date() in said:
        at = _awake(_at(at.astimezone(zone).date() + timedelta(days=1), time(), zone), zone, quiet)
    return at


def _awake(at: datetime, zone: ZoneInfo, quiet: Quiet) -> datetime:
    while _is_quiet(at.astimezone(zone).time(), quiet):
        local = at.astimezone(zone)
        day = local.date() if local.time() < quiet.end else local.date() + timedelta(days=1)
        ends = _at(day, quiet.end, zone)
        # In the hour by which a clock is put back the end comes twice; what is skipped with a clock put forward, never.
        at = ends if ends > at else _at(day, quiet.end, zone, fold=1)
    return at


def _is_quiet(clock: time, quiet: Quiet) -> bool:
    if quiet.start < quiet.end:
        return quiet.start <= clock < quiet.end
    return quiet.start != quiet.end and (clock >= quiet.start or clock < quiet.end)


def _at(day: date, clock: time, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime.combine(day, clock.replace(fold=fold), zone).astimezone(UTC)
