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

from msgspec.structs import replace

from .models import Basis, Moment, Precision, Window

_ISO = re.compile(
    r"(?P<date>\d{4}-?\d{2}-?\d{2})"
    r"(?:[T ](?P<time>\d{2}:?\d{2}(?::?\d{2})?)(?:[.,]\d+)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?",
    re.ASCII,
)

_MARKS = ("--T::", "-- ::")  # every third character of "2026-11-20T13:05:00" from the fifth on
_read = datetime.fromisoformat
_OFFSET = re.compile(r"[+-]\d{2}(?::?\d{2})?", re.ASCII)
_ZEROS = frozenset("0:.")
_SENSIBLE = range(1970, 2201)  # years; others are placeholders ("0001-01-01") and would overflow
# A clock: the instant at which it showed the start of 1970, and its offset as "+01:00". Counting from there costs a tenth
# of `datetime.replace`, and a name of its own a tenth of looking an enum's member up.
_Clock = tuple[datetime, str | None]
_START, _START_UTC = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _MINUTE, _DAY = Precision
_BY_OFFSET, _BY_UTC, _BY_PLACE, _BY_COUNTRY, _UNKNOWN = Basis


def iso(text: str, *, country: str = "", zone: str = "") -> Moment:
    """A Moment from ISO 8601 as carriers write it: basic or extended, nanoseconds, offsets without a colon, or none.

    Without an offset the time is local to the place (`country`, or the IANA `zone` the carrier's documentation states).
    What cannot be read keeps its raw text and nothing else.
    """
    written = text.strip()
    clock, offset = written[:19], written[19:]
    if offset and offset[0] in ".,":
        offset = offset[1:].lstrip("0123456789") if offset[1:2].isdecimal() else offset  # parts of a second
    offset = offset.lstrip()
    if clock[4::3] in _MARKS and (not offset or offset[0] in "Z+-"):
        precision = _SECOND  # nearly all are so: the pattern below costs as much again
    else:
        match = _ISO.fullmatch(written) if written else None
        if match is None:
            return Moment(text)
        if match["time"] is None:
            return _date(text, match["date"])
        clock, offset = f"{match['date']}T{match['time'].replace(':', '')}", match["zone"] or ""
        precision = _MINUTE if len(match["time"]) < 6 else _SECOND
    try:
        wall = _read(clock)
        start, name = _offset(offset)
    except ValueError:
        return Moment(text)
    if wall.year not in _SENSIBLE or wall.tzinfo is not None:  # "12:00:Z" has no seconds, and a zone in their place
        return Moment(text)
    if not offset:
        return local(wall, raw=text, country=country, zone=zone, precision=precision)
    instant = start + (wall - _START)
    if offset == "Z":
        return _where(country, text, precision, _BY_UTC, instant)
    return Moment(text, precision, _BY_OFFSET, instant, wall, name)


def estimate(text: str, *, country: str = "") -> Moment:
    """A Moment from an announced time: the first or the last minute of a day, with any offset, stands for the day."""
    if text[10:16] in ("T00:00", "T23:59", " 00:00", " 23:59"):
        return replace(iso(text[:10]), raw=text)
    return iso(text, country=country)


def window(start: str, end: str, *, country: str = "") -> Window | None:
    """The window between two announced times; None where neither can be read."""
    ends = [estimate(text, country=country) for text in (start, end)]
    known = [one if one.local or one.instant else None for one in ends]
    return Window(*known) if any(known) else None


def day_first(text: str, *, country: str = "", zone: str = "") -> Moment:
    """A Moment from a date with the day first (`20.11.2026`, also with hyphens or slashes), alone or with a time behind it as
    `iso` reads one. What is not written so is read by `iso`."""
    written = text.strip()
    if written[2:6:3] not in ("..", "--", "//"):
        return iso(text, country=country, zone=zone)
    moment = iso(f"{written[6:10]}-{written[3:5]}-{written[:2]}{written[10:]}", country=country, zone=zone)
    return replace(moment, raw=text)


def _date(text: str, written: str) -> Moment:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return Moment(text)
    return whole_day(day, raw=text) if day.year in _SENSIBLE else Moment(text)


def local(
    wall: datetime, *, raw: str, country: str = "", zone: str = "", precision: Precision = Precision.SECOND
) -> Moment:
    """A Moment from a wall clock at the place of the event, without an offset."""
    zones: tuple[str, ...] = (zone,) if zone else single_zone(country)
    if not zones or wall.year not in _SENSIBLE:
        return Moment(raw, precision, _UNKNOWN, None, wall)
    clock = _steady(zones[0], wall.date()) or _at_wall_clock(zones[0], wall)
    if clock is None:
        return Moment(raw, precision, _UNKNOWN, None, wall)
    start, name = clock
    return Moment(raw, precision, _BY_PLACE if zone else _BY_COUNTRY, start + (wall - _START), wall, name)


