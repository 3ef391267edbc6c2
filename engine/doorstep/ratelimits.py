"""How often a key may ask: so many calls in so many seconds, counted in this process, told in every answer.

The fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` names the quota, `RateLimit` what is left.
"""

from collections import OrderedDict
from math import ceil

from msgspec import Struct

from .clock import Clock
from .config import ApiLimit

_POLICY = "api"
_MOST = 10_000  # callers remembered; beyond, the one that began longest ago is forgotten


class Quota(Struct, frozen=True):
    """What a caller has left: `remaining` calls until the window ends in `seconds`."""

    policy: ApiLimit
    remaining: int
    seconds: int
    spent: bool

    @property
    def headers(self) -> dict[str, str]:
        headers = {
            "RateLimit-Policy": f'"{_POLICY}";q={self.policy.calls};w={self.policy.seconds}',
            "RateLimit": f'"{_POLICY}";r={self.remaining};t={self.seconds}',
        }
        return {**headers, "Retry-After": str(self.seconds)} if self.spent else headers


class RateLimits:
    """A window begins with a caller's first call and ends after the policy's seconds."""

    def __init__(self, policy: ApiLimit, *, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, caller: str) -> Quota:
        """Counts a call, unless none is left."""
        now = self._clock.monotonic()
        began, used = self._windows.get(caller, (now, 0))
        if now >= began + self._policy.seconds:
            began, used = now, 0
        if used == 0:
            self._windows.pop(caller, None)
            if len(self._windows) >= _MOST:
                self._windows.popitem(last=False)
        spent = used >= self._policy.calls
        used = min(used + 1, self._policy.calls)
        self._windows[caller] = (began, used)
        return Quota(self._policy, self._policy.calls - used, ceil(began + self._policy.seconds - now), spent)
