"""From a job and its order to what a message says: the parcel's own sentence, the date, what to do, in the reader's language.

A message is for whoever ordered: it says what proof level 1 sees (`doorstep.proof`), and documents never. One that asks
whether an address wants messages goes to somebody unknown, and says nothing of the order.
"""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct, structs

from . import order_views, views, written_times
from .context import Hero, ItemView, Link, Step, StoreView
from .i18n import N_, Localizer
from .jobs import Job
from .letter import LetterParcel
from .lines import isolated, one_line
from .message import Kind, Topic
from .message_words import BECAUSE_ASKED, BECAUSE_ORDERED, LETTERS, NEW_DATE, PICKUP_UNTIL, SEVERAL
from .models import Status
from .order import Item
from .order_views import Looked, Packing
from .orderbook import KeptOrder
from .summary import ENDS
from .views import Reader

_MOST_ITEMS, _MOST_PARCELS, _MOST_OTHERS = 8, 6, 6  # that are listed
_SINCE = ENDS | {Status.AVAILABLE_FOR_PICKUP}  # of which a page says since when
_PICKUP = (Kind.READY_FOR_PICKUP, Kind.PICKUP_REMINDER)


class Wanted(Struct, frozen=True):
    """What a message is made of."""

    job: Job
    order: KeptOrder
    looked: Sequence[Looked]
    reader: Reader
    store: StoreView
    image_hosts: Sequence[str] = ()
    origin: str = ""  # of the shop's own addresses; without one, what they lead to is left out

    @property
    def kind(self) -> Kind:
        return self.job.kinds[0]

    @property
    def concerned(self) -> list[Looked]:
        """The parcels that it is about, the most pressing first, and no more of them than a mail holds."""
        named = (one for one in self.looked if one.parcel.id in self.job.parcel_ids)
        return sorted(named, key=order_views.pressing)[:_MOST_PARCELS]


class Said(Struct, frozen=True):
    """What a message says, before it is put into a form."""

    subject: str
    hero: Hero
    notes: tuple[str, ...] = ()
    button: str = ""
    steps: tuple[Step, ...] = ()
    parcels: tuple[LetterParcel, ...] = ()
    others: tuple[LetterParcel, ...] = ()
    more: str = ""
    items: tuple[ItemView, ...] = ()


def say(wanted: Wanted) -> Said:
    """What the message says. One about parcels that are no longer there speaks for the whole order."""
    if wanted.kind is Kind.CONFIRM or wanted.kind.topic is Topic.MORE:
        return _of_no_parcel(wanted)
    return _of_parcels(wanted)


def because(wanted: Wanted) -> str:
    """Why the reader gets it; a question for consent says it itself."""
    if wanted.kind is Kind.CONFIRM:
        return ""
    reason = BECAUSE_ORDERED if wanted.kind.topic is Topic.ORDER else BECAUSE_ASKED
    return worded(wanted.reader.localizer, reason, shop=wanted.store.name)


def worded(localizer: Localizer, msgid: str, **values: str) -> str:
    """A text with values from outside in it, each of which stays by itself."""
    text = localizer.text(msgid)
    return text % {name: isolated(value, localizer.dir) for name, value in values.items()} if values else text


def _of_no_parcel(wanted: Wanted) -> Said:
    reader, words = wanted.reader, LETTERS[wanted.kind]
    item = _item_meant(wanted)
    product = item.name if item else one_line(wanted.job.item)
    until = item.warranty_until if item else None
    day = reader.localizer.long_date(until, reader.today) if until else ""
    values = {"product": product, "day": day, "shop": wanted.store.name}
    subject, detail = (_filled(reader.localizer, msgid, values) for msgid in (words.subject, words.detail))
    hero = Hero(wanted.kind.value, subject, "" if wanted.kind is Kind.WARRANTY and not day else detail)
    items = (_shown(wanted, order_views.item_view(item, 1, wanted.image_hosts, reader)),) if item else ()
    return Said(subject, hero, button=reader.localizer.text(words.button), items=items)


def _filled(localizer: Localizer, msgid: str, values: dict[str, str]) -> str:
    return worded(localizer, msgid, **{name: one for name, one in values.items() if f"%({name})s" in msgid})


def _item_meant(wanted: Wanted) -> Item | None:
    named = wanted.job.item
    if not named or wanted.kind is Kind.CONFIRM:
        return None
    return next((one for one in wanted.order.order.items if named in (one.id, one.sku, one.name)), None)


def _of_parcels(wanted: Wanted) -> Said:
    reader, words = wanted.reader, LETTERS[wanted.kind]
    packing = order_views.packing(wanted.order, wanted.image_hosts, reader)
    concerned = wanted.concerned
    several = len(wanted.job.kinds) > 1
    hero = _order_hero(wanted, packing) if several or not concerned else _parcel_hero(concerned[0], reader)
    hero, notes = _with_notes(wanted, hero, concerned)
    parcels = tuple(_parcel(wanted, one, packing) for one in concerned)
    rest = [one for one in wanted.looked if one not in concerned]
    return Said(
        subject=reader.localizer.text(SEVERAL if several else words.subject),
        hero=hero,
        notes=notes,
        button=reader.localizer.text(words.button),
        steps=order_views.steps(wanted.order, concerned, reader) if len(concerned) == 1 else (),
        parcels=parcels,
        others=tuple(_other(one, reader) for one in rest[:_MOST_OTHERS]),
        more=_more(len(rest) - _MOST_OTHERS, reader),
    )


