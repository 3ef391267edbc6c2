"""JSON that comes in: bounded, strict, and every mistake with its place and the next step."""

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request

from .refusals import Fault, Refusal, invalid

T = TypeVar("T", bound=Struct)
LARGEST = 1_000_000  # bytes
_TYPES = ("application/json", "application/merge-patch+json")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


async def read(request: Request) -> bytes:
    """The body, or b"" where there is none. Raises Refusal."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            # What is still under way is not waited for.
            raise Refusal("too_large", headers={"Connection": "close"})
        parts.append(part)
    body = b"".join(parts)
    sent_as = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = request.headers.get("content-encoding", "identity").lower() != "identity"
    if body and (sent_as not in _TYPES or packed):
        raise Refusal("unsupported_type", headers={"Accept": ", ".join(_TYPES)})
    return body


def parsed(body: bytes) -> Any:
    """The JSON value of a body. Raises Refusal."""
    try:
        msgspec.json.decode(body)  # strict where Python is not: NaN, bytes that are no UTF-8, halves of characters
        return json.loads(body, object_pairs_hook=_once_each)
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise Refusal("unreadable") from error


def convert(value: Any, kind: type[T]) -> T:
    """The value as a `kind`. Raises Refusal with a fault for each wrong field."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        first = _fault(str(error), kind)
    # The first mistake ends the conversion: the others are found field by field.
    faults = list(_faults(value, kind)) if isinstance(value, Mapping) else []
    raise invalid(*(faults or [first]))


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: `patch` laid over `target`; null takes away."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _faults(value: Mapping[str, Any], kind: type[Struct]) -> list[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found = [_fault(f"Object contains unknown field `{name}`", kind) for name in value if name not in fields]
    for name, field in fields.items():
        if name not in value and field.required:
            found.append(_fault(f"Object missing required field `{name}`", kind))
        elif name in value:
            try:
                msgspec.convert(value[name], field.type)
            except msgspec.ValidationError as error:
                found.append(_fault(str(error), kind, name))
    return found


def _fault(text: str, kind: type[Struct], under: str = "") -> Fault:
    """msgspec's message, taken apart: ``Expected `int` - at `$.items[0].quantity` ``."""
    problem, _, at = text.rpartition(" - at `$")
    if not problem:
        problem, at = text, ""
    path = (under + at.rstrip("`")).removeprefix(".")
    if unknown := _UNKNOWN.fullmatch(problem):
        near = [] if path else difflib.get_close_matches(unknown[1], kind.__struct_encode_fields__, n=1)
        step = f"did you mean {near[0]!r}?" if near else "remove it; /openapi.json has all names"
        return Fault(_joined(path, unknown[1]), "there is no such field", step)
    if missing := _MISSING.fullmatch(problem):
        return Fault(_joined(path, missing[1]), "it is missing", "add it")
    return Fault(path, problem, "correct the value; /openapi.json has its form")


def _joined(path: str, name: str) -> str:
    shown = name[:100]
    return f"{path}.{shown}" if path else shown


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found
