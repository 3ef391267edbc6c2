"""HTTP of channels: what may have been sent is doubt, what cannot have been is not; guarded and bounded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from doorstep import Deferred, InDoubt
from doorstep.channel_http import LARGEST, channel_client
from doorstep.guard import GuardedTransport

from .servers import free_port

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(
    talk: Talk, *, trusted: bool = True, patience: float = 5
) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    """A client, and the address of a server that does with each connection what `talk` does."""
    ended: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(writer)
        await talk(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    # No certificates: reading the system's may take longer than the patience of a test.
    guard = GuardedTransport(dial=lambda host: httpx2.AsyncHTTPTransport(verify=False, trust_env=False))
    if trusted:
        guard.trust(url)
    async with channel_client(guard, patience=patience) as client:
        yield client, url
    server.close()
    for writer in ended:
        writer.transport.abort()
    await server.wait_closed()


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str, body: bytes = b"") -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(f"HTTP/1.1 {head}\r\n\r\n".encode() + body)
    await writer.drain()


async def test_a_body_is_read_once_and_a_redirect_is_not_followed() -> None:
    async def moves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answered(reader, writer, "302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2", b"ok")

    async with talking(moves) as (client, url):
        response = await client.post(url, content=b"x")
    assert (response.status_code, response.content, response.headers["location"]) == (302, b"ok", "http://127.0.0.1:1/")


async def test_nobody_there_and_an_address_inside_are_no_doubt() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("it was asked")

    guard = GuardedTransport()
    guard.trust(away := f"http://127.0.0.1:{free_port()}/")
    async with channel_client(guard) as client:
        with pytest.raises(Deferred):
            await client.post(away)
    async with talking(never, trusted=False) as (client, url):
        for address in (url, "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/"):
            with pytest.raises(Deferred):
                await client.post(address)


async def test_what_is_lost_once_something_was_written_is_doubt() -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def talks_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answered(reader, writer, f"200 OK\r\nContent-Length: {LARGEST + 1}", b"x" * (LARGEST + 1))

    for talk, patience in ((hangs_up, 5), (is_silent, 1), (talks_on, 5)):
        async with talking(talk, patience=patience) as (client, url):
            with pytest.raises(InDoubt):
                await client.post(url, content=b"x")


async def test_a_name_that_takes_for_ever_to_resolve_is_no_doubt() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with channel_client(GuardedTransport(resolve=resolve), patience=0.1) as client:
        with pytest.raises(Deferred):
            await client.post("https://hooks.shop.example/")


async def test_no_cookie_is_kept() -> None:
    heads: list[bytes] = []

    async def gives(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: who=mara\r\nContent-Length: 0\r\n\r\n")

    async with talking(gives) as (client, url):
        for _ in range(2):
            await client.post(url)
    assert len(heads) == 2
    assert b"mara" not in heads[1]
