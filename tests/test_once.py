"""What tests read once is each reader's own, and the same as if it were read anew."""

import tomllib

import pytest

from doorstep import planning, recognition
from doorstep.packages import installed

from .once import parse_toml


def test_toml_is_parsed_once_and_belongs_to_whoever_asks():
    text = "list = [1]"
    parse_toml(text)["list"].append(2)
    assert parse_toml(text) == {"list": [1]}
    assert parse_toml("a = 1.5", parse_float=str) == {"a": "1.5"}
    with pytest.raises(tomllib.TOMLDecodeError):
        parse_toml("a = ")


def test_manifests_are_read_once_and_their_list_is_each_reader_s():
    (package,) = [one for one in installed() if one.name == "ups"]
    package.manifests().clear()
    first, again = package.manifests(), package.manifests()
    assert first
    assert first[0] is again[0]


def test_one_recognizer_is_made_of_the_same_manifests_and_another_of_others():
    known = [manifest for package in installed() for manifest in package.manifests()]
    one, same, fewer = (planning.Recognizer(some) for some in (known, known, known[:5]))
    assert one is same
    assert fewer is not one
    assert one.candidates("1ZD0R5TP0373116441") == recognition.Recognizer(known).candidates("1Z999AA10123456784")
