"""How often a key may ask: so many calls in so many seconds, told in every answer; counted by all processes together where
they share a server, else in each.

The fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` names the quota, `RateLimit` what is left.
"""

from collections import OrderedDict
from math import ceil

from msgspec import Struct

from .cache import Shared, Unshared
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

    async def take(self, caller: str) -> Quota:
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


def open_limits(policy: ApiLimit, *, clock: Clock, shared: Shared | None, space: str) -> RateLimits:
    """The limits of all processes, where there is a server for that."""
    if shared is None:
        return RateLimits(policy, clock=clock)
    return SharedRateLimits(policy, clock=clock, shared=shared, space=space)


class SharedRateLimits(RateLimits):
    """One window a caller for all processes that share a server, by that server's time. While it is lost, the process has
    one of its own, of the calls that came to it."""

    def __init__(self, policy: ApiLimit, *, clock: Clock, shared: Shared, space: str) -> None:
        super().__init__(policy, clock=clock)
        self._shared = shared
        self._prefix = f"doorstep:calls:{space}:"

    async def take(self, caller: str) -> Quota:
        alone = await super().take(caller)
        try:
            key, window = self._prefix + caller, self._policy.seconds * 1000
            used, ms = await self._shared.run(tuple[int, int], _TAKE, [key], window)
        except Unshared:
            return alone
        calls = self._policy.calls
        return Quota(self._policy, max(0, calls - used), ceil(ms / 1000), used > calls)


_TAKE = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('PTTL', KEYS[1])}
"""
