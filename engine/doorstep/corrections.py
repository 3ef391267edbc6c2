"""What is said about scans elsewhere: by a later one, that one never was; by the parcel as a whole, that it goes back."""

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace

from .models import Event, Flag, Status
from .summary import arrange

_BACK = frozenset({Status.RETURNING, Status.RETURNED})


def taken_back(events: Iterable[Event], takes_back: Callable[[Event], Collection[Status]]) -> tuple[Event, ...]:
    """The events, newest first. What a correction takes back stays and moves nothing: the scan before it that is nearest and
    has one of the positions that `takes_back` gives for the correction. For any other scan it gives none."""
    told = tuple(events)
    if not any(map(takes_back, told)):
        return told
    course = list(reversed(arrange(told)))
    for at, event in enumerate(course):
        wrong = takes_back(event)
        before = next((i for i in reversed(range(at)) if course[i].status in wrong), None)
        if before is not None:
            course[before] = replace(course[before], status=None, reason="", flags=())
    return tuple(reversed(course))


def sent_back(events: Iterable[Event]) -> tuple[Event, ...]:
    """The events, newest first, of a parcel of which only the whole says that it goes back to its sender: where no scan tells
    the way back, what they call a delivery was the sender's, and the latest scan is on that way."""
    told = tuple(events)
    if any(event.status in _BACK or Flag.RETURN in event.flags for event in told):
        return told
    course = arrange(told)
    latest = next((event for event in course if event.status not in (None, Status.UNKNOWN)), None)
    return tuple(
        replace(event, flags=(*event.flags, Flag.RETURN))
        if event is latest or event.status is Status.DELIVERED
        else event
        for event in course
    )
