"""Cross-sell: a few products of the shop below the timeline, never while the parcel is in trouble."""

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from doorstep import TROUBLE, When, Widget, WidgetView, hookimpl, is_web_address


class Product(Struct, frozen=True, forbid_unknown_fields=True):
    """One product. `price` is a decimal text ("19.90") in `currency` (ISO 4217); `languages` are the pages that show it
    (BCP 47, all when empty). `url` and `image` are http(s) addresses or paths that start with a slash."""

    name: str
    url: str
    image: str = ""
    price: str = ""
    currency: str = ""
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name is empty: write what the product is called")
        _check_address("url", self.url)
        if self.image:
            _check_address("image", self.image)
        if self.price and not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", self.price):
            raise ValueError(f'price {self.price!r} is not a decimal text: write it like "19.90"')
        if bool(self.price) != bool(self.currency):
            raise ValueError("price and currency belong together: set both or neither")
        if self.currency and not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(f'currency {self.currency!r} is not an ISO 4217 code: write it like "EUR"')


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.cross_sell]`. At most `count` products are shown, in this order."""

    products: tuple[Product, ...]
    title: str = ""
    count: Annotated[int, Meta(ge=1, le=12)] = 3


class Context(Struct, frozen=True):
    """For the template. An empty `title` stands for the translated one; a product without `price` shows none."""

    title: str
    products: tuple[Product, ...]


class CrossSell(Widget[Settings]):
    name = "cross_sell"
    slot = "after_timeline"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {
        "products": [{"name": "Stoneware mug", "url": "/mug", "price": "24.90", "currency": "EUR"}]
    }
    when = When(except_status=TROUBLE)
    needs = frozenset()

    def context(self, view: WidgetView) -> Context | None:
        fitting = [product for product in self.settings.products if _speaks(product, view.language)]
        return Context(self.settings.title, tuple(fitting[: self.settings.count])) if fitting else None


def _speaks(product: Product, language: str) -> bool:
    """Whether the product is for a page in `language`: `pt` covers pt-BR and pt-PT, `pt-BR` itself only."""
    page = _tag(language)
    wanted = [_tag(text) for text in product.languages]
    return not wanted or any(page == tag or page.startswith(f"{tag}-") for tag in wanted)


def _tag(language: str) -> str:
    return language.lower().replace("_", "-")


def _check_address(field: str, url: str) -> None:
    if not is_web_address(url, paths=True):
        raise ValueError(f"{field} {url!r} cannot be linked: write https://… or a path that starts with one /")


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(CrossSell)
