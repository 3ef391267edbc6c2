"""Every widget there is and the one that `doorstep new widget` writes, on a parcel's page and on an order's, in every theme and
direction, light and dark: for everybody."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.preview.gallery import Preview
from doorstep.scaffold import new_widget
from doorstep.secret import Secret
from doorstep.testing import serve

from .looks import Look, amiss, in_four_looks

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("widgets")
    new_widget("Come Again", folder, shop=True)
    store = Store(name="Harbour & Pine", image_hosts=("shop.example",))
    engine = create_engine(Config(stores={"main": store}, secret_key=(Secret("k" * 32),), base=folder))
    with serve(Preview(assemble(engine), engine)) as served:
        yield f"{served.url}/_preview/page"


def address(preview: str, case: str, look: Look) -> str:
    return f"{preview}?{urlencode({'case': case, 'theme': look.theme, 'lang': look.language})}"


@pytest.fixture
def page(context_of: Callable[..., object]) -> Page:
    return context_of().new_page()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("look", [*in_four_looks(3), *in_four_looks(5)])
def test_widgets_of_an_order_are_for_everybody(page: Page, preview: str, look: Look) -> None:
    assert amiss(page, address(preview, "widgets_order", look), look) == []
    shown = set(re.findall('<section class="widget[^"]*" id="widget-([a-z-]+)"', page.content()))
    assert shown == {
        "content",
        "cross-sell",
        "loyalty",
        "offer",
        "referral",
        "review",
        "survey",
        "come-again",
        "notify",
    }


@pytest.mark.parametrize("look", in_four_looks(6))
def test_widgets_of_a_number_are_for_everybody(page: Page, preview: str, look: Look) -> None:
    assert amiss(page, address(preview, "widgets", look), look) == []
