"""What an account may still ask, and when not to ask at all: token buckets that processes share, and a circuit breaker."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from msgspec import Struct

from .cache import Shared, Unshared
from .clock import Clock
from .errors import LONGEST_WAIT, CarrierUnavailable, RateLimited
from .manifest import Limit


class Left(Struct, frozen=True):
    """What is left of one limit: requests for parcels of orders, and how many of them for strangers' numbers."""

    limit: str
    orders: float
    strangers: float


class Budget:
    """So many requests in so many seconds, refilled steadily; several limits hold at once. Strangers' numbers may use only
    a share of each. In the process, on its clock."""

    def __init__(self, limits: Sequence[Limit], clock: Clock, *, strangers: float) -> None:
        self._clock = clock
        self._buckets = [_Bucket(limit, clock.monotonic(), strangers) for limit in limits]
        self._not_before = 0.0

    async def take(self, *, stranger: bool) -> None:
        """Takes one question's first request. Raises RateLimited with the seconds until the next one."""
        now = self._clock.monotonic()
        if now < self._not_before:
            raise _told_to_wait(self._not_before - now)
        for bucket in self._buckets:
            bucket.refill(now)
        wait = max((bucket.wait(stranger=stranger) for bucket in self._buckets), default=0.0)
        if wait > 0:
            raise _used_up(wait)
        self._count()

    async def spend(self) -> None:
        """Counts one more request of a question under way (a login, a repetition): carriers count them too."""
        self._count()

    async def wait(self, seconds: float) -> None:
        """No call for so long (bounded to an hour): the carrier said so."""
        self._not_before = max(self._not_before, self._clock.monotonic() + _bounded(seconds))

    async def left(self) -> list[Left]:
        """What is left of each limit now."""
        now = self._clock.monotonic()
        for bucket in self._buckets:
            bucket.refill(now)
        return [bucket.told(bucket.left) for bucket in self._buckets]

    def _count(self) -> None:
        for bucket in self._buckets:
            bucket.refill(self._clock.monotonic())
            bucket.left -= 1


class SharedBudget(Budget):
    """One budget of all processes that share a server, by that server's time. While it is lost, the process has one of its
    own, of which it has spent what it asked itself."""

    def __init__(self, limits: Sequence[Limit], clock: Clock, *, strangers: float, shared: Shared, key: str) -> None:
        super().__init__(limits, clock, strangers=strangers)
        self._shared = shared
        self._key = key
        self._limits = [
            value for limit in limits for value in (limit.calls, limit.seconds, limit.calls * (1 - strangers))
        ]

    async def take(self, *, stranger: bool) -> None:
        try:
            what, wait = await self._run("ask as a stranger" if stranger else "ask")
        except Unshared:
            await super().take(stranger=stranger)
            return
        if what == b"told to wait":
            raise _told_to_wait(wait)
        if what == b"used up":
            raise _used_up(wait)
        self._count()

    async def spend(self) -> None:
        self._count()
        with suppress(Unshared):  # counted here
            await self._run("spend")

    async def wait(self, seconds: float) -> None:
        await super().wait(seconds)
        with suppress(Unshared):  # kept here
            await self._run("wait", _bounded(seconds))

    async def left(self) -> list[Left]:
        limits = [value for bucket in self._buckets for value in (bucket.limit.calls, bucket.limit.seconds)]
        try:
            left = await self._shared.run(list[bytes], _LEFT, [self._key], *limits)
        except Unshared:
            return await super().left()
        return [bucket.told(float(one)) for bucket, one in zip(self._buckets, left, strict=True)]

    async def _run(self, what: str, seconds: float = 0.0) -> tuple[bytes, float]:
        values = (what, seconds, LONGEST_WAIT, *self._limits)
        what_came, ms = await self._shared.run(tuple[bytes, int], _SCRIPT, [self._key], *values)
        return what_came, ms / 1000


class Budgets:
    """The budgets of one engine's accounts, each shared by all its processes where there is a server for that."""

    def __init__(self, clock: Clock, shared: Shared | None = None, *, space: str = "") -> None:
        self._clock = clock
        self._shared = shared
        self._space = space

    def of(self, account: str, limits: Sequence[Limit], *, strangers: float) -> Budget:
        if self._shared is None:
            return Budget(limits, self._clock, strangers=strangers)
        key = f"doorstep:budget:{self._space}:{account}"
        return SharedBudget(limits, self._clock, strangers=strangers, shared=self._shared, key=key)


