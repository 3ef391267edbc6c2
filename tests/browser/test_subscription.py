"""The button that has the reader's own browser told: when it is there, what it asks, what becomes of a press; and what the
service worker shows. A browser maker's push service is not asked: what it would give stands in for it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from doorstep.app import assemble
from doorstep.config import Config, Messages, Store
from doorstep.engine import Engine, create_engine
from doorstep.order import Order
from doorstep.packages import installed
from doorstep.secret import Secret
from doorstep.tables import consents
from doorstep.testing import serve

from ..channels.test_web_push import AUTH, OURS, P256DH
from ..clock import FakeClock
from .conftest import WHOLE, Watched

pytestmark = pytest.mark.browser
# What Chromium would have of its maker, as long as the tab lives.
SERVICE = """
const made = {{ endpoint: "https://push.example/abc", keys: {keys} }};
const subscription = {{ ...made, toJSON: () => made, unsubscribe: async () => sessionStorage.clear() }};
PushManager.prototype.getSubscription = async () => sessionStorage.subscribed && subscription;
PushManager.prototype.subscribe = async ({{ userVisibleOnly, applicationServerKey }}) => {{
  const key = atob(applicationServerKey.replace(/-/g, "+").replace(/_/g, "/"));
  if (!userVisibleOnly || key.length !== 65) throw new DOMException("no key", "InvalidAccessError");
  sessionStorage.subscribed = "yes";
  return subscription;
}};
""".format(keys=json.dumps({"p256dh": P256DH, "auth": AUTH}))
TELL = {"name": "In this browser"}


class Shop:
    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._number = 1000

    def page(self) -> str:
        """The address of the page of a new order."""
        self._number += 1
        with self.engine.database.writing() as connection:
            kept = self.engine.orders.create(connection, "main", Order(str(self._number), email="ada@post.example"))
        path: str = self.engine.message_links.preferences(kept).removesuffix("messages").partition("/o/")[2]
        return f"{self.url}/shop/o/{path}"

    def states(self) -> list[str]:
        with self.engine.database.reading() as connection:
            return list(connection.scalars(select(consents.c.state).where(consents.c.reach == "push")))


@pytest.fixture(scope="module")
def browser(start: Callable[..., Browser]) -> Browser:
    return start(among=WHOLE)  # others show no notifications


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    push = {"key": OURS, "subject": "mailto:orders@shop.example"}
    wishes = Messages(channels=("web_push",))
    store = Store(name="Harbour & Pine", path="/shop", messages=wishes, widgets={"notify": {}})
    config = Config(stores={"main": store}, secret_key=(Secret("k" * 32),), base=tmp_path, channels={"web_push": push})
    engine = create_engine(config, clock=FakeClock(), packages=installed())
    with serve(assemble(engine)) as served:
        yield Shop(served.url, engine)


@pytest.fixture
def watched(shop: Shop, context_of: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """`watched("notifications", …)`: a page of a browser whose owner allows this. It must do nothing that a page must not."""
    pages: list[Watched] = []

    def new(*allowed: str, **options: Any) -> Page:
        context = context_of(**options)
        context.grant_permissions([*allowed])
        context.add_init_script(SERVICE)
        pages.append(Watched(context.new_page(), shop.url))
        return pages[-1].page

    yield new
    assert [amiss for one in pages for amiss in one.amiss()] == []


def test_a_browser_subscribes_with_a_press_and_is_not_asked_again(shop: Shop, watched: Callable[..., Page]) -> None:
    page = watched("notifications")
    page.goto(shop.page())
    page.get_by_role("button", **TELL).click()
    expect(page.get_by_text("You are told about this order.")).to_be_visible()
    expect(page.get_by_role("button", **TELL)).to_be_hidden()
    assert shop.states() == ["given"]
    worker = page.evaluate(
        "navigator.serviceWorker.getRegistration().then(({active, scope}) => [active.scriptURL, scope])"
    )
    assert worker == [f"{shop.url}/shop/service-worker.js", f"{shop.url}/shop/o/"]
    page.goto(shop.page())  # of another order, it has not been told yet
    expect(page.get_by_role("button", **TELL)).to_be_visible()


def test_who_allows_nothing_reads_so_and_may_think_again(shop: Shop, watched: Callable[..., Page]) -> None:
    page = watched()
    page.goto(shop.page())
    button = page.get_by_role("button", **TELL)
    button.click()
    expect(page.get_by_role("status")).to_have_text("This browser takes no messages from this page.")
    expect(button).to_be_enabled()
    assert shop.states() == []


def test_without_a_script_or_a_browser_that_can_there_is_no_button(shop: Shop, watched: Callable[..., Page]) -> None:
    plain = watched(java_script_enabled=False)
    unable = watched()
    unable.add_init_script("delete window.PushManager")
    for page in (plain, unable):
        page.goto(shop.page())
        expect(page.get_by_role("heading", name="Tell me when something happens")).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("button", **TELL)).to_be_hidden()


def test_the_worker_shows_what_is_pushed(shop: Shop, watched: Callable[..., Page]) -> None:
    page = watched("notifications")
    chromium = page.context.new_cdp_session(page)
    found: list[str] = []
    chromium.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    chromium.send("ServiceWorker.enable")
    page.goto(shop.page())
    page.get_by_role("button", **TELL).click()
    expect(page.get_by_text("You are told about this order.")).to_be_visible()
    pushed = {"title": "Your parcel has arrived", "body": "At the door", "url": f"{shop.url}/shop/o/x/"}
    message = {"origin": shop.url, "registrationId": found[0], "data": json.dumps(pushed)}
    for looks in range(1500):
        if looks % 200 == 0:  # a browser with much to do has lost one, which nobody tells
            chromium.send("ServiceWorker.deliverPushMessage", message)
        shown = page.evaluate(
            "navigator.serviceWorker.ready.then((one) => one.getNotifications())"
            ".then((all) => all.map(({title, body, data}) => [title, body, data]))"
        )
        if shown:
            break
        page.wait_for_timeout(20)
    assert {*map(tuple, shown)} == {(pushed["title"], pushed["body"], pushed["url"])}
