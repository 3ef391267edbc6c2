"""What processes share, in Redis or Valkey. A lost server costs at most its time-out once, then nothing until a quiet
try says that it is back. One that is slow costs a request no more: when its allowance is spent, the server is lost to it alone.
Imported only where `redis` is set: the client is a large part of the start.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from redis.exceptions import RedisError, ResponseError

from .cache import LANDED, MemoryCache, Unshared
from .metrics import Metrics
from .patience import LOOKS, Allowance, allowed, apart, as_allowed, patience
from .redis_urls import QUIETLY, TIMEOUT, Client, listener, open_client
from .round_trips import Argument, rounds_of

T = TypeVar("T")
_Asked = tuple[
    Sequence[Argument], asyncio.Future[Any], Allowance | None
]  # with what who waits for the reply may still wait
_STEP = TIMEOUT / LOOKS
_FAILURES = (RedisError, OSError, TimeoutError, ValueError)
_LONGEST = 7 * 86_400.0  # seconds that anything is kept
_HEARTBEAT = 10.0  # seconds of silence after which the channel must show that it is still there


class _Round(Struct):
    """Commands that are under way, and how often the loop has still to look before their time is over."""

    batch: Sequence[_Asked]
    left: int = LOOKS

    def look(self) -> None:
        """Time has passed for those who wait: whose allowance is spent, waits no longer."""
        self.left -= 1
        waiting = [(reply, here) for _, reply, here in self.batch if here is not None and not reply.done()]
        for here in {here for _, here in waiting}:
            here.spend(_STEP)
        for reply, here in waiting:
            if here.spent:
                reply.set_result(TimeoutError())

    def give_up(self) -> None:
        for _, reply, _ in self.batch:
            reply.set_result(TimeoutError())


class RedisServer:
    """One server, or several under one name, by its URL. See `healthy`: while it is lost, nothing waits for it."""

    def __init__(self, url: str, *, metrics: Metrics, retry_after: float = 1.0) -> None:
        self._client = open_client(url)
        self._metrics = metrics
        self._retry_after = retry_after
        self._recovery: asyncio.Task[None] | None = None
        self._lost_at = 0.0
        self._rounds = rounds_of(self._client)
        self._waiting: list[_Asked] = []
        self._under_way: dict[asyncio.Task[None], _Round] = {}
        self._next_look: asyncio.TimerHandle | None = None
        self._channel = _Channel(self._client, retry_after)

    @property
    def healthy(self) -> bool:
        return self._recovery is None

    @property
    def lost_for(self) -> float:
        return 0.0 if self.healthy else time.monotonic() - self._lost_at

    async def do(self, *command: Argument) -> Any:
        """The reply to a command. Those of one turn of the loop go out together, and back in one round trip; what is asked
        while one is under way goes with the next. Raises Unshared."""
        here = allowed()
        if self._recovery is not None or (here is not None and here.spent):
            raise Unshared
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Any] = loop.create_future()
        if not (self._waiting or self._under_way):
            loop.call_soon(self._depart)
        self._waiting.append((command, reply, here))
        said = await reply
        if not isinstance(said, Exception):
            return said
        asked = str(command[0]).lower()
        self._metrics.cache_failures.labels("get" if asked == "mget" else asked).inc()  # of one key or of several
        raise Unshared from said

    async def run(self, type: type[T], script: str, keys: Sequence[str], *values: Argument) -> T:
        said = await self.do("EVAL", script, len(keys), *keys, *values)
        try:
            return msgspec.convert(said, type)
        except msgspec.ValidationError:
            raise Unshared from None

    @asynccontextmanager
    async def hearing(self, key: str) -> AsyncIterator[asyncio.Event]:
        async with self._channel.hearing(key) as bell:
            yield bell

    async def close(self) -> None:
        tasks = [task for task in (self._recovery, *self._under_way) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._channel.close()
        await self._client.aclose()

    def _depart(self) -> None:
        going, self._waiting = _Round([one for one in self._waiting if not one[1].done()]), []
        if self._recovery is not None:  # lost while they waited
            going.give_up()
        elif going.batch:
            self._send(going)

    def _send(self, going: _Round) -> None:
        # A task of its own: a reader that gives up takes nothing from the others, nor a reply half-way.
        task = asyncio.create_task(self._go(going))
        self._under_way[task] = going
        task.add_done_callback(self._arrived)
        if self._next_look is None:
            self._look_later()

    def _arrived(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if self._waiting and not self._under_way:
            self._depart()

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(_STEP, self._look)

    def _look(self) -> None:
        """As `patience` does, for all rounds with one timer."""
        self._next_look = None
        _Round(self._waiting).look()
        for task, going in list(self._under_way.items()):
            going.look()
            if not going.left:
                task.cancel()
        if self._under_way:
            self._look_later()

    async def _go(self, going: _Round) -> None:
        said: Sequence[Any]
        try:
            said = await self._rounds.replies([command for command, _, _ in going.batch])
        except asyncio.CancelledError:
            if going.left:
                raise
            said = [TimeoutError()] * len(going.batch)
        except _FAILURES as error:
            said = [error] * len(going.batch)
        # A ResponseError: the server is there, and that key or that write is the problem.
        if self.healthy and any(isinstance(one, Exception) and not isinstance(one, ResponseError) for one in said):
            self._lost_at = time.monotonic()
            self._recovery = apart(self._recover())
        for (_, reply, _), one in zip(going.batch, said, strict=True):
            if not reply.done():
                reply.set_result(one)

    async def _recover(self) -> None:
        """Tries the server quietly, so that no page pays for finding out that it is still lost."""
        while True:
            await asyncio.sleep(self._retry_after)
            try:
                async with asyncio.timeout(QUIETLY):
                    await self._client.ping()
            except _FAILURES:
                continue
            self._recovery = None
            return


class _Channel:
    """What other processes say has landed. Opened when somebody first waits for it, on a connection of its own."""

    def __init__(self, client: Client, retry_after: float) -> None:
        self._client = client
        self._retry_after = retry_after
        self._bells: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._open = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def hearing(self, key: str) -> AsyncIterator[asyncio.Event]:
        if self._listening is None:
            self._listening = apart(self._listen())
        bell = asyncio.Event()
        self._bells[key].add(bell)
        try:
            with suppress(TimeoutError):
                async with as_allowed(), asyncio.timeout(TIMEOUT):
                    await self._open.wait()
            yield bell
        finally:
            self._bells[key].discard(bell)
            if not self._bells[key]:
                del self._bells[key]

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            with suppress(*_FAILURES):
                async with await listener(self._client, ignore_subscribe_messages=True) as channel:
                    async with patience(QUIETLY):
                        await channel.subscribe(LANDED)
                    self._open.set()
                    self._ring(list(self._bells))  # whatever was said meanwhile, nobody heard
                    await self._hear(channel)
            self._open.clear()
            await asyncio.sleep(self._retry_after)

    async def _hear(self, channel: Any) -> None:
        """Rings until the connection breaks, or no longer shows that it is there."""
        asked = False
        while True:
            message = await channel.get_message(timeout=_HEARTBEAT)
            if message is None and asked:
                return
            asked = message is None
            if message is None:
                await channel.ping()
            elif message["type"] == "message":
                self._ring([message["data"].decode("utf-8", "replace")])

    def _ring(self, keys: Sequence[str]) -> None:
        for key in keys:
            for bell in self._bells.get(key, ()):
                bell.set()


class RedisCache:
    """A cache that all processes share. Every failure is a miss and is counted."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    @property
    def healthy(self) -> bool:
        return self._server.healthy

    @property
    def lost_for(self) -> float:
        return self._server.lost_for

    async def get(self, key: str) -> bytes | None:
        with suppress(Unshared):
            value = await self._server.do("GET", key)
            return value if isinstance(value, bytes) else None
        return None

    async def get_all(self, *keys: str) -> list[bytes | None]:
        """Of a cluster, keys that hash alike."""
        try:
            values = await self._server.do("MGET", *keys)
        except Unshared:
            values = None
        if not isinstance(values, list) or len(values) != len(keys):
            return [None] * len(keys)
        return [value if isinstance(value, bytes) else None for value in values]

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        with suppress(Unshared):
            if ttl > 0:
                await self._server.do("SET", key, value, "PX", max(1, round(ttl * 1000)))
            else:
                await self._server.do("DEL", key)

    async def left(self, key: str) -> float:
        """For how many seconds a value is still kept: 0 where there is none, the longest where this cannot be learnt."""
        with suppress(Unshared):
            ms = await self._server.do("PTTL", key)
            if isinstance(ms, int):
                return max(0.0, ms / 1000)
        return _LONGEST

    async def close(self) -> None:
        await self._server.close()


