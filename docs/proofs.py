"""What is promised, what goes wrong, and the tests that prove what becomes of it; used by `generate.py`.

The words are those of `tests/faults/rows.toml`. A test belongs to a row by its marker, `@pytest.mark.fault(N)`.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from reference import table

TESTS = Path(__file__).parent.parent / "tests"
HOME = "faults"  # where each row is proved with real servers
_MARK = "pytest.mark.fault"


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault, the numbers of the promises that it puts to the test, and what is seen of it."""

    fault: str
    promises: tuple[int, ...]
    seen: str


class Rows(Struct, frozen=True, forbid_unknown_fields=True):
    """All rows by their number, in parts with a heading each."""

    promises: dict[int, str]
    parts: dict[str, dict[int, Row]]


class Proof(Struct, frozen=True, order=True):
    """A test, and its file below `tests/`."""

    file: str
    name: str

    @property
    def at_home(self) -> bool:
        return self.file.startswith(f"{HOME}/")

    @property
    def link(self) -> str:
        return f"[{self.name.removeprefix('test_').replace('_', ' ')}](../tests/{self.file})"


@cache
def read_rows() -> Rows:
    text = (TESTS / HOME / "rows.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Rows, strict=False)  # TOML writes numbers that are keys as texts


@cache
def read_proofs() -> dict[int, list[Proof]]:
    """The tests of each row; first those with real servers."""
    found: dict[int, list[Proof]] = {}
    for file in sorted(TESTS.rglob("test_*.py")):
        for number, name in marked(file.read_text("utf-8")):
            found.setdefault(number, []).append(Proof(file.relative_to(TESTS).as_posix(), name))
    return {number: sorted(proofs, key=lambda one: (not one.at_home, one)) for number, proofs in found.items()}


def marked(source: str) -> Iterator[tuple[int, str]]:
    """The numbers and names of the tests of a module that prove a row."""
    if f"@{_MARK}(" not in source:  # parsing all of them takes long
        return
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == _MARK:
                    yield from ((ast.literal_eval(number), node.name) for number in decorator.args)


def promises() -> str:
    """Each promise, with a link to its proof: for the README."""
    rows = [f"{number}. {text} [Proof](docs/reliability.md#{_anchor(number)})" for number, text in _promised()]
    return "\n".join(rows)


def kept_promises() -> str:
    """A heading for each promise, and the rows that put it to the test."""
    parts = []
    for promise, text in _promised():
        asked = [
            (heading, [number for number, row in rows.items() if promise in row.promises])
            for heading, rows in read_rows().parts.items()
        ]
        listed = "; ".join(
            f"[{heading}](#{_slug(heading)}) {', '.join(map(str, numbers))}" for heading, numbers in asked if numbers
        )
        parts.append(f"### Promise {promise}\n\n{text}\n\nPut to the test by {listed}.")
    return "\n\n".join(parts)


def faults() -> str:
    proofs = read_proofs()
    parts = []
    for heading, rows in read_rows().parts.items():
        cells = [
            (
                str(number),
                row.fault,
                ", ".join(f"[{one}](#{_anchor(one)})" for one in row.promises),
                row.seen,
                "<br>".join(one.link for one in proofs.get(number, ())),
            )
            for number, row in rows.items()
        ]
        parts.append(f"### {heading}\n\n{table(['#', 'fault', 'promise', 'what is seen', 'proved by'], cells)}")
    return "\n\n".join(parts)


def _promised() -> list[tuple[int, str]]:
    return sorted(read_rows().promises.items())


def _anchor(promise: int) -> str:
    return f"promise-{promise}"


def _slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
