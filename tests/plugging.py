"""Packages of plugins that a test writes itself, on the path as if they were installed."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doorstep.packages import Package


def writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Package]:
    """What writes packages into a folder, and names them; they are gone from the path with `monkeypatch`."""
    site = folder / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def write(module: str, files: dict[str, str], **fields: Any) -> Package:
        for name, text in files.items():
            file = site / module / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        importlib.invalidate_caches()
        for name in [one for one in sys.modules if one == module or one.startswith(f"{module}.")]:
            del sys.modules[name]  # of that name, by another test
        named = {"name": module.removeprefix("doorstep_"), "distribution": module.replace("_", "-"), "version": "1.0"}
        return Package(module=module, **{**named, **fields})

    return write


def forget(folder: Path) -> None:
    """What was imported from below a folder can be written anew."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
