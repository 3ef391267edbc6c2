"""An order's feed: valid by RFC 4287, in the reader's language, and the same entry under the same id for ever."""

import re
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from msgspec import structs

from doorstep.atom import Entry, Feed, document, order_feed
from doorstep.changes import Change
from doorstep.models import Status
from doorstep.order import Order
from doorstep.views import Reader

from .kept import kept_order, kept_parcel, reader_of

ATOM = "{http://www.w3.org/2005/Atom}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PAGE = "https://shop.example/o/abc/"
READER = reader_of()
PLACED = datetime(2026, 11, 18, 9, tzinfo=UTC)


def only(element: Element, name: str) -> Element:
    found = element.findall(f"{ATOM}{name}")
    assert len(found) == 1, f"{name} stands once in {element.tag}"
    return found[0]


def text(element: Element, name: str) -> str:
    return only(element, name).text or ""


def link(element: Element, relation: str) -> str:
    found = [one.attrib["href"] for one in element.findall(f"{ATOM}link") if one.attrib["rel"] == relation]
    assert len(found) == 1
    return found[0]


def read(xml: bytes) -> tuple[Element, list[Element]]:
    """The feed and its entries. What RFC 4287 asks for and is not there fails."""
    root = ElementTree.fromstring(xml)
    assert root.tag == f"{ATOM}feed"
    entries = root.findall(f"{ATOM}entry")
    for one in (root, *entries):
        assert re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", text(one, "id")), "an id is an IRI"
        assert RFC_3339.fullmatch(text(one, "updated"))
        assert text(one, "title")
        assert link(one, "alternate") == PAGE
    assert text(only(root, "author"), "name"), "a feed whose entries have no author has one itself"
    ids = [text(one, "id") for one in entries]
    assert len(set(ids)) == len(ids)
    times = [text(one, "updated") for one in entries]
    assert times == sorted(times, reverse=True)
    assert text(root, "updated") == times[0]
    return root, entries


def change(**fields: Any) -> Change:
    at = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    return structs.replace(Change("pcl_1", 1, at, Status.IN_TRANSIT, "", False, None), **fields)


def feed_of(*changes: Change, order: Order | None = None, reader: Reader = READER) -> bytes:
    kept = kept_order(order or Order("1001", placed_at=PLACED), kept_parcel())
    described = {"pcl_1": "Northwind\nTracking number: JD14"}
    url = f"{PAGE}feed.atom"
    return document(order_feed(kept, changes, reader, shop="Harbour & Pine", url=url, page=PAGE, described=described))


def test_a_feed_of_a_new_order_says_that_it_is_there() -> None:
    root, entries = read(feed_of())
    assert text(root, "title") == "Order 1001, Harbour & Pine"
    assert text(only(root, "author"), "name") == "Harbour & Pine"
    assert link(root, "self") == f"{PAGE}feed.atom"
    assert [(text(one, "title"), text(one, "updated")) for one in entries] == [("Ordered", "2026-11-18T09:00:00Z")]


def test_each_change_is_an_entry_in_the_words_of_the_page() -> None:
    later = datetime(2026, 11, 23, 10, 15, 30, tzinfo=UTC)
    _, entries = read(
        feed_of(
            change(),
            change(
                version=2, at=later, status=Status.DELIVERED, reason="recipient.neighbour", expected=date(2026, 11, 24)
            ),
        )
    )
    assert [text(one, "title") for one in entries] == ["With your neighbour", "On its way", "Ordered"]
    assert text(entries[0], "updated") == "2026-11-23T10:15:30Z"
    assert text(entries[0], "content") == (
        "A neighbour took your parcel in for you.\nNorthwind\nTracking number: JD14"
    )  # an arrived parcel is expected no more


def test_a_late_parcel_and_its_day_are_told() -> None:
    _, entries = read(feed_of(change(delayed=True, expected=date(2026, 11, 27))))
    assert text(entries[0], "content").splitlines()[1:3] == [
        "It is taking longer than planned.",
        "Expected: Friday, November 27",
    ]


def test_an_entry_reads_the_same_in_another_year() -> None:
    one = change(expected=date(2026, 11, 27))
    next_year = structs.replace(READER, now=datetime(2027, 2, 1, tzinfo=UTC))
    assert feed_of(one, reader=next_year) == feed_of(one)


def test_ids_come_from_what_is_kept_and_stay() -> None:
    before = [text(one, "id") for one in read(feed_of(change()))[1]]
    late = change(version=2, at=datetime(2026, 11, 21, tzinfo=UTC), delayed=True)
    german = reader_of("de", {"On its way": "Unterwegs"})
    after = [text(one, "id") for one in read(feed_of(late, change(), reader=german))[1]]
    assert before == ["urn:doorstep:pcl_1:1", "urn:doorstep:ord_1:placed"]
    assert after == ["urn:doorstep:pcl_1:2", *before]


def test_a_cancelled_order_says_so() -> None:
    cancelled = datetime(2026, 11, 19, tzinfo=UTC)
    _, entries = read(feed_of(order=Order("1001", placed_at=PLACED, cancelled_at=cancelled)))
    assert [text(one, "title") for one in entries] == ["This order was cancelled", "Ordered"]


def test_texts_are_in_the_readers_language_and_the_feed_names_it() -> None:
    reader = reader_of(
        "de", {"On its way": "Unterwegs", "Order %(number)s, %(shop)s": "%(shop)s, Bestellung %(number)s"}
    )
    root, entries = read(feed_of(change(), reader=reader))
    assert root.attrib[LANGUAGE] == "de"
    assert text(root, "title") == "Harbour & Pine, Bestellung 1001"
    assert text(entries[0], "title") == "Unterwegs"


def test_nothing_that_a_text_holds_breaks_the_feed() -> None:
    hostile = '</title><script>alert("1")</script>&amp;\x00\x0b\x1f\ufffe\uffff ]]> \U0001f4e6'
    entry = Entry("urn:doorstep:x", hostile, hostile, PLACED)
    feed = Feed("urn:doorstep:y", hostile, hostile, "en", f"{PAGE}feed.atom?a=1&b=2", PAGE, (entry,))
    root, entries = read(document(feed))
    shown = '</title><script>alert("1")</script>&amp; ]]> \U0001f4e6'
    assert {text(root, "title"), text(entries[0], "title"), text(entries[0], "content")} == {shown}
    assert link(root, "self") == f"{PAGE}feed.atom?a=1&b=2"
    assert {one.tag.removeprefix(ATOM) for one in root.iter()} <= {
        "feed", "id", "title", "updated", "author", "name", "link", "entry", "content",
    }  # fmt: skip
