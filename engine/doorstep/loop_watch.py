"""How late the event loop is, and who held it: all pages of a process wait for one that does not let go.

A thread looks at the loop's own, again and again. Where that is at work, the loop is asked for a sign of life; where none comes
in time, the thread looks at what is at work at that moment.
"""

import asyncio
import gc
import os
import selectors
import sys
import threading
import time
from asyncio import base_events, runners
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from traceback import walk_stack
from types import FrameType

import structlog
from msgspec import Struct

from .errors import PluginError
from .metrics import Metrics
from .packages import Package

NOBODY = "unknown"  # none of ours: the machine was busy, or the application that we are part of
_BELOW = frozenset({base_events.__file__, runners.__file__})  # what runs the loop is not held by it
_IDLE = frozenset({selectors.__file__, *_BELOW})  # the innermost, where there is nothing to do
_QUIET = 60.0  # seconds between two lines about the same one
_PATIENCE = 1.0  # seconds after which it is told who holds the loop, also while it is held


def _prefix(folder: Path) -> str:
    return f"{folder}{os.sep}"


_ENGINE = _prefix(Path(__file__).parent)
_LOOKING = threading.Lock()  # one at a time, of all watchers

log = structlog.get_logger("doorstep.loop")


def homes_of(packages: Iterable[Package]) -> dict[Path, str]:
    """Where plugins lie, with their names; one that cannot be found holds nothing."""
    homes = {}
    for package in packages:
        with suppress(PluginError):
            homes[package.folder] = package.name
    return homes


class Culprit(Struct, frozen=True):
    """Who held the loop: a plugin, by its name, or a module of the engine; and the line that was at work."""

    name: str
    line: str


class LoopWatch:
    """Watches one loop while `watching()`. `homes` are the plugins' folders, with their names; `limit` is in seconds."""

    def __init__(self, metrics: Metrics, homes: Mapping[Path, str], *, limit: float) -> None:
        self._metrics = metrics
        self._lag = metrics.loop_lag.of()
        self._homes = {_prefix(folder): f"plugin {name}" for folder, name in homes.items()}
        self._limit = limit
        self._told: dict[str, float] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watches the loop that this is called in while the block runs."""
        watcher = _Watcher(self, asyncio.get_running_loop(), self._limit)
        watcher.start()
        try:
            yield
        finally:
            watcher.stop()

    def late(self, seconds: float) -> None:
        """Of each sign of life; a loop that waits for something to do is not late."""
        self._lag.observe(seconds)

    def culprit(self, frame: FrameType | None) -> Culprit:
        """Who is at work on a stack: the innermost plugin, else the innermost module of the engine."""
        stack = list(walk_stack(frame))  # at once: it goes on while we look
        ours = list(takewhile(lambda one: one[0].f_code.co_filename not in _BELOW, stack)) if frame else []
        for at, number in ours:
            for home, name in self._homes.items():
                if at.f_code.co_filename.startswith(home):
                    return Culprit(name, _line(at, number))
        for at, number in ours:
            if at.f_code.co_filename.startswith(_ENGINE):
                return Culprit(_module(at), _line(at, number))
        return Culprit(NOBODY, "")

    def count(self, culprit: Culprit) -> None:
        self._metrics.loop_held.labels(culprit.name).inc()

    def tell(self, culprits: Iterable[Culprit], seconds: float) -> None:
        now = time.monotonic()
        for one in culprits:
            if now >= self._told.get(one.name, 0.0):
                self._told[one.name] = now + _QUIET
                log.warning("the loop was held", by=one.name, line=one.line, seconds=round(seconds, 3))


class _Watcher(threading.Thread):
    """One thread for one loop."""

    def __init__(self, watch: LoopWatch, loop: asyncio.AbstractEventLoop, limit: float) -> None:
        super().__init__(name="doorstep-loop-watch", daemon=True)
        self._watch = watch
        self._loop = loop
        self._limit = limit
        self._thread = threading.get_ident()
        self._sign = threading.Event()
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        self._sign.set()
        self.join()

    def run(self) -> None:
        while not (self._stopped or self._loop.is_closed()):
            time.sleep(self._limit / 2)  # not an event with a time-out, which costs three times as much
            frame = self._at_work()
            if frame is None or frame.f_code.co_filename in _IDLE:
                self._watch.late(0.0)
            else:
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    self._ask()

    def _at_work(self) -> FrameType | None:
        # Before Python 3.11.5 all threads stop for good when garbage is collected in there: what is called then may let
        # another thread go on, which waits for the interpreter's lock that is held meanwhile (gh-106883).
        with _LOOKING:
            collects = gc.isenabled()
            gc.disable()
            try:
                return sys._current_frames().get(self._thread)
            finally:
                if collects:
                    gc.enable()

    def _ask(self) -> None:
        asked = time.monotonic()
        self._sign.clear()
        if self._stopped:
            return
        self._loop.call_soon_threadsafe(self._answer, asked)
        seen: dict[str, Culprit] = {}  # one after the other may hold it, before it comes to us
        while not self._sign.wait(self._limit) and not self._loop.is_closed():
            culprit = self._watch.culprit(self._at_work())
            if self._sign.is_set():  # it let go just now: what we saw may be somebody else
                break
            if culprit.name not in seen:
                seen[culprit.name] = culprit
                self._watch.count(culprit)
            if time.monotonic() - asked > _PATIENCE:
                self._watch.tell(seen.values(), time.monotonic() - asked)
        self._watch.tell(seen.values(), time.monotonic() - asked)

    def _answer(self, asked: float) -> None:
        self._watch.late(time.monotonic() - asked)
        self._sign.set()


def _line(frame: FrameType, number: int) -> str:
    file = Path(frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}:{number} {frame.f_code.co_name}"


def _module(frame: FrameType) -> str:
    return "doorstep." + frame.f_code.co_filename.removeprefix(_ENGINE).removesuffix(".py").replace(os.sep, ".")
