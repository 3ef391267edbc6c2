"""Standard Webhooks 1.0.0: the headers by which a receiver knows who sent a webhook, and the secrets for them."""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from .errors import ConfigError
from .secret import Secret

_PREFIX = "whsec_"
_LENGTHS = range(24, 65)  # bytes, as the specification says


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
        signed = b".".join([id.encode(), timestamp.encode(), body])
        signatures = [b64encode(hmac.digest(key, signed, sha256)).decode() for key in self._keys]
        return {
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        }


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
