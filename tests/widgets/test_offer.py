from datetime import date, timedelta

import msgspec
import pytest

from doorstep import CodeFacts, CodeRule, Kind, Need, Status, When
from doorstep.testing import WidgetContract
from doorstep_offer import Offer, Settings

DAY = date(2026, 11, 20)  # the fixture's
CODE = CodeFacts("AUT 1/ä", date(2026, 12, 4))
TEXTS = {"en": "10 % off", "de": "10 % Rabatt"}


class TestContract(WidgetContract):
    package = "doorstep_offer"
    settings = {"text": TEXTS, "url": "https://shop.example/?code={code}", "terms": "Once per order."}


def offer(**settings):
    return Offer(msgspec.convert({"text": TEXTS, **settings}, Settings))


def test_the_code_is_shown_with_its_last_day_and_a_link_that_uses_it(view, render):
    page = render(offer(url="https://shop.example/discount/{code}?to=/new"), view(code=CODE))
    assert page.find(".//bdi[@class='number']").text == "AUT 1/ä"
    day = page.find(".//time")
    assert (day.get("datetime"), day.text) == ("2026-12-04", "2026-12-04 seen 2026-11-20")
    assert page.find(".//a[@class='button']").get("href") == "https://shop.example/discount/AUT%201%2F%C3%A4?to=/new"


def test_the_texts_are_in_the_reader_s_language_and_marked_with_it(view, render):
    own = offer(title={"de": "Danke"}, terms="Once per order.", terms_url="https://shop.example/terms")
    page = render(own, view(code=CODE, language="de-AT"))
    title, text, terms = (page.find(f".//{tag}/bdi") for tag in ("h2", "p[@class='widget-text']", "p[@class='note']"))
    assert [(one.text, one.get("lang")) for one in (title, text, terms)] == [
        ("Danke", "de"), ("10 % Rabatt", "de"), ("Once per order.", None),
    ]  # fmt: skip
    assert page.find(".//p[@class='note']/a").get("href") == "https://shop.example/terms"


def test_without_more_than_a_text_there_is_no_link_no_end_and_no_terms(view, render):
    page = render(offer(), view(code=CodeFacts("A")))
    assert [page.find(f".//{tag}") for tag in ("a", "time", "p[@class='note']")] == [None] * 3
    assert page.find(".//h2").text == "For your next order"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (None, False),
        (CodeFacts("A"), True),
        (CodeFacts("A", redeemed=True), False),
        (CodeFacts("A", DAY), True),  # the last day counts
        (CodeFacts("A", DAY - timedelta(days=1)), False),
    ],
)
def test_it_is_there_as_long_as_the_code_can_be_used(view, code, shown):
    assert (offer().context(view(code=code)) is not None) == shown


def test_it_shows_after_delivery_and_sees_nothing_but_the_code():
    assert Offer.when == When(status=(Status.DELIVERED,))
    assert Offer.needs == {Need.CODE}


def test_how_orders_get_their_codes_is_the_shop_s_to_say():
    assert offer().codes() == CodeRule(start="delivered")
    assert offer(pool="autumn", days=30, start="placed").codes() == CodeRule(pool="autumn", lasts=30)
    assert offer(prefix="HP-", per_customer=True).codes() == CodeRule(
        prefix="HP-", per_customer=True, start="delivered"
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert('{code}')",
        "https://{code}.shop.example/",
        "https://{code}",
        "//evil.example/{code}",
        "https://shop.example@evil.example/{code}",
        "https://shop.example/{number}",
        "{code}",
        "data:text/html,{code}",
    ],
)
@pytest.mark.fault(37)
def test_a_code_never_chooses_the_host(url):
    with pytest.raises(ValueError, match=r"^url .* cannot be linked"):
        Settings("10 %", url=url)


@pytest.mark.parametrize("url", ["https://shop.example/{code}", "/discount/{code}", "https://shop.example/?c={code}#a"])
def test_a_code_stands_anywhere_behind_it(url):
    assert Settings("10 %", url=url).url == url


@pytest.mark.parametrize(
    "settings",
    [
        {"text": " "},
        {"text": {}},
        {"text": {"en": "10 %", "de": ""}},
        {"pool": "a", "prefix": "b"},
        {"pool": "a b"},
        {"days": 0},
        {"start": "paid"},
        {"terms_url": "/terms"},
        {"code": "A"},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(msgspec.ValidationError):
        offer(**settings)


def test_thanks_lead_to_a_code_that_does_not_end():
    assert offer().follows(Kind.THANKS)
    assert not offer(days=30).follows(Kind.THANKS)
    assert not offer().follows(Kind.SURVEY)
