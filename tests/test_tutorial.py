"""The carrier tutorial's first chapter, with real processes: it ends at the new carrier's page in the demo."""

import importlib
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"


def test_from_an_empty_folder_to_the_page_in_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    tutorial = importlib.import_module("tutorial")
    try:
        rows = tutorial.walk(tmp_path)
    finally:
        del sys.modules["tutorial"]
    assert [row["name"] for row in rows] == [*(f"tutorial: {command}" for command in tutorial.chapter()), "tutorial"]
    assert tutorial.chapter()[0] == 'doorstep new carrier "Acme" --shop'
    assert tutorial.chapter()[-1] == "doorstep demo"
