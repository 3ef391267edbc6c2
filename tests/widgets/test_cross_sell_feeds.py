"""Product feeds as shops have them, and as nobody should: what can be used is there, the rest is told with its line."""

import json
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import PartRead, is_web_address
from doorstep_cross_sell import feeds
from doorstep_cross_sell.feeds import read_catalogue, read_products, read_recommended
from doorstep_cross_sell.money import amount_of
from doorstep_cross_sell.products import Product, category_keys

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Harbour &amp; Pine</title>
<item>
  <g:id>MUG-BLUE</g:id><title>Mug &amp; saucer</title><link>https://shop.example/mug?a=1&amp;b=2</link>
  <g:image_link>https://img.example/mug.jpg</g:image_link>
  <g:price>19.90 EUR</g:price><g:sale_price>14.90 EUR</g:sale_price>
  <g:sale_price_effective_date>2026-11-20T00:00+0100/2026-11-30T23:59+0100</g:sale_price_effective_date>
  <g:availability>in stock</g:availability><g:product_type>Home &gt; Kitchen &gt; Mugs</g:product_type>
  <g:google_product_category>2169</g:google_product_category><g:item_group_id>MUG</g:item_group_id>
  <g:custom_label_0>gift</g:custom_label_0><g:custom_label_3>slow mover</g:custom_label_3>
</item></channel></rss>"""
MUG = Product(
    name="Mug & saucer",
    url="https://shop.example/mug?a=1&b=2",
    sku="MUG-BLUE",
    image="https://img.example/mug.jpg",
    price="19.90",
    sale_price="14.90",
    sale_from=date(2026, 11, 20),
    sale_until=date(2026, 11, 30),
    currency="EUR",
    availability="in_stock",
    category="Home > Kitchen > Mugs",
    tags=("gift", "slow mover"),
    group="MUG",
)
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry>
<g:id>A</g:id><title>Tea</title><link rel="alternate" href="https://shop.example/tea"/><g:price>EUR 4,50</g:price>
</entry></feed>"""
COLUMNS = "id,title,link,price,availability"
CSV = f"""{COLUMNS}
A,"Tea, green",https://shop.example/tea,4.50 EUR,in_stock
B,Kettle,/kettle,,preorder
"""


def products(text, type="", **options):
    return read_products(text if isinstance(text, bytes) else text.encode(), type, **options).value


def mistakes(text, **options):
    """The lines and reasons of what was left out, next to one row that can be used."""
    part = read_products(text.encode(), "", **options)
    assert part.left_out == len(part.mistakes)
    return [(one.line, one.reason) for one in part.mistakes]


def test_googles_rss_with_every_field():
    assert products(RSS) == (MUG,)


def test_googles_atom_with_the_link_as_an_attribute():
    assert products(ATOM) == (Product("Tea", "https://shop.example/tea", sku="A", price="4.50", currency="EUR"),)


TEA = Product("Tea, green", "https://shop.example/tea", "A", price="4.50", currency="EUR", availability="in_stock")
KETTLE = Product("Kettle", "/kettle", "B", availability="preorder")


@pytest.mark.parametrize(
    "body",
    [
        CSV.encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.encode("utf-16"),
        CSV.replace("\n", "\r\n").encode(),
        CSV.replace("id,title,link", "g:ID, Title ,g:Link").replace("\nB", "\n\n\nB").encode(),
        CSV.replace("Tea, green", "Tea; green").replace(",", ";").replace("Tea; green", "Tea, green").encode(),
        CSV.replace(",", "\t").replace("Tea\t", "Tea,").encode(),
        CSV.replace("Kettle", "Ket\x00tle").encode(),
    ],
    ids=["csv", "mark", "utf-16", "windows", "names", "semicolons", "tsv", "nul"],
)
def test_lines_with_commas_semicolons_or_tabs_however_they_were_written(body):
    assert products(body) == (TEA, KETTLE)


def test_latin_letters_of_windows_are_read():
    assert products("title,link\nThé à la crème,/thé".encode("cp1252"))[0].name == "Thé à la crème"


JSON = [
    {
        "sku": "A",
        "name": "Tea, green",
        "url": "https://shop.example/tea",
        "price": 4.5,
        "currency": "EUR",
        "stock": True,
    },
    {"id": "B", "title": "Kettle", "link": "/kettle", "availability": "https://schema.org/PreOrder", "extra": [{}]},
]


@pytest.mark.parametrize("value", [JSON, {"total": 2, "products": JSON}, {"items": JSON, "next": None}])
def test_json_as_a_list_or_with_a_list_in_it(value):
    tea, kettle = products(json.dumps(value))
    assert (tea.name, tea.price, tea.currency) == ("Tea, green", "4.5", "EUR")
    assert kettle == KETTLE


