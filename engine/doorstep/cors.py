"""Scripts of other origins may ask the API where the store's settings name the origin. No cookies, so no credentials."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .shops import Shop

_API = "/api/v1/"
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate"


class Cors:
    """Around the application of the stores."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        shop: Shop = scope["state"]["shop"]
        allowed = shop.config.allowed_origins
        if not allowed or not scope["path"].startswith(shop.config.path + _API):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        added = {"Access-Control-Allow-Origin": origin} if origin in allowed else {}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered.add_vary_header("Origin")
                answered.update(added | ({"Access-Control-Expose-Headers": _EXPOSED} if added else {}))
            await send(message)

        if added and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await Response(None, 204, _ALLOWED)(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)
