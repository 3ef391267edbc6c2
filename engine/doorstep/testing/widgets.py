"""The contract of a widget's plugin, as tests that say in plain words what is missing and why it matters."""

import asyncio
import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from ..clock import SystemClock
from ..config import Config, Store
from ..context import StoreView
from ..i18n import Localizer
from ..metrics import Metrics
from ..models import Status
from ..order_forms import Typed
from ..packages import Package, installed
from ..plugins import Plugins, WidgetOffer, load_plugins
from ..scenes import Scene
from ..shops import Outfitter, Shop
from ..widget import FormProblem, ShipmentFacts

_EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
_INLINE = re.compile(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
LARGEST = 8_000  # characters of one widget


class WidgetContract:
    """Subclass it with the name of your package and its settings: every test below then runs against your plugin."""

    package: ClassVar[str]
    settings: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def plugins(self) -> Plugins:
        return _loaded(self.package)

    @pytest.fixture
    def offer(self, plugins: Plugins) -> WidgetOffer:
        offers = list(plugins.registered.widgets.values())
        assert len(offers) == 1, f"{self.package} registers {len(offers)} widgets; the suite tests one"
        return offers[0]

    @pytest.fixture
    def shop(self, plugins: Plugins, offer: WidgetOffer) -> Shop:
        return _shop(plugins, offer.type.name, self.settings)

    def test_it_registers_with_a_name_and_a_template(self, offer: WidgetOffer, shop: Shop) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,39}", offer.type.name), "a widget's name is its name in doorstep.toml"
        assert shop.look.has_template(f"widgets/{offer.type.name}.html"), "there is no templates/widgets/<name>.html"

    def test_its_settings_are_accepted(self, shop: Shop) -> None:
        assert not shop.problems, f"{shop.problems[0].reason}: {shop.problems[0].next_step}"

    def test_a_misspelt_setting_is_named(self, plugins: Plugins, offer: WidgetOffer) -> None:
        shop = _shop(plugins, offer.type.name, {**self.settings, "no_such_setting": 1})
        assert "no_such_setting is not a setting" in shop.problems[0].reason

    @pytest.mark.parametrize("language", ["en", "ar"])
    @pytest.mark.parametrize("status", list(Status))
    def test_it_renders_for_every_status(self, status: Status, language: str, shop: Shop, offer: WidgetOffer) -> None:
        html = _rendered(shop, _scene(status), shop.localizer(language))
        assert not _INLINE.search(html), "inline script, style or handler: the page's security policy would block it"
        assert len(html) <= LARGEST, "a widget this large makes the page slow to arrive"
        if html:
            assert f'id="widget-{offer.type.name.replace("_", "-")}"' in html, (
                "the root element needs id={{ widget_id }}"
            )

    def test_it_shows_for_some_status(self, shop: Shop, offer: WidgetOffer) -> None:
        shown = [status for status in Status if _rendered(shop, _scene(status), shop.localizer("en"))]
        assert shown, "with these settings the widget never shows"

    def test_without_a_shipment_it_does_not_fail(self, shop: Shop, offer: WidgetOffer) -> None:
        metrics_before = _failures(shop)
        _rendered(shop, _scene(None), shop.localizer("en"))
        assert _failures(shop) == metrics_before

    def test_what_was_typed_comes_back_escaped(self, shop: Shop, offer: WidgetOffer) -> None:
        typed = Typed(offer.type.name, {"comment": _EVIL, "score": _EVIL}, "wrong")
        html = _rendered(shop, _scene(Status.DELIVERED, typed=typed), shop.localizer("en"))
        assert "<script" not in html
        assert "<img src=x" not in html

    def test_a_form_is_kept_or_refused_and_never_fails(self, shop: Shop, offer: WidgetOffer) -> None:
        before = _failures(shop)
        for form in ({}, {"score": "x"}, {"score": "9" * 400, "comment": "\x00" * 9}, {"comment": _EVIL * 500}):
            try:
                result = asyncio.run(shop.widgets.submit(offer.type.name, form, _scene(Status.DELIVERED)))
            except FormProblem as problem:
                if not str(problem):
                    pytest.fail("a refused form needs a reason that a shopper can act on")
            else:
                assert len(msgspec.json.encode(result.data)) < 20_000, "an answer this large fills the shop's disk"
        assert _failures(shop) == before, "submit() raised: refuse a form with FormProblem instead"


@cache
def _package(module: str) -> Package:
    for package in installed():
        if package.module == module:
            return package
    pytest.fail(f"no entry point in the group 'doorstep' names {module!r}: is the plugin installed (pip install -e .)?")


def _loaded(module: str) -> Plugins:
    plugins = load_plugins(Config(stores={"main": Store(name="Test")}), [_package(module)])
    assert not plugins.broken, f"{plugins.broken[0].reason}: {plugins.broken[0].next_step}"
    return plugins


def _shop(plugins: Plugins, name: str, settings: dict[str, Any]) -> Shop:
    config = Config(stores={"main": Store(name="Test", widgets={name: settings})}, base=Path())
    shop = Outfitter(config, plugins, clock=SystemClock(), metrics=Metrics()).all().all[0]
    shop.widgets.longest = 60  # a busy machine is not the widget's fault
    return shop


def _scene(status: Status | None, *, typed: Typed | None = None) -> Scene:
    facts = (
        ShipmentFacts("id", "acme", status, status.value in ("delivered", "returned"), False, "FR") if status else None
    )
    return Scene(
        StoreView("main", "Test"), "en", 2, date(2026, 11, 20), address=lambda name: f"/o/token/widgets/{name}",
        country="FR", shipment=facts, typed=typed,
    )  # fmt: skip


def _rendered(shop: Shop, scene: Scene, localizer: Localizer) -> str:
    before = _failures(shop)
    slots = asyncio.run(shop.widgets.slots(scene, localizer))
    assert _failures(shop) == before, "the widget raised: see the log above; a page would show an empty slot"
    return "".join(slots.values())


def _failures(shop: Shop) -> int:
    return shop.widgets.failures
