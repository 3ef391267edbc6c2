"""From events to one answer: the order of the events, their identity, and the rule that derives the status.

- *Delivered* holds only without a later physical scan, without a return before it and away from a pickup point.
- What is delivered after a return marker went back to the sender: `returned`.
- A physical scan that is clearly later reopens; one whose time cannot be compared never does.
- Informational events and paperwork (labels, announcements) never move a parcel that has been scanned.
- Several pieces are delivered when all of them are.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from .models import Event, Flag, Moment, Place, Precision, Status, Summary

PAPERWORK = frozenset({Status.PENDING, Status.LABEL_CREATED, Status.UNKNOWN})
ENDS = frozenset({Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.LOST})
ARRIVED = ENDS | {Status.OUT_FOR_DELIVERY, Status.AVAILABLE_FOR_PICKUP}
_FLOOR = datetime.min.replace(tzinfo=UTC)


def arrange(events: Iterable[Event]) -> tuple[Event, ...]:
    """Events newest first, each once. One without an instant keeps its place beside its neighbour in the carrier's order."""
    unique: dict[tuple[object, ...], Event] = {}
    for event in events:
        unique.setdefault(identity(event), event)
    anchors: list[datetime] = []
    anchor = _FLOOR
    for event in reversed(unique.values()):
        anchor = event.moment.instant or anchor
        anchors.append(anchor)
    anchors.reverse()
    ranked = sorted(zip(anchors, unique.values(), strict=True), key=lambda pair: pair[0], reverse=True)
    return tuple(event for _, event in ranked)


def identity(event: Event) -> tuple[object, ...]:
    """What makes two scans the same: piece, mapped code, minute, place; not the text, which changes with the language."""
    at = event.moment.instant or event.moment.local
    minute = at.replace(second=0, microsecond=0) if at else event.moment.raw
    return (event.piece, event.code or event.text, event.status, minute, event.place)


def summarise(events: Sequence[Event], pieces: Sequence[str] = ()) -> Summary:
    """The summary of arranged events (newest first). `pieces` are the numbers of all pieces, when there are several."""
    by_piece = {piece: [e for e in events if e.piece in ("", piece)] for piece in pieces} if len(pieces) > 1 else {}
    if not by_piece:
        return _one(events)
    summaries = [_one(own) for own in by_piece.values()]
    open_ones = [s for s in summaries if s.status is not Status.DELIVERED]
    return min(open_ones or summaries, key=_recency)


def comparably_later(later: Moment, earlier: Moment) -> bool:
    """True only when both times can be compared and `later` is at least a minute (or a day) after `earlier`."""
    if later.instant and earlier.instant:
        return (later.instant - earlier.instant).total_seconds() >= 60
    if later.local and earlier.local and Precision.DAY in (later.precision, earlier.precision):
        # A date and a time, or two dates: two full days apart is later in every zone.
        return (later.local.date() - earlier.local.date()).days >= 2
    return False


def _one(events: Sequence[Event]) -> Summary:
    decided: Event | None = None
    status = Status.PENDING
    returning = delayed = False
    for event in reversed(events):
        returning = returning or Flag.RETURN in event.flags
        delayed = delayed or Flag.DELAYED in event.flags
        if event.status is None:
            continue
        position = _position(event, returning)
        if decided is not None and not _moves(event, position, decided, status):
            continue
        decided, status = event, position
        returning = returning or position in (Status.RETURNING, Status.RETURNED)
        delayed = Flag.DELAYED in event.flags if position in ARRIVED else delayed
    if decided is None:
        return Summary(delayed=delayed)
    return Summary(
        status=status,
        reason=decided.reason,
        delayed=delayed and status not in ENDS,
        action_required=Flag.ACTION_REQUIRED in decided.flags or status is Status.AVAILABLE_FOR_PICKUP,
        final=status in ENDS,
        since=decided.moment,
    )


def _position(event: Event, returning: bool) -> Status:
    """The position a scan stands for, seen in its context."""
    status = event.status or Status.UNKNOWN
    if status is Status.DELIVERED:
        if Flag.PARTIAL in event.flags:
            return Status.OUT_FOR_DELIVERY
        if returning:
            return Status.RETURNED
        if Flag.PICKUP_POINT in event.flags:
            return Status.AVAILABLE_FOR_PICKUP
    if returning and status in (Status.ACCEPTED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY):
        return Status.RETURNING
    return status


def _moves(event: Event, position: Status, decided: Event, status: Status) -> bool:
    """Whether a newer event takes the parcel from `status` to `position`."""
    if position in PAPERWORK:
        return status in PAPERWORK
    if status in (Status.DELIVERED, Status.RETURNED):
        if position is status:
            return False
        return comparably_later(event.moment, decided.moment)
    return True


def _recency(summary: Summary) -> float:
    since = summary.since
    return -since.instant.timestamp() if since and since.instant else 0.0


def coarse(place: Place) -> Place:
    """A place as a stranger may see it: city and country, nothing finer."""
    return Place(city=place.city, country=place.country)
