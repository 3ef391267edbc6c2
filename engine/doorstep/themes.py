"""Themes as data: `theme.toml`, the chain of parents, what stands in which place. Rendering is in `doorstep.theming`."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from .appearance import Layer
from .contrast import Contrast, merged, problems_of
from .errors import ThemeError
from .manifest import CONTRACT
from .theme_settings import IN_CSS, Setting, SettingType
from .theme_texts import own_texts

_DOCS = "docs/themes.md lists every key"


class Preset(Struct, frozen=True, forbid_unknown_fields=True):
    """A named set of values."""

    title: str
    settings: dict[str, Any]


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
    slots: tuple[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")], ...] = ()
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    mail_styles: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = {}
    presets: dict[str, Preset] = {}
    contrast: tuple[Contrast, ...] = ()


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
    mail_styles: tuple[Path, ...]
    settings: dict[str, Setting]
    presets: dict[str, Preset]
    contrast: tuple[Contrast, ...]
    texts: tuple[Path, ...]

    def values(self, *layers: tuple[str, Layer]) -> dict[str, Any]:
        """The settings' values, later layers over earlier ones and all over the defaults. Each comes with the place where it
        stands. Raises ThemeError for what the theme has not or cannot take."""
        values = {name: setting.read(setting.default) for name, setting in self.settings.items()}
        for where, layer in layers:
            if layer.preset:
                values |= self._read(self._preset(layer.preset, where), f"{where}.preset")
            values |= self._read(layer.settings, f"{where}.settings")
        return values

    def _preset(self, name: str, where: str) -> Mapping[str, Any]:
        if name not in self.presets:
            known = ", ".join(self.presets) or "none"
            raise ThemeError(
                f"{where}.preset: theme {self.name!r} has no preset {name!r}", next_step=f"it has: {known}"
            )
        return self.presets[name].settings

    def _read(self, given: Mapping[str, Any], where: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in self.settings:
                known = ", ".join(self.settings)
                raise ThemeError(
                    f"{where}.{name}: theme {self.name!r} has no such setting", next_step=f"it has: {known}"
                )
            try:
                values[name] = self.settings[name].read(value)
            except ValueError as error:
                raise ThemeError(f"{where}.{name}: {error}", next_step="correct the value") from None
        return values

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
    while name or not chain:
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
    nearest = {field: _nearest(chain, field) for field in ("sections", "order_sections", "aside", "slots")}
    presets: dict[str, Preset] = {}
    for manifest in reversed(chain):
        presets |= manifest.presets
    theme = Theme(
        chain[0].name,
        chain[0],
        tuple(folders),
        tuple(one.name for one in chain),
        **nearest,
        styles=tuple(_listed(chain, folders, "styles")),
        scripts=tuple(_listed(chain, folders, "scripts")),
        mail_styles=tuple(_listed(chain, folders, "mail_styles")),
        settings=_settings(chain),
        presets=presets,
        contrast=merged(one.contrast for one in reversed(chain)),
        texts=own_texts(folders),
    )
    colors = [name for name, setting in theme.settings.items() if setting.type is SettingType.COLOR]
    if problems := problems_of(theme.contrast, colors):
        raise ThemeError(problems[0], file=f"{theme.name}/theme.toml", next_step=_DOCS)
    for preset in presets:
        theme.values((f"{theme.name}/theme.toml: presets.{preset}", Layer(settings=presets[preset].settings)))
    return theme


def _settings(chain: list[ThemeManifest]) -> dict[str, Setting]:
    """The settings of a theme, parents' first. A child repeats only what it changes, unless it changes the type."""
    written: dict[str, dict[str, Any]] = {}
    settings: dict[str, Setting] = {}
    for manifest in reversed(chain):
        for name, own in manifest.settings.items():
            inherited = written.get(name, {})
            same = own.get("type", inherited.get("type")) == inherited.get("type")
            written[name] = {**inherited, **own} if same else own
            settings[name] = _setting(name, written[name], f"{manifest.name}/theme.toml")
    return settings


def _setting(name: str, written: Mapping[str, Any], file: str) -> Setting:
    try:
        setting = msgspec.convert(written, Setting)
    except msgspec.ValidationError as error:
        said, _, at = str(error).partition(" - at `$")
        raise ThemeError(f"settings.{name}{at.rstrip('`')}: {said}", file=file, next_step=_DOCS) from None
    if problem := setting.problem(setting.default):
        raise ThemeError(f"settings.{name}.default: {problem}", file=file)
    if setting.css and setting.type not in IN_CSS:
        raise ThemeError(
            f"settings.{name}.css: a {setting.type} cannot stand in a style sheet",
            file=file, next_step=f"{', '.join(IN_CSS)} can",
        )  # fmt: skip
    return setting


def load_theme_manifest(folder: Path) -> ThemeManifest:
    """The `theme.toml` of a folder. Raises ThemeError with the file and what is wrong in it."""
    file = folder / "theme.toml"
    try:
        manifest = msgspec.convert(tomllib.loads(file.read_text("utf-8")), ThemeManifest)
    except (OSError, ValueError) as error:  # TOML's and msgspec's errors are ValueErrors
        raise ThemeError(str(error), file=f"{folder.name}/theme.toml", next_step=_DOCS) from None
    if manifest.contract != CONTRACT:
        raise ThemeError(f"written for contract {manifest.contract}, this engine speaks {CONTRACT}", file=str(file))
    if manifest.name != folder.name:
        raise ThemeError(f"its name {manifest.name!r} is not its folder's", file=f"{folder.name}/theme.toml")
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
