"""A browser's subscription to pushes, as a page has it of the browser (W3C Push API, PushSubscriptionJSON)."""

from base64 import b64encode
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from .addresses import is_web_address

_LONGEST = 2000  # characters of an endpoint


class _Keys(Struct, frozen=True):
    """A point of P-256, which is 65 bytes, and 16 bytes that are secret (RFC 8291, section 3), both base64url."""

    p256dh: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{87}=?$")]
    auth: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}(==)?$")]


class _Subscription(Struct, frozen=True):
    endpoint: Annotated[str, Meta(max_length=_LONGEST)]
    keys: _Keys


def push_subscription(written: str) -> str:
    """The subscription that a page sent, with what is needed to push and nothing more; "" for what is none."""
    try:
        found = msgspec.json.decode(written, type=_Subscription)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return ""
    fits = found.endpoint.isprintable() and is_web_address(found.endpoint)
    return msgspec.json.encode(found).decode() if fits else ""


def endpoint_hash(subscription: str) -> str:
    """By which a page's script knows its own browser again: SHA-256 of the endpoint, base64."""
    endpoint = msgspec.json.decode(subscription, type=_Subscription).endpoint
    return b64encode(sha256(endpoint.encode()).digest()).decode()
