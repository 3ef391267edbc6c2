"""Lists of the API in pages, the newest first: where a page ends, as the parameter that asks for the next one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from .gate import Call
from .order import Instant
from .refusals import Fault, invalid

Place = tuple[datetime, str]  # of the last on a page: its time and its id
_Packed = tuple[Instant, Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}$")]]


def cursor(place: Place) -> str:
    return urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def place(cursor: str) -> Place:
    """Raises Refusal."""
    try:
        packed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, id = msgspec.msgpack.decode(packed, type=_Packed)
        return at.astimezone(UTC), id
    except (ValueError, OverflowError, msgspec.DecodeError):
        raise invalid(Fault("?after", "it is not the end of a page", "take it from the page before")) from None


def instant(text: str, path: str) -> datetime:
    """A time from the parameter at this path. Raises Refusal."""
    try:
        return msgspec.convert(text, Instant).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise invalid(
            Fault(path, "it is no time with an offset", "write 2026-11-22T10:00:00Z; + is %2B in a query")
        ) from None


def next_link(call: Call, path: str, after: str | None) -> dict[str, str]:
    """The header that names the next page; none where there is no more."""
    if after is None:
        return {}
    given = {name: value for name, value in msgspec.to_builtins(call.query).items() if value not in ("", None)}
    return {"Link": f'<{call.base}{path}?{urlencode({**given, "after": after})}>; rel="next"'}
