"""A provider of messages over real HTTP: it keeps what it got, and answers as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doorstep.testing import serve


class Got(Struct, frozen=True):
    path: str
    headers: dict[str, str]
    body: bytes


class Provider:
    """`answers` are given in turn, then `usual`: a status, a body, headers."""

    def __init__(self) -> None:
        self.url = ""
        self.got: list[Got] = []
        self.answers: list[Response] = []
        self.usual = (202, b"")
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST"])])

    async def _take(self, request: Request) -> Response:
        self.got.append(Got(request.url.path, dict(request.headers), await request.body()))
        status, body = self.usual
        return self.answers.pop(0) if self.answers else Response(body, status)


@contextmanager
def providing(*, port: int = 0) -> Iterator[Provider]:
    provider = Provider()
    with serve(provider.app, port=port) as served:
        provider.url = served.url
        yield provider
