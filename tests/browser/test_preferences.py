"""The page on which messages are chosen, and those to which the links in messages lead, in every theme and direction, light and
dark, on a telephone and on a desk: for everybody."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import Connection

from doorstep import push_subscription
from doorstep.app import assemble
from doorstep.config import Config, Messages, Store
from doorstep.consents import Shown
from doorstep.demo import THEMES
from doorstep.engine import Engine, create_engine
from doorstep.message import Reach, Topic
from doorstep.order import Order
from doorstep.packages import installed
from doorstep.secret import Secret
from doorstep.testing import serve
from doorstep.widget import ConsentRequest

from ..channels.test_web_push import OURS, subscription
from ..clock import FakeClock
from ..gates import some
from .looks import amiss, covering
from .orders import Orders

pytestmark = pytest.mark.browser
SHOWN = Shown(dict.fromkeys(Topic, "Yes"), "en", "page")
PAGES = ("nothing known", "all ways", "saved", "stop", "confirm", "over")
CHANNELS = {
    "email": {"url": "smtp://mail.shop.example", "sender": "orders@shop.example"},
    "sms": {"url": "https://sms.shop.example/send", "token": "secret", "sender": "Harbour"},
    "web_push": {"key": OURS, "subject": "mailto:orders@shop.example"},
}


@contextmanager
def running(folder: Path) -> Iterator[Orders]:
    """The shop in every theme, on loopback; the address of each page by theme and name."""
    wishes = Messages(channels=tuple(CHANNELS), unasked=("email",))
    stores = {
        theme: Store("Harbour & Pine", path=path, theme=theme, messages=wishes, public_url="http://shop.example")
        for theme, path in THEMES.items()
    }
    config = Config(stores=stores, secret_key=(Secret("k" * 32),), channels=CHANNELS, base=folder)
    engine = create_engine(config, clock=FakeClock(), packages=installed())
    engine.database.open_now()
    with engine.database.writing() as connection:
        paths = {(store, name): path for store in stores for name, path in _paths(engine, connection, store)}
    with serve(assemble(engine)) as served:
        yield Orders(served.url, paths)


def _paths(engine: Engine, connection: Connection, store: str) -> Iterator[tuple[str, str]]:
    """Where the links of two orders lead: of one nothing is known, the other may be told in every way."""
    links, consents = engine.message_links, engine.consents
    unknown = engine.orders.create(connection, store, Order("1001"))
    known = engine.orders.create(connection, store, Order("1002", email="ada@post.example", phone="+4915112345678"))
    browser = push_subscription(subscription("https://push.example/abc"))
    for reach, address in ((Reach.PUSH, browser), (Reach.PHONE, "")):
        consents.ask(connection, known, ConsentRequest(reach, (Topic.ORDER,), address), SHOWN)
    for name, address in {
        "nothing known": links.preferences(unknown),
        "all ways": links.preferences(known),
        "saved": f"{links.preferences(known)}?done=saved",
        "stop": links.unsubscribe(known, Topic.ORDER, Reach.EMAIL),
        "confirm": links.confirm(known, Reach.PHONE, Secret("+4915112345678")),
        "over": f"http://shop.example{THEMES[store]}/m/nonsense",
    }.items():
        path = address.removeprefix("http://shop.example")
        yield name, path if "?" in path else f"{path}?"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    with running(tmp_path_factory.mktemp("messages")) as shop:
        yield shop


@pytest.fixture
def page(context_of: Callable[..., BrowserContext]) -> Page:
    return context_of().new_page()


def address(shop: Orders, name: str, theme: str, language: str = "en") -> str:
    return f"{shop.url}{shop.paths[theme, name]}&lang={language}".replace("?&", "?")


@pytest.mark.parametrize("name", some(PAGES, 3))
def test_page_is_for_everybody_in_every_look(shop: Orders, page: Page, name: str) -> None:
    for look in covering(PAGES.index(name)):
        assert amiss(page, address(shop, name, look.theme, look.language), look) == [], look


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_chosen_without_a_script_is_kept_and_said(
    shop: Orders, context_of: Callable[..., BrowserContext], theme: str
) -> None:
    page = context_of(java_script_enabled=False, viewport={"width": 360, "height": 640}).new_page()
    page.goto(address(shop, "all ways", theme))
    push = page.get_by_role("group", name="In this browser").get_by_label("What happens to my order")
    assert push.is_checked()
    push.uncheck()
    page.get_by_role("button", name="Save").click()
    assert page.locator("main").get_by_text("Saved. We will keep to it.").is_visible()
    assert not push.is_checked()
