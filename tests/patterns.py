"""Every regular expression of engine and plugins, with texts that make a bad one backtrack, made of its own parse tree."""

import ast
import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

import doorstep
from doorstep.packages import installed

UNBOUNDED = 64  # so often repeated is as good as without end
PROBES = [*map(chr, range(128)), "é", "ß", "中", "\u00a0", "\u2028", "٣"]
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
_CALL = re.compile(r"\bre\.[a-z]+\(r?[\"']")
_CALLS = {"match", "search", "fullmatch", "sub", "split", "findall", "finditer"}


def modules() -> Iterator[ModuleType]:
    """Those of the engine and of every bundled plugin, but for migrations, which run alone."""
    packages = [doorstep, *(importlib.import_module(one.module) for one in installed())]
    for package in packages:
        yield package
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in one.name and not one.name.endswith("__main__"):
                yield importlib.import_module(one.name)


class Found(NamedTuple):
    """A pattern, and whether a text is searched for it: one that begins at the text's start alone takes less time."""

    pattern: str
    flags: int
    searched: bool = True


def every() -> dict[str, Found]:
    """Patterns by where they stand."""
    found: dict[str, Found] = {}
    for module in modules():
        for name, value in vars(module).items():
            for nth, one in enumerate(_patterns(value)):
                found[f"{module.__name__}.{name}[{nth}]"] = Found(one.pattern, one.flags, _is_searched(module, name))
            if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__:
                for field, pattern in _of_struct(value):
                    found[f"{module.__name__}.{name}.{field}"] = Found(pattern, 0)
        found |= {f"{module.__name__}:{line}": one for line, one in _written(module)}
    for package in installed():
        for manifest in package.manifests() if package.has_carrier else ():
            for nth, form in enumerate(manifest.formats):
                found[f"{manifest.slug}/carrier.toml[{nth}]"] = Found(form.pattern, 0, searched=False)
    return {where: one for where, one in found.items() if isinstance(one.pattern, str)}


def _patterns(value: Any, depth: int = 0) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict) and depth < 3:
        for one in (*value.keys(), *value.values()):
            yield from _patterns(one, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset) and depth < 3:
        for one in value:
            yield from _patterns(one, depth + 1)


def _of_struct(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """What msgspec checks of its texts."""
    try:
        info = msgspec.inspect.type_info(kind)
    except (NameError, TypeError):  # a name that a type checker alone knows
        return
    for field in getattr(info, "fields", ()):
        for one in (field.type, *getattr(field.type, "types", ()), getattr(field.type, "item_type", None)):
            if pattern := getattr(one, "pattern", None):
                yield field.name, pattern


def _is_searched(module: ModuleType, name: str) -> bool:
    """Unless its module uses it by name, and never but from a text's start."""
    used = set(re.findall(rf"\b{name}\.([a-z]+)\(", inspect.getsource(module))) if module.__file__ else set()
    return not used or not used <= {"match", "fullmatch"}


def _written(module: ModuleType) -> Iterator[tuple[int, Found]]:
    """Patterns that stand in a call: re.sub("…", …). Those of re.compile are found by their names."""
    if not module.__file__:  # a folder of files that are no code
        return
    source = inspect.getsource(module)
    if not _CALL.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _CALLS
            and node.args
        ):
            first = node.args[0]
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and isinstance(first, ast.Constant):
                yield node.lineno, Found(first.value, 0, node.func.attr not in ("match", "fullmatch"))


def parsed(pattern: str, flags: int = 0) -> Any:
    return parser.parse(pattern, flags & ~re.DEBUG)


def takes(node: Any, char: str) -> bool:
    """Whether a node that stands for one character takes this one."""
    kind, value = node
    if kind is codes.LITERAL:
        return ord(char) == value
    if kind is codes.NOT_LITERAL:
        return ord(char) != value
    if kind is codes.ANY:
        return char != "\n"
    if kind is not codes.IN:
        return False
    listed = [one for one in value if one[0] is not codes.NEGATE]
    return any(_is_in(one, char) for one in listed) is (len(listed) == len(value))


def _is_in(member: Any, char: str) -> bool:
    kind, value = member
    if kind is codes.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if kind is codes.CATEGORY:
        name = str(value).rpartition("_")[2].lower()
        found = {"digit": char.isdigit(), "space": char.isspace(), "word": char.isalnum() or char == "_"}[name]
        return found is not ("_NOT_" in str(value))
    return takes(member, char)


