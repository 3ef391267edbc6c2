"""What a sample says is right, compared with what a plugin makes of it."""

import json
from typing import Any

import msgspec

from .errors import CarrierError
from .exchange import Answer, NotFound
from .incoming import Pushed


def as_json(answer: Answer | CarrierError | None) -> dict[str, Any] | None:
    """An answer, or what one number got in a batch, as JSON values: the shape of `expected.json`."""
    if answer is None:
        return None
    if isinstance(answer, CarrierError):
        return {"error": answer.code}
    if isinstance(answer, NotFound):
        return {"not_found": True}
    shipments: list[Any] = json.loads(msgspec.json.encode(answer.shipments))
    return {"shipments": shipments}


def pushed_as_json(pushed: Pushed) -> dict[str, Any]:
    """What a push says, as JSON values."""
    told: dict[str, Any] = json.loads(msgspec.json.encode(pushed))
    return told


def differences(expected: Any, actual: Any, path: str = "$") -> list[str]:
    """Where `actual` does not have what `expected` says. Objects are compared by the keys expected; lists in full."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            line
            for key, value in expected.items()
            for line in (
                differences(value, actual[key], f"{path}.{key}") if key in actual else [f"{path}.{key} is missing"]
            )
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            line
            for i, (one, other) in enumerate(zip(expected, actual, strict=True))
            for line in differences(one, other, f"{path}[{i}]")
        ]
    return [] if expected == actual else [f"{path}: expected {expected!r}, got {actual!r}"]
