"""The store that a request is for: found by host and path, perhaps as a draft shows it."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

import structlog
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import responses
from .draft_links import PARAMETER, DraftLinks
from .patience import allowance
from .shops import Shop, Shops

log = structlog.get_logger("doorstep.routing")
_READS = frozenset({"GET", "HEAD"})
_SHARED = 0.25  # seconds that a request may wait, in all, for the server that processes share


class TrackRoute:
    """The page that is asked for most, found by its path alone: in front of the table of routes, which has it too."""

    def __init__(self, app: ASGIApp, *, page: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number = _tracked(scope)
        if not number:
            await self._app(scope, receive, send)
            return
        request = Request({**scope, "path_params": {"number": number}}, receive, send)
        response = await self._page(request)
        await response(scope, receive, send)


def _tracked(scope: Scope) -> str:
    """What `GET /track/{number}` names; "" for other requests."""
    if scope["type"] != "http" or scope["method"] not in _READS:
        return ""
    path: str = scope["path"]
    root, _, number = path.rpartition("/track/")
    return number if root == scope["root_path"] and "/" not in number else ""


class StoreRouter:
    """Finds the store a request is for, and hands it on with the store's path as root path; health checks have no store."""

    def __init__(self, shops: Shops, inner: ASGIApp, outside: Starlette, drafts: DraftLinks) -> None:
        self._shops = shops
        self._drafts = drafts
        self._inner = inner
        self._outside = outside
        self._own = frozenset(route.path for route in outside.routes if isinstance(route, Route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        send = responses.protected(send)
        if scope["path"] in self._own:
            await self._outside(scope, receive, send)
            return
        headers = responses.headers_of(scope)
        # One is the proxy's, another ours (RFC 9112, 3.2); mostly no name is there twice.
        if len(headers) < len(scope["headers"]) and _hosts(scope) > 1:
            await PlainTextResponse("There must be one Host header.", 400)(scope, receive, send)
            return
        shop = self._shops.find(headers.get(b"host", b"").decode("latin-1"), scope["path"])
        if shop is None:
            await PlainTextResponse("There is no shop at this address.", 404)(scope, receive, send)
            return
        await _prepared(shop, scope["query_string"], headers.get(b"accept-language", b""))
        if PARAMETER.encode() in scope["query_string"]:
            params = QueryParams(scope["query_string"])
            draft = shop.drafts.get(self._drafts.read(params.get(PARAMETER, ""), shop.id) or "")
            if draft is None:
                await _without_draft(scope, params)(scope, receive, send)
                return
            shop, send = draft, responses.for_one_only(send)
        if scope["path"] == shop.config.path != "":
            scope = {**scope, "path": scope["path"] + "/"}
        state = {**scope.get("state", {}), "shop": shop}
        try:
            with allowance(_SHARED):
                await self._inner({**scope, "root_path": shop.config.path, "state": state}, receive, send)
        except Exception as error:  # its page has gone out; a server would log it with all values that are in its text
            log.exception("a request failed", error=type(error).__name__)


def _hosts(scope: Scope) -> int:
    return sum(name == b"host" for name, _ in scope["headers"])


async def _prepared(shop: Shop, query: bytes, accepted: bytes) -> None:
    """Nobody who makes a page holds the loop for a language that is asked for the first time."""
    asked = QueryParams(query).get("lang", "") if b"lang" in query else ""
    await shop.prepare(shop.language(asked, accepted.decode("latin-1")))


def _without_draft(scope: Scope, params: QueryParams) -> Response:
    """On to what everybody sees: the link to the draft holds no longer, or never did."""
    others = urlencode([(name, value) for name, value in params.multi_items() if name != PARAMETER])
    path = quote("/" + scope["path"].lstrip("/"))  # with two slashes it would be another host
    return RedirectResponse(f"{path}?{others}" if others else path, 307, {"Cache-Control": "no-store"})
