"""The limit: what the server itself takes to send a page, from an ASGI callable that does nothing else.

    python -m bench.limit SOCKET < ANSWER    on the socket of this descriptor; the answer is JSON

Nothing of Doorstep is imported, so that the process is as light as any could be.
"""

import socket
import sys
from typing import Any

import msgspec
import uvicorn
from msgspec import Struct


class Answer(Struct, frozen=True):
    """A page as it is sent: all but what the server itself adds."""

    headers: dict[str, str]
    body: bytes


def limit(answer: Answer) -> Any:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return  # uvicorn goes on without
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return app


def serve(app: Any, listening: socket.socket) -> None:
    """The same for the limit and for Doorstep."""
    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, timeout_keep_alive=300, lifespan="auto"
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    serve(limit(msgspec.json.decode(sys.stdin.buffer.read(), type=Answer)), socket.socket(fileno=int(sys.argv[1])))
