"""What tests of several modules share."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from doorstep.packages import Package

from .clock import FakeClock

# Examples may be slow on a busy machine: time is no proof of anything here.
settings.register_profile("doorstep", deadline=None)
settings.load_profile("doorstep")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Package]:
    """`plugin("doorstep_acme", {"__init__.py": "…", "carrier.toml": "…"})` writes an importable package and names it."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def write(module: str, files: dict[str, str], **fields: Any) -> Package:
        for name, text in files.items():
            file = site / module / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        importlib.invalidate_caches()
        named = {"name": module.removeprefix("doorstep_"), "distribution": module.replace("_", "-"), "version": "1.0"}
        return Package(module=module, **{**named, **fields})

    return write
