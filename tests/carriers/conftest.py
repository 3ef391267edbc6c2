"""What the tests of several carriers share."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def specs() -> Path:
    """The carriers' published specifications and samples, which are no part of the project."""
    shared = os.environ.get("DOORSTEP_SHARED")
    if not shared:
        pytest.skip("DOORSTEP_SHARED does not name the folder that holds carriers/specs")
    return Path(shared) / "carriers" / "specs"
