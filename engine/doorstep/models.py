"""What a shipment is: frozen values that carriers fill, the cache keeps and pages read."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

# The values there are many of (`gc=False`) hold no circles, so the garbage collector need not look at them.
UTCTime = Annotated[datetime, Meta(tz=True)]
WallClock = Annotated[datetime, Meta(tz=False)]


class Status(StrEnum):
    """Where the parcel is on its way; lateness, reasons and what to do stand beside it, not in it."""

    PENDING = "pending"  # ordered, the carrier knows nothing yet
    LABEL_CREATED = "label_created"
    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    CUSTOMS = "customs"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERY_ATTEMPTED = "delivery_attempted"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    LOST = "lost"
    UNKNOWN = "unknown"


# Where a parcel is in trouble, and nobody wants to be sold or asked anything.
TROUBLE = (
    Status.DELIVERY_ATTEMPTED,
    Status.EXCEPTION,
    Status.RETURNING,
    Status.RETURNED,
    Status.CANCELLED,
    Status.LOST,
)

UNITS_OF_WEIGHT = ("kg", "g", "lb", "oz")


class Flag(StrEnum):
    """What a scan says beside the position."""

    DELAYED = "delayed"
    ACTION_REQUIRED = "action_required"
    RETURN = "return"  # the parcel is on its way back from here on
    PICKUP_POINT = "pickup_point"  # "delivered" here means: waiting in a shop, locker or post office
    HANDOVER = "handover"  # given to another carrier
    PARTIAL = "partial"  # only some of the pieces


class Precision(StrEnum):
    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"


class Basis(StrEnum):
    """Why the instant of a moment is known, or `unknown`."""

    OFFSET = "offset"  # the carrier wrote the offset
    UTC = "utc"  # the carrier wrote UTC
    PLACE = "place"  # the zone of the very place
    COUNTRY = "country"  # the place's country has one zone only
    UNKNOWN = "unknown"


class Moment(Struct, frozen=True, gc=False):
    """A time as a carrier gave it, with what is honestly known about it. Make one with `doorstep.moments`.

    `local` is the wall clock of the place where it happened, without a zone; `instant` is in UTC; `offset` is the
    place's offset from UTC as "+01:00". Each is None where it is not known: a local time is never stamped with a zone.
    """

    raw: str
    precision: Precision = Precision.MINUTE
    basis: Basis = Basis.UNKNOWN
    instant: UTCTime | None = None
    local: WallClock | None = None
    offset: str | None = None


class Place(Struct, frozen=True, gc=False):
    """A place of a scan. `country` is ISO 3166-1 alpha-2, upper case, or empty; `name` is a depot's or shop's name."""

    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    name: str = ""


class Event(Struct, frozen=True, gc=False):
    """One scan. `status` None means informational: it moves nothing. `code` and `text` are the carrier's own."""

    moment: Moment
    status: Status | None
    reason: str = ""
    code: str = ""
    text: str = ""
    place: Place = Place()
    piece: str = ""
    flags: tuple[Flag, ...] = ()
    mapped: bool = True


class Window(Struct, frozen=True):
    """When the parcel is expected: between `start` and `end`, either of which may be missing or a whole day."""

    start: Moment | None = None
    end: Moment | None = None


class PickupPoint(Struct, frozen=True):
    """Where a parcel waits. `hours` are lines as the carrier writes them; `until` is the last day to collect."""

    name: str = ""
    street: str = ""
    place: Place = Place()
    hours: tuple[str, ...] = ()
    until: Moment | None = None
    code: str = ""


class Piece(Struct, frozen=True):
    number: str
    status: Status = Status.UNKNOWN


class Leg(Struct, frozen=True):
    """A stretch under another carrier: its name as people know it, and the number it uses."""

    carrier: str
    number: str = ""


class Document(Struct, frozen=True):
    """A reference that the plugin's `document()` can fetch; kind is `proof_of_delivery`, `signature` or `photo`."""

    kind: str
    ref: str


class Weight(Struct, frozen=True):
    """A weight that is positive, in a unit of `UNITS_OF_WEIGHT`; another one is not shown."""

    value: float
    unit: str = "kg"  # kg, g, lb or oz


class Summary(Struct, frozen=True):
    """What the events say together; derived by rule in `doorstep.summary`, never copied from the last scan."""

    status: Status = Status.PENDING
    reason: str = ""
    delayed: bool = False
    action_required: bool = False
    final: bool = False
    since: Moment | None = None  # of the event that decided the status


class Shipment(Struct, frozen=True):
    """One parcel, or several pieces under one number.

    A carrier's plugin fills what the carrier says, events newest first where the carrier keeps an order. The engine fills
    `id`, `carrier` and the summary (`status` to `since`).
    """

    number: str
    events: tuple[Event, ...] = ()
    id: str = ""
    carrier: str = ""
    carrier_name: str = ""  # the real carrier's name, when an aggregator answered
    status: Status = Status.PENDING
    reason: str = ""
    delayed: bool = False
    action_required: bool = False
    final: bool = False
    since: Moment | None = None
    service: str = ""
    origin: Place = Place()
    destination: Place = Place()
    window: Window | None = None
    pickup_point: PickupPoint | None = None
    pieces: tuple[Piece, ...] = ()
    legs: tuple[Leg, ...] = ()
    documents: tuple[Document, ...] = ()
    weight: Weight | None = None
    language: str = ""  # of the carrier's own texts, when known
