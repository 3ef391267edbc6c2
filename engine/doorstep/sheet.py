"""Orders in CSV as spreadsheets and shop systems write it: with a byte order mark or without, with commas, semicolons or
tabs, `sep=;` in the first line, and rows of one order one below the other.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

from .columns import COLUMNS, Cells, draft_of
from .drafts import LONGEST, PROBLEM, Draft, Problem, Row, lines, told
from .errors import ConfigError

_DELIMITERS = ",;\t"
_MOST_LINES = 200  # in one row; more, and a quotation mark was never closed
_MOST_ROWS = 1000  # of one order at once
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MENDED = "columns and delimiters are on the page about importing"


class Sheet:
    """A CSV file. `unknown` are columns of it that say nothing here, once `drafts` has begun."""

    def __init__(self, file: BinaryIO, name: str, zone: ZoneInfo) -> None:
        self._lines = _Lines(file)
        self._name = name
        self._zone = zone
        self._delimiter = ","
        self._columns: tuple[str, ...] = ()
        self.unknown: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        return self._lines.read

    def drafts(self) -> Iterator[Draft]:
        self._begin()
        for number, group in groupby(self._rows(), key=lambda one: one[1].get("number", "")):
            while rows := list(islice(group, _MOST_ROWS)):
                yield self._draft(number, rows)

    def _draft(self, number: str, rows: Sequence[tuple[Row, Cells]]) -> Draft:
        problems = tuple(problem for row, cells in rows for problem in self._wrong(row, cells))
        if problems:
            return Draft(number, tuple(row for row, _ in rows), None, problems)
        return draft_of(rows, self._zone)

    def heading(self) -> str:
        return self._written((PROBLEM, *self._without_problem(self._columns)))

    def give_back(self, draft: Draft) -> str:
        return "".join(self._given_back(row, told(draft.problems, row.line)) for row in draft.rows)

    def _given_back(self, row: Row, problem: str) -> str:
        if row.cells is None:  # what cannot be split stays as it came
            return self._written((problem,)).rstrip("\r\n") + self._delimiter + row.raw + "\r\n"
        return self._written((problem, *self._without_problem(row.cells)))

    def _without_problem(self, cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cell for at, cell in enumerate(cells) if self._columns[at : at + 1] != (PROBLEM,))

    def _written(self, cells: tuple[str, ...]) -> str:
        written = io.StringIO()
        csv.writer(written, delimiter=self._delimiter).writerow(cells)
        return written.getvalue()

    def _begin(self) -> None:
        """Reads the first row: what the columns are, and what stands between them."""
        first = self._lines.peek()
        if first.startswith(_UTF16):
            raise ConfigError(f"{self._name} is UTF-16", next_step="save it as CSV UTF-8")
        told_apart = re.fullmatch(r"\ufeff?sep=([^\r\n\"])\s*", _decoded(first)[0])
        if told_apart:
            next(self._lines)
        heading = _decoded(self._lines.peek())[0].removeprefix("\ufeff")
        known = {one: len(COLUMNS.keys() & _named(heading, one)) for one in _DELIMITERS}
        self._delimiter = told_apart[1] if told_apart else max(known, key=lambda one: known[one])
        self._columns = tuple(_named(heading, self._delimiter))
        next(self._lines, None)
        self._lines.begin_row()
        named = [name for name in self._columns if name in COLUMNS]
        if "number" not in named:
            raise ConfigError(f"{self._name} has no column 'number' in its first row", next_step=_MENDED)
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise ConfigError(f"{self._name} has the column {twice[0]!r} twice", next_step="remove one of them")
        self.unknown = tuple(name for name in self._columns if name and name not in COLUMNS and name != PROBLEM)

    def _rows(self) -> Iterator[tuple[Row, Cells]]:
        """The rows with something in them, each with its cells by column. One that cannot be split has no cells."""
        reader = self._reader()
        while True:
            self._lines.begin_row()
            try:
                cells = tuple(next(reader))
            except StopIteration:
                return
            except (csv.Error, _Endless):
                yield Row(self._lines.row_begins, self._lines.only_first()), {}
                reader = self._reader()
                continue
            if any(cell.strip() for cell in cells):
                row = Row(self._lines.row_begins, self._lines.raw(), cells, self._lines.foreign())
                yield (
                    row,
                    {
                        name: value
                        for name, cell in zip(self._columns, cells, strict=False)
                        if name in COLUMNS and (value := _unwrapped(cell))
                    },
                )

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self._delimiter, strict=True)

    def _wrong(self, row: Row, cells: Cells) -> Iterator[Problem]:
        """What is wrong with a row as such, whatever it says."""
        if row.cells is None:
            yield Problem(
                row.line, "", "a quotation mark is not closed, or stands alone", 'write "" for one inside a text'
            )
        elif row.foreign:
            yield Problem(row.line, "", "it is not UTF-8 text; it was read as Windows-1252", "check its letters")
        elif any(cell.strip() for cell in row.cells[len(self._columns) :]):
            yield Problem(row.line, "", f"it has {len(row.cells)} cells", f"there are {len(self._columns)} columns")
        elif "number" not in cells:
            yield Problem(row.line, "number", "is missing", "say which order the row belongs to")


class _Endless(Exception):
    """A row goes on and on."""


class _Lines:
    """Hands lines to the csv module, and keeps those of the row under way."""

    def __init__(self, file: BinaryIO) -> None:
        self._source = lines(file)
        self._ahead: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._line = 0
        self.read = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self._taken) >= _MOST_LINES or sum(map(len, self._taken)) > LONGEST:
            raise _Endless
        line = self.peek()
        if not line:
            raise StopIteration
        self._ahead.popleft()
        self._line += 1
        self._taken.append(line)
        return _decoded(line)[0]

    @property
    def row_begins(self) -> int:
        return self._line - len(self._taken) + 1

    def peek(self) -> bytes:
        """The next line, b"" at the end."""
        if not self._ahead and (line := next(self._source, b"")):
            self.read += len(line)
            self._ahead.append(line)
        return self._ahead[0] if self._ahead else b""

    def begin_row(self) -> None:
        self._taken.clear()

    def raw(self) -> str:
        return "".join(_decoded(line)[0] for line in self._taken).rstrip("\r\n")

    def only_first(self) -> str:
        """The row under way was none: its first line, the others are read again."""
        first, *others = self._taken
        self._ahead.extendleft(reversed(others))
        self._line -= len(others)
        self._taken = [first]
        return self.raw()

    def foreign(self) -> bool:
        return not all(_decoded(line)[1] for line in self._taken)


def _decoded(line: bytes) -> tuple[str, bool]:
    """The text of a line and whether it was UTF-8; else it is most probably an older spreadsheet's."""
    try:
        return line.decode("utf-8"), True
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace"), False


def _named(heading: str, delimiter: str) -> list[str]:
    """The columns of a heading, as they are called here; none, where it cannot be split."""
    try:
        cells = next(csv.reader([heading], delimiter=delimiter), [])
    except csv.Error:  # a carriage return between cells, a cell longer than the module takes
        return []
    return [re.sub(r"[\s-]+", "_", cell.strip().casefold()) for cell in cells]


def _unwrapped(cell: str) -> str:
    """What is meant by a cell: spreadsheets keep numbers as texts in the forms ="0123" and '0123."""
    cell = cell.strip()
    if cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1].strip()
    return cell[1:] if re.fullmatch(r"'\d.*", cell) else cell
