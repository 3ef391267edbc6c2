"""Which products a page shows, by what was bought. Pure, and the same for the same view."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from doorstep import WidgetView

from .products import Catalogue, Product, category_keys, key
from .settings import Bundle, Fits, Guide, Settings

_LONGEST = 2_400  # characters of addresses and names on one page, so that it stays light


class Bought(Struct, frozen=True):
    """What is known of an order: keys of SKUs, groups, categories and tags, and the addresses of its items."""

    skus: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    categories: tuple[str, ...] = ()  # the nearest of each item first
    tags: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()


class Shelf:
    """All that can be shown on one page: from settings and feed, to this reader, in this market."""

    def __init__(self, catalogues: Sequence[Catalogue], view: WidgetView) -> None:
        self._catalogues = catalogues
        self._language = _tag(view.language)
        self._market = market_of(view)
        self.bought = self._bought(view)

    def chosen(self, settings: Settings, recommended: Iterable[Product | str]) -> list[Product]:
        """The products of a page, at most `count` of them, in the order of what names them."""
        found: list[Product] = []
        known, groups, room = set(), set(), _LONGEST
        for product in self._candidates(settings, recommended):
            name = key(product.sku) or id(product)
            if name in known or (product.group and key(product.group) in groups) or not self.offers(product):
                continue
            room -= len(product.url) + len(product.image) + len(product.name)
            if room < 0 and found:
                break
            found.append(product)
            known.add(name)
            groups.add(key(product.group))
            if len(found) == settings.count:
                break
        return found

    def bundle(self, bundles: Iterable[Bundle]) -> tuple[Bundle, list[Product]] | None:
        """The first that fits and of which nothing was bought yet, with its products."""
        for one in bundles:
            parts = [next(filter(self.offers, self._of_sku(sku)), None) for sku in one.items]
            if self.fits(one) and all(parts):
                return one, [part for part in parts if part is not None]
        return None

    def guides(self, guides: Iterable[Guide]) -> list[Guide]:
        return [one for one in guides if self.fits(one)]

    def offers(self, product: Product) -> bool:
        """Whether it may be shown: in stock, for this reader, and not bought already."""
        return (
            product.availability != "out_of_stock"
            and self._speaks(product.languages)
            and (not product.markets or self._market in product.markets)
            and not self._has(product)
        )

    def fits(self, rule: Fits) -> bool:
        """Whether all holds that a rule asks for."""
        items = (
            not self.bought.skus.isdisjoint(map(key, rule.bought))
            or not set(self.bought.categories).isdisjoint(_way(one) for one in rule.categories)
            or not self.bought.tags.isdisjoint(map(key, rule.tags))
        )
        return (
            (items or not rule.asks_for_items)
            and (not rule.markets or self._market in rule.markets)
            and self._speaks(rule.languages)
        )

    def _candidates(self, settings: Settings, recommended: Iterable[Product | str]) -> Iterator[Product]:
        for one in recommended:
            yield from (one,) if isinstance(one, Product) else self._of_sku(one)
        for rule in filter(self.fits, settings.rules):
            yield from chain.from_iterable(map(self._of_sku, rule.show))
            yield from chain.from_iterable(self._of_category(_way(one)) for one in rule.show_categories)
            yield from chain.from_iterable(self._of_tag(key(one)) for one in rule.show_tags)
        yield from chain.from_iterable(map(self._of_sku, settings.fallback))
        if not settings.rules and not settings.fallback:
            yield from chain.from_iterable(map(self._of_category, self.bought.categories))
            yield from chain.from_iterable(one.first for one in self._catalogues)

    def _of_sku(self, sku: str) -> Iterator[Product]:
        return chain.from_iterable(one.by_sku.get(key(sku), ()) for one in self._catalogues)

    def _of_category(self, name: str) -> Iterator[Product]:
        return chain.from_iterable(one.by_category.get(name, ()) for one in self._catalogues)

    def _of_tag(self, name: str) -> Iterator[Product]:
        return chain.from_iterable(one.by_tag.get(name, ()) for one in self._catalogues)

    def _bought(self, view: WidgetView) -> Bought:
        skus = [key(item.sku) for item in view.items if item.sku]
        known = [product for sku in skus for product in self._of_sku(sku)]
        categories = [name for item in view.items for name in category_keys(item.category)]
        categories += [name for product in known for name in category_keys(product.category)]
        tags = [tag for item in view.items for tag in item.tags] + list(view.order.tags if view.order else ())
        return Bought(
            frozenset(skus),
            frozenset({*(key(one.group) for one in known if one.group), *skus}),  # a parent's SKU is a group's name
            tuple(dict.fromkeys(categories)),
            frozenset(key(tag) for tag in (*tags, *(tag for one in known for tag in one.tags))),
            frozenset(item.url for item in view.items if item.url),
        )

    def _has(self, product: Product) -> bool:
        bought = self.bought
        return (
            key(product.sku) in bought.skus
            or bool(product.group and key(product.group) in bought.groups)
            or product.url in bought.urls
        )

    def _speaks(self, languages: Iterable[str]) -> bool:
        """Whether something is for the page's language: `pt` covers pt-BR and pt-PT, `pt-BR` itself only."""
        wanted = [_tag(text) for text in languages]
        return not wanted or any(self._language == tag or self._language.startswith(f"{tag}-") for tag in wanted)


def market_of(view: WidgetView) -> str:
    """Where the order goes, or its parcel; empty where nobody knows."""
    return (view.order.country if view.order else "") or (view.shipment.country if view.shipment else "")


def _way(category: str) -> str:
    return next(iter(category_keys(category)), "")


def _tag(language: str) -> str:
    return language.lower().replace("_", "-")
