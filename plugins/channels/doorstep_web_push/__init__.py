"""Messages in the browser: sealed for it alone, by whichever push service its maker runs.

The address of a subscription comes from a browser and may be anything: it is asked over TLS, on the public internet only.
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx2
import msgspec
from msgspec import Meta, Struct

from doorstep import Bounced, Channel, Message, ProviderChannel, ProviderSettings, Reach, Refused, Secret, hookimpl

from .sealing import MOST, Browser, base64, browser, point, private_key, sealed, token

_LASTS = timedelta(hours=12)  # of a token; push services take a day at most
_GONE = frozenset({404, 410})
# Whoever answers is the browser's choice: what it says is of its subscription, and says nothing of the account.
_OWN = _GONE | {301, 302, 303, 307, 308, 400, 401, 402, 403, 405, 413}
_LONGEST = 2000  # characters of an address
_LONGEST_NAME = 128


class Settings(ProviderSettings, frozen=True, kw_only=True):
    """`key` is the private key (`doorstep messages push-key` makes one): who changes it loses all subscriptions. `subject` is
    where a push service reaches the shop, `mailto:…` or `https://…`. What a browser does not fetch within `keep_hours` is
    dropped."""

    key: Secret
    subject: Annotated[str, Meta(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$")]
    keep_hours: Annotated[int, Meta(ge=0, le=24 * 28)] = 24

    def __post_init__(self) -> None:
        try:
            private_key(self.key.reveal())
        except ValueError:
            raise ValueError("key is none; make one with: doorstep messages push-key") from None


class _Keys(Struct, frozen=True):
    p256dh: str
    auth: str


class _Subscription(Struct, frozen=True):
    endpoint: str
    keys: _Keys


class WebPush(ProviderChannel[Settings]):
    """`public_key` is what a browser subscribes with (`applicationServerKey`)."""

    name = "web_push"
    reach = Reach.PUSH

    def __init__(self, settings: Settings, http: httpx2.AsyncClient) -> None:
        super().__init__(settings, http)
        self._key = private_key(settings.key.reveal())
        self.public_key = base64(point(self._key.public_key()))

    async def send(self, message: Message) -> str:
        endpoint, to = _subscriber(message.to)
        response = await self.post(endpoint, sealed(_payload(message), to), self._headers(endpoint, message), own=_OWN)
        if response.status_code in _GONE:
            raise Bounced(f"the browser takes no messages any more (HTTP {response.status_code})")
        if not response.is_success:
            raise Refused(f"the push service refuses the message (HTTP {response.status_code})")
        name = response.headers.get("location", "")
        return name if len(name) <= _LONGEST_NAME else ""

    def _headers(self, endpoint: str, message: Message) -> dict[str, str]:
        expires = int((datetime.now(UTC) + _LASTS).timestamp())
        parts = urlsplit(endpoint)
        signed = token(
            self._key, audience=f"{parts.scheme}://{parts.netloc}", subject=self.settings.subject, expires=expires
        )
        return {
            "TTL": str(self.settings.keep_hours * 3600),
            "Urgency": "high" if message.kind.presses else "normal",
            "Topic": self._topic(message),
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "Authorization": f"vapid t={signed}, k={self.public_key}",
        }

    def _topic(self, message: Message) -> str:
        """What is not fetched yet is replaced by what is newer about the same parcel. The push service learns no number."""
        about = "\x1f".join((message.store, *(str(message.event.get(name, "")) for name in ("order", "parcel"))))
        return base64(hmac.digest(self.settings.key.reveal().encode(), about.encode(), sha256)[:24])


def _subscriber(to: Secret) -> tuple[str, Browser]:
    try:
        given = msgspec.json.decode(to.reveal(), type=_Subscription)
        parts = urlsplit(given.endpoint)
        if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("no address of the web")
        if len(given.endpoint) > _LONGEST or not given.endpoint.isprintable() or " " in given.endpoint:
            raise ValueError("no address")
        httpx2.URL(given.endpoint)
        return given.endpoint, browser(given.keys.p256dh, given.keys.auth)
    except (msgspec.MsgspecError, ValueError, httpx2.InvalidURL, RecursionError):
        raise Bounced("this is no subscription of a browser") from None


def _payload(message: Message) -> bytes:
    """JSON for the page's service worker, within what a push service takes: the end of the words goes first, never the link."""
    title, body = message.subject, message.preheader
    while len(written := _written(title, body, message.link)) > MOST:
        over = len(written) - MOST
        if body:
            body = body[: -max(1, over // 4)]
        elif title:
            title = title[: -max(1, over // 4)]
        else:
            raise Refused("its link alone is more than a push service takes")
    return written


def _written(title: str, body: str, url: str) -> bytes:
    return msgspec.json.encode({"title": title, "body": body, "url": url})


@hookimpl
def register_channels(register: Callable[[type[Channel[Any]]], None]) -> None:
    register(WebPush)
