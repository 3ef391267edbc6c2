"""How long answers stay fresh, by what they say. An answer is the same for all shops; each reads it with its own shelf life."""

from typing import Annotated

from msgspec import Meta, Struct

from .models import Status

_MINUTE, _HOUR = 60, 3600
Seconds = Annotated[int, Meta(ge=30, le=604_800)]


class ShelfLife(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stores.<id>.freshness]`: for how many seconds an answer is fresh, by the status it says. `not_found` is for the first
    time that a carrier does not know a number; each further time in a row it is twice as long, up to `still_not_found`."""

    pending: Seconds = 30 * _MINUTE
    label_created: Seconds = 30 * _MINUTE
    accepted: Seconds = 20 * _MINUTE
    in_transit: Seconds = 15 * _MINUTE
    customs: Seconds = 30 * _MINUTE
    out_for_delivery: Seconds = 5 * _MINUTE
    available_for_pickup: Seconds = 20 * _MINUTE
    delivery_attempted: Seconds = 10 * _MINUTE
    delivered: Seconds = 12 * _HOUR
    exception: Seconds = 15 * _MINUTE
    returning: Seconds = 30 * _MINUTE
    returned: Seconds = 12 * _HOUR
    cancelled: Seconds = 12 * _HOUR
    lost: Seconds = 6 * _HOUR
    unknown: Seconds = 15 * _MINUTE
    not_found: Seconds = 2 * _MINUTE
    still_not_found: Seconds = _HOUR

    def __post_init__(self) -> None:
        if self.still_not_found < self.not_found:
            raise ValueError(f"still_not_found ({self.still_not_found}) is shorter than not_found ({self.not_found})")

    def of(self, status: Status) -> int:
        """Seconds that an answer with this status is fresh."""
        seconds: int = getattr(self, status)
        return seconds

    def of_unknown(self, times: int) -> int:
        """Seconds until a number is asked about again that the carrier has not known so many times in a row."""
        return min(self.not_found << min(times - 1, 20), self.still_not_found)
