"""One question among all processes that share a Redis: real processes, a real server, a carrier over HTTP that counts."""

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from doorstep.cache import MemoryCache
from doorstep.clock import SystemClock
from doorstep.leases import LEASE, OwnLeases, SharedLeases
from doorstep.metrics import Metrics
from doorstep.shared_cache import RedisServer

from .lookups import Worker
from .servers import hostile, redis_server, reply
from .test_compact import travelled
from .test_invalidation import mute

pytestmark = pytest.mark.anyio

NUMBER = "123456789"
ROOT = Path(__file__).parent.parent
OLD, NEW, NEWER = b"00000001 old", b"00000002 new", b"00000003 newer"


@pytest.fixture
def server(tmp_path):
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
async def leases(server, clock):
    """`leases()`: another process's, as far as Redis can tell."""
    opened = []

    def open_one():
        shared = RedisServer(server.url, metrics=Metrics(), retry_after=0.05)
        opened.append(shared)
        return SharedLeases(shared, MemoryCache(clock))

    yield open_one
    for shared in opened:
        await shared.close()


@pytest.fixture
async def workers(server):
    opened = []

    def open_one(carrier):
        opened.append(Worker(server.url, carrier))
        return opened[-1]

    yield open_one
    for worker in opened:
        await worker.close()


def slow(seconds, answer):
    async def send(writer):
        await asyncio.sleep(seconds)
        await answer(writer)

    return send


@asynccontextmanager
async def process(redis, carrier, times, ahead):
    command = [sys.executable, "-m", "tests.lookups", redis, carrier, NUMBER, str(times), str(ahead)]
    one = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert await one.stdout.readline() == b"ready\n"
        yield one
    finally:
        if one.returncode is None:
            one.kill()
        await one.wait()


async def told(one):
    one.stdin.write(b"go\n")
    await one.stdin.drain()
    return msgspec.json.decode(await one.stdout.readline())


