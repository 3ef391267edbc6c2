"""The pages of the preview: one for every status, and the awkward ones, by name."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from .. import order_forms
from ..access import Seen
from ..context import PageContext
from ..contexts import Contexts, Visit
from ..freshness import Freshness
from ..links import Proof, Ticket
from ..lookup import Lookup, Outcome
from ..models import Shipment, Status
from ..order_views import Addresses
from ..orderbook import KeptOrder
from . import parcels
from .orders import invented_order, looked_at


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
        looked = [looked_at(i, status, now) for i, status in enumerate(states, 1)]
        kept = invented_order(tuple(one.parcel for one in looked), now)
        seen = Seen(kept, 1, Ticket(kept.id, Proof.LINK, now + timedelta(days=30), 1))
        at = Addresses(visit.link("/o/preview/"), visit.link("/track/"))
        forms = order_forms.reports(looked, at, visit.reader.localizer)
        speaking = looked[0].shipment if looked else None
        return Shown("order.html", contexts.order(visit, seen, looked, at, forms), speaking, kept)

    return Case(name, title, made)


def _with_every_widget(name: str, title: str, case: Case) -> Case:
    return Case(name, title, case.made, every_widget=True)


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
