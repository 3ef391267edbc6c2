"""The channel of processes that share a Redis or Valkey. Imported only where `redis` is set, as `shared_cache` is.

It has connections of its own: one that only listens cannot ask, and one that is asked by many pages would make words wait.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from .invalidation import BEAT
from .patience import patience
from .redis_urls import QUIETLY, TIMEOUT, Client, listener, open_client


class RedisChannel:
    """Words by publish and subscribe."""

    def __init__(self, redis: Client, listener: PubSub, name: str) -> None:
        self._redis = redis
        self._listener = listener
        self._name = name
        # Of a cluster, the node that is listened at: any tells all others.
        self._where = {"target_nodes": node} if (node := getattr(listener, "node", None)) else {}

    async def send(self, word: bytes) -> None:
        try:
            async with patience(TIMEOUT):
                await self._redis.execute_command("PUBLISH", self._name, word, **self._where)
        except (RedisError, OSError, TimeoutError) as error:
            raise ConnectionError(f"cannot publish: {type(error).__name__}") from None

    async def words(self) -> AsyncIterator[bytes]:
        while True:
            try:
                message = await self._listener.get_message(ignore_subscribe_messages=True, timeout=BEAT)
            except (RedisError, OSError, ValueError) as error:
                raise ConnectionError(f"cannot listen: {type(error).__name__}") from None
            if message is not None:
                yield message["data"]


@asynccontextmanager
async def redis_channel(url: str, name: str) -> AsyncIterator[RedisChannel]:
    """The channel of this name, subscribed to. Raises ConnectionError where the server cannot be reached."""
    async with AsyncExitStack() as stack:
        redis = open_client(url)
        stack.push_async_callback(redis.aclose)
        try:
            listening: PubSub = await listener(redis)
            stack.push_async_callback(listening.aclose)
            async with patience(QUIETLY):
                await listening.subscribe(name)
            await listening.get_message(timeout=TIMEOUT)
        except (RedisError, OSError, TimeoutError) as error:
            raise ConnectionError(f"cannot subscribe: {type(error).__name__}") from None
        yield RedisChannel(redis, listening, name)
