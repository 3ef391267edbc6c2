"""Values of any model with a hostile text in every field that takes one: found in the model itself, so that none is forgotten.

Each field's text has a mark of its own. Where the model refuses one, it says so with the mark or the place, and that field gets
the next tamer text; one that takes none of them is told by `Filling.tame`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import inspect

MARK = re.compile(r"zq\d+z")
_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_NOT_IN_ADDRESSES = re.compile(r"[\x00-\x20\x7f-\xa0\\\"<>\u2028\u2029@]")


def forms(text: str) -> list[str]:
    """A text as it is, as one line, its beginning, in an address of the web, as a path, and as a mailbox: the boldest first."""
    packed = _NOT_IN_ADDRESSES.sub("", text)
    line = " ".join("".join(char for char in text if char.isprintable()).split())
    plain = "".join(MARK.findall(text))
    web = "https://good.example/"
    return [text, line, line[:20], f"{web}{packed}", f"/{packed}", f"{packed}@shop.example", f"{web}{plain}"]


class Filling:
    """A value in the making. `given` are the values of places that need one of their own ("items[].price.currency"), `nth`
    keeps its marks apart from those of other values."""

    def __init__(self, text: str, given: Mapping[str, Any] | None = None, nth: int = 0) -> None:
        self._first = 1000 * nth
        self._text = text
        self._given = dict(given or {})
        self._tries: dict[str, int] = {}
        self.places: dict[str, str] = {}  # by its mark, where a text stands
        self.tame: set[str] = set()  # places of texts that take nothing hostile

    def raw(self, kind: Any, root: str = "") -> Any:
        """The value as JSON has it, such as `kind` accepts."""
        info = inspect.type_info(kind)
        while True:
            value = self._of(info, root)
            try:
                msgspec.convert(value, kind, strict=False)
            except msgspec.ValidationError as error:
                self._tamer(str(error), root)
            else:
                return value

    def made(self, kind: Any, root: str = "") -> Any:
        return msgspec.convert(self.raw(kind, root), kind, strict=False)

    def _tamer(self, said: str, root: str) -> None:
        """Gives the field that was refused its next text."""
        if found := MARK.search(said):
            place = self.places[found[0]]
        else:
            at = _PLACE.search(said)
            place = root + re.sub(r"\[[^\]]*\]", "[]", at[1] if at else "").removeprefix("." if not root else "")
        assert place in self.places.values(), f"nothing was filled in at {place}: {said}"
        assert place not in self.tame, f"{place} needs a value of its own: {said}"
        self._tries[place] = self._tries.get(place, 0) + 1

    def _write(self, place: str) -> str | None:
        """The text for a place; None where it takes none."""
        mark = f"zq{self._first + len(self.places)}z"
        mark = next((known for known, at in self.places.items() if at == place), mark)
        self.places[mark] = place
        tries = self._tries.get(place, 0)
        told = forms(self._text.replace("ZQ", mark))
        if tries < len(told):
            return told[tries]
        self.tame.add(place)
        return None

    def _of(self, info: Any, place: str) -> Any:
        if place in self._given:
            return self._given[place]
        make: Callable[[Any, str], Any] | None = getattr(self, f"_{type(info).__name__.lower()}", None)
        if make is not None:
            return make(info, place)
        return None

    def _structtype(self, info: Any, place: str) -> Any:
        found = {}
        for one in info.fields:
            value = self._of(one.type, f"{place}.{one.encode_name}".removeprefix("."))
            if value is not None or one.required:
                found[one.encode_name] = value
        return list(found.values()) if info.array_like else found

    def _strtype(self, info: Any, place: str) -> str | None:
        return self._write(place)

    def _uniontype(self, info: Any, place: str) -> Any:
        """The richest of the kinds it may be: a struct or a list before a text, a text before a number."""
        order = (inspect.StructType, inspect.CollectionType, inspect.VarTupleType, inspect.ListType, inspect.StrType)
        rank = {kind: n for n, kind in enumerate(order)}
        return self._of(
            min(info.types, key=lambda one: rank.get(type(one), 9 + (type(one) is inspect.NoneType))), place
        )

    def _dicttype(self, info: Any, place: str) -> dict[str, Any]:
        value = self._of(info.value_type, f"{place}[]")
        return {} if value is None else dict.fromkeys(self._keys(info.key_type), value)

    def _keys(self, info: Any) -> list[Any]:
        """Two that fit: of an enumeration, or a language or country."""
        if isinstance(info, inspect.EnumType):
            return [one.value for one in info.cls][:2]
        fits = re.compile(getattr(info, "pattern", None) or "[a-z]+")
        return [key for key in ("en", "de", "DE", "FR") if fits.search(key)]

    def _vartupletype(self, info: Any, place: str) -> list[Any]:
        value = self._of(info.item_type, f"{place}[]")
        return [] if value is None else [value] * (info.min_length or 1)

    _listtype = _settype = _frozensettype = _vartupletype

    def _enumtype(self, info: Any, place: str) -> Any:
        return next(iter(info.cls)).value

    def _literaltype(self, info: Any, place: str) -> Any:
        return info.values[0]

    def _inttype(self, info: Any, place: str) -> int:
        return int(info.ge or 1)

    def _floattype(self, info: Any, place: str) -> float:
        return float(info.ge or 1)

    def _booltype(self, info: Any, place: str) -> bool:
        return True

    def _datetimetype(self, info: Any, place: str) -> str:
        return "2026-11-20T12:00:00" + ("" if info.tz is False else "Z")

    def _datetype(self, info: Any, place: str) -> str:
        return "2026-11-25"

    def _timetype(self, info: Any, place: str) -> str:
        return "12:00:00"

    def _decimaltype(self, info: Any, place: str) -> str:
        return "1.00"
