"""The guard on outgoing connections: a carrier's host is resolved here, checked, and only the checked address is dialled.

Private, loopback, link-local and otherwise not public addresses are refused, whatever name leads to them and however often
the name changes its mind, except for origins that the operator's own settings name (a carrier's sandbox, a proxy).
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable

import httpx2

from .errors import CarrierUnavailable

Resolve = Callable[[str, int], Awaitable[list[str]]]
Dial = Callable[[str], httpx2.AsyncBaseTransport]


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to public addresses only. One pool of connections a host, so that no two hosts share a connection."""

    def __init__(self, *, resolve: Resolve | None = None, dial: Dial | None = None) -> None:
        self._resolve = resolve or _resolve
        self._dial = dial or _dialler()
        self._pools: dict[str, httpx2.AsyncBaseTransport] = {}
        self._trusted: set[tuple[str, int]] = set()

    def trust(self, url: str) -> None:
        """Allows the origin of a URL that the operator has set, wherever it leads."""
        self._trusted.add(_origin(httpx2.URL(url)))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host, port = _origin(request.url)
        addresses = await self._resolve(host, port)
        trusted = (host, port) in self._trusted
        if not trusted and request.url.scheme != "https":
            raise CarrierUnavailable(f"refused to ask {host} without TLS")
        if not addresses or not (trusted or all(public(address) for address in addresses)):
            raise CarrierUnavailable(f"refused to connect to {host}: it leads to an address that is not public")
        pool = self._pools.get(host) or await self._opened(host)
        dialled = httpx2.Request(
            request.method,
            request.url.copy_with(host=addresses[0]),
            headers=request.headers,  # the Host header keeps the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await pool.handle_async_request(dialled)

    async def _opened(self, host: str) -> httpx2.AsyncBaseTransport:
        """A pool of connections, made off the loop: reading the system's certificates for the first takes up to a second."""
        made = await asyncio.to_thread(self._dial, host)
        return self._pools.setdefault(host, made)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when written as IPv6 around an IPv4 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and (ip in _NAT64 or ip in _COMPATIBLE):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return public(str(inner))
        if ip not in _UNICAST:  # the rest is not handed out; the module does not know all of it
            return False
    return ip.is_global and not ip.is_multicast


_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def _origin(url: httpx2.URL) -> tuple[str, int]:
    return url.host, url.port or (443 if url.scheme == "https" else 80)


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host with a label that is too long
        raise CarrierUnavailable(f"cannot resolve {host}: {error}") from None
    return [str(entry[4][0]) for entry in found]


def _dialler() -> Dial:
    context: list[ssl.SSLContext] = []  # made at the first connection

    def dial(host: str) -> httpx2.AsyncBaseTransport:
        if not context:
            context.append(ssl.create_default_context())
        return httpx2.AsyncHTTPTransport(verify=context[0], trust_env=False)

    return dial
