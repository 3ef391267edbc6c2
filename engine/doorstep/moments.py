"""Honest times: from a carrier's text to a Moment that knows what it knows.

Four classes of time come from carriers and are kept apart: with an offset, in UTC beside a local time, local without any
zone, and a date alone. A local time gets an instant only when the place has one zone and no other: a country with a
single zone (`Basis.COUNTRY`), or a zone the carrier's documentation names (`Basis.PLACE`).
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from .models import Basis, Moment, Precision

_ISO = re.compile(
    r"(?P<date>\d{4}-?\d{2}-?\d{2})"
    r"(?:[T ](?P<time>\d{2}:?\d{2}(?::?\d{2})?)(?:[.,]\d+)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?",
    re.ASCII,
)

_OFFSET = re.compile(r"[+-]\d{2}(?::?\d{2})?", re.ASCII)
_SENSIBLE = (1970, 2200)  # years; others are placeholders ("0001-01-01") and would overflow


def iso(text: str, *, country: str = "", zone: str = "") -> Moment:
    """A Moment from ISO 8601 as carriers write it: basic or extended, nanoseconds, offsets without a colon, or none.

    Without an offset the time is local to the place (`country`, or the IANA `zone` the carrier's documentation states).
    What cannot be read keeps its raw text and nothing else.
    """
    written = text.strip()
    if (
        len(written) >= 19
        and written[4] + written[7] + written[13] + written[16] == "--::"
        and written[19:20] not in ".,"
    ):
        clock, offset = written[:19], written[19:].lstrip()  # nearly all are so: the pattern below costs as much again
        precision = Precision.SECOND
    else:
        match = _ISO.fullmatch(written)
        if match is None:
            return Moment(text)
        if match["time"] is None:
            return _date(text, match["date"])
        clock, offset = f"{match['date']}T{match['time'].replace(':', '')}", match["zone"] or ""
        precision = Precision.MINUTE if len(match["time"]) < 6 else Precision.SECOND
    try:
        wall = datetime.fromisoformat(clock)
        behind, name = _offset(offset)
    except ValueError:
        return Moment(text)
    if not _SENSIBLE[0] <= wall.year <= _SENSIBLE[1]:
        return Moment(text)
    if not offset:
        return local(wall, raw=text, country=country, zone=zone, precision=precision)
    instant = wall.replace(tzinfo=UTC) - behind
    if offset == "Z":
        return utc(instant, raw=text, country=country, precision=precision)
    return Moment(text, precision, Basis.OFFSET, instant, wall, name)


def _date(text: str, written: str) -> Moment:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return Moment(text)
    return whole_day(day, raw=text) if _SENSIBLE[0] <= day.year <= _SENSIBLE[1] else Moment(text)


def local(
    wall: datetime, *, raw: str, country: str = "", zone: str = "", precision: Precision = Precision.SECOND
) -> Moment:
    """A Moment from a wall clock at the place of the event, without an offset."""
    zones: tuple[str, ...] = (zone,) if zone else single_zone(country)
    if not zones or not _SENSIBLE[0] <= wall.year <= _SENSIBLE[1]:
        return Moment(raw, precision, Basis.UNKNOWN, None, wall)
    there = wall.replace(tzinfo=_zone(zones[0]))
    offset = there.utcoffset()
    if offset is None or offset != there.replace(fold=1).utcoffset():
        # In the hour a clock is put forward or back, the wall clock alone does not tell the instant (PEP 495).
        return Moment(raw, precision, Basis.UNKNOWN, None, wall)
    basis = Basis.PLACE if zone else Basis.COUNTRY
    return Moment(raw, precision, basis, wall.replace(tzinfo=UTC) - offset, wall, _written(offset))


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


def zoned(instant: datetime, offset: str, *, raw: str) -> Moment:
    """A Moment from an instant (aware) and the offset of the clock it was read from (`+0400`), which does not move it. An
    offset that is none leaves the instant."""
    try:
        behind, name = _offset(offset)
    except ValueError:
        return utc(instant, raw=raw)
    return Moment(raw, Precision.SECOND, Basis.OFFSET, instant, instant.replace(tzinfo=None) + behind, name)


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
    there = moment.instant.astimezone(_zone(zones[0]))
    return Moment(
        moment.raw,
        moment.precision,
        moment.basis,
        moment.instant,
        there.replace(tzinfo=None),
        _written(there.utcoffset() or timedelta()),
    )


@cache
def single_zone(country: str) -> tuple[str, ...]:
    """The IANA zone of a country (ISO 3166-1 alpha-2) that has exactly one, else (). Source: tzdata's zone.tab."""
    zones = _zones().get(country.upper(), ())
    return zones if len(zones) == 1 else ()


@cache  # Python itself keeps eight, and reads the others from the disk each time
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


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


@lru_cache(maxsize=256)
def _offset(text: str) -> tuple[timedelta, str | None]:
    """An offset as written, `Z` or nothing, with its name. Raises ValueError for anything else."""
    if text in ("Z", ""):
        return timedelta(), None
    if not _OFFSET.fullmatch(text):
        raise ValueError(text)
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size > timedelta(hours=14) or int(digits[2:]) > 59:
        raise ValueError(text)
    offset = -size if text[0] == "-" else size
    return offset, _written(offset)


@lru_cache(maxsize=256)
def _written(offset: timedelta) -> str | None:
    # Offsets are whole quarters of an hour; one of the two clocks may have been cut to the minute.
    quarters = round(offset.total_seconds() / 900)
    minutes = quarters * 15
    if abs(minutes) > 14 * 60 or abs(offset.total_seconds() - minutes * 60) > 60:
        return None
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
