"""From an order and its parcels to what its page says: the answer in one line, the parcels by state, what is not sent yet,
the promise against what the carriers expect. Only for readers who proved that the order is theirs (`doorstep.proof`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct, structs

from . import views, wording
from .addresses import may_show
from .context import CarrierView, Fact, Hero, ItemView, Link, ParcelGroup, ParcelView, PromiseView, Step, Tone
from .freshness import Freshness
from .i18n import N_
from .lookup import Outcome
from .manifest import Manifest
from .models import Document, Shipment, Status
from .order import Item
from .orderbook import KeptOrder, KeptParcel
from .proof import seen, sees
from .summary import ENDS
from .views import Reader

_DOCUMENTS = {
    "proof_of_delivery": N_("Proof of delivery"),
    "signature": N_("Signature"),
    "photo": N_("Photo of the delivery"),
}
_WITHOUT = (Outcome.WAITING, Outcome.UNAVAILABLE, Outcome.LINK_ONLY)  # each has words of its own
_NO_EXPECTATION = ENDS | {Status.RETURNING}


class Looked(Struct, frozen=True):
    """A parcel of an order as it was last seen. `shipment` is None while its carrier does not know it, or nobody is asked."""

    parcel: KeptParcel
    shipment: Shipment | None = None
    manifest: Manifest | None = None
    fetched_at: datetime | None = None
    freshness: Freshness = Freshness.FRESH
    outcome: Outcome | None = None  # of the look-up, where there was one

    @property
    def state(self) -> str:
        return wording.state(self.shipment)


class Addresses(Struct, frozen=True):
    """Where an order's page leads: `page` is its own address with a slash at the end, `track` that of what anybody sees, `rest`
    that of the page with all events."""

    page: str
    track: str
    query: str = ""
    rest: str = ""

    def below(self, path: str) -> str:
        return f"{self.page}{path}{self.query}"


def hero(order: KeptOrder, looked: Sequence[Looked], unsent: Sequence[ItemView], reader: Reader) -> Hero:
    """What is happening with the order, in one line: the parcel that matters most speaks for it."""
    if order.order.cancelled_at is not None and all(one.state in ("preparing", "ended") for one in looked):
        return _said("cancelled", reader)
    if not looked:
        return _said("preparing", reader)
    speaking = min(looked, key=pressing)
    arrived = sum(one.state == "arrived" for one in looked)
    if len(looked) == 1 and not unsent:
        return parcel_hero(speaking, reader)
    if arrived == len(looked) and not unsent:
        return _said("all_arrived", reader)
    if speaking.state in ("attention", "pickup") or not arrived:
        return _one_of(parcel_hero(speaking, reader), looked, reader)
    return _part(speaking, looked, reader)


def _one_of(said: Hero, looked: Sequence[Looked], reader: Reader) -> Hero:
    """A parcel's answer where there are others beside it."""
    if len(looked) == 1:
        return said
    others = reader.localizer.plural("This is one of %(n)s parcel.", "This is one of %(n)s parcels.", len(looked))
    return structs.replace(said, detail=reader.localizer.sentences(said.detail, others))


def _part(speaking: Looked, looked: Sequence[Looked], reader: Reader) -> Hero:
    """Some has arrived: what comes next says more than what came."""
    text = reader.localizer.text
    said = _said("part_arrived", reader)
    if speaking.state == "arrived":
        return structs.replace(said, detail=text(N_("The rest follows as soon as it is ready.")))
    following = parcel_hero(speaking, reader)
    when = text(N_("Next: %(what)s"), what=following.headline)
    return structs.replace(said, when=when, when_iso="", detail=following.when, delayed=following.delayed)


def steps(order: KeptOrder, looked: Sequence[Looked], reader: Reader) -> tuple[Step, ...]:
    """How far along, where one thing is on its way: the only parcel, or the order before there is one."""
    if order.order.cancelled_at is not None or len(looked) > 1:
        return ()
    shipment = looked[0].shipment if looked else None
    if shipment is not None:
        return views.progress(shipment, reader)
    return views.steps(reader.localizer, wording.ORDER_STEPS, 0)


def parcel_hero(looked: Looked, reader: Reader) -> Hero:
    """The answer of one parcel."""
    if looked.shipment is not None:
        return views.hero(looked.shipment, reader)
    if looked.outcome in _WITHOUT and looked.manifest is not None:
        return views.hero_without(looked.outcome.value, reader.localizer, carrier=looked.manifest.name)
    return _said("sent", reader)


def _said(kind: str, reader: Reader) -> Hero:
    words = wording.ORDER[kind]
    text = reader.localizer.text
    return Hero(
        kind, text(words.headline), text(words.detail) if words.detail else "", tone=words.tone, icon=words.icon
    )


