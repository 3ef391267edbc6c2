"""What speaks a language: its catalogs, from `.po` files in memory, over how its locale writes dates and numbers.

A language is a folder `<lang>/LC_MESSAGES/*.po`; catalogs are compiled when first used (2 to 12 ms) and kept.
"""

import gettext
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from markupsafe import Markup
from msgspec import Struct

from .languages import direction_of, name_of, tag_of, widening
from .writing import Writing

SOURCE = "en"  # the language of the msgids
_FSI, _PDI = "\u2068", "\u2069"


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
            localizer = Localizer(language, self._translations(language))
            localizer.read_tables()
            self._localizers[language] = localizer
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


class Localizer(Writing):
    """One language: its texts, beside its ways to write dates, times and numbers."""

    def __init__(self, language: str, translations: NullTranslations, own: Own | None = None) -> None:
        super().__init__(language)
        self._own = own
        self._translations = translations
        self.marked: Mapping[str | tuple[str, str], Markup] = _Marked(self)
        self._text = lru_cache(4096)(self._translated)
        self._day = lru_cache(1024)(self._said_day)
        self._plural = lru_cache(1024)(self._counted)

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
        return self._plural(one, many, n)

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

    def joined(self, day: str, clock: str) -> str:
        """A day and a time of day, both already written; a clock may run the other way ("2:56 PM" in Urdu)."""
        return super().joined(day, self.isolate(clock))

    def day(self, day: date, today: date) -> str:
        """A day as a person says it, as a heading: Today, Yesterday, Monday 23 November; with the year when another."""
        return self._day(day, today)

    def _said_day(self, day: date, today: date) -> str:
        distance = (day - today).days
        if distance in (0, -1, 1):
            return self.text({0: N_("Today"), -1: N_("Yesterday"), 1: N_("Tomorrow")}[distance])
        return self.long_date(day, today)

    def _counted(self, one: str, many: str, n: int) -> str:
        return self.plural_form(one, many, n) % {"n": self.number(n)}

    def _translated(self, msgid: str, context: str) -> str:
        return str(self._translations.upgettext(context, msgid) if context else self._translations.ugettext(msgid))


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
