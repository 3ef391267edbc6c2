"""Two gates: the fast one has of everything what is characteristic; `./dev prove tests` has the rest, marked exhaustive."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product
from typing import Any, TypeVar
from zlib import crc32

import pytest

from .databases import KINDS

T = TypeVar("T", bound=tuple[Any, ...])
GATES = {
    "fast": "--gate all adds what is exhaustive",
    "rest": "what is exhaustive, and nothing else",
    "all": "everything",
}
DATABASES = ("database_url", "empty_url")  # what a test asks for that is there for each kind


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


def some(values: Iterable[Any], every: int) -> list[Any]:
    """All values as parameters of a test. The fast gate has every so manyeth of them."""
    return [
        pytest.param(value, marks=pytest.mark.exhaustive if nth % every else ()) for nth, value in enumerate(values)
    ]


def sorted_out(items: list[pytest.Item], gate: str) -> Sequence[pytest.Item]:
    """Takes out of the list, and gives back, what this gate does not run."""
    wanted = {"fast": (False,), "rest": (True,), "all": (False, True)}[gate]
    is_in = {item: _is_exhaustive(item) in wanted for item in items}
    items[:] = [item for item, wanted in is_in.items() if wanted]
    return [item for item, wanted in is_in.items() if not wanted]


def _is_exhaustive(item: pytest.Item) -> bool:
    """So marked; or a test that is there for each kind of database, on the kind that it does not have in the fast gate: half of
    the tests have one there, half the other."""
    if item.get_closest_marker("exhaustive") is not None:
        return True
    values = getattr(item, "callspec", None)
    kind = values and next((values.params[one] for one in DATABASES if one in values.params), None)
    return kind in KINDS and kind != KINDS[crc32(item.nodeid.partition("[")[0].encode()) % len(KINDS)]
