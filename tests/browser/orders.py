"""A shop with orders as their recipients open them: a page for each state that an order can be in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec import Struct, structs

from doorstep.app import assemble
from doorstep.banner import Banner
from doorstep.config import Config, Store
from doorstep.demo import THEMES
from doorstep.engine import create_engine
from doorstep.order import Item, Order, PackedItem, Parcel, Promise
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.secret import Secret
from doorstep.testing import serve

from ..clock import FakeClock

# The clock stands at noon on Sunday 22 November 2026, and the samples with it.
TODAY = date(2026, 11, 22)
SHOES = Item("Trail shoes Larch, size 42", "shoes", url="https://shop.example/shoes")
SOCKS = Item("Wool socks", "socks", 3)
JACKET = Item("Rain jacket Fjord, dark green, extra long sleeves", "jacket")
SHOP = Store(
    name="Harbour & Pine",
    timezone="Europe/Berlin",
    widgets={"survey": {}},
    return_url="https://shop.example/returns",
    contact_url="https://shop.example/help",
    contact_email="help@shop.example",
    settings={
        "menu": [
            {"label": "Shoes and clothes", "links": [{"label": "Trail shoes", "url": "https://shop.example/shoes"}]},
            {"label": "Journal", "url": "https://shop.example/journal"},
        ],
        "footer_links": [{"label": "Imprint", "url": "/imprint"}, {"label": "Privacy", "url": "/privacy"}],
        "social": [
            {"label": host.title(), "url": f"https://{host}.com.example/harbour"}
            for host in ("instagram", "facebook", "tiktok", "youtube", "whatsapp", "pinterest", "linkedin", "elsewhere")
        ],
        "rich_text": "<h2>Wear them in</h2><p>Our <a href='https://shop.example/care'>care guide</a> has three rules:</p>"
        "<ul><li>wax them once a month,</li><li>dry them <strong>slowly</strong>.</li></ul>",
    },
    banners=(Banner({"en": "Strikes in France: parcels may take two days longer."}, countries=("FR",)),),
)


NAMES = (
    "before any parcel", "two parcels", "late", "arrived", "cancelled", "pickup and lost", "not scanned yet", "look-up form",
)  # fmt: skip


class Orders(Struct, frozen=True):
    """A running shop: the address of each page by theme and name."""

    url: str
    paths: dict[tuple[str, str], str]

    def address(self, name: str, theme: str = "classic", language: str = "en") -> str:
        return f"{self.url}{self.paths[theme, name]}?lang={language}"


def orders(numbers: dict[str, str]) -> dict[str, Order]:
    """One order for each state; `numbers` are the samples' by name."""
    known = {"email": "ada@post.example", "postcode": "10119", "items": (SHOES, SOCKS, JACKET)}
    parts = (
        Parcel(numbers["delivered"], items=(PackedItem("shoes"),)),
        Parcel(numbers["in_transit"], items=(PackedItem("socks", 2),)),
    )
    soon, past = Promise(until=date(2026, 11, 27)), Promise(until=date(2026, 11, 20))
    return {
        "before any parcel": Order("1001", **known, promised=soon, country="FR", note="Thank you, Ada!"),
        "two parcels": Order("1002", **known, shipments=parts, promised=soon),
        "late": Order("1003", **known, shipments=(Parcel(numbers["delayed"]),), promised=past),
        "arrived": Order("1004", **known, shipments=(Parcel(numbers["delivered_neighbour"]),), promised=soon),
        "cancelled": Order("1005", **known, cancelled_at=datetime(2026, 11, 21, tzinfo=UTC)),
        "pickup and lost": Order("1006", **known, shipments=(Parcel(numbers["pickup"]), Parcel(numbers["lost"]))),
        "not scanned yet": Order("1007", **known, shipments=(Parcel(numbers["not_found"]),)),
    }


@contextmanager
def running(
    folder: Path, settings: Mapping[str, Any] = MappingProxyType({}), *, shop: Store = SHOP
) -> Iterator[Orders]:
    """The shop with its orders, in every theme, on loopback; with more settings of the theme."""
    sandbox = sandbox_of(installed(), today=TODAY)
    with serve(sandbox.app) as carriers:
        config = Config(
            stores={
                theme: structs.replace(shop, path=path, theme=theme, settings={**shop.settings, **settings})
                for theme, path in THEMES.items()
            },
            secret_key=(Secret("0123456789abcdef0123456789abcdef"),),
            carriers=sandbox_accounts(sandbox, carriers.url),
            base=folder,
        )
        engine = create_engine(config, clock=FakeClock(), packages=installed())
        engine.database.open_now()
        numbers = {
            case.name: case.number for slug in ("dhl", "ups", "la_poste") for case in sandbox.samples[slug].cases
        }
        paths = {}
        for store, base in THEMES.items():
            for name, order in orders(numbers).items():
                with engine.database.writing() as connection:
                    kept = engine.ledger.enter(connection, store, order.number, lambda _, own=order: own).order
                paths[store, name] = f"{base}/o/{engine.access.link(kept, timedelta(days=30))}/"
            paths[store, "look-up form"] = f"{base}/"
        with serve(assemble(engine)) as served:
            yield Orders(served.url, paths)
