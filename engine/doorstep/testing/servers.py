"""Real HTTP on loopback for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from ..serving import on_loopback


class Served(Struct, frozen=True):
    """Where the application listens: `url` is http://127.0.0.1:PORT."""

    url: str
    port: int


@contextmanager
def serve(app: Any, *, port: int = 0) -> Iterator[Served]:
    """Serves an ASGI application on a free port of loopback (or the one named) while the block runs."""
    with on_loopback(app, port=port) as url:
        yield Served(url, int(url.rpartition(":")[2]))
