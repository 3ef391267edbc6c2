"""A copy of a SQLite database, made while it is in use: one state of everything, checked, there at once or not at all."""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from .errors import ConfigError, StoreError

_PAGES = 1000  # copied between two reports of progress

Progress = Callable[[int, int], None]  # how many pages are left, of how many


def database_file(url: str, base: Path) -> Path | None:
    """The file of a SQLite database; None for another kind. Raises ConfigError for one that is kept nowhere."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError(
            "the database is kept in memory only", next_step='name a file: database = "sqlite:///doorstep.db"'
        )
    return base / str(parsed.database)


def back_up(source: Path, target: Path, *, progress: Progress) -> int:
    """Copies a database; the copy's size in bytes. A file of that name is replaced in the moment in which the copy is whole
    and on the disk. Raises StoreError; nothing is left behind then."""
    if not source.is_file():
        raise StoreError(f"there is no database {source}", next_step="check `database`")
    try:
        # Only its owner may read it: there are personal data in it.
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise _failed(target, error) from error
    os.close(handle)
    try:
        _copy(source, Path(name), progress)
        _settle(Path(name), target)
    except (sqlite3.Error, OSError) as error:
        raise _failed(target, error) from error
    finally:
        Path(name).unlink(missing_ok=True)
    return target.stat().st_size


def _copy(source: Path, target: Path, progress: Progress) -> None:
    with (
        closing(sqlite3.connect(source, isolation_level=None, timeout=30)) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        # A view that is held does not move on with what others write meanwhile, and copying it never begins again.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=_PAGES, progress=lambda _, left, total: progress(left, total), sleep=0)
        writing.execute("PRAGMA journal_mode=DELETE")  # a file that stands by itself
        found = [row[0] for row in writing.execute("PRAGMA integrity_check(1)")]
        if found != ["ok"]:
            raise sqlite3.DatabaseError(f"the copy is not sound ({found[0]})")


def _settle(written: Path, target: Path) -> None:
    """Gives the copy its name, so that it has it after a power cut as well."""
    _flush(written)
    written.replace(target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _failed(target: Path, error: Exception) -> StoreError:
    cause = error.strerror if isinstance(error, OSError) else str(error)
    return StoreError(f"no backup was made at {target}: {cause}", next_step="mend that and try again")
