"""Installed plugin packages: what their entry points name, found and read without importing them."""

import importlib.util
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import Distribution, distributions
from pathlib import Path

from msgspec import Struct

from .codes import CodeTable, load_codes
from .errors import ManifestError, PluginError
from .manifest import Manifest, load_manifest

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
        return [load_manifest(read(file), file=f"{self.module}/{file.relative_to(self.folder)}") for file in files]

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
        for entry in distribution.entry_points:
            if entry.group == GROUP:
                found.setdefault(entry.name, _package(entry.name, entry.value, distribution))
    return [found[name] for name in sorted(found)]


def read(file: Path) -> str:
    """The text of a plugin's file. Raises ManifestError."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"cannot read {file.parent.name}/{file.name}: {error}") from None


def _package(name: str, value: str, distribution: Distribution) -> Package:
    return Package(name, value.partition(":")[0].strip(), distribution.name or "?", distribution.version or "?")
