"""An answer in few bytes, and back: what the cache keeps of it.

Eight bytes say when the carrier gave it (microseconds, big-endian), by which one answer is told from the next without being
read; then comes msgpack, deflated with a dictionary of what answers have in common.
"""

import zlib
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

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


_DICTIONARY = _common()
# Another dictionary, that is, another model or another way to write it: none can read the other's.
FORMAT = f"ds2-{zlib.adler32(_DICTIONARY):08x}"


class _Unknown(Struct, frozen=True, tag="not_found"):
    """A "not found" as it is kept. Those who know no `times` read it without, and it is 1 where they wrote it."""

    detail: str = ""
    times: int = 1


def stamp(entry: Entry | None) -> bytes:
    """The first bytes of what is kept of an entry; of none, none."""
    return at(entry.fetched_at) if entry is not None else b""


def at(instant: datetime) -> bytes:
    return ((instant - _EPOCH) // timedelta(microseconds=1)).to_bytes(STAMP, "big")


def pack(entry: Entry) -> bytes:
    packer = zlib.compressobj(zdict=_DICTIONARY)
    answer = entry.answer
    said = _Unknown(answer.detail, entry.times) if isinstance(answer, NotFound) else answer
    return stamp(entry) + packer.compress(msgspec.msgpack.encode(said)) + packer.flush()


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
        said: Found | _Unknown = msgspec.msgpack.decode(
            unpacker.decompress(packed[STAMP:], _MOST), type=Found | _Unknown
        )
        if not unpacker.eof:
            raise ValueError("the end is missing")
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, ValueError) as error:
        raise ValueError(f"no answer: {type(error).__name__}") from None
    if isinstance(said, _Unknown):
        return Entry(NotFound(said.detail), fetched_at, max(1, said.times))
    return Entry(said, fetched_at)
