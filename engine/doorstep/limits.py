"""How often somebody may guess: wrong guesses counted by order and by network, in memory, bounded.

A guess counts from when it is made until it turns out right, so that many at once are no way round the limit.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from msgspec import Struct

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

    def make(self, *keys: str) -> float:
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

    def right(self, *keys: str) -> None:
        """The guess was right: it is not held against anybody."""
        for key in keys:
            if (count := self._counts.get(key)) is not None and count.made:
                count.made -= 1

    def refused(self, key: str) -> float:
        """In how many seconds a guess is allowed again; 0 for now. Counts nothing."""
        now = self._clock.monotonic()
        count = self._counts.get(key)
        return count.ends - now if count and count.made >= self._most and count.ends > now else 0

    def _count(self, key: str, now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or count.ends <= now:
            count = self._counts[key] = _Count(0, now + self._window)
        self._counts.move_to_end(key)
        while len(self._counts) > _MOST_KEYS:
            self._counts.popitem(last=False)
        return count


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
    """All limits of an engine. A signed link is under none of them."""

    def __init__(self, trusted_proxies: Sequence[str], *, clock: Clock) -> None:
        self.networks = Networks(trusted_proxies)
        self.proofs = Guesses(most=5, window=3600, clock=clock)  # of an order's e-mail address or postcode
        self.numbers = Guesses(most=300, window=600, clock=clock)  # tracking numbers that nobody knows
        self.reports = Guesses(most=20, window=3600, clock=clock)  # of one order


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
