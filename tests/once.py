"""Every shop that a test opens reads the files of all plugins: here each text is read once. What comes of it is another object
where somebody might change it."""

import tomllib
from collections.abc import Iterable
from functools import cache
from pickle import dumps, loads
from typing import Any

from doorstep import packages, planning
from doorstep.codes import load_codes
from doorstep.manifest import Manifest, load_manifests
from doorstep.recognition import Recognizer

_parse = tomllib.loads
_manifests = cache(load_manifests)
_recognizers: dict[tuple[int, ...], tuple[list[Manifest], Recognizer]] = {}  # with what keeps these numbers theirs


def read_once() -> None:
    """From now on, in this process."""
    tomllib.loads = parse_toml
    packages.load_codes = cache(load_codes)
    packages.load_manifests = lambda text, *, file: list(_manifests(text, file=file))
    planning.Recognizer = _recognizer  # type: ignore[assignment, misc]


@cache
def _parsed(text: str) -> bytes:
    return dumps(_parse(text))


def parse_toml(text: str, /, **more: Any) -> dict[str, Any]:
    return _parse(text, **more) if more else loads(_parsed(text))


def _recognizer(manifests: Iterable[Manifest]) -> Recognizer:
    known = list(manifests)
    key = tuple(map(id, known))
    if key not in _recognizers:
        _recognizers[key] = known, Recognizer(known)
    return _recognizers[key][1]
