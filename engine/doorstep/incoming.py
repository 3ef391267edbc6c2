"""What others send by themselves and sign: a shop system's webhooks, a carrier's pushes. No I/O.

Who sent it is told by a secret: in a signature over the body as it came, or, where the sender signs nothing, in a header. Every
secret is compared in the same time, whichever is right and wherever the first difference is.
"""

import base64
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from .errors import ProtocolError
from .secret import Secret
from .tree import Tree


class Incoming(Struct, frozen=True):
    """What was sent: headers by their names in lower case (one that came twice has both values, with a comma between), the body
    as it came, the query of the address."""

    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = {}

    def __repr__(self) -> str:
        """How long it is: some senders show a secret, and all tell of persons."""
        return f"Incoming({len(self.body)} bytes)"

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    def json(self) -> Tree:
        """The body, a JSON object. Raises ProtocolError."""
        try:
            return Tree(msgspec.json.decode(self.body, type=dict[str, Any]))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"what was sent is not the JSON expected: {error}") from None


class Verdict(StrEnum):
    """Who sent it: whom it says it is from; somebody else; or it says nothing and only wants to be answered."""

    GENUINE = "genuine"
    REFUSED = "refused"
    PING = "ping"

    @classmethod
    def of(cls, genuine: bool) -> "Verdict":
        return cls.GENUINE if genuine else cls.REFUSED


class Pushed(Struct, frozen=True):
    """What a carrier pushed: `numbers` have news, and it is asked about them.

    `id` is the push's own, where the signature covers it: what is the same when the same is sent again; else the body is. So is
    `sent_at`: a push that is older than what is remembered, or from the future, is refused.
    """

    numbers: tuple[str, ...] = ()
    id: str = ""
    sent_at: datetime | None = None


def is_signed(body: bytes, secrets: Iterable[Secret | str], signature: str, *, hex: bool = False) -> bool:
    """Whether `signature` is the HMAC-SHA256 of the body with one of the secrets, in base64 or `hex`."""
    made = (hmac.digest(_text(secret).encode(), body, sha256) for secret in secrets)
    return is_any([one.hex() if hex else base64.b64encode(one).decode() for one in made], signature)


def is_any(secrets: Iterable[Secret | str], given: str) -> bool:
    """Whether `given` is one of the secrets, or of what is made with them. An empty text is none."""
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(_text(secret).encode(), given.encode("utf-8", "replace"))
    return found and bool(given)


def _text(secret: Secret | str) -> str:
    return secret if isinstance(secret, str) else secret.reveal()
