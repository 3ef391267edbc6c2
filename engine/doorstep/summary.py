"""From events to one answer: the order of the events, their identity, and the rule that derives the status.

- *Delivered* holds only without a clearly later scan, without a return before it, away from a pickup point, in the hands of
  the recipient and not of another carrier, and for all pieces.
- What is delivered after a return marker went back to the sender: `returned`.
- A scan that is clearly later reopens any end; one whose time cannot be compared never does.
- Informational events move nothing, and paperwork never moves a parcel that has been scanned.
- Of several pieces under way the one most behind speaks; pieces only announced do not, but keep the rest from being final.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from operator import sub
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .models import Event, Flag, Moment, Place, Precision, Status, Summary

ENDS = frozenset({Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.LOST})
PAPERWORK = frozenset({Status.PENDING, Status.LABEL_CREATED, Status.UNKNOWN})
# From the least to the most that can have happened to a parcel. A problem stands before the last miles: a piece in trouble
# is not silenced by another one with the driver.
PROGRESS = {
    status: rank
    for rank, status in enumerate(
        (
            Status.UNKNOWN,
            Status.PENDING,
            Status.LABEL_CREATED,
            Status.ACCEPTED,
            Status.IN_TRANSIT,
            Status.CUSTOMS,
            Status.EXCEPTION,
            Status.OUT_FOR_DELIVERY,
            Status.DELIVERY_ATTEMPTED,
            Status.AVAILABLE_FOR_PICKUP,
            Status.RETURNING,
            Status.CANCELLED,
            Status.LOST,
            Status.RETURNED,
            Status.DELIVERED,
        )
    )
}
_ARRIVED = frozenset({Status.DELIVERED, Status.RETURNED})
_GOING_BACK = frozenset({Status.RETURNING, Status.RETURNED})
_UNDER_WAY = frozenset(
    {
        Status.ACCEPTED,
        Status.IN_TRANSIT,
        Status.CUSTOMS,
        Status.OUT_FOR_DELIVERY,
        Status.DELIVERY_ATTEMPTED,
        Status.AVAILABLE_FOR_PICKUP,
    }
)
_NO_LONGER_LATE = ENDS | {
    Status.OUT_FOR_DELIVERY,
    Status.DELIVERY_ATTEMPTED,
    Status.AVAILABLE_FOR_PICKUP,
    Status.RETURNING,
}

# A name of its own takes a tenth of looking an enum's member up, and these are looked at for every scan.
_DELAYED, _ACTION_REQUIRED, _BACK, _PICKUP_POINT, _HANDOVER, _PARTIAL = Flag
_UNKNOWN, _RETURNED, _BY_DAY = Status.UNKNOWN, Status.RETURNED, Precision.DAY
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Offsets from UTC run from -12:00 to +14:00.
_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)


_Told = tuple[Event, int | None]  # with the minute of time that its instant lies in


class _Course(Enum):
    """Which way a carrier's list runs."""

    NEWEST_FIRST = auto()
    OLDEST_FIRST = auto()
    SHUFFLED = auto()


def arrange(events: Iterable[Event], *, coarse: bool = False) -> tuple[Event, ...]:
    """Events newest first, each once, whichever way the carrier's list runs. `coarse` codes, an aggregator's for one, do not
    tell scans apart: then the text does.

    Within a minute the carrier's order holds. An event without an instant stays beside its older neighbour: a scan beside a
    scan, so that a notice cannot carry it away. A shuffled list is no evidence, so there progress decides between equals.
    """
    told = _each_once([(event, _minute(event.moment)) for event in events], coarse)
    course = _course(told)
    if course is not _Course.OLDEST_FIRST:
        told.reverse()
    keys: list[tuple[Any, ...]] = []
    neighbour: tuple[Any, ...] = ()  # sorts before everything
    scan = neighbour
    for event, minute in told:
        if minute is None:
            keys.append(neighbour if event.status is None else scan)
            continue
        neighbour = (event.moment.instant, _progress(event)) if course is _Course.SHUFFLED else (minute,)
        scan = scan if event.status is None else neighbour
        keys.append(neighbour)
    ranked = sorted(range(len(told)), key=keys.__getitem__)
    ranked.reverse()  # after a stable sort: of equals, the one that the carrier has newer comes first
    return tuple(told[i][0] for i in ranked)


