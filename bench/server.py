"""A server process for the bench: the same server with Doorstep and without.

    python bench/server.py page SOCKET FOLDER NEAR_MEGABYTES
    python bench/server.py limit SOCKET < ANSWER

SOCKET is the descriptor of the socket to answer on.
"""

import socket
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from msgspec import Struct

from doorstep.app import assemble, create_engine
from doorstep.config import Config, Server, Store
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.secret import Secret
from doorstep.serving import on_loopback


def shop_engine(folder: Path, accounts: dict[str, Any], *, near_megabytes: int = 64) -> Any:
    """The engine of the bench's shop, whose database is in `folder`."""
    config = Config(
        stores={"main": Store(name="Bench", widgets={"survey": {}})},
        secret_key=(Secret("bench"),),
        server=Server(near_megabytes=near_megabytes),
        carriers=accounts,
        base=folder,
    )
    return create_engine(config)


class Answer(Struct, frozen=True):
    """A page as it is sent: all but what the server itself adds."""

    headers: dict[str, str]
    body: bytes


def limit(answer: Answer) -> Any:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return app


def main() -> None:
    kind, listening = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    if kind == "limit":
        serve(limit(msgspec.json.decode(sys.stdin.buffer.read(), type=Answer)), listening)
        return
    folder, near_megabytes = Path(sys.argv[3]), int(sys.argv[4])
    sandbox = sandbox_of(installed(), today=date.today())
    with on_loopback(sandbox.app) as url:
        engine = shop_engine(folder, sandbox_accounts(sandbox, url), near_megabytes=near_megabytes)
        serve(assemble(engine), listening)


def serve(app: Any, listening: socket.socket) -> None:
    config = uvicorn.Config(app, log_level="error", access_log=False, timeout_keep_alive=300)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
