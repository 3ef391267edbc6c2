"""Texts that strangers wrote, on one line of plain text: nothing in them begins a line, a header, or another direction."""

import re
import unicodedata

_FSI, _PDI = "\u2068", "\u2069"
# What begins a line, or turns the direction of what follows (UAX #9, explicit formatting characters); halves of a pair.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066\u2067\ud800-\udfff"
_UNWANTED = re.compile(f"[{_CONTROLS}{_FSI}{_PDI}]+")
_CONTROL = re.compile(f"[{_CONTROLS}]")
_LEFT_IN_JSON = re.compile(f"(?![\x00-\x1f])[{_CONTROLS}]")  # its encoder escapes the first ones alone
_IN_HEADERS = re.compile(f"[{_CONTROLS} ]+")
_RIGHT = frozenset({"R", "AL"})


def one_line(text: str) -> str:
    """The text without controls, spaces as single ones."""
    return " ".join(_UNWANTED.sub(" ", text).split())


def without_controls(text: str) -> str:
    """The text with a blank for each control, as wide as it was; its isolates stay."""
    return _CONTROL.sub(" ", text)


def escaped(json: str) -> str:
    """JSON whose texts have no control as it is: the same to a program, and nothing to a terminal."""
    return _LEFT_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def isolated(text: str, direction: str) -> str:
    """A value inside a sentence of this direction (ltr, rtl), between FSI and PDI where the two could disturb each other."""
    line = one_line(text)
    return f"{_FSI}{line}{_PDI}" if line and (direction == "rtl" or _is_mixed(line)) else line


def _is_mixed(line: str) -> bool:
    return not line.isascii() and any(unicodedata.bidirectional(char) in _RIGHT for char in line)


def header(text: str, longest: int = 200) -> str:
    """A text as a header's value: one line, cut where it is too long; its isolates stay, in pairs."""
    kept = _IN_HEADERS.sub(" ", text).strip()
    if len(kept) <= longest:
        return kept
    cut = kept[: longest - 1].rstrip() + "…"
    return cut + _PDI * (cut.count(_FSI) - cut.count(_PDI))
