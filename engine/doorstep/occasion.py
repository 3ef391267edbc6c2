"""An occasion: something that may be said to an order's customer; and all that is looked at to find one."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from .config import Messages
from .config import Occasion as Wish
from .journeys import Journey
from .message import Kind
from .order import Item
from .orderbook import KeptOrder

DAY = timedelta(days=1)


class Why(StrEnum):
    """Why something is not said. `NOT_YET` may come; the others will not, as things are."""

    NOT_YET = "not yet"
    OVERTAKEN = "overtaken"
    STALE = "too late"
    PAST = "over before the shop told of it"
    OFF = "switched off"
    CANCELLED = "the order is cancelled"
    ERASED = "the order is erased"
    REORDERED = "ordered again since"
    INCOMPLETE = "not all of it arrived"
    NOTHING = "the shop has nothing to show for it"
    UNKNOWN = "it is not known who the customer is"


class Rule(Struct, frozen=True):
    """`when` in words, for the docs. `days` are those that a shop can set; it is stale so long after it `lasts`."""

    when: str
    lasts: timedelta
    days: int | None = None


RULES: dict[Kind, Rule] = {
    Kind.ON_ITS_WAY: Rule("the carrier has it: the first scan that is more than paperwork", 2 * DAY),
    Kind.ARRIVES_TODAY: Rule("it is out for delivery, or the day begins on which it is expected", DAY),
    Kind.READY_FOR_PICKUP: Rule("it waits at a pickup point", 7 * DAY),
    Kind.PICKUP_REMINDER: Rule(
        "it still waits: so many days before it goes back; five days after it came, where that is not known", 3 * DAY, 2
    ),
    Kind.DELIVERED: Rule("it has arrived", 2 * DAY),
    Kind.ATTEMPTED: Rule("the carrier was there in vain", 2 * DAY),
    Kind.DELAYED: Rule("it comes later than promised, or than the carrier said before; again for another day", 2 * DAY),
    Kind.NEEDS_ACTION: Rule("the shopper has to do something: an address, customs, a payment", 7 * DAY),
    Kind.RETURNED: Rule("it goes back to the shop", 3 * DAY),
    Kind.SURVEY: Rule("so many days after all of the order has arrived", 7 * DAY, 3),
    Kind.HOW_TO: Rule("so many days after the first item arrived that the shop has a how-to for", 7 * DAY, 1),
    Kind.REPLENISH: Rule("so many days before an item is used up, by its lifetime and how many there are", 14 * DAY, 7),
    Kind.WARRANTY: Rule("so many days before an item's warranty ends", 30 * DAY, 30),
    Kind.THANKS: Rule("three, six and twelve months after the customer's last order; or once, so many days after", 14 * DAY),
}  # fmt: skip


class Occasion(Struct, frozen=True):
    """Something that may be said: of one parcel, or of the whole order. Two with the same `once` are one; `at` is when it is to
    be said, `until` when it is stale; a `why` says that it is not."""

    kind: Kind
    once: str
    parcel_id: str = ""
    item: str = ""
    at: datetime | None = None
    until: datetime | None = None
    why: Why | None = None


class Facts(Struct, frozen=True):
    """All that the rules look at. `zone` is the shopper's, `told` are occasions of which was spoken already. `leads` are the
    kinds that the shop's pages have something for, each with an item's key or "" for the whole order; `reordered` are keys of
    items that the customer ordered since, None where there is no later order."""

    order: KeptOrder
    journeys: tuple[Journey, ...]
    wishes: Messages
    zone: ZoneInfo
    now: datetime
    told: frozenset[str] = frozenset()
    leads: frozenset[tuple[Kind, str]] = frozenset()
    reordered: frozenset[str] | None = None

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def wanted(self, kind: Kind) -> bool:
        return self.wishes.kinds.get(kind, Wish()).send is not False

    def set_days(self, kind: Kind) -> int | None:
        """What the shop set; None: nothing."""
        return self.wishes.kinds.get(kind, Wish()).days

    def days(self, kind: Kind) -> int:
        said = self.set_days(kind)
        return (RULES[kind].days or 0) if said is None else said

    def midnight(self, day: date) -> datetime:
        """When a day of the shopper begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def key_of(item: Item) -> str:
    """What an item is called in its order."""
    return item.id or item.sku or item.name


def once_of(kind: Kind, of: str, nth: object = "") -> str:
    return f"{kind}:{of}:{nth}" if nth else f"{kind}:{of}"