def pressing(looked: Looked) -> tuple[int, int, date]:
    """Sorts the parcels of an order: the state that presses most, the furthest along, the next to come."""
    shipment = looked.shipment
    near = 0 if shipment is not None and shipment.status is Status.OUT_FOR_DELIVERY else 1
    return list(wording.STATES).index(looked.state), near, (expected(looked) or date.max)


def expected(looked: Looked) -> date | None:
    """The day on which the carrier expects to deliver, while it will."""
    shipment = looked.shipment
    if shipment is None or shipment.status in _NO_EXPECTATION:
        return None
    return views.expected_day(shipment)


def groups(parcels: Iterable[ParcelView], reader: Reader) -> tuple[ParcelGroup, ...]:
    """The parcels by state, the most pressing first."""
    listed = tuple(parcels)
    found = {state: tuple(one for one in listed if one.state == state) for state in wording.STATES}
    return tuple(
        ParcelGroup(state, reader.localizer.text(wording.STATES[state]), members)
        for state, members in found.items()
        if members
    )


def parcel_view(looked: Looked, items: tuple[ItemView, ...], at: Addresses, reader: Reader) -> ParcelView:
    """A parcel of an order as its page shows it."""
    parcel, shipment, manifest = looked.parcel, looked.shipment, looked.manifest
    shown = notice = None
    if shipment is not None and manifest is not None:
        fetched_at = reader.past(looked.fetched_at)
        shown = views.shipment_view(shipment, manifest, reader, fetched_at, rest=at.rest)
        notice = views.notice(looked.freshness, manifest, reader, fetched_at)
    day = expected(looked)
    return ParcelView(
        id=parcel.id,
        number=parcel.number,
        carrier=shown.carrier if shown else _carrier(parcel, manifest, reader),
        state=looked.state,
        hero=parcel_hero(looked, reader),
        shipment=shown,
        items=items,
        documents=_documents(shipment, parcel, at, reader),
        share_url=at.track + parcel.number,
        calendar_url=_with(at.below("delivery.ics"), parcel.id) if day and day >= reader.today else "",
        notice=notice,
    )


def _carrier(parcel: KeptParcel, manifest: Manifest | None, reader: Reader) -> CarrierView:
    if manifest is None:
        return CarrierView(parcel.carrier, "")
    return CarrierView(
        manifest.slug, manifest.name, manifest.link_for(parcel.number, reader.localizer.tag), manifest.notice
    )


def _documents(shipment: Shipment | None, parcel: KeptParcel, at: Addresses, reader: Reader) -> tuple[Link, ...]:
    if shipment is None or not sees(reader.level, "shipment.documents"):
        return ()
    text = reader.localizer.text
    return tuple(
        Link(text(_DOCUMENTS.get(one.kind, N_("Document"))), at.below(f"documents/{parcel.id}/{n}"))
        for n, one in enumerate(shipment.documents)
    )


def documents(looked: Iterable[Looked]) -> list[Document]:
    """The documents that a second proof opens."""
    return [document for one in looked if one.shipment for document in one.shipment.documents]


def _with(address: str, parcel: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}parcel={parcel}"


class Packing(Struct, frozen=True):
    """Where an order's items are: by the id of a parcel, in parcels nobody described, in none yet."""

    packed: dict[str, tuple[ItemView, ...]]
    somewhere: tuple[ItemView, ...]
    unsent: tuple[ItemView, ...]


def packing(order: KeptOrder, image_hosts: Sequence[str], reader: Reader) -> Packing:
    """Which item is in which parcel, as far as the shop said. A parcel without a list may hold whatever no other one does."""
    left = Counter[str]()
    for item in order.order.items:
        left[_key(item)] += item.quantity
    packed: dict[str, tuple[ItemView, ...]] = {}
    by_key = {_key(item): item for item in reversed(order.order.items)}
    for parcel in order.parcels:
        inside = [(by_key[one.id], one.quantity) for one in parcel.items if one.id in by_key]
        packed[parcel.id] = tuple(item_view(item, quantity, image_hosts, reader) for item, quantity in inside)
        left.subtract({_key(item): quantity for item, quantity in inside})
    rest = tuple(item_view(by_key[key], count, image_hosts, reader) for key, count in left.items() if count > 0)
    undescribed = [parcel for parcel in order.parcels if not parcel.items]
    if len(order.parcels) == 1 and undescribed:
        return Packing({undescribed[0].id: rest}, (), ())
    known = order.parcels and not undescribed
    return Packing(packed, () if known else rest, rest if known else ())


def _key(item: Item) -> str:
    """What a parcel's list may call it by."""
    return item.id or item.sku or item.name