def children(node: Any) -> list[Any]:
    """The sequences inside a node."""
    kind, value = node
    if kind in _REPEATS or kind is getattr(codes, "POSSESSIVE_REPEAT", None):
        return [value[2]]
    if kind is codes.SUBPATTERN:
        return [value[3]]
    if kind is codes.BRANCH:
        return [*value[1]]
    if kind in (codes.ASSERT, codes.ASSERT_NOT):
        return [value[1]]
    return []


def repeats(sequence: Any) -> Iterator[Any]:
    """Every node that backtracks and repeats without end, wherever it stands."""
    for node in sequence:
        if node[0] in _REPEATS and node[1][1] >= UNBOUNDED:
            yield node
        for inner in children(node):
            yield from repeats(inner)


def letters(sequence: Any) -> set[str]:
    """The probes that something in a sequence takes."""
    found: set[str] = set()
    for node in sequence:
        inner = children(node)
        found |= {char for char in PROBES if takes(node, char)}
        for one in inner:
            found |= letters(one)
    return found


def nested(sequence: Any) -> list[Any]:
    """Repeats of repeats, with nothing between that tells where one of them ends: these take exponential time."""
    return [
        outer for outer in repeats(sequence)
        if any(not _is_parted(outer[1][2], letters(inner[1][2])) for inner in repeats(outer[1][2]))
    ]  # fmt: skip


def _is_parted(body: Any, repeated: set[str]) -> bool:
    """Whether each round has a character that the inner repeat cannot take."""
    for node in body:
        kind, value = node
        if kind is codes.SUBPATTERN and _is_parted(value[3], repeated):
            return True
        if kind is codes.BRANCH and all(_is_parted(one, repeated) for one in value[1]):
            return True
        if kind in _REPEATS and value[0] > 0 and not (own := letters(value[2])) & repeated and own:
            return True
        own = set() if children(node) else {char for char in PROBES if takes(node, char)}
        if own and not own & repeated:
            return True
    return False


def sample(sequence: Any, *, times: int = 1) -> str:
    """A text that a sequence takes, its repeats so often."""
    text = ""
    for node in sequence:
        kind, value = node
        if kind in _REPEATS:
            text += sample(value[2]) * max(value[0], min(times, value[1]))
        elif kind is codes.BRANCH:
            text += sample(value[1][0])
        elif kind is codes.SUBPATTERN:
            text += sample(value[3])
        elif not children(node):
            text += next((char for char in ["a", "0", *PROBES] if takes(node, char)), "")
    return text


def attacks(sequence: Any) -> Iterator[tuple[str, str, str]]:
    """What stands before, what is repeated, and what no end of the pattern takes: for every repeat in it."""
    before = sample(sequence)
    seen: set[str] = set()
    for node in repeats(sequence):
        unit = sample(node[1][2])
        shared = [char for char in "a0 ." if takes_any(node[1][2], char)]
        for one in dict.fromkeys([unit, *shared, unit + unit[:1]]):
            if one and one not in seen and len(seen) < 12:
                seen.add(one)
                yield from (("", one, "\x00"), (before, one, "\x00"), ("", one, ""), (before[:1], one, "\n!"))


def takes_any(sequence: Any, char: str) -> bool:
    return char in letters(sequence)


_LENGTHS = (
    *range(4, 32, 2),
    *(32 << n for n in range(8)),
)  # near each other where an exponential one begins to take long


def growth(one: Found, attack: tuple[str, str, str]) -> float:
    """How many times longer twice as long a text takes, at the longest that is worth measuring: 2 is linear, 4 quadratic."""
    compiled, ratio = re.compile(one.pattern, one.flags & ~re.DEBUG), 1.0
    head, unit, tail = attack
    took: dict[int, float] = {}
    for length in _LENGTHS:
        text = head + unit * length + tail
        took[length] = min(islice(_timed(compiled.search if one.searched else compiled.fullmatch, text), 2))
        before = took.get(length // 2, 0)
        if before > 5e-5:  # what is shorter is noise
            ratio = took[length] / before
        if took[length] > 0.01:
            return ratio if before > 5e-5 else took[length] / 5e-5
    return ratio


def _timed(look: Callable[[str], Any], text: str) -> Iterator[float]:
    while True:
        began = time.process_time()
        look(text)
        yield time.process_time() - began
