"""A server process of the bench, on the socket whose descriptor it is given.

    python -m bench.site page SOCKET < SETTINGS    Doorstep, with these settings
    python -m bench.site carrier SOCKET < SECONDS  a carrier that knows every number and takes so long; GET /calls counts

What it reads is JSON.
"""

import asyncio
import socket
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from doorstep.app import assemble
from doorstep.config import Config, Server, Store
from doorstep.engine import Engine, create_engine
from doorstep.packages import installed
from doorstep.samples import Role, shifted
from doorstep.sandbox import sandbox_of
from doorstep.secret import Secret

from .limit import serve
from .parcels import CARRIER

NOBODY = "http://127.0.0.1:9"


class Settings(Struct, frozen=True):
    """Of the bench's shop: where its database lies, its Redis, the carrier it asks."""

    folder: str
    redis: str = ""
    carrier: str = NOBODY
    near_megabytes: int = 64


def shop_engine(settings: Settings) -> Engine:
    account = {"client_id": "bench", "client_secret": "bench", "endpoint": settings.carrier, "strangers": 1.0}
    config = Config(
        stores={"main": Store(name="Bench", widgets={"survey": {}})},
        secret_key=(Secret("bench"),),
        redis=Secret(settings.redis),
        server=Server(near_megabytes=settings.near_megabytes),
        carriers={CARRIER: {**account, "limits": [], "concurrent": 64}},
        base=Path(settings.folder),
    )
    return create_engine(config)


class StandIn:
    """The carrier: its sample of a delivered parcel, for whatever number is asked for. An ASGI application."""

    def __init__(self, seconds: float) -> None:
        samples = sandbox_of(installed()).samples[CARRIER]
        case = next(case for case in samples.of(Role.PARCEL) if case.name == "delivered")
        self._body = shifted(case.body, samples.dates, (date.today() - samples.anchor).days)
        self._sample = case.number.encode()
        self._seconds = seconds
        self._calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return  # uvicorn goes on without
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": await self._said(scope["path"])})

    async def _said(self, path: str) -> bytes:
        if path == "/calls":
            return str(self._calls).encode()
        if path.endswith("/token"):
            return b'{"access_token": "bench", "token_type": "Bearer", "expires_in": "14399"}'
        self._calls += path.startswith("/api/")
        await asyncio.sleep(self._seconds)
        return self._body.replace(self._sample, path.rpartition("/")[2].encode())


def main() -> None:
    kind, listening, given = sys.argv[1], socket.socket(fileno=int(sys.argv[2])), sys.stdin.buffer.read()
    if kind == "page":
        serve(assemble(shop_engine(msgspec.json.decode(given, type=Settings))), listening)
    else:
        serve(StandIn(msgspec.json.decode(given, type=float)), listening)


if __name__ == "__main__":
    main()
