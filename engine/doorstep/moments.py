"""Honest times: from a carrier's text to a Moment that knows what it knows.

Four classes of time come from carriers and are kept apart: with an offset, in UTC beside a local time, local without any
zone, and a date alone. A local time gets an instant only when the place has one zone and no other: a country with a
single zone (`Basis.COUNTRY`), or a zone the carrier's documentation names (`Basis.PLACE`).
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from .models import Basis, Moment, Precision

_ISO = re.compile(
    r"(?P<date>\d{4}-?\d{2}-?\d{2})"
    r"(?:[T ](?P<time>\d{2}:?\d{2}(?::?\d{2})?)(?:[.,]\d+)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?",
    re.ASCII,
)

_SENSIBLE = (1970, 2200)  # years; others are placeholders ("0001-01-01") and would overflow


def iso(text: str, *, country: str = "", zone: str = "") -> Moment:
    """A Moment from ISO 8601 as carriers write it: basic or extended, nanoseconds, offsets without a colon, or none.

    Without an offset the time is local to the place (`country`, or the IANA `zone` the carrier's documentation states).
    What cannot be read keeps its raw text and nothing else.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return Moment(text)
    try:
        day = date.fromisoformat(match["date"])
        if match["time"] is None:
            return whole_day(day, raw=text)
        digits = match["time"].replace(":", "")
        clock = time.fromisoformat(digits)
    except ValueError:
        return Moment(text)
    if not _SENSIBLE[0] <= day.year <= _SENSIBLE[1]:
        return Moment(text)
    wall = datetime.combine(day, clock)
    precision = Precision.SECOND if len(digits) == 6 else Precision.MINUTE
    if match["zone"] is None:
        return local(wall, raw=text, country=country, zone=zone, precision=precision)
    offset = _offset(match["zone"])
    if offset is None:
        return Moment(text)
    instant = wall.replace(tzinfo=UTC) - offset
    if match["zone"] == "Z":
        return utc(instant, raw=text, country=country, precision=precision)
    return Moment(text, precision, Basis.OFFSET, instant, wall, _written(offset))


def local(
    wall: datetime, *, raw: str, country: str = "", zone: str = "", precision: Precision = Precision.SECOND
) -> Moment:
    """A Moment from a wall clock at the place of the event, without an offset."""
    zones: tuple[str, ...] = (zone,) if zone else single_zone(country)
    if not zones or not _SENSIBLE[0] <= wall.year <= _SENSIBLE[1]:
        return Moment(raw, precision, Basis.UNKNOWN, None, wall)
    there = ZoneInfo(zones[0])
    instant = wall.replace(tzinfo=there).astimezone(UTC)
    if _doubtful(wall, there):
        # In the hour a clock is put forward or back, the wall clock alone does not tell the instant.
        return Moment(raw, precision, Basis.UNKNOWN, None, wall)
    basis = Basis.PLACE if zone else Basis.COUNTRY
    return Moment(raw, precision, basis, instant, wall, _written(instant.astimezone(there).utcoffset()))


def utc(
    instant: datetime,
    *,
    raw: str,
    wall: datetime | None = None,
    country: str = "",
    precision: Precision = Precision.SECOND,
) -> Moment:
    """A Moment from UTC (`instant`, naive or aware), with the wall clock of the place where the carrier gives it too."""
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    if wall is None:
        return elsewhere(Moment(raw, precision, Basis.UTC, instant), country)
    return Moment(raw, precision, Basis.UTC, instant, wall, _written(wall - instant.replace(tzinfo=None)))


def whole_day(day: date, *, raw: str) -> Moment:
    """A Moment that is a date and nothing more: no instant, and no midnight that nobody wrote."""
    return Moment(raw, Precision.DAY, Basis.UNKNOWN, None, datetime.combine(day, time()))


def elsewhere(moment: Moment, country: str) -> Moment:
    """The same instant, when the offset written is not the place's (a carrier that writes all times in its own zone).

    The wall clock becomes the place's, where the country has one zone, and is unknown otherwise.
    """
    if moment.instant is None:
        return moment
    zones = single_zone(country)
    if not zones:
        return Moment(moment.raw, moment.precision, moment.basis, moment.instant)
    there = moment.instant.astimezone(ZoneInfo(zones[0]))
    return Moment(
        moment.raw,
        moment.precision,
        moment.basis,
        moment.instant,
        there.replace(tzinfo=None),
        _written(there.utcoffset()),
    )


@cache
def single_zone(country: str) -> tuple[str, ...]:
    """The IANA zone of a country (ISO 3166-1 alpha-2) that has exactly one, else (). Source: tzdata's zone.tab."""
    zones = _zones().get(country.upper(), ())
    return zones if len(zones) == 1 else ()


@cache
def _zones() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            table[country] = (*table.get(country, ()), zone)
    # zone.tab lists two places in Germany: Büsingen is a Swiss enclave that keeps Berlin's clock.
    table["DE"] = ("Europe/Berlin",)
    return table


def _offset(text: str) -> timedelta | None:
    if text == "Z":
        return timedelta()
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size > timedelta(hours=14):
        return None
    return -size if text[0] == "-" else size


def _written(offset: timedelta | None) -> str | None:
    if offset is None:
        return None
    minutes = round(offset.total_seconds() / 60)
    if abs(minutes) > 14 * 60:
        return None
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _doubtful(wall: datetime, zone: tzinfo) -> bool:
    """Whether a wall clock shows this time twice, or never (PEP 495: `fold` makes a difference for both)."""
    return wall.replace(tzinfo=zone).utcoffset() != wall.replace(tzinfo=zone, fold=1).utcoffset()
