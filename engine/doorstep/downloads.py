"""Files that the shop's settings name, over HTTP: asked for again only if they have changed, bounded in size and time.

Where the settings lead may be inside the operator's network; where a redirect leads from there may not.
"""

import asyncio
import ssl
from contextlib import aclosing, suppress

import httpx2
from msgspec import Struct

from .bodies import read_body
from .clock import Clock
from .errors import CarrierError, ProtocolError, SourceError
from .guard import GuardedTransport
from .waits import retry_after

PATIENCE = 30.0  # seconds for the whole of it
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OF_THE_SERVER = frozenset({408, 429})  # and 5xx
_ABSENT = frozenset({404, 410})
_HEADERS = {"User-Agent": "Doorstep/1", "Accept-Encoding": "gzip"}


class Validators(Struct, frozen=True):
    """What a server said by which to ask whether something has changed (RFC 9110, section 8.8)."""

    etag: str = ""
    modified: str = ""

    def conditions(self) -> dict[str, str]:
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in named.items() if value}


class Download(Struct, frozen=True):
    """A body as it came, unpacked, and its content type."""

    body: bytes
    type: str
    validators: Validators


class Downloads:
    """One per process; close it with `aclose()`."""

    def __init__(self, *, clock: Clock, transport: GuardedTransport | None = None, patience: float = PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._transport = transport or GuardedTransport()

    async def aclose(self) -> None:
        await self._transport.aclose()

    def trust(self, url: str) -> None:
        """Allows the origin of a URL that the operator has set, wherever it leads; what is none allows nothing."""
        with suppress(httpx2.InvalidURL):
            self._transport.trust(url)

    async def get(self, url: str, known: Validators, largest: int) -> Download | None:
        """None where it has not changed since it was `known`. Raises SourceError, which names the host alone: the rest of an
        address may hold a key, or what somebody bought."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._followed(httpx2.URL(url), known, largest)
        except TimeoutError:
            raise SourceError(f"no whole answer within {self._patience:g} s", server=True) from None
        except ProtocolError as error:  # about the body
            raise SourceError(error.message) from None
        except CarrierError as error:  # the guard's
            raise SourceError(error.message, server=True) from None
        except (httpx2.HTTPError, OSError, ssl.SSLError) as error:
            raise SourceError(f"no connection: {type(error).__name__}", server=True) from None
        except (httpx2.InvalidURL, ValueError):
            raise SourceError("its address is none, or leads to one that is none") from None

    async def _followed(self, url: httpx2.URL, known: Validators, largest: int) -> Download | None:
        for _ in range(_MOST_REDIRECTS + 1):
            request = httpx2.Request("GET", url, headers={**_HEADERS, **known.conditions()})
            response = await self._transport.handle_async_request(request)
            async with aclosing(response):
                if response.status_code not in _REDIRECTS:
                    return await self._read(response, largest)
                url = _next(url, response.headers.get("location", ""))
        raise SourceError(f"more than {_MOST_REDIRECTS} redirects")

    async def _read(self, response: httpx2.Response, largest: int) -> Download | None:
        status = response.status_code
        if status == 304:
            return None
        if status != 200:
            after = retry_after(response.headers.get("retry-after", ""), self._clock.now())
            of_the_server = status >= 500 or status in _OF_THE_SERVER
            raise SourceError(f"HTTP {status}", server=of_the_server, absent=status in _ABSENT, retry_after=after)
        body = await read_body(response, largest, what="its body")
        said = Validators(response.headers.get("etag", ""), response.headers.get("last-modified", ""))
        return Download(body, response.headers.get("content-type", ""), said)


def _next(url: httpx2.URL, location: str) -> httpx2.URL:
    """Where a redirect leads: no way from TLS to none."""
    target = url.join(location)
    if not location or target.scheme not in ("https", url.scheme) or target.userinfo:
        raise SourceError("it redirects to where nobody may follow")
    return target
