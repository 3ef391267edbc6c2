"""From a shipment to what a page says: every text translated, every date as the reader's culture writes it.

What a reader may see depends on the proof level, by the table in `doorstep.proof`.
"""

from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct

from . import wording, written_times
from .context import (
    CarrierView,
    Day,
    EventView,
    Fact,
    Hero,
    Link,
    Notice,
    PickupView,
    ShipmentView,
    Step,
    Tone,
)
from .freshness import Freshness
from .i18n import N_, Localizer
from .made_once import once
from .manifest import Manifest
from .models import Event, Moment, PickupPoint, Place, Shipment, Status
from .proof import own_words, seen, sees
from .summary import ENDS

_FOLDED_AFTER = 8  # events that stand unfolded
_MOST_EVENTS = 50  # on a page that was not asked for all
_MAP = "https://www.openstreetmap.org/search"

_MOVING = frozenset({Status.ACCEPTED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY})
_NOT_EXPECTED = ENDS | {Status.RETURNING, Status.EXCEPTION}  # whatever day the carrier still names
_UNDER_WAY = _MOVING | {Status.LABEL_CREATED, Status.CUSTOMS, Status.DELIVERY_ATTEMPTED}


_Dated = tuple[date | None, EventView]  # an event with the day on which it happened at its place
_DAY_OF = itemgetter(0)


class Reader(Struct, frozen=True, dict=True):
    """For whom a page is made: the language, what day it is at the shop, how much may be seen."""

    localizer: Localizer
    now: datetime
    zone: ZoneInfo
    level: int = 0

    @once
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def past(self, moment: datetime | None) -> datetime:
        """When something was learnt; now where nobody knows, or where the clock that noted it went ahead of this one."""
        return moment if moment is not None and moment < self.now else self.now


def hero(shipment: Shipment, reader: Reader) -> Hero:
    """The answer to a shopper's four questions."""
    text = reader.localizer.text
    words = wording.words(shipment)
    headline, when, iso = _headline(shipment, text(words.headline), reader)
    expected = expected_day(shipment)
    late = expected is not None and expected < reader.today and shipment.status in _UNDER_WAY
    return Hero(
        status=str(shipment.status),
        headline=headline,
        detail=text(words.detail) if words.detail else "",
        when=when,
        when_iso=iso,
        tone=words.tone,
        icon=words.icon,
        delayed=text(N_("It is taking longer than planned.")) if shipment.delayed or late else "",
    )


def _headline(shipment: Shipment, headline: str, reader: Reader) -> tuple[str, str, str]:
    """The largest sentence, the time under it and its ISO text: a day to come says more than where the parcel is now."""
    text = reader.localizer.text
    if shipment.status in ENDS or shipment.status is Status.AVAILABLE_FOR_PICKUP:
        return headline, _since(shipment.since, reader), written_times.iso(shipment.since)
    expected = expected_day(shipment)
    if expected is None or expected < reader.today or shipment.status in _NOT_EXPECTED:
        return headline, "", ""
    day, hours = _window_days(shipment, expected, reader), _window_hours(shipment, reader)
    day = day or _day_in_text(expected, reader)
    if shipment.status in _MOVING:
        return _arriving(expected, reader), reader.localizer.joined(day, hours), expected.isoformat()
    return headline, reader.localizer.joined(text(N_("Expected: %(day)s"), day=day), hours), expected.isoformat()


def hero_without(kind: str, localizer: Localizer, **values: str) -> Hero:
    """The answer when there is no shipment to speak of; `kind` is a key of `wording.WITHOUT`."""
    words = wording.WITHOUT[kind]
    return Hero(
        status=kind,
        headline=localizer.text(words.headline, **values),
        detail=localizer.text(words.detail),
        tone=words.tone,
        icon=words.icon,
    )


