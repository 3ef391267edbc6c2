"""Requests and responses: what a plugin asks, and answers read without trusting them."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import Found, NotFound, ProtocolError, Request, Response, Shipment


class Parcel(msgspec.Struct):
    number: str
    pieces: int = 1


def test_a_request_gains_headers_and_parameters_and_stays_itself() -> None:
    request = Request("GET", "/track", params={"n": "1"}, headers={"Accept": "text/xml"})
    signed = request.adding(headers={"X-Key": "k", "Accept": "application/json"}, params={"lang": "en"})
    assert signed.headers == {"X-Key": "k", "Accept": "application/json"}
    assert signed.params == {"n": "1", "lang": "en"}
    assert (request.headers, request.params) == ({"Accept": "text/xml"}, {"n": "1"})


def test_requests_and_responses_cannot_be_changed() -> None:
    for frozen in (Request("GET", "/"), Response(200)):
        with pytest.raises(AttributeError):
            frozen.body = b"other"  # type: ignore[misc]


def test_json_is_checked_against_a_type() -> None:
    assert Response(200, body=b'{"number": "1", "pieces": 2}').json(Parcel) == Parcel("1", 2)


def test_json_of_the_wrong_type_is_named_with_its_path() -> None:
    with pytest.raises(ProtocolError, match=r"HTTP 200.*`int`.*\$\.pieces"):
        Response(200, body=b'{"number": "1", "pieces": "two"}').json(Parcel)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b'{"a": 1} tail', b"<!doctype html>", b"NaN", b'{"a": NaN}', b"1e400", b"9" * 5000, b'"\\ud800"',
        b"\xff\xfe", '{"text": "é"}'.encode("latin-1"), b"[" * 100_000, b'{"a":' * 100_000, b"\x00",
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)  # fmt: skip
def test_hostile_json_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        Response(200, body=body).json()


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("", "café".encode(), "café"),
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café"),
        ('text/plain; charset="utf-8"; format=flowed', "café".encode(), "café"),
        ("text/plain; charset=utf-8", b"caf\xe9", "caf\ufffd"),
        ("text/plain; charset=no-such", b"plain", "plain"),
        ("text/plain; charset=hex", b"706c", "706c"),
        ("text/plain; charset=idna", b"plain", "plain"),
        ("text/plain; charset=undefined", b"plain", "plain"),
    ],
)
def test_text_is_read_in_any_charset_that_is_named(content_type: str, body: bytes, text: str) -> None:
    assert Response(200, {"content-type": content_type}, body).text() == text


def test_expect_lets_only_the_named_statuses_through() -> None:
    response = Response(404)
    assert response.expect(200, 404) is response
    with pytest.raises(ProtocolError, match="HTTP 404"):
        response.expect(200)


def test_an_answer_keeps_its_kind_through_the_cache() -> None:
    for answer in (Found((Shipment("1"),)), NotFound("no such parcel")):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Found | NotFound) == answer


@given(st.binary(max_size=200), st.sampled_from(["", "application/json; charset=utf-16", "a; charset=utf-7"]))
def test_any_body_is_read_or_a_protocol_error(body: bytes, content_type: str) -> None:
    response = Response(200, {"content-type": content_type}, body)
    assert isinstance(response.text(), str)
    for read in (response.json, response.tree, lambda: response.json(Parcel)):
        with suppress(ProtocolError):
            read()