def test_a_price_may_be_an_object_and_tags_a_list():
    price = {"value": "4.50", "currency": "EUR"}
    [tea] = products(json.dumps([{"title": "Tea", "link": "/tea", "price": price, "tags": ["a", "b; c"]}]))
    assert (tea.price, tea.currency, tea.tags) == ("4.50", "EUR", ("a", "b", "c"))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("in stock", "in_stock"), ("in_stock", "in_stock"), ("https://schema.org/InStock", "in_stock"),
        ("out of stock", "out_of_stock"), ("Out_Of_Stock", "out_of_stock"), ("sold out", "out_of_stock"),
        ("preorder", "preorder"), ("backorder", "backorder"), ("soon?", ""), ("0", "out_of_stock"), ("17", ""),
    ],
)  # fmt: skip
def test_availability_in_its_spellings(said, meant):
    assert products(f"{COLUMNS}\nA,Tea,/tea,,{said}")[0].availability == meant


@pytest.mark.parametrize(
    ("written", "text", "currency"),
    [
        ("19.90 EUR", "19.90", "EUR"), ("EUR 19.90", "19.90", "EUR"), ("19,90 EUR", "19.90", "EUR"), ("19 EUR", "19", "EUR"),
        ("1.299,00 EUR", "1299.00", "EUR"), ("1,299.00 USD", "1299.00", "USD"), ("1 299,00 EUR", "1299.00", "EUR"),
        ("1'299.00 CHF", "1299.00", "CHF"), ("1.299.000 IDR", "1299000", "IDR"), ("€19.90", "19.90", "EUR"),
        ("19,90 €", "19.90", "EUR"), ("£5", "5", "GBP"), ("2.500 KWD", "2.500", "KWD"), ("19.9 eur", "19.9", "EUR"),
        ("\u00a019.90\u00a0EUR ", "19.90", "EUR"),
    ],
)  # fmt: skip
def test_prices_as_shops_write_them(written, text, currency):
    assert amount_of(written) == (text, currency)


@pytest.mark.parametrize("written", ["1.299 EUR", "1,299 USD", "1.2.3 EUR", "1,29,000 INR", "12.34567 EUR", "19. EUR"])
def test_a_price_that_can_be_read_in_two_ways_is_none(written):
    with pytest.raises(ValueError, match="more than one way"):
        amount_of(written)


@pytest.mark.parametrize(
    "written", ["", "free", "-5 EUR", "5 EUR 6", "NaN EUR", "1e9 EUR", "١٩ EUR", "9" * 90 + " EUR"]
)
def test_a_price_that_is_none_is_refused(written):
    with pytest.raises(ValueError, match="price"):
        amount_of(written)


def test_a_currency_of_the_settings_counts_where_a_price_names_none():
    assert amount_of("19.90", "EUR") == amount_of("$ 19.90", "EUR") == ("19.90", "EUR")
    assert amount_of("19.90 USD", "EUR") == ("19.90", "USD")
    with pytest.raises(ValueError, match="names no currency"):
        amount_of("19.90")


def test_a_wrong_row_is_left_out_and_told_with_its_line():
    rows = [
        COLUMNS,
        'A,"Tea\nin two lines",/tea,,',
        "B,,/nameless,,",
        "C,Script,javascript:alert(1),,",
        "D,Kettle,/kettle,call us,",
        f"E,{'x' * 140_000},/long,,",
        "F,Cup,/cup,,",
    ]
    assert [one.sku for one in products("\n".join(rows))] == ["A", "F"]
    assert [(line, reason[:22]) for line, reason in mistakes("\n".join(rows))] == [
        (4, "name is empty: write w"),
        (5, "url 'javascript:alert("),
        (6, "price 'call us' cannot"),
        (7, "field larger than fiel"),
    ]


def test_in_xml_the_line_is_where_the_item_begins():
    text = RSS.replace("</item>", "</item>\n<item><title>No link</title></item>\n<item>", 1).replace(
        "<item></channel>", "<item><title>B</title><link>/b</link></item></channel>"
    )
    assert [line for line, _ in mistakes(text)] == [12]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScript:alert(1)", "data:text/html,x", "//evil.example/x", "/\\evil.example", "\\\\evil",
        "https://shop.example@evil.example/", "https:evil.example", "ftp://shop.example/x", "mug", "x" * 2000, "",
        "https://shop.example/" + "a" * 1000,
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_web_is_no_product_and_no_picture(url):
    row = {"title": "Bad", "link": url, "image_link": url}
    part = read_products(json.dumps([row, {"title": "Good", "link": "/good", "image_link": url}]).encode(), "")
    assert [(one.url, one.image) for one in part.value] == [("/good", "")]
    assert part.left_out == 1


