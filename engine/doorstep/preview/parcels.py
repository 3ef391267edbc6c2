"""Invented parcels for the preview, of an invented carrier: a journey for every status, and the awkward ones."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs

from ..exchange import Found
from ..intake import take_in
from ..manifest import CONTRACT, Manifest
from ..models import (
    Basis,
    Event,
    Flag,
    Moment,
    PickupPoint,
    Piece,
    Place,
    Precision,
    Shipment,
    Status,
    Weight,
    Window,
)

CARRIER = Manifest("northway", "Northway Parcel", CONTRACT, link="https://northway.example/track?n={number}")
NUMBER = "NW4482170935"
_HAMBURG, _HANOVER, _LYON = Place("Hamburg", country="DE"), Place("Hanover", country="DE"), Place("Lyon", country="FR")
_PARIS = Place("Paris", country="FR", name="Roissy hub")
_LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"

Step = tuple[Status | None, Place, str]  # what happened, where, in the carrier's words

_LABEL: Step = (Status.LABEL_CREATED, _HAMBURG, "Shipment data received")
_GIVEN: Step = (Status.ACCEPTED, _HAMBURG, "Accepted at counter")
_SORTED: Step = (Status.IN_TRANSIT, _HANOVER, "Departed sorting centre")
_ARRIVED: Step = (Status.IN_TRANSIT, _PARIS, "Arrived at hub")
_LOADED: Step = (Status.OUT_FOR_DELIVERY, _LYON, "Loaded on delivery vehicle")
_ON_THE_WAY = (_LABEL, _GIVEN, _SORTED, _ARRIVED)

JOURNEYS: dict[Status, tuple[Step, ...]] = {
    Status.PENDING: (),
    Status.LABEL_CREATED: (_LABEL,),
    Status.ACCEPTED: (_LABEL, _GIVEN),
    Status.IN_TRANSIT: _ON_THE_WAY,
    Status.CUSTOMS: (*_ON_THE_WAY, (Status.CUSTOMS, _PARIS, "Held for clearance")),
    Status.OUT_FOR_DELIVERY: (*_ON_THE_WAY, _LOADED),
    Status.AVAILABLE_FOR_PICKUP: (*_ON_THE_WAY, (Status.AVAILABLE_FOR_PICKUP, _LYON, "Ready for collection")),
    Status.DELIVERY_ATTEMPTED: (*_ON_THE_WAY, _LOADED, (Status.DELIVERY_ATTEMPTED, _LYON, "Nobody at home")),
    Status.DELIVERED: (*_ON_THE_WAY, _LOADED, (Status.DELIVERED, _LYON, "Delivered")),
    Status.EXCEPTION: (*_ON_THE_WAY, (Status.EXCEPTION, _PARIS, "Label damaged, relabelling")),
    Status.RETURNING: (*_ON_THE_WAY, (Status.RETURNING, _PARIS, "Returning to sender")),
    Status.RETURNED: (*_ON_THE_WAY, (Status.RETURNING, _PARIS, "Returning"), (Status.RETURNED, _HAMBURG, "Returned")),
    Status.CANCELLED: (_LABEL, (Status.CANCELLED, _HAMBURG, "Cancelled by sender")),
    Status.LOST: (*_ON_THE_WAY, (Status.LOST, _PARIS, "Declared lost")),
    Status.UNKNOWN: ((Status.UNKNOWN, _PARIS, "Event 8812"),),
}


def at_status(status: Status, now: datetime) -> Shipment:
    """A parcel that has come so far."""
    return _taken_in(structs.replace(Shipment(NUMBER, _events(JOURNEYS[status], now)), **_facts(status, now)))


def in_transit(now: datetime) -> Shipment:
    return at_status(Status.IN_TRANSIT, now)


def delayed(now: datetime) -> Shipment:
    late = (*_ON_THE_WAY, (None, _PARIS, "Weather delay"))
    newest, *older = _events(late, now)
    return _taken_in(Shipment(NUMBER, (structs.replace(newest, flags=(Flag.DELAYED,)), *older), destination=_LYON))


def of_sixty_scans(now: datetime) -> Shipment:
    steps = [(Status.IN_TRANSIT, Place(f"Depot {n}", country="DE"), f"Scan {n}") for n in range(1, 58)]
    return _taken_in(Shipment(NUMBER, _events([_LABEL, _GIVEN, *steps, _LOADED], now, hours=5), destination=_LYON))


def with_long_names(now: datetime) -> Shipment:
    place = Place(_LONG, country="GB", name="International Logistics and Distribution Centre North-West")
    steps = [_LABEL, (Status.IN_TRANSIT, place, " ".join(["Forwarded to", _LONG, "by", _LONG] * 2))]
    made = Shipment("NW" + "4482170935" * 3, _events(steps, now), destination=place, service=f"Express {_LONG}")
    return _taken_in(made)


def of_two_pieces(now: datetime) -> Shipment:
    first = _events(JOURNEYS[Status.DELIVERED], now)
    second = _events(JOURNEYS[Status.OUT_FOR_DELIVERY], now)
    events = [*(structs.replace(one, piece="1") for one in first), *(structs.replace(one, piece="2") for one in second)]
    return _taken_in(Shipment(NUMBER, tuple(events), pieces=(Piece("1"), Piece("2")), destination=_LYON))


def _facts(status: Status, now: datetime) -> dict[str, Any]:
    """What a carrier tells beside the scans."""
    facts: dict[str, Any] = {
        "service": "Standard", "origin": _HAMBURG, "destination": _LYON, "weight": Weight(1.4), "language": "en",
    }  # fmt: skip
    if status in (Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY):
        days = 0 if status is Status.OUT_FOR_DELIVERY else 2
        day = (now + timedelta(days=days)).replace(hour=10, minute=0, second=0, microsecond=0)
        facts["window"] = Window(_moment(day), _moment(day + timedelta(hours=4)))
    if status is Status.AVAILABLE_FOR_PICKUP:
        place = Place("Lyon", postcode="69003", country="FR")
        hours = ("Mo–Fr 08:00–19:00", "Sa 09:00–13:00")
        until = Moment("", Precision.DAY, Basis.UNKNOWN, local=(now + timedelta(days=6)).replace(tzinfo=None))
        facts["pickup_point"] = PickupPoint("Tabac du Pont", "12 rue du Pont", place, hours, until)
    return facts


def _events(steps: Sequence[Step], now: datetime, *, hours: int = 9) -> tuple[Event, ...]:
    """The scans of a journey that has just come to its last step, newest first."""
    scans = enumerate(reversed(steps))
    return tuple(
        Event(_moment(now - timedelta(hours=1 + hours * i)), status, code="", text=text, place=place)
        for i, (status, place, text) in scans
    )


def _moment(at: datetime) -> Moment:
    local = at.replace(tzinfo=None, second=0, microsecond=0)
    return Moment(
        local.isoformat(), Precision.MINUTE, Basis.OFFSET, at.replace(second=0, microsecond=0), local, "+00:00"
    )


def _taken_in(shipment: Shipment) -> Shipment:
    """As the engine takes a carrier's answer in."""
    answer = take_in(Found((shipment,)), CARRIER)
    assert isinstance(answer, Found)  # noqa: S101  # it is: there is a shipment in it
    return structs.replace(answer.shipments[0], id=msgspec.json.encode(shipment.number).hex()[:20])
