"""A server process for the bench: `python bench/server.py page|limit PORT`. The same server with and without Doorstep."""

import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn

from doorstep.app import create_app
from doorstep.config import Config, Store
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.secret import Secret
from doorstep.serving import on_loopback


def page(sandbox_url: str, sandbox: Any) -> Any:
    folder = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
    store = Store(name="Bench", widgets={"survey": {}})
    accounts = sandbox_accounts(sandbox, sandbox_url)
    return create_app(Config(stores={"main": store}, secret_key=(Secret("bench"),), carriers=accounts, base=folder))


def limit(body: bytes) -> Any:
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    options: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "log_level": "error",
        "access_log": False,
        "timeout_keep_alive": 300,
    }
    if kind == "limit":
        uvicorn.run(limit(sys.stdin.buffer.read()), **options)
        return
    sandbox = sandbox_of(installed(), today=date.today())
    with on_loopback(sandbox.app) as url:
        uvicorn.run(page(url, sandbox), **options)


if __name__ == "__main__":
    main()
