"""Serving ASGI applications with uvicorn: in the foreground, several in one process, or on loopback while a block runs."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp


class Site(Struct, frozen=True):
    """An application and where it listens."""

    app: ASGIApp
    host: str
    port: int


def serve_sites(sites: Sequence[Site]) -> None:
    """Serves until interrupted; ends when the first of them ends."""
    asyncio.run(_serve(sites))


@contextmanager
def on_loopback(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serves an application from a thread, on a free port of loopback or the one named; gives its URL."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    server = uvicorn.Server(_config(app, "127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the application did not start")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


async def _serve(sites: Sequence[Site]) -> None:
    servers = [uvicorn.Server(_config(site.app, site.host, site.port)) for site in sites]
    running = [asyncio.create_task(server.serve()) for server in servers]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)


def _config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
