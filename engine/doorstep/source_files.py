"""A file that a shop puts beside its settings, for widgets: what it holds, and by what a change is noticed."""

from pathlib import Path

from .errors import SourceError

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
            raise SourceError("there is no such file")
        with file.open("rb") as opened:
            body = opened.read(largest + 1)
    except (OSError, ValueError) as error:
        raise SourceError(f"it cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}") from None
    if len(body) > largest:
        raise SourceError(f"it is larger than {largest} bytes")
    return body
