"""A process that ends loses no request; a socket that outlives it is passed on in systemd's way."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from doorstep import serving
from doorstep.errors import ConfigError
from doorstep.serving import Site, listen, passed_socket

from .prove.loading import PASSING
from .servers import until

pytestmark = pytest.mark.anyio
_REQUEST = b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
_SHOWS = "import sys; from doorstep.serving import passed_socket; print(passed_socket().getsockname()[1])"


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


async def _passed(*sockets: socket.socket) -> tuple[int, str]:
    """What a process says that these are passed on to."""
    numbers = [one.fileno() for one in sockets]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PASSING, *map(str, numbers[:1]), "-c", _SHOWS, pass_fds=numbers,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await child.communicate()
    return child.returncode or 0, (out + error).decode()


async def test_the_socket_that_was_opened_by_who_starts_us_is_served() -> None:
    with listen("127.0.0.1", 0) as ours:
        assert await _passed(ours) == (0, f"{ours.getsockname()[1]}\n")


async def test_a_socket_whose_peers_have_no_address_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "doorstep.sock"))
        code, said = await _passed(local)
    assert code == 1
    assert "ListenStream=127.0.0.1:8000" in said


def test_what_was_passed_to_somebody_else_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    assert passed_socket() is None


def test_several_sockets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0) as ours:
        monkeypatch.setattr(serving, "_FIRST_PASSED", os.dup(ours.fileno()))
        monkeypatch.setenv("LISTEN_FDS", "2")
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        with pytest.raises(ConfigError, match="cannot be served"):
            passed_socket()