def progress(shipment: Shipment, reader: Reader) -> tuple[Step, ...]:
    """The steps with their state, or nothing where progress means nothing."""
    found = wording.steps(shipment)
    if found is None:
        return ()
    labels, current = found
    return steps(reader.localizer, labels, current + (shipment.status in (Status.DELIVERED, Status.RETURNED)))


@lru_cache(1024)  # what is the same object, a theme writes once
def steps(localizer: Localizer, labels: tuple[str, ...], done: int) -> tuple[Step, ...]:
    states = ["done" if i < done else "current" if i == done else "todo" for i in range(len(labels))]
    if done == len(labels):
        states[-1] = "current"
    return tuple(Step(localizer.text(label), state) for label, state in zip(labels, states, strict=True))


def shipment_view(
    shipment: Shipment, manifest: Manifest, reader: Reader, fetched_at: datetime, *, rest: str = ""
) -> ShipmentView:
    """The parcel as a page shows it. `rest` is the address of the page with all events, where this one has the newest only."""
    localizer = reader.localizer
    words = own_words(shipment, reader.level)
    newest = shipment.events[:_MOST_EVENTS] if rest else shipment.events
    fine = sees(reader.level, "place.name")
    events = [_event(event, reader, words[i], fine, i == 0) for i, event in enumerate(newest)]
    folded = len(events) > _FOLDED_AFTER + 2
    days = _days(events[:_FOLDED_AFTER] if folded else events, reader)
    older = _days(events[_FOLDED_AFTER:], reader) if folded else ()
    count = len(events) - _FOLDED_AFTER
    return ShipmentView(
        number=shipment.number,
        carrier=_carrier(shipment, manifest, localizer),
        status=str(shipment.status),
        status_label=localizer.text(wording.STATUS[shipment.status].label),
        delayed=shipment.delayed,
        final=shipment.final,
        days=days,
        older=older,
        older_label=localizer.plural("%(n)s older scan", "%(n)s older scans", count) if folded else "",
        rest=_rest(len(shipment.events) - len(newest), rest, localizer),
        window=_window_text(shipment, reader),
        facts=_facts(shipment, manifest, reader),
        pickup=pickup(shipment, reader) if sees(reader.level, "shipment.pickup_point") else None,
        as_of=written_times.as_of(fetched_at.astimezone(reader.zone), localizer, reader.today),
        as_of_iso=written_times.iso_instant(fetched_at),
    )


def _rest(count: int, url: str, localizer: Localizer) -> Link | None:
    if not count:
        return None
    return Link(localizer.plural("Show %(n)s more scan", "Show %(n)s more scans", count), url)


def notice(freshness: Freshness, manifest: Manifest, reader: Reader, fetched_at: datetime) -> Notice | None:
    """An honest word when the data are from before an outage."""
    if freshness is not Freshness.STALE_ON_ERROR:
        return None
    at = fetched_at.astimezone(reader.zone)
    said = reader.localizer.text(
        N_("%(carrier)s is not answering at the moment. Last answer: %(time)s."),
        carrier=manifest.name,
        time=written_times.day_and_clock(at, reader.localizer, reader.today),
    )
    return Notice(said, Tone.ATTENTION)


def coarse_shipment(shipment: Shipment, level: int = 0) -> dict[str, Any]:
    """The shipment as plain data, as far as a reader of this level sees it: at level 0, anybody who has the number."""
    words = own_words(shipment, level)
    told = {
        "id": shipment.id,
        "number": shipment.number,
        "carrier": shipment.carrier,
        "carrier_name": shipment.carrier_name,
        "status": shipment.status,
        "reason": shipment.reason,
        "delayed": shipment.delayed,
        "action_required": shipment.action_required,
        "final": shipment.final,
        "since": shipment.since,
        "service": shipment.service,
        "expected": expected_day(shipment),
        "destination_country": shipment.destination.country,
        "events": [_coarse_event(event, level, words[i]) for i, event in enumerate(shipment.events)],
        "window": shipment.window,
        "destination": _coarse_place(shipment.destination, level),
        "pickup_point": shipment.pickup_point,
        "weight": shipment.weight,
        "documents": [document.kind for document in shipment.documents],
    }
    return seen(level, "shipment", told)


