"""A process that ends answers whom it has let in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from doorstep import serving
from doorstep.serving import Site, listen, on_loopback

from .servers import free_port, until

pytestmark = pytest.mark.anyio
_REQUEST = b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(_REQUEST)
    answered = await reader.read()
    writer.close()
    return answered


async def test_who_was_let_in_when_the_end_began_is_still_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_LAST_REQUESTS", 1.0)  # longer than this machine may be held up
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    site = Site(app, listen("127.0.0.1", 0))
    server = serving._Server(serving._config(app))
    running = asyncio.create_task(server.serve(sockets=[site.listening]))
    await until(lambda: server.started)
    port = site.listening.getsockname()[1]
    early = await asyncio.open_connection("127.0.0.1", port)
    assert b"here" in await _answer(
        *await asyncio.open_connection("127.0.0.1", port)
    )  # so the one before it was let in
    server.should_exit = True
    await until(lambda: not server.servers[0].is_serving())
    assert b"here" in await _answer(*early)
    await running


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # uvicorn ends its thread by SystemExit
def test_an_application_that_does_not_start_is_told_and_leaves_no_port_taken() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise ConnectionError("the database is not there")
        yield

    port = free_port()
    with (
        pytest.raises(RuntimeError, match="the application did not start"),
        on_loopback(Starlette(lifespan=lifespan), port=port),
    ):
        pass
    listen("127.0.0.1", port).close()
