"""Where what is known is kept for a while, in the process; `shared_cache` has Redis. Bytes in, bytes out, nothing unpickled.

A cache never fails a page: what it cannot give is a miss, what it cannot keep is counted.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from .clock import Clock

T = TypeVar("T")


class Cache(Protocol):
    """Keys are text, values bytes, `ttl` is in seconds. `healthy` is False while the cache cannot be reached,
    which it was not for `lost_for` seconds."""

    @property
    def healthy(self) -> bool: ...
    @property
    def lost_for(self) -> float: ...

    async def get(self, key: str) -> bytes | None: ...
    async def get_all(self, *keys: str) -> list[bytes | None]: ...
    async def set(self, key: str, value: bytes, ttl: float) -> None: ...
    async def close(self) -> None: ...


class Unshared(Exception):
    """The server that processes share is lost, or did not take it: each process goes on alone."""


class Shared(Protocol):
    """The server that processes share, as far as it is more than a cache."""

    async def run(self, type: type[T], script: str, keys: Sequence[str], *values: str | bytes | float) -> T:
        """Runs a Lua script there, which nothing comes between; what it returns is of this type. Raises Unshared, after a
        quarter of a second at most."""
        ...

    def hearing(self, key: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set when a script publishes the key on `LANDED`, and whenever a message may have been missed."""
        ...


LANDED = "doorstep:landed"  # the channel


class MemoryCache:
    """In the process; bounded in bytes, the least recently used goes first."""

    def __init__(self, clock: Clock, *, most_bytes: int = 32 * 1024 * 1024) -> None:
        self._clock = clock
        self._most = most_bytes
        self._size = 0
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    @property
    def healthy(self) -> bool:
        return True

    @property
    def lost_for(self) -> float:
        return 0.0

    def find(self, key: str) -> bytes | None:
        """What `get` gives, at once."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock.monotonic() >= entry[1]:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    async def get(self, key: str) -> bytes | None:
        return self.find(key)

    async def get_all(self, *keys: str) -> list[bytes | None]:
        return [await self.get(key) for key in keys]

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        self._drop(key)
        if ttl <= 0 or len(key) + len(value) > self._most:
            return
        self._entries[key] = (value, self._clock.monotonic() + ttl)
        self._size += len(key) + len(value)
        while self._size > self._most:
            self._drop(next(iter(self._entries)))

    async def close(self) -> None:
        self._entries.clear()
        self._size = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= len(key) + len(entry[0])
