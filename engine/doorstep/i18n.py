"""What speaks a language: its catalogs, from `.po` files in memory, and its dates and numbers, by CLDR.

A language is a folder `<lang>/LC_MESSAGES/*.po`; catalogs are compiled when first used (2 to 12 ms) and kept.
"""

import gettext
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale, dates, lists, numbers
from babel.messages.mofile import write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from markupsafe import Markup
from msgspec import Struct

from .languages import direction_of, name_of, tag_of, widening

SOURCE = "en"  # the language of the msgids
_MONDAY, _LEAP = date(2024, 1, 1), 2024  # a year that has every day
_FSI, _PDI = "\u2068", "\u2069"
# The first digit of each numbering system that CLDR makes a locale's default.
_ZERO = {"arab": "٠", "arabext": "۰", "beng": "০", "deva": "०", "mymr": "၀", "olck": "᱐", "tibt": "༠", "adlm": "𞥐"}


def N_(msgid: str) -> str:  # gettext's own name for "extract now, translate later"
    return msgid


class Placed(str):
    """A msgid with the stable name of its place (`status.lost.title`), under which a shop may say it in its own words."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, msgid: str, name: str) -> "Placed":
        placed = super().__new__(cls, msgid)
        placed.name = name
        return placed


class Said(Struct, frozen=True):
    """What a shop says itself in a text's place: its forms, one where there is no plural, as text and as HTML."""

    plain: tuple[str, ...]
    html: tuple[str, ...]


class Own(Struct, frozen=True):
    """The own words of a shop in a language: by the name of a place, and by context and msgid."""

    placed: Mapping[str, Said]
    texts: Mapping[tuple[str, str], Said]

    def of(self, msgid: str, context: str = "") -> Said | None:
        if type(msgid) is Placed:
            return self.placed.get(msgid.name)
        return self.texts.get((context, msgid))


