"""How long an answer is fresh: by what it says, with a jitter so that parcels of one morning do not all ask at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from .exchange import Answer, Found
from .models import Status

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
KEPT = 7 * DAY  # how long an answer serves through an outage
NOT_FOUND = 2 * MINUTE
_JITTER = 0.15

FRESH: dict[Status, float] = {
    Status.PENDING: 30 * MINUTE,
    Status.LABEL_CREATED: 30 * MINUTE,
    Status.ACCEPTED: 20 * MINUTE,
    Status.IN_TRANSIT: 15 * MINUTE,
    Status.CUSTOMS: 30 * MINUTE,
    Status.OUT_FOR_DELIVERY: 5 * MINUTE,
    Status.AVAILABLE_FOR_PICKUP: 20 * MINUTE,
    Status.DELIVERY_ATTEMPTED: 10 * MINUTE,
    Status.DELIVERED: 12 * HOUR,
    Status.EXCEPTION: 15 * MINUTE,
    Status.RETURNING: 30 * MINUTE,
    Status.RETURNED: 12 * HOUR,
    Status.CANCELLED: 12 * HOUR,
    Status.LOST: 6 * HOUR,
    Status.UNKNOWN: 15 * MINUTE,
}


class Entry(Struct, frozen=True):
    """An answer and when it was given: what the cache keeps."""

    answer: Answer
    fetched_at: datetime

    def age(self, now: datetime) -> float:
        """Seconds since the carrier said it; never negative, whatever the clocks do."""
        return max(0.0, (now - self.fetched_at).total_seconds())

    def fresh(self, now: datetime, *, seed: str) -> bool:
        return self.age(now) < fresh_for(self.answer, seed=seed)

    def usable(self, now: datetime) -> bool:
        """Whether it may be shown, with its age, while the carrier is asked or cannot be: a parcel known, within a week or
        at its end."""
        if not isinstance(self.answer, Found):
            return False
        return self.age(now) < KEPT or all(shipment.final for shipment in self.answer.shipments)

    def fresh_until(self, *, seed: str) -> datetime:
        return self.fetched_at + timedelta(seconds=fresh_for(self.answer, seed=seed))


class Record(Struct, frozen=True):
    """What lasts of a number: whether it is `ordered`, that is, belongs to an order; the `carrier` that the order names or
    that had it; the last answer by carrier (slugs all). The rest is what carriers are told with the number."""

    ordered: bool = False
    carrier: str = ""
    entries: Mapping[str, Entry] = {}
    postcode: str = ""
    shipped_on: str = ""


def fresh_for(answer: Answer, *, seed: str) -> float:
    """Seconds an answer stays fresh: the shortest of its shipments, less a jitter that `seed` (hex) decides."""
    base = NOT_FOUND
    if isinstance(answer, Found):
        base = min(FRESH[shipment.status] for shipment in answer.shipments)
    return base * (1 - _JITTER * int(seed[:4] or "0", 16) / 0xFFFF)
