"""One request out, one response in: built, bounded, logged without secrets, and judged before a plugin sees it."""

from datetime import datetime
from urllib.parse import urlencode
from xml.etree.ElementTree import tostring

import httpx2
import msgspec

from .bodies import read_body
from .clock import Clock
from .errors import (
    AuthExpired,
    AuthRefused,
    CarrierError,
    CarrierUnavailable,
    PluginFailed,
    ProtocolError,
    RateLimited,
)
from .exchange import Request, Response
from .guard import GuardedTransport
from .plugins import Account
from .waits import retry_after
from .wire import Wire

LARGEST_BODY = 2 * 1024 * 1024
_HEADERS = {"User-Agent": "Doorstep/1", "Accept-Encoding": "gzip"}


class Sender:
    """The only thing in Doorstep that opens connections to carriers. One per process; close it with `aclose()`."""

    def __init__(self, *, clock: Clock, transport: GuardedTransport, timeout: float) -> None:
        self._clock = clock
        self._transport = transport
        self._client = httpx2.AsyncClient(transport=transport, trust_env=False, timeout=timeout, headers=_HEADERS)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, request: Request, account: Account, wire: Wire) -> Response:
        """The response that the plugin shall see. Raises a CarrierError for every other."""
        try:
            outgoing = self._built(request, account)
        except (httpx2.InvalidURL, AttributeError, ValueError, TypeError) as error:
            raise PluginFailed(f"the request cannot be built: {error}") from None
        wire.asked(outgoing.method, str(outgoing.url), outgoing.headers, outgoing.content)
        started = self._clock.monotonic()
        try:
            # Not by the client: it writes the address, with the number in it, to the log of an application around Doorstep,
            # and gives one account's cookies to the next.
            incoming = await self._transport.handle_async_request(outgoing)
            try:
                body = await read_body(incoming, LARGEST_BODY, what="the carrier's answer")
            finally:
                await incoming.aclose()
        except httpx2.HTTPError as error:
            wire.failed(type(error).__name__)
            raise CarrierUnavailable(f"no connection to {outgoing.url.host}: {type(error).__name__}") from None
        except CarrierError as error:
            wire.failed(error.message)
            raise
        wire.answered(incoming.status_code, self._clock.monotonic() - started, body)
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        response = Response(incoming.status_code, headers, body)
        _judge(request, response, self._clock.now())
        return response

    def _built(self, request: Request, account: Account) -> httpx2.Request:
        """The request as it goes out. Raises PluginFailed for a host that the manifest does not name."""
        manifest = account.carrier.manifest
        url = (account.endpoint or manifest.endpoint).rstrip("/") + request.path
        if not request.path.startswith("/"):
            host = httpx2.URL(request.path).host
            if host not in manifest.hosts:
                raise PluginFailed(f"the plugin asks {host!r}", next_step="list the host in carrier.toml: hosts = […]")
            own = account.endpoint
            url = f"{own.rstrip('/')}/{request.path.partition('://')[2]}" if own else request.path
        headers = dict(request.headers)
        content = request.body
        if request.json is not None:
            content = msgspec.json.encode(request.json)
            headers.setdefault("Content-Type", "application/json")
        elif request.xml is not None:
            content = tostring(request.xml, encoding="utf-8", xml_declaration=True)
            headers.setdefault("Content-Type", "text/xml; charset=utf-8")
        elif request.form is not None:
            content = urlencode(dict(request.form)).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        params = dict(request.params) or None
        return self._client.build_request(request.method, url, params=params, headers=headers, content=content)


def _judge(request: Request, response: Response, now: datetime) -> None:
    """Raises for what the plugin need not see: a refused credential, a limit, a redirect, a failing server."""
    status = response.status
    if status in request.accept or 200 <= status < 300 or status in (400, 404):
        return
    if status == 401:
        raise AuthExpired("the carrier does not accept the credential (HTTP 401)")
    if status == 403:
        raise AuthRefused("the carrier refuses this account (HTTP 403)")
    after = retry_after(response.headers.get("retry-after", ""), now)
    if status == 429:
        raise RateLimited("the carrier says: too many requests (HTTP 429)", retry_after=after)
    if status >= 500:
        raise CarrierUnavailable(f"the carrier's server fails (HTTP {status})", retry_after=after)
    raise ProtocolError(f"the carrier answered HTTP {status}, which its documentation does not foresee")