def _told_to_wait(seconds: float) -> RateLimited:
    return RateLimited("the carrier asked us to wait", retry_after=seconds)


def _used_up(seconds: float) -> RateLimited:
    return RateLimited("the account's limit is used up for now", retry_after=seconds)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0), LONGEST_WAIT)


class _Bucket:
    def __init__(self, limit: Limit, now: float, strangers: float) -> None:
        self.limit = limit
        self._size = limit.calls
        self._rate = limit.calls / limit.seconds
        self._reserve = limit.calls * (1 - strangers)
        self._at = now
        self.left = float(limit.calls)

    def refill(self, now: float) -> None:
        self.left = min(self._size, self.left + (now - self._at) * self._rate)
        self._at = now

    def told(self, left: float) -> Left:
        name = f"{self.limit.calls:g}/{self.limit.seconds:g}s"
        return Left(name, max(0.0, left), max(0.0, left - self._reserve))

    def wait(self, *, stranger: bool) -> float:
        """Seconds until a question may be asked; 0 when it may be now."""
        needed = 1 + (self._reserve if stranger else 0)
        return max(0.0, (needed - self.left) / self._rate)


class Retries:
    """Whether a request may be repeated: one in ten of an account's, and five at once after a quiet time. So an outage costs a
    carrier a tenth more than usual, and not twice as much."""

    _COST, _MOST = 10, 50

    def __init__(self) -> None:
        self._earned = self._MOST

    @property
    def left(self) -> int:
        """Repetitions that may be had at once."""
        return self._earned // self._COST

    def asked(self) -> None:
        """Counts a request that is no repetition."""
        self._earned = min(self._MOST, self._earned + 1)

    def take(self) -> bool:
        if self._earned < self._COST:
            return False
        self._earned -= self._COST
        return True


class Breaker:
    """Opens after a run of failures; then lets one call through every `pause` seconds until one succeeds."""

    def __init__(self, clock: Clock, *, failures: int = 5, pause: float = 30.0) -> None:
        self._clock = clock
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._next_try = 0.0
        self.open_since: datetime | None = None

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
        self.open_since = None

    def failed(self) -> None:
        self._failures += 1
        if self.open:
            self._next_try = self._clock.monotonic() + self._pause
            self.open_since = self.open_since or self._clock.now()


# A bucket is named by its limit, so that a changed limit is a new bucket. A server's clock that jumps back refills nothing,
# and holds nobody longer than the longest wait.
_SCRIPT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local what, said, longest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local quiet = math.min(tonumber(redis.call('HGET', KEYS[1], 'quiet') or 0) - now, longest)
local since = math.max(0, now - tonumber(redis.call('HGET', KEYS[1], 'at') or now))
local state, wait, life = {'at', string.format('%.6f', now)}, 0, longest
for i = 4, #ARGV, 3 do
  local size, seconds, reserve = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local name = ARGV[i] .. '/' .. ARGV[i + 1]
  local left = math.min(size, tonumber(redis.call('HGET', KEYS[1], name) or size) + since * size / seconds)
  local needed = 1
  if what == 'ask as a stranger' then needed = 1 + reserve end
  wait = math.max(wait, (needed - left) * seconds / size)
  life = math.max(life, 2 * seconds)
  if what ~= 'wait' then left = left - 1 end
  state[#state + 1] = name
  state[#state + 1] = string.format('%.6f', left)
end
if what == 'ask' or what == 'ask as a stranger' then
  if quiet > 0 then return {'told to wait', math.ceil(quiet * 1000)} end
  if wait > 0 then return {'used up', math.ceil(wait * 1000)} end
elseif what == 'wait' then
  state[#state + 1] = 'quiet'
  state[#state + 1] = string.format('%.6f', now + math.max(quiet, said))
end
redis.call('HSET', KEYS[1], unpack(state))
redis.call('EXPIRE', KEYS[1], math.ceil(life))
return {'', 0}
"""

_LEFT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local since = math.max(0, now - tonumber(redis.call('HGET', KEYS[1], 'at') or now))
local told = {}
for i = 1, #ARGV, 2 do
  local size = tonumber(ARGV[i])
  local left = tonumber(redis.call('HGET', KEYS[1], ARGV[i] .. '/' .. ARGV[i + 1]) or size)
  told[#told + 1] = string.format('%.6f', math.min(size, left + since * size / tonumber(ARGV[i + 1])))
end
return told
"""
