"""Serving ASGI applications with uvicorn: in the foreground, several in one process, or on loopback while a block runs.

A process that ends takes no new connection, and answers those that it has: behind a proxy that asks another process then, no
request is lost when they are started anew one after the other.
"""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp

from .errors import ConfigError

_LAST_REQUESTS = 0.25  # seconds for what is on its way on a connection that was taken


class Site(Struct, frozen=True):
    """An application and the socket it answers on."""

    app: ASGIApp
    listening: socket.socket

    @property
    def url(self) -> str:
        host, port = self.listening.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 is any free one. Raises ConfigError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}", next_step="choose another: --port N") from None
    return listening


def serve_sites(sites: Sequence[Site]) -> None:
    """Serves until interrupted; ends when the first of them ends."""
    asyncio.run(_serve(sites))


@contextmanager
def on_loopback(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serves an application from a thread, on a free port of loopback or the one named; gives its URL."""
    site = Site(app, listen("127.0.0.1", port))
    server = uvicorn.Server(_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [site.listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the application did not start")
            time.sleep(0.005)
        yield site.url
    finally:
        server.should_exit = True
        thread.join(10)
        site.listening.close()


@asynccontextmanager
async def beside(site: Site) -> AsyncIterator[None]:
    """Serves in the loop of something else while the block runs; whoever runs the loop hears the signals."""
    server = _Guest(_config(site.app))
    serving = asyncio.create_task(server.serve(sockets=[site.listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Who was let in while the end began may still say what they want: uvicorn would hang up on them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await asyncio.sleep(_LAST_REQUESTS)
        await super().shutdown(sockets)


class _Guest(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(sites: Sequence[Site]) -> None:
    servers = [_Server(_config(site.app)) for site in sites]
    running = [
        asyncio.create_task(server.serve(sockets=[site.listening])) for server, site in zip(servers, sites, strict=True)
    ]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", server_header=False, timeout_graceful_shutdown=10
    )
