"""What is known of a page on which widgets stand, and of that to each widget what it declares and nothing more."""

from collections.abc import Callable, Hashable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from .context import StoreView
from .errors import PluginError
from .models import Moment, Precision, Shipment
from .order import CustomerFacts, Item
from .order_forms import Typed
from .orderbook import KeptOrder
from .proof import NUMBER, sees
from .views import Reader
from .widget import CodeFacts, ItemFacts, MessageFacts, Need, OrderFacts, ShipmentFacts, Voice, Widget, WidgetView

# The field that decides who may see what a widget needs.
_FIELDS = {
    Need.SHIPMENT: "shipment.status",
    Need.ORDER: "order.number",
    Need.ITEMS: "order.items",
    Need.CUSTOMER: "order.customer",
    Need.CODE: "order.codes",
    Need.MESSAGES: "order.messages",
    Need.VOICES: "store.voices",
}


class Scene(Struct, frozen=True):
    """A page on which widgets stand. `address` gives where the form of a widget posts to, by its name; `country` is where the
    parcel goes; codes are by widget, answers by widget and moment; `done` is the widget whose form was just sent, `typed` a
    form that was refused."""

    store: StoreView
    language: str
    level: int
    today: date
    address: Callable[[str], str]
    country: str = ""
    shipment: ShipmentFacts | None = None
    order: OrderFacts | None = None
    items: tuple[ItemFacts, ...] = ()
    customer: CustomerFacts | None = None
    codes: Mapping[str, CodeFacts] = {}
    messages: MessageFacts | None = None
    voices: tuple[Voice, ...] = ()
    answers: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}
    done: str = ""
    typed: Typed | None = None


class Declared(Struct, frozen=True):
    """What a widget says that it sees, read once: no plugin code runs for a page but in its own turn."""

    name: str
    needs: frozenset[Need]
    answers_of: tuple[str, ...]  # its own, where it takes any, among them


def declared(widget: Widget[Any]) -> Declared:
    """What a widget declares. Raises PluginError for what is no need."""
    known = frozenset(Need)
    needs = frozenset(widget.needs)
    if wrong := needs - known:
        raise PluginError(
            f"widget {widget.name!r} needs {sorted(map(str, wrong))}", next_step=f"there are {', '.join(Need)}"
        )
    own = (widget.name,) if type(widget).submit is not Widget.submit else ()
    return Declared(widget.name, needs & known, tuple(dict.fromkeys((*own, *widget.answers_of))))


def view_of(scene: Scene, widget: Declared) -> WidgetView:
    """What a widget sees of a page."""
    needs = _seen(widget.needs, scene.level)
    read = widget.answers_of if sees(scene.level, "order.answers") else ()
    mine = scene.typed if scene.typed and scene.typed.name == widget.name else None
    return WidgetView(
        store=scene.store,
        language=scene.language,
        level=scene.level,
        today=scene.today,
        action=scene.address(widget.name),
        shipment=scene.shipment if Need.SHIPMENT in needs else None,
        order=scene.order if Need.ORDER in needs else None,
        items=scene.items if Need.ITEMS in needs else (),
        customer=scene.customer if Need.CUSTOMER in needs else None,
        code=scene.codes.get(widget.name) if Need.CODE in needs else None,
        messages=scene.messages if Need.MESSAGES in needs else None,
        voices=scene.voices if Need.VOICES in needs else (),
        answers={name: scene.answers[name] for name in read if name in scene.answers},
        done=scene.done == widget.name and mine is None,
        problem=mine.problem if mine else "",
        values=mine.values if mine else {},
    )


def same_for_all(scene: Scene) -> Hashable | None:
    """What decides on all that widgets see of a page, where it is one that many parcels have; None of others."""
    if scene.level != NUMBER or scene.order is not None or scene.customer is not None or scene.typed is not None:
        return None
    leads_to = scene.address("")
    return scene.store, scene.language, scene.today, leads_to, scene.country, scene.shipment, scene.voices, scene.done


@lru_cache(1024)
def _seen(needs: frozenset[Need], level: int) -> frozenset[Need]:
    return frozenset(need for need in needs if sees(level, _FIELDS[need]))


def shipment_facts(shipment: Shipment, reader: Reader) -> ShipmentFacts:
    """What widgets may know of a parcel."""
    since = _day(shipment.since, reader.zone) if shipment.since else None
    return ShipmentFacts(
        carrier=shipment.carrier,
        status=shipment.status,
        final=shipment.final,
        delayed=shipment.delayed,
        country=shipment.destination.country,
        days=max(0, (reader.today - since).days) if since else None,
    )


def order_facts(kept: KeptOrder, zone: ZoneInfo) -> OrderFacts:
    """What widgets may know of an order."""
    order = kept.order
    return OrderFacts(
        id=kept.id,
        placed_on=kept.placed_at.astimezone(zone).date(),
        country=order.country,
        tags=order.tags,
        quantity=sum(item.quantity for item in order.items),
    )


def item_facts(kept: KeptOrder) -> tuple[ItemFacts, ...]:
    """What widgets may know of what was ordered."""
    return tuple(facts_of(item) for item in kept.order.items)


def facts_of(item: Item) -> ItemFacts:
    return ItemFacts(item.name, item.quantity, item.sku, item.category, item.tags, item.url)


def _day(moment: Moment, zone: ZoneInfo) -> date | None:
    """The day of a moment at the shop, so that a rule about days turns at the shop's midnight; of one without an instant,
    the day as the carrier wrote it."""
    if moment.instant is not None and moment.precision is not Precision.DAY:
        return moment.instant.astimezone(zone).date()
    at = moment.local or moment.instant
    return at.date() if at else None
