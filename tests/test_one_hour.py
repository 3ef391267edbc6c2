"""How often a carrier is asked about one number in an hour, at eighty requests a second and a freshness of sixty seconds."""

import asyncio
import math

import pytest

from doorstep import Found, NotFound, Status
from doorstep.config import Store
from doorstep.freshness import Entry, Freshness
from doorstep.shelf_life import ShelfLife

from .acme import parcel
from .tracking import NUMBER, Rig

pytestmark = pytest.mark.anyio

HOUR, A_SECOND = 3600, 80
HASTY = Store(name="Hasty", freshness=ShelfLife(out_for_delivery=60, not_found=60))
MOVING = Found((parcel(NUMBER, status=Status.OUT_FOR_DELIVERY),))


class Hour:
    """Look-ups of one number on the test's clock, of a carrier that takes some seconds.

    A look-up of what stays fresh for more than a second changes nothing (`test_resolution_model` checks it): there one stands
    for the eighty of its second. All others are made, each at its moment.
    """

    def __init__(self, clock, *, answer, takes):
        self.clock, self.takes = clock, takes
        self.rig = Rig(clock)
        self.rig.fetcher.answers["acme"] = answer
        self.rig.fetcher.gate.clear()
        self.made, self.oldest = 0, 0.0

    def number(self, jitter):
        """Of many numbers, the one whose jitter is the least or the most."""
        account, questions = self.rig.plugins.accounts["acme"], self.rig.tracker.questions
        numbers = [str(n) for n in range(100_000_000, 100_002_000)]
        told = Entry(MOVING, self.clock.now())
        return jitter(
            numbers, key=lambda one: questions.fresh_until(questions.key(account, one, "en"), told, HASTY.freshness)
        )

    async def passes(self, number):
        """How often the carrier was asked."""
        asked, answered_at, ends = self.rig.fetcher.asked, math.inf, self.clock.monotonic() + HOUR
        while self.clock.monotonic() < ends:
            questions = len(asked)
            lookup = await self.rig.look_up(number, HASTY, wait=0)
            await asyncio.sleep(0)
            if len(asked) > questions:
                answered_at = self.clock.monotonic() + self.takes
            if self.clock.monotonic() >= answered_at:
                await self.answer()
                answered_at = math.inf
            self.made += 1
            if lookup.fetched_at:
                self.oldest = max(self.oldest, (self.clock.now() - lookup.fetched_at).total_seconds())
            self.clock.advance(1 if self.stays(lookup) else 1 / A_SECOND)
        await self.rig.tracker.close()
        return len(asked)

    async def answer(self):
        self.rig.fetcher.gate.set()
        await self.rig.landed()
        self.rig.fetcher.gate.clear()

    def stays(self, lookup):
        fresh = lookup.fresh_until is not None and lookup.freshness is Freshness.FRESH
        return fresh and (lookup.fresh_until - self.clock.now()).total_seconds() > 1


@pytest.mark.parametrize(
    ("jitter", "takes", "calls", "oldest"),
    [
        (min, 0, 60, 60.1),  # at 0, 60, … 3,540 seconds
        (max, 2, 51, 71.1),  # every 71 seconds: 60, 15 % of jitter, and the carrier's two
    ],
)
async def test_a_number_that_everybody_looks_at_is_asked_about_sixty_times_an_hour_at_most(
    clock, jitter, takes, calls, oldest
):
    hour = Hour(clock, answer=MOVING, takes=takes)
    assert await hour.passes(hour.number(jitter)) == calls
    assert oldest - 0.2 < hour.oldest < oldest
    assert hour.made > calls * 100


async def test_a_number_that_nobody_knows_is_asked_about_six_times_in_its_first_hour(clock):
    hour = Hour(clock, answer=NotFound(), takes=0)
    assert await hour.passes(hour.number(min)) == 6  # after 0, 1, 3, 7, 15 and 31 minutes
