"""So many calls in so many seconds, for each caller alone."""

import pytest

from doorstep.config import ApiLimit
from doorstep.ratelimits import RateLimits

from .clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_calls_are_counted_until_the_window_ends(clock: FakeClock) -> None:
    limits = RateLimits(ApiLimit(2, 60), clock=clock)
    taken = []
    for _ in range(3):
        quota = await limits.take("a")
        taken.append((quota.remaining, quota.seconds, quota.spent))
        clock.advance(10)
    assert taken == [(1, 60, False), (0, 50, False), (0, 40, True)]
    clock.advance(29.5)
    assert (await limits.take("a")).headers == {
        "RateLimit-Policy": '"api";q=2;w=60', "RateLimit": '"api";r=0;t=1', "Retry-After": "1",
    }  # fmt: skip
    clock.advance(0.5)
    assert (await limits.take("a")).headers == {"RateLimit-Policy": '"api";q=2;w=60', "RateLimit": '"api";r=1;t=60'}


async def test_callers_have_their_own(clock: FakeClock) -> None:
    limits = RateLimits(ApiLimit(1, 60), clock=clock)
    assert [(await limits.take(caller)).spent for caller in ("a", "b", "a", "b")] == [False, False, True, True]


async def test_no_more_callers_are_remembered_than_fit(clock: FakeClock) -> None:
    limits = RateLimits(ApiLimit(1, 60), clock=clock)
    for n in range(10_001):
        await limits.take(str(n))
    assert (await limits.take("10000")).spent
    assert not (await limits.take("0")).spent  # forgotten: it began longest ago
