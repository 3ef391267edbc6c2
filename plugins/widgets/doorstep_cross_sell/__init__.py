"""Cross-sell: products of the shop that go with what was bought, from settings, a feed or an endpoint of the shop."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import Struct

from doorstep import TROUBLE, Need, Source, When, Widget, WidgetView, hookimpl

from .choosing import Shelf, market_of
from .feeds import read_catalogue, read_recommended
from .products import Availability, Catalogue, Product, catalogue
from .settings import Bundle, Guide, Settings

_MOST_SKUS = 20  # in one question to an endpoint
_NOT_IN_FILES = "/\\"


class Card(Struct, frozen=True):
    """A product as it is shown. `before` is what it costs when it is not reduced; what is unknown is empty."""

    name: str
    url: str
    image: str = ""
    price: str = ""
    before: str = ""
    currency: str = ""
    availability: Availability = ""


class Set(Struct, frozen=True):
    """Several products for one price; `before` is what they cost one by one, where that is more."""

    name: str
    url: str
    image: str
    price: str
    before: str
    currency: str
    parts: tuple[str, ...]


class Context(Struct, frozen=True):
    """For the template. An empty `title` stands for the translated one; there may be no products, no bundle, no guides."""

    title: str
    products: tuple[Card, ...]
    bundle: Set | None = None
    guides: tuple[Guide, ...] = ()


class CrossSell(Widget[Settings]):
    name = "cross_sell"
    slot = "after_timeline"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {
        "products": [{"name": "Stoneware mug", "url": "/mug", "price": "24.90", "currency": "EUR"}]
    }
    when = When(except_status=TROUBLE)
    needs = frozenset({Need.SHIPMENT, Need.ORDER, Need.ITEMS})

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._own = catalogue(settings.products)

    def sources(self, view: WidgetView) -> Sequence[Source]:
        own, found = self.settings, []
        if own.feed and (market_of(view) or "{country}" not in own.feed):  # of no market there is no feed
            read = partial(read_catalogue, currency=own.currency, image_hosts=view.store.image_hosts)
            lacking = "{country}" in own.feed  # there are more countries than a shop has markets
            found.append(Source("feed", _filled(own.feed, view), read, every=own.every, may_lack=lacking))
        if own.endpoint:
            recommended = partial(read_recommended, currency=own.currency)
            address = _filled(own.endpoint, view)
            found.append(Source("endpoint", address, recommended, every=own.every, largest=1_000_000))
        return found

    def context(self, view: WidgetView) -> Context | None:
        feed: Catalogue | None = view.sources.get("feed")
        recommended: Iterable[Product | str] = view.sources.get("endpoint") or ()
        shelf = Shelf([self._own, *([feed] if feed else [])], view)
        products = tuple(_card(one, view.today) for one in shelf.chosen(self.settings, recommended))
        bundle = shelf.bundle(self.settings.bundles)
        guides = tuple(shelf.guides(self.settings.guides)[:3])
        if not (products or bundle or guides):
            return None
        return Context(self.settings.title, products, _set(*bundle, view.today) if bundle else None, guides)


def _filled(address: str, view: WidgetView) -> str:
    """The address for this page. The same things bought in another order are the same question."""
    web = "://" in address
    skus = sorted({item.sku for item in view.items if item.sku})[:_MOST_SKUS]
    said: Mapping[str, str] = {"skus": ",".join(skus), "language": view.language, "country": market_of(view)}
    for name, value in said.items():
        written = quote(value, safe=",") if web else "".join(char for char in value if char not in _NOT_IN_FILES)
        address = address.replace(f"{{{name}}}", written)
    return address


def _card(product: Product, today: date) -> Card:
    price = product.price_on(today)
    before = product.price if price != product.price else ""
    stock = product.availability
    return Card(product.name, product.url, product.image, price, before, product.currency, stock)


def _set(bundle: Bundle, parts: Sequence[Product], today: date) -> Set:
    apart = sum((Decimal(one.price_on(today) or 0) for one in parts), Decimal())
    comparable = all(one.price and one.currency == bundle.currency for one in parts)
    saves = bundle.price and comparable and Decimal(bundle.price) < apart
    return Set(
        bundle.name,
        bundle.url,
        bundle.image,
        bundle.price,
        str(apart) if saves else "",
        bundle.currency,
        tuple(one.name for one in parts),
    )


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(CrossSell)
