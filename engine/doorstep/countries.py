"""Countries as carriers write them: "DE", "DEU", "Germany", "UAE"."""

from functools import cache, lru_cache

from babel import Locale
from babel.core import get_global

# Not what CLDR calls them, and not what CLDR calls an alias. Georgia is left out: it is a state of the USA, too.
_ALSO = {
    "uae": "AE", "u.a.e.": "AE", "ksa": "SA", "kingdom of saudi arabia": "SA", "kingdom of bahrain": "BH", "turkey": "TR",
    "sultanate of oman": "OM", "state of qatar": "QA", "palestine": "PS", "syrian arab republic": "SY", "myanmar": "MM",
    "iran, islamic republic of": "IR", "tanzania, united republic of": "TZ", "ivory coast": "CI", "cote d'ivoire": "CI",
    "hong kong": "HK", "macau": "MO", "macao": "MO", "korea": "KR", "korea, republic of": "KR", "viet nam": "VN",
    "uk": "GB", "great britain": "GB", "usa": "US", "u.s.a.": "US", "united states of america": "US",
    "great britain and northern ireland": "GB", "russian federation": "RU", "czech republic": "CZ",
}  # fmt: skip
_NONE = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})  # regions and private use


@lru_cache(maxsize=1024)
def alpha2(text: str) -> str:
    """The country (ISO 3166-1 alpha-2) that a code of two or three letters or an English name means; "" where unsure."""
    return _known().get(text.strip().casefold(), "")


def named(text: str) -> str:
    """As `alpha2`, by names only: in a text that anybody wrote, "CA" may be California and "BLR" an airport."""
    return _names().get(text.strip().casefold(), "")


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
    return {**{name.casefold(): code for code, name in _countries().items() if code != "GE"}, **_ALSO}


@cache
def _countries() -> dict[str, str]:
    return {code: name for code, name in Locale("en").territories.items() if len(code) == 2 and code not in _NONE}
