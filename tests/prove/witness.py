"""Judges a soak: what every page showed, what the carrier was asked and what the database kept, against what was promised."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import linear_regression
from typing import TypeVar

from msgspec import Struct

from doorstep.invalidation import TRUST
from doorstep.models import Status
from doorstep.shelf_life import ShelfLife

from .neighbours import STATUSES
from .weather import Call

_LIFE = ShelfLife()  # an answer is fresh for so long at least; its jitter only adds to it
_PAUSE = 5.0  # seconds in which nobody asks again, after a question that failed
_SLACK = 0.5  # seconds between what was done and when a busy machine wrote it down
_FOUND, _ASKING, _NOT_NOW = 200, 202, 503

K = TypeVar("K")
V = TypeVar("V")
WasWell = Callable[[float, float], bool]


class Seen(Struct, frozen=True):
    """A page as one shopper got it: of which process and number, when asked and when it was there, its HTTP status and the
    stage it shows (-1: none); how far the machine lagged meanwhile."""

    worker: int
    number: str
    asked: float
    came: float
    status: int
    stage: int = -1
    lag: float = 0.0

    @property
    def waited(self) -> float:
        return max(0.0, self.came - self.asked - self.lag)


def late(pages: Iterable[Seen], longest: float) -> list[str]:
    """Promise 1: a page answers within its deadline, whatever carriers and Valkey do."""
    return [f"a page took {one.waited:.2f} s" for one in pages if one.waited > longest]


def failed(pages: Iterable[Seen]) -> list[str]:
    """A page is found, or asks, or says that the carrier does not answer; nothing else."""
    return [f"a page answered {one.status}" for one in pages if one.status not in (_FOUND, _ASKING, _NOT_NOW)]


def forgotten(pages: Sequence[Seen]) -> list[str]:
    """Promise 2: what a process has shown once it goes on showing, whoever is down."""
    known: dict[tuple[int, str], float] = {}
    for one in sorted(pages, key=lambda page: page.came):
        if one.status == _FOUND:
            known.setdefault((one.worker, one.number), one.came)
    return [
        f"{one.number} was known and answered {one.status}"
        for one in pages
        if one.status != _FOUND and one.asked > known.get((one.worker, one.number), float("inf"))
    ]


def backwards(pages: Sequence[Seen]) -> list[str]:
    """No reader is shown something older after something newer: of pages that one process gave one after the other."""
    problems = []
    for shown in _by(pages, lambda page: (page.worker, page.number)).values():
        newest: list[tuple[float, int]] = sorted((one.came, one.stage) for one in shown)
        for one in shown:
            before = max((stage for came, stage in newest if came < one.asked), default=-1)
            if one.status == _FOUND and one.stage < before:
                problems.append(f"{one.number} went back from {STATUSES[before]} to {STATUSES[one.stage]}")
    return problems


def behind(pages: Sequence[Seen], calls: Sequence[Call], was_well: WasWell) -> tuple[int, list[str]]:
    """What the carrier told any process is on all their pages soon after, where Valkey was well since: how many pages were
    compared, and those that were behind."""
    told = _by((call for call in calls if call.stage >= 0), lambda call: call.number)
    compared, problems = 0, []
    for one in pages:
        heard = [
            call.stage
            for call in told.get(one.number, [])
            if call.ended + TRUST + 3 < one.asked and was_well(call.asked - 1, one.came)
        ]
        compared += bool(heard)
        if heard and (one.status != _FOUND or one.stage < max(heard)):
            problems.append(
                f"{one.number}: {one.status}, stage {one.stage}, long after {STATUSES[max(heard)]} was told"
            )
    return compared, problems


def asked_too_often(calls: Sequence[Call], speed: float, was_well: WasWell) -> list[str]:
    """Promise 5: one question a parcel and freshness, among all processes while Valkey answers, else each for itself."""
    problems = []
    for number, asked in _by(calls, lambda call: call.number).items():
        of_all = sorted(asked, key=lambda call: call.asked)
        lanes = [[call for call in of_all if call.worker == worker] for worker in {call.worker for call in of_all}]
        for lane in lanes:
            found = _too_soon(lane, of_all, speed, was_well, alone=True)
            problems += [f"{number} was asked for again {why}" for why in found]
        found = _too_soon(of_all, of_all, speed, was_well, alone=False)
        problems += [f"{number} was asked for by all again {why}" for why in found]
    return problems


def _too_soon(
    calls: Sequence[Call], of_all: Sequence[Call], speed: float, was_well: WasWell, *, alone: bool
) -> Iterable[str]:
    """Questions in order of time that came while there was an answer; of failures one may be repeated at once. `alone`: of
    one process, which has no excuse."""
    for nth, (before, call) in enumerate(pairwise(calls)):
        if not (alone or was_well(before.asked, call.asked)):
            continue
        if before.stage >= 0:
            if call.asked < _fresh_until(before, call, of_all, speed, was_well) - _SLACK:
                yield f"{call.asked - before.ended:.1f} s after it was {STATUSES[before.stage]}"
        elif nth and calls[nth - 1].stage < 0 and (alone or was_well(calls[nth - 1].asked, call.asked)):
            since = call.asked - calls[nth - 1].asked
            if since < _PAUSE - _SLACK:
                yield f"though it had failed twice in {since:.1f} s"


def _fresh_until(before: Call, call: Call, of_all: Sequence[Call], speed: float, was_well: WasWell) -> float:
    """When the answer grew stale that the process had: what it was told or, where Valkey was lost and others asked for
    themselves, what one of them was told about then and it has read since."""
    ends = [before.ended + _fresh(before, speed)]
    for other in of_all:
        if other.stage < 0 or other.worker == before.worker or was_well(min(before.asked, other.asked), call.asked):
            continue
        if before.ended - _fresh(other, speed) < other.ended <= call.asked:
            ends.append(other.ended + _fresh(other, speed))
    return min(ends)


def _fresh(call: Call, speed: float) -> float:
    """Seconds that what was told is fresh."""
    return _LIFE.of(Status(STATUSES[call.stage])) / speed


def growth(sizes: Sequence[tuple[float, int]]) -> float:
    """Bytes a minute, of memory as it was at these times."""
    slope, _ = linear_regression([at for at, _ in sizes], [size for _, size in sizes])
    return slope * 60


def _by(values: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    grouped: dict[K, list[V]] = defaultdict(list)
    for value in values:
        grouped[key(value)].append(value)
    return grouped
