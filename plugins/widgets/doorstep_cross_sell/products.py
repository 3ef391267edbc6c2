"""What can be offered: products as settings and feeds name them, and all of one source together, found by what is bought."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Struct

from doorstep import is_web_address

Price = Annotated[str, Meta(max_length=20)]
Availability = Literal["", "in_stock", "preorder", "backorder", "out_of_stock"]
_LONGEST_ADDRESS = 1_000
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ENOUGH = 100  # products of one category or tag, for the same readers: a page shows a dozen


class Product(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One product. Prices are decimal texts ("19.90") in `currency` (ISO 4217); `languages` are the pages that show it (BCP 47)
    and `markets` the countries (ISO 3166-1), all when empty. `group`: which products are the same but for size or colour. `url`
    and `image` are http(s) addresses or paths that start with a slash."""

    name: str
    url: str
    sku: str = ""
    image: str = ""
    price: Price = ""
    sale_price: Price = ""
    sale_from: date | None = None
    sale_until: date | None = None
    currency: str = ""
    availability: Availability = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""
    languages: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name is empty: write what the product is called")
        check_address("url", self.url)
        if self.image:
            check_address("image", self.image)
        check_price("price", self.price, self.currency)
        if self.sale_price:
            check_price("sale_price", self.sale_price, self.currency)
            if not self.price:
                raise ValueError("sale_price stands alone: set price, too")

    def price_on(self, day: date) -> str:
        """What it costs on a day."""
        begun = self.sale_from is None or self.sale_from <= day
        lasts = self.sale_until is None or day <= self.sale_until
        reduced = self.sale_price and begun and lasts and float(self.sale_price) < float(self.price)
        return self.sale_price if reduced else self.price


def is_linkable(url: str) -> bool:
    return len(url) <= _LONGEST_ADDRESS and is_web_address(url, paths=True)


def check_address(field: str, url: str) -> None:
    if not is_linkable(url):
        raise ValueError(f"{field} {url[:200]!r} cannot be linked: write https://… or a path that starts with one /")


def check_price(field: str, price: str, currency: str) -> None:
    if price and not _PRICE.fullmatch(price):
        raise ValueError(f'{field} {price!r} is not a decimal text: write it like "19.90"')
    if bool(price) != bool(currency):
        raise ValueError(f"{field} and currency belong together: set both or neither")
    if currency and not _CURRENCY.fullmatch(currency):
        raise ValueError(f'currency {currency!r} is not an ISO 4217 code: write it like "EUR"')


class Catalogue(Struct, frozen=True):
    """The products of one source: by SKU all of them, of the rest as many as a page could want. What is out of stock is known
    by SKU only. Keys are `key()`s."""

    by_sku: dict[str, tuple[Product, ...]]
    by_category: dict[str, tuple[Product, ...]]
    by_tag: dict[str, tuple[Product, ...]]
    first: tuple[Product, ...]


def catalogue(products: Iterable[Product]) -> Catalogue:
    by_sku: dict[str, list[Product]] = {}
    shelves: dict[tuple[str, str], list[Product]] = {}
    full: Counter[tuple[object, ...]] = Counter()
    groups: set[tuple[object, ...]] = set()
    for product in products:
        if product.sku:
            by_sku.setdefault(key(product.sku), []).append(product)
        if product.availability == "out_of_stock":
            continue
        readers = (product.languages, product.markets)
        for shelf in _shelves(product):
            group = (shelf, readers, product.group)
            if full[shelf, readers] < _ENOUGH and not (product.group and group in groups):
                full[shelf, readers] += 1
                groups.add(group)
                shelves.setdefault(shelf, []).append(product)
    return Catalogue(
        {sku: tuple(found) for sku, found in by_sku.items()},
        {name: tuple(found) for (kind, name), found in shelves.items() if kind == "category"},
        {name: tuple(found) for (kind, name), found in shelves.items() if kind == "tag"},
        tuple(shelves.get(("", ""), ())),
    )


def _shelves(product: Product) -> Iterator[tuple[str, str]]:
    yield "", ""
    for name in category_keys(product.category):
        yield "category", name
    for tag in dict.fromkeys(map(key, product.tags)):
        yield "tag", tag


@lru_cache(4096)  # of a feed's products few have one of their own
def category_keys(category: str) -> tuple[str, ...]:
    """A category with those that it lies in, by their own names and their ways: of "Home > Mugs" these are "home > mugs",
    "mugs" and "home"; the nearest first."""
    parts = [key(part) for part in category.split(">") if part.strip()][:10]
    ways = [" > ".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return tuple(dict.fromkeys(name for way, part in zip(ways, reversed(parts), strict=True) for name in (way, part)))


def key(text: str) -> str:
    """A SKU, category or tag as it is compared: shops write them now this way, now that."""
    return " ".join(text.casefold().split())
