"""One budget for all processes that share a Redis, by its time; a real server."""

import asyncio

import pytest

from doorstep import RateLimited
from doorstep.budget import LONGEST_WAIT, Budgets
from doorstep.manifest import Limit
from doorstep.metrics import Metrics
from doorstep.shared_cache import RedisServer

from .clock import FakeClock
from .servers import redis_server, until

pytestmark = pytest.mark.anyio
HOUR = 3600.0


@pytest.fixture
def server(tmp_path):
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
async def process(server):
    """`process()`: the budgets of another process, on a clock of its own, which stands still."""
    opened = []

    def open_one():
        shared = RedisServer(server.url, metrics=Metrics(), retry_after=0.05)
        opened.append(shared)
        return Budgets(FakeClock(), shared, space="test")

    open_one.opened = opened
    yield open_one
    for shared in opened:
        await shared.close()


async def taken(budget, most=1000, *, stranger=False):
    for count in range(most):
        try:
            await budget.take(stranger=stranger)
        except RateLimited:
            return count
    return most


async def wait_for(budget, *, stranger=False):
    with pytest.raises(RateLimited) as caught:
        await budget.take(stranger=stranger)
    return caught.value.retry_after


async def test_processes_spend_one_budget(process):
    one, other = (process().of("acme", [Limit(10, HOUR)], strangers=1) for _ in range(2))
    assert (await taken(one, 6), await taken(other)) == (6, 4)
    # Ten an hour: the next one is there six minutes later.
    assert 350 < await wait_for(one) <= 360


async def test_accounts_and_engines_have_budgets_of_their_own(process):
    one, limits = process(), [Limit(3, HOUR)]
    assert await taken(one.of("acme", limits, strangers=1)) == 3
    assert await taken(one.of("other", limits, strangers=1)) == 3
    elsewhere = Budgets(FakeClock(), process.opened[0], space="another engine")
    assert await taken(elsewhere.of("acme", limits, strangers=1)) == 3


async def test_strangers_share_their_share_and_orders_have_the_rest(process):
    one, other = (process().of("acme", [Limit(10, HOUR)], strangers=0.3) for _ in range(2))
    assert (await taken(one, 2, stranger=True), await taken(other, stranger=True)) == (2, 1)
    assert await taken(one) == 7
    # Of 10 none is left; 7 are kept for orders, 1 is to be taken: 8 are missing, at six minutes each.
    assert 2870 < await wait_for(other, stranger=True) <= 2880


async def test_all_limits_hold_at_once(process):
    budget = process().of("acme", [Limit(100, 1.0), Limit(5, HOUR), Limit(8, 60.0)], strangers=1)
    assert await taken(budget) == 5


async def test_a_bucket_fills_by_the_servers_time(process):
    budget = process().of("acme", [Limit(20, 1.0)], strangers=1)  # on a clock that stands still
    assert await taken(budget, 20) == 20
    await asyncio.sleep(0.3)  # six more, at least
    assert await taken(budget, 6) == 6


async def test_requests_of_a_question_under_way_are_counted_for_all(process):
    one, other = (process().of("acme", [Limit(10, HOUR)], strangers=1) for _ in range(2))
    for _ in range(9):
        await one.spend()
    assert await taken(other) == 1


@pytest.mark.parametrize(("said", "kept"), [(30, 30), (10 * 365 * 86_400, LONGEST_WAIT), (float("inf"), LONGEST_WAIT)])
async def test_who_is_told_to_wait_tells_all(process, said, kept):
    one, other = (process().of("acme", [], strangers=1) for _ in range(2))
    await one.wait(said)
    await one.wait(1)  # a shorter one does not cut it
    assert kept - 5 < await wait_for(other) <= kept


async def test_what_is_left_is_what_all_of_them_left(process, server):
    one, other = (process().of("acme", [Limit(10, HOUR), Limit(40, HOUR)], strangers=0.5) for _ in range(2))
    assert [left.limit for left in await one.left()] == ["10/3600s", "40/3600s"]
    await taken(one, 4)
    await taken(other, 3)
    told = [(round(left.orders), round(left.strangers)) for left in await one.left()]
    assert told == [(3, 0), (33, 13)]
    assert await taken(one) == 3  # to look took nothing
    server.kill()
    assert [round(left.orders) for left in await other.left()] == [7, 37]  # what it asked itself


async def test_with_the_server_lost_each_process_has_what_it_has_not_asked_itself(process, server):
    one, other = (process().of("acme", [Limit(10, HOUR)], strangers=1) for _ in range(2))
    await taken(one, 4)
    await taken(other, 3)
    server.kill()
    assert (await taken(one), await taken(other)) == (6, 7)


async def test_a_wait_that_the_carrier_asked_for_is_kept_also_when_the_server_is_lost(process, server):
    budget = process().of("acme", [], strangers=1)
    await budget.wait(30)
    server.kill()
    assert await wait_for(budget) == pytest.approx(30)


async def test_a_server_that_comes_back_is_asked_again(process, server):
    one, other = (process().of("acme", [Limit(10, HOUR)], strangers=1) for _ in range(2))
    server.kill()
    await taken(one, 4)
    await taken(other, 1)
    server.start()
    await until(lambda: all(shared.healthy for shared in process.opened))
    assert (await taken(one, 6), await taken(other)) == (6, 4)


async def test_what_is_kept_of_a_budget_ends_when_it_says_nothing_more(process):
    budget = process().of("acme", [Limit(10, 2 * HOUR)], strangers=1)
    await budget.take(stranger=True)
    # An empty bucket is full after two hours, one as deep in debt after four.
    assert 4 * HOUR - 60 < await process.opened[0].do("TTL", "doorstep:budget:test:acme") <= 4 * HOUR
