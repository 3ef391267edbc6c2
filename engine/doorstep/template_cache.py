"""Compiled templates on the disk: a process that starts again takes their code from there, in place of compiling them."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2 import __version__ as jinja
from jinja2.bccache import Bucket

from . import __version__


class TemplateCache(FileSystemBytecodeCache):
    """The code of templates, in a folder that belongs to the user of the process and to nobody else. What cannot be read or
    kept is compiled, as everything is where there is no such folder.

    Code is found by the template's place, text and `_makers`: an engine that was changed compiles anew.
    """

    def __init__(self, directory: str | None = None) -> None:
        super().__init__(directory, "doorstep_%s.cache")
        self._made_by = _makers()

    def get_source_checksum(self, source: str) -> str:
        return blake2b(self._made_by + source.encode("utf-8", "replace"), digest_size=20).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # half a file, or something else in its place: unpickling may raise anything
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        try:
            super().dump_bytecode(bucket)
        except OSError:  # a full disk, a folder that is gone
            return


def template_cache() -> TemplateCache | None:
    """The cache in the folder for temporary files; None where that cannot be had safely."""
    try:
        return TemplateCache()
    except (OSError, RuntimeError):  # RuntimeError: the folder is another user's
        return None


@cache
def _makers() -> bytes:
    """What the code that is made of a template depends on beside the template: Jinja's and the engine's own modules."""
    modules = [(file.name, file.stat()) for file in sorted(Path(__file__).parent.glob("*.py"))]
    return repr((__version__, jinja, [(name, stat.st_size, stat.st_mtime_ns) for name, stat in modules])).encode()
