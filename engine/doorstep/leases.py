"""Whose turn it is to ask, and nobody's answer over a newer one: in one process, or among all that share a Redis.

Who asks holds a lease, a random token that ends by itself. The others wait for the message that the answer or the failure is
there. No clock but Redis' own counts: an answer is told from another by its stamp, never by which is said to be later.
"""

import asyncio
import secrets
from contextlib import suppress
from math import inf
from typing import Protocol

import msgspec
from msgspec import Struct

from .cache import LANDED, Cache, Shared, Unshared
from .compact import STAMP

LEASE = 12.0  # seconds: a little longer than a carrier is waited for. What a holder that died costs, at most.
_SLACK = 0.25  # seconds by which a question may have begun before that was counted
_POLL = 1.0  # seconds after which is looked, should a message be lost


class Turn(Struct, frozen=True):
    """What came of asking for a turn: the token to ask with, or what somebody else has just learnt."""

    token: str = ""
    answer: bytes | None = None
    failure: bytes | None = None
    pause: float = 0.0  # seconds that the failure still holds


class Leases(Protocol):
    """`seen` is the stamp of the answer that the asker has, b"" where it has none. A `token` of "" is nobody's lease."""

    async def turn(self, key: str, seen: bytes) -> Turn:
        """Waits until it is this one's turn to ask, or somebody else has asked."""
        ...

    async def keep(
        self, key: str, value: bytes, ttl: float, *, seen: bytes, token: str = "", lasted: float = inf
    ) -> bytes:
        """Keeps an answer and gives the turn back; returns what is kept now. It replaces the one its asker has seen, and none
        that came after: what is pushed while somebody asks is news to who asks. After a question that `lasted` so many
        seconds, also what was there before it began: who asked while the server was lost had not seen that."""
        ...

    async def give_back(self, key: str, token: str, failure: bytes = b"", pause: float = 0.0) -> None:
        """Ends a turn without an answer. A `failure` is everybody's for so many seconds."""
        ...


class OwnLeases:
    """One process alone: whoever asks, asks at once."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def turn(self, key: str, seen: bytes) -> Turn:
        return Turn(answer=await self.later(key, seen), token="own")  # noqa: S106  # of no lock

    async def keep(
        self, key: str, value: bytes, ttl: float, *, seen: bytes, token: str = "", lasted: float = inf
    ) -> bytes:
        later = await self.later(key, max(seen, value[:STAMP]))  # what was read meanwhile may be older than this
        if later is None:
            await self._cache.set(key, value, ttl)
        return later or value

    async def give_back(self, key: str, token: str, failure: bytes = b"", pause: float = 0.0) -> None:
        pass

    async def later(self, key: str, seen: bytes) -> bytes | None:
        """What is kept here and came after. An older one does not count: what was seen may be from a server lost since."""
        kept = await self._cache.get(key)
        return kept if kept is not None and kept[:STAMP] > seen else None


class SharedLeases:
    """All processes that share a server. While it is lost each asks for itself. What is kept is `near` too."""

    def __init__(self, shared: Shared, near: Cache) -> None:
        self._shared = shared
        self._near = near
        self._alone = OwnLeases(near)

    async def turn(self, key: str, seen: bytes) -> Turn:
        token = secrets.token_hex(8)
        try:
            turn, _ = await self._taken(key, token, seen)
            if turn is not None:
                return turn
            async with self._shared.hearing(key) as landed:
                while True:
                    landed.clear()  # what lands from here on rings, what did before is seen
                    turn, left = await self._taken(key, token, seen)
                    if turn is not None:
                        return turn
                    with suppress(TimeoutError):
                        async with asyncio.timeout(min(left, _POLL)):
                            await landed.wait()
        except Unshared:
            alone = await self._alone.turn(key, seen)
            return msgspec.structs.replace(alone, token=token)  # it may have been taken there after all

    async def keep(
        self, key: str, value: bytes, ttl: float, *, seen: bytes, token: str = "", lasted: float = inf
    ) -> bytes:
        here = await self._alone.keep(key, value, ttl, seen=seen)  # for who cannot wait for the server
        young = min(lasted + _SLACK, ttl)
        try:
            kept = await self._kept(key, token, seen, value, ttl, young)
            if kept and kept[:STAMP] < seen:  # from before an outage, through which what was seen is left
                kept = await self._kept(key, token, kept[:STAMP], value, ttl, young)
        except Unshared:
            return here
        newest = kept or value
        await self._near.set(key, newest, ttl)
        return newest

    async def _kept(self, key: str, token: str, seen: bytes, value: bytes, ttl: float, young: float) -> bytes:
        """Another answer, kept for less than `young` seconds, that stands in the way of this one; b"" where this is kept."""
        values = token, seen, value, _ms(ttl), LANDED, _ms(young)
        return await self._shared.run(bytes, _KEEP, _names(key), *values)

    async def give_back(self, key: str, token: str, failure: bytes = b"", pause: float = 0.0) -> None:
        with suppress(Unshared):  # the lease ends by itself
            await self._shared.run(int, _GIVE_BACK, _names(key), token, failure, _ms(pause), LANDED)

    async def _taken(self, key: str, token: str, seen: bytes) -> tuple[Turn | None, float]:
        """The turn, or None and the seconds that somebody else's still lasts."""
        said = self._shared.run(tuple[bytes, bytes, int], _TAKE, _names(key), token, seen, _ms(LEASE))
        what, value, ms = await said
        match what:
            case b"failed":
                return Turn(failure=value, pause=ms / 1000), 0
            case b"answered":
                # What a page shows from it, it goes on showing when the server is lost.
                if await self._alone.later(key, value[:STAMP]) is None:
                    await self._near.set(key, value, ms / 1000)
                return Turn(answer=value), 0
            case b"taken":
                return Turn(token=token), 0
        return None, max(ms, 1) / 1000


def _names(key: str) -> list[str]:
    """The answer's key, its lease's and its failure's."""
    return [key, f"{key}:lease", f"{key}:failed"]


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


_TAKE = f"""
local pause = redis.call('PTTL', KEYS[3])
if pause > 0 then return {{'failed', redis.call('GET', KEYS[3]), pause}} end
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'string' and string.sub(kept, 1, {STAMP}) ~= ARGV[2] then
  return {{'answered', kept, redis.call('PTTL', KEYS[1])}}
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[3]) or redis.call('GET', KEYS[2]) == ARGV[1] then
  return {{'taken', '', 0}}
end
return {{'held', '', redis.call('PTTL', KEYS[2])}}
"""

_KEEP = f"""
local ours = redis.call('GET', KEYS[2]) == ARGV[1]
local kept = redis.pcall('GET', KEYS[1])
local other = type(kept) == 'string' and string.sub(kept, 1, {STAMP}) ~= ARGV[2]
  and redis.call('PTTL', KEYS[1]) + tonumber(ARGV[6]) >= tonumber(ARGV[4])
if not other then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
if ours then
  redis.call('DEL', KEYS[2], KEYS[3])
  redis.pcall('PUBLISH', ARGV[5], KEYS[1])
end
return other and kept or ''
"""

_GIVE_BACK = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if ARGV[2] ~= '' and tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3]) end
redis.pcall('PUBLISH', ARGV[4], KEYS[1])
return 1
"""