class TieredCache:
    """The process in front of Redis: everything is kept in both, and what another process wrote as soon as it is read. What
    is near serves when Redis has it no more, or lost the newer one in an outage: a value begins with the eight bytes that
    say when it was written."""

    def __init__(self, near: MemoryCache, shared: RedisCache) -> None:
        self._near = near
        self._shared = shared

    @property
    def healthy(self) -> bool:
        return self._shared.healthy

    @property
    def lost_for(self) -> float:
        return self._shared.lost_for

    async def get(self, key: str) -> bytes | None:
        return await self._newer(key, await self._shared.get(key))

    async def get_all(self, *keys: str) -> list[bytes | None]:
        shared = await self._shared.get_all(*keys)
        return [
            value if value == self._near.find(key) else await self._newer(key, value)
            for key, value in zip(keys, shared, strict=True)
        ]

    async def _newer(self, key: str, shared: bytes | None) -> bytes | None:
        near = self._near.find(key)
        if shared is None or (near is not None and near[:8] > shared[:8]):
            return near
        if shared != near:
            await self._near.set(key, shared, await self._shared.left(key))
        return shared

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        await self._near.set(key, value, ttl)
        await self._shared.set(key, value, ttl)

    async def close(self) -> None:
        await self._near.close()
        await self._shared.close()