class Catalogs:
    """All catalogs of the engine (first folder) and of plugins, merged per language; over them a theme's `own` files,
    `<language>.po`, the first of a language over the next."""

    def __init__(self, folders: Sequence[Path], own: Sequence[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._own = tuple(own)
        self.languages = frozenset(
            file.parent.parent.name for folder in self._folders[:1] for file in folder.glob("*/LC_MESSAGES/*.po")
        )
        self._localizers: dict[str, Localizer] = {}

    @property
    def loaded(self) -> frozenset[str]:
        """The languages that were spoken so far: no other one is in memory."""
        return frozenset(self._localizers)

    def localizer(self, language: str) -> "Localizer":
        """What speaks a language (`pt_BR`); texts it lacks come from its base language, then in English."""
        if language not in self._localizers:
            self._localizers[language] = Localizer(language, self._translations(language))
        return self._localizers[language]

    def reworded(self, own: Callable[[str], Own | None]) -> "Catalogs":
        """The same, where a shop has its own words over it: `own` gives them by language."""
        return _Reworded(self, own)

    def _translations(self, language: str) -> NullTranslations:
        chain = NullTranslations()
        for code in reversed(widening(language)):
            for folder in reversed(self._folders):
                for file in sorted((folder / code / "LC_MESSAGES").glob("*.po")):
                    chain = _over(chain, _compiled(file, code))
        # What a theme says in a base language is meant for all its variants.
        for code in reversed(widening(language)):
            for file in reversed([file for file in self._own if file.stem == code]):
                chain = _over(chain, _compiled(file, code))
        return chain


class _Reworded(Catalogs):
    def __init__(self, below: Catalogs, own: Callable[[str], Own | None]) -> None:
        super().__init__(below._folders, below._own)
        self._below = below
        self._said = own

    def localizer(self, language: str) -> "Localizer":
        if language not in self._localizers:
            self._localizers[language] = self._below.localizer(language).reworded(self._said(language))
        return self._localizers[language]


class Localizer:
    """One language: its texts and its ways to write dates, times and numbers. What pages write again and again is kept:
    Babel reads its tables and patterns anew for every value."""

    def __init__(self, language: str, translations: NullTranslations, own: Own | None = None) -> None:
        self.language = language
        self._own = own
        self.locale = Locale.parse(language)
        self._translations = translations
        self.marked: Mapping[str | tuple[str, str], Markup] = _Marked(self)
        self._text = lru_cache(4096)(self._translated)
        self._long_date = lru_cache(1024)(self._written_day)
        self._weekday = lru_cache(7)(self._named_weekday)
        self._day_and_month = lru_cache(366)(self._written_day_and_month)
        self._clock = lru_cache(2 * 24 * 60)(self._written_clock)
        self._whole = lru_cache(256)(self._written_number)
        self._money = lru_cache(1024)(self._written_money)
        self._country = lru_cache(512)(self._named_country)

    @cached_property
    def tag(self) -> str:
        """BCP 47: `pt-BR`."""
        return tag_of(self.language)

    @cached_property
    def dir(self) -> str:
        return direction_of(self.language)

    @cached_property
    def name(self) -> str:
        """The language's name in itself."""
        return name_of(self.language)

    def text(self, msgid: str, context: str = "", **values: str) -> str:
        """The translation of a msgid, with `%(name)s` filled in; values are isolated for bidi where it matters."""
        said = self._own.of(msgid, context) if self._own is not None else None
        found = said.plain[0] if said is not None else self._text(msgid, context)
        return found % {name: self.isolate(value) for name, value in values.items()} if values else found

    def html(self, msgid: str, context: str = "") -> str:
        """The translation as HTML, placeholders unfilled."""
        said = self._own.of(msgid, context) if self._own is not None else None
        return said.html[0] if said is not None else self._text(msgid, context)

    def plural(self, one: str, many: str, n: int) -> str:
        """The plural form for `n`, with `%(n)s` written as the locale writes numbers."""
        return self.plural_form(one, many, n) % {"n": self.number(n)}

    def plural_form(self, one: str, many: str, n: int, context: str = "") -> str:
        """The plural form for `n`, placeholders unfilled."""
        if (said := self._own_plural(one, context)) is not None:
            return said.plain[self._form(n)]
        if context:
            return str(self._translations.unpgettext(context, one, many, n))
        return str(self._translations.ungettext(one, many, n))

    def plural_html(self, one: str, many: str, n: int, context: str = "") -> str:
        """The plural form for `n` as HTML, placeholders unfilled."""
        said = self._own_plural(one, context)
        return self.plural_form(one, many, n, context) if said is None else said.html[self._form(n)]

    def reworded(self, own: Own | None) -> "Localizer":
        """The same with a shop's own words."""
        return Localizer(self.language, self._translations, own) if own is not None else self

    def _own_plural(self, one: str, context: str) -> Said | None:
        return self._own.of(one, context) if self._own is not None else None

    @cached_property
    def _form(self) -> Callable[[int], int]:
        """The plural form of a number, by gettext's rule for the language."""
        return gettext.c2py(get_plural(self.language).plural_expr)

    def isolate(self, text: str) -> str:
        """Text of unknown direction inside a right-to-left sentence, so that neither disturbs the other."""
        return f"{_FSI}{text}{_PDI}" if self.dir == "rtl" and text else text

    def day(self, day: date, today: date) -> str:
        """A day as a person says it, as a heading: Today, Yesterday, Monday 23 November; with the year when another."""
        distance = (day - today).days
        if distance in (0, -1, 1):
            return self.text({0: N_("Today"), -1: N_("Yesterday"), 1: N_("Tomorrow")}[distance])
        return self.long_date(day, today)

    def long_date(self, day: date, today: date) -> str:
        """Weekday, day and month; with the year when it is not this one."""
        return self._long_date(day, day.year == today.year)

    def weekday(self, day: date) -> str:
        """The name of the weekday, as it stands alone."""
        return self._weekday(day.weekday())

    def day_and_month(self, day: date) -> str:
        return self._day_and_month(day.replace(year=_LEAP))

    def clock(self, at: time | datetime) -> str:
        """The time of day, hours and minutes: 14:05, 2:05 PM."""
        return self._clock(at.hour, at.minute, at.second > 0)

    def joined(self, day: str, clock: str) -> str:
        """A day and a time of day, both already written, in the order and with the comma of the locale."""
        if not day or not clock:
            return day or clock
        return self._day_and_clock.replace("{1}", day).replace("{0}", clock)

    def number(self, value: int | float | Decimal) -> str:
        return self._whole(value) if type(value) is int else self._written_number(value)

    def money(self, amount: str | int | float | Decimal, currency: str) -> str:
        """An amount with its currency (ISO 4217), as the locale writes it; the plain text where it is no number."""
        return self._money(str(amount), currency)

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

    def _translated(self, msgid: str, context: str) -> str:
        return str(self._translations.upgettext(context, msgid) if context else self._translations.ugettext(msgid))

    def _written_day(self, day: date, this_year: bool) -> str:
        pattern = self._weekday_pattern if this_year else "full"
        return self._digits(dates.format_date(day, pattern, locale=self.locale))

    def _named_weekday(self, weekday: int) -> str:
        return dates.format_date(_MONDAY + timedelta(weekday), "cccc", locale=self.locale)

    def _written_day_and_month(self, day: date) -> str:
        return self._digits(dates.format_skeleton("MMMMd", datetime.combine(day, time()), locale=self.locale))

    def _written_clock(self, hour: int, minute: int, past: bool) -> str:
        """`past` the minute: where a locale has a word for midnight, it means its first second alone."""
        written = dates.format_time(time(hour, minute, int(past)), "short", locale=self.locale)
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


class _Marked(dict[str | tuple[str, str], Markup]):
    """Texts as templates print them, by msgid, or by context and msgid: in HTML, with `%%` for a percent sign; looked up
    once each."""

    def __init__(self, localizer: Localizer) -> None:
        super().__init__()
        self._localizer = localizer

    def __missing__(self, key: str | tuple[str, str]) -> Markup:
        context, msgid = ("", key) if isinstance(key, str) else key
        self[key] = text = Markup(self._localizer.html(msgid, context)) % ({"context": context} if context else {})  # noqa: S704  # a catalog's
        return text


def _over(chain: NullTranslations, catalog: Translations) -> NullTranslations:
    catalog.add_fallback(chain)
    return catalog


def _compiled(file: Path, language: str) -> Translations:
    told = file.stat()
    return Translations(BytesIO(_binary(file, language, (told.st_mtime_ns, told.st_size))), domain="doorstep")


@lru_cache(256)
def _binary(file: Path, language: str, stamp: tuple[int, int]) -> bytes:
    """A catalog as gettext reads it; made once, until the file is another one."""
    with file.open("rb") as source:
        # Without the language, Babel would drop the plural rule of the header.
        catalog = read_po(source, locale=language)
    binary = BytesIO()
    write_mo(binary, catalog)
    return binary.getvalue()
