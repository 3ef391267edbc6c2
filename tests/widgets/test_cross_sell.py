"""Products that go with what was bought: which are chosen, and what of them is shown. Feeds are in a file of their own."""

import json
from datetime import date

import msgspec
import pytest

from doorstep import TROUBLE, ItemFacts, Need, OrderFacts, ShipmentFacts, Status, When
from doorstep.testing import WidgetContract
from doorstep_cross_sell import CrossSell, Product, Settings
from doorstep_cross_sell.feeds import read_catalogue, read_recommended

MUG = {"name": "Mug", "url": "https://shop.example/mug", "image": "/i/mug.jpg", "price": "12.50", "currency": "EUR"}
FEED = """id,title,link,product_type,tags,item_group_id,availability,price
MUG-BLUE,Mug blue,/mug-blue,Home > Mugs,ceramic,MUG,,12.50 EUR
MUG-RED,Mug red,/mug-red,Home > Mugs,ceramic,MUG,,12.50 EUR
POT,Teapot,/pot,Home > Teapots,ceramic,,,39.00 EUR
TRAY,Tray,/tray,Home > Trays,wood,,,21.00 EUR
LAMP,Lamp,/lamp,Home > Lamps,,,out of stock,80.00 EUR
TEA,Tea,/tea,Food > Tea,,,preorder,4.50 EUR
"""
KNOWN = {"feed": read_catalogue(FEED.encode(), "feed.csv")}


RULES = [
    {"bought": ["MUG-RED", "MUG-BLUE"], "show": ["TRAY", "POT"]},
    {"categories": ["Food"], "show_categories": ["Teapots"]},
    {"tags": ["wood"], "show_tags": ["ceramic"]},
    {"markets": ["AT"], "languages": ["de"], "show": ["TEA"]},
]


def cross_sell(*products, **settings):
    own = {"products": products} if products else {}
    return CrossSell(msgspec.convert({**own, **settings}, Settings))


def from_feed(**settings):
    return cross_sell(**{"feed": "feed.csv", "count": 12, **settings})


def shown(widget, view):
    context = widget.context(view)
    return [product.name for product in context.products] if context else []


def named(*names, **fields):
    return [{"name": name, "url": f"/{name}", **fields} for name in names]


@pytest.fixture
def bought(view):
    """A page of an order of these SKUs (or items), with the feed there."""

    def make(*items, country="DE", tags=(), sources=KNOWN, **fields):
        known = tuple(one if isinstance(one, ItemFacts) else ItemFacts(one, sku=one) for one in items)
        order = OrderFacts("o1", date(2026, 11, 18), country, tags)
        return view(level=1, items=known, order=order, sources=sources, **fields)

    return make


class TestContract(WidgetContract):
    package = "doorstep_cross_sell"
    settings = {
        "title": "More from the workshop",
        "count": 2,
        "products": [MUG, {"name": "Tea towel", "url": "/towel", "languages": ["en", "pt-BR"]}],
        "guides": [{"name": "How to wash it", "url": "/wash", "categories": ["Kitchen"]}],
    }


class TestContractWithAFeed(WidgetContract):
    package = "doorstep_cross_sell"
    settings = {
        "feed": "feed.csv",
        "endpoint": "https://shop.example/recommend?sku={skus}",
        "count": 12,
        "rules": RULES,
        "fallback": ["TEA", "POT"],
        "bundles": [{"name": "Set", "items": ["POT", "TRAY"], "url": "/set", "price": "9", "currency": "EUR"}],
    }
    feeds = {"feed": (FEED.encode(), "text/csv"), "endpoint": (b'["POT", "MUG-RED"]', "application/json")}


def test_nothing_is_sold_to_someone_whose_parcel_is_in_trouble_and_nobody_is_named():
    assert CrossSell.when == When(except_status=TROUBLE)
    assert CrossSell.needs == {Need.SHIPMENT, Need.ORDER, Need.ITEMS}


# What is shown of a product.


