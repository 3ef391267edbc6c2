"""Code of plugins runs in threads that are bounded: what hangs keeps its place, what ends gives it back."""

import asyncio
import threading

import pytest

from doorstep.errors import PluginFailed
from doorstep.threads import Threads

from .servers import until

pytestmark = pytest.mark.anyio


async def test_the_result_and_the_error_of_a_call_come_back():
    threads = Threads()
    assert await threads.run(lambda: 17, wait=5) == 17
    with pytest.raises(ValueError, match="invalid literal"):
        await threads.run(lambda: int("x"), wait=5)


async def test_a_call_does_not_run_on_the_loops_thread():
    assert await Threads().run(threading.get_ident, wait=5) != threading.get_ident()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, BaseException])
async def test_what_would_end_the_process_ends_only_the_call(kind):
    def call():
        raise kind

    with pytest.raises(PluginFailed, match=f"the plugin raised {kind.__name__}"):
        await Threads().run(call, wait=5)


class Gate:
    """Calls that wait in their thread until the gate opens, and a count of those inside."""

    def __init__(self):
        self.opened = threading.Event()
        self.inside = 0
        self.most = 0
        self._lock = threading.Lock()

    def call(self):
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.opened.wait(30)
        with self._lock:
            self.inside -= 1


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.opened.set()


async def test_no_more_calls_at_once_than_there_are_places(gate):
    threads = Threads(3)
    calls = [asyncio.create_task(threads.run(gate.call, wait=20)) for _ in range(9)]
    await until(lambda: gate.inside == 3)
    await asyncio.sleep(0.05)
    assert gate.inside == 3
    gate.opened.set()
    await asyncio.gather(*calls)
    assert gate.most <= 3


async def test_with_every_place_taken_a_call_is_refused_when_its_wait_is_over(gate):
    threads = Threads(2)
    calls = [asyncio.create_task(threads.run(gate.call, wait=5)) for _ in range(2)]
    await until(lambda: gate.inside == 2)
    with pytest.raises(PluginFailed, match="all its threads are busy"):
        await threads.run(lambda: 1, wait=0.05)
    gate.opened.set()
    await asyncio.gather(*calls)


async def test_a_cancelled_call_keeps_its_place_until_its_thread_comes_back(gate):
    threads = Threads(1)
    call = asyncio.create_task(threads.run(gate.call, wait=5))
    await until(lambda: gate.inside == 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(PluginFailed):
        await threads.run(lambda: 1, wait=0.05)
    gate.opened.set()
    assert await threads.run(lambda: 1, wait=5) == 1


async def test_a_call_cancelled_while_it_waits_takes_no_place(gate):
    threads = Threads(1)
    first = asyncio.create_task(threads.run(gate.call, wait=5))
    await until(lambda: gate.inside == 1)
    waiting = asyncio.create_task(threads.run(lambda: 2, wait=20))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    gate.opened.set()
    await first
    assert await threads.run(lambda: 3, wait=5) == 3


async def test_places_are_neither_lost_nor_won_by_a_hundred_cancellations():
    threads = Threads(2)
    for i in range(100):
        call = asyncio.create_task(threads.run(lambda: threading.Event().wait(0.001), wait=5))
        for _ in range(i % 4):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    gate = Gate()
    calls = [asyncio.create_task(threads.run(gate.call, wait=20)) for _ in range(4)]
    await until(lambda: gate.inside == 2)
    await asyncio.sleep(0.05)
    gate.opened.set()
    await asyncio.gather(*calls)
    assert gate.most == 2
