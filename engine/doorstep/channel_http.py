"""The HTTP of channels: guarded as all that goes out, bounded in time and size, and sure of what may have been sent."""

import asyncio
from typing import Any

import httpx2

from .bodies import read_body
from .errors import CarrierError
from .guard import GuardedTransport
from .message import Deferred, InDoubt

LARGEST = 256 * 1024  # bytes of an answer
PATIENCE = 20.0  # seconds for a request, from the name's resolution to the end of its answer
_HEADERS = {"User-Agent": "Doorstep/1", "Accept-Encoding": "identity"}


class ChannelTransport(httpx2.AsyncBaseTransport):
    """What failed before a byte was written is Deferred; what failed after that may have been taken, and is InDoubt."""

    def __init__(self, guard: GuardedTransport, *, patience: float = PATIENCE) -> None:
        self._guard = guard
        self._patience = patience

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        sent = False

        async def trace(name: str, info: dict[str, Any]) -> None:
            nonlocal sent
            sent = sent or name.endswith(".send_request_headers.started")

        request.extensions = {**request.extensions, "trace": trace}
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._guard.handle_async_request(request)
                try:
                    body = await read_body(answer, LARGEST, what="the provider's answer")
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx2.TransportError, CarrierError) as error:
            reason = error.message if isinstance(error, CarrierError) else type(error).__name__
            raise (InDoubt if sent else Deferred)(f"no answer from {request.url.host}: {reason}") from None
        headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _LEFT_OUT]
        return httpx2.Response(answer.status_code, headers=headers, content=body)

    async def aclose(self) -> None:
        await self._guard.aclose()


# The body is unpacked already; a cookie would come back with the next message.
_LEFT_OUT = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie"})


def channel_client(guard: GuardedTransport, *, patience: float = PATIENCE) -> httpx2.AsyncClient:
    """A client for a channel: no proxies, no redirects, no cookies of another account."""
    transport = ChannelTransport(guard, patience=patience)
    return httpx2.AsyncClient(
        transport=transport, trust_env=False, timeout=patience, headers=_HEADERS, follow_redirects=False
    )
