"""A carrier's answer, JSON or XML, read by path: what is missing or of another type is empty, and never an exception.

    answer = response.tree()
    for scan in answer.expect("shipment").each("scans"):
        scan.text("code"), scan.text("place.city"), scan.number("weight")

Carriers leave fields out, write null, send one object where they usually send a list, and numbers as texts. A plugin says
what it cannot do without (`expect`), and the rest costs nothing but its own field.
"""

import math
from functools import lru_cache
from typing import Any
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
        return Tree(self._at(path))

    def expect(self, path: str) -> "Tree":
        """What is at the path. Raises ProtocolError when nothing is."""
        value = self._at(path)
        if value is None:
            raise ProtocolError(f"the answer has no {path!r}")
        return Tree(value)

    def text(self, path: str = "") -> str:
        """A text without blanks around it, or a number as text; empty for anything else."""
        value = self.value  # as `_at`, without the call: this is where parsing spends its time
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


def from_xml(body: bytes) -> Tree:
    """The tree below the root of an XML document: texts by local name, repeated ones as a list, attributes with `@` in front,
    a text beside them as `#text`. Document types, and with them all entities, are refused. Raises ProtocolError."""
    around: list[dict[str, Any]] = [{}]  # the elements that are open, outermost first
    texts: list[str] = []  # since the last tag; expat appends to it by itself

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(around) > _DEEPEST:
            raise ValueError("nested too deeply")
        if texts:
            around[-1].setdefault("#text", []).extend(texts)
            texts.clear()
        around.append({f"@{_local(key)}": text for key, text in attributes.items()} if attributes else {})

    def end(name: str) -> None:
        found: Any = around.pop()
        own = "".join([*found.pop("#text", ()), *texts]).strip()
        texts.clear()
        if not found or (found == _NIL and not own):
            found = own
        elif own:
            found["#text"] = own
        parent, name = around[-1], _local(name)
        there = parent.get(name)
        if there is None:
            parent[name] = found
        elif type(there) is list:
            there.append(found)
        else:
            parent[name] = [there, found]

    def refuse(*declaration: Any) -> None:
        raise ValueError("it declares a document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = texts.append, refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ProtocolError(f"the answer is not the XML expected: {error}") from None
    return Tree(next(iter(around[0].values()), None))


def _below(value: Any, path: str) -> Any:
    for name in _names(path):
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


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