def test_a_product_is_one_link_with_picture_name_and_price(view, render):
    page = render(cross_sell(MUG), view())
    [link] = page.findall(".//ul[@class='products']/li/a")
    assert link.get("href") == "https://shop.example/mug"
    picture = link.find("img")
    assert (picture.get("src"), picture.get("alt"), picture.get("loading")) == ("/i/mug.jpg", "", "lazy")
    assert picture.get("width")
    assert picture.get("height")
    assert link.find("span[@class='product-name']/bdi").text == "Mug"
    assert link.find("span[@class='product-price']").text == "EUR 12.50"


def test_without_picture_and_price_the_name_alone_is_the_link(view, render):
    page = render(cross_sell({"name": "Gift card", "url": "/gift"}), view())
    [link] = page.findall(".//ul[@class='products']/li/a")
    assert [part.tag for part in link] == ["span"]


@pytest.mark.parametrize(("title", "heading"), [("", "You may also like"), ("For <you>", "For <you>")])
def test_the_shops_own_title_replaces_the_translated_one(view, render, title, heading):
    page = render(cross_sell(MUG, title=title), view())
    assert "".join(page.find(".//h2[@id='w1-title']").itertext()) == heading


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({"sale_price": "9.90"}, "EUR 9.90 instead of EUR 12.50"),
        ({"sale_price": "15.00"}, "EUR 12.50"),
        ({"sale_price": "9.90", "sale_from": "2026-11-22"}, "EUR 9.90 instead of EUR 12.50"),
        ({"sale_price": "9.90", "sale_from": "2026-11-23"}, "EUR 12.50"),
        ({"sale_price": "9.90", "sale_until": "2026-11-22"}, "EUR 9.90 instead of EUR 12.50"),
        ({"sale_price": "9.90", "sale_until": "2026-11-21"}, "EUR 12.50"),
    ],
)
def test_a_reduced_price_is_shown_beside_the_old_one_on_its_days(view, render, fields, price):
    page = render(cross_sell({**MUG, **fields}), view(today=date(2026, 11, 22)))
    assert page.find(".//span[@class='product-price']").text == price


@pytest.mark.parametrize(
    ("availability", "words"),
    [("in_stock", ["In stock"]), ("preorder", ["Can be ordered ahead"]), ("backorder", ["On back order"]), ("", [])],
)
def test_availability_is_said_in_words(view, render, availability, words):
    page = render(cross_sell({"name": "Mug", "url": "/mug", "availability": availability}), view())
    assert [one.text for one in page.findall(".//span[@class='product-price']")] == words


def test_a_bundle_says_what_is_in_it_and_what_it_saves(bought, render):
    set_ = {"name": "Tea for two", "items": ["POT", "TRAY"], "url": "/set", "price": "49.00", "currency": "EUR"}
    page = render(from_feed(bundles=[set_], count=1), bought("MUG-RED"))
    [link] = page.findall(".//li[@class='product-bundle']/a")
    assert link.get("href") == "/set"
    texts = ["".join(one.itertext()) for one in link.findall("span")]
    assert texts == ["Goes with what you bought", "Tea for two", "Teapot + Tray", "EUR 49.00 instead of EUR 60.00"]


def test_guides_stand_before_what_is_sold_under_a_heading_of_their_own(bought, render):
    guide = {"name": "How to wash ceramics", "url": "/wash", "tags": ["ceramic"]}
    page = render(from_feed(guides=[guide], count=1), bought("POT"))
    assert [one.get("id") for one in page.findall(".//h2")] == ["w1-title", "w1-more"]
    [link] = page.findall(".//ul[@class='options guides']/li/a")
    assert (link.get("href"), "".join(link.itertext())) == ("/wash", "How to wash ceramics")


# Which are chosen.


def test_the_first_products_are_shown_up_to_count(view):
    assert shown(cross_sell(*named("a", "b", "c"), count=2), view()) == ["a", "b"]


