"""Tables and paragraphs of Markdown from the code's own Structs, enumerations and docstrings; used by `generate.py`."""

import inspect
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Struct

from doorstep.config import Language
from doorstep.secret import Secret

WORDS: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", bytes: "bytes",
                         Any: "anything", Secret: "secret text", dict: "table", type(None): "nothing",
                         Language: "language code"}  # fmt: skip

Row = Sequence[str]


class Meanings:
    """`meanings.toml`, and which of its lines were used."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, dict[str, str]] = {}
        for module, tables in tomllib.loads(text).items():
            self._lines |= {f"{module}.{name}": dict(lines) for name, lines in tables.items()}
        self.unused = {(group, name) for group, lines in self._lines.items() for name in lines}

    def of(self, group: str, name: str, comment: str = "") -> str:
        """What `name` means: the line written here, or the code's own comment. Raises LookupError when there is none."""
        self.unused.discard((group, name))
        found = self._lines.get(group, {}).get(name) or comment
        if not found:
            raise LookupError(f"docs/meanings.toml does not say what {name} of [{group}] means")
        return found


MEANINGS = Meanings((Path(__file__).parent / "meanings.toml").read_text("utf-8"))


def table(head: Row, rows: Iterable[Row]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) + " |" for row in cells
    )


def fields(kind: type[Struct], *, skip: Sequence[str] = (), defaults: bool = True) -> str:
    """A table of the fields of a Struct."""
    hints = typing.get_type_hints(kind, include_extras=True)
    comments = _comments(kind)
    group = f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"
    rows = []
    for field in msgspec.structs.fields(kind):
        if field.name in skip:
            continue
        meaning = MEANINGS.of(group, field.name, comments.get(field.name, ""))
        row = [f"`{field.encode_name}`", in_words(hints[field.name]), default(field), meaning]
        rows.append(row if defaults else [row[0], row[1], row[3]])
    return table(["key", "type", "default", "meaning"] if defaults else ["field", "type", "meaning"], rows)


def described(kind: type[Struct], **options: Any) -> str:
    """A heading, the Struct's own words, its fields."""
    return "\n\n".join(filter(None, (f"### {kind.__name__}", prose(kind), fields(kind, **options))))


def prose(thing: Any) -> str:
    """A docstring of its own, not an inherited one, as paragraphs of Markdown."""
    text = inspect.cleandoc(vars(thing).get("__doc__") or "" if isinstance(thing, type) else thing.__doc__ or "")
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(paragraphs)


def in_words(hint: Any) -> str:
    """A type, as somebody who writes no Python reads it."""
    if hint in WORDS:
        return WORDS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return " ".join(filter(None, (in_words(arguments[0]), _bounds(arguments[1]))))
    if origin is tuple:
        return f"list of {_several(in_words(arguments[0]))}"
    if origin is dict or origin is Mapping:
        return f"table of {_several(in_words(arguments[1]))}" if arguments[1] is not Any else "table"
    if origin in (types.UnionType, typing.Union):
        return " or ".join(in_words(one) for one in arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{one.value}`" for one in hint) if len(hint) < 8 else f"[{hint.__name__}](model.md#status)"
    return f"`{hint.__name__}`"


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None or (isinstance(value, str | tuple | dict | bytes | Secret) and not value):
        return "none" if value is None else "empty"
    if isinstance(value, Struct):
        return "as below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(_plain(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_plain(one)}' for key, one in value.items())} }}"
    text = str(value.value if isinstance(value, Enum) else value)
    return f'"{text}"' if isinstance(value, str) else text


def _several(words: str) -> str:
    plural = {
        "text": "texts",
        "whole number": "whole numbers",
        "table": "tables",
        "language code": "language codes",
        "anything": "anything",
    }
    return next((many + words[len(one) :] for one, many in plural.items() if words.startswith(one)), words)


def _bounds(meta: msgspec.Meta) -> str:
    if meta.pattern:
        return f"like `{meta.pattern}`"
    low = f"from {meta.ge}" if meta.ge is not None else f"above {meta.gt}" if meta.gt is not None else ""
    return " ".join(filter(None, (low, f"to {meta.le}" if meta.le is not None else "")))


def _comments(kind: type) -> dict[str, str]:
    """The comments behind fields and members, which say what they mean; not those for tools."""
    found = re.findall(r"^    (\w+)(?:: .*?| = .*?)  # (?!noqa)(.+)$", inspect.getsource(kind), re.MULTILINE)
    return dict(found)


def members(kind: type[Enum]) -> str:
    """A table of an enumeration's values."""
    group = f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"
    comments = {name.lower(): comment for name, comment in _comments(kind).items()}
    rows = [(f"`{one.value}`", MEANINGS.of(group, one.value, comments.get(one.value, ""))) for one in kind]
    return table(["value", "meaning"], rows)


def structs(*kinds: type[Struct], **options: Any) -> str:
    return "\n\n".join(described(kind, **options) for kind in kinds)
