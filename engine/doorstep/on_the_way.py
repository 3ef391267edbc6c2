"""What is worth saying of a parcel that is on its way. Pure rules."""

from collections.abc import Iterator
from datetime import date, datetime

from .journeys import SCANNED, Journey, began_with, expected_on, first_scan, goes_back, happened_at, is_past
from .message import Kind
from .models import Status
from .occasion import DAY, RULES, Facts, Occasion, Why, once_of
from .summary import ENDS, PAPERWORK

# It moves, and nothing else is to be said of it.
_CARRIED = frozenset({Status.ACCEPTED, Status.IN_TRANSIT, Status.CUSTOMS})
_COMING = PAPERWORK | _CARRIED | {Status.EXCEPTION, Status.DELIVERY_ATTEMPTED}
_BACK = frozenset({Status.RETURNING, Status.RETURNED})
_SAYS_WHAT_TO_DO = frozenset({Status.AVAILABLE_FOR_PICKUP, Status.DELIVERY_ATTEMPTED})
_WAITS = 5  # days after which who has not picked up is reminded, where it is not known when it goes back


def of_parcel(journey: Journey, facts: Facts) -> Iterator[Occasion]:
    arrives = _arrives_today(journey, facts)
    yield _on_its_way(journey, facts, arrives)
    yield arrives
    yield _ready(journey, facts)
    yield _reminder(journey, facts)
    yield _attempted(journey, facts)
    yield _delayed(journey, facts)
    yield _needs_action(journey, facts)
    yield _end(Kind.DELIVERED, frozenset({Status.DELIVERED}), journey, facts)
    yield _end(Kind.RETURNED, _BACK, journey, facts)


def _on_its_way(journey: Journey, facts: Facts, arrives: Occasion) -> Occasion:
    kind = Kind.ON_ITS_WAY
    first = next((one for one in journey.changes if one.status in SCANNED), None)
    if first is None:
        return _not(kind, journey, Why.NOT_YET)
    today = facts.wanted(arrives.kind) and arrives.why is None and arrives.at is not None and arrives.at <= facts.now
    if journey.status not in _CARRIED or today:
        return _not(kind, journey, Why.OVERTAKEN)
    return _say(kind, journey, first.at, happened=first_scan(journey, first.at, facts.zone))


def _arrives_today(journey: Journey, facts: Facts) -> Occasion:
    """Each day that it is out for delivery; on the day it is expected once only, however often that is put off."""
    kind = Kind.ARRIVES_TODAY
    began = began_with(journey)
    if journey.status is Status.OUT_FOR_DELIVERY and began is not None:
        day = happened_at(journey, began, facts.zone).astimezone(facts.zone).date()
        once = once_of(kind, journey.parcel.id, day)
        return Occasion(kind, once, journey.parcel.id, at=began.at, until=facts.midnight(day + DAY))
    day = expected_on(journey) or date.min
    if journey.status in _CARRIED and day >= facts.today:
        once, before = once_of(kind, journey.parcel.id, day), once_of(kind, journey.parcel.id)
        why = Why.OVERTAKEN if any(one.startswith(before) for one in facts.told - {once}) else None
        begins, ends = facts.midnight(day), facts.midnight(day + DAY)
        return Occasion(kind, once, journey.parcel.id, at=begins, until=ends, why=why)
    return _not(kind, journey, Why.NOT_YET if journey.status in _COMING else Why.OVERTAKEN)


def _ready(journey: Journey, facts: Facts) -> Occasion:
    kind = Kind.READY_FOR_PICKUP
    began = began_with(journey)
    if journey.status is not Status.AVAILABLE_FOR_PICKUP or began is None:
        return _not(kind, journey, _before(journey, Status.AVAILABLE_FOR_PICKUP))
    until = goes_back(journey)
    ends = facts.midnight(until + DAY) if until else began.at + RULES[kind].lasts
    return Occasion(kind, once_of(kind, journey.parcel.id), journey.parcel.id, at=began.at, until=ends)


def _reminder(journey: Journey, facts: Facts) -> Occasion:
    """On a later day than the message that it is ready."""
    kind = Kind.PICKUP_REMINDER
    began = began_with(journey)
    if journey.status is not Status.AVAILABLE_FOR_PICKUP or began is None:
        return _not(kind, journey, _before(journey, Status.AVAILABLE_FOR_PICKUP))
    came = happened_at(journey, began, facts.zone).astimezone(facts.zone).date()
    until = goes_back(journey)
    if until is None:
        at = facts.midnight(came + _WAITS * DAY)
        return Occasion(kind, once_of(kind, journey.parcel.id), journey.parcel.id, at=at, until=at + RULES[kind].lasts)
    at = facts.midnight(until - facts.days(kind) * DAY)
    told = facts.midnight(began.at.astimezone(facts.zone).date() + DAY)
    why = Why.OVERTAKEN if at < told else None
    ends = facts.midnight(until + DAY)
    return Occasion(kind, once_of(kind, journey.parcel.id), journey.parcel.id, at=at, until=ends, why=why)


