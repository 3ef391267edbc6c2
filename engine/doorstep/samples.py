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
from .incoming import Incoming
from .models import Document

T = TypeVar("T")


class Role(StrEnum):
    PARCEL = "parcel"
    TOKEN = "token"  # noqa: S105
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BATCH = "batch"
    REGISTRATION = "registration"
    DOCUMENT = "document"
    PUSH = "push"


class SampleRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a case answers to. `path` may end in `*`; `headers` replace the sandbox's guards."""

    method: str = "GET"
    path: str = ""
    params: dict[str, str] = {}
    headers: dict[str, str] | None = None
    form: dict[str, str] = {}
    contains: tuple[str, ...] = ()  # texts that the request's query or body holds


class SampleResponse(Struct, frozen=True, forbid_unknown_fields=True):
    """What is answered; `body` names a file beside `case.toml`."""

    status: int = 200
    headers: dict[str, str] = msgspec.field(default_factory=lambda: {"content-type": "application/json"})
    body: str = ""


class SamplePush(Struct, frozen=True, forbid_unknown_fields=True):
    """What a carrier pushes, signed with the `push_secret` of the sandbox; `body` names a file beside `case.toml`. `signed` is
    whether the carrier signs the body, or only shows who it is."""

    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    body: str = ""
    signed: bool = True


class _Case(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    role: Role = Role.PARCEL
    number: str = ""
    numbers: tuple[str, ...] = ()
    document: Document = Document("proof_of_delivery", "")
    demo: bool = False
    request: SampleRequest = SampleRequest()
    response: SampleResponse = SampleResponse()
    push: SamplePush = SamplePush()


class Case(Struct, frozen=True):
    """One case, read: `body` is what is answered, or pushed. `expected` is None where nothing is worked out."""

    name: str
    title: str
    role: Role
    number: str
    numbers: tuple[str, ...]
    document: Document
    demo: bool
    request: SampleRequest
    response: SampleResponse
    push: SamplePush
    body: bytes
    expected: dict[str, Any] | None

    @property
    def incoming(self) -> Incoming:
        """What comes in when it is pushed."""
        headers = {name.lower(): value for name, value in self.push.headers.items()}
        return Incoming(headers, self.body, self.push.query)


class _Sandbox(Struct, frozen=True, forbid_unknown_fields=True):
    anchor: date
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    settings: dict[str, Any] = {}
    guard: dict[str, str] = {}
    guard_params: dict[str, str] = {}
    guard_body: tuple[str, ...] = ()


class Samples(Struct, frozen=True):
    """All cases of one carrier, and what they share. `anchor` is the day the samples take for today."""

    slug: str
    anchor: date
    dates: tuple[str, ...]
    settings: dict[str, Any]
    guard: dict[str, str]
    guard_params: dict[str, str]
    guard_body: tuple[str, ...]
    cases: tuple[Case, ...]

    @property
    def guarded(self) -> bool:
        """Whether the sandbox wants to know who asks."""
        return bool(self.guard or self.guard_params or self.guard_body)

    def of(self, role: Role) -> list[Case]:
        return [case for case in self.cases if case.role is role]


def load_samples(folder: Path, slug: str) -> Samples:
    """The samples in a plugin's `samples/` folder. Raises ManifestError with file and reason."""
    shared = _toml(folder / "sandbox.toml", _Sandbox)
    cases = tuple(_case(file.parent) for file in sorted(folder.glob("*/case.toml")))
    return Samples(
        slug, shared.anchor, shared.dates, shared.settings,
        {name.lower(): value for name, value in shared.guard.items()}, shared.guard_params, shared.guard_body,
        cases,
    )  # fmt: skip


def shifted(body: bytes, dates: tuple[str, ...], days: int) -> bytes:
    """The body with every date of these formats moved by whole days; times of day stay as they are.

    Formats are those of strptime, and `%-d`, `%-m` for days and months without a zero in front, `%s` for milliseconds
    since 1970.
    """
    if not days:
        return body
    for pattern in dates:
        body = _date_pattern(pattern).sub(lambda match, p=pattern: _move(match[0], p, days), body)  # type: ignore[misc]
    return body


_PARTS = {
    "%Y": "20[0-9]{2}", "%m": "[01][0-9]", "%d": "[0-3][0-9]", "%-m": "1?[0-9]", "%-d": "[1-3]?[0-9]",
    "%y": "[0-9]{2}", "%b": "[A-Z][a-z]{2}", "%B": "[A-Z][a-z]{2,8}", "%s": "[0-9]{13}",
}  # fmt: skip
_PART = re.compile("%-?[A-Za-z]")


def _date_pattern(pattern: str) -> re.Pattern[bytes]:
    literals, parts = _PART.split(pattern), _PART.findall(pattern)
    text = re.escape(literals[0]) + "".join(
        _PARTS[part] + re.escape(literal) for part, literal in zip(parts, literals[1:], strict=True)
    )
    return re.compile(f"(?<![0-9A-Za-z]){text}(?![0-9])".encode())


def _move(text: bytes, pattern: str, days: int) -> bytes:
    if "%s" in pattern:
        return re.sub(rb"[0-9]{13}", lambda match: b"%013d" % (int(match[0]) + days * 86_400_000), text)
    try:
        day = datetime.strptime(text.decode(), pattern.replace("%-", "%")) + timedelta(days=days)
    except ValueError:
        return text
    bare = pattern.replace("%-d", str(day.day)).replace("%-m", str(day.month))
    return day.strftime(bare).encode()


def _case(folder: Path) -> Case:
    case = _toml(folder / "case.toml", _Case)
    expected, body = folder / "expected.json", case.response.body or case.push.body
    try:
        return Case(
            folder.name, case.title, case.role, case.number, case.numbers, case.document, case.demo,
            case.request, case.response, case.push,
            (folder / body).read_bytes() if body else b"",
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
