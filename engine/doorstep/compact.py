"""An answer in few bytes, and back: what the cache keeps of it.

Eight bytes say when the carrier gave it (microseconds, big-endian), by which one answer is told from the next without being
read; then comes msgpack, deflated with a dictionary of what answers have in common. What a field has of itself is left out, and
the times of a scan where what the carrier wrote and the offset say them.
"""

import zlib
from base64 import urlsafe_b64encode
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import fields, force_setattr, replace

from .exchange import Found, NotFound
from .freshness import Entry
from .models import (
    Basis,
    Event,
    Flag,
    Leg,
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

STAMP = 8
_MOST = 16 * 1024 * 1024  # bytes of one answer, unpacked
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = datetime(1970, 1, 1)
_WRITTEN = len("2026-01-01T12:30:00")
_parsed = datetime.fromisoformat

# The commonest words come last: what is near is named in fewer bits.
_WORDS = (
    "Zugestellt Zustellung Paketzentrum Die Sendung wurde Livraison Votre colis est en cours de livraison Entregado "
    "Consegnato Snelle levering Bezorgd weather address incorrect missing damaged neighbour letterbox locker signature "
    "Return to sender Returned Clearance event Customs status updated Released by customs Import Export Proof of delivery "
    "Held in storage Forwarded Transferred to local post office Collected from sender Picked up Drop-off Accepted "
    "Electronic shipment information received Label created Delivery attempted, the recipient was not at home; a card was "
    "left Ready for collection at the parcel shop Available for pickup until Delay expected between and Your parcel has been "
    "processed in the destination parcel centre Shipment Package Item The parcel was handed over to the carrier at the "
    "branch office arrived at facility departed from the regional sorting centre depot hub airport gateway warehouse "
    "terminal In transit to the next facility On the way Loaded on the delivery vehicle Out for delivery Delivered "
)


def _common() -> bytes:
    instant = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    moments = [
        Moment("20260101 123000", basis=basis, instant=instant, local=instant.replace(tzinfo=None), offset="+00:00")
        for basis in Basis
    ]
    moments.append(Moment("2026-01-01T12:30:00+01:00", Precision.SECOND, Basis.OFFSET, instant, None, "+01:00"))
    events = [
        Event(moments[at % len(moments)], status, code="10", text=" ", place=Place(country="US"), flags=tuple(Flag))
        for at, status in enumerate(Status)
    ]
    usual = Event(moments[-1], Status.IN_TRANSIT, code="A1", text="Arrived", place=Place("London", "", "10115", "DE"))
    shipment = Shipment(
        "1Z",
        (*events, usual, usual),
        window=Window(),
        pickup_point=PickupPoint(),
        pieces=(Piece(""),),
        legs=(Leg(""),),
        weight=Weight(1.0),
        language="en",
    )
    return _WORDS.encode() + msgspec.msgpack.encode(Found((shipment,)))


def short(text: bytes, size: int) -> str:
    """A digest of so many bytes, as text of a third more."""
    return urlsafe_b64encode(blake2b(text, digest_size=size).digest()).decode()


_DICTIONARY = _common()
# Another dictionary, that is, another model or another way to write it: none can read the other's.
FORMAT = f"ds2-{short(_DICTIONARY, 3)}"


class _Unknown(Struct, frozen=True, tag="not_found"):
    """A "not found" as it is kept. Those who know no `times` read it without, and it is 1 where they wrote it."""

    detail: str = ""
    times: int = 1


_READER = msgspec.msgpack.Decoder(Found | _Unknown)


def stamp(entry: Entry | None) -> bytes:
    """The first bytes of what is kept of an entry; of none, none."""
    return at(entry.fetched_at) if entry is not None else b""


def at(instant: datetime) -> bytes:
    return ((instant - _EPOCH) // timedelta(microseconds=1)).to_bytes(STAMP, "big")


def pack(entry: Entry) -> bytes:
    packer = zlib.compressobj(zdict=_DICTIONARY)
    answer = entry.answer
    said = _Unknown(answer.detail, entry.times) if isinstance(answer, NotFound) else _brief(answer)
    return stamp(entry) + packer.compress(msgspec.msgpack.encode(_told(said))) + packer.flush()


class Unpacked:
    """Answers read already, by what they were read from: a page in another language, or of another link, is made from them.
    Bounded in packed bytes; in memory an answer takes some fifteen times as much. The least recently used goes first."""

    def __init__(self, *, most_bytes: int = 512 * 1024) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self.size = 0

    def of(self, packed: bytes) -> Entry:
        """Raises ValueError as `unpack` does."""
        entry = self._entries.get(packed)
        if entry is not None:
            self._entries.move_to_end(packed)
            return entry
        entry = self._entries[packed] = unpack(packed)
        self.size += len(packed)
        while self.size > self._most:
            self.size -= len(self._entries.popitem(last=False)[0])
        return entry


def unpack(packed: bytes) -> Entry:
    """Raises ValueError for what is damaged, or was written by something else."""
    try:
        fetched_at = _EPOCH + timedelta(microseconds=int.from_bytes(packed[:STAMP], "big"))
        unpacker = zlib.decompressobj(zdict=_DICTIONARY)
        said = _READER.decode(unpacker.decompress(packed[STAMP:], _MOST))
        if not unpacker.eof:
            raise ValueError("the end is missing")
        if isinstance(said, Found):
            _restore(said)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, ValueError) as error:
        raise ValueError(f"no answer: {type(error).__name__}") from None
    if isinstance(said, _Unknown):
        return Entry(NotFound(said.detail), fetched_at, max(1, said.times))
    return Entry(said, fetched_at)


def _told(value: Any) -> Any:
    """What is written: of Structs only the fields that say something else than they do anyway."""
    if isinstance(value, Struct):
        own = {name: one for name, default in _defaults(type(value)) if (one := getattr(value, name)) != default}
        config = type(value).__struct_config__
        tag = {config.tag_field: config.tag} if config.tag_field else {}
        return tag | {name: _told(one) for name, one in own.items()}
    return tuple(map(_told, value)) if isinstance(value, tuple) else value


@cache
def _defaults(kind: type[Struct]) -> list[tuple[str, Any]]:
    """The fields of a Struct, each with what it is where nothing is said of it. (That of a field which always says something
    equals nothing.)"""
    return [(field.name, field.default) for field in fields(kind)]


def _brief(found: Found) -> Found:
    """Without the times of scans that are told twice."""
    return replace(found, shipments=tuple(_brief_shipment(one) for one in found.shipments))


def _brief_shipment(shipment: Shipment) -> Shipment:
    events = tuple(replace(event, moment=_brief_moment(event.moment)) for event in shipment.events)
    return replace(shipment, events=events, since=shipment.since and _brief_moment(shipment.since))


def _brief_moment(moment: Moment) -> Moment:
    if moment.offset is None:
        return moment
    for brief in (replace(moment, local=None, instant=None), replace(moment, instant=None)):
        with suppress(ValueError, OverflowError):
            if _times(brief, moment.offset) == (moment.local, moment.instant):
                return brief
    return moment


def _restore(found: Found) -> None:
    """Gives the times back, in place: nobody else has seen what was just read."""
    for shipment in found.shipments:
        moments = [event.moment for event in shipment.events]
        for moment in moments if shipment.since is None else [*moments, shipment.since]:
            offset = moment.offset
            if offset is not None and moment.instant is None:
                local, instant = _times(moment, offset)
                force_setattr(moment, "local", local)
                force_setattr(moment, "instant", instant)


def _times(moment: Moment, offset: str) -> tuple[datetime, datetime]:
    """Wall clock and instant, by what is there of them; the wall clock by what the carrier wrote."""
    local = moment.local or _parsed(moment.raw[:_WRITTEN])
    return local, _start(offset) + (local - _WALL_EPOCH)


@lru_cache(256)
def _start(offset: str) -> datetime:
    """When clocks with this offset showed the epoch."""
    return datetime.fromisoformat(f"1970-01-01T00:00:00{offset}").astimezone(UTC)
