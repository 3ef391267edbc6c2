"""The example storefront, on an origin of its own, asks a running shop and shows what it says."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec import Struct, structs
from playwright.sync_api import BrowserContext, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from doorstep.app import assemble
from doorstep.banner import Banner
from doorstep.config import Server
from doorstep.demo import demo_config
from doorstep.engine import create_engine
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.testing import serve

from ..shopfront import parsed, words
from .sites import DELIVERED, PAGES, number_of

pytestmark = pytest.mark.browser
FILE = Path(__file__).parents[2] / "docs" / "examples" / "storefront.html"
OWN_ADDRESS = 'name="doorstep" content="http://127.0.0.1:8000"'
LATE = Banner({"en": "Parcels are a day late this week."})
TWO_PARCELS = number_of("dhl", "two_shipments")


class Front(Struct, frozen=True):
    """The storefront's address, and the shop's that it asks."""

    url: str
    shop: str


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    shops: list[str] = []

    def example(request: Request) -> Response:
        return HTMLResponse(example_for(shops[0]))

    sandbox = sandbox_of(installed(), today=datetime.now(UTC).date())
    with serve(Starlette(routes=[Route("/track.html", example)])) as storefront, serve(sandbox.app) as carriers:
        config = demo_config(
            sandbox_accounts(sandbox, carriers.url),
            database=f"sqlite:///{tmp_path_factory.mktemp('storefront') / 'shop.db'}",
            server=Server(deadline=20),
        )
        store = structs.replace(config.stores["classic"], allowed_origins=(storefront.url, "null"), banners=(LATE,))
        app = assemble(create_engine(structs.replace(config, stores={"classic": store})))
        with serve(app) as shop:
            shops.append(shop.url)
            yield Front(f"{storefront.url}/track.html", shop.url)


def example_for(shop: str) -> str:
    """The example, with the one line changed that a shop changes."""
    text = FILE.read_text("utf-8")
    assert text.count(OWN_ADDRESS) == 1
    return text.replace(OWN_ADDRESS, f'name="doorstep" content="{shop}"')


@pytest.fixture
def opened(front: Front, context_of: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """`opened("?number=…")`: the storefront in a fresh profile. It may ask itself and the shop, nobody else."""
    amiss: list[str] = []

    def open_(query: str = "", **options: Any) -> Page:
        page = context_of(**options).new_page()
        page.on("pageerror", lambda error: amiss.append(str(error)))
        allowed = (front.url, f"{front.shop}/api/v1/pages/", "data:")
        page.on("request", lambda request: request.url.startswith(allowed) or amiss.append(request.url))
        page.goto(f"{front.url}{query}")
        return page

    yield open_
    assert amiss == []


def violations(page: Page) -> list[str]:
    return [one["id"] for one in Axe().run(page).response["violations"]]


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_a_number_that_is_typed_is_shown_with_answer_steps_and_journey(opened: Callable[..., Page]) -> None:
    page = opened(locale="en-GB")
    page.get_by_label("Tracking number").fill(DELIVERED)
    page.get_by_role("button", name="Track").click()
    heading(page, "Delivered")
    expect(page.locator(".steps .current")).to_have_text("Delivered")
    expect(page.locator(".events li").first).to_contain_text("Delivered")
    expect(page.get_by_text(DELIVERED, exact=True)).to_be_visible()
    assert f"number={DELIVERED}" in page.url
    assert page.title() == "Delivered · Harbour & Pine"
    assert violations(page) == []


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("fr", "ltr"), ("ar", "rtl")])
def test_all_of_it_is_in_the_language_of_the_shops_own_page(
    front: Front, opened: Callable[..., Page], language: str, direction: str
) -> None:
    page = opened(f"?number={DELIVERED}&lang={language}", color_scheme="dark")
    own = page.request.get(f"{front.shop}/track/{DELIVERED}?lang={language}").text()
    heading(page, words(parsed(own).find(".//h1")))
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("html").get_attribute("dir") == direction
    assert page.get_by_role("button").inner_text() not in ("", "Track")
    assert violations(page) == []


def test_another_language_is_chosen_without_leaving(opened: Callable[..., Page]) -> None:
    page = opened(f"?number={DELIVERED}&lang=en")
    heading(page, "Delivered")
    page.get_by_label("Language").select_option("de")
    heading(page, "Zugestellt")
    assert "lang=de" in page.url


def test_of_two_parcels_the_chosen_one_is_shown(opened: Callable[..., Page]) -> None:
    page = opened(f"?number={TWO_PARCELS}&lang=en")
    heading(page, "Which of these parcels is yours?")
    page.locator("#page a").first.click()
    expect(page.locator(".steps")).to_be_visible()
    assert "parcel=" in page.url


def test_a_word_of_the_shop_to_everybody_stands_above(opened: Callable[..., Page]) -> None:
    page = opened(f"?number={DELIVERED}&lang=en")
    expect(page.locator("#page > :first-child")).to_have_text("Parcels are a day late this week.")


@pytest.mark.parametrize("kind", ["not found", "unavailable", "unrecognised", "no number at all", "link only"])
def test_what_is_no_parcel_is_said_kindly_too(opened: Callable[..., Page], kind: str) -> None:
    path, _ = PAGES[kind]
    page = opened(f"?number={path.removeprefix('/track/')}&lang=en")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("")
    assert "cannot be reached" not in page.locator("#page").inner_text()
    assert violations(page) == []


def test_a_shop_that_does_not_answer_is_said_and_can_be_asked_again(opened: Callable[..., Page]) -> None:
    page = opened(locale="en-GB")
    page.route("**/api/v1/pages/**", lambda route: route.abort())
    page.get_by_label("Tracking number").fill(DELIVERED)
    page.get_by_role("button", name="Track").click()
    heading(page, "The tracking service cannot be reached. Please try again in a minute.")
    page.unroute("**/api/v1/pages/**")
    page.get_by_role("button", name="Track").click()
    heading(page, "Delivered")


@pytest.mark.fault(33)
def test_nothing_that_arrives_becomes_markup_or_a_script(opened: Callable[..., Page]) -> None:
    page = opened()
    hero = {
        "headline": "<img src=x onerror=alert(1)>", "detail": "<b>bold</b>", "when": "", "delayed": "", "tone": "good",
        "action": {"label": "Press", "url": "javascript:alert(1)"},
    }  # fmt: skip
    info = {"title": "t", "language": "en", "dir": "ltr", "languages": [], "refresh": 0}
    view = {"page": info, "hero": hero, "banners": [], "choices": [], "steps": [], "notice": None, "shipment": None}
    page.route("**/api/v1/pages/**", lambda route: route.fulfill(json=view))
    page.get_by_role("textbox").fill("ABC123")
    page.get_by_role("button").first.click()
    heading(page, "<img src=x onerror=alert(1)>")
    assert page.locator("#page img, #page b, #page a").count() == 0
    expect(page.get_by_text("Press")).to_be_visible()


def test_on_a_narrow_phone_nothing_scrolls_sideways(opened: Callable[..., Page]) -> None:
    page = opened(f"?number={DELIVERED}&lang=de", viewport={"width": 320, "height": 640})
    heading(page, "Zugestellt")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_it_works_from_a_file_too(front: Front, context_of: Callable[..., BrowserContext], tmp_path: Path) -> None:
    file = tmp_path / "track.html"
    file.write_text(example_for(front.shop), "utf-8")
    page = context_of(locale="en-GB").new_page()
    page.goto(file.as_uri())
    page.get_by_label("Tracking number").fill(DELIVERED)
    page.get_by_role("button", name="Track").click()
    heading(page, "Delivered")
