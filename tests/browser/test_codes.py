"""What is offered for the next order and to friends, on the page of an order that has arrived."""

from collections.abc import Callable, Iterator

import pytest
from msgspec import structs
from playwright.sync_api import BrowserContext, Page

from .looks import Look, amiss, in_four_looks
from .orders import SHOP, Orders, running

pytestmark = pytest.mark.browser
WIDGETS = {
    "offer": {
        "text": {"en": "10% off, as a thank-you.", "de": "10 % Rabatt.", "ar": "خصم 10٪."},
        "terms": "Once per customer.",
        "terms_url": "https://shop.example/terms",
        "url": "https://shop.example/discount/{code}",
        "days": 30,
    },
    "referral": {
        "link": "https://shop.example/friends?a=1",
        "reward": {"en": "€10 off your next order", "de": "10 € Rabatt", "ar": "خصم 10 يورو"},
        "friend_reward": {"en": "€10 off the first order", "de": "10 € Rabatt", "ar": "خصم 10 يورو"},
        "terms_url": "https://shop.example/terms",
    },
}
SHARED = "navigator.share = async (given) => { window.shared = given }"


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    shop = structs.replace(SHOP, widgets={**SHOP.widgets, **WIDGETS})
    with running(tmp_path_factory.mktemp("codes"), shop=shop) as orders:
        yield orders


@pytest.mark.parametrize("look", [*in_four_looks(5), *in_four_looks(7), *in_four_looks(9)])
def test_offer_and_link_are_for_everybody_in_every_look(
    orders: Orders, context_of: Callable[..., BrowserContext], look: Look
) -> None:
    page = context_of().new_page()
    assert amiss(page, orders.address("arrived", look.theme, look.language), look) == []
    assert page.locator("#widget-offer, #widget-referral").count() == 2


def test_without_a_script_the_offer_is_used_and_the_link_passed_on(
    orders: Orders, context_of: Callable[..., BrowserContext]
) -> None:
    page = context_of(java_script_enabled=False).new_page()
    page.goto(orders.address("arrived"))
    code = page.locator("#widget-offer bdi.number").inner_text()
    used = page.get_by_role("link", name="Shop with this code")
    assert f"to=https%3A%2F%2Fshop.example%2Fdiscount%2F{code}&s=" in str(used.get_attribute("href"))
    link = page.get_by_label("Your own link").input_value()
    mail = page.get_by_role("link", name="Send by email").get_attribute("href")
    assert link.startswith("https://shop.example/friends?a=1&ref=")
    assert mail is not None
    assert mail.startswith("mailto:?subject=")
    page.get_by_role("link", name="Show as a QR code").click()
    assert page.locator("svg title").text_content() == "QR code of this link"


def test_a_phone_s_own_sheet_gets_the_link(orders: Orders, context_of: Callable[..., BrowserContext]) -> None:
    page = context_of().new_page()
    page.add_init_script(SHARED)
    page.goto(orders.address("arrived"))
    page.get_by_role("button", name="Share").click()
    assert page.evaluate("shared") == {"url": page.get_by_label("Your own link").input_value()}


def test_a_browser_without_a_sheet_shows_no_button_for_it(
    orders: Orders, context_of: Callable[..., BrowserContext]
) -> None:  # fmt: skip
    page: Page = context_of().new_page()
    page.add_init_script("delete Navigator.prototype.share")
    page.goto(orders.address("arrived"))
    assert page.get_by_role("button", name="Share").count() == 0
