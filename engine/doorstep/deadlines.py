"""An end for what may take too long, where nearly all of it comes in time: one timer for all of it, as one each is a large part
of what a page costs."""

import asyncio
from types import TracebackType


class Deadlines:
    """Of one event loop at a time."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings = 0.0  # the timer, by the loop's time

    def within(self, seconds: float) -> "Deadline":
        """A block, of a task, that raises TimeoutError when it takes longer, as `asyncio.timeout` has it."""
        return Deadline(self, seconds)

    def enter(self, one: "Deadline") -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # the one before has ended, with all that was open
            self._loop, self._open, self._timer = loop, set(), None
        one.ends = loop.time() + one.seconds
        self._open.add(one)
        if self._timer is None or one.ends < self._rings:
            self._ring(loop, one.ends)

    def leave(self, one: "Deadline") -> None:
        self._open.discard(one)  # the timer stays, for the next

    def _ring(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = at
        self._timer = loop.call_at(at, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for one in [one for one in self._open if one.ends <= now]:
            self._open.discard(one)
            one.expire()
        if self._open:
            self._ring(loop, min(one.ends for one in self._open))


class Deadline:
    """One block."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_task", "ends", "seconds")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._expired = False
        self.seconds = seconds
        self.ends = 0.0

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._deadlines.enter(self)

    def expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.leave(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
