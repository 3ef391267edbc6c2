"""What an account may still ask, on a clock that the test moves."""

import pytest

from doorstep import CarrierUnavailable, RateLimited
from doorstep.budget import LONGEST_WAIT, Breaker, Budget, Left, Retries
from doorstep.manifest import Limit

from .clock import FakeClock

pytestmark = pytest.mark.anyio


async def taken(budget: Budget, *, stranger: bool = False) -> int:
    """How many calls can be taken at once."""
    count = 0
    while count < 1000:
        try:
            await budget.take(stranger=stranger)
        except RateLimited:
            return count
        count += 1
    return count


async def wait_for(budget: Budget, *, stranger: bool = False) -> float:
    with pytest.raises(RateLimited) as caught:
        await budget.take(stranger=stranger)
    assert caught.value.retry_after is not None
    return caught.value.retry_after


async def test_a_full_bucket_gives_its_calls_and_no_more(clock: FakeClock) -> None:
    assert await taken(Budget([Limit(10, 5.0)], clock, strangers=1)) == 10


async def test_the_bucket_fills_steadily_and_never_overflows(clock: FakeClock) -> None:
    budget = Budget([Limit(10, 5.0)], clock, strangers=1)  # two a second
    await taken(budget)
    clock.advance(1.5)
    assert await taken(budget) == 3
    clock.advance(86_400)
    assert await taken(budget) == 10


async def test_an_empty_bucket_says_when_the_next_call_is_there(clock: FakeClock) -> None:
    budget = Budget([Limit(10, 5.0)], clock, strangers=1)
    await taken(budget)
    assert await wait_for(budget) == pytest.approx(0.5)
    clock.advance(0.25)
    assert await wait_for(budget) == pytest.approx(0.25)
    clock.advance(0.25)
    await budget.take(stranger=False)


async def test_what_is_left_is_told_for_orders_and_for_strangers(clock: FakeClock) -> None:
    budget = Budget([Limit(10, 5.0), Limit(60, 60.0)], clock, strangers=0.3)  # of ten, seven are kept for orders
    for _ in range(8):
        await budget.spend()
    assert await budget.left() == [Left("10/5s", 2, 0), Left("60/60s", 52, 10)]
    clock.advance(3)
    assert await budget.left() == [Left("10/5s", 8, 1), Left("60/60s", 55, 13)]


async def test_strangers_use_only_their_share(clock: FakeClock) -> None:
    budget = Budget([Limit(10, 10.0)], clock, strangers=0.3)
    assert await taken(budget, stranger=True) == 3
    assert await taken(budget) == 7


async def test_what_orders_used_is_gone_for_strangers_too(clock: FakeClock) -> None:
    budget = Budget([Limit(10, 10.0)], clock, strangers=0.3)
    for _ in range(8):
        await budget.take(stranger=False)
    assert await wait_for(budget, stranger=True) == pytest.approx(
        6.0
    )  # 2 left, 7 kept for orders and 1 to take: 6 are missing
    clock.advance(6.0)
    await budget.take(stranger=True)


async def test_strangers_without_a_share_never_ask(clock: FakeClock) -> None:
    assert await taken(Budget([Limit(10, 10.0)], clock, strangers=0), stranger=True) == 0


async def test_a_carrier_that_names_no_limit_has_none(clock: FakeClock) -> None:
    assert await taken(Budget([], clock, strangers=0), stranger=True) == 1000


async def test_a_carrier_that_says_wait_is_not_asked_until_then(clock: FakeClock) -> None:
    budget = Budget([], clock, strangers=1)
    await budget.wait(30)
    clock.advance(10)
    assert await wait_for(budget) == pytest.approx(20)
    clock.advance(20)
    await budget.take(stranger=False)


@pytest.mark.parametrize(("said", "kept"), [(10 * 365 * 86_400, LONGEST_WAIT), (-5, 0), (float("inf"), LONGEST_WAIT)])
async def test_a_senseless_wait_is_bounded(clock: FakeClock, said: float, kept: float) -> None:
    budget = Budget([], clock, strangers=1)
    await budget.wait(said)
    if kept:
        assert await wait_for(budget) == pytest.approx(kept)
    else:
        await budget.take(stranger=True)


async def test_a_shorter_wait_does_not_cut_a_longer_one(clock: FakeClock) -> None:
    budget = Budget([], clock, strangers=1)
    await budget.wait(60)
    await budget.wait(1)
    assert await wait_for(budget) == pytest.approx(60)


def failing(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


async def test_a_run_of_failures_opens_the_breaker(clock: FakeClock) -> None:
    breaker = Breaker(clock, failures=3, pause=30)
    failing(breaker, 2)
    breaker.check()
    failing(breaker, 1)
    assert breaker.open
    with pytest.raises(CarrierUnavailable) as caught:
        breaker.check()
    assert caught.value.retry_after == pytest.approx(30)


async def test_a_success_between_failures_keeps_it_closed(clock: FakeClock) -> None:
    breaker = Breaker(clock, failures=3)
    failing(breaker, 2)
    breaker.succeeded()
    failing(breaker, 2)
    assert not breaker.open


async def test_an_open_breaker_lets_one_try_through_each_pause(clock: FakeClock) -> None:
    breaker = Breaker(clock, failures=3, pause=30)
    failing(breaker, 3)
    clock.advance(30)
    breaker.check()
    with pytest.raises(CarrierUnavailable):
        breaker.check()
    clock.advance(30)
    breaker.check()


async def test_a_try_that_fails_opens_it_for_another_pause(clock: FakeClock) -> None:
    breaker = Breaker(clock, failures=3, pause=30)
    failing(breaker, 3)
    clock.advance(30)
    breaker.check()
    clock.advance(5)
    breaker.failed()
    clock.advance(29)
    with pytest.raises(CarrierUnavailable):
        breaker.check()


async def test_a_try_that_succeeds_closes_it(clock: FakeClock) -> None:
    breaker = Breaker(clock, failures=3, pause=30)
    failing(breaker, 3)
    clock.advance(30)
    breaker.check()
    breaker.succeeded()
    assert not breaker.open
    breaker.check()
    breaker.check()


def test_one_request_in_ten_may_be_repeated_and_five_at_once_after_a_quiet_time() -> None:
    retries = Retries()
    assert retries.left == 5
    assert [retries.take() for _ in range(6)] == [True] * 5 + [False]
    assert retries.left == 0
    repeated = 0
    for _ in range(1000):
        retries.asked()
        repeated += retries.take()
    assert repeated == 100


def test_a_breaker_knows_since_when_it_is_open(clock: FakeClock) -> None:
    breaker = Breaker(clock, failures=3, pause=30)
    failing(breaker, 2)
    assert breaker.open_since is None
    failing(breaker, 1)
    since = clock.now()
    clock.advance(31)
    breaker.check()
    failing(breaker, 1)
    assert breaker.open_since == since
    breaker.succeeded()
    assert breaker.open_since is None
