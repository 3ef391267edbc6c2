"""What is worth a message: from an order, what became of its parcels, and now, to what is to be said, from when and until when,
and to why all else is not. Pure rules; whom it may be said to, and whether it was, they do not decide.

Of a parcel they say what is true now: what was overtaken by another scan is not said any more. Times of a scan are those of
its place, where they are known, and never later than when it was noticed.
"""

from msgspec import structs

from .afterwards import afterwards
from .occasion import Facts, Occasion, Why
from .on_the_way import of_order, of_parcel


def occasions(facts: Facts) -> tuple[Occasion, ...]:
    """All that was, is or will be worth a message, as things are now."""
    of_parcels = [one for journey in facts.journeys for one in of_parcel(journey, facts)]
    return tuple(_judged(one, facts) for one in (*of_parcels, *of_order(facts), *afterwards(facts)))


def _judged(occasion: Occasion, facts: Facts) -> Occasion:
    """What holds for all kinds."""
    if facts.order.erased_at is not None:
        why: Why | None = Why.ERASED
    elif facts.order.order.cancelled_at is not None:
        why = Why.CANCELLED
    elif not facts.wanted(occasion.kind):
        why = Why.OFF
    elif occasion.why is None and occasion.until is not None and occasion.until <= facts.now:
        why = Why.STALE
    else:
        why = occasion.why
    return structs.replace(occasion, why=why)
