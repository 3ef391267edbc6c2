"""How a time is written for a reader: the wall clock of the place, and beside it the text for `<time datetime>`."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from .i18n import Localizer
from .models import Moment, Precision

_WHOLE_DAY = Precision.DAY
_ISO_CLOCKS = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(24 * 60)]


def dated(moment: Moment, localizer: Localizer) -> tuple[date | None, str, str, str]:
    """The day of a moment at its place, its ISO text, its clock, and its zone where that must be told."""
    at = moment.local
    if at is None or moment.precision is _WHOLE_DAY:
        return local_day(moment), iso(moment), clock(moment, localizer), _zone(moment, localizer)
    day, minute = at.date(), at.hour * 60 + at.minute  # nearly all have a wall clock, and there are many on a page
    written = localizer.clock_of(minute, past=at.second > 0)
    return day, f"{iso_day(day)}T{_ISO_CLOCKS[minute]}{moment.offset or ''}", written, ""


def local_day(moment: Moment) -> date | None:
    at = moment.local or moment.instant
    return at.date() if at else None


def clock(moment: Moment, localizer: Localizer) -> str:
    """The wall clock of the place, else of UTC; empty when only the day is known."""
    at = moment.local or moment.instant
    return "" if at is None or moment.precision is _WHOLE_DAY else localizer.clock(at)


def hours(start: Moment, end: Moment, localizer: Localizer) -> str:
    """From one wall clock to a later one of the same day; empty when only days are known, or another day is meant."""
    first, last = start.local or start.instant, end.local or end.instant
    if first is None or last is None or _WHOLE_DAY in (start.precision, end.precision) or first.date() != last.date():
        return ""
    if (first.hour, first.minute) == (last.hour, last.minute):
        return localizer.clock(last)
    return localizer.hours(first.time(), last.time())


def iso(moment: Moment | None) -> str:
    """The text for `<time datetime>`: with an offset only where one is known."""
    if moment is None:
        return ""
    if moment.precision is _WHOLE_DAY:
        return iso_day(moment.local.date()) if moment.local else ""
    if (at := moment.local) is not None:
        return f"{iso_day(at.date())}T{_ISO_CLOCKS[at.hour * 60 + at.minute]}{moment.offset or ''}"
    return moment.instant.isoformat(timespec="minutes").replace("+00:00", "Z") if moment.instant else ""


def iso_instant(at: datetime) -> str:
    """A time in UTC to the second: 2026-01-01T12:30:00Z."""
    return f"{iso_day(at.date())}T{_ISO_CLOCKS[at.hour * 60 + at.minute]}:{at.second:02}Z"


def day_and_clock(at: datetime, localizer: Localizer, today: date) -> str:
    return localizer.joined(localizer.day(at.date(), today), localizer.clock(at))


def as_of(at: datetime, localizer: Localizer, today: date) -> str:
    """A time with the offset of its clock."""
    offset = localizer.isolate(_offset(localizer, at.utcoffset() or timedelta()))
    return f"{day_and_clock(at, localizer, today)} ({offset})"


@lru_cache(1024)
def _offset(localizer: Localizer, offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return localizer.offset(f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}")


def _zone(moment: Moment, localizer: Localizer) -> str:
    """What must stand beside a clock that is not the place's own."""
    return localizer.offset("+00:00") if moment.local is None and moment.instant is not None else ""


# To write a whole date and time anew takes ten times as long.
@lru_cache(1024)
def iso_day(day: date) -> str:
    return day.isoformat()