def _coarse_event(event: Event, level: int, text: str) -> dict[str, Any]:
    told = {
        "status": event.status,
        "reason": event.reason,
        "code": event.code,
        "text": text,
        "moment": event.moment,
        "flags": event.flags,
        "piece": event.piece,
    }
    return {**seen(level, "event", told), "place": _coarse_place(event.place, level)}


def _coarse_place(place: Place, level: int) -> dict[str, str]:
    return seen(level, "place", {name: getattr(place, name) for name in Place.__struct_fields__})


def _event(event: Event, reader: Reader, text: str, fine: bool, latest: bool) -> _Dated:
    """A scan as a page shows it, its fields in their order: there are many on a page, and to name them takes twice as long."""
    localizer, moment, place = reader.localizer, event.moment, event.place
    meaning, status, tone = _meaning(localizer, event.status, event.reason)
    day, iso, clock, zone = written_times.dated(moment, localizer)
    return day, EventView(
        meaning or text or localizer.text(wording.STATUS[Status.UNKNOWN].label),
        iso,
        clock,
        zone,
        _written_place(localizer, place.name if fine else "", place.city, place.country),
        text if meaning else "",
        "",
        status,
        tone,
        latest,
    )


@lru_cache(4096)
def _meaning(localizer: Localizer, status: Status | None, reason: str) -> tuple[str, str, Tone]:
    """What a scan means: in words, if it means anything, as a status, and how it is shown."""
    msgid = wording.label(status, reason)
    tone = wording.STATUS[status].tone if status else Tone.NEUTRAL
    return localizer.text(msgid) if msgid else "", (status or Status.UNKNOWN).value, tone


def _days(events: list[_Dated], reader: Reader) -> tuple[Day, ...]:
    """Events grouped by the day they happened at their place; one without a time joins its neighbour's day."""
    result: list[Day] = []
    for day, group in groupby(events, key=_DAY_OF):
        views = tuple([view for _, view in group])
        if day is None and result:
            last = result.pop()
            result.append(Day(last.label, last.iso, last.events + views))
        else:
            label = reader.localizer.day(day, reader.today) if day else reader.localizer.text(N_("Day not known"))
            result.append(Day(label, written_times.iso_day(day) if day else "", views))
    return tuple(result)


def _facts(shipment: Shipment, manifest: Manifest, reader: Reader) -> tuple[Fact, ...]:
    localizer = reader.localizer
    facts = [Fact(localizer.text(N_("Tracking number")), shipment.number, ltr=True, copy=True)]
    if shipment.carrier_name and shipment.carrier_name != manifest.name:
        facts.append(Fact(localizer.text(N_("Data from")), manifest.name))
    if shipment.service:
        facts.append(Fact(localizer.text(N_("Service")), shipment.service))
    ends = (N_("From"), "shipment.origin", shipment.origin), (N_("To"), "shipment.destination", shipment.destination)
    for label, name, place in ends:
        city = place.city if sees(reader.level, name) else ""
        if written := _written_place(localizer, "", city, place.country):
            facts.append(Fact(localizer.text(label), written))
    for leg in shipment.legs:
        facts.append(Fact(localizer.text(N_("Delivered by")), leg.carrier))
        if leg.number:
            label = localizer.text(N_("Number at %(carrier)s"), carrier=leg.carrier)
            facts.append(Fact(label, leg.number, ltr=True, copy=True))
    if len(shipment.pieces) > 1:
        facts.append(Fact(localizer.text(N_("Pieces")), localizer.number(len(shipment.pieces))))
    if shipment.weight is not None and sees(reader.level, "shipment.weight"):
        facts.append(Fact(localizer.text(N_("Weight")), localizer.weight(shipment.weight.value, shipment.weight.unit)))
    return tuple(facts)


