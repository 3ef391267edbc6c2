"""Every parser keeps its promises for the whole corpus of the fuzzer, which holds what once broke one."""

from pathlib import Path

import pytest

from .prove.fuzzing import CORPUS
from .prove.parsers import TARGETS


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*/*")), ids=lambda file: f"{file.parent.name}-{file.name[:40]}")
def test_a_parser_keeps_its_promise_for_what_the_fuzzer_keeps(file: Path) -> None:
    TARGETS[file.parent.name](file.read_bytes())


def test_every_parser_has_a_corpus() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == TARGETS.keys()
