"""What every answer to a browser or program carries: headers that protect, a tag to ask again with, compression."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from markupsafe import Markup
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope, Send

from .near import Header, Page, Span
from .tallies import Glance

try:
    from isal.isal_zlib import compress
except ImportError:  # it is optional
    from zlib import compress

_SMALLEST_PACKED = 500
_LONG = 2000  # characters of a piece that is likely the same on the next page
# The level: of gzip a tenth more bytes than its usual one for a third less work; of isal as few bytes in half of that.
_QUICKLY = 1
_GZIP = 31  # of zlib's windows the largest, in a gzip file without a time
_GZIPPED = (b"content-encoding", b"gzip")
_HEADERS = "doorstep.headers"  # in the scope of a request
_OF_A_304 = frozenset({b"etag", b"cache-control", b"vary", b"content-language", b"cache-status"})

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers would post our own forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",  # of whatever does not say otherwise
    # Of what is no page: opened by itself it runs nothing and loads nothing, and no page frames it.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
# Of files, which strangers may have made: an SVG may hold a script. Its styles it keeps, also where a page shows it.
# (Not of all that is no page: a browser runs no service worker from a sandbox.)
SANDBOX = f"{SECURITY['Content-Security-Policy']}; sandbox"
SANDBOX_WITH_STYLES = f"{SANDBOX}; style-src 'unsafe-inline'; img-src data:"
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]


def protected(send: Send) -> Send:
    """A `send` that adds the protecting headers to whatever goes out: pages, files, redirects, refusals. With a 304 the
    reader goes by those of the page that it has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 304:
            message["headers"] = _with_security(message["headers"])
        await send(message)

    return sending


def _with_security(own: list[Header]) -> list[Header]:
    if _SECURITY[0] in own:  # a page has them all
        return own
    named = {name for name, _ in own}
    return [header for header in _SECURITY if header[0] not in named] + own


def for_one_only(send: Send) -> Send:
    """A `send` after which nobody keeps what goes out."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Cache-Control"] = "private, no-store"
        await send(message)

    return sending


@lru_cache(256)
def content_security_policy(image_hosts: tuple[str, ...] = (), embed_origins: tuple[str, ...] = ()) -> str:
    """Nothing inline, nothing from elsewhere but the shop's own images; in frames of the shop's own pages only."""
    images = " ".join(["'self'", "data:", *(f"https://{host}" for host in image_hosts)])
    frames = ("'self'", *embed_origins)
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; font-src 'self'; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {' '.join(frames)}"
    )


def page(
    request: Request, pieces: list[str], *, language: str, status: int = 200, csp: str, headers: Mapping[str, str]
) -> "Finished":  # fmt: skip
    """A page that may be shared (proof level 0), unless its headers say otherwise; with an ETag."""
    body = b"".join([_encoded(piece) if len(piece) > _LONG else piece.encode() for piece in pieces])
    own = {name.lower().encode(): value.encode("latin-1") for name, value in headers.items()}
    usual = [header for header in _usual(csp, language, status) if header[0] not in own]
    if len(body) >= _SMALLEST_PACKED and takes_gzip(sent(request, b"accept-encoding")):
        body = compress(body, _QUICKLY, _GZIP)
        usual.append(_GZIPPED)
    etag = b'W/"%s"' % sha256(body).hexdigest()[:24].encode()  # of what is sent: a fifth of the page to read
    own[b"etag"] = etag
    own[b"content-length"] = b"%d" % len(body)
    shared = own[b"cache-control"].startswith(b"public") if b"cache-control" in own else status < 400
    return Finished(body, status, [*usual, *own.items()], etag, shared)


_encoded = lru_cache(16)(str.encode)  # the menu of languages is on every page, and its letters are not ASCII's


@lru_cache(256)
def _usual(csp: str, language: str, status: int) -> tuple[Header, ...]:
    """The headers that a page has in common with others, in the bytes that they have in common too."""
    own = [
        (b"content-security-policy", csp.encode("latin-1")),
        (b"content-language", language.encode("latin-1")),
        (b"vary", b"Accept-Language, Accept-Encoding"),
        (b"cache-control", b"public, max-age=0, must-revalidate" if status < 400 else b"no-store"),
        (b"content-type", b"text/html; charset=utf-8"),
    ]
    return tuple(_with_security(own))


class Finished(Response):
    """A page whose headers are all there, as they are sent; `glance` is what is counted of it."""

    def __init__(
        self, body: bytes, status: int, headers: list[Header], etag: bytes, may_be_shared: bool,
        glance: Glance | None = None,
    ) -> None:  # fmt: skip
        self.etag = etag
        self.may_be_shared = may_be_shared
        self.glance = glance
        self.body = body
        self.status_code = status
        self.background = None
        self.raw_headers = headers


def again(page: Finished) -> Finished:
    """The same page for another reader."""
    headers = list(page.raw_headers)
    return Finished(bytes(page.body), page.status_code, headers, page.etag, page.may_be_shared, page.glance)


def finished(page: Finished, span: Span, fetched_at: datetime, fresh_until: datetime, tags: tuple[str, ...]) -> Page:
    """A page with all its headers, to be sent again as it is; `Cache-Status` is said anew each time."""
    own = [header for header in page.raw_headers if header[0] != b"cache-status"]
    return Page(
        bytes(page.body),
        page.etag,
        tuple(own),
        tuple(of_a_304(own)),
        span,
        fetched_at,
        fresh_until,
        tags,
        page.glance,
    )


def unless_known(request: Request, page: Finished) -> Response:
    """The page, or 304 when the reader has it already."""
    known = sent(request, b"if-none-match")
    if page.status_code != 200 or not known or not names(known.encode("latin-1"), page.etag):
        return page
    unchanged = Response(None, 304)
    unchanged.raw_headers = of_a_304(page.raw_headers)
    return unchanged


def names(known: bytes, etag: bytes) -> bool:
    """Whether this `If-None-Match` names the tag of an answer, as RFC 9110 compares there (13.1.2): a weak tag and a strong one
    of the same letters are one, and a star is any."""
    opaque = etag.removeprefix(b"W/")
    is_named = known.find(opaque) >= 0 or known.strip() == b"*"  # `in` would raise and catch an error first
    return opaque != b"" and is_named


def of_a_304(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that a 304 has of those of a 200 (RFC 9110, section 15.4.5): the rest the reader has kept with the page."""
    return [header for header in headers if header[0] in _OF_A_304]


