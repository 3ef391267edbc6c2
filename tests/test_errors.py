"""Errors: one tree, and messages that name the thing, the place and the next step."""

import inspect
import re

import pytest

from doorstep import errors
from doorstep.errors import CarrierError, ConfigError, DoorstepError, RateLimited, ThemeError

TREE = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, DoorstepError)]


def test_message_and_next_step_are_read_together() -> None:
    error = ConfigError("shop.toml: stores is missing", next_step="add [stores.main]")
    assert str(error) == "shop.toml: stores is missing: add [stores.main]"
    assert (error.message, error.next_step) == ("shop.toml: stores is missing", "add [stores.main]")


def test_without_a_next_step_the_message_stands_alone() -> None:
    assert str(DoorstepError("no")) == "no"


@pytest.mark.parametrize(
    ("file", "line", "text"),
    [
        ("sea/layout.html", 7, "sea/layout.html:7: bad tag"),
        ("sea/layout.html", None, "sea/layout.html: bad tag"),
        ("", 7, "bad tag"),
    ],
)
def test_theme_error_names_file_and_line_as_far_as_known(file: str, line: int | None, text: str) -> None:
    error = ThemeError("bad tag", file=file, line=line)
    assert str(error) == text
    assert (error.file, error.line) == (file, line)


def test_carrier_error_says_when_to_ask_again() -> None:
    assert RateLimited("not now", retry_after=30.0).retry_after == 30.0
    assert CarrierError("no connection").retry_after is None


@pytest.mark.parametrize("cls", TREE, ids=lambda cls: cls.__name__)
def test_every_error_is_caught_as_doorsteps_own_and_has_a_code(cls: type[DoorstepError]) -> None:
    assert issubclass(cls, DoorstepError)
    assert re.fullmatch(r"[a-z_]+", cls.code)


def test_the_tree_in_the_docstring_is_the_tree_of_the_code() -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if re.search(r"[├└]", line)]
    drawn: dict[str, str] = {}
    parents = ["DoorstepError"]
    for line in lines:
        name = re.search(r"[A-Z]\w+", line)
        assert name is not None
        depth = (line.index("─") - 5) // 4
        parents[depth + 1 :] = [name[0]]
        drawn[name[0]] = parents[depth]
    real = {cls.__name__: cls.__bases__[0].__name__ for cls in TREE if cls is not DoorstepError}
    assert drawn == real
