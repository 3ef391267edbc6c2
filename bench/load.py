"""Requests to servers on loopback: as many as fit into a while, over kept connections, or many at the same moment.

A server that waits for each request works in small, dear steps; so there are always several under way, and what asks is
light: on uvloop where it is installed, and of an answer it reads only the status and the length.
"""

import asyncio
import re
import time
from collections.abc import Coroutine, Iterator, Sequence
from itertools import cycle, islice
from typing import Any, TypeVar

from msgspec import Struct

CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *([0-9]+)")
_PATIENCE = 60.0  # seconds for all of it
T = TypeVar("T")


class Asked(Struct):
    """What came of it: seconds of each answer, and how many were not what was expected."""

    seconds: list[float] = []
    failures: int = 0


def request(path: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()


def for_a_while(port: int, requests: Sequence[bytes], seconds: float, *, expected: int = 200) -> Asked:
    """Each connection asks the requests in turn, from another one on; at least one each."""
    asked = Asked()
    ends = time.perf_counter() + seconds
    share = max(1, len(requests) // CONNECTIONS)
    lists = [islice(cycle(requests), at * share, None) for at in range(CONNECTIONS)]
    _run(_all([(port, _Connection(one, asked, ends, expected)) for one in lists]))
    return asked


def at_once(requests: Sequence[tuple[int, bytes]], *, expected: int = 200) -> Asked:
    """Each (port, request) on a connection of its own; they are opened first."""
    asked = Asked()
    _run(_all([(port, _Connection(iter([one]), asked, 0.0, expected)) for port, one in requests]))
    return asked


async def _all(connections: Sequence[tuple[int, "_Connection"]]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_PATIENCE):
        for port, one in connections:
            await loop.create_connection(lambda one=one: one, "127.0.0.1", port)  # type: ignore[misc]
        for _, one in connections:
            one.ask()
        await asyncio.gather(*(one.done for _, one in connections))


class _Connection(asyncio.Protocol):
    """Asks, reads one answer, asks again until the time is up."""

    def __init__(self, requests: Iterator[bytes], asked: Asked, ends: float, expected: int) -> None:
        self._requests = requests
        self._asked = asked
        self._ends = ends
        self._expected = b" %d " % expected
        self._transport: Any = None
        self._head = b""
        self._left = 0  # bytes of the body that are still to come
        self._began = 0.0
        self.done: asyncio.Future[None] = None  # type: ignore[assignment]  # made with the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.done = asyncio.get_running_loop().create_future()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server hung up before its answer was whole"))

    def ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            length = _LENGTH.search(head)
            self._left = (int(length[1]) if length else 0) - len(body)
            self._asked.failures += self._expected not in head[:16]
            self._head = b""
        if self._left <= 0:
            self._answered()

    def _answered(self) -> None:
        now = time.perf_counter()
        self._asked.seconds.append(now - self._began)
        if now < self._ends:
            self.ask()
        else:
            self.done.set_result(None)
            self._transport.close()


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)
