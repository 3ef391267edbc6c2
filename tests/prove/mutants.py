"""Small faults put into a module, one at a time: does a test notice each? What none notices is a survivor.

    python -m tests.prove.mutants MODULE [MUTANTS [SEED]]     so many of a module's mutants, by chance; all without a number

Each mutant lives in a process of its own, in which the module is compiled with the fault; only the tests named for it run, up
to the first that fails. Survivors that change nothing anybody could see stand in mutants.toml with the reason.
"""

import ast
import importlib.abc
import importlib.util
import os
import random
import resource
import signal
import sys
import time
import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

from msgspec import Struct

ROOT = Path(__file__).parent.parent.parent
TESTS = {
    "links": ["test_links.py"],
    "models": ["test_intake.py", "test_compact.py", "test_summary.py"],
    "recognition": ["test_recognition.py", "carriers/test_known_by_number.py"],
    "summary": ["test_arrange.py", "test_summary.py", "test_summary_properties.py"],
    "tracker": [
        "test_tracker.py", "test_tracker_carriers.py", "test_tracker_records.py", "test_tracker_asked.py",
        "test_deadline.py::test_a_refresh_of_a_worker_ends_in_a_minute",
        "test_deadline.py::test_a_page_that_gets_no_answer_in_time_says_so_in_time",
    ],
}  # fmt: skip
_OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
# What says nothing about what the module does: types, decorators, options of classes, words of messages.
_LEFT_ALONE = {"annotation", "returns", "decorator_list", "keywords_of_class", "type_params"}
_ENOUGH = 20  # times the seconds of processor that the tests take without a fault
_IDLE = 10  # times that in all: waiting takes no processor


class Mutant(Struct, frozen=True):
    """A fault: on which line, what stands there and what instead. `at` is the place among the module's, `text` the line."""

    at: int
    line: int
    text: str
    before: str
    after: str

    @property
    def name(self) -> str:
        return f"{self.text}: {self.before}  ->  {self.after}"


def mutants(source: str) -> list[Mutant]:
    """All mutants of a module."""
    places, lines = enumerate(_places(ast.parse(source))), source.splitlines()
    return [
        Mutant(at, node.lineno, lines[node.lineno - 1].strip(), _shown(node), _shown(other))
        for at, (_, _, _, node) in places
        if (other := _other(node)) is not None
    ]


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The module with the fault in it."""
    tree = ast.parse(source)
    parent, field, index, node = next(islice(_places(tree), mutant.at, None))
    other = _other(node)
    if index is None:
        setattr(parent, field, other)
    else:
        getattr(parent, field)[index] = other
    return ast.fix_missing_locations(tree)


Place = tuple[ast.AST, str, int | None, ast.expr | ast.stmt]


def _places(node: ast.AST) -> Iterator[Place]:
    """Each expression and statement of a module, with where it hangs."""
    for field, value in ast.iter_fields(node):
        if field in _LEFT_ALONE or (field == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield node, field, index, child
            yield from _places(child)


def _other(node: ast.expr | ast.stmt) -> ast.expr | ast.stmt | None:
    """What stands in its place in a mutant, if anything."""
    match node:
        case ast.Compare(left, [op, *ops], comparators) if type(op) in _OTHER:
            return ast.Compare(left, [_OTHER[type(op)](), *ops], comparators)
        case ast.BoolOp(op, values):
            return ast.BoolOp(_OTHER[type(op)](), values)
        case ast.BinOp(left, op, right) if type(op) in _OTHER:
            return ast.BinOp(left, _OTHER[type(op)](), right)
        case ast.UnaryOp(ast.Not(), operand):
            return operand
        case ast.Constant(bool(value)):
            return ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            return ast.Constant(value + 1)
        case ast.If(test, body, orelse) if not isinstance(test, ast.Compare):
            return ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test, body, orelse) if not isinstance(test, ast.Compare):
            return ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            return ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Expr(ast.Call() | ast.Await()) | ast.AugAssign() | ast.Delete():
            return ast.Pass()
        case ast.Continue():
            return ast.Break()
    return None


def _shown(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a tree."""

    def __init__(self, module: str, tree: ast.Module, file: Path) -> None:
        self._name, self._tree, self._file = f"doorstep.{module}", tree, file

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self._file, loader=self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._tree, str(self._file), "exec"), module.__dict__)


