"""Scripts that stand at one address for good, each in a file beside this one: that with which a shop's own page shows a
tracking page inside, and those by which a browser is told of an order."""

import gzip
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from .forms import Endpoint
from .responses import takes_gzip

_HOUR = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}  # there is no fingerprint in the address
_ELSEWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}


def _script(name: str, own: dict[str, str] | None = None) -> Endpoint:
    body = Path(__file__).with_name(name).read_bytes()
    packed = gzip.compress(body, 9, mtime=0)
    headers = {**_HOUR, **(own or {})}
    media_type = "text/javascript; charset=utf-8"

    async def script(request: Request) -> Response:
        if takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(packed, 200, {**headers, "Content-Encoding": "gzip"}, media_type)
        return Response(body, 200, headers, media_type)

    return script


embed = _script("embed.js", _ELSEWHERE)  # `GET /embed.js`
subscribe = _script("subscribe.js")  # `GET /subscribe.js`
service_worker = _script("service_worker.js")  # `GET /service-worker.js`
