"""`samples/`: what a carrier's plugin ships to be developed, demonstrated and tested without credentials or a network.

One folder a case: `case.toml` (what is asked and what is answered), the body of the response, and for parcels an
`expected.json` worked out by hand. `sandbox.toml` says what all cases share.
"""

import json
import re
import tomllib
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from .errors import ManifestError

T = TypeVar("T")


class Role(StrEnum):
    PARCEL = "parcel"
    TOKEN = "token"  # noqa: S105
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"


class SampleRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a case answers to. `path` may end in `*`; `headers` replace the sandbox's guard."""

    method: str = "GET"
    path: str = ""
    params: dict[str, str] = {}
    headers: dict[str, str] | None = None
    form: dict[str, str] = {}
    contains: str = ""  # text that the request's body holds


class SampleResponse(Struct, frozen=True, forbid_unknown_fields=True):
    """What is answered; `body` names a file beside `case.toml`."""

    status: int = 200
    headers: dict[str, str] = msgspec.field(default_factory=lambda: {"content-type": "application/json"})
    body: str = ""


class _Case(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    role: Role = Role.PARCEL
    number: str = ""
    demo: bool = False
    request: SampleRequest = SampleRequest()
    response: SampleResponse = SampleResponse()


class Case(Struct, frozen=True):
    """One case, read. `expected` is None where nothing is worked out."""

    name: str
    title: str
    role: Role
    number: str
    demo: bool
    request: SampleRequest
    response: SampleResponse
    body: bytes
    expected: dict[str, Any] | None


class _Sandbox(Struct, frozen=True, forbid_unknown_fields=True):
    anchor: date
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    settings: dict[str, Any] = {}
    guard: dict[str, str] = {}


class Samples(Struct, frozen=True):
    """All cases of one carrier, and what they share. `anchor` is the day the samples take for today."""

    slug: str
    anchor: date
    dates: tuple[str, ...]
    settings: dict[str, Any]
    guard: dict[str, str]
    cases: tuple[Case, ...]

    def of(self, role: Role) -> list[Case]:
        return [case for case in self.cases if case.role is role]


def load_samples(folder: Path, slug: str) -> Samples:
    """The samples in a plugin's `samples/` folder. Raises ManifestError with file and reason."""
    shared = _toml(folder / "sandbox.toml", _Sandbox)
    cases = tuple(_case(file.parent) for file in sorted(folder.glob("*/case.toml")))
    return Samples(
        slug, shared.anchor, shared.dates, shared.settings,
        {name.lower(): value for name, value in shared.guard.items()}, cases,
    )  # fmt: skip


def shifted(body: bytes, dates: tuple[str, ...], days: int) -> bytes:
    """The body with every date of these formats (strptime) moved by whole days; times of day stay as they are."""
    if not days:
        return body
    for pattern in dates:
        body = _date_pattern(pattern).sub(lambda match, p=pattern: _move(match[0], p, days), body)  # type: ignore[misc]
    return body


def _date_pattern(pattern: str) -> re.Pattern[bytes]:
    parts = {"%Y": "20[0-9]{2}", "%m": "[01][0-9]", "%d": "[0-3][0-9]", "%y": "[0-9]{2}", "%b": "[A-Z][a-z]{2}"}
    text = re.escape(pattern).replace("\\%", "%").replace("%\\", "%")
    for code, expression in parts.items():
        text = text.replace(code, expression)
    return re.compile(f"(?<![0-9A-Za-z]){text}(?![0-9])".encode())


def _move(text: bytes, pattern: str, days: int) -> bytes:
    try:
        day = datetime.strptime(text.decode(), pattern) + timedelta(days=days)
    except ValueError:
        return text
    return day.strftime(pattern).encode()


def _case(folder: Path) -> Case:
    case = _toml(folder / "case.toml", _Case)
    expected = folder / "expected.json"
    try:
        return Case(
            folder.name, case.title, case.role, case.number, case.demo, case.request, case.response,
            (folder / case.response.body).read_bytes() if case.response.body else b"",
            json.loads(expected.read_text("utf-8")) if expected.is_file() else None,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise ManifestError(f"samples/{folder.name}: {error}") from None


def _toml(file: Path, type: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), type)
    except (OSError, ValueError) as error:  # TOMLDecodeError and msgspec's errors are ValueErrors
        raise ManifestError(
            f"{file.parent.name}/{file.name}: {error}", next_step="docs/samples.md shows the format"
        ) from None