def _tried(module: str, tree: ast.Module, most: int) -> tuple[bool, float]:
    """Whether all tests pass with this tree, and what they took of a processor. A mutant that goes on and on, or waits for
    what never comes, is noticed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if (child := os.fork()) == 0:
        _live(module, tree, most)
    _, status = os.waitpid(child, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return status == 0, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _live(module: str, tree: ast.Module, most: int) -> None:
    """The life of a mutant, in its own process; never returns."""
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    signal.alarm(most * _IDLE)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    code = 3
    try:
        import pytest

        for name in [one for one in sys.modules if one.partition(".")[0].partition("_")[0] in ("doorstep", "tests")]:
            del sys.modules[name]  # whatever proves besides has imported the engine without any fault in it
        sys.meta_path.insert(0, _Instead(module, tree, _file(module)))
        importlib.import_module(f"doorstep.{module}")  # before pytest does, which would read the file
        quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
        quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # others were imported before: that is the point
        code = pytest.main([*quiet, *(str(ROOT / "tests" / name) for name in TESTS[module])])
    finally:
        os._exit(int(code))


def _file(module: str) -> Path:
    return ROOT / "engine" / "doorstep" / f"{module}.py"


def _explained(module: str) -> dict[str, str]:
    """Survivors that stand in the list, with the reason."""
    listed = tomllib.loads((Path(__file__).parent / "mutants.toml").read_text("utf-8"))
    return dict(listed.get(module, {}))


def survivors(module: str, most: int, seed: int, until: float = float("inf")) -> list[Mutant]:
    """Those of a module's mutants that no test notices and nobody explains: of `most`, by chance, and no later than `until`."""
    source = _file(module).read_text("utf-8")
    found, explained = mutants(source), _explained(module)
    passes, took = _tried(module, ast.parse(source), 600)
    if not passes:
        raise SystemExit(f"the tests of {module} fail without any fault in it")
    if strange := explained.keys() - {one.name for one in found}:
        raise SystemExit(f"mutants.toml explains what is no mutant of {module}: {sorted(strange)}")
    chosen = random.Random(seed).sample(found, min(most, len(found)))
    left, tried, known = [], 0, 0
    for one in chosen:
        if time.monotonic() > until:
            break
        if one.name in explained:
            known += 1
            continue
        tried += 1
        survived, _ = _tried(module, mutated(source, one), round(took * _ENOUGH) + 10)
        if survived:
            left.append(one)
            print(f"  ALIVE  {module}.py:{one.line} {one.name}", flush=True)
    print(f"{module}: {len(found)} mutants, {tried} tried, {known} explained, {len(left)} survived", flush=True)
    return left


def _prepare() -> None:
    """What every mutant needs of others, imported once."""
    for name in ("babel", "hypothesis", "msgspec", "pytest", "sqlalchemy", "starlette.testclient", "redis.asyncio"):
        importlib.import_module(name)


def survive(minutes: float, seed: int) -> bool:
    """Whether any does, of as many as fit into the time; every module has its share."""
    _prepare()
    share = minutes * 60 / len(TESTS)
    alive = [one for module in TESTS for one in survivors(module, sys.maxsize, seed, time.monotonic() + share)]
    return bool(alive)


if __name__ == "__main__":
    _prepare()
    name, *numbers = sys.argv[1:]
    most, seed = [*map(int, numbers), *(sys.maxsize, 1)[len(numbers) :]]
    sys.exit(bool(survivors(name, most, seed)))
