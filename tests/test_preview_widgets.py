"""Widgets in the preview: the store's own on its pages, and all there are on two pages more, with an invented order."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.packages import Package, installed
from doorstep.preview.gallery import Preview
from doorstep.secret import Secret

CODE = """
from msgspec import Struct
from doorstep import Need, Status, When, Widget, hookimpl

class Told(Struct, frozen=True):
    text: str

class Mine(Widget):
    name = "mine"
    when = When(status=(Status.LOST,), to_day=0, orders_from=1000)
    needs = frozenset(Need)

    def context(self, view):
        heard = [view.code and view.code.code, view.customer and view.customer.tier, *(one.name for one in view.items)]
        return Told(f"{view.level} {view.shipment.status} {len(view.voices)} {heard}")

@hookimpl
def register_widgets(register):
    register(Mine)
"""


@pytest.fixture
def shown(tmp_path: Path, plugin: Callable[..., Package]) -> Callable[[str], str]:
    mine = plugin("doorstep_mine", {"__init__.py": CODE, "templates/widgets/mine.html": '<p id="mine">{{ text }}</p>'})
    store = Store(name="Harbour & Pine", widgets={"survey": {}})
    config = Config(stores={"main": store}, secret_key=(Secret("k" * 32),), base=tmp_path)
    engine = create_engine(config, packages=[*installed(), mine])
    client = TestClient(Preview(assemble(engine), engine))
    return lambda case: client.get("/_preview/page", params={"case": case}).text


def widgets_on(html: str) -> set[str]:
    return set(re.findall(r'<section class="widget[^"]*" id="widget-([a-z-]+)"', html)) | (
        {"mine"} if 'id="mine"' in html else set()
    )


def test_a_stores_widgets_are_on_its_pages_by_their_rules(shown: Callable[[str], str]) -> None:
    assert widgets_on(shown("delivered")) == {"survey"}
    assert widgets_on(shown("in_transit")) == set()
    assert widgets_on(shown("order_trouble")) == set()


def test_all_there_are_stand_on_pages_of_their_own_whatever_their_rules(shown: Callable[[str], str]) -> None:
    by_number, ordered = shown("widgets"), shown("widgets_order")
    assert {"mine", "content", "cross-sell", "referral", "survey"} <= widgets_on(by_number)
    assert widgets_on(ordered) >= widgets_on(by_number) | {"loyalty"}


def test_who_has_the_number_is_shown_nothing_of_an_order(shown: Callable[[str], str]) -> None:
    assert "0 delivered 3 [None, None]" in shown("widgets").replace("&#39;", "'")
    ordered = shown("widgets_order").replace("&#39;", "'")
    assert "1 delivered 3 ['LINEN-7Q4K', 'Silver', 'Linen throw, sand', 'Oak side table'," in ordered
