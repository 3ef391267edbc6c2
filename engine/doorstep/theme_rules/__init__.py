"""`doorstep check theme`: every mistake of a theme by rule, file and line, with the reason and the mend, before a shopper
sees it. A rule is one function of a `Subject`; they are listed here, in the order in which they are told."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import ThemeError
from ..paths import shipped
from ..themes import find_themes, load_theme
from .of_markup import MARKUP_RULES
from .of_parents import PARENT_RULES, RECORD, changes, record
from .of_settings import SETTING_RULES
from .of_styles import STYLE_RULES
from .of_templates import TEMPLATE_RULES
from .rule import Finding, Place
from .subject import Files, Subject, read_theme
from .texts import Catalog, engine_catalogs

__all__ = ["RULES", "Finding", "accept_parents", "changed_parents", "check_files", "check_theme"]
RULES = (*SETTING_RULES, *TEMPLATE_RULES, *MARKUP_RULES, *STYLE_RULES, *PARENT_RULES)


def check_theme(folder: Path, beside: Iterable[Path] = ()) -> list[Finding]:
    """What is wrong with the theme in `folder`; its parents are found next to it, in the folders `beside`, or are the
    engine's. Raises ThemeError where there is no theme at all."""
    if not (folder / "theme.toml").is_file():
        raise ThemeError(
            f"{folder} has no theme.toml", next_step="name the folder of a theme: doorstep check theme themes/NAME"
        )
    own = read_theme(folder)
    found = _near(folder, beside)
    others = _others(own, found)
    return [*_manifest(own.name, found), *check_files(own, others, engine_catalogs(shipped("locales")))]


def accept_parents(folder: Path, beside: Iterable[Path] = ()) -> Path:
    """Writes down what the theme overrides of its parents as they are now, and gives the file."""
    own = read_theme(folder)
    subject = Subject(own, _others(own, _near(folder, beside)), {})
    file = folder / RECORD
    file.write_text(record(subject.chain), "utf-8")
    return file


def changed_parents(folders: Iterable[Path]) -> list[Place]:
    """What the first of these themes overrides that the others, its parents, changed since it was accepted."""
    return list(changes([read_theme(folder) for folder in folders]))


def check_files(own: Files, others: Mapping[str, Files], catalogs: Mapping[str, Catalog]) -> list[Finding]:
    """The same for a theme whose files are at hand; of one whose theme.toml cannot be read, nothing more can be said."""
    subject = Subject(own, others, catalogs)
    rules = RULES if subject.manifests[0] else ()
    return [finding for rule in rules for finding in rule.findings(subject)]


def _near(folder: Path, beside: Iterable[Path]) -> Mapping[str, Path]:
    return find_themes([folder, folder.resolve().parent, *beside, shipped("themes")])


def _others(own: Files, found: Mapping[str, Path]) -> dict[str, Files]:
    return {name: read_theme(path) for name, path in found.items() if name != own.name}


def _manifest(name: str, found: Mapping[str, Path]) -> list[Finding]:
    """What keeps the engine from loading the theme; a circle is told by its own rule."""
    try:
        load_theme(name, found)
    except ThemeError as error:
        if "circular" in error.message:
            return []
        return [Finding("manifest", "theme.toml", error.line or 1, error.message, error.next_step)]
    return []
