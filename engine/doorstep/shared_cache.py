"""A cache that processes share, in Redis or Valkey. A lost server costs at most its time-out once, then nothing until a quiet
try says that it is back. Imported only where `redis` is set: the client is a large part of the start.
"""

import asyncio
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from .cache import MemoryCache
from .metrics import Metrics

TIMEOUT = 0.25  # seconds a page may lose to the shared cache


class RedisCache:
    """Redis or Valkey, shared by all processes. Every failure is a miss and is counted; see `healthy`."""

    def __init__(self, url: str, *, metrics: Metrics, retry_after: float = 1.0) -> None:
        # The client's defaults would retry and wait for up to a minute: a page cannot.
        pool = BlockingConnectionPool.from_url(
            url,
            timeout=TIMEOUT,  # for one of the connections: many pages at once wait for each other, briefly
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            max_connections=64,
        )
        self._redis = Redis(connection_pool=pool)
        self._metrics = metrics
        self._retry_after = retry_after
        self._recovery: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        return self._recovery is None

    async def get(self, key: str) -> bytes | None:
        value = await self._try("get", lambda: self._redis.get(key))
        return value if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        if ttl > 0:
            await self._try("set", lambda: self._redis.set(key, value, px=max(1, round(ttl * 1000))))
        else:
            await self._try("set", lambda: self._redis.delete(key))

    async def close(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _try(self, operation: str, command: Callable[[], Awaitable[object]]) -> object:
        if not self.healthy:
            return None
        try:
            return await asyncio.wait_for(command(), TIMEOUT)
        except ResponseError:  # the server is there; this key or this write is the problem
            self._metrics.cache_failures.labels(operation).inc()
        except (RedisError, OSError, TimeoutError, ValueError):
            self._metrics.cache_failures.labels(operation).inc()
            if self._recovery is None:
                self._recovery = asyncio.create_task(self._recover())
        return None

    async def _recover(self) -> None:
        """Tries the server quietly, so that no page pays for finding out that it is still lost."""
        while True:
            await asyncio.sleep(self._retry_after)
            try:
                await asyncio.wait_for(self._redis.ping(), TIMEOUT)
            except (RedisError, OSError, TimeoutError, ValueError):
                continue
            self._recovery = None
            return


class TieredCache:
    """The process in front of Redis: everything is kept in both, and what is near serves when Redis has it no more."""

    def __init__(self, near: MemoryCache, shared: RedisCache) -> None:
        self._near = near
        self._shared = shared

    @property
    def healthy(self) -> bool:
        return self._shared.healthy

    async def get(self, key: str) -> bytes | None:
        value = await self._shared.get(key)
        return await self._near.get(key) if value is None else value

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        await self._near.set(key, value, ttl)
        await self._shared.set(key, value, ttl)

    async def close(self) -> None:
        await self._near.close()
        await self._shared.close()
