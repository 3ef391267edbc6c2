"""What tests of several modules share."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from doorstep.packages import Package

from .clock import FakeClock
from .databases import database, database_url, empty_url, new_postgresql, new_sqlite
from .erp import Shop, selling
from .gates import GATES, sorted_out
from .once import read_once
from .plugging import forget, writer

__all__ = ["database", "database_url", "empty_url", "new_postgresql", "new_sqlite"]  # fixtures of every module

read_once()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--gate", choices=list(GATES), default="fast", help="; ".join(f"{k}: {v}" for k, v in GATES.items())
    )


def pytest_configure(config: pytest.Config) -> None:
    """What Hypothesis thinks of is the same each time, so that no change is refused for what it did not do; with a seed it
    thinks of something else, as `./dev prove` has it. Examples may be slow on a busy machine: time is no proof here."""
    explores = config.getoption("--hypothesis-seed") is not None
    settings.register_profile("doorstep", deadline=None, derandomize=not explores)
    settings.load_profile("doorstep")


def pytest_report_header(config: pytest.Config) -> str:
    gate = config.getoption("--gate")
    return f"gate: {gate} ({GATES[gate]})"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is exhaustive as a whole is not even read in the fast gate: its cases may take long to think of."""
    return (config.getoption("--gate") == "fast" and collection_path.stem.endswith("_exhaustive")) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=sorted_out(items, config.getoption("--gate")))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def running(tmp_path: Path, database_url: str, clock: FakeClock) -> Iterator[Shop]:
    """A shop on this test's own database; once for each kind."""
    with selling(tmp_path, database_url, clock) as running:
        yield running


@pytest.fixture
def erp(tmp_path: Path, new_sqlite: Any, clock: FakeClock) -> Iterator[Shop]:
    """A shop, where the kind of the database makes no difference."""
    with selling(tmp_path, new_sqlite(tmp_path / "shop.db"), clock) as erp:
        yield erp


@pytest.fixture(autouse=True)
def import_path() -> Iterator[None]:
    """A test leaves the import path as it was: the engine puts a shop's own folder of plugins there for good, and others have
    plugins of the same names."""
    before = list(sys.path)
    yield
    for place in set(sys.path) - set(before):
        forget(Path(place))
    sys.path[:] = before


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Package]:
    """`plugin("doorstep_acme", {"__init__.py": "…", "carrier.toml": "…"})` writes an importable package and names it."""
    return writer(tmp_path, monkeypatch)
