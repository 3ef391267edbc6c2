"""What can be said of a translated text by itself: its placeholders, its width, its tags, for which numbers a form stands."""

import gettext
import re
from functools import cache
from html.parser import HTMLParser
from unicodedata import category, east_asian_width

from babel.messages.plurals import get_plural

PLACEHOLDER = re.compile(r"%\(\w+\)s")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NUMBERS = range(1001)  # enough to see for which numbers a plural form stands
_TOLD = 4
_VOID = frozenset({"br"})


def find_bidi(text: str) -> bool:
    """Whether a text has control characters of direction."""
    return _BIDI.search(text) is not None


@cache
def numbers_of(language: str, index: int) -> str:
    """The numbers for which a plural form stands, as a person lists them: "1", or "2, 3, 4, 22, …"."""
    choose = gettext.c2py(get_plural(language).plural_expr)
    found = [str(number) for number in _NUMBERS if choose(number) == index]
    return ", ".join([*found[:_TOLD], "…"] if len(found) > _TOLD else found)


def width(text: str) -> int:
    """How many letters wide a text is, placeholders aside; those of East Asia are as wide as two, and the marks
    on a letter (vowels of India and Thailand, points of Arabic) take no room of their own."""
    letters = (char for char in PLACEHOLDER.sub("", text) if category(char) not in ("Mn", "Me", "Cf"))
    return sum(1 + (east_asian_width(char) in "WF") for char in letters)


def torn_markup(text: str) -> str:
    """What is wrong with the tags of a text, or ""."""
    reader = _Tags()
    reader.feed(text)
    reader.close()
    torn = reader.torn or reader.open
    return f"<{torn[0]}> has no partner" if torn else ""


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.torn: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.torn.append(tag)