def test_texts_are_cut_and_on_one_line():
    row = {
        "title": " a\x00b\n\tc\u2028d " + "x" * 5000,
        "link": "/a",
        "product_type": "y" * 5000,
        "tags": ["t" * 500] * 90,
    }
    [one] = products(json.dumps([row]))
    assert one.name.startswith("a b c d xxx")
    assert (len(one.name), len(one.category), len(one.tags), len(one.tags[0])) == (150, 500, 1, 100)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "line 1: there are no names of columns"),
        (b"sku,price\nA,1", "line 1: no columns for title and link: there are sku, price"),
        (b"title,link\n", "there are no products"),
        (b"title,link\n,\nX,javascript:1", "line 3: url .* no other product can be used either"),
        (b"{}", "JSON without a list"),
        (b"[1, 2", "not the JSON expected"),
        (b'["\xff"]', "^'utf-8' codec .* no other product can be used either"),
        (b"[" * 100_000, "not the JSON expected"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "declares a document type"),
        (b'<!DOCTYPE a [<!ENTITY a "b">]><rss><item><title>&a;</title></item></rss>', "declares a document type"),
        (b"<html><body>Log in</body></html>", "there are no products"),
        (RSS.encode()[:-40], "not XML: no element found|not XML: unclosed"),
    ],
)
def test_what_is_no_feed_is_refused_with_the_reason(body, reason):
    with pytest.raises(ValueError, match=reason):
        read_catalogue(body, "feed")


def test_there_is_an_end_to_rows(monkeypatch):
    monkeypatch.setattr(feeds, "MOST_ROWS", 3)
    part = read_products(("title,link\n" + "".join(f"T{n},/{n}\n" for n in range(9))).encode(), "")
    assert [one.name for one in part.value] == ["T0", "T1", "T2"]
    assert part.mistakes[-1].reason == "only the first 3 products are read"


def test_of_many_mistakes_the_first_are_told_and_all_counted():
    part = read_products(("title,link\nGood,/good\n" + "Bad,mug\n" * 500).encode(), "")
    assert (part.left_out, len(part.mistakes), part.mistakes[0].line) == (500, 20, 3)


def test_an_endpoint_may_name_skus_alone():
    for value in (["A", "B"], {"recommendations": ["A", "B"]}):
        assert read_recommended(json.dumps(value).encode(), "") == ("A", "B")
    assert read_recommended(b"[]", "") == ()
    assert read_recommended(CSV.encode(), "") == (TEA, KETTLE)


def test_a_catalogue_finds_by_sku_category_and_tag_and_one_of_each_group_on_a_shelf():
    text = "\n".join(
        [
            "id,title,link,item_group_id,product_type,custom_label_0,availability",
            "M1,Mug blue,/m1,MUG,Home > Mugs,gift,",
            "M2,Mug red,/m2,MUG,Home > Mugs,gift,",
            "J,Jug,/j,,Home > Jugs,,",
            "G,Gone,/g,,Home > Mugs,,out of stock",
        ]
    )
    found = read_catalogue(text.encode(), "")
    assert [one.sku for one in found.first] == ["M1", "J"]
    assert {sku: len(there) for sku, there in found.by_sku.items()} == {"m1": 1, "m2": 1, "j": 1, "g": 1}
    names = {name: [one.sku for one in there] for name, there in found.by_category.items()}
    assert names == {"home": ["M1", "J"], "mugs": ["M1"], "home > mugs": ["M1"], "jugs": ["J"], "home > jugs": ["J"]}
    assert [one.sku for one in found.by_tag["gift"]] == ["M1"]


def test_a_category_has_its_own_name_first():
    assert category_keys(" Home >Kitchen>  Tea  Pots ") == (
        "home > kitchen > tea pots", "tea pots", "home > kitchen", "kitchen", "home",
    )  # fmt: skip
    assert category_keys("") == category_keys(" > ") == ()


_PIECES = st.sampled_from(
    ["<rss>", "<item>", "</item>", "</rss>", "<g:price>", "title,link\n", "Tea,/tea\n", '"', ",", "\n", "\x00", "{", "[", "]",
     '{"title": "T", "link": "javascript:1"}', '"products":', "9.90 EUR", "<![CDATA[", "&#0;", "é", "\ud7ff", "\t", ";"]
)  # fmt: skip


@given(st.binary(max_size=300) | st.lists(_PIECES, max_size=40).map(lambda parts: "".join(parts).encode()))
def test_whatever_the_bytes_are_only_what_can_be_linked_comes_out(body):
    for read in (read_products, read_catalogue, read_recommended):
        with suppress(ValueError):
            made = read(body, "text/csv", currency="EUR")
            listed = made.value if isinstance(made, PartRead) else made
            for one in listed if isinstance(listed, tuple) else listed.first:
                text = one if isinstance(one, str) else one.name
                assert len(text) <= 150
                assert not {"\x00", "\n"} & set(text)
                assert isinstance(one, str) or is_web_address(one.url, paths=True)


@given(st.text(max_size=40), st.sampled_from(["", "EUR"]))
def test_a_price_is_plain_decimal_or_refused(written, currency):
    with suppress(ValueError):
        text, code = amount_of(written, currency)
        Product("Tea", "/tea", price=text, currency=code)
        digits = "".join(char for char in written if char in "0123456789")
        assert text.replace(".", "") == digits
