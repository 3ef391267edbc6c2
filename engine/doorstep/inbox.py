"""What is signed and comes in by HTTP, from shop systems and from carriers: its body up to a cap, who sent it, and an answer
whatever happens.

All that is settled is answered with 2xx, also where there was nothing to do: else it is sent again, and the sender gives up in
the end.
"""

from collections.abc import Awaitable, Callable

import structlog
from anyio import to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from . import responses
from .errors import DoorstepError, StoreError
from .incoming import Incoming, Verdict

LARGEST = 2_000_000  # bytes

log = structlog.get_logger("doorstep.inbox")


class Outcome(Struct, frozen=True):
    """What became of it, in words for the sender and for who counts."""

    text: str
    status: int = 200

    @property
    def response(self) -> Response:
        headers = {"Connection": "close"} if self.status == 413 else {}
        return responses.json({"outcome": self.text}, status=self.status, headers=headers)


async def take(
    request: Request,
    verify: Callable[[Incoming], Verdict],
    keep: Callable[[Incoming], Awaitable[Outcome]],
    **named: str,
) -> Outcome:
    """Has `keep` settle what was sent, if `verify` says that it is genuine. Logs tell what is `named`, and nothing of it."""
    body = await _body(request)
    if body is None:
        return Outcome("too large", 413)
    incoming = Incoming(_headers(request), body, dict(request.query_params))
    try:
        match await to_thread.run_sync(verify, incoming):
            case Verdict.PING:
                return Outcome("ok")
            case Verdict.GENUINE:
                return await keep(incoming)
        log.warning("a webhook was not signed as it should be", **named)
        return Outcome("wrong signature", 401)
    except StoreError as error:
        log.error("a webhook could not be kept", reason=error.message, **named)
        return Outcome("try again", 503)
    except DoorstepError as error:  # sent again, it would be no better
        log.error("a webhook is of no use", error=type(error).__name__, **named)
        return Outcome("unusable")
    except Exception as error:  # the plugin's own; what it says may be personal
        log.error("a plugin failed over a webhook", error=type(error).__name__, **named)
        return Outcome("failed", 500)


def _headers(request: Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(request: Request) -> bytes | None:
    """The body, or None when it is too large; what is still under way is then not waited for."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)
