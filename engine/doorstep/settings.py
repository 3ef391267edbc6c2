"""From raw TOML to typed settings: every mistake is named with its path and, where it can be guessed, its mend."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from .errors import ConfigError
from .secret import Secret

T = TypeVar("T", bound=Struct)


def convert(raw: Mapping[str, Any], kind: type[T], *, path: str, file: str, base: Path | None = None) -> T:
    """`raw` as a `kind`. `path` is where it stands ("stores.main"), `file` what the reader opens.

    A text or secret `name` may come from a file, as `name_file = "path"`, relative to `base`; a list, one a line. Raises
    ConfigError.
    """
    known = _known(raw, kind, path, file, base or Path())
    try:
        return msgspec.convert(known, kind, dec_hook=_decode)
    except msgspec.ValidationError as error:
        where, innermost = _traced(known, kind, path, error)
        raise _explained(innermost, where, file) from None


def _traced(value: Any, kind: Any, path: str, error: msgspec.ValidationError) -> tuple[str, msgspec.ValidationError]:
    """The innermost value that is wrong, and why: in tables with free names, msgspec does not tell which it is."""
    for step, part, inner in _parts(value, kind):
        try:
            msgspec.convert(part, inner, dec_hook=_decode)
        except msgspec.ValidationError as closer:
            return _traced(part, inner, f"{path}{step}" if path else step.lstrip("."), closer)
    return path, error


def _parts(value: Any, kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """What a value is made of: how it is written behind the value's path, the part itself, and its type."""
    args = get_args(kind)
    if isinstance(value, list) and args[1:] == (...,):
        for place, item in enumerate(value):
            yield f"[{place}]", item, args[0]
    elif isinstance(value, Mapping) and get_origin(kind) is dict:
        for name, item in value.items():
            yield f".{name}", name, args[0]
            yield f".{name}", item, args[1]
    elif isinstance(value, Mapping) and _is_struct(kind):
        for field in msgspec.structs.fields(kind):
            if field.encode_name in value:
                yield f".{field.encode_name}", value[field.encode_name], field.type


def _known(raw: Mapping[str, Any], kind: type[Struct], path: str, file: str, base: Path) -> dict[str, Any]:
    """The raw table with files read in, all the way down, after a look at every key."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    result: dict[str, Any] = {}
    for key, value in raw.items():
        here = f"{path}.{key}" if path else key
        name = key.removesuffix("_file")
        if key not in fields and name in fields and name != key:
            if name in raw:
                other = here.removesuffix("_file")
                raise ConfigError(f"{file}: {other} and {here} are both set", next_step="keep one of them")
            text = _read(value, here, file, base)
            result[name] = text.splitlines() if get_origin(fields[name]) is tuple else text
        elif key not in fields:
            raise ConfigError(f"{file}: {here} is not a setting", next_step=_guess(key, fields))
        else:
            result[key] = _inside(value, fields[key], here, file, base)
    return result


def _inside(value: Any, kind: Any, path: str, file: str, base: Path) -> Any:
    if isinstance(value, str) and get_origin(kind) is tuple and get_args(kind)[0] is Secret:
        return [value]  # one secret, or several while it is changed
    if isinstance(value, Mapping):
        if _is_struct(kind):
            return _known(value, kind, path, file, base)
        inner: Any = get_args(kind)[1] if get_origin(kind) is dict else None
        if _is_struct(inner):
            return {
                key: _known(item, inner, f"{path}.{key}", file, base) if isinstance(item, Mapping) else item
                for key, item in value.items()
            }
    return value


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _read(value: Any, path: str, file: str, base: Path) -> str:
    try:
        return (base / str(value)).read_text("utf-8").strip()
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError:
        reason = "not UTF-8 text"
    except ValueError:  # of a NUL
        reason = "no path"
    raise ConfigError(f"{file}: {path}: cannot read {value!r}: {reason}", next_step="check path and rights")


def _decode(kind: Any, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"Expected `{kind.__name__}`, got `{value.__class__.__name__}`")


def _explained(error: msgspec.ValidationError, path: str, file: str) -> ConfigError:
    text, _, at = str(error).partition(" - at `")
    at = at.rstrip("`").removeprefix("$").removeprefix(".")
    where = ".".join(part for part in (path, at) if part)
    if text.startswith("Object missing required field"):
        name = text.split("`")[1]
        where = f"{where}.{name}" if where else name
        return ConfigError(
            f"{file}: {where} is missing", next_step=f"add {name} = … under [{where.rpartition('.')[0]}]"
        )
    return ConfigError(f"{file}: {where}: {text}", next_step="correct the value")


def _guess(key: str, fields: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known here: {', '.join(sorted(fields)) or 'nothing'}"
