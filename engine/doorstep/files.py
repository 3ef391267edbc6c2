"""Documents as carriers send them, and how they are told apart: by their first bytes, whatever the carrier calls them."""

from base64 import b64decode

from msgspec import Struct

from .errors import ProtocolError

# An SVG may hold a script: whoever gives one out does so as a download or under a sandbox.
KINDS = {
    b"%PDF": "application/pdf", b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif",
    b"II*\x00": "image/tiff", b"MM\x00*": "image/tiff", b"<svg": "image/svg+xml",
}  # fmt: skip


class File(Struct, frozen=True):
    """A document: a proof of delivery, say. `name` is a file name without a path."""

    media_type: str
    body: bytes
    name: str = ""


def file_in(text: str, *, name: str = "") -> File:
    """The document in a text: base64, with or without a data URL around it, hexadecimal, or an SVG as it is. Raises
    ProtocolError."""
    text = text.strip()
    for read in (str.encode,) if text.startswith("<") else (bytes.fromhex, _from_base64):
        try:
            body = read(text)
        except ValueError:
            continue
        start = body[body.find(b"<svg") :] if body.startswith(b"<?xml") else body
        for first, media_type in KINDS.items():
            if start.startswith(first):
                return File(media_type, body, name)
    raise ProtocolError("the carrier sent no document that can be read")


def _from_base64(text: str) -> bytes:
    return b64decode(text.rpartition(",")[2])
