"""Where mail is handed over, from one address."""

from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from doorstep import Secret

_PORTS = {"smtp": 587, "smtps": 465}


class Server(Struct, frozen=True):
    """A mail server, and who sends by it. `implicit`: TLS begins with the connection."""

    host: str
    port: int
    user: str
    password: Secret
    implicit: bool

    @property
    def is_here(self) -> bool:
        """Whether what goes there stays on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def server_of(url: str) -> Server:
    """Raises ValueError, which does not tell what stands there: a password may."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        port, host, parts = None, None, urlsplit("")
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("url: Expected smtp://user:password@host:587 or smtps://…, with %40 for an @ in the password")
    user, password = unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    return Server(host, port or _PORTS[parts.scheme], user, password, parts.scheme == "smtps")
