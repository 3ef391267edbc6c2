"""What is worth saying once things have arrived, and later. Pure rules."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from hashlib import blake2b

from .journeys import Journey, began_with, happened_at, is_past
from .message import Kind
from .models import Status
from .occasion import DAY, RULES, Facts, Occasion, Why, key_of, once_of
from .order import Item
from .orderbook import KeptOrder

_GONE = frozenset({Status.RETURNING, Status.RETURNED, Status.CANCELLED, Status.LOST})
_MONTHS = (3, 6, 12)
_LONGEST = 36_500  # days that are counted ahead


def afterwards(facts: Facts) -> Iterator[Occasion]:
    """What is said once things have arrived, and later."""
    yield _survey(facts)
    yield from _how_to(facts)
    for item in facts.order.order.items:
        if item.lifetime is not None:
            yield _replenish(item, item.lifetime, facts)
        if item.warranty_until is not None:
            yield _warranty(item, item.warranty_until, facts)
    yield from _thanks(facts)


def _survey(facts: Facts) -> Occasion:
    kind = Kind.SURVEY
    once = once_of(kind, facts.order.id)
    arrived = _all_arrived(facts)
    if (kind, "") not in facts.leads:
        return Occasion(kind, once, why=Why.NOTHING)
    if arrived is None:
        return Occasion(kind, once, why=_missing(facts))
    at = arrived + facts.days(kind) * DAY
    why = Why.PAST if all(is_past(one, facts.zone) for one in facts.journeys) else None
    return Occasion(kind, once, at=at, until=at + RULES[kind].lasts, why=why)


def _how_to(facts: Facts) -> Iterator[Occasion]:
    """For one item: nobody reads five of them."""
    kind = Kind.HOW_TO
    item = next((one for one in facts.order.order.items if (kind, key_of(one)) in facts.leads), None)
    if item is None:
        return
    once, journeys = once_of(kind, facts.order.id, _short(item)), _holding(item, facts)
    arrived = _arrived(journeys, facts)
    if arrived is None:
        yield Occasion(kind, once, item=key_of(item), why=_missing(facts))
        return
    at = arrived + facts.days(kind) * DAY
    why = Why.PAST if all(is_past(one, facts.zone) for one in journeys) else None
    yield Occasion(kind, once, _only(journeys), key_of(item), at, at + RULES[kind].lasts, why)


def _replenish(item: Item, lifetime: int, facts: Facts) -> Occasion:
    kind = Kind.REPLENISH
    once, journeys = once_of(kind, facts.order.id, _short(item)), _holding(item, facts)
    arrived = _arrived(journeys, facts)
    if arrived is None:
        return Occasion(kind, once, item=key_of(item), why=_missing(facts))
    used_up = arrived + min(lifetime * item.quantity, _LONGEST) * DAY
    at = max(used_up - facts.days(kind) * DAY, arrived + DAY)
    why = Why.REORDERED if facts.reordered is not None and key_of(item) in facts.reordered else None
    return Occasion(kind, once, _only(journeys), key_of(item), at, max(used_up, at) + RULES[kind].lasts, why)


def _warranty(item: Item, until: date, facts: Facts) -> Occasion:
    kind = Kind.WARRANTY
    once, journeys = once_of(kind, facts.order.id, _short(item)), _holding(item, facts)
    if _arrived(journeys, facts) is None:
        return Occasion(kind, once, item=key_of(item), why=_missing(facts))
    at = facts.midnight(until - facts.days(kind) * DAY)
    return Occasion(kind, once, _only(journeys), key_of(item), at, facts.midnight(until + DAY))


def _thanks(facts: Facts) -> Iterator[Occasion]:
    kind = Kind.THANKS
    placed, order = facts.order.placed_at, facts.order
    said = facts.set_days(kind)
    times = [(f"{n}", _months_after(placed, n)) for n in _MONTHS] if said is None else [("", placed + said * DAY)]
    for nth, at in times:
        if (kind, "") not in facts.leads:
            why: Why | None = Why.NOTHING
        elif order.email_hash is None:
            why = Why.UNKNOWN
        elif facts.reordered is not None:
            why = Why.REORDERED
        else:
            why = None if all(one.status is Status.DELIVERED for one in facts.journeys) else _missing(facts)
        yield Occasion(kind, once_of(kind, order.id, nth), at=at, until=at + RULES[kind].lasts, why=why)


def _short(item: Item) -> str:
    """An item's key, however long that is."""
    return blake2b(key_of(item).encode(), digest_size=9).hexdigest()


def _holding(item: Item, facts: Facts) -> tuple[Journey, ...]:
    """The parcels that an item is in: all of them, where the shop did not say."""
    found = tuple(one for one in facts.journeys if any(packed.id == key_of(item) for packed in one.parcel.items))
    return found or facts.journeys


def _only(journeys: tuple[Journey, ...]) -> str:
    return journeys[0].parcel.id if len(journeys) == 1 else ""


def _arrived(journeys: Iterable[Journey], facts: Facts) -> datetime | None:
    """When the last of these parcels arrived; None while one has not, or there is none."""
    times = []
    for journey in journeys:
        began = began_with(journey)
        if journey.status is not Status.DELIVERED or began is None:
            return None
        times.append(happened_at(journey, began, facts.zone))
    return max(times, default=None)


def _all_arrived(facts: Facts) -> datetime | None:
    return _arrived(facts.journeys, facts) if _is_sent(facts.order) else None


def _is_sent(order: KeptOrder) -> bool:
    """Whether all of it is in parcels, as far as the shop said what is in them."""
    if not all(parcel.items for parcel in order.parcels):
        return True
    packed: dict[str, int] = {}
    for one in (one for parcel in order.parcels for one in parcel.items):
        packed[one.id] = packed.get(one.id, 0) + one.quantity
    wanted: dict[str, int] = {}
    for item in order.order.items:
        wanted[key_of(item)] = wanted.get(key_of(item), 0) + item.quantity
    return all(packed.get(key, 0) >= count for key, count in wanted.items())


def _missing(facts: Facts) -> Why:
    return Why.INCOMPLETE if any(one.status in _GONE for one in facts.journeys) else Why.NOT_YET


def _months_after(at: datetime, months: int) -> datetime:
    """The same day of a later month, or its last one."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return at.replace(year=year, month=month + 1, day=min(at.day, (following - DAY).day))