def _attempted(journey: Journey, facts: Facts) -> Occasion:
    """Each time."""
    kind = Kind.ATTEMPTED
    began = began_with(journey)
    if journey.status is not Status.DELIVERY_ATTEMPTED or began is None:
        return _not(kind, journey, _before(journey, Status.DELIVERY_ATTEMPTED))
    return _say(kind, journey, began.at, began.version, happened=happened_at(journey, began, facts.zone))


def _needs_action(journey: Journey, facts: Facts) -> Occasion:
    """Once for each reason. At a pickup point, and after an attempt in vain, those messages say it."""
    kind = Kind.NEEDS_ACTION
    shipment, last = journey.parcel.shipment, journey.changes[-1] if journey.changes else None
    asked = shipment is not None and shipment.action_required
    if last is None or not asked:
        return _not(kind, journey, Why.NOT_YET)
    if journey.status in _SAYS_WHAT_TO_DO | ENDS:
        return _not(kind, journey, Why.OVERTAKEN)
    return _say(kind, journey, last.at, last.reason)


def _end(kind: Kind, ends: frozenset[Status], journey: Journey, facts: Facts) -> Occasion:
    """An end that had come before the shop told of the parcel is no news."""
    began = began_with(journey)
    if journey.status not in ends or began is None:
        return _not(kind, journey, Why.NOT_YET)
    return _say(
        kind,
        journey,
        began.at,
        happened=happened_at(journey, began, facts.zone),
        why=Why.PAST if is_past(journey, facts.zone) else None,
    )


def _delayed(journey: Journey, facts: Facts) -> Occasion:
    """Against the promise, or against what the carrier said before; once for each day it names."""
    kind = Kind.DELAYED
    last, order = (journey.changes[-1] if journey.changes else None), facts.order
    shipment = journey.parcel.shipment
    if journey.status not in _COMING:
        return _not(kind, journey, Why.OVERTAKEN)
    until = order.promised.until if order.promised else None
    named = [one.expected for one in journey.changes if one.expected is not None]
    day = journey.parcel.expected if journey.parcel.expected and journey.parcel.expected > facts.today else None
    flagged = shipment is not None and shipment.delayed
    if last is not None and day is not None:
        moved = flagged and any(day > before for before in named)
        if moved or (until is not None and day > until):
            since = next(one.at for one in journey.changes if one.expected == day)
            stays = min(facts.midnight(day), since + RULES[kind].lasts)
            return Occasion(kind, once_of(kind, journey.parcel.id, day), journey.parcel.id, at=since, until=stays)
    elif until is not None and (order.promise == "missed" or (order.promise == "at_risk" and flagged)):
        at = min(last.at if last and flagged else facts.midnight(until + DAY), facts.now)
        return _say(kind, journey, at, f"{until}:open")
    return _not(kind, journey, Why.NOT_YET)


def of_order(facts: Facts) -> Iterator[Occasion]:
    """What is late without any parcel."""
    order, kind = facts.order, Kind.DELAYED
    until = order.promised.until if order.promised else None
    if facts.journeys or until is None:
        return
    at = facts.midnight(until + DAY)
    why = None if order.promise == "missed" else Why.NOT_YET
    yield Occasion(kind, once_of(kind, order.id, until), at=at, until=at + RULES[kind].lasts, why=why)


def _say(
    kind: Kind, journey: Journey, at: datetime, nth: object = "", *, happened: datetime | None = None, why: Why | None = None
) -> Occasion:  # fmt: skip
    """Once a parcel, or once for each `nth`: from when it was noticed, for as long as it lasts from when it happened."""
    ends = (happened or at) + RULES[kind].lasts
    return Occasion(kind, once_of(kind, journey.parcel.id, nth), journey.parcel.id, at=at, until=ends, why=why)


def _not(kind: Kind, journey: Journey, why: Why) -> Occasion:
    return Occasion(kind, once_of(kind, journey.parcel.id), journey.parcel.id, why=why)


def _before(journey: Journey, status: Status) -> Why:
    return Why.OVERTAKEN if any(one.status is status for one in journey.changes) else Why.NOT_YET
