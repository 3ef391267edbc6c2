"""The loop's lateness is counted, and who held it is named: a plugin, a module of the engine, or nobody of ours."""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from doorstep import checksums
from doorstep.loop_watch import NOBODY, LoopWatch, _Watcher, homes_of
from doorstep.metrics import Metrics
from doorstep.packages import Package

from .servers import until
from .shopfront import DELIVERED, carriers, shop, store

pytestmark = pytest.mark.anyio
LIMIT = 0.02


def times(metrics: Metrics, by: str) -> float:
    return metrics.registry.get_sample_value("doorstep_loop_held_total", {"by": by}) or 0


class Held:
    """Holds whoever calls it until the watch has named `by` once more, so that no time proves anything."""

    def __init__(self, metrics: Metrics, by: str) -> None:
        self._metrics = metrics
        self._by = by
        self._before = times(metrics, by)

    def __call__(self) -> None:
        ends = time.monotonic() + 30
        while times(self._metrics, self._by) == self._before:
            assert time.monotonic() < ends, f"{self._by} was never named"
            time.sleep(0.01)


def weights(held: Held) -> tuple[int, ...]:
    """Those of a check digit; who reads them is held."""

    class Weights(tuple[int, ...]):
        def __iter__(self) -> Iterator[int]:
            held()
            return super().__iter__()

    return Weights((3, 1))


def watchers() -> set[threading.Thread]:
    """The watching threads; there may be others of servers that other tests share."""
    return {one for one in threading.enumerate() if one.name == "doorstep-loop-watch"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def watch(metrics: Metrics) -> LoopWatch:
    return LoopWatch(metrics, {}, limit=LIMIT)


@pytest.mark.fault(25)
async def test_a_module_of_the_engine_that_holds_the_loop_is_named(metrics: Metrics, watch: LoopWatch) -> None:
    held = Held(metrics, "doorstep.checksums")

    with capture_logs() as logs, watch.watching():
        assert checksums.mod10("12", weights(held)) == "5"  # 3 + 2, and 5 more make ten
    assert times(metrics, "doorstep.checksums") == 1
    (entry,) = logs
    assert (entry["event"], entry["by"]) == ("the loop was held", "doorstep.checksums")
    assert entry["line"].startswith("doorstep/checksums.py:")
    assert entry["seconds"] >= LIMIT


CALLING = """
from doorstep.checksums import mod10

def work(weights):
    mod10("12", weights)
"""


async def test_a_plugin_is_named_also_where_it_calls_the_engine(
    metrics: Metrics, plugin: Callable[..., Package]
) -> None:
    package = plugin("doorstep_slow_parcels", {"__init__.py": CALLING})
    held = Held(metrics, "plugin slow_parcels")
    with LoopWatch(metrics, homes_of([package]), limit=LIMIT).watching():
        import_module(package.module).work(weights(held))
    assert times(metrics, "plugin slow_parcels") == 1


async def test_who_is_none_of_ours_is_not_named(metrics: Metrics, watch: LoopWatch) -> None:
    with capture_logs() as logs, watch.watching():
        Held(metrics, NOBODY)()
    assert [entry["by"] for entry in logs] == [NOBODY]


async def test_every_time_counts_and_one_line_a_minute_is_written(metrics: Metrics, watch: LoopWatch) -> None:
    with capture_logs() as logs, watch.watching():
        for _ in range(3):
            Held(metrics, NOBODY)()
            await asyncio.sleep(0)
    assert (times(metrics, NOBODY), len(logs)) == (3, 1)


async def test_how_late_the_loop_is_is_counted_also_when_nobody_holds_it(metrics: Metrics, watch: LoopWatch) -> None:
    def seen() -> float:
        return metrics.registry.get_sample_value("doorstep_loop_lag_seconds_count") or 0

    with watch.watching():
        await until(lambda: seen() >= 5)
    assert metrics.registry.get_sample_value("doorstep_loop_lag_seconds_sum") is not None


async def test_the_thread_ends_with_the_watch(watch: LoopWatch) -> None:
    before = watchers()
    with watch.watching():
        assert len(watchers() - before) == 1
    assert watchers() - before == set()


def test_a_loop_that_was_closed_under_it_ends_the_watch(watch: LoopWatch) -> None:
    loop = asyncio.new_event_loop()
    before = watchers()

    async def begin() -> Any:
        watching = watch.watching()
        watching.__enter__()
        return watching

    watching = loop.run_until_complete(begin())
    loop.close()
    (thread,) = watchers() - before
    thread.join(30)
    assert not thread.is_alive()
    watching.__exit__(None, None, None)


def test_what_runs_the_loop_is_not_its_holder(watch: LoopWatch) -> None:
    assert watch.culprit(None).name == NOBODY
    assert watch.culprit(sys._getframe()).name == NOBODY


WIDGET = """
from msgspec import Struct
from doorstep import Widget, hookimpl

class Context(Struct):
    text: object

class Slow(Widget):
    name = "slow"
    hold = None

    def __str__(self):
        Slow.hold()
        return "shown at last"

    def context(self, view):
        return Context(self)

@hookimpl
def register_widgets(register):
    register(Slow)
"""


@pytest.mark.fault(25)
def test_a_widget_that_holds_the_loop_of_a_shop_is_named(tmp_path: Path, plugin: Callable[..., Package]) -> None:
    package = plugin("doorstep_slow_widget", {"__init__.py": WIDGET, "templates/widgets/slow.html": "{{ text }}"})
    with (
        carriers() as (sandbox, served),
        shop(tmp_path, sandbox, served.url, more=(package,), stores={"main": store(widgets={"slow": {}})}) as front,
    ):
        Slow = import_module(package.module).Slow
        Slow.hold = staticmethod(Held(front.engine.metrics, "plugin slow_widget"))
        assert front.get(f"/track/{DELIVERED}").status_code == 200
        assert 'doorstep_loop_held_total{by="plugin slow_widget"}' in front.get("/metrics").text


def test_nothing_is_collected_while_the_frames_of_all_threads_are_looked_at(monkeypatch):
    """Which stops all threads for good before Python 3.11.5, where what is called for it lets another thread go on."""
    seen = []
    monkeypatch.setattr(sys, "_current_frames", lambda: seen.append(gc.isenabled()) or {})
    watcher = _Watcher(None, None, 1.0)
    assert watcher._at_work() is None
    assert (seen, gc.isenabled()) == ([False], True)
