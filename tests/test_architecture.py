"""Who imports whom: downwards only and never in a circle, as the picture in docs/design.md says."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "engine" / "doorstep"
PLUGINS = sorted(folder for folder in ROOT.glob("plugins/*/*") if folder.is_dir() and folder.name != "__pycache__")
FACE = "__init__"


class Import(NamedTuple):
    """One import statement's target: the module's full name and the name taken from it ("" for the module itself)."""

    module: str
    name: str
    line: int


def imports(file: Path, package: str) -> Iterator[Import]:
    """Every import of a file, wherever it stands, with relative names resolved against the file's package."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (Import(module, alias.name, node.lineno) for alias in node.names)


def module_of(file: Path, root: Path) -> str:
    """The module of the picture a file belongs to: its own name, or its package's directly below the root."""
    return file.relative_to(root).parts[0].removesuffix(".py")


def edges(root: Path) -> dict[str, dict[str, str]]:
    """For each module of a package, those it imports, each with a place where it does."""
    # What `doorstep new` copies is a plugin, not a part of the engine.
    files = [
        file
        for file in sorted(root.rglob("*.py"))
        if not {"__pycache__", "carrier", "widget"} & set(file.relative_to(root).parts)
    ]
    names = {module_of(file, root) for file in files}
    graph: dict[str, dict[str, str]] = {name: {} for name in names}
    for file in files:
        own = module_of(file, root)
        package = ".".join([root.name, *file.parent.relative_to(root).parts])
        for one in imports(file, package):
            first, _, rest = one.module.partition(".")
            if first == root.name:
                target = rest.partition(".")[0] or (one.name if one.name in names else FACE)
                if target != own and one.name != "__version__":
                    graph[own].setdefault(target, f"{file.relative_to(root)}:{one.line}")
    return graph


def layers(text: str) -> dict[str, int]:
    """The picture: every module with its layer. A module drawn twice is an error."""
    block = re.search(r"```layers\n(.*?)```", text, re.DOTALL)
    assert block is not None, "docs/design.md has no block ```layers"
    drawn: dict[str, int] = {}
    for line in block[1].splitlines():
        number, _, names = line.partition(" ")
        for name in (one.strip() for one in names.split(",")):
            assert name not in drawn, f"{name} is drawn twice"
            drawn[name] = int(number)
    return drawn


def climbing(graph: dict[str, dict[str, str]], drawn: dict[str, int]) -> list[str]:
    """Imports that go upwards."""
    return [
        f"{place}: {own} (layer {drawn[own]}) imports {target} (layer {drawn[target]})"
        for own, targets in graph.items()
        for target, place in targets.items()
        if own != FACE and target != FACE and drawn[target] > drawn[own]
    ]


def circle(graph: dict[str, dict[str, str]]) -> list[str]:
    """The modules of a circle, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def graph() -> dict[str, dict[str, str]]:
    return edges(ENGINE)


@pytest.fixture(scope="module")
def drawn() -> dict[str, int]:
    return layers((ROOT / "docs" / "design.md").read_text("utf-8"))


def test_the_picture_shows_every_module_and_no_other(graph: dict[str, dict[str, str]], drawn: dict[str, int]) -> None:
    assert set(drawn) == set(graph) - {FACE}


def test_imports_go_downwards_or_stay_in_their_layer(graph: dict[str, dict[str, str]], drawn: dict[str, int]) -> None:
    assert climbing(graph, drawn) == []


def test_no_module_imports_itself_in_a_circle(graph: dict[str, dict[str, str]]) -> None:
    assert circle(graph) == []


def test_the_public_face_is_made_of_contracts_and_values(
    graph: dict[str, dict[str, str]], drawn: dict[str, int]
) -> None:
    higher = {name for name in graph[FACE] if drawn[name] > 0}
    assert higher == {"hookspecs"}, "a plugin that imports doorstep should not import a server"


def test_the_engine_does_not_import_its_own_face(graph: dict[str, dict[str, str]]) -> None:
    assert {own: targets[FACE] for own, targets in graph.items() if FACE in targets} == {}


def test_the_engine_imports_no_plugin() -> None:
    bundled = {folder.name for folder in PLUGINS}
    found = [
        f"{file}:{one.line}"
        for file in ENGINE.rglob("*.py")
        for one in imports(file, "doorstep")
        if one.module.partition(".")[0] in bundled
    ]
    assert found == []


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_imports_doorstep_and_nothing_deeper(folder: Path) -> None:
    deeper = [
        f"{file.name}:{one.line} {one.module}"
        for file in folder.rglob("*.py")
        for one in imports(file, ".".join([folder.name, *file.parent.relative_to(folder).parts]))
        if one.module.startswith("doorstep.") or (one.module.startswith("doorstep_") and not own(one.module, folder))
    ]
    assert deeper == []


def own(module: str, folder: Path) -> bool:
    return module.partition(".")[0] == folder.name


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_what_a_plugin_takes_from_doorstep_is_public(folder: Path) -> None:
    import doorstep

    taken = {
        one.name for file in folder.rglob("*.py") for one in imports(file, folder.name) if one.module == "doorstep"
    }
    assert taken <= {*doorstep.__all__, ""}


# The test of the test: what it must see.


@pytest.fixture
def tower(tmp_path: Path) -> Path:
    """A package of two modules and a package, which imports only downwards."""
    files = {
        "__init__.py": "from .base import x",
        "base.py": "import json",
        "top.py": "from . import base\nfrom .deep import inner",
        "deep/__init__.py": "from .inner import y",
        "deep/inner.py": "from ..base import x\n\n\ndef f():\n    import tower.base",
    }
    for name, text in files.items():
        (tmp_path / "tower" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tower" / name).write_text(text)
    return tmp_path / "tower"


HEIGHTS = layers("```layers\n2  top\n1  deep\n0  base\n```")


def test_a_tower_stands(tower: Path) -> None:
    graph = edges(tower)
    assert {own: set(targets) for own, targets in graph.items()} == {
        FACE: {"base"}, "base": set(), "top": {"base", "deep"}, "deep": {"base"},
    }  # fmt: skip
    assert (climbing(graph, HEIGHTS), circle(graph)) == ([], [])


@pytest.mark.parametrize(
    "line", ["from .top import z", "from . import top", "import tower.top", "def f():\n    from tower import top"]
)
def test_an_import_upwards_is_seen_with_its_place(tower: Path, line: str) -> None:
    (tower / "base.py").write_text(line)
    graph = edges(tower)
    assert climbing(graph, HEIGHTS) == [f"base.py:{line.count(chr(10)) + 1}: base (layer 0) imports top (layer 2)"]
    assert {"base", "top"} <= set(circle(graph))


def test_a_circle_within_one_layer_is_seen(tower: Path) -> None:
    (tower / "base.py").write_text("from .deep import inner")
    flat = dict.fromkeys(HEIGHTS, 0)
    assert climbing(edges(tower), flat) == []
    assert set(circle(edges(tower))) == {"base", "deep"}


def test_no_task_loses_a_cancellation_in_wait_for() -> None:
    """Before Python 3.12, `asyncio.wait_for` drops one that comes with the result: a loop around it then runs for ever."""
    assert [file.name for file in ENGINE.rglob("*.py") if "asyncio.wait_for(" in file.read_text("utf-8")] == []
