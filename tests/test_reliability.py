"""Every fault that is promised about has a test with real servers, and what the docs say of it is what the tests say."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


def _proofs() -> Any:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return importlib.import_module("proofs")
    finally:
        sys.path.remove(str(ROOT / "docs"))


proofs = _proofs()
ROWS = {number: row for part in proofs.read_rows().parts.values() for number, row in part.items()}


def test_every_fault_has_its_number_and_no_number_is_left_out() -> None:
    assert list(ROWS) == list(range(1, 45))


@pytest.mark.parametrize("number", ROWS)
def test_every_fault_is_proved_with_real_servers(number: int) -> None:
    assert any(one.at_home for one in proofs.read_proofs()[number])


def test_no_test_proves_a_fault_that_nobody_wrote_down() -> None:
    assert proofs.read_proofs().keys() == ROWS.keys()


def test_every_promise_is_put_to_the_test_and_no_other() -> None:
    assert {promise for row in ROWS.values() for promise in row.promises} == set(proofs.read_rows().promises)


def test_a_mark_is_read_wherever_it_stands() -> None:
    source = (
        "@pytest.mark.anyio\n@pytest.mark.fault(7, 9)\nasync def test_a(): ...\n"
        "@pytest.mark.fault(8)\n@pytest.mark.parametrize('x', [1])\ndef test_b(): ...\n"
        "@pytest.mark.slow(1)\ndef test_c(): ...\n"
    )
    assert list(proofs.marked(source)) == [(7, "test_a"), (9, "test_a"), (8, "test_b")]
