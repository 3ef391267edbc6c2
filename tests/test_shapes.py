"""JSON answers decoded as Structs: what fits is exact, and what does not is read as by path."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from doorstep import ProtocolError, Response


class Place(Struct, frozen=True):
    city: str | None = None


class Scan(Struct, frozen=True, rename="camel"):
    status_code: str | None = None
    place: Place | None = None


class Parcel(Struct, frozen=True):
    scans: list[Scan] | None = None
    weight: float | None = None
    rest: Any = None


def read(body: Any) -> Parcel:
    return Response(200, {}, json.dumps(body).encode()).shaped(Parcel)


LYON = Scan("5", Place("Lyon"))


def test_what_fits_is_decoded_and_what_is_not_declared_is_left_out() -> None:
    body = {"scans": [{"statusCode": "5", "place": {"city": "Lyon", "street": "x"}}], "weight": 1.4, "rest": [1]}
    assert read(body) == Parcel([LYON], 1.4, [1])


@pytest.mark.parametrize(
    "scans",
    [
        [{"statusCode": 5, "place": {"city": "Lyon"}}],
        [{"statusCode": " 5", "place": [{"city": "Lyon"}, {"city": "Dijon"}]}],
        {"statusCode": "5", "place": {"city": "Lyon"}},
        [None, {"statusCode": ["5"], "place": {"city": ["Lyon"]}}],
    ],
    ids=["number for a text", "list for an object", "object for a list", "null among items"],
)
def test_other_habits_are_read_as_by_path(scans: Any) -> None:
    assert read({"scans": scans, "weight": "1.4"}) == Parcel([LYON], 1.4)


@pytest.mark.parametrize("wrong", [17.5, "x", True, [], {}, [[]], [{}]])
def test_value_of_another_type_is_empty_and_its_neighbours_stay(wrong: Any) -> None:
    (first, second) = read({"scans": [{"statusCode": "5", "place": wrong}, {"place": {"city": "Lyon"}}]}).scans or []
    assert first.status_code == "5"
    assert (first.place or Place()).city in (None, "")
    assert second.place == Place("Lyon")


def test_empty_text_stands_for_nothing() -> None:
    assert read({"scans": "", "weight": ""}) == Parcel()


@pytest.mark.parametrize("body", [b"", b"17", b"null", b'"x"', b'{"scans": 17, "rest', b"<a/>", b'{"rest": "\xe9"}'])
def test_no_json_and_a_single_value_are_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="HTTP 200"):
        Response(200, {}, body).shaped(Parcel)


def test_deep_answer_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        Response(200, {}, b"[" * 5000 + b"]" * 5000).shaped(Parcel)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["scans", "weight", "place", "city"]), inner),
)


@given(st.dictionaries(st.sampled_from(["scans", "weight", "rest"]), values))
def test_any_object_is_a_parcel(body: dict[str, Any]) -> None:
    parcel = read(body)
    assert all(isinstance(scan, Scan) for scan in parcel.scans or [])