@pytest.mark.parametrize(
    ("language", "names"),
    [("en", ["all"]), ("pt-BR", ["all", "pt", "brazil"]), ("pt-PT", ["all", "pt"]), ("ptx", ["all"])],
)
def test_a_product_for_some_languages_is_on_their_pages_only(view, language, names):
    products = named("all") + named("pt", languages=["pt"]) + named("brazil", languages=["pt_BR"])
    assert shown(cross_sell(*products), view(language=language)) == names


def test_products_of_other_languages_do_not_use_up_the_count(view):
    products = named("de", languages=["de"]) + named("en", languages=["en"])
    assert shown(cross_sell(*products, count=1), view(language="en")) == ["en"]


def test_a_product_for_some_markets_is_shown_where_the_order_or_its_parcel_goes(view, bought):
    widget = cross_sell(*named("all"), *named("french", markets=["FR"]), *named("german", markets=["DE"]))
    assert shown(widget, view()) == ["all", "german"]  # the parcel's country
    assert shown(widget, bought("X", country="FR", sources={})) == ["all", "french"]
    assert shown(widget, view(None)) == ["all"]


def test_nothing_fitting_shows_nothing(view):
    assert cross_sell(*named("de", languages=["de"])).context(view(language="en")) is None
    assert from_feed().context(view()) is None  # the feed is not there yet


def test_a_page_without_shipment_may_show_products(view):
    assert shown(cross_sell(MUG), view(None)) == ["Mug"]


def test_where_nothing_is_known_of_the_order_the_first_of_the_feed_are_shown_one_of_a_group(view):
    assert shown(from_feed(), view(sources=KNOWN)) == ["Mug blue", "Teapot", "Tray", "Tea"]


def test_nothing_bought_is_offered_again_nor_another_colour_of_it(bought):
    assert shown(from_feed(), bought("mug-red", "TEA")) == ["Teapot", "Tray"]
    assert "Teapot" not in shown(from_feed(), bought(ItemFacts("Pot", url="/pot")))
    assert "Mug blue" not in shown(from_feed(), bought("MUG"))  # the order names the group


def test_without_rules_those_of_the_same_category_come_first(bought):
    food = read_catalogue(b"title,link,category\nCup,/c,Home\nGreen tea,/g,Food > Tea\nJam,/j,Food", "")
    page = bought(ItemFacts("Black tea", category="Food > Tea"), sources={"feed": food})
    assert shown(from_feed(), page) == ["Green tea", "Jam", "Cup"]


@pytest.mark.parametrize(
    ("items", "names"),
    [
        (["MUG-RED"], ["Tray", "Teapot"]),
        (["TEA"], ["Teapot"]),
        (["TRAY"], ["Mug blue", "Teapot"]),
        (["MUG-BLUE", "TRAY"], ["Teapot"]),
        ([ItemFacts("Oolong", category="food")], ["Teapot"]),
        ([ItemFacts("Board", tags=("Wood",))], ["Mug blue", "Teapot"]),
        (["OTHER"], []),
        ([], []),
    ],
)
def test_rules_name_what_goes_with_what(bought, items, names):
    assert shown(from_feed(rules=RULES), bought(*items)) == names


def test_a_tag_of_the_order_counts_as_one_of_its_items(bought):
    assert shown(from_feed(rules=RULES), bought("X", tags=("wood",))) == ["Mug blue", "Teapot"]


def test_all_that_a_rule_asks_for_must_hold(bought):
    widget = from_feed(rules=RULES)
    assert shown(widget, bought(country="AT", language="de-AT")) == ["Tea"]
    assert shown(widget, bought(country="AT")) == shown(widget, bought(country="DE", language="de")) == []


def test_the_fallback_fills_up_what_rules_leave(bought, view):
    widget = from_feed(rules=RULES, fallback=["TEA", "TRAY", "LAMP", "NONE"])
    assert shown(widget, bought("MUG-RED")) == ["Tray", "Teapot", "Tea"]
    assert shown(widget, view(sources=KNOWN)) == ["Tea", "Tray"]


