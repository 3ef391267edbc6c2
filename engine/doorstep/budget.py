"""What an account may still ask, and when not to ask at all: a token bucket and a circuit breaker, on a given clock."""

from .clock import Clock
from .errors import CarrierUnavailable, RateLimited
from .manifest import Limits

LONGEST_WAIT = 3600.0


class Budget:
    """So many calls in so many seconds, refilled steadily. Strangers' numbers may use only a share of the bucket."""

    def __init__(self, limits: Limits, clock: Clock, *, strangers: float) -> None:
        self._limits = limits
        self._clock = clock
        self._reserve = limits.calls * (1 - strangers)
        self._left = float(limits.calls)
        self._at = clock.monotonic()
        self._not_before = 0.0

    def take(self, *, stranger: bool) -> None:
        """Takes one call. Raises RateLimited with the seconds until the next one."""
        now = self._clock.monotonic()
        if now < self._not_before:
            raise RateLimited("the carrier asked us to wait", retry_after=self._not_before - now)
        if not self._limits.calls:
            return
        rate = self._limits.calls / self._limits.seconds
        self._left = min(self._limits.calls, self._left + (now - self._at) * rate)
        self._at = now
        needed = 1 + (self._reserve if stranger else 0)
        if self._left < needed:
            raise RateLimited("the account's limit is used up for now", retry_after=(needed - self._left) / rate)
        self._left -= 1

    def wait(self, seconds: float) -> None:
        """No call for so long (bounded to an hour): the carrier said so."""
        self._not_before = max(self._not_before, self._clock.monotonic() + min(max(seconds, 0), LONGEST_WAIT))


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
