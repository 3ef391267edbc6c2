"""Countries as carriers write them: "DE", "DEU", "Germany", "UAE"."""

import unicodedata
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

# Not what CLDR calls them, and not what CLDR calls an alias. Georgia is left out: it is a state of the USA, too.
_ALSO = {
    "uae": "AE", "u.a.e.": "AE", "ksa": "SA", "kingdom of saudi arabia": "SA", "kingdom of bahrain": "BH", "turkey": "TR",
    "sultanate of oman": "OM", "state of qatar": "QA", "palestine": "PS", "syrian arab republic": "SY", "myanmar": "MM",
    "iran, islamic republic of": "IR", "tanzania, united republic of": "TZ", "ivory coast": "CI", "cote d'ivoire": "CI",
    "hong kong": "HK", "macau": "MO", "macao": "MO", "korea": "KR", "korea, republic of": "KR", "viet nam": "VN",
    "uk": "GB", "great britain": "GB", "usa": "US", "u.s.a.": "US", "united states of america": "US",
    "great britain and northern ireland": "GB", "russian federation": "RU", "czech republic": "CZ", "republic of korea": "KR",
    "the netherlands": "NL", "holland": "NL", "brunei darussalam": "BN", "cabo verde": "CV", "swaziland": "SZ", "burma": "MM",
    "macedonia": "MK", "slovak republic": "SK", "people's republic of china": "CN", "congo": "CG",
    "democratic republic of the congo": "CD", "republic of the congo": "CG", "vatican": "VA", "sao tome": "ST",
}  # fmt: skip
_NONE = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})  # regions and private use


@lru_cache(maxsize=1024)
def alpha2(text: str) -> str:
    """The country (ISO 3166-1 alpha-2) that a code of two or three letters or an English name means; "" where unsure."""
    return _known().get(_plain(text), "")


@lru_cache(maxsize=1024)
def named(text: str, language: str = "en") -> str:
    """As `alpha2`, by names only, also of another language (BCP 47): in a text that anybody wrote, "CA" may be California and
    "BLR" an airport."""
    return (_names() if language == "en" else _names_in(language)).get(_plain(text), "")


def _plain(text: str) -> str:
    """A name without what is written one way or the other: accents, "&", "Saint"."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    words = bare.casefold().replace("&", " and ").replace("’", "'").split()
    return " ".join("st." if word in ("saint", "st") else word for word in words)


@cache
def _known() -> dict[str, str]:
    codes = {old: new[0] for old, new in get_global("territory_aliases").items() if len(old) == 3 and len(new) == 1}
    countries = _countries()
    return {
        **{old.casefold(): new for old, new in codes.items() if old.isalpha() and new in countries},
        **{code.casefold(): code for code in countries},
        **_names(),
    }


@cache
def _names() -> dict[str, str]:
    return {**{_plain(name): code for code, name in _countries().items() if code != "GE"}, **_ALSO}


@lru_cache(maxsize=16)
def _names_in(language: str) -> dict[str, str]:
    return {_plain(name): code for code, name in _countries(language).items()}


@lru_cache(maxsize=16)
def _countries(language: str = "en") -> dict[str, str]:
    try:
        names = Locale.parse(language, sep="-").territories
    except (ValueError, UnknownLocaleError):
        return {}
    return {code: name for code, name in names.items() if len(code) == 2 and code not in _NONE}
