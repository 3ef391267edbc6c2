"""Every bound of every value that the API knows of: of these, to make the requests alone takes seconds."""

from typing import Any

import pytest
from hypothesis import settings

from doorstep.engine import Engine

from .described import FEW, NOT_WRONG, asked, description, opened, served

__all__ = ["opened", "served"]  # fixtures

described = description(every_bound=True)


@pytest.mark.exhaustive
@described.parametrize()
@settings(FEW, max_examples=40)
def test_with_a_key_every_answer_is_as_described_whatever_is_asked(
    case: Any, served: tuple[str, str], opened: Engine
) -> None:
    asked(case, served, opened, NOT_WRONG)  # of so many, some are wrong in nothing but that
