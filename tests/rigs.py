"""Several Valkey servers that are one, watched by a Sentinel or a cluster; and a proxy between a client and its server."""

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from .servers import RedisServer, free_port, redis_binary, redis_server


class Watched:
    """A master, its replica, and one Sentinel whose word is enough. The first Sentinel of the URL is gone."""

    def __init__(self, master: RedisServer, replica: RedisServer, sentinel: int) -> None:
        self.master = master
        self.replica = replica
        self.url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel}/shop/0"


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        master = stack.enter_context(redis_server(_folder(folder, "master")))
        following = ("--replicaof", "127.0.0.1", str(master.port), "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(redis_server(_folder(folder, "replica"), *following))
        # A Sentinel learns of replicas when it comes, and then every ten seconds.
        _says(replica.port, "INFO replication", b"master_link_status:up")
        yield Watched(master, replica, stack.enter_context(_sentinel(folder, master.port)))


@contextmanager
def _sentinel(folder: Path, master: int) -> Iterator[int]:
    port = free_port()
    file = folder / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor shop 127.0.0.1 {master} 1\n"
        "sentinel down-after-milliseconds shop 300\nsentinel failover-timeout shop 2000\n"
    )
    process = subprocess.Popen([redis_binary(), file, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        _says(port, "PING", b"+PONG")
        yield port
    finally:
        process.kill()
        process.wait()


def _says(port: int, command: str, expected: bytes) -> None:
    """Comes back when the server's answer has these bytes."""
    for _ in range(400):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2) as connection:
            connection.sendall(f"{command}\r\n".encode())
            if expected in connection.recv(65536):
                return
        time.sleep(0.025)
    raise AssertionError(f"the server on {port} is not ready")


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[tuple[str, list[RedisServer]]]:
    """The URL and the servers of three masters, each with a third of the slots, in order."""
    with ExitStack() as stack:
        nodes = []
        for name in ("a", "b", "c"):
            bus = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "1000")
            # A node that misses another still serves its own slots.
            partial = ("--cluster-require-full-coverage", "no")
            nodes.append((stack.enter_context(redis_server(_folder(folder, name), *bus, *partial)), bus[3]))
        thirds = [("0", "5460"), ("5461", "10922"), ("10923", "16383")]
        for (node, _), slots in zip(nodes, thirds, strict=True):
            await told(node, "CLUSTER", "ADDSLOTSRANGE", *slots)
            for other, bus_port in nodes:
                await told(node, "CLUSTER", "MEET", "127.0.0.1", str(other.port), bus_port)
        async with asyncio.timeout(20):
            for node, _ in nodes:
                while True:
                    said = await told(node, "CLUSTER", "INFO")
                    if (said["cluster_state"], said["cluster_known_nodes"]) == ("ok", "3"):
                        break
                    await asyncio.sleep(0.05)
        hosts = ",".join(f"127.0.0.1:{node.port}" for node, _ in nodes)
        yield f"redis+cluster://{hosts}", [node for node, _ in nodes]


async def node_id(node: RedisServer) -> str:
    return str((await told(node, "CLUSTER", "MYID")).decode())


async def told(node: RedisServer, *command: str) -> Any:
    """What one server answers."""
    redis = Redis.from_url(node.url)
    words = 2 if command[0] == "CLUSTER" else 1
    try:
        return await redis.execute_command(" ".join(command[:words]), *command[words:])
    finally:
        await redis.aclose()


def _folder(folder: Path, name: str) -> Path:
    below = folder / name
    below.mkdir()
    return below


Change = Callable[[bytes], bytes | None]
_STEP = 0.0125  # seconds


async def _slowly(seconds: float) -> None:
    """In small steps: where the loop is held up, who is waiting and what is waited for lose as much."""
    steps = max(1, round(seconds / _STEP))
    for _ in range(steps):
        await asyncio.sleep(seconds / steps)


class Proxy:
    """Carries bytes to a server and back. `delay` holds every answer for so many seconds; `change` makes another of a piece of
    an answer, or None: the connection is reset."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.delay: Callable[[], float] = lambda: 0.0
        self.change: Change = lambda piece: piece
        self.url = ""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self.port)
            ways = [asyncio.create_task(self._out(reader, forth)), asyncio.create_task(self._home(back, writer))]
            with closing(forth):
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()

    async def _home(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                await _slowly(self.delay())
                changed = self.change(piece)
                if changed is None:
                    writer.transport.abort()
                    return
                writer.write(changed)
                await writer.drain()


@asynccontextmanager
async def proxied(port: int, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    proxy = Proxy(port)
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await proxy.carry(reader, writer)

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=tls)
    proxy.url = f"redis{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
