"""Short calls of plugin code off the event loop: one thread takes them in turn, so that many cost one change of threads.

A call that takes longer is overtaken: it keeps its thread, and another goes on with those behind it. So code that hangs costs
its own call and no other. Its time counts from when a thread begins with it, however busy the process is.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, TypeVar

from msgspec import Struct

from .errors import PluginFailed

T = TypeVar("T")
_SHORT = 0.01  # seconds after which a call is overtaken
_QUEUED = 1.0  # the longest that a call waits for a thread
_IDLE = 10.0  # a thread without work ends


class _Call(Struct, eq=False):
    owner: str
    work: Callable[[], Any]
    longest: float
    coming: asyncio.Future[Any]
    put: float
    began: float = 0.0
    overtaken: bool = False
    ended: bool = False
    result: Any = None
    error: Exception | None = None


class Lane:
    """Of one event loop. At most `most` overtaken calls of one owner keep a thread each; with that many, its further calls are
    refused."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, most: int = 4) -> None:
        self.loop = loop
        self._most = most
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._lock = Lock()  # of the next three
        self._threads = 0  # that go on with the queue
        self._overtaken: Counter[str] = Counter()
        self._ended: deque[_Call] = deque()
        self._open: set[_Call] = set()  # nobody was told how they ended
        self._telling = False  # the loop will look at what ended
        self._watching = False

    def start(self, owner: str, work: Callable[[], T], *, longest: float) -> asyncio.Future[T]:
        """The result of a call, or its error; TimeoutError when it takes more than `longest` seconds, PluginFailed when the
        owner's calls do not come back. What is cancelled before a thread came to it never runs."""
        call = _Call(owner, work, longest, self.loop.create_future(), monotonic())
        self._open.add(call)
        with self._lock:
            self._calls.put(call)
            if not self._threads:
                self._begin_thread()
        if not self._watching:
            self._watch_on()
        return call.coming

    def _begin_thread(self) -> None:
        Thread(target=self._work, name="doorstep-lane", daemon=True).start()
        self._threads += 1

    def _work(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=_IDLE)
            except Empty:
                with self._lock:
                    if self._calls.empty():
                        self._threads -= 1
                        return
                continue
            call.began = monotonic()
            if not call.coming.done():
                self._run(call)
            with self._lock:
                call.ended = True
                self._ended.append(call)
                if call.overtaken:
                    self._overtaken[call.owner] -= 1
            self._tell()
            if call.overtaken:
                return

    def _run(self, call: _Call) -> None:
        if self._overtaken[call.owner] >= self._most:
            call.error = PluginFailed("the plugin does not come back: all its threads are busy")
            return
        try:
            call.result = call.work()
        except StopIteration:  # a future takes any exception but this
            call.error = PluginFailed("the plugin raised StopIteration")
        except Exception as error:
            call.error = error
        except BaseException as error:  # SystemExit and the like would end the process, not the plugin
            call.error = PluginFailed(f"the plugin raised {type(error).__name__}")

    def _tell(self) -> None:
        """Wakes the loop, once for all that ended since it last looked."""
        if not self._telling:
            self._telling = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._telling = False  # first: what ends from now on tells again
        while self._ended:
            call = self._ended.popleft()
            self._conclude(call, call.error)

    def _conclude(self, call: _Call, error: Exception | None) -> None:
        self._open.discard(call)
        if call.coming.done():
            return
        if error is None:
            call.coming.set_result(call.result)
        else:
            call.coming.set_exception(error)
            call.coming.exception()  # it may be that nobody waits any more, which is no mistake

    def _watch_on(self) -> None:
        self._watching = True
        self.loop.call_later(_SHORT, self._watch)

    def _watch(self) -> None:
        """Overtakes what is not short, and gives up what takes too long."""
        self._watching = False
        now = monotonic()
        for call in [call for call in self._open if not call.ended]:
            running = now - call.began if call.began else 0
            if running > min(_SHORT, call.longest) and not call.overtaken:
                self._overtake(call)
            if running > call.longest or (not call.began and now - call.put > _QUEUED):
                self._conclude(call, TimeoutError())
        if self._open:
            self._watch_on()

    def _overtake(self, call: _Call) -> None:
        with self._lock:
            if call.ended:
                return
            call.overtaken = True
            self._overtaken[call.owner] += 1
            self._threads -= 1
            if not self._threads:
                self._begin_thread()
