import msgspec
import pytest

from doorstep import TROUBLE, When
from doorstep.testing import WidgetContract
from doorstep_cross_sell import CrossSell, Product, Settings

MUG = {"name": "Mug", "url": "https://shop.example/mug", "image": "/i/mug.jpg", "price": "12.50", "currency": "EUR"}


def cross_sell(*products, **settings):
    return CrossSell(msgspec.convert({"products": products, **settings}, Settings))


def shown(widget, view):
    context = widget.context(view)
    return [product.name for product in context.products] if context else []


def named(*names, **fields):
    return [{"name": name, "url": f"/{name}", **fields} for name in names]


class TestContract(WidgetContract):
    package = "doorstep_cross_sell"
    settings = {
        "title": "More from the workshop",
        "count": 2,
        "products": [MUG, {"name": "Tea towel", "url": "/towel", "languages": ["en", "pt-BR"]}],
    }


def test_a_product_is_one_link_with_picture_name_and_price(view, render):
    page = render(cross_sell(MUG), view())
    [link] = page.findall(".//ul[@class='products']/li/a")
    assert link.get("href") == "https://shop.example/mug"
    picture = link.find("img")
    assert (picture.get("src"), picture.get("alt"), picture.get("loading")) == ("/i/mug.jpg", "", "lazy")
    assert picture.get("width")
    assert picture.get("height")
    assert link.find("span[@class='product-name']").text == "Mug"
    assert link.find("span[@class='product-price']").text == "EUR 12.50"


def test_without_picture_and_price_the_name_alone_is_the_link(view, render):
    page = render(cross_sell({"name": "Gift card", "url": "/gift"}), view())
    [link] = page.findall(".//ul[@class='products']/li/a")
    assert [part.tag for part in link] == ["span"]


@pytest.mark.parametrize(("title", "heading"), [("", "You may also like"), ("For <you>", "For <you>")])
def test_the_shops_own_title_replaces_the_translated_one(view, render, title, heading):
    page = render(cross_sell(MUG, title=title), view())
    assert "".join(page.find(".//h2[@id='w1-title']").itertext()) == heading


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


def test_nothing_fitting_shows_nothing(view):
    assert cross_sell(*named("de", languages=["de"])).context(view(language="en")) is None
    assert cross_sell().context(view()) is None


def test_nothing_is_sold_to_someone_whose_parcel_is_in_trouble():
    assert CrossSell.when == When(except_status=TROUBLE)


def test_a_page_without_shipment_may_show_products(view):
    assert shown(cross_sell(MUG), view(None)) == ["Mug"]


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


@pytest.mark.parametrize("url", GOOD)
def test_web_addresses_and_paths_of_the_host_are_accepted(url):
    assert Product("Mug", url, image=url).url == url


@pytest.mark.parametrize("url", BAD)
def test_any_other_address_is_refused_with_the_field_and_what_to_write(url):
    with pytest.raises(ValueError, match=r"^url .* cannot be linked: write https://…"):
        Product("Mug", url)


@pytest.mark.parametrize("url", [url for url in BAD if url])
def test_a_picture_is_held_to_the_same_rule(url):
    with pytest.raises(ValueError, match=r"^image .* cannot be linked"):
        Product("Mug", "/mug", image=url)


def test_the_refusal_says_which_product():
    with pytest.raises(msgspec.ValidationError, match=r"products\[1\]"):
        cross_sell(MUG, {"name": "Bad", "url": "javascript:1"})


@pytest.mark.parametrize("price", ["12,50", "-1", "1e3", "NaN", "12.", ".5", " 1", "١٢", "1.00\n"])
def test_a_price_that_is_not_a_plain_decimal_is_refused(price):
    with pytest.raises(ValueError, match="decimal text"):
        Product("Mug", "/mug", price=price, currency="EUR")


@pytest.mark.parametrize(("price", "currency"), [("1", ""), ("", "EUR"), ("1", "eur"), ("1", "€")])
def test_a_price_needs_its_currency(price, currency):
    with pytest.raises(ValueError, match="currency"):
        Product("Mug", "/mug", price=price, currency=currency)


@pytest.mark.parametrize("settings", [{"count": 0}, {"count": 13}, {"colour": "red"}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(msgspec.ValidationError):
        cross_sell(MUG, **settings)


def test_a_nameless_product_is_refused():
    with pytest.raises(ValueError, match="name is empty"):
        Product(" ", "/mug")
