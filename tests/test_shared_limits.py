"""One count of guesses and of calls for all processes that share a Redis, by its time; a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from doorstep.config import ApiLimit
from doorstep.limits import Limits, SharedGuesses
from doorstep.metrics import Metrics
from doorstep.ratelimits import RateLimits, open_limits
from doorstep.shared_cache import RedisServer

from .clock import FakeClock
from .servers import redis_server, until

pytestmark = pytest.mark.anyio


class Process:
    """What one process counts with, on a clock of its own, which stands still."""

    def __init__(self, url: str) -> None:
        self.server = RedisServer(url, metrics=Metrics(), retry_after=0.05)

    def guesses(self, *, window: float = 3600) -> SharedGuesses:
        return SharedGuesses("proofs", "space", self.server, most=5, window=window, clock=FakeClock())

    def calls(self, calls: int, seconds: int = 60) -> RateLimits:
        return open_limits(ApiLimit(calls, seconds), clock=FakeClock(), shared=self.server, space="space")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
async def process(server: Any) -> AsyncIterator[Callable[[], Process]]:
    opened: list[Process] = []

    def open_one() -> Process:
        opened.append(Process(server.url))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.server.close()


async def made(guesses: SharedGuesses, times: int, *keys: str) -> int:
    """How many of so many guesses were allowed."""
    return [await guesses.make(*keys) for _ in range(times)].count(0)


@pytest.mark.fault(40)
async def test_five_wrong_guesses_are_five_in_all(process: Callable[[], Process]) -> None:
    one, other = process().guesses(), process().guesses()
    assert (await made(one, 3, "order", "network"), await made(other, 9, "order", "network")) == (3, 2)
    assert 3590 < await one.make("order", "elsewhere") <= 3600  # either of them refuses
    assert 3590 < await one.make("another order", "network") <= 3600
    assert await one.make("another order", "elsewhere") == 0  # what was refused counted for nobody


async def test_who_is_refused_by_all_is_refused_here_too(process: Callable[[], Process]) -> None:
    one, other = process().guesses(), process().guesses()
    assert (await made(one, 4, "network"), await made(other, 1, "network")) == (4, 1)
    assert (other.refused("network"), other.refuses_somebody) == (3600, True)
    assert (one.refused("network"), one.refuses_somebody) == (0, False)  # it has not asked since
    assert await made(one, 1, "network") == 0
    assert 3590 < one.refused("network") <= 3600


async def test_a_right_guess_is_held_against_nobody(process: Callable[[], Process]) -> None:
    one, other = process().guesses(), process().guesses()
    for guesses in (one, other) * 6:
        assert await guesses.make("order") == 0
        await guesses.right("order")
    await one.right("order")  # never below none
    assert await made(other, 9, "order") == 5


async def test_guesses_are_forgotten_by_the_servers_time(process: Callable[[], Process]) -> None:
    guesses = process().guesses(window=0.3)  # on a clock that stands still
    assert await made(guesses, 9, "order") == 5
    await asyncio.sleep(0.4)
    assert await made(guesses, 9, "order") == 5


async def test_what_is_guessed_cannot_be_read_from_the_server(process: Callable[[], Process]) -> None:
    one = process()
    await one.guesses().make("network:203.0.113.0/24", "order:1001")
    keys = await one.server.do("KEYS", "*")
    assert len(keys) == 2
    assert all(key.startswith(b"doorstep:guesses:{space}:proofs:") for key in keys)
    assert not any(b"203.0.113" in key or b"order" in key for key in keys)


async def test_with_the_server_lost_each_process_counts_what_it_saw_itself(
    process: Callable[[], Process], server: Any
) -> None:
    one, other = process().guesses(), process().guesses()
    await made(one, 2, "order")
    await made(other, 1, "order")
    server.kill()
    assert (await made(one, 9, "order"), await made(other, 9, "order")) == (3, 4)


async def test_calls_are_one_quota_for_all(process: Callable[[], Process]) -> None:
    one, other = process().calls(3), process().calls(3)
    taken = [await limits.take("key") for limits in (one, other, one, other)]
    assert [(quota.remaining, quota.spent) for quota in taken] == [(2, False), (1, False), (0, False), (0, True)]
    assert all(0 < quota.seconds <= 60 for quota in taken)
    assert not (await other.take("another key")).spent


@pytest.mark.fault(41)
async def test_a_window_ends_by_the_servers_time(process: Callable[[], Process]) -> None:
    limits = process().calls(1, 1)
    assert [(await limits.take("key")).spent for _ in range(2)] == [False, True]
    await asyncio.sleep(1.1)
    assert not (await limits.take("key")).spent


async def test_with_the_server_lost_calls_are_counted_here_and_then_by_all_again(
    process: Callable[[], Process], server: Any
) -> None:
    here = process()
    limits = here.calls(3)
    await limits.take("key")
    server.kill()
    assert [(await limits.take("key")).spent for _ in range(3)] == [False, False, True]
    server.start()
    await until(lambda: here.server.healthy)
    assert not (await limits.take("key")).spent  # an emptied server knows of no call


async def test_all_limits_of_an_engine_are_shared_where_there_is_a_server(process: Callable[[], Process]) -> None:
    limits = Limits((), clock=FakeClock(), shared=process().server, space="space")
    kinds = [limits.proofs, limits.numbers, limits.reports, limits.documents]
    assert all(isinstance(one, SharedGuesses) for one in kinds)
    assert len({one._prefix for one in kinds if isinstance(one, SharedGuesses)}) == 4
