"""The script with which a shop's own page shows a tracking page inside: `<doorstep-tracker>`, and frames that grow."""

import gzip
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from . import responses

_SCRIPT = Path(__file__).with_name("embed.js").read_bytes()
_PACKED = gzip.compress(_SCRIPT, 9, mtime=0)
_HEADERS = {
    "Cache-Control": "public, max-age=3600",  # shops write its address into their pages, so it has no fingerprint
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
}


async def script(request: Request) -> Response:
    """`GET /embed.js`."""
    media_type = "text/javascript; charset=utf-8"
    if responses.takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(_PACKED, 200, {**_HEADERS, "Content-Encoding": "gzip"}, media_type)
    return Response(_SCRIPT, 200, _HEADERS, media_type)
