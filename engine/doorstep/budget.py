"""What an account may still ask, and when not to ask at all: token buckets and a circuit breaker, on a given clock."""

from collections.abc import Sequence

from .clock import Clock
from .errors import CarrierUnavailable, RateLimited
from .manifest import Limit

LONGEST_WAIT = 3600.0


class Budget:
    """So many requests in so many seconds, refilled steadily; several limits hold at once. Strangers' numbers may use only
    a share of each."""

    def __init__(self, limits: Sequence[Limit], clock: Clock, *, strangers: float) -> None:
        self._clock = clock
        self._buckets = [_Bucket(limit, clock.monotonic(), strangers) for limit in limits]
        self._not_before = 0.0

    def take(self, *, stranger: bool) -> None:
        """Takes one question's first request. Raises RateLimited with the seconds until the next one."""
        now = self._clock.monotonic()
        if now < self._not_before:
            raise RateLimited("the carrier asked us to wait", retry_after=self._not_before - now)
        wait = max((bucket.wait(now, stranger=stranger) for bucket in self._buckets), default=0.0)
        if wait > 0:
            raise RateLimited("the account's limit is used up for now", retry_after=wait)
        self.spend()

    def spend(self) -> None:
        """Counts one more request of a question under way (a login, a repetition): carriers count them too."""
        for bucket in self._buckets:
            bucket.left -= 1

    def wait(self, seconds: float) -> None:
        """No call for so long (bounded to an hour): the carrier said so."""
        self._not_before = max(self._not_before, self._clock.monotonic() + min(max(seconds, 0), LONGEST_WAIT))


class _Bucket:
    def __init__(self, limit: Limit, now: float, strangers: float) -> None:
        self._size = limit.calls
        self._rate = limit.calls / limit.seconds
        self._reserve = limit.calls * (1 - strangers)
        self._at = now
        self.left = float(limit.calls)

    def wait(self, now: float, *, stranger: bool) -> float:
        """Seconds until a question may be asked; 0 when it may be now."""
        self.left = min(self._size, self.left + (now - self._at) * self._rate)
        self._at = now
        needed = 1 + (self._reserve if stranger else 0)
        return max(0.0, (needed - self.left) / self._rate)


class Breaker:
    """Opens after a run of failures; then lets one call through every `pause` seconds until one succeeds."""

    def __init__(self, clock: Clock, *, failures: int = 5, pause: float = 30.0) -> None:
        self._clock = clock
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._next_try = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= self._limit

    def check(self) -> None:
        """Raises CarrierUnavailable while open, but for one try a pause."""
        if not self.open:
            return
        now = self._clock.monotonic()
        if now < self._next_try:
            raise CarrierUnavailable("the carrier keeps failing; not asked again yet", retry_after=self._next_try - now)
        self._next_try = now + self._pause

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self.open:
            self._next_try = self._clock.monotonic() + self._pause