@pytest.mark.parametrize(
    "clocks",
    [
        pytest.param([0], id="one process", marks=pytest.mark.exhaustive),
        pytest.param([0, 0], id="two", marks=pytest.mark.exhaustive),
        pytest.param([0, 0, 5, 5], id="two groups, 5 s apart"),
    ],
)
async def test_five_hundred_first_questions_at_once_are_one_call(server, clocks):
    async with hostile(slow(0.3, reply())) as carrier:
        running = [process(server.url, carrier.url, 500 // len(clocks), ahead) for ahead in clocks]
        ready = [await one.__aenter__() for one in running]
        said = await asyncio.gather(*map(told, ready))
        for one in running:
            await one.__aexit__(None, None, None)
    assert [one["outcomes"] for one in said] == [{"found": 500 // len(clocks)}] * len(clocks)
    assert [seen.path for seen in carrier.requests] == [f"/track/{NUMBER}"]


async def test_a_carrier_that_fails_one_process_is_not_asked_by_the_others(workers):
    async with hostile(slow(0.1, reply(429, retry_after="30"))) as carrier:
        one, other = workers(carrier.url), workers(carrier.url)
        outcomes = await asyncio.gather(one.look_up(NUMBER), other.look_up(NUMBER))
        assert outcomes == ["unavailable", "unavailable"]
        assert await workers(carrier.url).look_up(NUMBER) == "unavailable"
    assert len(carrier.requests) == 1


async def test_a_page_that_does_not_wait_is_told_that_the_carrier_is_asked_by_whichever_process(workers):
    async with hostile(slow(0.4, reply())) as carrier:
        one, other = workers(carrier.url), workers(carrier.url)
        first = asyncio.create_task(one.look_up(NUMBER))
        await asyncio.sleep(0.15)
        assert await other.look_up(NUMBER, wait=0.05) == "waiting"
        assert (await first, await other.look_up(NUMBER)) == ("found", "found")
    assert len(carrier.requests) == 1


@pytest.mark.parametrize("loss", ["killed", "frozen"])
@pytest.mark.fault(11)
async def test_a_lost_server_costs_a_quarter_of_a_second_and_each_process_asks_once(server, workers, loss):
    async with hostile(slow(0.1, reply())) as carrier:
        one, other = workers(carrier.url), workers(carrier.url)
        server.kill() if loss == "killed" else server.freeze()
        outcomes = await asyncio.gather(*(worker.look_up(NUMBER) for worker in (one, other) for _ in range(20)))
        waited_for = one.failures()
        assert await one.look_up(NUMBER) == "found"
        assert one.failures() == waited_for == {"get": 20}  # one time-out, shared by all that asked in one turn
    server.thaw() if loss == "frozen" else None
    assert outcomes == ["found"] * 40
    assert len(carrier.requests) == 2


async def test_who_comes_while_another_asks_is_woken_by_the_answer(leases):
    one, other = leases(), leases()
    mine = await one.turn("k", b"")
    assert mine.token
    waiting = asyncio.create_task(other.turn("k", b""))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    assert await one.keep("k", NEW, 60, seen=b"", token=mine.token) == NEW
    async with asyncio.timeout(0.5):  # half the time after which it would look by itself
        turn = await waiting
    assert (turn.answer, turn.token) == (NEW, "")


async def test_what_another_process_learnt_stays_near_when_the_server_is_lost(server, clock):
    shared, near = RedisServer(server.url, metrics=Metrics(), retry_after=60), MemoryCache(clock)
    one = SharedLeases(shared, near)
    await shared.do("SET", "key", NEW, "PX", 60_000)
    assert (await one.turn("key", OLD)).answer == NEW
    server.kill()
    assert await near.get("key") == NEW
    await shared.close()


async def test_who_comes_while_another_asks_is_told_of_its_failure_and_how_long_it_holds(leases):
    one, other = leases(), leases()
    mine = await one.turn("k", b"")
    waiting = asyncio.create_task(other.turn("k", b""))
    await asyncio.sleep(0.1)
    await one.give_back("k", mine.token, b"no", 40)
    for turn in (await waiting, await other.turn("k", b"")):
        assert turn.failure == b"no"
        assert 30 < turn.pause <= 40
    assert (await other.turn("another", b"")).token


async def test_a_turn_given_back_without_a_word_is_the_next_ones(leases):
    one, other = leases(), leases()
    mine = await one.turn("k", b"")
    waiting = asyncio.create_task(other.turn("k", b""))
    await asyncio.sleep(0.1)
    await one.give_back("k", mine.token)
    turn = await waiting
    assert turn.token not in ("", mine.token)


async def test_who_may_say_nothing_on_the_channel_keeps_and_gives_back_all_the_same(server):
    metrics = Metrics()
    shared = RedisServer(await mute(server), metrics=metrics, retry_after=60)
    one = SharedLeases(shared, MemoryCache(SystemClock()))
    mine = await one.turn("k", b"")
    assert await one.keep("k", NEW, 60, seen=b"", token=mine.token) == NEW
    again = await one.turn("k", NEW[:8])
    assert again.token  # the first lease has come to its end
    await one.give_back("k", again.token, b"no", 40)
    assert (await one.turn("k", NEW[:8])).failure == b"no"
    assert "doorstep_cache_failures_total{" not in metrics.render().decode()
    await shared.close()


async def test_a_holder_that_died_costs_its_lease(leases, monkeypatch):
    monkeypatch.setattr("doorstep.leases.LEASE", 0.3)
    one, other = leases(), leases()
    await one.turn("k", b"")
    begun = time.monotonic()
    turn = await other.turn("k", b"")
    assert turn.token
    assert time.monotonic() - begun > 0.2
    assert LEASE > 10  # the longest that a carrier is waited for


async def test_the_answer_of_who_lost_its_lease_is_kept_until_there_is_a_newer_one(leases, monkeypatch):
    monkeypatch.setattr("doorstep.leases.LEASE", 0.05)
    one, other = leases(), leases()
    slow_one = await one.turn("k", b"")
    quick = await other.turn("k", b"")
    assert await one.keep("k", OLD, 60, seen=b"", token=slow_one.token) == OLD
    assert await other.keep("k", NEW, 60, seen=b"", token=quick.token) in (OLD, NEW)
    assert (await leases().turn("k", b"")).answer is not None


async def test_the_late_answer_of_who_lost_its_lease_replaces_none_that_came_meanwhile(leases, monkeypatch):
    monkeypatch.setattr("doorstep.leases.LEASE", 0.05)
    one, other = leases(), leases()
    slow_one = await one.turn("k", b"")
    monkeypatch.setattr("doorstep.leases.LEASE", 10)
    quick = await other.turn("k", b"")
    assert await other.keep("k", NEW, 60, seen=b"", token=quick.token) == NEW
    assert await one.keep("k", OLD, 60, seen=b"", token=slow_one.token) == NEW
    assert (await one.turn("k", b"")).answer == NEW


async def test_one_cannot_give_back_the_turn_of_another(leases):
    one, other = leases(), leases()
    await one.turn("k", b"")
    await other.give_back("k", "guess", b"no", 60)
    waiting = asyncio.create_task(other.turn("k", b""))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize("kind", ["own", "shared"])
async def test_what_was_read_elsewhere_replaces_the_answer_it_was_compared_with_and_no_later_one(leases, clock, kind):
    keeper = leases() if kind == "shared" else OwnLeases(MemoryCache(clock))
    assert await keeper.keep("k", OLD, 60, seen=b"") == OLD
    assert await keeper.keep("k", NEW, 60, seen=OLD[:8]) == NEW
    assert await keeper.keep("k", OLD, 60, seen=OLD[:8]) == NEW
    turn = await keeper.turn("k", NEW[:8])
    assert await keeper.keep("k", NEWER, 60, seen=NEW[:8], token=turn.token) == NEWER


@pytest.mark.parametrize("kind", ["own", "shared"])
async def test_what_is_pushed_while_somebody_asks_stays_and_the_turn_is_over(leases, clock, kind):
    keeper = leases() if kind == "shared" else OwnLeases(MemoryCache(clock))
    await keeper.keep("k", OLD, 60, seen=b"")
    turn = await keeper.turn("k", OLD[:8])
    assert await keeper.keep("k", NEWER, 60, seen=OLD[:8]) == NEWER
    assert await keeper.keep("k", NEW, 60, seen=OLD[:8], token=turn.token) == NEWER
    assert (await keeper.turn("k", NEWER[:8])).token


async def test_who_asked_while_the_server_was_lost_replaces_what_it_had_not_seen_before(leases):
    one, other = leases(), leases()
    assert await other.keep("k", NEW, 60, seen=b"") == NEW
    await asyncio.sleep(0.6)
    assert await one.keep("k", NEWER, 60, seen=OLD[:8], lasted=0.1) == NEWER
    assert await one.keep("k", NEW, 60, seen=OLD[:8], lasted=1.0) == NEWER, "it came while this one asked"


async def test_what_was_read_while_this_process_asked_alone_is_not_newer_than_what_it_was_told(clock):
    near = MemoryCache(clock)
    alone = OwnLeases(near)
    await near.set("k", NEW, 60)  # of another process, read from the server while this one asked
    assert await alone.keep("k", NEWER, 60, seen=OLD[:8]) == NEWER
    assert await near.get("k") == NEWER


async def test_what_was_learnt_in_an_outage_is_not_given_up_for_what_redis_had_before(leases):
    one = leases()
    await one.keep("k", OLD, 60, seen=b"")
    await one._near.set("k", NEW, 60)  # kept while Redis was lost
    assert await one.keep("k", NEWER, 60, seen=NEW[:8]) == NEWER
    assert await one._near.get("k") == NEWER
    assert (await leases().turn("k", b"")).answer == NEWER


async def test_a_value_of_another_type_stands_in_nobodys_way(leases, server):
    one = leases()
    await one._shared.do("RPUSH", "k", "a list")
    turn = await one.turn("k", b"")
    assert turn.token
    assert await one.keep("k", NEW, 60, seen=b"", token=turn.token) == NEW
    assert (await one.turn("k", b"")).answer == NEW


async def test_waiting_goes_on_over_a_channel_that_was_cut(leases, server):
    one, other = leases(), leases()
    mine = await one.turn("k", b"")
    waiting = asyncio.create_task(other.turn("k", b""))
    await asyncio.sleep(0.2)
    assert await one._shared.do("CLIENT", "KILL", "TYPE", "pubsub") > 0
    assert await one.keep("k", NEW, 60, seen=b"", token=mine.token) == NEW
    assert (await waiting).answer == NEW


@pytest.mark.fault(12)
async def test_a_process_killed_while_it_asks_leaves_the_question_to_another(server, workers, monkeypatch):
    monkeypatch.setattr("doorstep.leases._POLL", 0.05)
    held = asyncio.Event()

    async def never(writer):
        held.set()
        await asyncio.Event().wait()

    async with hostile(never, reply()) as carrier:
        async with process(server.url, carrier.url, 1, 0) as victim:
            victim.stdin.write(b"go\n")
            await held.wait()
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
        worker = workers(carrier.url)
        assert await worker.look_up(NUMBER, wait=0.2) == "waiting"
        # What the dead one holds ends by itself; here it is made to end now.
        shortened = "for _, key in ipairs(redis.call('KEYS', '*:lease')) do redis.call('PEXPIRE', key, 1) end"
        await worker.server.do("EVAL", shortened, 0)
        assert await worker.look_up(NUMBER) == "found"
    assert len(carrier.requests) == 2


async def test_a_parcel_with_twelve_scans_takes_less_than_twelve_hundred_bytes_of_the_server(workers):
    async with hostile(reply()) as carrier:
        worker = workers(carrier.url)
        questions, (account,) = worker.tracker.questions, worker.accounts
        await questions.put(questions.key(account, NUMBER, "en"), travelled(), None)
        await questions.remember(NUMBER, "acme")
        keys = await worker.server.do("KEYS", "*")
        sizes = [await worker.server.do("MEMORY", "USAGE", key) for key in keys]
    assert len(sizes) == 2
    assert sum(sizes) < 1200
