"""How the data of a number stand at one account: one rule, from what is kept and what is under way, at a moment.

What is fresh is the answer. What is older is shown with its age while the carrier is asked, or cannot be. An error belongs to
the question, never to the shipment.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from .errors import CarrierError
from .exchange import Answer, Found
from .shelf_life import ShelfLife

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
KEPT = 7 * DAY  # how long an answer serves through an outage
_JITTER = 0.15


class Freshness(StrEnum):
    """How an answer is served."""

    FRESH = "fresh"
    STALE = "stale"  # being refreshed behind
    STALE_ON_ERROR = "stale_on_error"  # the carrier could not be asked again


class State(StrEnum):
    """How the data of a number stand. Three are `settled`: what is kept is the answer. Two `begin` a question. In the others
    one is under way, or waits until the last one's failure is over."""

    MISSING = "missing"
    NOT_FOUND = "not_found"
    FRESH = "fresh"
    FINAL = "final"
    STALE = "stale"
    REFRESHING = "refreshing"
    FAILING = "failing"

    @property
    def settled(self) -> bool:
        return self in _SETTLED

    @property
    def begins(self) -> bool:
        return self in _BEGINS

    @property
    def served(self) -> Freshness:
        """As what an answer goes out that is shown in this state."""
        if self.settled:
            return Freshness.FRESH
        return Freshness.STALE_ON_ERROR if self is State.FAILING else Freshness.STALE


_SETTLED = frozenset({State.NOT_FOUND, State.FRESH, State.FINAL})
_BEGINS = frozenset({State.MISSING, State.STALE})


class Entry(Struct, frozen=True):
    """An answer and when it was given: what the cache keeps. `times` counts how often in a row a "not found" was said."""

    answer: Answer
    fetched_at: datetime
    times: int = 1

    @property
    def final(self) -> bool:
        return isinstance(self.answer, Found) and all(shipment.final for shipment in self.answer.shipments)

    def age(self, now: datetime) -> float:
        """Seconds since the carrier said it; never negative, whatever the clocks do."""
        return max(0.0, (now - self.fetched_at).total_seconds())

    def fresh_until(self, life: ShelfLife, *, seed: str) -> datetime:
        return self.fetched_at + timedelta(seconds=fresh_for(self, life, seed=seed))

    def is_before(self, news: datetime | None) -> bool:
        return news is not None and self.fetched_at < news

    def usable(self, now: datetime) -> bool:
        """Whether it may be shown, with its age, while the carrier is asked or cannot be: a parcel known, within a week or
        at its end."""
        return isinstance(self.answer, Found) and (self.final or self.age(now) < KEPT)


class Record(Struct, frozen=True):
    """What lasts of a number: whether it is `ordered`, that is, belongs to an order; the `carrier` that the order names or
    that had it; the last answer by carrier (slugs all); when a carrier last pushed that there is `news`. The rest is what
    carriers are told with the number."""

    ordered: bool = False
    carrier: str = ""
    entries: Mapping[str, Entry] = {}
    postcode: str = ""
    shipped_on: str = ""
    news_at: datetime | None = None


class Standing(Struct, frozen=True):
    """A state; what is shown in it, if anything; why nobody asks, while it is failing; until when what is kept is fresh."""

    state: State
    shown: Entry | None = None
    failure: CarrierError | None = None
    fresh_until: datetime | None = None


def standing(
    entry: Entry | None, now: datetime, life: ShelfLife, *, seed: str, asking: bool = False,
    failure: CarrierError | None = None, since: datetime | None = None,
) -> Standing:  # fmt: skip
    """How the data stand: `entry` is what is kept, `asking` that a question is under way, `failure` what came of one so short
    a time ago that nobody asks. What was said before `since` is not fresh: there is news."""
    until = None if entry is None else entry.fresh_until(life, seed=seed)
    if entry is not None and until is not None and now < until and not entry.is_before(since):
        if not isinstance(entry.answer, Found):
            return Standing(State.NOT_FOUND, entry, None, until)
        return Standing(State.FINAL if entry.final else State.FRESH, entry, None, until)
    shown = entry if entry is not None and entry.usable(now) else None
    if failure is not None:
        return Standing(State.FAILING, shown, failure, until)
    if asking:
        return Standing(State.REFRESHING, shown, None, until)
    return Standing(State.STALE if shown is not None else State.MISSING, shown, None, until)


def fresh_for(entry: Entry, life: ShelfLife, *, seed: str) -> float:
    """Seconds an answer stays fresh: the shortest of its shipments, and a jitter more that `seed` (hex) decides, so that
    parcels of one morning do not all ask at once. Never less: what a shop sets is how often a carrier is asked at most."""
    if isinstance(entry.answer, Found):
        seconds = min([life.of(shipment.status) for shipment in entry.answer.shipments])
    else:
        seconds = life.of_unknown(entry.times)
    return seconds * (1 + _JITTER * int(seed[:4] or "0", 16) / 0xFFFF)
