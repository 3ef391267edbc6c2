"""Two gates: the fast one has of everything what is characteristic; `./dev prove tests` runs the rest, which is marked exhaustive."""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pickle import dumps, loads
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
GATES = {
    "fast": "--gate all adds what is exhaustive",
    "rest": "what is exhaustive, and nothing else",
    "all": "everything",
}
_parse = tomllib.loads


def telling(cases: Iterable[T], *keys: Callable[[T], Any], id: Callable[[T], str] = str) -> list[Any]:
    """All cases as parameters of a test. In the fast gate are those that show something new under one of the keys."""
    seen: list[set[Any]] = [set() for _ in keys]
    parameters = []
    for case in cases:
        shown = [key(case) for key in keys]
        new = any(one not in before for one, before in zip(shown, seen, strict=True))
        for one, before in zip(shown, seen, strict=True):
            before.add(one)
        parameters.append(pytest.param(case, id=id(case), marks=() if new else pytest.mark.exhaustive))
    return parameters


def sorted_out(items: list[pytest.Item], gate: str) -> Sequence[pytest.Item]:
    """Takes out of the list, and gives back, what this gate does not run."""
    wanted = {"fast": (False,), "rest": (True,), "all": (False, True)}[gate]
    is_in = {item: (item.get_closest_marker("exhaustive") is not None) in wanted for item in items}
    items[:] = [item for item, wanted in is_in.items() if wanted]
    return [item for item, wanted in is_in.items() if not wanted]


@cache
def _parsed(text: str) -> bytes:
    return dumps(_parse(text))


def parse_toml(text: str, /, **more: Any) -> dict[str, Any]:
    """`tomllib.loads`, which reads the files of all plugins again for every shop that a test opens: each text is parsed once."""
    return _parse(text, **more) if more else loads(_parsed(text))
