"""Languages that nobody speaks, made of the English texts when a page is rendered: what is hard-coded stands out, and what has
no room or does not turn round. Their codes are those of CLDR (UTS 35, annex on pseudo-locales): en-XA, ar-XB.
"""

import re
from collections.abc import Callable
from functools import cache

from babel.support import NullTranslations

from ..i18n import Catalogs, Localizer

NAMES = {"en-XA": "accented, 40 % longer", "ar-XB": "mirrored"}
_KEPT = re.compile(r"(%\(\w+\)s|<[^>]*>)")  # what is filled in, and tags
_WORD = re.compile(r"\S+")
_ACCENTS = str.maketrans(
    "AaBCcDdEeGgHhIiJjKkLlMNnOoRrSsTtUuWwYyZz",
    "ÅåƁÇçÐðÉéĜĝĤĥÎîĴĵĶķĻļṀÑñÖöŔŕŠšŢţÛûŴŵÝýŽž",
)
_GROWTH = 0.4
_FILLING = "one two three four five six seven eight nine ten "
_RLO, _PDF = "\u202e", "\u202c"


class Pseudo(NullTranslations):
    """Catalogs that say each text by what `make` makes of it."""

    def __init__(self, make: Callable[[str], str]) -> None:
        super().__init__()
        self._make = make

    def ugettext(self, message: str) -> str:
        return self._make(message)

    def ungettext(self, singular: str, plural: str, num: int) -> str:
        return self._make(singular if num == 1 else plural)

    def upgettext(self, context: str, message: str) -> str:
        return self._make(message)

    def unpgettext(self, context: str, singular: str, plural: str, num: int) -> str:
        return self._make(singular if num == 1 else plural)


class Alone(Catalogs):
    """One language, whichever is asked for."""

    def __init__(self, localizer: Localizer) -> None:
        super().__init__(())
        self._alone = localizer

    def localizer(self, language: str) -> Localizer:
        return self._alone


@cache
def localizer(tag: str) -> Localizer:
    """What speaks one of them; dates and numbers are written as in English and in Arabic."""
    made = Localizer(tag.partition("-")[0], Pseudo(accented if tag == "en-XA" else mirrored))
    made.tag = tag
    return made


def accented(text: str) -> str:
    """The text with marks on its letters, between brackets, and 40 % longer."""
    length = len(_KEPT.sub("", text))
    filling = (_FILLING * (1 + length // len(_FILLING)))[: round(_GROWTH * length)].rstrip()
    longer = f"{text} {filling}" if filling else text
    return f"⟦{_outside(longer, lambda part: part.translate(_ACCENTS))}⟧"


def mirrored(text: str) -> str:
    """The text with each word turned round, as Arabic runs."""
    return _outside(text, lambda part: _WORD.sub(lambda word: f"{_RLO}{word[0]}{_PDF}", part))


def _outside(text: str, change: Callable[[str], str]) -> str:
    """The text changed, but for placeholders and tags."""
    return "".join(part if _KEPT.fullmatch(part) else change(part) for part in _KEPT.split(text))
