"""A shop with a store for each hostile text, which is in every field that a merchant, a program, a carrier or a shopper has."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec import structs

from doorstep import Shipment
from doorstep.answers import listed
from doorstep.banner import Banner
from doorstep.config import Config, Store
from doorstep.errors import CatalogError
from doorstep.order import Order
from doorstep.orderbook import KeptOrder
from doorstep.packages import installed
from doorstep.paths import shipped
from doorstep.plugins import load_plugins
from doorstep.rewording import Source, read_source, reworded
from doorstep.sandbox import sandbox_of
from doorstep.theme_settings import SettingType, is_own_file
from doorstep.themes import find_themes, load_theme

from .asking import notify, silent
from .filling import Filling, forms
from .plugging import writer
from .shopfront import Front, shop
from .spy import SPY, spy

# What ends a text, an attribute, a comment, a script, a style and an element, and what would run behind it.
TEXTS = {
    "calm": "ZQ",
    "element": "ZQ'\"></title></textarea></style></script>--><script>ZQ()</script><img src=x onerror=ZQ()>",
    "attribute": "ZQ\" onfocus=\"ZQ()\" autofocus x=\"' onfocus='ZQ()' autofocus x='",
    "address": "javascript:ZQ()//https://good.example/",
    "template": "ZQ{{ 7 * 7 }}{% raw %}{# #}${7*7}%(number)s %s %n {0} {number.__class__} &lt;b&gt; &#60;i>",
    "markup": "ZQ<!--<![CDATA[<math><mtext><table><mglyph><style><!--</style><base href=//evil.example/>",
    "control": "ZQ\x1b[31m\x07\x9b2J\u202e\u2066\u2028\r\nX-Evil: 1\x00\ufeff",
}
SOURCES = ("shipment", "store", "banner", "order", "cross_sell", "survey", "referral", "offer", "loyalty")
SOURCES += ("settings", "content", "review", "notify")
NUMBERS = {name: (f"SPY{n}00001", f"SPY{n}00002") for n, name in enumerate(TEXTS, 1)}
_NONE: dict[str, Any] = dict.fromkeys(
    (
        "hosts", "languages", "carriers", "allowed_origins", "embed_origins", "countries", "sections", "order_sections",
        "season",
    ), (),
) | {key: {} for key in ("calendar", "freshness", "webhooks", "connectors", "market", "in", "draft", "words")}  # fmt: skip
# What says when something is shown, not what; and what has a form of its own.
GIVEN: dict[str, dict[str, Any]] = {
    "cross_sell": {
        "products[].price": "9.00", "products[].sale_price": "8.00", "products[].currency": "EUR", "products[].sku": "c",
        "products[].languages": (), "products[].markets": (), "products[].availability": "in_stock", "feed": "", "endpoint": "",
        "currency": "EUR", "rules": (), "fallback": (), "bundles[].bought": ("b",), "bundles[].items": ("c", "c"),
        "bundles[].markets": (), "bundles[].languages": (), "bundles[].price": "9.00", "bundles[].currency": "EUR",
        "guides[].bought": ("b",), "guides[].markets": (), "guides[].languages": (),
    },
    "survey": {
        f"{moment}.{name}": value
        for moment, kind in {"after_checkout": "text", "on_the_way": "scale", "after_delivery": "choice"}.items()
        for name, value in {
            "questions[].id": "own", "questions[].kind": kind, "questions[].required": False, "status": (), "unhappy_to": None,
            "happy_from": None, **({} if kind == "choice" else {"questions[].options": {}, "questions[].several": False}),
            **({} if kind == "scale" else {"questions[].low": "", "questions[].high": ""}),
        }.items()
    },
    "review": {"markets": {}},
    "offer": {"pool": "", "prefix": "X", "start": "placed", "days": None},
    "referral": {"prefix": "F", "parameter": "ref"},
    "loyalty": {"point_for.currency": "EUR", "tiers[].from": 0},
    "content": {f"entries[].{rule}": () for rule in ("markets", "languages", "skus", "categories", "tags")}
    | dict.fromkeys(("entries[].from", "entries[].until")) | {"entries[].kind": "how_to"},
    "store": {
        **_NONE, "path": "", "language": "en", "theme": "classic", "timezone": "Europe/Berlin", "public_url": "",
        "preset": "", "image_hosts": ("good.example",), "messages": {"channels": ("mail", "text")}, "banners": (),
        "settings": {}, "widgets": {},
    },
    "banner": {"countries": (), "carriers": (), "starts_at": None, "ends_at": None},
    "order": {
        "language": "en", "country": "DE", "promised": {"until": "2026-11-26"}, "cancelled_at": None, "items[].id": "b",
        "items[].sku": "b",
        "shipments[].items[].id": "b", "shipments[].carrier": "", "items[].price.currency": "EUR", "total.currency": "EUR",
        "customer.value.currency": "EUR", "phone": "+4940123456",
    },
}  # fmt: skip
_AT = {"raw": "2026-11-20 12:00", "instant": "2026-11-20T12:00:00Z", "local": "2026-11-20T12:00:00", "basis": "utc"}
_MOMENTS = ("events[].moment", "window.start", "window.end", "pickup_point.until", "since")
SHIPMENT: dict[str, Any] = dict.fromkeys(_MOMENTS, _AT) | {
    "id": "",
    "events[].flags": (),
    "events[].piece": "",
    "pieces": (),
    "carrier": "",
    "destination.country": "DE",
}


def theme_settings(text: str, theme: str) -> dict[str, Any]:
    """Whatever a theme lets a shop write, each setting the boldest text that it takes."""
    found = {}
    settings = load_theme(theme, find_themes([shipped("themes")])).settings
    for n, (name, setting) in enumerate(settings.items()):
        marked = forms(text.replace("ZQ", f"zq90{n:02}z"))
        label, address = marked[1], marked[4]
        shapes = [
            *marked, [{"label": label, "url": address}],
            [{"label": label, "url": address, "links": [{"label": label, "url": address}]}],
        ]  # fmt: skip
        files = setting.type is SettingType.IMAGE  # a name is that of a file, which has to be there
        value = next(
            (one for one in shapes if not setting.problem(one) and not (files and is_own_file(str(one)))), None
        )
        if value is not None:
            found[name] = value
    return found


def own_words(text: str) -> dict[str, Any]:
    """Every text that a page says, in words of the shop that begin with the boldest that is taken."""
    source = read_source([shipped("locales")])
    said: dict[str, Any] = {}
    for name in (*source.places, *source.texts):
        english = [one for one in source.of(name) or () if one]
        said[name] = next(found for found in _bolder(text, english) if _is_taken(name, found, source))
    return said


def _bolder(text: str, english: list[str]) -> Iterator[Any]:
    for form in (*forms(text.replace("ZQ", "zq99z")), "zq99z"):
        told = [f"{form} {one}" for one in english]
        yield told if len(told) > 1 else told[0]


def _is_taken(name: str, said: Any, source: Source) -> bool:
    try:
        reworded([("", {"en": {name: said}})], source, ("en",), in_html=frozenset)
    except CatalogError:
        return False
    return True


def store_of(text: str, name: str, offers: Mapping[str, Any], into: list[Filling], theme: str) -> Store:
    """A store whose every field is this text, with all widgets."""
    shown = {}
    for one, offer in offers.items():
        into.append(Filling(text, GIVEN.get(one), SOURCES.index(one)))
        shown[one] = into[-1].raw(offer.type.settings_type)
    settings = theme_settings(text, theme)
    given = {**GIVEN["store"], "path": f"/{name}", "theme": theme, "widgets": shown, "settings": settings}
    into += (Filling(text, given, SOURCES.index("store")), Filling(text, GIVEN["banner"], SOURCES.index("banner")))
    made, banner = into[-2].made(Store), into[-1].made(Banner)
    return structs.replace(made, banners=(banner,), words={"en": own_words(text)})


def parcels_of(text: str, name: str, into: list[Filling]) -> dict[str, tuple[Shipment, ...]]:
    """What a carrier says of the two parcels of a store."""
    found = {}
    for number, status in zip(NUMBERS[name], ("in_transit", "delivered"), strict=True):
        into.append(Filling(text, SHIPMENT | {"events[].status": status, "number": number}, SOURCES.index("shipment")))
        found[number] = (into[-1].made(Shipment),)
    return found


class Hostile:
    """The shop at work: a store for each text, an order of two parcels in each, and links to it."""

    def __init__(self, front: Front, filled: list[Filling], texts: Collection[str]) -> None:
        self.front = front
        self.filled = filled  # what the calm store is made of
        self.shown = ""
        self.kept: dict[tuple[str, str], KeptOrder] = {}
        for name in texts:
            text = TEXTS[name]
            filling = Filling(text, GIVEN["order"] | {"shipments[].number": NUMBERS[name][0]}, SOURCES.index("order"))
            order = filling.made(Order)
            moving, arrived = (structs.replace(order.shipments[0], number=number) for number in NUMBERS[name])
            for stage, parcels in {"placed": (), "on the way": (moving, arrived), "arrived": (arrived,)}.items():
                one = structs.replace(order, number=f"{order.number} {stage}"[:64], shipments=parcels)
                self.kept[name, stage] = self._entered(name, one)
            self._says(name, text)
            filled += [filling] if name == "calm" else []

    def _entered(self, store: str, order: Order) -> KeptOrder:
        with self.front.engine.database.writing() as connection:
            kept: KeptOrder = self.front.engine.ledger.enter(connection, store, order.number, lambda _: order).order
        return kept

    def _says(self, store: str, text: str) -> None:
        """A customer's words, which the shop shows to everybody."""
        comment, name = (text.replace("ZQ", f"zq970{n}z") for n in (1, 2))
        data = {"score": 5, "of": 5, "comment": comment, "name": name, "language": "en", "share": True}
        kept, engine = self.kept[store, "placed"], self.front.engine
        anyio.run(
            partial(engine.answers.save, order=(kept.id, kept.order.number)), store, "survey", kept.id, "said", data
        )
        with engine.database.writing() as connection:
            (found,) = listed(connection, store, limit=2).answers
            engine.answers.approve(connection, found)

    def get(self, path: str) -> Any:
        return self.front.get(path)

    def token(self, name: str, stage: str = "on the way") -> str:
        token: str = self.front.engine.access.link(self.kept[name, stage], timedelta(days=30))
        return token

    def order(self, name: str, stage: str = "on the way", path: str = "/") -> str:
        return f"/{name}/o/{self.token(name, stage)}{path}"


@contextmanager
def trading(folder: Path, texts: Collection[str] = TEXTS, theme: str = "classic", **fields: Any) -> Iterator[Hostile]:
    """The shop, at work, with the stores of these texts. `fields` are more of its settings."""
    offers = load_plugins(Config(stores={}, base=folder), installed()).registered.widgets
    filled: list[Filling] = []
    answers, stores = {}, {}
    for name in texts:
        text = TEXTS[name]
        into = filled if name == "calm" else []
        answers |= parcels_of(text, name, into)
        stores[name] = store_of(text, name, offers, into, theme)
    channels: dict[str, dict[str, Any]] = {"mail": {}, "text": {}}
    with pytest.MonkeyPatch.context() as patch:
        write = writer(folder, patch)
        packages = (spy(write, answers), silent(write), *notify())
        wanted = {"more": packages, "accounts": SPY, "stores": stores, "channels": channels, **fields}
        with shop(folder, sandbox_of([]), "", **wanted) as front:
            yield Hostile(front, filled, texts)
