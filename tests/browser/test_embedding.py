"""A shop's own page, on an origin of its own, with the tracking page inside: as an element, as a frame, below a path."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from msgspec import Struct, structs
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from doorstep.app import assemble
from doorstep.config import Server
from doorstep.demo import demo_config
from doorstep.engine import create_engine
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.testing import serve

from .sites import DELIVERED, number_of

pytestmark = pytest.mark.browser
NUMBER = DELIVERED
TWO_PARCELS = number_of("dhl", "two_shipments")
PAGES = {
    "element": '<doorstep-tracker number="{number}"><a href="{shop}/track/{number}">Track</a></doorstep-tracker>',
    "form": '<doorstep-tracker lang="fr"></doorstep-tracker>',
    "choose": '<doorstep-tracker number="{two}" lang="de"></doorstep-tracker>',
    "frame": '<iframe src="{shop}/track/{number}?embed=1" title="Parcel" width="500" height="90" data-doorstep></iframe>',
}
AROUND = """<!doctype html><html lang="en"><title>Harbour &amp; Pine</title><body style="inline-size: {width}px">
<script src="{shop}/embed.js" async></script>{content}</body></html>"""


class Front(Struct, frozen=True):
    """The shop's pages, the same on an origin that may not embed, and Doorstep's own address."""

    url: str
    stranger: str
    shop: str


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    shops: list[str] = []

    async def page(request: Request) -> Response:
        """One of the pages; below `/tracking` the engine, as a proxy in front of the shop hands it on."""
        name = request.path_params["name"]
        if name == "favicon.ico":
            return Response(status_code=204)
        if name.startswith("tracking"):
            return await handed_on(request, shops[0])
        content = PAGES[name].format(shop=shops[0], number=NUMBER, two=TWO_PARCELS)
        width = request.query_params.get("width", "700")
        return HTMLResponse(AROUND.format(shop=shops[0], content=content, width=width))

    sandbox = sandbox_of(installed(), today=datetime.now(UTC).date())
    around = Starlette(routes=[Route("/{name:path}", page, methods=["GET", "POST"])])
    with serve(around) as shop, serve(around) as stranger, serve(sandbox.app) as carriers:
        config = demo_config(
            sandbox_accounts(sandbox, carriers.url),
            database=f"sqlite:///{tmp_path_factory.mktemp('embedding') / 'shop.db'}",
            server=Server(deadline=20),
        )
        classic = structs.replace(config.stores["classic"], embed_origins=(shop.url,))
        below = structs.replace(classic, path="/tracking", logo_url="", settings={}, widgets={"survey": {}})
        app = assemble(create_engine(structs.replace(config, stores={"classic": classic, "below": below})))
        with serve(app) as engine:
            shops.append(engine.url)
            yield Front(shop.url, stranger.url, engine.url)


async def handed_on(request: Request, to: str) -> Response:
    """What a reverse proxy does."""
    headers = [(name, value) for name, value in request.headers.items() if name != "connection"]
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.request(
            request.method, f"{to}{request.url.path}", params=request.query_params, headers=headers,
            content=await request.body(),
        )  # fmt: skip
    own = {name: value for name, value in answer.headers.items() if name not in ("content-encoding", "content-length")}
    return Response(answer.content, answer.status_code, own)


@pytest.fixture
def opened(front: Front, context_of: Callable[..., BrowserContext]) -> Callable[..., Page]:
    def new(name: str, *, width: int = 700, **options: Any) -> Page:
        page = context_of(**options).new_page()
        page.goto(f"{front.url}/{name}?width={width}")
        return page

    return new


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def fits(page: Page) -> bool:
    """Whether the frame is as tall as what is in it."""
    frame = page.frames[1]
    shown, whole = (
        page.locator("iframe").evaluate("one => one.clientHeight"),
        frame.evaluate("document.body.offsetHeight"),
    )
    return abs(shown - whole) <= 1 and whole > 200


@pytest.mark.parametrize("name", ["element", "frame"])
def test_the_page_stands_inside_as_tall_as_it_is_without_header_and_footer(
    opened: Callable[..., Page], name: str
) -> None:
    page = opened(name)
    expect(inside(page).locator("h1")).to_contain_text("Delivered")
    page.wait_for_function("document.querySelector('iframe').clientHeight > 200")
    page.wait_for_timeout(100)
    assert fits(page)
    expect(inside(page).locator("header, footer")).to_have_count(0)
    page.set_viewport_size({"width": 320, "height": 600})
    page.evaluate("document.body.style.inlineSize = '300px'")
    page.wait_for_timeout(500)
    assert fits(page)


def test_the_form_and_a_choice_stay_inside_in_the_language_that_was_asked_for(opened: Callable[..., Page]) -> None:
    page = opened("form")
    frame = inside(page)
    frame.get_by_label("Numéro de suivi").fill(NUMBER)
    frame.get_by_role("button").first.click()
    expect(frame.locator("html")).to_have_attribute("lang", "fr")
    expect(frame.locator("h1")).to_contain_text("Livr")
    expect(frame.locator("header")).to_have_count(0)

    page = opened("choose")
    inside(page).locator(".options a").first.click()
    expect(inside(page).locator(".timeline").first).to_be_visible()
    expect(inside(page).locator("html")).to_have_attribute("lang", "de")
    assert page.url.endswith("/choose?width=700")


def test_a_link_to_the_carrier_opens_in_the_whole_window(opened: Callable[..., Page]) -> None:
    page = opened("element")
    expect(inside(page).locator("base")).to_have_attribute("target", "_top")
    elsewhere = inside(page).locator('a[href^="https://"]')
    assert elsewhere.count() > 0
    assert elsewhere.evaluate_all("all => all.every(one => !one.target)")


def test_another_number_is_shown_when_the_attribute_changes(opened: Callable[..., Page]) -> None:
    page = opened("element")
    expect(inside(page).locator("h1")).to_contain_text("Delivered")
    page.locator("doorstep-tracker").evaluate("(one, number) => one.setAttribute('number', number)", TWO_PARCELS)
    expect(inside(page).locator("h1")).to_contain_text("Which")


def test_without_scripts_there_is_the_link(opened: Callable[..., Page]) -> None:
    page = opened("element", java_script_enabled=False)
    expect(page.get_by_role("link", name="Track")).to_be_visible()
    inner = opened("frame", java_script_enabled=False)
    expect(inside(inner).locator("h1")).to_contain_text("Delivered")


def test_an_origin_that_is_not_named_shows_nothing(front: Front, context_of: Callable[..., BrowserContext]) -> None:
    page = context_of().new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{front.stranger}/frame")
    page.wait_for_timeout(300)
    assert any("frame-ancestors" in text or "frame" in text for text in refused), refused
    expect(inside(page).get_by_text("Delivered")).to_have_count(0)


def test_below_a_path_of_the_shop_every_address_holds(front: Front, context_of: Callable[..., BrowserContext]) -> None:
    page = context_of().new_page()
    failed: list[str] = []
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{front.url}/tracking/")
    page.get_by_label("Tracking number").fill(NUMBER)
    page.get_by_role("button", name="Track parcel").click()
    expect(page.locator("h1")).to_contain_text("Delivered")
    assert page.url == f"{front.url}/tracking/track/{NUMBER}"
    page.locator('.widget input[type="radio"]').first.check()
    page.locator(".widget form button").first.click()
    expect(page.locator('.widget [role="status"]')).to_be_visible()
    assert page.url.startswith(f"{front.url}/tracking/track/{NUMBER}?done=survey")
    assert failed == []


def test_the_script_is_small_and_may_be_loaded_from_the_shops_origin(front: Front) -> None:
    answer = httpx2.get(f"{front.shop}/embed.js", headers={"accept-encoding": "gzip"}, trust_env=False)
    assert int(answer.headers["content-length"]) < 2000
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
