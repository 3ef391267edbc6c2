"""Two gates: the fast one has of everything what is characteristic; `./dev prove tests` has the rest, marked exhaustive."""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import combinations, product
from pickle import dumps, loads
from typing import Any, TypeVar

import pytest

T = TypeVar("T", bound=tuple[Any, ...])
GATES = {
    "fast": "--gate all adds what is exhaustive",
    "rest": "what is exhaustive, and nothing else",
    "all": "everything",
}
_parse = tomllib.loads


def telling(cases: Iterable[T], *keys: Callable[[T], Any], id: Callable[[T], str] = str) -> list[Any]:
    """All cases as parameters of a test. In the fast gate are those that show something new under one of the keys."""
    seen: set[tuple[int, Any]] = set()
    parameters = []
    for case in cases:
        shown = {(at, key(case)) for at, key in enumerate(keys)}
        parameters.append(pytest.param(*case, id=id(case), marks=pytest.mark.exhaustive if shown <= seen else ()))
        seen |= shown
    return parameters


def pairwise(*axes: Iterable[Any]) -> list[Any]:
    """Every combination of these values as parameters. In the fast gate are so many that any two values of two axes meet."""
    cases = list(product(*axes))
    pairs = {case: set(combinations(enumerate(case), 2)) for case in cases}
    left = set().union(*pairs.values())
    fast = set()
    while left:
        fast.add(case := max(cases, key=lambda case: len(pairs[case] & left)))
        left -= pairs[case]
    return [pytest.param(*case, marks=() if case in fast else pytest.mark.exhaustive) for case in cases]


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
    """`tomllib.loads`: every shop that a test opens reads the files of all plugins, and here each text is parsed once."""
    return _parse(text, **more) if more else loads(_parsed(text))
