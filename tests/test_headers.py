"""What strangers write into headers is read as its specification says, or passed over: no page, file or call fails of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorstep.languages import NAMES, tag_of
from doorstep.limits import Networks
from doorstep.responses import names
from doorstep.shops import Shops

from .erp import ORDERS, Shop
from .shopfront import DELIVERED, OWN, carriers, parsed, shop, store

PAGE = f"/track/{DELIVERED}"
STORES = {
    "main": store(hosts=("shop.example", "[::1]")),
    "outlet": store(hosts=("shop.example",), path="/outlet", language="de"),
}
READ = [
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Encoding", "Content-Type",
    "Cookie", "Forwarded", "Host", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "Origin", "Pragma",
    "Range", "Referer", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Purpose", "User-Agent", "X-Forwarded-For", "X-Request-Id",
]  # fmt: skip
PIECES = [
    '"', 'W/"', "*", ",", ";", "; q=", "=", " ", "\t", "0", "1", "-1", "9" * 30, "NaN", "1e400", "de", "en-US", "x-",
    "gzip", "identity", "br", "Bearer ", "bearer", "dk_", "no-cache", "no-store", "max-age=", "only-if-cached", "bytes=",
    "shop.example", "evil.example", ":", "80", "[::1]", "[", "::ffff:10.0.0.1", "203.0.113.9", "%", "/", "@", "same-origin",
    "https://", "Mozilla/5.0", "bot", "prefetch", "Fri, 20 Nov 2026 12:00:00 GMT", "\xe9", "\xff", "{{7*7}}", "<b>",
]  # fmt: skip
# Whatever a server lets through: no line end, no NUL (RFC 9110, 5.5).
VALUES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(
    st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60
)
HEADERS = st.dictionaries(st.sampled_from(READ), VALUES, min_size=1, max_size=5)
ASKED = [
    ("GET", "/"), ("GET", PAGE), ("HEAD", PAGE), ("GET", f"/outlet{PAGE}?lang=fr"), ("GET", f"/api/v1/shipments/{DELIVERED}"),
    ("GET", f"/api/v1/pages/{DELIVERED}"), ("GET", ORDERS), ("POST", ORDERS), ("OPTIONS", ORDERS), ("GET", "/nothing"),
    ("POST", "/"), ("POST", f"{PAGE}?widget=survey"), ("GET", "/openapi.json"), ("GET", "/readyz"), ("GET", "/o/x.y/"),
]  # fmt: skip


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with carriers() as (sandbox, served):
        folder: Path = tmp_path_factory.mktemp("shop")
        with shop(folder, sandbox, served.url, stores=STORES) as front:
            assert front.get(PAGE).status_code == 200
            yield front


def test_no_value_of_any_header_breaks_an_answer(front: Any) -> None:
    key = Shop(front, front.clock).new_key()

    @settings(max_examples=100)
    @given(asked=st.sampled_from(ASKED), headers=HEADERS, own=st.booleans())
    def answered(asked: tuple[str, str], headers: dict[str, str], own: bool) -> None:
        trusted = {"Authorization": f"Bearer {key}", **OWN} if own else {}
        sent = {name: value.encode("latin-1") for name, value in {**trusted, **headers}.items()}
        body = b'{"number": "1001"}' if asked[0] == "POST" else None
        response = front.client.request(*asked, headers=sent, content=body, follow_redirects=False)
        assert response.status_code < 500
        assert "set-cookie" not in response.headers
        if language := response.headers.get("content-language"):
            assert language in map(tag_of, NAMES)

    answered()


# RFC 9110, 8.8.3: what may stand in a tag. The tag of a page is weak, and so is the comparison (13.1.2).
OPAQUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'), max_size=24)
TAGS = st.lists(st.tuples(st.sampled_from(['"', 'W/"']), OPAQUE), max_size=5)


@given(TAGS, OPAQUE.filter(lambda text: text.strip(",")), st.sampled_from(['"', 'W/"']), st.booleans(), st.data())
def test_a_list_of_tags_names_an_answer_exactly_where_its_tag_is_in_it(
    tags: list[tuple[str, str]], own: str, kind: str, is_in: bool, data: st.DataObject
) -> None:
    listed = [(before, opaque) for before, opaque in tags if opaque != own]
    if is_in:
        listed.insert(data.draw(st.integers(0, len(listed))), (data.draw(st.sampled_from(['"', 'W/"'])), own))
    blank = data.draw(st.sampled_from(["", " ", "\t", "  "]))
    header = f"{blank},{blank}".join(f'{before}{opaque}"' for before, opaque in listed)
    assert names(header.encode(), f'{kind}{own}"'.encode()) is is_in


def test_any_tag_is_meant_by_a_star_where_there_is_one() -> None:
    assert names(b" * ", b'"1"')
    assert not names(b"*", b"")
    assert not names(b'""', b"")


@pytest.mark.parametrize("known", ["{}", "{strong}", '"other",{strong}', "*"])
def test_a_page_that_a_reader_has_is_not_sent_again_by_whichever_way_it_is_named(front: Any, known: str) -> None:
    for path in (PAGE, "/"):
        etag = front.get(path).headers["etag"]
        named = known.format(etag, strong=etag.removeprefix("W/"))
        for _ in range(2):  # made anew, and from near
            assert front.get(path, if_none_match=named).status_code == 304
        assert front.get(path, if_none_match='"none"').status_code == 200


def test_nothing_that_a_reader_says_of_caches_asks_the_carrier_again(front: Any) -> None:
    page, before = front.get(PAGE).content, front.asked()

    @settings(max_examples=30)
    @given(value=VALUES, name=st.sampled_from(["Cache-Control", "Pragma", "If-Modified-Since", "Expires"]))
    def kept(value: str, name: str) -> None:
        sent = {name: value.encode("latin-1"), "Accept-Language": "en"}
        assert front.client.get(PAGE, headers=sent).content == page

    kept()
    assert front.asked() == before


NAMED = st.sampled_from(["shop.example", "SHOP.example", "[::1]", "shop.example.", "evil.example", ""])


@given(
    st.tuples(NAMED, VALUES).map("".join) | st.tuples(NAMED, st.integers(0, 65535)).map(lambda of: f"{of[0]}:{of[1]}")
)
def test_only_the_hosts_of_a_store_lead_to_it_whatever_the_port(host: str) -> None:
    class Found:
        config = STORES["main"]

    found = Shops([Found()]).find(host, "/") is not None  # type: ignore[list-item]
    named = re.fullmatch(r"(?is)(shop\.example|\[::1\])(:.*)?", host)  # RFC 9110, 7.2: a host, and perhaps a port
    if found or named is None or re.fullmatch("(:[0-9]*)?", named[2] or ""):
        assert found is (named is not None)


@given(st.sampled_from(["10.0.0.1", "testclient", "", "::1", "203.0.113.9"]), VALUES)
def test_whatever_a_proxy_is_said_to_have_written_is_a_network_or_unknown(peer: str, forwarded: str) -> None:
    network = Networks(["10.0.0.0/8", "::1/128"]).of(peer, forwarded)
    assert network == "unknown" or network.endswith(("/24", "/56"))
    if peer == "203.0.113.9":  # no proxy of ours: what it says of others is nothing
        assert network == "203.0.113.0/24"


def test_a_page_for_whom_no_header_was_sent_is_the_stores_own(front: Any) -> None:
    response = front.client.get("/outlet/", headers={"Accept-Language": ""})
    assert parsed(response.text).get("lang") == "de"
