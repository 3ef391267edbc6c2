"""How often somebody may guess: wrong guesses counted by order and by network, in memory, bounded; by all processes together
where they share a server.

A guess counts from when it is made until it turns out right, so that many at once are no way round the limit.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from msgspec import Struct

from .cache import Shared, Unshared
from .clock import Clock
from .errors import ConfigError

_MOST_KEYS = 50_000
_PREFIX = {4: 24, 6: 56}  # what one subscriber or office can use at will
_LONGEST_CHAIN = 20  # proxies in a header
_LONGEST_KEPT = 200  # characters of a header whose network is remembered


class _Count(Struct):
    made: int
    ends: float  # on the monotonic clock: counted anew from then on


class Guesses:
    """At most `most` wrong guesses for a key in `window` seconds; then none until `window` seconds later."""

    def __init__(self, *, most: int, window: float, clock: Clock) -> None:
        self._most = most
        self._window = window
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._last_refusal_ends = 0.0  # nobody was refused yet

    @property
    def refuses_somebody(self) -> bool:
        """False: nobody is refused now, whoever asks."""
        return self._last_refusal_ends > 0 and self._clock.monotonic() < self._last_refusal_ends

    async def make(self, *keys: str) -> float:
        """Counts a guess. More than 0: it is not allowed, and how many seconds from now one is again."""
        now = self._clock.monotonic()
        counts = [self._count(key, now) for key in keys]
        refused = [count.ends - now for count in counts if count.made >= self._most]
        if refused:
            return max(refused)
        for count in counts:
            count.made += 1
            if count.made >= self._most:
                count.ends = self._last_refusal_ends = now + self._window
        return 0

    async def right(self, *keys: str) -> None:
        """The guess was right: it is not held against anybody."""
        for key in keys:
            if (count := self._counts.get(key)) is not None and count.made:
                count.made -= 1

    def refused(self, key: str) -> float:
        """In how many seconds a guess is allowed again; 0 for now. Counts nothing."""
        now = self._clock.monotonic()
        count = self._counts.get(key)
        return count.ends - now if count and count.made >= self._most and count.ends > now else 0

    def _refuse(self, key: str, seconds: float) -> None:
        """From now on, for so long."""
        count = self._count(key, self._clock.monotonic())
        count.made = self._most
        count.ends = self._clock.monotonic() + seconds
        self._last_refusal_ends = max(self._last_refusal_ends, count.ends)

    def _count(self, key: str, now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or count.ends <= now:
            count = self._counts[key] = _Count(0, now + self._window)
        self._counts.move_to_end(key)
        while len(self._counts) > _MOST_KEYS:
            self._counts.popitem(last=False)
        return count


class SharedGuesses(Guesses):
    """One count of all processes that share a server, by that server's time. While it is lost, the process has its own, of what
    was guessed here. Who is refused by all is refused here from the next guess on."""

    def __init__(self, name: str, space: str, shared: Shared, *, most: int, window: float, clock: Clock) -> None:
        super().__init__(most=most, window=window, clock=clock)
        self._prefix = f"doorstep:guesses:{{{space}}}:{name}:"  # in one place of a cluster: two are counted at once
        self._hash_key = space.encode()
        self._shared = shared

    async def make(self, *keys: str) -> float:
        alone = await super().make(*keys)
        try:
            waits = await self._shared.run(list[int], _MAKE, self._names(keys), self._most, round(self._window * 1000))
        except Unshared:
            return alone
        for key, ms in zip(keys, waits, strict=False):
            if ms > 0:
                self._refuse(key, ms / 1000)
        return max(waits[: len(keys)]) / 1000 if waits[-1] else 0

    async def right(self, *keys: str) -> None:
        await super().right(*keys)
        with suppress(Unshared):  # it ends by itself
            await self._shared.run(int, _RIGHT, self._names(keys))

    def _names(self, keys: Sequence[str]) -> list[str]:
        """An address or an order cannot be read back from them."""
        hashed = (blake2b(key.encode(), key=self._hash_key, digest_size=16).hexdigest() for key in keys)
        return [self._prefix + one for one in hashed]


class Networks:
    """Who asks, as far as guesses are concerned: the network of the last address that no trusted proxy has. Raises ConfigError
    for what is no network."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        try:
            self._trusted = [ip_network(one, strict=False) for one in trusted_proxies]
        except ValueError as error:
            raise ConfigError(
                f"server.trusted_proxies: {error}", next_step='write networks such as "10.0.0.0/8"'
            ) from None
        self._kept = lru_cache(2048)(self._of)  # most requests come through few proxies, and again from the same place

    def of(self, peer: str, forwarded: str) -> str:
        """The network of a request, by the address it came from and its `X-Forwarded-For`."""
        return (self._kept if len(forwarded) <= _LONGEST_KEPT else self._of)(peer, forwarded)

    def _of(self, peer: str, forwarded: str) -> str:
        found = _address(peer)
        for written in reversed(forwarded.split(",")[-_LONGEST_CHAIN:]):
            if found is None or not any(found in one for one in self._trusted):
                break
            before = _address(written)
            if before is None:
                break  # a proxy we trust wrote no address: itself is the last that is known
            found = before
        if found is None:
            return "unknown"
        return str(ip_network((found, _PREFIX[found.version]), strict=False))


class Limits:
    """All limits of an engine. Reading by a signed link is under none of them."""

    def __init__(
        self, trusted_proxies: Sequence[str], *, clock: Clock, shared: Shared | None = None, space: str = ""
    ) -> None:
        def guesses(name: str, most: int, window: float) -> Guesses:
            if shared is None:
                return Guesses(most=most, window=window, clock=clock)
            return SharedGuesses(name, space, shared, most=most, window=window, clock=clock)

        self.networks = Networks(trusted_proxies)
        self.proofs = guesses("proofs", 5, 3600)  # of an order's e-mail address or postcode
        self.numbers = guesses("numbers", 300, 600)  # tracking numbers that nobody knows
        self.reports = guesses("reports", 20, 3600)  # of one order
        self.documents = guesses("documents", 20, 3600)  # of one order
        self._answers = guesses("answers", 10, 3600)  # to a widget of one order or shipment
        self._answering = guesses("answering", 200, 3600)  # from one network

    async def answer(self, widget: str, given_to: str, network: str) -> float:
        """Counts an answer to a widget's form. More than 0: it is not taken, and in how many seconds one is again."""
        return await self._answering.make(network) or await self._answers.make(f"{widget}:{given_to}")


def digest(*parts: str) -> str:
    """A key of bounded length for what somebody typed."""
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _address(written: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it, with or without a port; IPv4 inside IPv6 is IPv4. None for what is none."""
    text = written.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


# For each key the milliseconds for which it is refused, from before or from this guess on; then whether this one is.
_MAKE = """
local most, window, told, refused = tonumber(ARGV[1]), tonumber(ARGV[2]), {}, 0
for i, key in ipairs(KEYS) do
  told[i] = 0
  if tonumber(redis.call('GET', key) or 0) >= most then
    told[i] = redis.call('PTTL', key)
    refused = 1
  end
end
if refused == 0 then
  for i, key in ipairs(KEYS) do
    local made = redis.call('INCR', key)
    if made == 1 or made >= most then redis.call('PEXPIRE', key, window) end
    if made >= most then told[i] = window end
  end
end
told[#told + 1] = refused
return told
"""
_RIGHT = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) > 0 then redis.call('DECR', key) end
end
return 0
"""
