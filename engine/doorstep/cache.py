"""Where carrier answers are kept for a while, in the process; `shared_cache` has Redis. Bytes in, bytes out, nothing unpickled.

A cache never fails a page: what it cannot give is a miss, what it cannot keep is counted.
"""

from collections import OrderedDict
from typing import Protocol

from .clock import Clock


class Cache(Protocol):
    """Keys are text, values bytes, `ttl` is in seconds. `healthy` is False while the cache cannot be reached."""

    @property
    def healthy(self) -> bool: ...

    async def get(self, key: str) -> bytes | None: ...
    async def set(self, key: str, value: bytes, ttl: float) -> None: ...
    async def close(self) -> None: ...


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

    async def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock.monotonic() >= entry[1]:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

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
