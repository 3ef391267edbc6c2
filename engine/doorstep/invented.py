"""An invented order for widgets to stand beside, where there is no shopper: in the preview, and where a plugin is tried out."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from msgspec import structs

from .context import StoreView
from .message import Reach, Topic
from .models import Status
from .order import CustomerFacts, Money
from .scenes import Scene
from .summary import ENDS
from .widget import Agreed, Browsers, CodeFacts, ItemFacts, MessageFacts, OrderFacts, ShipmentFacts, Voice, Way, When

TODAY = datetime(2026, 11, 20, tzinfo=UTC).date()
_ITEMS = (
    ItemFacts("Linen throw, sand", 1, "throw-sand", "home", ("linen",), "https://shop.example/throw"),
    ItemFacts("Candle, cedar and fig", 2, "candle-cedar", "candles", ("scent",), "https://shop.example/candle"),
)
_MESSAGES = (
    Way(Reach.EMAIL, "i•••@p•••.example", dict.fromkeys(Topic, Agreed.OFF), settled=True),
    Way(Reach.PHONE),
)
# The public key of RFC 8291's example.
_BROWSERS = Browsers("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8")
_VOICES = (
    ("Came a day early and smells wonderful.", 5, "Ines"),
    ("Gut verpackt, gerne wieder.", 4, ""),
    ("", 5, "Olu"),
)


def scene(store: StoreView, language: str = "en", *, level: int = 1, status: Status = Status.IN_TRANSIT) -> Scene:
    """A page with nothing but a parcel on it."""
    facts = ShipmentFacts("acme", status, status in ENDS, delayed=False, country="FR", days=2)
    return Scene(
        store,
        language,
        level,
        TODAY,
        address=lambda name: f"{store.base}/o/invented/widgets/{name}",
        country="FR",
        shipment=facts,
    )


def with_order(page: Scene, widgets: Iterable[str] = ()) -> Scene:
    """The page of an order of things for the home, the customer's third; each of these widgets has a code of it."""
    before = datetime.combine(page.today - timedelta(days=60), time(), UTC)
    code = CodeFacts("LINEN-7Q4K", page.today + timedelta(days=20), friends=2, earned=1)
    return structs.replace(
        page,
        order=OrderFacts("ord_invented", page.today - timedelta(days=3), page.country, ("gift",), 3),
        items=_ITEMS,
        customer=CustomerFacts(3, Money(Decimal("214.50"), "EUR"), before, ("regular",), 480, "Silver"),
        codes=dict.fromkeys(widgets, code),
        messages=MessageFacts(_MESSAGES, f"{page.store.base}/o/invented/messages", _BROWSERS),
    )


def with_voices(page: Scene) -> Scene:
    """The page of a shop that let some customers be heard."""
    return structs.replace(
        page, voices=tuple(Voice(text, score, name, day=page.today) for text, score, name in _VOICES)
    )


def fitting(page: Scene, when: When) -> Scene:
    """The page as it must be for these rules to hold."""
    status = next((one for one in when.status or Status if one not in when.except_status), Status.UNKNOWN)
    days = when.from_day if when.from_day or when.to_day is not None else 2
    changed: dict[str, Any] = {"level": max(page.level, when.level)}
    if page.shipment is not None:
        fits = (
            not when.status or page.shipment.status in when.status
        ) and page.shipment.status not in when.except_status
        changed["shipment"] = structs.replace(page.shipment, days=days, **({} if fits else {"status": status}))
    if when.markets and page.country not in when.markets:
        changed["country"] = when.markets[0]
    if page.customer is not None:
        changed["customer"] = structs.replace(
            page.customer,
            orders=max(when.orders_from, min(page.customer.orders, when.orders_to or page.customer.orders)),
            value=when.value_from or page.customer.value,
            tags=(*page.customer.tags, *when.segments[:1]),
        )
    return structs.replace(page, **changed)


def told_as(page: Scene, text: str) -> Scene:
    """The page with this text wherever a shop or a customer has words of their own."""
    heard = tuple(structs.replace(one, text=text, name=text) for one in page.voices)
    lines = tuple(structs.replace(one, name=text, category=text, tags=(text,)) for one in page.items)
    return structs.replace(
        page,
        store=structs.replace(page.store, name=text),
        order=page.order and structs.replace(page.order, tags=(*page.order.tags, text)),
        items=lines,
        customer=page.customer and structs.replace(page.customer, tags=(*page.customer.tags, text), tier=text),
        codes={name: structs.replace(one, code=text) for name, one in page.codes.items()},
        voices=heard,
    )
