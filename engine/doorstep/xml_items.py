"""The items of a long XML list, one after the other: of the rest of the document nothing is kept.

    for line, item in xml_items(body, {"item", "entry"}):
        item.text("title"), item.text("image_link"), item.text("link.@href")

Names are local, as in `Tree`. Document types, and with them all entities of the document's own, are refused.
"""

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any
from xml.parsers import expat

from .tree import Tree

_AT_ONCE = 64 * 1024  # bytes, so that a thread that reads lets others run
_DEEPEST = 50  # elements within each other
_MOST_PARTS = 2_000  # elements of one item
_LONGEST = 10_000  # characters of one text; what is longer is cut


def xml_items(body: bytes, names: Collection[str]) -> Iterator[tuple[int, Tree]]:
    """Each element with one of these names, and the line on which it begins. Raises ValueError with the place of a mistake."""
    reader = _Reader(names)
    parser = reader.parser
    try:
        for start in range(0, len(body), _AT_ONCE):
            parser.Parse(body[start : start + _AT_ONCE], False)
            yield from reader.take()
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(f"it is not XML: {error}") from None
    yield from reader.take()


class _Reader:
    def __init__(self, names: Collection[str]) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._say
        self._names = names
        self._found: list[tuple[int, Tree]] = []
        self._depth = 0
        self._open: list[dict[str, Any]] = []  # the item that is being read, and what is open in it
        self._texts: list[str] = []
        self._line = 0
        self._parts = 0

    def take(self) -> list[tuple[int, Tree]]:
        found, self._found = self._found, []
        return found

    def _refuse(self, *declaration: Any) -> None:
        raise ValueError("it declares a document type, which is refused")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"line {self.parser.CurrentLineNumber}: nested too deeply")
        if not self._open:
            if _local(name) not in self._names:
                return
            self._line, self._parts = self.parser.CurrentLineNumber, 0
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise ValueError(f"line {self._line}: an item of more than {_MOST_PARTS} parts")
        self._open.append({f"@{_local(key)}": value for key, value in attributes.items()} if attributes else {})
        self._texts.append("")

    def _say(self, text: str) -> None:
        if self._open and (room := _LONGEST - len(self._texts[-1])) > 0:
            self._texts[-1] += text[:room]

    def _end(self, name: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        inside, text = self._open.pop(), self._texts.pop().strip()
        if inside and text:
            inside["#text"] = text
        value = inside or text
        if not self._open:
            self._found.append((self._line, Tree(value)))
            return
        parent, local = self._open[-1], _local(name)
        if local not in parent:
            parent[local] = value
        elif type(parent[local]) is list:
            parent[local].append(value)
        else:
            parent[local] = [parent[local], value]


@lru_cache(maxsize=1024)  # a list's names are few, its elements many
def _local(name: str) -> str:
    """A name without the prefix of its namespace."""
    return name.rpartition(":")[2]
