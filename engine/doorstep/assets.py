"""Static files as they are served: read once, packed once, named by what is in them."""

import gzip
import mimetypes
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from .errors import ThemeError
from .themes import inside

LARGEST = 8 * 1024 * 1024  # bytes of one file
_MOST_EARLIER = 4

_TYPES = mimetypes.MimeTypes()  # Python's own table and these: the same on every machine
for _suffix, _type in {
    ".js": "text/javascript", ".webp": "image/webp", ".avif": "image/avif",
    ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf",
}.items():  # fmt: skip
    _TYPES.add_type(_type, _suffix)


class Asset(Struct, frozen=True):
    """A static file as it is served; `packed` is the same, gzipped, where that is smaller."""

    body: bytes
    packed: bytes | None
    content_type: str
    fingerprint: str


Assets = Mapping[str, Asset]  # by name below static/


def asset(name: str, body: bytes) -> Asset:
    content_type = _TYPES.guess_type(name)[0] or "application/octet-stream"
    if content_type.startswith("text/") or content_type.endswith(("javascript", "json", "svg+xml")):
        content_type += "; charset=utf-8"
    packed = gzip.compress(body, 9, mtime=0)
    smaller = packed if len(packed) < len(body) * 0.9 else None
    return Asset(body, smaller, content_type, blake2b(body, digest_size=8).hexdigest())


def read_assets(folders: Iterable[Path]) -> dict[str, Asset]:
    """All files below these folders; of equal names the first folder's. Raises ThemeError for one that is too large."""
    found: dict[str, Asset] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            file = inside(folder, name)
            if file is None or name in found:
                continue
            if file.stat().st_size > LARGEST:
                raise ThemeError(
                    f"static/{name} is larger than {LARGEST // 1024 // 1024} MB",
                    file=folder.parent.name, next_step="make it smaller: readers have to load it",
                )  # fmt: skip
            found[name] = asset(name, file.read_bytes())
    return found


class Shelf:
    """What is served below `/static/`, by fingerprint and name: the files of now, and those of before, which pages that were
    made then still ask for."""

    def __init__(self, current: Iterable[Assets] = (), before: "Shelf | None" = None) -> None:
        now = {(one.fingerprint, name): one for assets in current for name, one in assets.items()}
        earlier = before._generations if before else ()
        if earlier and earlier[0] == now:
            earlier = earlier[1:]
        self._generations: tuple[dict[tuple[str, str], Asset], ...] = (now, *earlier)[: 1 + _MOST_EARLIER]

    def find(self, fingerprint: str, name: str) -> Asset | None:
        wanted = (fingerprint, name)
        return next((files[wanted] for files in self._generations if wanted in files), None)
