"""`[stores.<id>.widgets.cross_sell]`: where products come from, and by which rules they are chosen."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from doorstep import is_web_address

from .products import Product, check_address, check_price

_PLACEHOLDERS = re.compile(r"\{([^{}]*)\}")
_FEED, _ENDPOINT = ("language", "country"), ("skus", "language", "country")
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]


class Fits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom something is: who bought one of these SKUs, or of one of these categories, or with one of these tags (of an item
    or the order); in one of these markets; reading one of these languages. What is empty asks nothing."""

    bought: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    markets: tuple[Country, ...] = ()
    languages: tuple[str, ...] = ()

    @property
    def asks_for_items(self) -> bool:
        return bool(self.bought or self.categories or self.tags)


class Rule(Fits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show to those whom it fits: products by SKU, then those of categories, then those with tags."""

    show: tuple[str, ...] = ()
    show_categories: tuple[str, ...] = ()
    show_tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.show or self.show_categories or self.show_tags):
            raise ValueError("the rule shows nothing: set show, show_categories or show_tags")


class Bundle(Fits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several products for one price, which go with what was bought. `items` are their SKUs."""

    name: Annotated[str, Meta(min_length=1, max_length=150)]
    items: Annotated[tuple[str, ...], Meta(min_length=2, max_length=6)]
    url: str
    image: str = ""
    price: str = ""
    currency: str = ""

    def __post_init__(self) -> None:
        check_address("url", self.url)
        if self.image:
            check_address("image", self.image)
        check_price("price", self.price, self.currency)


class Guide(Fits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page that helps with what was bought: how to use it, care for it, put it together."""

    name: Annotated[str, Meta(min_length=1, max_length=150)]
    url: str

    def __post_init__(self) -> None:
        check_address("url", self.url)
        if not self.asks_for_items:
            raise ValueError("the guide is for nothing that was bought: set bought, categories or tags")


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """At most `count` products are shown: those that the `endpoint` recommends, then those of the `rules` that fit, then the
    `fallback` (SKUs). Without rules and fallback they are of the categories of what was bought, then the first there are."""

    products: tuple[Product, ...] = ()
    feed: str = ""
    endpoint: str = ""
    currency: Annotated[str, Meta(pattern=r"^([A-Z]{3})?$")] = ""  # of a feed's prices that name none
    every: Annotated[int, Meta(ge=60, le=86_400)] = 900
    title: Annotated[str, Meta(max_length=150)] = ""
    count: Annotated[int, Meta(ge=1, le=12)] = 3
    rules: tuple[Rule, ...] = ()
    fallback: tuple[str, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    guides: tuple[Guide, ...] = ()

    def __post_init__(self) -> None:
        if not (self.products or self.feed or self.endpoint or self.guides):
            raise ValueError("there is nothing to show: set products, feed, endpoint or guides")
        _check_source("feed", self.feed, _FEED, files=True)
        _check_source("endpoint", self.endpoint, _ENDPOINT, files=False)


def _check_source(field: str, address: str, known: tuple[str, ...], *, files: bool) -> None:
    for name in _PLACEHOLDERS.findall(address):
        if name not in known:
            there = ", ".join(f"{{{one}}}" for one in known)
            raise ValueError(f"{field} has a placeholder {{{name}}} that is none: there are {there}")
    plain = _PLACEHOLDERS.sub("x", address)
    if not address or (files and "://" not in address):
        return
    if not is_web_address(plain):
        what = "https://… or the name of a file" if files else "https://…"
        raise ValueError(f"{field} {address[:200]!r} cannot be asked: write {what}")
    if _PLACEHOLDERS.search(address.split("/", 3)[2]):
        raise ValueError(f"{field} {address[:200]!r} has a placeholder in its host: put it behind that")
