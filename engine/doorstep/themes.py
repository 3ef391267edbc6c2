"""Themes as data: `theme.toml`, the chain of parents, settings with their types. Rendering is in `doorstep.theming`."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from .addresses import is_web_address
from .errors import ThemeError
from .manifest import CONTRACT

_COLOR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_FILE = re.compile(r"([\w.-]+(/[\w.-]+)*)?")


class SettingType(StrEnum):
    COLOR = "color"
    TEXT = "text"
    URL = "url"
    IMAGE = "image"
    CHOICE = "choice"
    SWITCH = "switch"
    RANGE = "range"


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """What a merchant may set. `css` names the custom property that the value becomes, with `unit` behind a number."""

    type: SettingType
    label: str
    default: str | int | bool
    help: str = ""
    css: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    min: int | None = None
    max: int | None = None
    step: int = 1

    def problem(self, value: Any) -> str:
        """Why a value does not fit, or ""."""
        kind = self.type
        if kind is SettingType.SWITCH:
            return "" if isinstance(value, bool) else "expected true or false"
        if kind is SettingType.RANGE:
            fits = isinstance(value, int) and not isinstance(value, bool)
            fits = fits and (self.min is None or value >= self.min) and (self.max is None or value <= self.max)
            return "" if fits else f"expected a whole number from {self.min} to {self.max}"
        if not isinstance(value, str):
            return "expected a text"
        if kind is SettingType.COLOR and not _COLOR.fullmatch(value):
            return "expected a colour such as #1f4fd8"
        if kind is SettingType.CHOICE and value not in self.choices:
            return f"expected one of {', '.join(self.choices)}"
        if kind in (SettingType.URL, SettingType.IMAGE) and not (
            is_web_address(value, paths=True) or _FILE.fullmatch(value)
        ):
            return "expected an http(s) address, a path that begins with /, or a file of the theme"
        return ""


class ThemeManifest(Struct, frozen=True, forbid_unknown_fields=True):
    """`theme.toml`. `sections` is the order of the page, `order_sections` that of an order's; `aside` names those that stand
    in the second column."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{1,39}$")]
    title: str
    version: str
    contract: int
    extends: str = ""
    description: str = ""
    sections: tuple[str, ...] = ()
    order_sections: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    settings: dict[str, Setting] = {}


class Theme(Struct, frozen=True):
    """A theme with its parents: `folders` and `names` child first, everything else already inherited."""

    name: str
    manifest: ThemeManifest
    folders: tuple[Path, ...]
    names: tuple[str, ...]
    sections: tuple[str, ...]
    order_sections: tuple[str, ...]
    aside: tuple[str, ...]
    slots: tuple[str, ...]
    styles: tuple[Path, ...]
    scripts: tuple[Path, ...]
    settings: dict[str, Setting]

    def values(self, given: Mapping[str, Any], *, where: str) -> dict[str, Any]:
        """The settings' values, the store's over the defaults. Raises ThemeError for what the theme has not or cannot take."""
        for name, value in given.items():
            if name not in self.settings:
                known = ", ".join(self.settings)
                raise ThemeError(
                    f"{where}.{name}: theme {self.name!r} has no such setting", next_step=f"it has: {known}"
                )
            if problem := self.settings[name].problem(value):
                raise ThemeError(f"{where}.{name}: {problem}", next_step="correct the value")
        return {name: given.get(name, setting.default) for name, setting in self.settings.items()}

    def static(self, name: str) -> Path | None:
        """The file `static/<name>` of the theme or the nearest parent that has it, never outside of them."""
        for folder in self.folders:
            if (file := inside(folder / "static", name)) is not None:
                return file
        return None


def find_themes(folders: Iterable[Path]) -> dict[str, Path]:
    """Theme folders by name. `folders` are themes or folders of themes; the first of a name wins."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in [folder / "theme.toml", *sorted(folder.glob("*/theme.toml"))]:
            if file.is_file():
                found.setdefault(file.parent.name, file.parent)
    return found


def load_theme(name: str, found: Mapping[str, Path]) -> Theme:
    """A theme with its parents. Raises ThemeError: missing, circular, not readable."""
    chain: list[ThemeManifest] = []
    folders: list[Path] = []
    while name:
        if name not in found:
            known = ", ".join(sorted(found))
            child = f", which {chain[-1].name!r} extends" if chain else ""
            raise ThemeError(f"there is no theme {name!r}{child}", next_step=f"installed: {known}")
        if any(one.name == name for one in chain):
            raise ThemeError("circular extends: " + " → ".join([*(one.name for one in chain), name]))
        manifest = load_theme_manifest(found[name])
        chain.append(manifest)
        folders.append(found[name])
        name = manifest.extends
    settings: dict[str, Setting] = {}
    for manifest in reversed(chain):
        settings |= manifest.settings
    nearest = {field: _nearest(chain, field) for field in ("sections", "order_sections", "aside", "slots")}
    styles = tuple(_listed(chain, folders, "styles"))
    scripts = tuple(_listed(chain, folders, "scripts"))
    names = tuple(one.name for one in chain)
    return Theme(
        chain[0].name, chain[0], tuple(folders), names, **nearest, styles=styles, scripts=scripts, settings=settings
    )


def load_theme_manifest(folder: Path) -> ThemeManifest:
    """The `theme.toml` of a folder. Raises ThemeError with the file and what is wrong in it."""
    file = folder / "theme.toml"
    try:
        manifest = msgspec.convert(tomllib.loads(file.read_text("utf-8")), ThemeManifest)
    except (OSError, ValueError) as error:  # TOML's and msgspec's errors are ValueErrors
        raise ThemeError(
            str(error), file=f"{folder.name}/theme.toml", next_step="docs/themes.md lists every key"
        ) from None
    if manifest.contract != CONTRACT:
        raise ThemeError(f"written for contract {manifest.contract}, this engine speaks {CONTRACT}", file=str(file))
    if manifest.name != folder.name:
        raise ThemeError(f"its name {manifest.name!r} is not its folder's", file=f"{folder.name}/theme.toml")
    for name, setting in manifest.settings.items():
        if problem := setting.problem(setting.default):
            raise ThemeError(f"settings.{name}.default: {problem}", file=f"{folder.name}/theme.toml")
    return manifest


def inside(folder: Path, name: str) -> Path | None:
    """The file `name` below a folder, or None: no way out by `..`, by an absolute path or through a link, and one name only
    for a file (`./a` is not `a`)."""
    if str(PurePosixPath(name)) != name or ".." in PurePosixPath(name).parts:
        return None
    try:
        root = folder.resolve()
        file = (root / name).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
        return None


def _nearest(chain: list[ThemeManifest], field: str) -> tuple[str, ...]:
    return next((value for manifest in chain if (value := getattr(manifest, field))), ())


def _listed(chain: list[ThemeManifest], folders: list[Path], field: str) -> Iterable[Path]:
    """The files of a list, parents' first. A child's file stands in for its parent's of that name, as templates do."""
    files: dict[str, Path] = {}
    for manifest in reversed(chain):
        for name in getattr(manifest, field):
            file = next(filter(None, (inside(folder / "static", name) for folder in folders)), None)
            if file is None:
                raise ThemeError(f"{field} names {name!r}, which is not in static/", file=f"{manifest.name}/theme.toml")
            files.setdefault(name, file)
    return files.values()
