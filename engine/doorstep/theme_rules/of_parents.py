"""What a theme overrides of its parents, and whether they changed it since: a child's copy of a file stays as it was when its
parent is mended. `parents.toml` in the theme's folder says what it was compared with."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from .rule import Place, Rule
from .subject import Files, Subject

RECORD = "parents.toml"
_HEAD = "# What this theme overrides, as its parents had it when the two were last compared.\n"
_KINDS = ("templates/", "static/")
_PREVIEW = "static/preview.png"


def record(chain: Sequence[Files]) -> str:
    """The text of `parents.toml` for a theme, which comes first, and its parents as they are now."""
    text = _HEAD
    for parent, files in _overridden(chain).items():
        lines = "".join(f"{json.dumps(file)} = {json.dumps(digest)}\n" for file, digest in files.items())
        text += f"\n[{parent}]\n{lines}"
    return text


def changes(chain: Sequence[Files]) -> Iterator[Place]:
    """What a theme overrides that its parents changed since it was recorded; nothing where nothing was recorded."""
    own, now = chain[0], _overridden(chain)
    for parent, files in _recorded(own).items():
        for file, digest in files.items():
            there = now.get(parent, {}).get(file)
            if file not in own.files or there == digest:
                continue
            what = f"{parent} has changed {file}" if there else f"{parent} has no {file} any more"
            mend = f"compare the two, then run: doorstep check theme themes/{own.name} --accept"
            yield Place(file, 1, what, mend)


def _overridden(chain: Sequence[Files]) -> dict[str, dict[str, str]]:
    """By parent and file, what the nearest parent has for each file of the theme's own."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(chain[0].files):
        if file.startswith(_KINDS) and file != _PREVIEW:
            parent = next((one for one in chain[1:] if file in one.files), None)
            if parent is not None:
                found.setdefault(parent.name, {})[file] = blake2b(parent.files[file], digest_size=16).hexdigest()
    return found


def _recorded(own: Files) -> Mapping[str, Mapping[str, str]]:
    try:
        raw: dict[str, Any] = tomllib.loads(own.files.get(RECORD, b"").decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}
    return {parent: files for parent, files in raw.items() if isinstance(files, dict)}


def _changed_parents(subject: Subject) -> Iterator[Place]:
    yield from changes(subject.chain)


PARENT_RULES = (Rule("parent-changed", "what it mended or added there is not in this theme", _changed_parents),)
