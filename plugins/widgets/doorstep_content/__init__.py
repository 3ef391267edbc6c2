"""Content: the shop's news, its how-tos for what was bought, and where its people meet."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, field

from doorstep import (
    TROUBLE,
    Country,
    ItemFacts,
    Kind,
    Need,
    OwnWords,
    When,
    Widget,
    WidgetView,
    hookimpl,
    in_language,
    is_web_address,
    language_covers,
)


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """Something to read. `title`, `text` and `url` are one text, or a text for each language. It shows where every rule
    that is set holds: one of `skus`, `categories` or `tags` was bought; it goes to one of `markets`; the page is in one of
    `languages`; the shop's day is between `from` and `until`."""

    title: OwnWords
    url: OwnWords
    kind: Literal["news", "how_to", "community", "social"] = "news"
    text: OwnWords = ""
    image: str = ""
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    markets: tuple[Country, ...] = ()
    languages: tuple[str, ...] = ()
    start: date | None = field(default=None, name="from")
    until: date | None = None

    def __post_init__(self) -> None:
        if not all(text.strip() for text in _all(self.title)):
            raise ValueError("title is empty: write what the shopper finds there")
        for url in _all(self.url):
            _check_address("url", url)
        if self.image:
            _check_address("image", self.image)
        if self.start and self.until and self.until < self.start:
            raise ValueError(f"until {self.until} is before from {self.start}")

    @property
    def is_for_everybody(self) -> bool:
        return not (self.markets or self.languages or self.start or self.until)

    @property
    def about_products(self) -> bool:
        return bool(self.skus or self.categories or self.tags)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.widgets.content]`. At most `count` entries show, those about what was bought first; social links beside."""

    entries: tuple[Entry, ...]
    title: OwnWords = ""
    count: Annotated[int, Meta(ge=1, le=12)] = 3


class Card(Struct, frozen=True):
    """An entry in the page's language, or in the nearest there is: `language` is the title's, BCP 47, or empty."""

    kind: str
    title: str
    language: str
    text: str
    url: str
    image: str


class Context(Struct, frozen=True):
    """For the template. An empty `title` stands for the translated one."""

    title: str
    title_language: str
    cards: tuple[Card, ...]
    social: tuple[Card, ...]


class Content(Widget[Settings]):
    name = "content"
    slot = "after_timeline"
    settings_type = Settings
    example: ClassVar[dict[str, Any]] = {
        "entries": [
            {"kind": "how_to", "title": "How linen stays soft", "text": "Wash it cool, dry it in the wind.",
             "url": "https://shop.example/linen", "tags": ["linen"]},
            {"title": "Our autumn fair", "url": "https://shop.example/fair", "text": "12 December, in the old mill."},
            {"kind": "community", "title": "Readers show their rooms", "url": "https://shop.example/rooms"},
            {"kind": "social", "title": "Instagram", "url": "https://social.example/leaf-and-loom"},
        ]
    }  # fmt: skip
    when = When(except_status=TROUBLE)
    needs = frozenset({Need.SHIPMENT, Need.ORDER, Need.ITEMS})

    def follows(self, kind: Kind, item: ItemFacts | None = None) -> bool:
        """A how-to for this item that shows on every page it is bought on."""
        if kind is not Kind.HOW_TO or item is None:
            return False
        return any(
            one.kind == "how_to" and one.is_for_everybody and _is_about(one, item) for one in self.settings.entries
        )

    def context(self, view: WidgetView) -> Context | None:
        fitting = [entry for entry in self.settings.entries if _fits(entry, view)]
        read = sorted((one for one in fitting if one.kind != "social"), key=lambda one: not one.about_products)
        cards = tuple(_card(entry, view.language) for entry in read[: self.settings.count])
        social = tuple(_card(entry, view.language) for entry in fitting if entry.kind == "social")
        if not cards and not social:
            return None
        return Context(*in_language(self.settings.title, view.language), cards, social)


def _fits(entry: Entry, view: WidgetView) -> bool:
    if entry.markets and _market(view) not in entry.markets:
        return False
    if entry.languages and not any(language_covers(one, view.language) for one in entry.languages):
        return False
    if (entry.start and view.today < entry.start) or (entry.until and view.today > entry.until):
        return False
    return not entry.about_products or any(_is_about(entry, item) for item in view.items)


def _is_about(entry: Entry, item: ItemFacts) -> bool:
    return _among([item.sku], entry.skus) or _among([item.category], entry.categories) or _among(item.tags, entry.tags)


def _among(found: Iterable[str], wanted: Iterable[str]) -> bool:
    return not {one.casefold() for one in found if one}.isdisjoint(one.casefold() for one in wanted)


def _market(view: WidgetView) -> str:
    if view.order and view.order.country:
        return view.order.country
    return view.shipment.country if view.shipment else ""


def _card(entry: Entry, language: str) -> Card:
    title, tag = in_language(entry.title, language)
    text, url = (in_language(words, language)[0] for words in (entry.text, entry.url))
    return Card(entry.kind, title, tag, text, url, entry.image)


def _all(words: OwnWords) -> Iterable[str]:
    return [words] if isinstance(words, str) else list(words.values()) or [""]


def _check_address(name: str, url: str) -> None:
    if not is_web_address(url, paths=True):
        raise ValueError(f"{name} {url!r} cannot be linked: write https://… or a path that starts with one /")


@hookimpl
def register_widgets(register: Callable[[type[Widget[Any]]], None]) -> None:
    register(Content)
