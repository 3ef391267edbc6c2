"""Whatever colours a merchant picks, the pages can be read: axe measures what the engine has made of them."""

from collections.abc import Callable, Iterator
from itertools import product
from operator import itemgetter

import pytest
from playwright.sync_api import BrowserContext

from doorstep.demo import THEMES

from ..gates import telling
from .looks import SCHEMES, UNFOLD, violations
from .orders import Orders, running

pytestmark = pytest.mark.browser

PALETTES = {
    "too pale by day, too dark by night": {
        "accent": "#ffe94a", "accent_dark": "#101a5c", "background": "#ffe3ec", "background_dark": "#1a0f2b",
    },
    "neither light nor dark": {"accent": "#7d7d7d", "accent_dark": "#7d7d7d"},
    "glaring": {"accent": "#ff2bd6", "accent_dark": "#00ff66", "background": "#e8fff1", "background_dark": "#000000"},
}  # fmt: skip


@pytest.fixture(scope="module")
def orders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    with running(tmp_path_factory.mktemp("colours"), PALETTES[request.param]) as orders:
        yield orders


@pytest.mark.parametrize(
    ("orders", "theme", "scheme"),
    telling(product(PALETTES, THEMES, SCHEMES), *map(itemgetter, range(3)), id="-".join),
    indirect=["orders"],
)
def test_everything_can_be_read(
    orders: Orders, context_of: Callable[..., BrowserContext], theme: str, scheme: str
) -> None:
    page = context_of(color_scheme=scheme).new_page()
    for name in ("pickup and lost", "look-up form"):
        page.goto(orders.address(name, theme))
        page.evaluate(UNFOLD)
        assert violations(page) == "", name
