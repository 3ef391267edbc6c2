"""A long list in XML, item by item; what is hostile in it is refused with its place, and nothing of it is kept."""

import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import xml_items

RSS = b"""<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
  <channel>
    <title>Harbour &amp; Pine</title>
    <item>
      <g:id>MUG-1</g:id>
      <title><![CDATA[Mug <b>blue</b>]]></title>
      <g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
      <g:custom_label_0>gift</g:custom_label_0><g:custom_label_0>new</g:custom_label_0>
    </item>
    <item><g:id>TOWEL</g:id></item>
  </channel>
</rss>"""


def test_each_item_comes_with_its_line_and_its_parts_by_local_name():
    (first, mug), (second, towel) = xml_items(RSS, {"item"})
    assert (first, second) == (5, 11)
    assert (mug.text("id"), mug.text("title"), mug.text("shipping.price")) == ("MUG-1", "Mug <b>blue</b>", "4.90 EUR")
    assert [one.text() for one in mug.each("custom_label_0")] == ["gift", "new"]
    assert towel.value == {"id": "TOWEL"}


def test_attributes_have_an_at_in_front():
    body = b'<feed><entry><link rel="alternate" href="/mug"/>text</entry></feed>'
    [(_, entry)] = xml_items(body, {"entry"})
    assert (entry.text("link.@href"), entry.text()) == ("/mug", "text")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss><item>&a;</item></rss>', "declares a document type"),
        (b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss/>', "declares a document type"),
        (b"<!DOCTYPE html><html></html>", "declares a document type"),
        (b"<rss><item></rss>", "mismatched tag: line 1, column 13"),
        (b"<rss>\n<item>\xff</item></rss>", "not XML: not well-formed .*line 2"),
        (b'<?xml version="1.0" encoding="no-such"?><rss/>', "unknown encoding"),
        (b"<rss><item>\x00</item></rss>", "not XML"),
        (b"", "no element found"),
        (b"<a>" * 51, "nested too deeply"),
        (b"<rss>\n<item>" + b"<a/>" * 2000 + b"</item></rss>", "line 2: an item of more than 2000 parts"),
    ],
)
def test_what_is_no_list_is_refused_with_the_reason_and_the_place(body, reason):
    with pytest.raises(ValueError, match=reason):
        list(xml_items(body, {"item"}))


def test_a_huge_text_is_cut_and_costs_no_more_than_itself():
    body = b"<rss><item><title>" + b"ab" * 5_000_000 + b"</title></item></rss>"
    tracemalloc.start()
    try:
        [(_, item)] = xml_items(body, {"item"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert item.text("title") == "ab" * 5000
    assert peak < 2_000_000


def test_what_stands_around_items_is_not_kept():
    body = b"<rss>" + b"<a>x</a>" * 200_000 + b"<item>1</item></rss>"
    tracemalloc.start()
    try:
        [(_, item)] = xml_items(body, {"item"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert item.text() == "1"
    assert peak < 2_000_000


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from([b"<item>", b"</item>", b"<a ", b"b='", b"'>", b"&lt;", b"x"]))
)
def test_whatever_the_bytes_are_there_are_items_or_a_reason(body):
    body = body if isinstance(body, bytes) else b"".join(body)
    with suppress(ValueError):
        assert len(list(xml_items(body, {"item"}))) <= body.count(b"<item")
