"""Personal data at rest: sealed where it must be read again, hashed with the engine's secret where it is only compared.

The first secret key seals and hashes; all of them open and compare, so that a key can be changed without losing anything.
"""

import hmac
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import StoreError
from .message import Reach
from .secret import Secret


class Vault:
    """Seals bytes, and hashes e-mail addresses and postcodes as people write them."""

    def __init__(self, secret_keys: Sequence[Secret]) -> None:
        texts = [key.reveal() for key in secret_keys]
        self._fernet = MultiFernet([Fernet(_fernet_key(text)) for text in texts])
        self._pepper = [_derived(text, b"doorstep compare") for text in texts]

    def seal(self, data: bytes) -> bytes:
        return self._fernet.encrypt(data)

    def open(self, sealed: bytes) -> bytes:
        """Raises StoreError when it was sealed with a key that is gone, or is damaged."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise StoreError(
                "personal data cannot be read", next_step="put the former key back behind the first of secret_key"
            ) from None

    def email_hash(self, email: str) -> str:
        return self.email_hashes(email)[0]

    def email_hashes(self, email: str) -> list[str]:
        """What an address may be kept as: one for each key, the newest first."""
        return self._hashes("email", unicodedata.normalize("NFKC", email).strip().casefold())

    def postcode_hash(self, postcode: str) -> str:
        return self.postcode_hashes(postcode)[0]

    def postcode_hashes(self, postcode: str) -> list[str]:
        """As `email_hashes`, for a postcode: case, spaces and hyphens do not count."""
        written = unicodedata.normalize("NFKC", postcode).casefold()
        return self._hashes("postcode", "".join(char for char in written if char.isalnum()))

    def fingerprints(self, data: bytes) -> list[str]:
        """As `email_hashes`, for bytes that are only compared."""
        return self._hashes("bytes", sha256(data).hexdigest())

    def contact_hashes(self, reach: Reach, address: str) -> list[str]:
        """What an address is kept as, by whichever way it is written to; an e-mail address as `email_hashes` has it."""
        return self.email_hashes(address) if reach is Reach.EMAIL else self.fingerprints(f"{reach} {address}".encode())

    def _hashes(self, kind: str, text: str) -> list[str]:
        message = f"{kind}\x1f{text}".encode()
        return [hmac.new(pepper, message, sha256).hexdigest() for pepper in self._pepper]


def same(kept: str | None, offered: Sequence[str]) -> bool:
    """Whether one of the hashes is the one kept; in the same time whichever it is, and when nothing is kept."""
    found = False
    for one in offered:
        found |= hmac.compare_digest(kept or "\0" * len(one), one)
    return found and kept is not None


def _fernet_key(secret: str) -> bytes:
    return urlsafe_b64encode(_derived(secret, b"doorstep seal"))


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(secret.encode())
