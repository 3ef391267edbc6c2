"""A language as its folder holds it: the catalog, the glossary, and the English texts that both are of."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import msgspec
from msgspec import Struct

from ..errors import CatalogError
from ..po_files import Entry, PoFile, read_po_file
from ..text_names import Key, rooms

SOURCE = "en"  # the language of the msgids


class Finding(Struct, frozen=True):
    """Something amiss with a text: by which rule, where, and what to do about it."""

    rule: str
    file: str
    line: int
    message: str
    mend: str


class English(Struct, frozen=True, forbid_unknown_fields=True):
    """`[english]`: the words that a language has from English and keeps."""

    words: tuple[str, ...] = ()


class Glossary(Struct, frozen=True, forbid_unknown_fields=True):
    """`glossary.toml`: by an English term the stems by which a translation may say it, the word itself first; and the texts
    that say it naturally `without` the word."""

    terms: dict[str, tuple[str, ...]] = {}
    without: dict[str, tuple[str, ...]] = {}
    english: English = English()


class Source(Struct, frozen=True, dict=True):
    """The English texts: the plural of each, or "", by context and msgid."""

    plurals: Mapping[Key, str]

    @cached_property
    def rooms(self) -> dict[Key, int]:
        return rooms(self.plurals)


class Language(Struct, frozen=True):
    """What rules look at. `file` and `glossary_file` are named as their reader knows them."""

    code: str
    file: str
    header: dict[str, str]
    entries: tuple[Entry, ...]
    source: Source
    glossary: Glossary = Glossary()
    glossary_file: str = ""


def read_source(folder: Path) -> Source:
    """Raises CatalogError."""
    return Source({one.key: one.plural for one in _catalog(folder, SOURCE).entries})


def read_language(folder: Path, code: str, source: Source) -> Language:
    """Raises CatalogError where a file cannot be read."""
    po = _catalog(folder, code)
    glossary = folder / code / "glossary.toml"
    return Language(
        code, _shown(folder, code), po.header, po.entries, source, _glossary(glossary, code), f"{code}/{glossary.name}"
    )


def languages_in(folder: Path) -> list[str]:
    return sorted(file.parents[1].name for file in folder.glob("*/LC_MESSAGES/doorstep.po"))


def catalog_of(folder: Path, code: str) -> Path:
    return folder / code / "LC_MESSAGES" / "doorstep.po"


def said(entry: Entry) -> Iterable[str]:
    """Each form of a text."""
    return entry.forms.values()


def _catalog(folder: Path, code: str) -> PoFile:
    return read_po_file(catalog_of(folder, code), shown=_shown(folder, code))


def _shown(folder: Path, code: str) -> str:
    return catalog_of(folder, code).relative_to(folder).as_posix()


def _glossary(file: Path, code: str) -> Glossary:
    if not file.is_file():
        return Glossary()
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Glossary)
    except (OSError, ValueError) as error:  # TOML's and msgspec's own are ValueErrors
        raise CatalogError(f"{code}/{file.name}: {error}", next_step="see docs/languages.md") from None