def test_what_the_endpoint_recommends_comes_first_whether_named_or_told(bought):
    there = {**KNOWN, "endpoint": read_recommended(b'["TRAY", "LAMP", "POT", "NONE"]', "")}
    assert shown(from_feed(fallback=["TEA"]), bought("POT", sources=there)) == ["Tray", "Tea"]
    new = json.dumps([{"title": "New", "link": "/new"}, {"id": "POT", "title": "Pot", "link": "/p"}]).encode()
    there["endpoint"] = read_recommended(new, "")
    assert shown(from_feed(fallback=["TEA"]), bought("POT", sources=there)) == ["New", "Tea"]


def test_without_the_endpoint_the_rest_is_there(bought):
    assert shown(from_feed(endpoint="https://shop.example/r", fallback=["TEA"]), bought("POT")) == ["Tea"]


@pytest.mark.parametrize(
    ("items", "found"),
    [(["MUG-RED"], True), ([], False), (["TEA"], False), (["MUG-RED", "TRAY"], False)],
    ids=["fits", "nothing bought", "another", "a part was bought"],
)
def test_a_bundle_is_for_whom_it_fits_and_who_has_nothing_of_it(bought, items, found):
    bundle = {"name": "Set", "items": ["POT", "TRAY"], "url": "/set", "bought": ["MUG-RED"]}
    context = from_feed(bundles=[bundle]).context(bought(*items))
    assert (context.bundle is not None) == found


@pytest.mark.parametrize("items", [["POT", "LAMP"], ["POT", "NONE"]], ids=["out of stock", "unknown"])
def test_a_bundle_that_cannot_be_had_whole_is_not_shown(bought, items):
    bundle = {"name": "Set", "items": items, "url": "/set"}
    assert from_feed(bundles=[bundle]).context(bought("MUG-RED")).bundle is None


def test_a_page_stays_light_whatever_the_addresses(view):
    long = [{"name": f"P{n}", "url": f"/{n}" + "x" * 900} for n in range(12)]
    assert shown(cross_sell(*long, count=12), view()) == ["P0", "P1"]


# Where it comes from.


def test_the_endpoint_is_asked_for_what_was_bought_whatever_the_order(bought):
    widget = cross_sell(endpoint="https://shop.example/r?sku={skus}&language={language}&country={country}")
    [source] = widget.sources(bought("B&C", "A", "A", language="pt-BR", country="AT"))
    assert source.address == "https://shop.example/r?sku=A,B%26C&language=pt-BR&country=AT"
    assert (source.name, source.every) == ("endpoint", 900)


def test_of_a_large_order_twenty_skus_are_asked_for(bought):
    [source] = cross_sell(endpoint="https://shop.example/r?sku={skus}").sources(
        bought(*(f"S{n:02}" for n in range(90)))
    )
    assert source.address.endswith("S18,S19")


def test_a_feed_may_be_one_of_each_language_and_market(view):
    widget = cross_sell(feed="feeds/{language}-{country}.csv", every=60)
    [source] = widget.sources(view(language="pt-BR"))
    assert (source.address, source.every, source.may_lack) == ("feeds/pt-BR-DE.csv", 60, True)
    assert widget.sources(view(None)) == []  # of no market there is no feed
    [source] = cross_sell(feed="feeds/{language}.csv").sources(view())
    assert not source.may_lack  # the shop speaks a few languages, and has a feed in each


def test_what_is_filled_in_leads_out_of_no_folder(view):
    country = ShipmentFacts("acme", Status.IN_TRANSIT, False, False, "/../../etc/passwd")
    [source] = cross_sell(feed="feeds/{country}.csv").sources(view(shipment=country))
    assert source.address == "feeds/....etcpasswd.csv"


def test_prices_without_a_currency_are_in_that_of_the_settings(view):
    [source] = cross_sell(feed="feed.csv", currency="EUR").sources(view())
    [tea] = source.read(b"title,link,price\nTea,/tea,4.50", "feed.csv").first
    assert (tea.price, tea.currency) == ("4.50", "EUR")


