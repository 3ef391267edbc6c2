"""Cross-sell with all it can show, on the page of an order, for everybody in every look."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx2
import pytest
from msgspec import structs
from playwright.sync_api import BrowserContext

from doorstep.app import assemble
from doorstep.config import Config
from doorstep.demo import THEMES
from doorstep.engine import create_engine
from doorstep.order import Item, Order
from doorstep.packages import installed
from doorstep.secret import Secret
from doorstep.testing import serve

from ..clock import FakeClock
from .looks import LANGUAGES, Look, amiss, in_four_looks
from .orders import SHOP

pytestmark = pytest.mark.browser
_FEED = """id,title,link,image_link,price,sale_price,availability,product_type
POT,Teapot Fjord of dark green stoneware with a bamboo handle,/pot,,39.00 EUR,29.00 EUR,in stock,Teapots
TRAY,Oak tray,/tray,/tray.jpg,21.00 EUR,,preorder,Trays
MUG,Mug,/mug,,12.50 EUR,,backorder,Mugs
"""
_SETTINGS = {
    "feed": "feed.csv",
    "fallback": ["POT", "TRAY", "MUG"],
    "bundles": [
        {
            "name": "Tea for two",
            "items": ["POT", "TRAY"],
            "url": "/set",
            "price": "49.00",
            "currency": "EUR",
            "tags": ["tea"],
        }
    ],
    "guides": [{"name": "How to brew green tea", "url": "/brew", "tags": ["tea"]}],
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], str]]:
    """The address of the order's page, by theme and language."""
    folder = tmp_path_factory.mktemp("cross_sell")
    (folder / "feed.csv").write_text(_FEED)
    stores = {
        theme: structs.replace(SHOP, path=path, theme=theme, widgets={"cross_sell": _SETTINGS})
        for theme, path in THEMES.items()
    }
    config = Config(stores=stores, secret_key=(Secret("0123456789abcdef0123456789abcdef"),), base=folder)
    engine = create_engine(config, clock=FakeClock(), packages=installed())
    engine.database.open_now()
    bought = Order("1001", items=(Item("Green tea", sku="TEA", tags=("tea",)),), country="DE")
    paths = {}
    for theme, base in THEMES.items():
        with engine.database.writing() as connection:
            kept = engine.orders.create(connection, theme, bought)
        paths[theme] = f"{base}/o/{engine.access.link(kept, timedelta(days=30))}/"
    with serve(assemble(engine)) as served:
        for path in paths.values():
            wait_for("Tea for two", f"{served.url}{path}")
        yield lambda theme, language: f"{served.url}{paths[theme]}?lang={language}"


def wait_for(words: str, url: str) -> None:
    """Until the page says so: the feed is read behind the first one."""
    for _ in range(100):
        if words in httpx2.get(url, timeout=30, trust_env=False).text:
            return
    raise AssertionError(f"the page never says {words!r}")


@pytest.mark.parametrize("look", [look for turn in range(3) for look in in_four_looks(turn)])
def test_all_that_is_offered_is_for_everybody_in_every_look(
    address: Callable[[str, str], str], context_of: Callable[..., BrowserContext], look: Look
) -> None:
    page = context_of().new_page()
    assert amiss(page, address(look.theme, look.language), look) == []
    assert page.locator("#widget-cross-sell .products li").count() == 4
    assert page.locator("#widget-cross-sell .guides a").count() == 1


def test_prices_and_availability_are_said_as_each_language_does(
    address: Callable[[str, str], str], context_of: Callable[..., BrowserContext]
) -> None:
    page = context_of().new_page()
    said = {}
    for language in LANGUAGES:
        page.goto(address("classic", language))
        said[language] = page.locator("#widget-cross-sell li", has_text="Fjord").last.inner_text().splitlines()[-2:]
    assert said["en"] == ["€29.00 instead of €39.00", "In stock"]
    assert said["de"] == ["29,00\u00a0€ statt 39,00\u00a0€", "Auf Lager"]
    assert len({tuple(one) for one in said.values()}) == len(LANGUAGES)
