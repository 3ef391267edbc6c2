"""One look-up: what is asked and for whom, what was heard, and what it comes to. Asks nobody."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from .config import Store
from .errors import CarrierError
from .exchange import Found
from .freshness import Entry, Freshness, Record, Standing
from .models import Shipment
from .plugins import Account
from .wire import Wire


class Outcome(StrEnum):
    FOUND = "found"
    CHOOSE = "choose"  # several carriers, or several parcels, have this number
    NOT_FOUND = "not_found"
    WAITING = "waiting"  # the carrier is being asked and has not answered yet
    UNAVAILABLE = "unavailable"
    LINK_ONLY = "link_only"  # the number is recognised, but nobody here can ask
    UNRECOGNISED = "unrecognised"


class Lookup(Struct, frozen=True, cache_hash=True):
    """What is known of a number. `carriers` are the slugs asked, or that could be asked; `retry_after` is in seconds.

    `asked`: a carrier was asked for it; `fresh_until`: the first of the answers that are needed grows stale. `tags` are what it
    was made from; none while somebody is still to be heard.
    """

    outcome: Outcome
    number: str
    shipments: tuple[Shipment, ...] = ()
    fetched_at: datetime | None = None
    freshness: Freshness = Freshness.FRESH
    carriers: tuple[str, ...] = ()
    retry_after: float | None = None
    error: str = ""
    asked: bool = False
    fresh_until: datetime | None = None
    tags: tuple[str, ...] = ()

    def narrowed(self, parcel: str) -> "Lookup":
        """The same with the one shipment of that id, if it is among them."""
        chosen = tuple(shipment for shipment in self.shipments if shipment.id == parcel)
        return msgspec.structs.replace(self, outcome=Outcome.FOUND, shipments=chosen) if chosen else self


class Wish(Struct):
    """One look-up: what is asked, for whom, for how many seconds at most, and what it has read already."""

    number: str
    store: Store
    carrier: str
    wait: float
    stranger: bool
    wire: Wire | None = None
    patient: bool = False  # waits for the answer also where one is known
    since: datetime | None = None  # what was said before is old
    record: Record | None = None
    home: str = ""
    keys: dict[str, str] = {}  # of answers, by the accounts that gave them
    read: dict[str, Entry | None] = {}
    settled: dict[str, Standing] = {}  # of those, as far as was looked

    @property
    def news_at(self) -> datetime | None:
        """When a carrier last said that there is news, as far as is known."""
        pushed = self.record.news_at if self.record is not None else None
        if self.since is None or pushed is None:
            return self.since or pushed
        return max(self.since, pushed)


class Known(Struct, frozen=True):
    """An answer of one account, as the look-up uses it: kept, and fresh until then, or just `asked` for."""

    account: Account
    key: str
    entry: Entry
    served: Freshness = Freshness.FRESH
    fresh_until: datetime | None = None
    asked: bool = False


class Heard(Struct):
    """What the accounts that were asked have said."""

    answers: list[Known] = []
    errors: list[CarrierError] = []
    asked: list[str] = []
    waiting: bool = False

    @property
    def known(self) -> list[Known]:
        return [one for one in self.answers if isinstance(one.entry.answer, Found)]


def merged(number: str, known: Sequence[Known]) -> Lookup:
    carriers = tuple(one.account.carrier.manifest.slug for one in known)
    shipments = tuple(s for one in known if isinstance(one.entry.answer, Found) for s in one.entry.answer.shipments)
    oldest = min(known, key=lambda one: one.entry.fetched_at)
    outcome = Outcome.FOUND if len(shipments) == 1 else Outcome.CHOOSE
    return Lookup(outcome, number, shipments, oldest.entry.fetched_at, oldest.served, carriers)
