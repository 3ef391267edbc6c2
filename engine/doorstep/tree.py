"""A carrier's answer, JSON or XML, read by path: what is missing or of another type is empty, and never an exception.

    answer = response.tree()
    for scan in answer.expect("shipment").each("scans"):
        scan.text("code"), scan.text("place.city"), scan.number("weight")

Carriers leave fields out, write null, send one object where they usually send a list, and numbers as texts. A plugin says
what it cannot do without (`expect`), and the rest costs nothing but its own field.
"""

import math
from contextlib import suppress
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from msgspec import Struct

from .errors import ProtocolError

_NIL = {"@nil": "true"}  # how XML Schema writes null
_DEEPEST = 100  # elements within each other
_LARGEST = 10**18  # Python refuses to print an integer of thousands of digits


class Tree(Struct, frozen=True, eq=False, gc=False):
    """One value of an answer with what is below it. Paths are names with dots between; a list stands for its first item."""

    value: Any

    def __bool__(self) -> bool:
        return self.value not in (None, "", [], {})

    def _at(self, path: str) -> Any:
        value = self.value
        if path:
            value = value.get(path) if type(value) is dict and "." not in path else _below(value, path)
        return value

    def at(self, path: str) -> "Tree":
        value = self.value  # as `_at`, without the call: here and in `text` parsing spends its time
        if path:
            value = value.get(path) if type(value) is dict and "." not in path else _below(value, path)
        return Tree(value)

    def expect(self, path: str) -> "Tree":
        """What is at the path. Raises ProtocolError when nothing is."""
        value = self._at(path)
        if value is None:
            raise ProtocolError(f"the answer has no {path!r}")
        return Tree(value)

    def text(self, path: str = "") -> str:
        """A text without blanks around it, or a number as text; empty for anything else."""
        value = self.value
        if path:
            value = value.get(path) if type(value) is dict and "." not in path else _below(value, path)
        if type(value) is str:  # nearly always this or None
            return value.strip()
        if value is None:
            return ""
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, dict):
            value = value.get("#text")
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value) if abs(value) < _LARGEST else ""
        return ""

    def number(self, path: str = "") -> float | None:
        """A number, also one written as text; None for anything else."""
        try:
            value = float(self.text(path))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def is_true(self, path: str = "") -> bool:
        """Whether it is true, also as text."""
        value = self._at(path)
        return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "1"))

    def each(self, path: str = "") -> "list[Tree]":
        """The items of a list; a single object or text counts as one item, nothing as none."""
        value = self._at(path)
        if isinstance(value, list):
            return [Tree(item) for item in value if item is not None]
        return [] if value is None or value == "" else [Tree(value)]

    def items(self) -> "list[tuple[str, Tree]]":
        """Names and values of an object."""
        return [(name, Tree(value)) for name, value in self.value.items()] if isinstance(self.value, dict) else []

    def texts(self, name: str) -> list[str]:
        """Each text under this name, however deep it stands, the nearest first: for shapes that nobody documented."""
        found, level = [], [self.value]
        while level:
            objects = [value for value in level if isinstance(value, dict)]
            found += [one.text() for value in objects for one in Tree(value).each(name)]
            lists = [value for value in level if isinstance(value, list)]
            level = [below for value in objects for below in value.values()] + [
                below for value in lists for below in value
            ]
        return list(dict.fromkeys(filter(None, found)))


def newest_first(items: list[Tree], time: str) -> list[Tree]:
    """A carrier's list with its newest item first, whichever way it ran: told by the texts at the path `time`, ISO and of one
    clock. What these leave open ran the oldest first."""
    times = [text[:19] for item in items if (text := item.text(time))]
    return items[::-1] if not times or times[0] <= times[-1] else items


class _Begun(Exception):
    """The document's own element begins: what is declared stands before it."""


def from_xml(body: bytes) -> Tree:
    """The tree below the root of an XML document: texts by local name, repeated ones as a list, attributes with `@` in front,
    a text beside them as `#text`. Document types, and with them all entities, are refused. Raises ProtocolError."""
    try:
        _refuse_declarations(body)
        return Tree(_content(ElementTree.XML(body), 1))
    except (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise ProtocolError(f"the answer is not the XML expected: {error}") from None


def _refuse_declarations(body: bytes) -> None:
    """Raises ValueError for a document type, which ElementTree would believe."""

    def refuse(*declaration: Any) -> None:
        raise ValueError("it declares a document type")

    def begin(*element: Any) -> None:
        raise _Begun

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = refuse, begin
    with suppress(_Begun):
        parser.Parse(body, True)


def _content(element: ElementTree.Element, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    found: dict[str, Any] = {}
    for name, own in element.items():
        found[f"@{_local(name)}"] = own
    own = element.text or ""
    for child in element:
        text = child.text
        inside = _content(child, depth + 1) if len(child) or child.keys() else text.strip() if text else ""
        if child.tail:
            own += child.tail
        name = _local(child.tag)
        if name not in found:
            found[name] = inside
        elif type(found[name]) is list:
            found[name].append(inside)
        else:
            found[name] = [found[name], inside]
    own = own.strip()
    if not found or (found == _NIL and not own):
        return own
    if own:
        found["#text"] = own
    return found


@lru_cache(maxsize=1024)  # an answer's names are few, its elements many
def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def _below(value: Any, path: str) -> Any:
    for name in _names(path):
        if value is None:
            return None
        if type(value) is not dict:
            value = _first(value)
            if type(value) is not dict:
                return None
        value = value.get(name)
    return value


@lru_cache(maxsize=1024)  # a plugin's own paths: the same few for every scan
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _first(value: Any) -> Any:
    while type(value) is list:
        value = value[0] if value else None
    return value
