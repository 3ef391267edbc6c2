"""The pages of orders in a browser: for everybody, on a narrow screen, without a script, light enough."""

from collections.abc import Callable, Iterator

import html5lib
import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page

from .orders import Orders, running
from .sites import LANGUAGES
from .test_access import SMALL, violations
from .test_layout import OVERFLOW
from .test_markup import check_references
from .test_weight import FIRST_FLIGHT, _Styles

pytestmark = pytest.mark.browser

NAMES = (
    "before any parcel", "two parcels", "late", "arrived", "cancelled", "pickup and lost", "not scanned yet", "look-up form",
)  # fmt: skip
UNFOLD = "for (const one of document.querySelectorAll('details.fold')) one.open = true"


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    with running(tmp_path_factory.mktemp("orders")) as orders:
        yield orders


@pytest.fixture
def page(context_of: Callable[..., BrowserContext]) -> Page:
    return context_of().new_page()


def rows(name: str) -> list[tuple[str, str, str]]:
    """Theme, language and scheme: each page in both themes and both schemes, the languages taking turns."""
    turn = NAMES.index(name)
    return [("classic", LANGUAGES[turn % 4], "dark"), ("minimal", LANGUAGES[(turn + 3) % 4], "light")]


@pytest.mark.parametrize("name", NAMES)
def test_everybody_can_use_it_folded_and_unfolded(orders: Orders, page: Page, name: str) -> None:
    for theme, language, scheme in rows(name):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(orders.address(name, theme, language))
        assert violations(page) == "", (theme, language)
        page.evaluate(UNFOLD)
        assert violations(page) == "", (theme, language)
        assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("name", NAMES)
def test_it_needs_no_sideways_scrolling(orders: Orders, page: Page, name: str) -> None:
    for theme, language in (("classic", "de"), ("minimal", "ar")):
        page.set_viewport_size({"width": 320, "height": 640})
        page.goto(orders.address(name, theme, language))
        page.evaluate(UNFOLD)
        assert page.evaluate(OVERFLOW) == []
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        page.set_viewport_size({"width": 640, "height": 640})
        assert page.evaluate(OVERFLOW) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_in_the_first_screenful_of_a_phone(orders: Orders, page: Page, name: str) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    for theme in ("classic", "minimal"):
        page.goto(orders.address(name, theme, "de"))
        box = page.locator("h1").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 320


def test_a_problem_is_reported_without_a_script(orders: Orders, context_of: Callable[..., BrowserContext]) -> None:
    page = context_of(java_script_enabled=False).new_page()
    page.goto(orders.address("two parcels"))
    page.get_by_text("Report a problem").click()
    page.get_by_label("Which parcel?").select_option(index=1)
    page.get_by_label("What is wrong?").fill("The left shoe is missing")
    page.get_by_role("button", name="Send to the shop").click()
    assert page.get_by_role("status").inner_text() == "Thank you. The shop has your message."
    assert page.url.endswith("#form-problem")


def test_an_order_is_found_by_its_number_and_postcode(orders: Orders, page: Page) -> None:
    page.goto(orders.address("look-up form"))
    page.get_by_label("Order number").fill("1001")
    page.get_by_label("E-mail address or postcode").fill("10119")
    page.get_by_role("button", name="Show order").click()
    assert page.locator("h1").inner_text() == "We are preparing your order"
    assert page.context.cookies() == []


def test_nothing_is_asked_of_anybody_else(orders: Orders, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(orders.address("two parcels"))
    page.evaluate(UNFOLD)
    page.wait_for_load_state("networkidle")
    assert {url for url in asked if not url.startswith(orders.url)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", ["classic", "minimal"])
def test_page_of_two_parcels_and_its_style_fit_into_the_first_flight(orders: Orders, theme: str, language: str) -> None:
    with httpx2.Client(trust_env=False, timeout=30, headers={"accept-encoding": "gzip"}) as client:
        page = client.get(orders.address("two parcels", theme, language))
        html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.text)
        check_references(html5lib.HTMLParser(namespaceHTMLElements=False).parse(page.text))
        style = client.get(orders.url + _Styles(page.text).found[0])
    sizes = [int(answer.headers["content-length"]) for answer in (page, style)]
    assert sum(sizes) < FIRST_FLIGHT, sizes
