"""Scans that say of an earlier one that it never was: a driver's mistake, a cancellation that was cancelled."""

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace

from .models import Event, Status
from .summary import arrange


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
