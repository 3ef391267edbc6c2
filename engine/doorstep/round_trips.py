"""Commands that go to Redis together, and back in one round trip.

A page that is made from what Redis has spends a large part of its time here, so what a client's pool and pipeline do for each
command is left out: a connection is taken from the pool once, and kept for the next round.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from .redis_urls import Client

Argument = str | bytes | float
Commands = Sequence[Sequence[Argument]]


class Rounds(Protocol):
    async def replies(self, commands: Commands) -> Sequence[Any]:
        """One for each command, a ResponseError where the server refused it. Raises the client's other errors."""
        ...


def rounds_of(client: Client) -> Rounds:
    return _ByNode(client) if isinstance(client, RedisCluster) else _Kept(client.connection_pool)


class _ByNode:
    """In a cluster the client knows which node has what, and asks each."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def replies(self, commands: Commands) -> Sequence[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies


class _Kept:
    """Connections of a pool that no round uses now. A round has one to itself, so a reply is never another round's: one that
    fails or is given up closes its connection, which is opened anew when it is needed."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._idle: list[Any] = []

    async def replies(self, commands: Commands) -> Sequence[Any]:
        connection = self._idle.pop() if self._idle else await self._pool.get_connection()
        try:
            retry = connection.retry
            replies: list[Any] = await retry.call_with_retry(
                lambda: _asked(connection, commands), lambda error: connection.disconnect()
            )
            return replies
        finally:
            self._idle.append(connection)


async def _asked(connection: Any, commands: Commands) -> list[Any]:
    if (
        not connection.is_connected or await connection.can_read()
    ):  # closed by the server, or what it says was not asked for
        await connection.disconnect()
        await connection.connect()
    await connection.send_packed_command(packed(commands), check_health=False)
    return [await _reply(connection) for _ in commands]


def packed(commands: Commands) -> bytes:
    """Commands in the protocol: arrays of texts. Numbers are texts, too."""
    parts = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for one in command:
            said = one if type(one) is bytes else str(one).encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(said), said))
    return b"".join(parts)


async def _reply(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
