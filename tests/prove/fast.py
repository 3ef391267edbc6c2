"""`doorstep serve` in a shop whose day is short: the wall clock runs so many times as fast, timers as always.

    python fast.py SPEED BEGAN serve …

What is fresh for a quarter of an hour is stale in seconds; what is waited for takes as long as it does. BEGAN is when, in
seconds since 1970, the clocks of all who take part began to run fast.
"""

import sys
import time
from datetime import UTC, datetime

from doorstep.cli import main
from doorstep.clock import SystemClock


class FastClock:
    def __init__(self, speed: float, began: float) -> None:
        self._speed = speed
        self._began = began

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._began + (time.time() - self._began) * self._speed, UTC)


if __name__ == "__main__":
    speed, began, *command = sys.argv[1:]
    fast = FastClock(float(speed), float(began))
    SystemClock.now = lambda self: fast.now()  # type: ignore[method-assign]
    main(command)