def turned_back(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Events, newest first, of a parcel that is said to go back where no scan says so: the newest that tells where it is
    happened on the way back, so that a delivery there is one to the sender."""
    for i, event in enumerate(events):
        if event.status is not None:
            flags = tuple(dict.fromkeys((*event.flags, Flag.RETURN)))
            return (*events[:i], replace(event, flags=flags), *events[i + 1 :])
    return events


def clearly_later(later: Event, earlier: Event) -> bool:
    """True only when `later` is at least a minute after `earlier`, in whichever zones their clocks may stand.

    A date alone is any time of its day. Wall clocks may lie 26 hours apart; those of one city are one clock, but for the
    hour that summer time puts it forward or back.
    """
    new, old = later.moment, earlier.moment
    if new.local and old.local and not (_exact(new) and _exact(old)) and _same_city(later.place, earlier.place):
        if Precision.DAY in (new.precision, old.precision):
            return new.local.date() > old.local.date()
        return new.local - old.local >= _HOUR + _MINUTE
    start, end = _span(new), _span(old)
    return start is not None and end is not None and start.at - end.at >= _MINUTE + start.early + end.late


def summarise(events: Sequence[Event], pieces: Iterable[str] = ()) -> Summary:
    """The summary of arranged events (newest first). `pieces` are the numbers of all pieces, when there are several."""
    return together(events, by_piece(events, pieces).values())


def by_piece(events: Sequence[Event], pieces: Iterable[str] = ()) -> dict[str, Summary]:
    """The summary of each piece by its number, from its own events and those of the whole consignment.

    One alone, where neither `pieces` nor scans name several.
    """
    numbers = dict.fromkeys(filter(None, (*pieces, *(event.piece for event in events if event.status))))
    if len(numbers) < 2:
        return {next(iter(numbers), ""): _one(events)}
    return {number: _one([event for event in events if event.piece in ("", number)]) for number in numbers}


def together(events: Sequence[Event], parts: Iterable[Summary]) -> Summary:
    """One summary of the pieces': final when all came to the same end, otherwise that of the piece most behind.

    The status is what can be said of every piece that was scanned: it promises nothing that only some of them keep, and needs
    no comparison of their times. A piece only announced cannot speak for parcels that move; it keeps them from being final.
    """
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    scanned = [part for part in parts if part.status not in PAPERWORK]
    if not scanned:
        return max(parts, key=lambda part: PROGRESS[part.status])
    status = min((part.status for part in scanned), key=PROGRESS.__getitem__)
    speaking = [part for part in scanned if part.status is status]
    moved = {id(event.moment): place for place, event in enumerate(events)}
    speaker = min(speaking, key=lambda part: moved[id(part.since)])
    complete = len(speaking) == len(parts)
    return replace(
        speaker,
        # Delivered so far as they were scanned: the same as a scan that says "in part".
        status=Status.OUT_FOR_DELIVERY if status is Status.DELIVERED and not complete else status,
        delayed=any(part.delayed for part in parts),
        action_required=any(part.action_required for part in parts),
        final=status in ENDS and complete,
    )


def _one(events: Sequence[Event]) -> Summary:
    decided: Event | None = None
    status = Status.PENDING
    returning = delayed = asked = False
    for event in reversed(events):
        delayed = delayed or _DELAYED in event.flags
        asked = asked or _ACTION_REQUIRED in event.flags
        if event.status is None:
            continue
        if decided is not None and status is _RETURNED and _sent_again(event, decided):
            returning = False
        returning = returning or event.status in _GOING_BACK or _BACK in event.flags
        position = _position(event, event.status, returning)
        if decided is not None and not _moves(event, position, decided, status):
            continue
        decided, status = event, position
        asked = _ACTION_REQUIRED in event.flags
        if position in _NO_LONGER_LATE:
            delayed = _DELAYED in event.flags
    if decided is None:
        return Summary(delayed=delayed, action_required=asked)
    final = status in ENDS
    return Summary(
        status=status,
        reason=decided.reason,
        delayed=delayed and not final,
        action_required=(asked or status is Status.AVAILABLE_FOR_PICKUP) and not final,
        final=final,
        since=decided.moment,
    )


def _position(event: Event, status: Status, returning: bool) -> Status:
    """The position a scan stands for, seen in its context."""
    if status in _ARRIVED:
        if _HANDOVER in event.flags:
            status = Status.IN_TRANSIT
        elif _PARTIAL in event.flags:
            status = Status.OUT_FOR_DELIVERY
        elif returning:
            return _RETURNED
        elif _PICKUP_POINT in event.flags:
            return Status.AVAILABLE_FOR_PICKUP
    return Status.RETURNING if returning and status in _UNDER_WAY else status


def _moves(event: Event, position: Status, decided: Event, status: Status) -> bool:
    """Whether an event that the carrier has newer takes the parcel from `status` to `position`."""
    if position in PAPERWORK:
        return status in PAPERWORK
    if status not in ENDS:
        return True
    if position is status:
        return False
    if status in _ARRIVED:
        return position is not Status.CANCELLED and clearly_later(event, decided)
    # What is in somebody's hands is neither lost nor cancelled, in whichever order one minute tells it.
    return position in _ARRIVED or clearly_later(event, decided)


def _sent_again(event: Event, decided: Event) -> bool:
    """Whether a parcel that was back with its sender begins a new journey; a movement alone is the rest of the way back."""
    return event.status is Status.ACCEPTED and clearly_later(event, decided)


def _each_once(told: Sequence[_Told], coarse: bool) -> list[_Told]:
    often = Counter([minute for _, minute in told])
    unique: dict[object, _Told] = {}
    for event, minute in told:
        alone = minute is not None and often[minute] == 1  # then nothing else can be the same scan
        unique.setdefault(minute if alone else _identity(event, minute, coarse), (event, minute))
    return list(unique.values())


def _identity(event: Event, minute: int | None, coarse: bool) -> tuple[object, ...]:
    """What makes two scans the same: piece, code with its meaning, minute, place.

    The text changes with the language, so it only counts where no table knows the code, or where codes are coarse.
    """
    text = "" if event.code and event.mapped and not coarse else event.text
    at: object = minute
    if minute is None:
        local = event.moment.local
        at = local.replace(second=0, microsecond=0) if local else event.moment.raw
    return (event.piece, event.code, text, event.status, event.reason, event.flags, at, event.place)


def _course(told: Sequence[_Told]) -> _Course:
    """The direction of the steps between scans; a list that three steps in four agree on may hold a late one."""
    scans = [(event, minute) for event, minute in told if event.status is not None]
    minutes = [minute for _, minute in scans if minute is not None]
    steps = list(map(sub, minutes, minutes[1:]))
    down = sum(step > 0 for step in steps)
    up = sum(step < 0 for step in steps)
    if up == down == 0:
        backwards = len(scans) > 1 and clearly_later(scans[-1][0], scans[0][0])
        return _Course.OLDEST_FIRST if backwards else _Course.NEWEST_FIRST
    if 2 * abs(up - down) < up + down:
        return _Course.SHUFFLED
    return _Course.OLDEST_FIRST if up > down else _Course.NEWEST_FIRST


def _progress(event: Event) -> int:
    return PROGRESS[event.status or _UNKNOWN]


def _exact(moment: Moment) -> bool:
    return moment.instant is not None and moment.precision is not Precision.DAY


def _minute(moment: Moment) -> int | None:
    """Which minute of time an instant lies in, or None where only a wall clock or a day is known."""
    if moment.instant is None or moment.precision is _BY_DAY:
        return None
    since = moment.instant - _EPOCH
    return since.days * 1440 + since.seconds // 60  # half of what dividing it by a minute takes


class _Span(Struct, frozen=True):
    """A clock as if it showed UTC, and by how much the instant may be earlier and later than that."""

    at: datetime
    early: timedelta = timedelta()
    late: timedelta = timedelta()


def _span(moment: Moment) -> _Span | None:
    if moment.instant and _exact(moment):
        return _Span(moment.instant)
    wall = moment.local or moment.instant
    if wall is None:
        return None
    if moment.precision is Precision.DAY:
        return _Span(wall.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC), _EAST, _WEST + _DAY)
    return _Span(wall.replace(tzinfo=UTC), _EAST, _WEST)


def _same_city(one: Place, other: Place) -> bool:
    return one.city != "" and (one.city, one.region, one.country) == (other.city, other.region, other.country)
