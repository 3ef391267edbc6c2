"""Catalogs as their files say them, mistakes and all: gettext itself reads past a form too many or a text twice there."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from .errors import CatalogError

_LINE = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d+)\])?\s+)?"(.*)"')
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_HEADER = re.compile(r"([\w-]+):\s*(.*)")


class Entry(Struct, frozen=True):
    """A text and what is said for it; `forms` by their number, one where there is no plural."""

    line: int
    msgid: str
    forms: dict[int, str]
    context: str = ""
    plural: str = ""
    fuzzy: bool = False
    obsolete: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.msgid


class PoFile(Struct, frozen=True):
    """A catalog: its header and its texts in their order."""

    header: dict[str, str]
    entries: tuple[Entry, ...]


def read_po_file(file: Path, *, shown: str) -> PoFile:
    """Raises CatalogError, naming the file as `shown` and the line."""
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise CatalogError(f"{shown}: it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CatalogError(f"{shown}: it is not UTF-8 text", next_step="save it as UTF-8") from None
    entries = [_entry(block, line, shown) for line, block in _blocks(text)]
    written = next((one.forms.get(0, "") for one in entries if not one.msgid), "")
    header = {found[1]: found[2] for line in written.splitlines() if (found := _HEADER.fullmatch(line))}
    return PoFile(header, tuple(one for one in entries if one.msgid))


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each entry's lines, with the number of the first."""
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip():
            block.append(line.strip())
        elif block:
            if any(not one.startswith("#") or one.startswith("#~") for one in block):
                yield number - len(block), block
            block = []


def _entry(block: list[str], first: int, shown: str) -> Entry:
    flags = {flag.strip() for line in block if line.startswith("#,") for flag in line[2:].split(",")}
    texts = {"msgctxt": "", "msgid": "", "msgid_plural": ""}
    forms: dict[int, str] = {}
    field, at = "", 0
    for number, line in enumerate(block, first):
        if line.startswith("#") and not line.startswith("#~"):
            continue
        found = _LINE.fullmatch(line.removeprefix("#~").strip())
        if found is None or not (found[1] or field):
            raise CatalogError(f"{shown}:{number}: this is no line of a catalog", next_step='write msgstr "…"')
        field, at = (found[1], int(found[2] or 0)) if found[1] else (field, at)
        said = _ESCAPED.sub(lambda one: _ESCAPES.get(one[1], one[1]), found[3])
        if field == "msgstr":
            forms[at] = forms.get(at, "") + said
        else:
            texts[field] += said
    return Entry(
        first, texts["msgid"], forms, texts["msgctxt"], texts["msgid_plural"],
        fuzzy="fuzzy" in flags, obsolete=any(line.startswith("#~") for line in block),
    )  # fmt: skip
