"""Input that is no text: NUL and other controls in every form, address, header and document are refused or cleaned, on each
database, and no server error."""

import gzip
import io
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest

from doorstep.drafts import JsonLines
from doorstep.errors import ConfigError, DoorstepError
from doorstep.keys import SCOPES, Keys
from doorstep.sheet import Sheet
from doorstep.tree import from_xml
from doorstep_cross_sell.feeds import read_products, read_recommended

from .erp import Shop
from .hostile import NUMBERS, Hostile, trading
from .shopfront import parsed
from .test_hostile_fields import OUTPUTS, filled_in

ODD = ["a\x00b", "\x00", "\x00@\x00.example", "\x1b\x7f\x80", "\ufffe\uffff", "\U0010ffff" * 3, "\u0000" * 70]
PAGES = ("delivered", "order", "order that arrived", "messages", "looking up")


@pytest.fixture
def odd(tmp_path: Any, empty_url: str) -> Iterator[Hostile]:
    with trading(tmp_path, ("calm", "control"), database=empty_url) as shop:
        yield shop


def test_nul_and_controls_are_no_server_error_on_either_database(odd: Hostile) -> None:
    front, amiss = odd.front, []
    for page in PAGES:
        path = OUTPUTS[page][0](odd, "calm")
        forms = [one for one in parsed(odd.get(path).text).iter("form") if one.get("method") == "post"]
        assert forms
        for form in forms:
            for text in ODD:
                front.clock.advance(3601)
                sent = {name: "" if name == "website" else value for name, value in filled_in(form, text).items()}
                answer = front.post(urljoin(path, form.get("action")), sent)
                amiss += [(form.get("action"), text, answer.status_code)] if answer.status_code >= 500 else []
    with front.engine.database.writing() as connection:
        _, key = Keys(clock=front.clock).new(connection, "calm", "erp", SCOPES)
    bearer = {"Authorization": f"Bearer {key.reveal()}"}
    token = odd.token("calm")
    addresses = [
        "/calm/track/{}", "/calm/api/v1/shipments/{}", "/calm/api/v1/orders/{}", "/calm/api/v1/orders?after={}",
        "/calm/o/{}/", "/calm/api/v1/codes/{}", "/calm/api/v1/answers?widget={}", "/calm/api/v1/banners/{}", "/calm/r/{}",
        "/calm/m/{}", f"/calm/o/{token}/documents/{{}}/0", f"/calm/track/{NUMBERS['calm'][0]}?lang={{}}&parcel={{}}",
        "/calm/out/survey?to={}&s={}", "/calm/webhooks/{}/{}", "/calm/connect/{}", "/calm/api/v1/referrals/{}",
        "/calm/api/v1/insights?from={}", "/calm/static/{}/x",
    ]  # fmt: skip
    for address in addresses:
        for written in ("%00", "a%00b", "%ff%fe", "%1b", "%ed%a0%80", "%f4%8f%bf%bf"):
            path = address.replace("{}", written)
            answer = front.client.get(path, headers=bearer)
            amiss += [(path, answer.status_code)] if answer.status_code >= 500 else []
    documents = [
        {"number": "7", "note": "a\x00b", "items": [{"name": "\x00", "id": "\x00"}]},
        {"number": "8", "email": "\x00@x.example"}, {"number": "9", "tags": ["\x00"], "postcode": "\x00"},
        {"number": "10", "shipments": [{"number": "1Z", "carrier": "\x00"}]}, {"number": "\x00"},
        {"number": "11", "referral": "\x00", "customer": {"tags": ["\x00"], "tier": "\x00"}},
    ]  # fmt: skip
    for path in ("/calm/api/v1/orders", "/calm/api/v1/banners", "/calm/api/v1/codes", "/calm/api/v1/referrals"):
        for document in (*documents, {"text": {"en": "\x00"}}, {"pool": "\x00", "codes": ["\x00"]}, {"code": "\x00"}):
            answer = front.client.post(path, json=document, headers=bearer)
            amiss += [(path, document, answer.status_code)] if answer.status_code >= 500 else []
    for name in ("accept-language", "if-match", "idempotency-key", "origin", "cookie"):
        for text in (b"\x80\xff", b"\x00"):
            try:
                answer = front.client.post("/calm/api/v1/orders", json=documents[0], headers={**bearer, name: text})
            except ValueError:
                continue
            amiss += [(name, text, answer.status_code)] if answer.status_code >= 500 else []
    assert amiss == []


