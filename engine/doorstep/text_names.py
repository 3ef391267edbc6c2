"""The stable names of texts, by which a shop says them in its own words and a rule knows how much room they have.

A text about a status, a reason, a step or a state is named by its place (`status.lost.title`); every other one by its English
words: `text.contact_the_shop`. A long one, or one of several that would have the same name, ends in a digest.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from . import wording
from .i18n import Placed

Key = tuple[str, str]  # context and msgid
_LONGEST = 40
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def placed() -> dict[str, Placed]:
    """The texts with a place of their own, by name."""
    return {one.name: one for one in wording.placed()}


def named(keys: Iterable[Key]) -> dict[str, Key]:
    """The other texts of catalogs, by name, in the order of the names."""
    own = frozenset(map(str, placed().values()))
    listed = {key: _short(key) for key in keys if key[0] or key[1] not in own}
    often = Counter(listed.values())
    found = {_name(key, short, alone=often[short] == 1): key for key, short in listed.items()}
    return dict(sorted(found.items()))


def _short(key: Key) -> str:
    return _NO_LETTERS.sub("_", _PLACEHOLDER.sub(r" \1 ", " ".join(filter(None, key))).lower()).strip("_")


def _name(key: Key, short: str, *, alone: bool) -> str:
    if alone and 0 < len(short) <= _LONGEST:
        return f"text.{short}"
    cut = short[:_LONGEST].rpartition("_")[0] if len(short) > _LONGEST else short
    digest = blake2b("\4".join(key).encode(), digest_size=2).hexdigest()
    return f"text.{cut}_{digest}".replace("._", ".")


# How much room a place has, in letters (those of East Asia count twice), by the beginning and the end of its name.
_ROOM = (
    ("step.", "", 32), ("state.", "", 36), ("status.", ".label", 42), ("order.", ".label", 42), ("reason.", ".label", 56),
    ("status.", ".title", 64), ("reason.", ".title", 64), ("order.", ".title", 64), ("page.", ".title", 90),
)  # fmt: skip
_SHORT, _LEAST, _GROWTH = 30, 26, 1.9  # a label or button of any other place may grow so much


def room(name: str, english: str) -> int | None:
    """The most letters that a place takes; None where the text flows."""
    for start, end, most in _ROOM:
        if name.startswith(start) and name.endswith(end):
            return most
    flows = not name.startswith("text.") or len(english) > _SHORT or "%(" in english
    return None if flows else max(_LEAST, round(_GROWTH * len(english)))


def rooms(source: Mapping[Key, str]) -> dict[Key, int]:
    """The least room of all places where a text stands, by its key."""
    found: dict[Key, int] = {}
    for name, key in (*((one.name, ("", str(one))) for one in wording.placed()), *named(source).items()):
        most = room(name, key[1])
        if most is not None and key in source:
            found[key] = min(most, found.get(key, most))
    return found
