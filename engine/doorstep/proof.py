"""What each proof level sees: one table, which every view, page, JSON answer and widget is made by.

    0  the number alone
    1  a signed link, or the order's number with its e-mail address or postcode
    2  level 1 and a second proof, of another kind

A field of the models that is not in the table cannot be shown: asking for it is an error, and a test compares both.
"""

from collections.abc import Mapping
from typing import TypeVar

from .models import Shipment, Status

T = TypeVar("T")
NUMBER, RECIPIENT, BOTH = 0, 1, 2
NOBODY = 9  # kept to be compared or to write to; on no page and in no page's JSON

SEEN_FROM: Mapping[str, int] = {
    "shipment.number": NUMBER,
    "shipment.id": NUMBER,
    "shipment.carrier": NUMBER,
    "shipment.carrier_name": NUMBER,
    "shipment.status": NUMBER,
    "shipment.reason": NUMBER,
    "shipment.delayed": NUMBER,
    "shipment.action_required": NUMBER,
    "shipment.final": NUMBER,
    "shipment.since": NUMBER,
    "shipment.service": NUMBER,
    "shipment.expected": NUMBER,  # the day
    "shipment.window": RECIPIENT,  # the hours
    "shipment.origin": RECIPIENT,
    "shipment.origin_country": NUMBER,
    "shipment.destination": RECIPIENT,
    "shipment.destination_country": NUMBER,
    "shipment.events": NUMBER,
    "shipment.pickup_point": RECIPIENT,
    "shipment.pieces": NUMBER,  # how many
    "shipment.legs": NUMBER,
    "shipment.weight": RECIPIENT,
    "shipment.documents": BOTH,  # proof of delivery, signature, photo
    "shipment.language": NUMBER,
    "event.moment": NUMBER,
    "event.status": NUMBER,
    "event.reason": NUMBER,
    "event.code": NUMBER,
    "event.text": NUMBER,  # where it is far from the recipient
    "event.text_near": RECIPIENT,  # where it may name a person or a door
    "event.flags": NUMBER,
    "event.piece": RECIPIENT,
    "event.mapped": NOBODY,
    "place.city": NUMBER,
    "place.country": NUMBER,
    "place.region": RECIPIENT,
    "place.postcode": RECIPIENT,
    "place.name": RECIPIENT,
    "piece.number": RECIPIENT,
    "piece.status": RECIPIENT,
    "order.number": RECIPIENT,
    "order.placed_at": RECIPIENT,
    "order.language": RECIPIENT,
    "order.email": NOBODY,
    "order.phone": NOBODY,
    "order.postcode": NOBODY,
    "order.country": RECIPIENT,
    "order.promised": RECIPIENT,
    "order.items": RECIPIENT,
    "order.shipments": RECIPIENT,
    "order.total": RECIPIENT,
    "order.tags": RECIPIENT,  # widgets only, as the next two
    "order.customer": RECIPIENT,
    "order.note": RECIPIENT,
    "order.cancelled_at": RECIPIENT,
    "order.codes": RECIPIENT,  # of widgets, as the next
    "order.answers": RECIPIENT,
    "order.messages": RECIPIENT,  # by which ways, of an address its first letters
    "store.voices": NUMBER,  # what customers said that the shop approved
    "order.referral": NOBODY,
    "item.name": RECIPIENT,
    "item.id": RECIPIENT,
    "item.quantity": RECIPIENT,
    "item.sku": RECIPIENT,
    "item.image": RECIPIENT,
    "item.url": RECIPIENT,
    "item.category": RECIPIENT,
    "item.tags": RECIPIENT,
    "item.price": RECIPIENT,
    "item.lifetime": RECIPIENT,
    "item.warranty_until": RECIPIENT,
    "parcel.number": NUMBER,
    "parcel.carrier": NUMBER,
    "parcel.items": RECIPIENT,
    "parcel.shipped_at": RECIPIENT,
}


def sees(level: int, field: str) -> bool:
    """Whether a reader of this level sees a field, `shipment.weight`. Raises KeyError for one that nobody decided on."""
    return level >= SEEN_FROM[field]


def seen(level: int, kind: str, values: Mapping[str, T]) -> dict[str, T]:
    """Those of a thing's values that a reader of this level sees."""
    return {name: value for name, value in values.items() if sees(level, f"{kind}.{name}")}


# Far from the recipient: what a carrier says here is of depots and labels.
_FAR = frozenset({Status.PENDING, Status.LABEL_CREATED, Status.ACCEPTED, Status.IN_TRANSIT, Status.CUSTOMS})
_NOWHERE: frozenset[Status | None] = frozenset({None, Status.UNKNOWN})
_NEAR = frozenset(Status) - _FAR - _NOWHERE
_OF_SOMEBODY = ("recipient.", "address.")  # reasons


def near_recipient(shipment: Shipment) -> list[bool]:
    """Of each event, whether the carrier's words may name a person or a door: what is not far from the recipient, what is
    about the recipient, and after that whatever stands in no place of the way."""
    found: list[bool] = []
    been_near = False
    for event in reversed(shipment.events):
        near = event.status in _NEAR or event.reason.startswith(_OF_SOMEBODY)
        been_near = been_near or near
        found.append(near or (been_near and event.status in _NOWHERE))
    return found[::-1]


def own_words(shipment: Shipment, level: int) -> list[str]:
    """Of each event the carrier's own text, as far as a reader of this level sees it."""
    shown = {True: sees(level, "event.text_near"), False: sees(level, "event.text")}
    return [
        event.text if shown[near] else "" for event, near in zip(shipment.events, near_recipient(shipment), strict=True)
    ]