def utc(
    instant: datetime,
    *,
    raw: str,
    wall: datetime | None = None,
    country: str = "",
    precision: Precision = Precision.SECOND,
) -> Moment:
    """A Moment from UTC (`instant`, naive or aware), with the wall clock of the place where the carrier gives it too."""
    instant = _START_UTC + (instant - _START) if instant.tzinfo is None else instant.astimezone(UTC)
    if wall is None:
        return _where(country, raw, precision, _BY_UTC, instant)
    return Moment(raw, precision, _BY_UTC, instant, wall, _written((wall - _START) - (instant - _START_UTC)))


def zoned(instant: datetime, offset: str, *, raw: str) -> Moment:
    """A Moment from an instant (aware) and the offset of the clock it was read from (`+0400`), which does not move it. An
    offset that is none leaves the instant."""
    try:
        start, name = _offset(offset)
    except ValueError:
        return utc(instant, raw=raw)
    return Moment(raw, _SECOND, _BY_OFFSET, instant, _START + (instant - start), name)


def whole_day(day: date, *, raw: str) -> Moment:
    """A Moment that is a date and nothing more: no instant, and no midnight that nobody wrote."""
    return Moment(raw, _DAY, _UNKNOWN, None, datetime.combine(day, time()))


def elsewhere(moment: Moment, country: str = "", *, zone: str = "") -> Moment:
    """The same instant, when the offset written is not the place's (a carrier that writes all times in its own zone).

    The wall clock becomes the place's, where its zone is known or the country has only one, and is unknown otherwise.
    """
    if moment.instant is None:
        return moment
    return _where(country, moment.raw, moment.precision, moment.basis, moment.instant, zone)


def at_place(text: str, *, country: str) -> Moment:
    """As `iso`, from somebody who passes on what carriers wrote. An offset may be that of the carrier's own country, and is not
    believed to be the place's where the country has a clock of its own; a midnight without one was written by nobody."""
    if text[11:] and _ZEROS.issuperset(text[11:]):
        return replace(iso(text[:10]), raw=text)
    moment = iso(text, country=country)
    return elsewhere(moment, country) if moment.basis is _BY_OFFSET and single_zone(country) else moment


def doubtful(text: str, *, country: str) -> Moment:
    """As `at_place`, from somebody whose "Z" may stand behind the carrier's own wall clock: then no instant is known."""
    bare = text.removesuffix("Z")
    return at_place(text, country=country) if bare == text else replace(at_place(bare, country=""), raw=text)


def _where(country: str, raw: str, precision: Precision, basis: Basis, instant: datetime, zone: str = "") -> Moment:
    """A Moment from an instant, with the wall clock of the zone, or of the country if it has one zone."""
    zones: tuple[str, ...] = (zone,) if zone else single_zone(country)
    if not zones or instant.year not in _SENSIBLE:
        return Moment(raw, precision, basis, instant)
    start, name = _steady(zones[0], instant.date()) or _at_instant(zones[0], instant)
    return Moment(raw, precision, basis, instant, _START + (instant - start), name)


@lru_cache(maxsize=4096)
def _steady(zone: str, day: date) -> _Clock | None:
    """A zone's clock on a day, by whichever clock it is that day; None if the zone's is changed within a day of it."""
    midnight = datetime.combine(day, time(), UTC)
    before, after = _at_instant(zone, midnight - timedelta(days=1)), _at_instant(zone, midnight + timedelta(days=2))
    return before if before == after else None  # no zone has changed its clock twice within three days since 1970


def _at_instant(zone: str, instant: datetime) -> _Clock:
    return _clock(instant.astimezone(_zone(zone)).utcoffset() or timedelta())


def _at_wall_clock(zone: str, wall: datetime) -> _Clock | None:
    """None in the hour a clock is put forward or back: there the wall clock alone does not tell the instant (PEP 495)."""
    there = wall.replace(tzinfo=_zone(zone), fold=0)
    offset = there.utcoffset()
    return _clock(offset) if offset is not None and offset == there.replace(fold=1).utcoffset() else None


@lru_cache(maxsize=1024)
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
def _offset(text: str) -> _Clock:
    """The clock of an offset as written; that of `Z`, or nothing, is nobody's. Raises ValueError for anything else."""
    if text in ("Z", ""):
        return _START_UTC, None
    if not _OFFSET.fullmatch(text):
        raise ValueError(text)
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size > timedelta(hours=14) or int(digits[2:]) > 59:
        raise ValueError(text)
    return _clock(-size if text[0] == "-" else size)


def _clock(offset: timedelta) -> _Clock:
    return _START_UTC - offset, _written(offset)


@lru_cache(maxsize=256)
def _written(offset: timedelta) -> str | None:
    # Offsets are whole quarters of an hour; one of the two clocks may have been cut to the minute.
    quarters = round(offset.total_seconds() / 900)
    minutes = quarters * 15
    if abs(minutes) > 14 * 60 or abs(offset.total_seconds() - minutes * 60) > 60:
        return None
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
