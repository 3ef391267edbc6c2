"""Texts for the rules: those of a theme's templates, and the catalogs that translate them."""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.pofile import PoFileError, read_po
from jinja2 import nodes
from msgspec import Struct

Catalog = dict[str, tuple[str, ...]]  # the translations (one, or a plural's forms) by msgid
_CALLS = {"_": (0,), "gettext": (0,), "pgettext": (1,), "ngettext": (0, 1), "npgettext": (1, 2)}
_PLACEHOLDER = re.compile(r"%\((\w+)\)[a-zA-Z]")


class Said(Struct, frozen=True):
    """A text that a template looks up. `given` are the values it fills in, None where they cannot be told."""

    line: int
    msgids: tuple[str, ...]
    given: frozenset[str] | None


def said_in(tree: nodes.Template) -> Iterator[Said]:
    """The constant texts of a template."""
    for call in tree.find_all(nodes.Call):
        name = call.node.name if isinstance(call.node, nodes.Name) else ""
        msgids = tuple(_constant(call.args, at) for at in _CALLS.get(name, ()))
        if msgids and all(msgids):
            given = {one.key for one in call.kwargs} | ({"num", "n"} if "n" in name.partition("gettext")[0] else set())
            yield Said(call.lineno, msgids, frozenset(given) if call.dyn_kwargs is None else None)


def placeholders(text: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(text))


def engine_catalogs(folder: Path) -> dict[str, Catalog]:
    """What the engine's catalogs translate, by language."""
    files = sorted(folder.glob("*/LC_MESSAGES/*.po"))
    catalogs: dict[str, Catalog] = {}
    for file in files:
        catalogs.setdefault(file.parent.parent.name, {}).update(_catalog(file.read_bytes()))
    return catalogs


def read_catalogs(files: Mapping[str, bytes]) -> dict[str, Catalog]:
    """The catalogs in a theme's `locales/`, by language; one that cannot be read is empty."""
    catalogs = {}
    for file, content in files.items():
        folder, _, name = file.rpartition("/")
        if folder == "locales" and name.endswith(".po"):
            catalogs[name.removesuffix(".po")] = _catalog(content)
    return catalogs


def _catalog(content: bytes) -> Catalog:
    try:
        messages = read_po(BytesIO(content))
    except (PoFileError, ValueError):
        return {}
    catalog: Catalog = {}
    for message in messages:
        msgids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and all(forms):
            catalog |= {str(msgid): tuple(map(str, forms)) for msgid in msgids}
    return catalog


def _constant(args: list[Any], at: int) -> str:
    node = args[at] if len(args) > at else None
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else ""
