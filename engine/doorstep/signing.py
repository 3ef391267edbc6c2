"""Standard Webhooks 1.0.0: the headers by which a receiver knows who sent a webhook, and the secrets for them."""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from .errors import ConfigError
from .incoming import Incoming, is_any
from .secret import Secret

_PREFIX = "whsec_"
_LENGTHS = range(24, 65)  # bytes, as the specification says
_DIGITS = 12  # of a time in seconds
_TOLERANCE = timedelta(minutes=5)  # by which clocks may differ, and no older may what comes in be


def new_secret() -> str:
    """A fresh secret, as it is written in the settings and given to the receiver."""
    return _PREFIX + b64encode(secrets.token_bytes(32)).decode()


class Signer:
    """Signs with the first of the secrets, and with the others beside it while one is changed.

    `setting` is where they stand. Raises ConfigError for what is no secret.
    """

    def __init__(self, secrets: Sequence[Secret], *, setting: str) -> None:
        if not secrets:
            raise ConfigError(f"{setting} is empty", next_step="put one in: doorstep webhooks secret")
        self._keys = [_key(secret, setting) for secret in secrets]

    def headers(self, id: str, at: datetime, body: bytes) -> dict[str, str]:
        """The three headers of one attempt, made at `at`. The bytes of `body` are what must be sent."""
        timestamp = str(int(at.timestamp()))
        return {
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(self._signatures(id, timestamp, body)),
        }

    def signed(self, incoming: Incoming, now: datetime) -> bool:
        """Whether somebody with one of the secrets signed this, and just now."""
        id, timestamp = incoming.header("webhook-id"), incoming.header("webhook-timestamp")
        if not (id and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS):
            return False
        made = self._signatures(id, timestamp, incoming.body)
        genuine = [is_any(made, one) for one in incoming.header("webhook-signature").split()]
        return any(genuine) and abs(now.timestamp() - int(timestamp)) <= _TOLERANCE.total_seconds()

    def _signatures(self, id: str, timestamp: str, body: bytes) -> list[str]:
        signed = b".".join([id.encode(), timestamp.encode(), body])
        return [f"v1,{b64encode(hmac.digest(key, signed, sha256)).decode()}" for key in self._keys]


def _key(secret: Secret, setting: str) -> bytes:
    prefix, encoded = secret.reveal()[: len(_PREFIX)], secret.reveal()[len(_PREFIX) :]
    try:
        key = b64decode(encoded.encode(), validate=True)
    except binascii.Error:
        key = b""
    if prefix != _PREFIX or len(key) not in _LENGTHS:
        raise ConfigError(
            f"{setting} is not {_PREFIX} and the base64 of 24 to 64 bytes",
            next_step="make one: doorstep webhooks secret",
        )
    return key
