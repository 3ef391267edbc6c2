"""How many parts a text message is sent in, by 3GPP TS 23.038 and 23.040, and how it is made to fit into fewer.

In the GSM alphabet a part has 160 characters, of several 153; one character outside makes the whole text UCS-2, with 70 and
67. What is of two units (a character of the extension table, one beyond the basic plane) is not split between two parts.
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_MORE = "…"  # of UCS-2; in the GSM alphabet three dots
_MORE_GSM = "..."


class Encoding(StrEnum):
    GSM = "gsm-7"
    UCS2 = "ucs-2"


class Size(Struct, frozen=True):
    """What a text takes."""

    encoding: Encoding
    segments: int


def size_of(text: str) -> Size:
    encoding = _encoding(text)
    single, several = (160, 153) if encoding is Encoding.GSM else (70, 67)
    units = [_units(char, encoding) for char in text]
    if sum(units) <= single:
        return Size(encoding, 1)
    parts, left = 1, several
    for unit in units:
        if unit > left:
            parts, left = parts + 1, several
        left -= unit
    return Size(encoding, parts)


def fitted(text: str, link: str, most: int) -> str:
    """The text in `most` parts: what is too long is the sentence before the link, never the link. A link that takes more by
    itself is all that is left."""
    if size_of(text).segments <= most:
        return text
    before, found, after = text.partition(link) if link else (text, "", "")
    tail = f"{found}{after}"
    if found and size_of(tail).segments > most:
        tail = found

    def whole(length: int) -> str:
        sentence = before[:length].rstrip()
        more = _MORE_GSM if _encoding(sentence + tail) is Encoding.GSM else _MORE
        return f"{sentence}{more} {tail}".strip() if sentence else tail

    return whole(_largest(len(before), lambda length: size_of(whole(length)).segments <= most))


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """The longest beginning that fits. Not by halves: a character less may make a text GSM that was UCS-2."""
    return next((length for length in range(most, 0, -1) if fits(length)), 0)


def _encoding(text: str) -> Encoding:
    return Encoding.GSM if all(char in _BASIC or char in _EXTENSION for char in text) else Encoding.UCS2


def _units(char: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM:
        return 2 if char in _EXTENSION else 1
    return 2 if ord(char) > 0xFFFF else 1
