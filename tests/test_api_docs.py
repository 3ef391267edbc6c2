"""The examples of the API's pages, as they stand there, by curl and by JavaScript, against a running shop."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright._impl._driver import compute_driver_executable

from doorstep.app import assemble
from doorstep.config import Config
from doorstep.engine import create_engine
from doorstep.keys import SCOPES, Keys
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts
from doorstep.secret import Secret
from doorstep.testing import serve

from .clock import FakeClock
from .shopfront import SHOP, carriers

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLE = re.compile(r"^```(sh|js)\n(.*?)^```\n\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# On a machine without curl: as much of it as the examples use.
CURL = 'curl() { "%s" "%s" "$@"; }\n' % (sys.executable, Path(__file__).with_name("curl.py"))  # noqa: UP031
CODES = {
    "offer": {"text": "10 % off", "pool": "autumn", "days": 60},
    "referral": {"link": "https://harbour-and-pine.example/friends", "prefix": "F-"},
}  # of codes.md
NODE = compute_driver_executable()[0]  # playwright brings its own


@pytest.fixture
def around(tmp_path: Path, clock: FakeClock) -> Iterator[dict[str, str]]:
    """The environment of the examples: `SHOP` listens, `KEY` opens everything."""
    with carriers() as (sandbox, delivering):
        config = Config(
            stores={"main": msgspec.structs.replace(SHOP, widgets={**SHOP.widgets, **CODES})},
            secret_key=(Secret("0123456789abcdef0123456789abcdef"),),
            carriers=sandbox_accounts(sandbox, delivering.url),
            base=tmp_path,
        )
        engine = create_engine(config, clock=clock, packages=installed())
        with serve(assemble(engine)) as shop:
            with engine.database.writing() as connection:
                _, key = Keys(clock=clock).new(connection, "main", "examples", SCOPES)
            yield {**os.environ, "SHOP": shop.url, "KEY": key.reveal()}


def by_curl(text: str, folder: Path) -> list[str]:
    return ["sh", "-ec", text if shutil.which("curl") else CURL + text]


def by_node(text: str, folder: Path) -> list[str]:
    file = folder / "example.mjs"
    file.write_text(text, "utf-8")
    return [str(NODE), str(file)]


RUNNERS: dict[str, Callable[[str, Path], list[str]]] = {"sh": by_curl, "js": by_node}


def differing(shown: Any, given: Any, place: str = "$") -> list[str]:
    """Where the answer is not as shown; what is not shown may be anything, but for the length of a list."""
    if isinstance(shown, dict) and isinstance(given, dict):
        return [
            difference
            for name, value in shown.items()
            for difference in (
                differing(value, given[name], f"{place}.{name}") if name in given else [f"{place}.{name} is missing"]
            )
        ]
    if isinstance(shown, list) and isinstance(given, list) and len(shown) == len(given):
        pairs = enumerate(zip(shown, given, strict=True))
        return [one for n, (left, right) in pairs for one in differing(left, right, f"{place}[{n}]")]
    return [] if shown == given else [f"{place}: shown {shown!r}, given {given!r}"]


@pytest.mark.parametrize("page", ["api.md", "orders.md", "codes.md", "connect-tutorial.md"])
def test_examples_are_answered_as_shown(page: str, around: dict[str, str], tmp_path: Path) -> None:
    text = (DOCS / page).read_text("utf-8")
    examples = EXAMPLE.findall(text)
    assert len(examples) == len(re.findall(r"^```(?:sh|js)$", text, re.MULTILINE)), "an example without its answer"
    for language, code, shown in examples:
        command = RUNNERS[language](code, tmp_path)
        done = subprocess.run(command, env=around, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert differing(json.loads(shown), json.loads(done.stdout)) == [], code


def test_an_answer_that_is_not_as_shown_is_found() -> None:
    given = {"a": [{"b": 1, "c": 2}], "d": None}
    assert differing({"a": [{"b": 1}], "d": None}, given) == []
    assert differing({"a": [{"b": 2}]}, given) == ["$.a[0].b: shown 2, given 1"]
    assert differing({"a": []}, given) == ["$.a: shown [], given [{'b': 1, 'c': 2}]"]
    assert differing({"e": None}, given) == ["$.e is missing"]
