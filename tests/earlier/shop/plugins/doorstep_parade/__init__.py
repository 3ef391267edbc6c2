"""Parade: a word to customers who come again, while their parcel is on its way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from doorstep import TROUBLE, Need, When, Widget, WidgetView, hookimpl, is_web_address


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.parade]`. `text` are the shop's own words, `url` where they lead."""

    text: str
    url: str = ""

    def __post_init__(self) -> None:
        if self.url and not is_web_address(self.url, paths=True):
            raise ValueError(f"url {self.url!r} cannot be linked: write https://… or a path that starts with one /")


class Context(Struct, frozen=True):
    """For the template."""

    orders: int
    text: str
    url: str


class ParadeWidget(Widget[Settings]):
    name = "parade"
    slot = "after_timeline"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {
        "text": "This time, the postcard in the box is for you.",
        "url": "https://shop.example/letters",
    }
    when = When(except_status=TROUBLE, orders_from=2)
    needs = frozenset({Need.CUSTOMER})

    def context(self, view: WidgetView) -> Context | None:
        if view.customer is None:
            return None
        return Context(view.customer.orders, self.settings.text, self.settings.url)


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(ParadeWidget)


@hookimpl
def register_locales(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "locales")
