"""The pages of orders in a browser: for everybody, on a narrow screen, without a script, light enough."""

from collections.abc import Callable, Iterator

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page

from doorstep.demo import THEMES

from ..gates import some
from .looks import LANGUAGES, UNFOLD, Look, amiss, in_looks
from .orders import NAMES, Orders, running
from .test_weight import FIRST_FLIGHT, Assets

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    with running(tmp_path_factory.mktemp("orders")) as orders:
        yield orders


@pytest.fixture
def page(context_of: Callable[..., BrowserContext]) -> Page:
    return context_of().new_page()


@pytest.mark.parametrize(("name", "look"), in_looks(NAMES))
def test_page_is_for_everybody_in_every_look(orders: Orders, page: Page, name: str, look: Look) -> None:
    assert amiss(page, orders.address(name, look.theme, look.language), look) == []


@pytest.mark.parametrize("name", some(NAMES, 4))
def test_the_answer_is_in_the_first_screenful_of_a_phone(orders: Orders, page: Page, name: str) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    for theme in THEMES:
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
@pytest.mark.parametrize("theme", THEMES)
def test_page_of_two_parcels_with_its_style_and_script_fits_into_the_first_flight(
    orders: Orders, theme: str, language: str
) -> None:
    with httpx2.Client(trust_env=False, timeout=30, headers={"accept-encoding": "gzip"}) as client:
        page = client.get(orders.address("two parcels", theme, language))
        answers = [page, *(client.get(orders.url + one) for one in Assets(page.text).found)]
    sizes = [int(answer.headers["content-length"]) for answer in answers]
    assert sum(sizes) < FIRST_FLIGHT, sizes