def _carrier(shipment: Shipment, manifest: Manifest, localizer: Localizer) -> CarrierView:
    name = shipment.carrier_name or manifest.name
    return CarrierView(manifest.slug, name, manifest.link_for(shipment.number, localizer.tag), manifest.notice)


def pickup(shipment: Shipment, reader: Reader) -> PickupView | None:
    """Where a parcel waits, as a page shows it."""
    point = shipment.pickup_point
    if point is None:
        return None
    lines = (point.street, " ".join(filter(None, (point.place.postcode, point.place.city))))
    day = written_times.local_day(point.until) if point.until else None
    until = reader.localizer.text(N_("Until %(day)s"), day=_day_in_text(day, reader)) if day else ""
    return PickupView(point.name, tuple(filter(None, lines)), point.hours, until, _map(point))


def _map(point: PickupPoint) -> str:
    """Where a map shows it: by its address, which every carrier gives."""
    place = point.place
    wanted = ", ".join(filter(None, (point.street, f"{place.postcode} {place.city}".strip(), place.country)))
    return f"{_MAP}?{urlencode({'query': wanted})}" if point.street or place.city else ""


def expected_day(shipment: Shipment) -> date | None:
    """The day on which the carrier expects to deliver it."""
    window = shipment.window
    if window is None:
        return None
    return next(
        (day for moment in (window.end, window.start) if moment and (day := written_times.local_day(moment))), None
    )


def since_day(shipment: Shipment) -> date | None:
    """The day of the scan that decided the status."""
    return written_times.local_day(shipment.since) if shipment.since else None


def _window_text(shipment: Shipment, reader: Reader) -> str:
    expected = expected_day(shipment)
    if expected is None or shipment.status in _NOT_EXPECTED:
        return ""
    day = _window_days(shipment, expected, reader) or reader.localizer.day(expected, reader.today)
    return reader.localizer.joined(day, _window_hours(shipment, reader))


def _window_hours(shipment: Shipment, reader: Reader) -> str:
    """The window by the hour, for those who may see it."""
    window = shipment.window
    if not sees(reader.level, "shipment.window") or window is None or window.start is None or window.end is None:
        return ""
    return written_times.hours(window.start, window.end, reader.localizer)


def _window_days(shipment: Shipment, last: date, reader: Reader) -> str:
    """The days of the window, for those who may see it, while the first is still to come; else the last one alone."""
    start = shipment.window.start if shipment.window and sees(reader.level, "shipment.window") else None
    first = written_times.local_day(start) if start else None
    if first is None or not reader.today <= first < last:
        return ""
    return reader.localizer.days(first, last, reader.today)


def _arriving(day: date, reader: Reader) -> str:
    text = reader.localizer.text
    distance = (day - reader.today).days
    if distance == 0:
        return text(N_("Arriving today"))
    if distance == 1:
        return text(N_("Arriving tomorrow"))
    if distance < 7:
        return text(N_("Arriving %(weekday)s"), weekday=reader.localizer.weekday(day))
    return text(N_("Arriving on %(date)s"), date=reader.localizer.day_and_month(day))


def _day_in_text(day: date, reader: Reader) -> str:
    """A day inside a sentence, where Today and Tomorrow would need another form in many languages."""
    return reader.localizer.long_date(day, reader.today)


def _since(moment: Moment | None, reader: Reader) -> str:
    if moment is None or (day := written_times.local_day(moment)) is None:
        return ""
    return reader.localizer.joined(
        reader.localizer.day(day, reader.today), written_times.clock(moment, reader.localizer)
    )


@lru_cache(4096)  # most scans are in few places
def _written_place(localizer: Localizer, name: str, city: str, country: str) -> str:
    city = city.title() if city.isupper() and len(city) > 3 else city  # carriers shout
    parts = (name, city, localizer.country(country) if country else "")
    written = ""
    for part in filter(None, parts):
        written = localizer.text(N_("%(place)s, %(area)s"), place=written, area=part) if written else part
    return written
