"""A carrier's code table: raw code → status, reason, flags, source. Data in `codes.toml`, read here.

    key = ["table", "code"]                  # as many names as the carrier needs to tell its codes apart
    source = "Tracking.yaml, status codes"   # of every row that names none of its own

    [codes.statusCode]
    "006" = { status = "out_for_delivery" }
    "012" = { status = "customs", reason = "customs.documents", flags = ["action_required"] }
    "096" = { status = "informational" }

A code that is not in the table is never guessed and never an error: it falls back to the coarse field the plugin names,
then to `unknown`, and its event says `mapped=False`, which the engine counts.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from .errors import ManifestError
from .models import Event, Flag, Moment, Place, Status

INFORMATIONAL = "informational"


class Meaning(Struct, frozen=True):
    """What a raw code means. `status` None is informational; `mapped` False says that the table does not know the code."""

    status: Status | None
    reason: str = ""
    flags: tuple[Flag, ...] = ()
    source: str = ""
    mapped: bool = True

    def event(
        self,
        moment: Moment,
        *,
        code: str,
        text: str = "",
        place: Place = Place(),
        piece: str = "",
        flags: tuple[Flag, ...] = (),
    ) -> Event:
        """The scan with this meaning. `code` and `text` are the carrier's own; `flags` are added to the table's."""
        return Event(moment, self.status, self.reason, code, text, place, piece, self.flags + flags, self.mapped)


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    status: str
    reason: str = ""
    flags: tuple[Flag, ...] = ()
    source: str = ""
    note: str = ""


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    key: tuple[str, ...]
    codes: dict[str, Any]
    source: str = ""


_UNKNOWN = Meaning(Status.UNKNOWN, mapped=False)


class CodeTable:
    """The rows of one carrier, looked up by full key; `revision` changes when a row does, and with it the cache's key."""

    def __init__(
        self, rows: Mapping[tuple[str, ...], Meaning], *, key: tuple[str, ...] = (), revision: str = ""
    ) -> None:
        self._rows = dict(rows)
        self._last: dict[tuple[str, ...], list[tuple[str, Meaning]]] = {}
        for (*tables, name), meaning in self._rows.items():
            self._last.setdefault(tuple(tables), []).append((name, meaning))
        self.key = key
        self.revision = revision

    def __len__(self) -> int:
        return len(self._rows)

    def items(self) -> Mapping[tuple[str, ...], Meaning]:
        return self._rows

    def find(self, *key: str) -> Meaning | None:
        """The row of a key, or None."""
        return self._rows.get(key)

    def read(self, *keys: tuple[str, ...], coarse: Status | None = None) -> Meaning:
        """The row of the first key the table knows; else the `coarse` status or `unknown`, marked as not mapped."""
        for key in keys:
            if (meaning := self._rows.get(key)) is not None:
                return meaning
        return _UNKNOWN if coarse is None else Meaning(coarse, mapped=False)

    def said(self, *tables: str, text: str) -> Meaning | None:
        """The first row below `tables` whose name is a part of the text: for words that say more than a code does."""
        return next((meaning for name, meaning in self._last.get(tables, ()) if name in text), None)


def load_codes(text: str, *, file: str, revision: str = "") -> CodeTable:
    """A CodeTable from the text of a `codes.toml`. Raises ManifestError with the file and the path of the row."""
    try:
        header = msgspec.convert(tomllib.loads(text), _Header)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ManifestError(f"{file}: {error}", next_step="see the head of doorstep/codes.py for the format") from None
    rows: dict[tuple[str, ...], Meaning] = {}
    _collect(header.codes, (), header, rows, file)
    return CodeTable(rows, key=header.key, revision=revision)


def _collect(
    tree: Mapping[str, Any], path: tuple[str, ...], header: _Header, rows: dict[tuple[str, ...], Meaning], file: str
) -> None:
    for name, value in tree.items():
        key = (*path, name)
        where = f"{file}: codes.{'.'.join(key)}"
        if not isinstance(value, dict):
            raise ManifestError(
                f"{where} is not a table", next_step=f"write a row as {{ status = … }} under {header.key}"
            )
        if len(key) < len(header.key):
            _collect(value, key, header, rows, file)
        else:
            rows[key] = _meaning(value, header.source, where)


def _meaning(value: Mapping[str, Any], source: str, where: str) -> Meaning:
    try:
        row = msgspec.convert(value, _Row)
        status = None if row.status == INFORMATIONAL else Status(row.status)
    except (msgspec.ValidationError, ValueError) as error:
        known = ", ".join([*Status, INFORMATIONAL])
        raise ManifestError(f"{where}: {error}", next_step=f"status is one of {known}") from None
    if not (row.source or source):
        raise ManifestError(f"{where} has no source", next_step='name where the meaning is documented: source = "…"')
    return Meaning(status, row.reason, row.flags, row.source or source)
