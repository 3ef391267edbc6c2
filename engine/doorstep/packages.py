"""Plugin packages: those that entry points name and those in a shop's own folder, found and read without importing them."""

import importlib
import importlib.util
import sys
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import distributions
from pathlib import Path

from msgspec import Struct

from .codes import CodeTable, load_codes
from .errors import ManifestError, PluginError
from .manifest import Manifest, load_manifests

GROUP = "doorstep"


class Package(Struct, frozen=True, dict=True):
    """One entry point of the group `doorstep`: a package of a distribution. Nothing in here imports it."""

    name: str
    module: str
    distribution: str
    version: str

    @cached_property
    def folder(self) -> Path:
        """Where the package lies. Raises PluginError."""
        try:
            spec = importlib.util.find_spec(self.module)
        except Exception as error:  # a name with dots imports its parents, which may raise anything
            raise PluginError(f"the package {self.module!r} cannot be found: {error}") from None
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(f"the package {self.module!r} is not installed", next_step="reinstall its distribution")
        return Path(next(iter(spec.submodule_search_locations)))

    @property
    def has_code(self) -> bool:
        return (self.folder / "__init__.py").is_file()

    @property
    def has_carrier(self) -> bool:
        return (self.folder / "carrier.toml").is_file()

    def manifests(self) -> list[Manifest]:
        """The carrier of the package (`carrier.toml`) and those it knows by number only (`carriers/*.toml`)."""
        files = [self.folder / "carrier.toml"] if self.has_carrier else []
        files += sorted((self.folder / "carriers").glob("*.toml"))
        named = ((file, f"{self.module}/{file.relative_to(self.folder)}") for file in files)
        return [manifest for file, name in named for manifest in load_manifests(read(file), file=name)]

    def codes(self) -> CodeTable:
        """The package's code table; its revision is a digest of the file."""
        file = self.folder / "codes.toml"
        text = read(file)
        return load_codes(
            text, file=f"{self.module}/codes.toml", revision=blake2b(text.encode(), digest_size=6).hexdigest()
        )


def installed() -> list[Package]:
    """All packages of the group, by name, each once; the first distribution on the path wins, as with imports."""
    found: dict[str, Package] = {}
    for distribution in distributions():
        if own := [entry for entry in distribution.entry_points if entry.group == GROUP]:
            about = distribution.metadata  # which is parsed anew each time it is asked for
            distributed = about["Name"] or "?", about["Version"] or "?"
            for entry in own:
                module = entry.value.partition(":")[0].strip()
                found.setdefault(entry.name, Package(entry.name, module, *distributed))
    return [found[name] for name in sorted(found)]


def in_folder(folder: Path) -> list[Package]:
    """The packages in a shop's own folder of plugins, which need no installation: they are put on the import path, behind
    all that is installed. Their version is a digest of their code, so that kept answers end with an edit."""
    homes = sorted(home for home in folder.glob("*") if home.name.isidentifier() and _is_package(home))
    place = str(folder.resolve())
    if homes and place not in sys.path:
        sys.path.append(place)
        importlib.invalidate_caches()
    return [
        Package(home.name.removeprefix("doorstep_"), home.name, f"{folder.name}/{home.name}", _digest(home))
        for home in homes
    ]


def found(folder: Path) -> list[Package]:
    """All plugin packages there are: installed ones, then those in the folder."""
    return installed() + in_folder(folder)


def _is_package(home: Path) -> bool:
    return (home / "carrier.toml").is_file() or (home / "__init__.py").is_file()


def _digest(home: Path) -> str:
    code = blake2b(digest_size=6)
    for file in sorted(home.rglob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()


def read(file: Path) -> str:
    """The text of a plugin's file. Raises ManifestError."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ManifestError(f"cannot read {file.parent.name}/{file.name}: {reason}") from None
