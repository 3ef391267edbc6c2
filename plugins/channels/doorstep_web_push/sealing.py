"""What only the browser can read (RFC 8291), and by what the push service knows who sends (RFC 8292)."""

import binascii
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

MOST = 3993  # bytes of a message: a push service takes 4096 with what seals it
_RECORD = 4096
_CURVE = ec.SECP256R1()
_AUTH = 16
_SALT = 16
_LAST = b"\x02"  # delimiter of the last record (RFC 8188)


class Browser(Struct, frozen=True):
    """To whom it is sealed: the subscription's public key and its secret."""

    public: ec.EllipticCurvePublicKey
    auth: bytes


def browser(p256dh: str, auth: str) -> Browser:
    """Raises ValueError."""
    secret = unbase64(auth)
    if len(secret) != _AUTH:
        raise ValueError("auth: Expected 16 bytes")
    return Browser(ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, unbase64(p256dh)), secret)


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """A private key: base64url of its 32 bytes. Raises ValueError."""
    number = unbase64(text)
    if len(number) != 32:
        raise ValueError("Expected 32 bytes as base64url")
    return ec.derive_private_key(int.from_bytes(number), _CURVE)


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sealed(
    text: bytes, to: Browser, *, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The text in one record of `aes128gcm`, with a key and a salt of its own."""
    own = own or ec.generate_private_key(_CURVE)
    salt = salt or os.urandom(_SALT)
    ours, theirs = point(own.public_key()), point(to.public)
    shared = own.exchange(ec.ECDH(), to.public)
    secret = _derived(shared, to.auth, b"WebPush: info\x00" + theirs + ours, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
    head = salt + _RECORD.to_bytes(4) + len(ours).to_bytes(1) + ours
    return head + AESGCM(key).encrypt(nonce, text + _LAST, None)


def token(key: ec.EllipticCurvePrivateKey, *, audience: str, subject: str, expires: int) -> str:
    """A JWT by ES256."""
    head = _part({"typ": "JWT", "alg": "ES256"})
    claims = _part({"aud": audience, "exp": expires, "sub": subject})
    r, s = decode_dss_signature(key.sign(f"{head}.{claims}".encode(), ec.ECDSA(SHA256())))
    return f"{head}.{claims}.{base64(r.to_bytes(32) + s.to_bytes(32))}"


def base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("Expected base64url") from None


def _part(content: dict[str, str | int]) -> str:
    return base64(msgspec.json.encode(content))


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=salt, info=info).derive(secret)
