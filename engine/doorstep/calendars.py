"""Calendars that locales write by default and Babel has not: the Persian one, and the Buddhist era of Thailand.

They change what is written, never what is meant: days are dates of the Gregorian calendar (ISO 8601) until they are written.
"""

import re
from datetime import date

from msgspec import Struct

# As CLDR has them for fa, calendar persian, months wide and abbreviated.
_PERSIAN_MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
_PERSIAN_ERA, _BUDDHIST_ERA = "ه\u200d.ش.", "พ.ศ."
_BUDDHIST_YEARS = 543
_GONE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # days of a year before each month
_FIELD = re.compile(r"'[^']*'|G+|y+|M+|L+|d+")
_LONG_HALF = 6 * 31  # days of the first six Persian months; the others have thirty


class Fields(Struct, frozen=True):
    """A day in a calendar; an empty `month` has the number and the names that Babel knows."""

    year: int
    day: int
    era: str
    month: str = ""


def fields_of(language: str, day: date) -> Fields | None:
    """A day in the calendar of a language; None where that is Babel's own."""
    if language == "fa":
        year, month, number = persian(day)
        return Fields(year, number, _PERSIAN_ERA, _PERSIAN_MONTHS[month - 1])
    if language == "th":
        return Fields(day.year + _BUDDHIST_YEARS, day.day, _BUDDHIST_ERA)
    return None


def has_own(language: str) -> bool:
    return fields_of(language, date.min.replace(year=2000)) is not None


def year_of(language: str, day: date) -> int:
    """The year in the calendar of a language."""
    fields = fields_of(language, day)
    return day.year if fields is None else fields.year


def month_of(language: str, day: date) -> str:
    """What tells the month of a day, in the calendar of a language, from other months."""
    fields = fields_of(language, day)
    return fields.month if fields is not None and fields.month else str(day.month)


def with_fields(pattern: str, fields: Fields) -> str:
    """A pattern of CLDR with year, month, day and era as they are in another calendar."""

    def written(found: re.Match[str]) -> str:
        field = found[0]
        if field[0] in "ML" and not fields.month:
            return field
        values = {"G": fields.era, "y": str(fields.year), "M": fields.month, "L": fields.month, "d": str(fields.day)}
        return f"'{values[field[0]]}'" if field[0] in values else field

    return _FIELD.sub(written, pattern)


def persian(day: date) -> tuple[int, int, int]:
    """Year, month and day of the Persian calendar, by its cycle of 33 years, which holds from 1799 to 2256."""
    leap = day.year + (day.month > 2)
    days = 355_666 + 365 * day.year + (leap + 3) // 4 - (leap + 99) // 100 + (leap + 399) // 400
    days += day.day + _GONE[day.month - 1]
    cycles, days = divmod(days, 12_053)  # of 33 years, eight of them leap years
    fours, days = divmod(days, 1_461)
    year = -1_595 + 33 * cycles + 4 * fours
    if days > 365:
        years, days = divmod(days - 1, 365)
        year += years
    if days < _LONG_HALF:
        return year, 1 + days // 31, 1 + days % 31
    return year, 7 + (days - _LONG_HALF) // 30, 1 + (days - _LONG_HALF) % 30
