"""Short calls share a thread; what hangs costs its own call, and its owner's next ones when it goes on."""

import asyncio
import threading
import time

import pytest

from doorstep import lane as module
from doorstep.errors import PluginFailed
from doorstep.lane import Lane

from .servers import until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lane():
    return Lane(asyncio.get_running_loop(), most=2)


@pytest.fixture
def gate():
    gate = threading.Event()
    yield gate
    gate.set()


async def test_the_result_and_the_error_of_a_call_come_back(lane):
    assert await lane.start("a", lambda: 17, longest=5) == 17
    with pytest.raises(ValueError, match="invalid literal"):
        await lane.start("a", lambda: int("x"), longest=5)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, StopIteration])
async def test_what_would_end_the_process_ends_only_the_call(lane, kind):
    def call():
        raise kind

    with pytest.raises(PluginFailed, match=f"the plugin raised {kind.__name__}"):
        await lane.start("a", call, longest=5)
    assert await lane.start("a", lambda: 1, longest=5) == 1


async def test_short_calls_run_one_after_the_other_in_one_thread_beside_the_loops(lane, monkeypatch):
    monkeypatch.setattr(module, "_SHORT", 5)  # however long the machine leaves a thread alone
    idents = await asyncio.gather(*(lane.start(f"{n}", threading.get_ident, longest=5) for n in range(50)))
    assert len(set(idents)) == 1
    assert threading.get_ident() not in idents


async def test_a_call_that_hangs_is_given_up_and_those_behind_it_go_on(lane, gate):
    stuck = lane.start("slow", lambda: gate.wait(30), longest=0.2)
    behind = [lane.start("quick", lambda n=n: n, longest=20) for n in range(5)]
    assert await asyncio.gather(*behind) == [0, 1, 2, 3, 4]
    assert not gate.is_set()
    with pytest.raises(TimeoutError):
        await stuck


async def test_a_limit_shorter_than_what_counts_as_short_holds_nobody_else_up(lane, gate):
    stuck = lane.start("slow", lambda: gate.wait(30), longest=0.001)
    assert await lane.start("quick", lambda: 1, longest=20) == 1
    with pytest.raises(TimeoutError):
        await stuck


async def test_time_counts_from_when_a_thread_begins(lane):
    """A hundred calls of five milliseconds take half a second, each of them far less than its limit."""
    calls = [lane.start("a", lambda: time.sleep(0.005), longest=0.4) for _ in range(100)]
    assert await asyncio.gather(*calls) == [None] * 100


async def test_a_call_that_ended_in_time_counts_also_when_the_loop_looks_late(lane):
    call = lane.start("a", lambda: 17, longest=0.02)
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251  # what else this process has to do
    assert await call == 17


async def test_with_as_many_calls_overtaken_as_may_be_an_owner_is_refused_and_no_other(lane, gate):
    stuck = [lane.start("slow", lambda: gate.wait(30), longest=20) for _ in range(2)]
    with pytest.raises(PluginFailed, match="all its threads are busy"):
        await lane.start("slow", lambda: 1, longest=20)
    assert await lane.start("quick", lambda: 2, longest=20) == 2
    gate.set()
    assert await asyncio.gather(*stuck) == [True, True]
    assert await lane.start("slow", lambda: 3, longest=20) == 3


async def test_what_is_cancelled_before_its_turn_never_runs(lane, gate):
    ran = []
    first = lane.start("a", lambda: gate.wait(0.005), longest=20)
    second = lane.start("a", lambda: ran.append(2), longest=20)
    second.cancel()
    await asyncio.gather(first, lane.start("a", lambda: ran.append(3), longest=20))
    assert ran == [3]


async def test_threads_of_calls_that_were_overtaken_end_with_them(gate):
    lane = Lane(asyncio.get_running_loop(), most=3)
    others = set(threading.enumerate())  # which may end meanwhile

    def begun():
        return len(set(threading.enumerate()) - others)

    stuck = [lane.start("slow", lambda: gate.wait(30), longest=20) for _ in range(3)]
    assert await lane.start("quick", lambda: 1, longest=20) == 1
    assert begun() == 4  # theirs, and the one that goes on
    gate.set()
    await asyncio.gather(*stuck)
    await until(lambda: begun() == 1)