def item_view(item: Item, quantity: int, image_hosts: Sequence[str], reader: Reader) -> ItemView:
    """A line of the order."""
    amount = reader.localizer.number(quantity) if quantity > 1 else ""
    image = item.image if may_show(item.image, image_hosts) else ""
    told = {"name": item.name, "quantity": quantity, "image": image, "url": item.url}
    return msgspec.convert({**seen(reader.level, "item", told), "amount": amount}, ItemView)


def promise(
    order: KeptOrder, looked: Sequence[Looked], unsent: Sequence[ItemView], reader: Reader
) -> PromiseView | None:
    """What was promised against what the carriers expect, in honest words; None where nothing was, or nothing comes."""
    until = order.promised.until if order.promised else None
    if until is None or order.order.cancelled_at is not None:
        return None
    said = PromiseView(_promised(order, until, reader), "on_track")
    coming = [one for one in looked if one.state not in ("arrived", "ended")]
    if not coming and looked and not unsent:
        return _kept(said, until, looked, reader)
    days = [day for one in coming if (day := expected(one)) and day >= reader.today]
    latest = max(days, default=None)
    if latest is not None and latest > until:
        return _slipped(said, until, latest, coming, reader)
    text = reader.localizer.text
    if reader.today > until:
        detail = text(N_("It should be with you by now, and it is not. We are sorry about that."))
        return structs.replace(said, state="missed", detail=detail, reason=_why(coming, reader), tone=Tone.ATTENTION)
    if order.promise == "at_risk" or any(one.shipment and one.shipment.delayed for one in coming):
        detail = text(N_("It may come later than that. We will keep this page up to date."))
        return structs.replace(said, state="at_risk", detail=detail, reason=_why(coming, reader), tone=Tone.ATTENTION)
    return said


def _slipped(said: PromiseView, until: date, latest: date, coming: Sequence[Looked], reader: Reader) -> PromiseView:
    localizer = reader.localizer
    day = localizer.long_date(latest, reader.today)
    later = localizer.plural("%(n)s day later", "%(n)s days later", (latest - until).days)
    detail = localizer.text(
        N_("The carrier now expects %(day)s, %(later)s. We are sorry about that."), day=day, later=later
    )
    state = "missed" if reader.today > until else "at_risk"
    late = [one for one in coming if expected(one) == latest] + list(coming)
    return structs.replace(said, state=state, detail=detail, reason=_why(late, reader), tone=Tone.ATTENTION)


def _kept(said: PromiseView, until: date, looked: Sequence[Looked], reader: Reader) -> PromiseView | None:
    arrived = [
        day for one in looked if one.state == "arrived" and one.shipment and (day := views.since_day(one.shipment))
    ]
    if not arrived:
        return None
    late = (max(arrived) - until).days
    if late <= 0:
        return structs.replace(
            said, state="kept", detail=reader.localizer.text(N_("It arrived in time.")), tone=Tone.GOOD
        )
    detail = reader.localizer.plural(
        "It arrived %(n)s day late. We are sorry about that.",
        "It arrived %(n)s days late. We are sorry about that.",
        late,
    )
    return structs.replace(said, state="missed", detail=detail)


def _why(looked: Iterable[Looked], reader: Reader) -> str:
    """Why it slips, in the first of these parcels that says so."""
    for one in looked:
        if one.shipment and (msgid := wording.reason_label(one.shipment.reason)):
            said = reader.localizer.text(msgid)
            return reader.localizer.text(N_("What the carrier says: %(reason)s"), reason=said)
    return ""


def _promised(order: KeptOrder, until: date, reader: Reader) -> str:
    localizer, start = reader.localizer, order.promised.start if order.promised else None
    last = localizer.long_date(until, reader.today)
    if start is None or start >= until:
        return localizer.text(N_("Promised by %(day)s"), day=last)
    first = localizer.long_date(start, reader.today)
    return localizer.text(N_("Promised between %(first)s and %(last)s"), first=first, last=last)


def facts(order: KeptOrder, reader: Reader) -> tuple[Fact, ...]:
    """The small print of an order."""
    localizer = reader.localizer
    placed = order.placed_at.astimezone(reader.zone).date()
    found = [
        Fact(localizer.text(N_("Order number")), order.order.number, ltr=True, copy=True),
        Fact(localizer.text(N_("Ordered on")), _ordered_on(placed, reader)),
    ]
    if order.order.country:
        found.append(Fact(localizer.text(N_("Goes to")), localizer.country(order.order.country)))
    return tuple(found)


def _ordered_on(day: date, reader: Reader) -> str:
    same_year = day.year == reader.today.year
    return reader.localizer.day_and_month(day) if same_year else reader.localizer.long_date(day, reader.today)
