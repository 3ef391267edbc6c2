"""So many calls in so many seconds, for each caller alone."""

from doorstep.config import ApiLimit
from doorstep.ratelimits import RateLimits

from .clock import FakeClock


def test_calls_are_counted_until_the_window_ends(clock: FakeClock) -> None:
    limits = RateLimits(ApiLimit(2, 60), clock=clock)
    taken = []
    for _ in range(3):
        quota = limits.take("a")
        taken.append((quota.remaining, quota.seconds, quota.spent))
        clock.advance(10)
    assert taken == [(1, 60, False), (0, 50, False), (0, 40, True)]
    clock.advance(29.5)
    assert limits.take("a").headers == {
        "RateLimit-Policy": '"api";q=2;w=60', "RateLimit": '"api";r=0;t=1', "Retry-After": "1",
    }  # fmt: skip
    clock.advance(0.5)
    assert limits.take("a").headers == {"RateLimit-Policy": '"api";q=2;w=60', "RateLimit": '"api";r=1;t=60'}


def test_callers_have_their_own(clock: FakeClock) -> None:
    limits = RateLimits(ApiLimit(1, 60), clock=clock)
    assert [limits.take(caller).spent for caller in ("a", "b", "a", "b")] == [False, False, True, True]


def test_no_more_callers_are_remembered_than_fit(clock: FakeClock) -> None:
    limits = RateLimits(ApiLimit(1, 60), clock=clock)
    for n in range(10_001):
        limits.take(str(n))
    assert limits.take("10000").spent
    assert not limits.take("0").spent  # forgotten: it began longest ago
