"""A secret shows itself to `reveal()` and to nothing else."""

import json
import traceback

import msgspec
import pytest

from doorstep import Secret

TEXT = "hunter-2-hunter"


def test_reveal_gives_the_text() -> None:
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    "shown",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "%s".__mod__,
        lambda secret: f"{secret:>40}",
        lambda s: repr([s, {"k": s}]),
    ],
)
def test_no_way_of_printing_shows_it(shown: object) -> None:
    try:
        text = shown(Secret(TEXT))  # type: ignore[operator]
    except TypeError:  # no format specification is understood: nothing is shown either
        return
    assert TEXT not in text


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode, msgspec.msgpack.encode])
def test_no_encoder_takes_it(encode: object) -> None:
    with pytest.raises(TypeError):
        encode(Secret(TEXT))  # type: ignore[operator]


def test_a_struct_that_holds_one_prints_without_it() -> None:
    class Settings(msgspec.Struct, frozen=True):
        key: Secret

    assert TEXT not in repr(Settings(Secret(TEXT)))


def test_a_traceback_with_its_locals_does_not_show_it() -> None:
    try:
        raise ValueError(Secret(TEXT))
    except ValueError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert not any(TEXT in line for line in lines)


def test_secrets_are_equal_by_their_text_and_only_to_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret(" ")