# Settings.


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "nothing to show: set products, feed, endpoint or guides"),
        ({"feed": "feed.csv", "count": 0}, "count"),
        ({"feed": "feed.csv", "count": 13}, "count"),
        ({"feed": "feed.csv", "colour": "red"}, "colour"),
        (
            {"feed": "ftp://shop.example/feed"},
            "feed 'ftp://shop.example/feed' cannot be asked: write https://… or the name",
        ),
        ({"feed": "https://user:key@shop.example/feed"}, "cannot be asked"),
        ({"feed": "feed-{sku}.csv"}, r"placeholder {sku} that is none: there are {language}, {country}"),
        ({"feed": "feed-{skus}.csv"}, "placeholder {skus} that is none"),
        ({"endpoint": "recommend.json"}, "endpoint 'recommend.json' cannot be asked: write https://…"),
        ({"endpoint": "https://{country}.shop.example/"}, "a placeholder in its host: put it behind that"),
        ({"feed": "f", "rules": [{"bought": ["A"]}]}, r"shows nothing: set show, .*rules\[0\]"),
        ({"feed": "f", "rules": [{"show": ["A"], "markets": ["de"]}]}, "markets"),
        ({"feed": "f", "bundles": [{"name": "B", "items": ["A"], "url": "/b"}]}, "length >= 2"),
        ({"feed": "f", "bundles": [{"name": "B", "items": ["A", "C"], "url": "javascript:1"}]}, "cannot be linked"),
        ({"feed": "f", "bundles": [{"name": "B", "items": ["A", "C"], "url": "/b", "price": "5"}]}, "belong together"),
        ({"guides": [{"name": "G", "url": "/g"}]}, "for nothing that was bought: set bought, categories or tags"),
        ({"guides": [{"name": "G", "url": "//evil.example", "tags": ["a"]}]}, "cannot be linked"),
    ],
)
def test_impossible_settings_are_refused_with_what_to_do(settings, reason):
    with pytest.raises(msgspec.ValidationError, match=reason):
        cross_sell(**settings)


GOOD = [
    "https://shop.example/mug?a=1&b=2#top",
    "HTTP://shop.example:8080",
    "https://例え.jp/カップ",
    "https://[2001:db8::1]/mug",
    "/mug",
    "/a/b:c@d",
    "/",
]
BAD = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example/mug",
    "///evil.example/mug",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://shop.example@evil.example/",
    "https://shop.example\\@evil.example/",
    "https://:443/",
    "https://",
    "https://shop.example/a b",
    "mug",
    "../mug",
    "?mug",
    "",
]


def test_web_addresses_and_paths_of_the_host_are_accepted():
    for url in GOOD:
        assert Product("Mug", url, image=url).url == url


def test_any_other_address_is_refused_with_the_field_and_what_to_write():
    for url in BAD:
        with pytest.raises(ValueError, match=r"^url .* cannot be linked: write https://…"):
            Product("Mug", url)
        if url:
            with pytest.raises(ValueError, match=r"^image .* cannot be linked"):
                Product("Mug", "/mug", image=url)


def test_the_refusal_says_which_product():
    with pytest.raises(msgspec.ValidationError, match=r"products\[1\]"):
        cross_sell(MUG, {"name": "Bad", "url": "javascript:1"})


@pytest.mark.parametrize("price", ["12,50", "-1", "1e3", "NaN", "12.", ".5", " 1", "١٢", "1.00\n"])
def test_a_price_that_is_not_a_plain_decimal_is_refused(price):
    for field in ("price", "sale_price"):
        with pytest.raises(ValueError, match="decimal text"):
            Product("Mug", "/mug", **{"price": "1", "currency": "EUR", field: price})


@pytest.mark.parametrize(("price", "currency"), [("1", ""), ("", "EUR"), ("1", "eur"), ("1", "€")])
def test_a_price_needs_its_currency(price, currency):
    with pytest.raises(ValueError, match="currency"):
        Product("Mug", "/mug", price=price, currency=currency)


def test_a_nameless_product_is_refused():
    with pytest.raises(ValueError, match="name is empty"):
        Product(" ", "/mug")