def _order_hero(wanted: Wanted, packing: Packing) -> Hero:
    """What is happening with the whole order; where a parcel speaks for it, with that parcel's day."""
    hero = order_views.hero(wanted.order, wanted.looked, packing.unsent, wanted.reader)
    if not wanted.looked:
        return hero
    speaking = min(wanted.looked, key=order_views.pressing)
    if hero.when != order_views.parcel_hero(speaking, wanted.reader).when:
        return hero
    return structs.replace(hero, when=_parcel_hero(speaking, wanted.reader).when)


def _parcel_hero(looked: Looked, reader: Reader) -> Hero:
    """The page's answer, as it can be read on another day: "Today" is a day by then, and below there are no words of the
    carrier."""
    hero, shipment = order_views.parcel_hero(looked, reader), looked.shipment
    if shipment is None or shipment.status not in _SINCE:
        return structs.replace(hero, detail="") if hero.status == Status.UNKNOWN else hero
    day = views.since_day(shipment)
    if day is None or shipment.since is None:
        return hero
    localizer = reader.localizer
    clock = written_times.clock(shipment.since, localizer)
    return structs.replace(hero, when=localizer.joined(localizer.long_date(day, reader.today), clock))


def _with_notes(wanted: Wanted, hero: Hero, concerned: Sequence[Looked]) -> tuple[Hero, tuple[str, ...]]:
    """The answer, and what the kind adds to it."""
    if concerned and wanted.kind is Kind.DELAYED and (note := _new_date(concerned[0], wanted.reader)):
        return structs.replace(hero, delayed=""), (note,)  # which says it better
    if concerned and wanted.kind in _PICKUP and (note := _last_day(concerned[0], wanted.reader)):
        return hero, (note,)
    detail = LETTERS[wanted.kind].detail
    return hero, (wanted.reader.localizer.text(detail),) if detail else ()


def _new_date(looked: Looked, reader: Reader) -> str:
    day = order_views.expected(looked)
    if day is None or day < reader.today:
        return ""
    return worded(reader.localizer, NEW_DATE, day=reader.localizer.long_date(day, reader.today))


def _last_day(looked: Looked, reader: Reader) -> str:
    point = looked.shipment.pickup_point if looked.shipment else None
    day = written_times.local_day(point.until) if point and point.until else None
    return worded(reader.localizer, PICKUP_UNTIL, day=reader.localizer.long_date(day, reader.today)) if day else ""


def _parcel(wanted: Wanted, looked: Looked, packing: Packing) -> LetterParcel:
    reader = wanted.reader
    items = packing.packed.get(looked.parcel.id, ())
    waiting = looked.shipment if looked.state == "pickup" else None
    return structs.replace(
        _other(looked, reader),
        items=tuple(_shown(wanted, one) for one in items[:_MOST_ITEMS]),
        more=_more(len(items) - _MOST_ITEMS, reader),
        pickup=views.pickup(waiting, reader) if waiting else None,
    )


def _other(looked: Looked, reader: Reader) -> LetterParcel:
    """A parcel in a line or two."""
    hero = _parcel_hero(looked, reader)
    return LetterParcel(one_line(looked.parcel.number), one_line(carrier_name(looked)), looked.state, hero)


def carrier_name(looked: Looked) -> str:
    """Who carries it, as people know them."""
    named = looked.shipment.carrier_name if looked.shipment else ""
    return named or (looked.manifest.name if looked.manifest else looked.parcel.carrier)


def _shown(wanted: Wanted, item: ItemView) -> ItemView:
    image, url = picture(item.image, wanted.origin), whole(item.url, wanted.origin)
    return structs.replace(item, name=one_line(item.name), image=image, url=url)


def picture(address: str, origin: str) -> str:
    """The address of an image, as `whole`; "" for one that mail programs do not draw."""
    path = address.partition("#")[0].partition("?")[0]
    return "" if path.lower().endswith((".svg", ".svgz")) else whole(address, origin)


def whole(address: str, origin: str) -> str:
    """An address as it can stand in a mail; "" for a path of a shop that does not say where it is."""
    if not address.startswith("/"):
        return address
    return origin + address if origin else ""


def _more(count: int, reader: Reader) -> str:
    return f"+{reader.localizer.number(count)}" if count > 0 else ""


def contact_links(store: StoreView, localizer: Localizer) -> tuple[Link, ...]:
    """How the shop is reached."""
    found = []
    if store.contact_url:
        found.append(Link(localizer.text(N_("Contact the shop")), store.contact_url))
    if store.contact_email:
        found.append(Link(store.contact_email, f"mailto:{store.contact_email}"))
    if store.contact_phone:
        found.append(Link(store.contact_phone, f"tel:{store.contact_phone.replace(' ', '')}"))
    return tuple(found)


def expected_days(looked: Looked) -> tuple[date | None, date | None]:
    """The first and the last day on which the carrier expects to deliver, while it will."""
    last = order_views.expected(looked)
    window = looked.shipment.window if looked.shipment and last else None
    first = written_times.local_day(window.start) if window and window.start else None
    return first, last
