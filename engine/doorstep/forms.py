"""Who may send a form: the page's own origin, and nobody else. No token in the page, so that a page can be shared."""

from urllib.parse import urlsplit

from starlette.requests import Request


def own_origin(request: Request) -> bool:
    """Whether a POST comes from this site: by `Sec-Fetch-Site`, or by `Origin` where a browser is too old to send it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
