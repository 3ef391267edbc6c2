"""Which language a page is in: what a reader asks for against what a shop speaks; and what each language is called in itself.

Nothing here reads a catalog or the tables of a locale: to name all languages costs none of them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError

_RANGE = re.compile(r"(?P<tag>[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:\s*;\s*[qQ]=(?P<q>[01](?:\.[0-9]{0,3})?))?")
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,8}")
_LONGEST_HEADER, _MOST_RANGES = 1000, 10
# Codes that are no longer used, or stand for several languages (RFC 5646, 2.2.1; CLDR's languageAlias).
_RENAMED: Mapping[str, str] = {"no": "nb", "iw": "he", "in": "id", "mo": "ro", "cmn": "zh", "yue": "zh_Hant"}
_NEAR: Mapping[str, str] = {"nn": "nb"}  # what readers of a language understand best where it is not spoken
_TRADITIONAL = frozenset({"TW", "HK", "MO"})  # regions that write Chinese so (CLDR's likely subtags)

# As CLDR 48 writes them, with a capital where the script has one, and with Bahasa where the name alone is a country's or a
# people's: to ask Babel would read a locale's tables.
NAMES: Mapping[str, str] = {
    "ar": "العربية", "bg": "Български", "bn": "বাংলা", "cs": "Čeština", "da": "Dansk", "de": "Deutsch",
    "el": "Ελληνικά", "en": "English", "es": "Español", "et": "Eesti", "fa": "فارسی", "fi": "Suomi",
    "fr": "Français", "he": "עברית", "hi": "हिन्दी", "hr": "Hrvatski", "hu": "Magyar", "id": "Bahasa Indonesia",
    "it": "Italiano", "ja": "日本語", "ko": "한국어", "lt": "Lietuvių", "lv": "Latviešu", "ms": "Bahasa Melayu",
    "nb": "Norsk bokmål", "nl": "Nederlands", "pl": "Polski", "pt": "Português", "pt_BR": "Português (Brasil)",
    "ro": "Română", "ru": "Русский", "sk": "Slovenčina", "sl": "Slovenščina", "sr": "Српски", "sv": "Svenska",
    "th": "ไทย", "tr": "Türkçe", "uk": "Українська", "ur": "اردو", "vi": "Tiếng Việt", "zh_Hans": "中文 (简体)",
    "zh_Hant": "中文 (繁體)",
}  # fmt: skip
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def tag_of(language: str) -> str:
    """BCP 47: `pt-BR`."""
    return language.replace("_", "-")


def name_of(language: str) -> str:
    """The language's name in itself."""
    return NAMES.get(language) or _named_by_cldr(language)


def direction_of(language: str) -> str:
    """`ltr` or `rtl`."""
    if language in NAMES:
        return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
    return str(Locale.parse(language).text_direction)


def by_name(languages: Iterable[str]) -> tuple[str, ...]:
    """In the order in which a reader looks for one."""
    return tuple(sorted(languages, key=lambda one: name_of(one).casefold()))


def negotiate(asked: str, accepted: str, available: Sequence[str], default: str, *, ordered: str = "") -> str:
    """The language of a page: what the address asks for, else that of the order, else the browser's header, else the store's.

    `asked` and `accepted` come from strangers: both are bounded, and only what is in `available` comes out.
    """
    return _negotiated(asked[:35], ordered, accepted[:_LONGEST_HEADER], tuple(available), default)


@lru_cache(1024)
def _negotiated(asked: str, ordered: str, accepted: str, available: tuple[str, ...], default: str) -> str:
    for tag in [*filter(None, (asked, ordered)), *_ranges(accepted)]:
        if (found := match(tag, available)) is not None:
            return found
    return default


def match(tag: str, available: Sequence[str]) -> str | None:
    """The available language that a BCP 47 tag means, or None: exact, its bases, what is near to it, a sibling."""
    wanted = _canonical(tag)
    if not wanted:
        return None
    base = wanted.partition("_")[0]
    for code in (*widening(wanted), *widening(_NEAR.get(base, base))):
        if code in available:
            return code
    return next((code for code in available if code.partition("_")[0] == base), None)


def _ranges(header: str) -> list[str]:
    weighed: list[tuple[float, int, str]] = []
    for i, part in enumerate(header.split(",")[:_MOST_RANGES]):
        found = _RANGE.fullmatch(part.strip())
        if found and found["tag"] != "*" and (q := float(found["q"] or 1)) > 0:
            weighed.append((-q, i, found["tag"]))
    return [tag for _, _, tag in sorted(weighed)]


@cache
def widening(code: str) -> tuple[str, ...]:
    """A code and its bases: pt_BR, pt."""
    parts = code.split("_")
    return tuple("_".join(parts[:n]) for n in range(len(parts), 0, -1))


def _canonical(tag: str) -> str:
    """A tag as Babel writes locales, without variants and extensions: pt_BR, zh_Hant_HK; empty for what is none."""
    if not _TAG.fullmatch(tag):
        return ""
    language, *rest = re.split("[-_]", tag)
    language, _, script = _RENAMED.get(language.lower(), language.lower()).partition("_")
    region = ""
    for part in rest:
        if len(part) == 1:  # an extension begins, which says nothing of the language
            break
        if len(part) == 4 and part.isalpha() and not (script or region):
            script = part.title()
        elif not region and ((len(part) == 2 and part.isalpha()) or (len(part) == 3 and part.isdigit())):
            region = part.upper()
    if language == "zh" and not script:
        script = "Hant" if region in _TRADITIONAL else "Hans"
    return "_".join(filter(None, (language, script, region)))


def known(language: str) -> bool:
    """Whether CLDR knows a locale of this name."""
    try:
        Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _named_by_cldr(language: str) -> str:
    name = Locale.parse(language).get_display_name() or language
    return name[:1].upper() + name[1:]
