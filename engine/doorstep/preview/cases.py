"""The pages of the preview: one for every status, and the awkward ones, by name."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from .. import order_forms
from ..access import Seen
from ..context import PageContext
from ..contexts import Contexts, Visit
from ..freshness import Freshness
from ..links import Proof, Ticket
from ..lookup import Lookup, Outcome
from ..models import Shipment, Status
from ..order import Item, Money, Order, PackedItem, Promise
from ..order_views import Addresses, Looked
from ..orderbook import KeptOrder
from ..packing import KeptParcel
from . import parcels

_GOODS = (
    ("Linen throw, sand", "home", "linen"),
    ("Oak side table", "furniture", "oak"),
    ("Candle, cedar and fig", "candles", "scent"),
)


class Shown(Struct, frozen=True):
    """A page to render: its template, its values, and the parcel and the order of which widgets are told."""

    template: str
    context: PageContext
    shipment: Shipment | None = None
    order: KeptOrder | None = None

    @property
    def has_widgets(self) -> bool:
        return self.shipment is not None or self.order is not None


class Case(Struct, frozen=True):
    """One page. `made` makes it for a visit, at a time; with `every_widget`, all that there are stand on it, whatever their
    rules say."""

    name: str
    title: str
    made: Callable[[Contexts, Visit, datetime], Shown]
    every_widget: bool = False


def _of_parcel(name: str, title: str, make: Callable[[datetime], Shipment], *, hours: int = 0) -> Case:
    """A parcel's page; the carrier was last heard `hours` ago."""

    def made(contexts: Contexts, visit: Visit, now: datetime) -> Shown:
        heard = now - timedelta(hours=hours, minutes=4)
        shipment = make(heard if hours else now)
        freshness = Freshness.STALE_ON_ERROR if hours else Freshness.FRESH
        lookup = Lookup(Outcome.FOUND, shipment.number, (shipment,), heard, freshness, (parcels.CARRIER.slug,))
        return Shown("tracking.html", contexts.of(visit, lookup), shipment)

    return Case(name, title, made)


def _without_parcel(outcome: Outcome, title: str, number: str = parcels.NUMBER) -> Case:
    def made(contexts: Contexts, visit: Visit, now: datetime) -> Shown:
        lookup = Lookup(outcome, number, carriers=(parcels.CARRIER.slug,), retry_after=30)
        return Shown("tracking.html", contexts.of(visit, lookup))

    return Case(outcome.value, title, made)


def _choose(contexts: Contexts, visit: Visit, now: datetime) -> Shown:
    both = (parcels.at_status(Status.IN_TRANSIT, now), parcels.at_status(Status.DELIVERED, now))
    lookup = Lookup(Outcome.CHOOSE, parcels.NUMBER, both, now, carriers=(parcels.CARRIER.slug,))
    return Shown("choose.html", contexts.of(visit, lookup))


def _form(contexts: Contexts, visit: Visit, now: datetime) -> Shown:
    return Shown("lookup.html", contexts.form(visit))


def _error(contexts: Contexts, visit: Visit, now: datetime) -> Shown:
    return Shown("error.html", contexts.message(visit, "not_a_page"))


def _order(name: str, title: str, *states: Status) -> Case:
    """An order with a parcel in each of these states, and one thing more that is not sent yet."""

    def made(contexts: Contexts, visit: Visit, now: datetime) -> Shown:
        looked = [_looked(i, status, now) for i, status in enumerate(states, 1)]
        kept = _kept(tuple(one.parcel for one in looked), now)
        seen = Seen(kept, 1, Ticket(kept.id, Proof.LINK, now + timedelta(days=30), 1))
        at = Addresses(visit.link("/o/preview/"), visit.link("/track/"))
        forms = order_forms.reports(looked, at, visit.reader.localizer)
        speaking = looked[0].shipment if looked else None
        return Shown("order.html", contexts.order(visit, seen, looked, at, forms), speaking, kept)

    return Case(name, title, made)


def _with_every_widget(name: str, title: str, case: Case) -> Case:
    return Case(name, title, case.made, every_widget=True)


def _looked(i: int, status: Status, now: datetime) -> Looked:
    shipment = parcels.at_status(status, now)
    parcel = KeptParcel(
        id=f"parcel-{i}", number=f"{parcels.NUMBER[:-1]}{i}", carrier=parcels.CARRIER.slug,
        items=(PackedItem(f"item-{i}"),), shipped_at=None, shipment=shipment, status=shipment.status, final=shipment.final,
        expected=None, version=1, fetched_at=now, error="",
    )  # fmt: skip
    return Looked(parcel, shipment, parcels.CARRIER, now, outcome=Outcome.FOUND)


def _kept(packed: tuple[KeptParcel, ...], now: datetime) -> KeptOrder:
    items = [
        Item(name, f"item-{i}", sku=f"sku-{i}", category=category, tags=(tag,), price=Money(Decimal("24.90"), "EUR"))
        for i, (name, category, tag) in enumerate(_GOODS, 1)
    ]
    order = Order("4711", items=tuple(items), country="FR", note="Thank you. The socks are on us.")
    days = Promise(now.date(), now.date() + timedelta(days=2))
    return KeptOrder(
        id="preview", store="preview", version=1, order=order, placed_at=now - timedelta(days=3), promised=days, promise="",
        link_generation=1, parcels=packed, email_hash=None, postcode_hash=None, created_at=now, updated_at=now,
        closed_at=None, erased_at=None,
    )  # fmt: skip


def _at(status: Status) -> Case:
    title = status.value.replace("_", " ").capitalize() + (", no scans" if status is Status.PENDING else "")
    return _of_parcel(status.value, title, lambda now: parcels.at_status(status, now))


CASES = {
    case.name: case
    for case in (
        *map(_at, Status),
        _of_parcel("delayed", "Delayed", parcels.delayed),
        _of_parcel("sixty_scans", "Sixty scans", parcels.of_sixty_scans),
        _of_parcel("long_names", "Long names", parcels.with_long_names),
        _of_parcel("two_pieces", "Two pieces", parcels.of_two_pieces),
        _of_parcel("stale", "Old data, the carrier is silent", parcels.in_transit, hours=30),
        _without_parcel(Outcome.WAITING, "Asking the carrier"),
        _without_parcel(Outcome.UNAVAILABLE, "The carrier cannot be asked"),
        _without_parcel(Outcome.NOT_FOUND, "Not found"),
        _without_parcel(Outcome.UNRECOGNISED, "Unknown carrier", "ABC-123"),
        _without_parcel(Outcome.LINK_ONLY, "A link to the carrier"),
        Case("choose", "Two parcels with one number", _choose),
        Case("lookup", "The form", _form),
        Case("error", "No such page", _error),
        _order("order", "An order", Status.IN_TRANSIT),
        _order("order_two_parcels", "An order in two parcels", Status.OUT_FOR_DELIVERY, Status.DELIVERED),
        _order("order_trouble", "An order with trouble", Status.EXCEPTION, Status.DELIVERED),
        _order("order_not_sent", "An order, not sent yet"),
        _with_every_widget("widgets", "Every widget, for who has the number", _at(Status.DELIVERED)),
        _with_every_widget("widgets_order", "Every widget, for who ordered", _order("", "", Status.DELIVERED)),
    )
}