class Endless(io.RawIOBase):
    """A file of so many bytes, all of one kind, that is nowhere whole."""

    def __init__(self, head: bytes, filling: bytes, size: int) -> None:
        self._head = head
        self._filling = filling * (1 << 20)
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._head:
            taken = self._head[: len(buffer)]
            self._head = self._head[len(taken) :]
        else:
            taken = self._filling[: min(len(buffer), self._left)]
            self._left -= len(taken)
        buffer[: len(taken)] = taken
        return len(taken)


MOST = 40_000_000  # bytes held at once; the files are larger, or unpack to more
HEAD = b"number,item_name\n"
FILES = {
    "a line of 100 MB": (HEAD, b"x"),
    "a row of commas": (HEAD, b","),
    "a heading without end": (b"number,", b"a,"),
    "a quotation mark that is never closed": (HEAD + b'1001,"', b"x\n"),
    "quotation marks alone": (HEAD, b'"'),
    "NUL": (HEAD, b"\x00"),
    "byte order marks": (b"\xef\xbb\xbf" * 3 + HEAD, b"\xef\xbb\xbf"),
    "carriage returns": (HEAD, b"\r"),
}


_SLOW = ("a heading without end", "a quotation mark that is never closed")  # to count what they hold


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.exhaustive if one in _SLOW else ()) for one in FILES]
)
def test_a_hostile_file_of_orders_is_read_in_bounded_memory_and_told_by_line(name: str) -> None:
    head, filling = FILES[name]
    file = io.BufferedReader(Endless(head, filling, 100_000_000 if "quotation mark " not in name else 5_000_000))
    tracemalloc.start()
    try:
        seen = amiss = 0
        with suppress(ConfigError):  # the first row is no heading
            for draft in Sheet(file, "orders.csv", ZoneInfo("UTC")).drafts():
                seen += 1
                amiss += bool(draft.problems)
                if seen == 50:
                    break
            assert amiss or not seen
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["[", '{"a":', "<a>", '{"number":[', '[{"x":'])
def test_what_is_nested_without_end_is_refused_by_every_reader(kind: str) -> None:
    deep = (kind * 200_000).encode()
    for read in (lambda: [*read_products(deep, "").value], lambda: read_recommended(deep, ""), lambda: from_xml(deep)):
        with pytest.raises((ValueError, DoorstepError)):
            read()
    (draft,) = JsonLines(io.BytesIO(deep[:900_000])).drafts()
    assert draft.problems


def test_nesting_bombs_and_packed_bodies_are_refused_by_the_api(erp: Shop) -> None:
    bomb = gzip.compress(b'{"number": "1", "note": "' + b" " * 50_000_000 + b'"}')
    for body in (
        b"[" * 100_000,
        b'{"items":' * 50_000,
        b'{"number":"1","items":[' + b"[" * 100_000,
        bomb,
        b"\x1f\x8b" * 9,
    ):
        for path in ("/api/v1/orders", "/api/v1/banners", "/api/v1/codes", "/api/v1/referrals"):
            for packed in ({}, {"content_encoding": "gzip"}, {"content_encoding": "deflate, gzip"}):
                answer = erp.ask("POST", path, body, **packed)
                assert 400 <= answer.status_code < 500, (path, body[:20], packed)
    assert erp.ask("GET", "/api/v1/orders").json()["orders"] == []


ODD_FEEDS = [
    b"id,title,link\n" + b'"' * 9_001, b"id,title,link\n" + b"\x00" * 5_000,
    b"\xff\xfe" + "id,title,link\n1,a,/a".encode("utf-16-le"), b"\xef\xbb\xbf\xef\xbb\xbfid,title,link\n1,a,/a\n",
    b"title,link" + b",x" * 1_000_000 + b"\na,/a\n", b"title\tlink\n" + b"\t" * 1_000_000, b"id,title,link\r1,a,/a\r",
    b"PK\x03\x04" + b"\x00" * 100, gzip.compress(b"title,link\n"), b'[{"title": "' + b"\\u0000" * 9_000 + b'"}]',
    b"<rss><item><title>" + b"&amp;" * 90_000 + b"</title></item></rss>", b"<rss" + b" a='1'" * 50_000 + b"/>",
    b'<!DOCTYPE a [<!ENTITY b "c">]><rss><item><title>&b;</title></item></rss>',
    b"<?xml version='1.0' encoding='utf-7'?><rss/>",
]  # fmt: skip


@pytest.mark.parametrize("body", ODD_FEEDS, ids=range(len(ODD_FEEDS)))
def test_an_odd_feed_is_read_or_refused_and_nothing_else(body: bytes) -> None:
    with suppress(ValueError, DoorstepError):
        assert all(one.name.strip() and "\x00" not in one.name for one in read_products(body, "").value)
