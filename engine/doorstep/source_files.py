"""A file that a shop puts beside its settings, for widgets: what it holds, what is wrong in it, how a change is noticed."""

import re
from pathlib import Path

from .errors import SourceError
from .widget import PartRead, Source

_LINE = re.compile(r"\bline (\d+)(?:, column \d+)?:? ?")
Stamp = tuple[int, int, int, int]  # which file it is, when it and its rights were written, its size


def stamp_of(file: Path) -> Stamp | None:
    """None where there is no such file."""
    try:
        told = file.stat()
    except (OSError, ValueError):
        return None
    return told.st_ino, told.st_mtime_ns, told.st_ctime_ns, told.st_size


def read_file(file: Path, largest: int) -> bytes:
    """What it holds. Raises SourceError."""
    try:
        if not file.is_file():
            raise SourceError("there is no such file", absent=True)
        with file.open("rb") as opened:
            body = opened.read(largest + 1)
    except (OSError, ValueError) as error:
        raise SourceError(f"it cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}") from None
    if len(body) > largest:
        raise SourceError(f"it is larger than {largest} bytes")
    return body


def mistakes_in(source: Source, base: Path) -> list[tuple[str, str]]:
    """What the source's reader cannot use of its file: each with its place, `file:line` where there is one."""
    file = base / source.address
    try:
        value = source.read(read_file(file, source.largest), file.name)
    except (SourceError, ValueError) as error:
        if source.may_lack and isinstance(error, SourceError) and error.absent:
            return []
        line = _LINE.search(str(error))
        place = f"{source.address}:{line[1]}" if line else source.address
        return [(place, _LINE.sub("", str(error), count=1).rstrip(": "))]
    except Exception as error:
        return [(source.address, f"reading it raised {type(error).__name__}")]
    if not isinstance(value, PartRead):
        return []
    told = [(f"{source.address}:{one.line}" if one.line else source.address, one.reason) for one in value.mistakes]
    more = value.left_out - len(told)
    return [*told, (source.address, f"{more} more like these")] if more > 0 else told
