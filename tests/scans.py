"""Scans for tests of the summary: by the minute, or by a wall clock alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from doorstep import Basis, Event, Flag, Moment, Place, Precision, Status
from doorstep.moments import iso

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
BERGEN, OSLO = Place(city="Bergen", country="NO"), Place(city="Oslo", country="NO")
CUSTOMS, MOVING, OUT = Status.CUSTOMS, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY


def at(minutes: float, status: Status | None, *flags: Flag, **fields: Any) -> Event:
    """A scan so many minutes after the start."""
    instant = START + timedelta(minutes=minutes)
    return Event(Moment(instant.isoformat(), Precision.SECOND, Basis.UTC, instant), status, flags=flags, **fields)


def wall(clock: str, status: Status | None, *flags: Flag, **fields: Any) -> Event:
    """A scan of which only the wall clock is known, or the day, or nothing that can be read."""
    return Event(iso(clock), status, flags=flags, **fields)