def cache_status(now: datetime, fresh_until: datetime | None, *, asked: bool) -> dict[str, str]:
    """`Cache-Status` (RFC 9211) of an answer: kept and for how many seconds still fresh, or asked for. Nothing where nobody
    could be asked."""
    if asked:
        return {"Cache-Status": "doorstep; fwd=miss"}
    if fresh_until is None:
        return {}
    return {"Cache-Status": hit(now, fresh_until).decode()}


def hit(now: datetime, fresh_until: datetime) -> bytes:
    return b"doorstep; hit; ttl=%d" % (fresh_until - now).total_seconds()


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers of a request by their names in lower case, of each the first; read once for all who ask."""
    if _HEADERS not in scope:
        scope[_HEADERS] = dict(reversed(scope["headers"]))
    found: Mapping[bytes, bytes] = scope[_HEADERS]
    return found


def sent(request: Request, name: bytes) -> str:
    """A header of a request, the first of its name (in lower case), or ""."""
    return headers_of(request.scope).get(name, b"").decode("latin-1")


def takes_gzip(accept_encoding: str) -> bool:
    return "gzip" in accept_encoding


def json(
    value: Any, *, status: int = 200, language: str = "", headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:  # fmt: skip
    """Any msgspec value as JSON; never cached."""
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if language:
        all_headers |= {"Content-Language": language, "Vary": "Accept-Language"}
    return Response(msgspec.json.encode(value, enc_hook=plain), status, all_headers, media_type)


def plain(value: Any) -> str:
    """What msgspec does not write itself: cleaned HTML, as its text."""
    if isinstance(value, Markup):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    instance: str,
    language: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """An RFC 9457 problem document in the caller's language. `code` is stable; `more` are extension members."""
    document = {
        "type": f"urn:doorstep:problem:{code.replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        **more,
    }
    return json(
        document, status=status, language=language, headers=headers, media_type="application/problem+json"
    )  # fmt: skip
