"""Orders as files tell them, JSON lines or CSV, read row by row: each becomes a change to what is kept, or a list of what is
wrong with it.

A draft is the part of a file that belongs to one order: a line of JSON, or the rows of CSV that stand together under one
number. It keeps its rows as they came, so that what is bad can be given back to be mended.
"""

import difflib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

import msgspec
from msgspec import Raw, Struct, structs

from .errors import NumberError
from .order import Order
from .recognition import normalise

PROBLEM = "problem"  # a column, or member, that says what was wrong; read by people only
LONGEST = 1_000_000  # bytes in a line
_UNKNOWN = "Object contains unknown field `"
_FIELDS = Order.__struct_fields__


class Problem(Struct, frozen=True):
    """What is wrong, where, and what to do. `column` is a column's name, or a path in JSON."""

    line: int
    column: str
    problem: str
    next_step: str


class Row(Struct, frozen=True):
    """A row as it stands in the file: `cells` where it could be split into them; `foreign`, when it was no UTF-8."""

    line: int
    raw: str
    cells: tuple[str, ...] | None = None
    foreign: bool = False


class Draft(Struct, frozen=True):
    """An order as a file tells it. `change` makes what is kept from what was kept; None when there are problems."""

    number: str
    rows: tuple[Row, ...]
    change: Callable[[Order], Order] | None
    problems: tuple[Problem, ...] = ()


class OrderFile(Protocol):
    """A file of orders that is being read."""

    @property
    def read(self) -> int:
        """Bytes, so far."""
        ...

    def drafts(self) -> Iterator[Draft]:
        """One after the other, without keeping any. Raises ConfigError when it is no such file at all."""
        ...

    def give_back(self, draft: Draft) -> str:
        """The draft's rows with their problems, to be mended and imported again."""
        ...

    def heading(self) -> str:
        """What stands above rows that are given back."""
        ...


class JsonLines:
    """An order a line, in the shape of the API. What an order says replaces what is kept; what it leaves out stays."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read = 0

    @property
    def read(self) -> int:
        return self._read

    def drafts(self) -> Iterator[Draft]:
        for number, line in enumerate(lines(self._file), 1):
            self._read += len(line)
            if line.strip():
                yield _draft(number, line)

    def heading(self) -> str:
        return ""

    def give_back(self, draft: Draft) -> str:
        raw = draft.rows[0].raw
        try:
            members = {PROBLEM: _told(draft.problems), **_members(raw.encode())}
        except (msgspec.MsgspecError, ValueError):
            return f"{raw}\n"
        return msgspec.json.encode(members).decode() + "\n"


def lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of one that never ends, no more than LONGEST bytes and one."""
    while line := file.readline(LONGEST + 1):
        rest = line
        while len(rest) > LONGEST and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST + 1)
        yield line


def _draft(number: int, line: bytes) -> Draft:
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    row = Row(number, text)
    try:
        order, says = _read(line)
    except UnicodeDecodeError:
        return _bad(row, "", "it is not UTF-8 text", "save it as UTF-8")
    except msgspec.ValidationError as error:
        return _bad(row, *_explained(error))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return _bad(row, "", str(error), "one JSON object a line, as the API takes it")
    problems = tuple(_problems_of(order, number))
    return Draft(order.number, (row,), None if problems else _replacing(order, says), problems)


def _read(line: bytes) -> tuple[Order, tuple[str, ...]]:
    if len(line) > LONGEST:
        raise ValueError(f"the line is longer than {LONGEST:,} bytes")
    line.decode("utf-8-sig")
    members = _members(line)
    if members.pop(PROBLEM, None) is not None:
        line = msgspec.json.encode(members)
    return msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"), type=Order), tuple(members)


def _members(line: bytes) -> dict[str, Raw]:
    return msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Raw])


def _replacing(order: Order, says: tuple[str, ...]) -> Callable[[Order], Order]:
    said = {name: getattr(order, name) for name in says}
    return lambda before: structs.replace(before, **said)


def _problems_of(order: Order, line: int) -> Iterator[Problem]:
    for at, parcel in enumerate(order.shipments):
        try:
            normalise(parcel.number)
        except NumberError as error:
            yield Problem(
                line, f"shipments[{at}].number", error.message, error.next_step or "correct it, or leave it out"
            )


def _bad(row: Row, column: str, problem: str, next_step: str) -> Draft:
    return Draft("", (row,), None, (Problem(row.line, column, problem, next_step),))


def _explained(error: msgspec.ValidationError) -> tuple[str, str, str]:
    """The column (a path), the problem and the next step of what is no order."""
    text, _, at = str(error).partition(" - at `")
    at = at.rstrip("`").removeprefix("$").removeprefix(".")
    if not text.startswith(_UNKNOWN):
        return at, text, "correct the value"
    name = text.removeprefix(_UNKNOWN).removesuffix("`")
    close = difflib.get_close_matches(name, _FIELDS, n=1)
    return (
        ".".join(filter(None, (at, name))),
        f"there is no {name!r}",
        f"did you mean {close[0]!r}?" if close else "leave it out",
    )


def _told(problems: tuple[Problem, ...]) -> str:
    return "; ".join(": ".join(filter(None, (one.column, one.problem, one.next_step))) for one in problems)


def told(problems: tuple[Problem, ...], line: int) -> str:
    """The problems of a line, as one text."""
    return _told(tuple(one for one in problems if one.line == line))
