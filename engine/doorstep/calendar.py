"""The days on which a shop works: from "in three business days" to a date."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from .order import Promise

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST = 3660  # days looked at: a calendar without any business day must end


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.calendar]`. What is placed on a business day from `cutoff` on (the shop's own clock) counts from the
    next one. `promise` is how many business days an order takes that says nothing itself; empty, nothing is promised. A
    parcel under way stalls after `stalls_after` business days without a scan."""

    business_days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    holidays: tuple[date, ...] = ()
    cutoff: time | None = None
    promise: Annotated[int, Meta(ge=0, le=365)] | None = None
    stalls_after: Annotated[int, Meta(ge=1, le=60)] = 3

    def is_business_day(self, day: date) -> bool:
        return _DAYS[day.weekday()] in self.business_days and day not in self.holidays

    def after(self, day: date, count: int) -> date:
        """The `count`th business day after `day`; the first from `day` on for 0."""
        left = count
        for one in _days_from(day if count == 0 else day + timedelta(days=1)):
            if self.is_business_day(one):
                left -= 1
                if left <= 0:
                    return one
        return day + timedelta(days=count)

    def between(self, start: date, end: date) -> int:
        """How many business days lie after `start`, up to and with `end`; 0 when `end` is not later."""
        days = min((end - start).days, _LONGEST)
        return sum(self.is_business_day(start + timedelta(days=n)) for n in range(1, days + 1))

    def promised(self, promise: Promise | None, placed_at: datetime, zone: ZoneInfo) -> Promise | None:
        """The promise with its days filled in, or None where nothing is promised."""
        wanted = promise.business_days if promise else self.promise
        if promise is not None and promise.until is not None:
            return promise
        if wanted is None:
            return promise if promise is not None and promise.start is not None else None
        placed = placed_at.astimezone(zone)
        day = placed.date()
        if self.cutoff is not None and placed.time() >= self.cutoff and self.is_business_day(day):
            day = self.after(day, 1)
        return Promise(promise.start if promise else None, self.after(day, wanted), wanted)


def _days_from(day: date) -> Iterator[date]:
    return (day + timedelta(days=n) for n in range(_LONGEST))
