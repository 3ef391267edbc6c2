"""Who may send a form: the page's own origin, and nobody else. No token in the page, so that a page can be shared."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .addresses import host_of

Endpoint = Callable[[Request], Awaitable[Response]]


def own_origin(request: Request) -> bool:
    """Whether a POST comes from this site: by `Sec-Fetch-Site`, or by `Origin` where a browser is too old to send it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and host_of(origin) == request.headers.get("host")


def from_own_pages(endpoint: Endpoint) -> Endpoint:
    """The endpoint of a form, for this site's own pages only."""

    async def guarded(request: Request) -> Response:
        if not own_origin(request):
            return PlainTextResponse("This form was sent from another site.", 403)
        return await endpoint(request)

    return guarded
