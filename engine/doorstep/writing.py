"""How a locale writes: days, times, ranges, numbers, prices, weights, lists and names of countries, by Unicode's CLDR."""

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property, lru_cache

from babel import Locale, dates, lists, localedata, numbers, units

from . import calendars

_MONDAY, _LEAP = date(2024, 1, 1), 2024  # a year that has every day
# The first digit of each numbering system that CLDR makes a locale's default.
_ZERO = {"arab": "٠", "arabext": "۰", "beng": "০", "deva": "०", "mymr": "၀", "olck": "᱐", "tibt": "༠", "adlm": "𞥐"}
# CLDR writes `pt` as in Brazil, which has a catalog of its own here.
_WRITTEN_AS = {"pt": "pt_PT"}
# Babel (2.18) shares these tables between locales, and writes into them what it has looked up for one: once somebody has read
# Urdu, it has Sunday in Urdu for German.
_SHARED_TABLES = ("months", "days", "quarters", "eras", "currency_formats")
_UNSPACED = ("ja", "zh")
_DAY = 24 * 60  # minutes
_UNITS = {"kg": "mass-kilogram", "g": "mass-gram", "lb": "mass-pound", "oz": "mass-ounce"}


class Writing:
    """One locale. What pages write again and again is kept: Babel reads its tables and patterns anew for every value."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale = _locale(_WRITTEN_AS.get(language, language))
        self._calendar = calendars.has_own(language)
        self._long_date = lru_cache(1024)(self._written_day)
        self._weekday = lru_cache(7)(self._named_weekday)
        self._day_and_month = lru_cache(366)(self._written_day_and_month)
        self._clocks = [""] * (2 * _DAY)  # of each minute, then of what is past it; a table is read faster than a cache
        self._days = lru_cache(256)(self._written_days)
        self._hours = lru_cache(256)(self._written_hours)
        self._whole = lru_cache(256)(self._written_number)
        self._money = lru_cache(1024)(self._written_money)
        self._country = lru_cache(512)(self._named_country)

    def read_tables(self) -> None:
        """Reads what CLDR has of the locale, which takes some milliseconds, now and not when the first day is written."""
        self.long_date(_MONDAY, _MONDAY)

    def long_date(self, day: date, today: date) -> str:
        """Weekday, day and month; with the year when it is not this one."""
        return self._long_date(day, self._same_year(day, today))

    def weekday(self, day: date) -> str:
        """The name of the weekday, as it stands alone."""
        return self._weekday(day.weekday())

    def day_and_month(self, day: date) -> str:
        return self._day_and_month(day if self._calendar else day.replace(year=_LEAP))

    def days(self, first: date, last: date, today: date) -> str:
        """From one day to a later one, short: Tue, Nov 24 – Thu, Nov 26; with the year when it is not this one."""
        return self._days(first, last, self._same_year(first, today) and self._same_year(last, today))

    def clock(self, at: time | datetime) -> str:
        """The time of day, hours and minutes: 14:05, 2:05 PM."""
        return self.clock_of(at.hour * 60 + at.minute, past=at.second > 0)

    def clock_of(self, minute: int, *, past: bool) -> str:
        """The same, of a minute of the day. `past` it: where a locale has a word for midnight, it means its first second
        alone."""
        which = minute + _DAY if past else minute
        return self._clocks[which] or self._written_clock(which)

    def hours(self, start: time, end: time) -> str:
        """From one time of day to a later one: 10:00–14:00, 10:00 AM – 2:00 PM."""
        return self._hours(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))

    def joined(self, day: str, clock: str) -> str:
        """A day and a time of day, both already written, in the order and with the comma of the locale."""
        if not day or not clock:
            return day or clock
        return self._day_and_clock.replace("{1}", day).replace("{0}", clock)

    def sentences(self, *said: str) -> str:
        """One after the other; in Chinese and Japanese no space stands behind the full stop."""
        return ("" if self.locale.language in _UNSPACED else " ").join(filter(None, said))

    def number(self, value: int | float | Decimal) -> str:
        return self._whole(value) if type(value) is int else self._written_number(value)

    def percent(self, share: float) -> str:
        """A share of a hundred, without decimals: 12 %, 12%."""
        written = numbers.format_percent(Decimal(round(share)) / 100, locale=self.locale, numbering_system="default")
        sign = self.locale.number_symbols[self.locale.default_numbering_system].get("percentSign", "%")
        return self._digits(written.replace("%", sign))

    def money(self, amount: str | int | float | Decimal, currency: str) -> str:
        """An amount with its currency (ISO 4217), as the locale writes it; the plain text where it is no number."""
        return self._money(str(amount), currency)

    def weight(self, value: float, unit: str) -> str:
        """A weight in kg, g, lb or oz."""
        written = units.format_unit(value, _UNITS[unit], length="short", locale=self.locale, numbering_system="default")
        return self._digits(written)

    def country(self, code: str) -> str:
        """The name of a country (ISO 3166-1 alpha-2), or the code."""
        return self._country(code)

    def alternatives(self, items: Iterable[str]) -> str:
        """One of several: "UPS, DHL or La Poste"."""
        return lists.format_list(list(items), style="or", locale=self.locale)

    def offset(self, offset: str) -> str:
        """An offset ("+01:00") as shown beside a wall clock: UTC+1."""
        sign, hours, minutes = offset[0], offset[1:3].lstrip("0") or "0", offset[4:6]
        text = "UTC" if (hours, minutes) == ("0", "00") else f"UTC{'−' if sign == '-' else '+'}{hours}"
        return self._digits(text if minutes == "00" else f"{text}:{minutes}")

    def _same_year(self, day: date, today: date) -> bool:
        return calendars.year_of(self.language, day) == calendars.year_of(self.language, today)

    def _applied(self, pattern: str, day: date) -> str:
        """A day by a pattern of CLDR, in the calendar and the digits that the locale writes by default."""
        fields = calendars.fields_of(self.language, day)
        pattern = pattern if fields is None else calendars.with_fields(pattern, fields)
        return self._digits(dates.parse_pattern(pattern).apply(day, self.locale))

    def _written_day(self, day: date, this_year: bool) -> str:
        return self._applied(self._weekday_pattern if this_year else self.locale.date_formats["full"].pattern, day)

    def _named_weekday(self, weekday: int) -> str:
        return dates.format_date(_MONDAY + timedelta(weekday), "cccc", locale=self.locale)

    def _written_day_and_month(self, day: date) -> str:
        skeletons = self.locale.datetime_skeletons
        found = "MMMMd" if "MMMMd" in skeletons else dates.match_skeleton("MMMMd", skeletons)
        return self._applied(skeletons[found].pattern, day)

    def _written_days(self, first: date, last: date, this_year: bool) -> str:
        if calendars.year_of(self.language, first) != calendars.year_of(self.language, last):
            differ = "y"
        else:
            months = {calendars.month_of(self.language, day) for day in (first, last)}
            differ = "M" if len(months) > 1 else "d"
        ranges = self.locale.interval_formats
        parts: Sequence[str] = ranges["MMMEd" if this_year and differ != "y" else "yMMMEd"][differ]
        return "".join(self._applied(part, day) for part, day in zip(parts, (first, last), strict=True))

    def _written_clock(self, which: int) -> str:
        past, minute = divmod(which, _DAY)
        written = dates.format_time(time(minute // 60, minute % 60, past), "short", locale=self.locale)
        self._clocks[which] = self._digits(written).replace("\u202f", "\u00a0")
        return self._clocks[which]

    def _written_hours(self, start: time, end: time) -> str:
        skeleton = "hm" if "h" in self.locale.time_formats["short"].pattern else "Hm"
        written = dates.format_interval(start, end, skeleton, locale=self.locale)
        return self._digits(written).replace("\u202f", "\u00a0")

    def _written_number(self, value: int | float | Decimal) -> str:
        return self._digits(numbers.format_decimal(value, locale=self.locale, numbering_system="default"))

    def _written_money(self, amount: str, currency: str) -> str:
        try:
            value = Decimal(amount)
            if value.is_finite():
                return self._digits(
                    numbers.format_currency(value, currency, locale=self.locale, numbering_system="default")
                )
        except (InvalidOperation, ValueError):
            pass  # "on request", say
        return f"{amount} {currency}"

    def _named_country(self, code: str) -> str:
        return str(self.locale.territories.get(code.upper(), code))

    @cached_property
    def _day_and_clock(self) -> str:
        """CLDR's pattern of a day and a time of day."""
        return str(self.locale.datetime_formats["medium"])

    @cached_property
    def _weekday_pattern(self) -> str:
        """CLDR's pattern for weekday, day and month in full. Where a locale gives it only abbreviated, its fields are
        widened, as UTS 35 (Missing Skeleton Fields) prescribes."""
        skeletons = self.locale.datetime_skeletons
        found = next(name for name in ("MMMMEEEEd", "MMMMEd", "MMMEd") if name in skeletons)
        return re.sub("MMM+", "MMMM", re.sub("E+|c+", "EEEE", skeletons[found].pattern))

    @cached_property
    def _digit_table(self) -> dict[int, str]:
        zero = _ZERO.get(self.locale.default_numbering_system)
        return {ord("0") + i: chr(ord(zero) + i) for i in range(10)} if zero else {}

    def _digits(self, text: str) -> str:
        """The digits that the locale writes by default: CLDR's date patterns come with Latin ones."""
        return text.translate(self._digit_table) if self._digit_table else text


@cache
def _locale(code: str) -> Locale:
    """A locale with tables of its own."""
    locale = Locale.parse(code)
    tables = localedata.load(str(locale))
    tables.update({name: deepcopy(tables[name]) for name in _SHARED_TABLES})
    return locale
