"""What the tests of several carriers share, and of which sample the fast gate makes damaged answers."""

import os
from pathlib import Path

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """An answer is damaged in hundreds of ways: of each carrier's samples, the largest is in the fast gate."""
    if isinstance(item, pytest.Function) and item.originalname == "test_damaged_answer_is_an_error_and_no_crash":
        largest = max(item.cls.contract_cases(item.originalname), key=lambda case: len(case.body))
        if item.callspec.params["case"] != largest:
            item.add_marker(pytest.mark.exhaustive)


@pytest.fixture
def specs() -> Path:
    """The carriers' published specifications and samples, which are no part of the project."""
    shared = os.environ.get("DOORSTEP_SHARED")
    if not shared:
        pytest.skip("DOORSTEP_SHARED does not name the folder that holds carriers/specs")
    return Path(shared) / "carriers" / "specs"
