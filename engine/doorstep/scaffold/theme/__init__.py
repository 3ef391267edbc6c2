"""`doorstep new theme`: a child theme that works, with one of each thing that a theme may change."""

import re
import textwrap
from pathlib import Path

from ...errors import ConfigError
from ...paths import shipped
from ...theme_rules import accept_parents
from ...themes import Theme, find_themes, load_theme

_INVENTED = "acme"
_HERE = Path(__file__).parent / _INVENTED
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,39}")
_GROUND = "classic"  # whose templates and settings the new theme changes


def new_theme(name: str, into: Path, *, extends: str) -> list[Path]:
    """Writes a child of the theme `extends` into `into/themes/<name>` and gives the files. Raises ConfigError when the name
    is no name or taken, and ThemeError when there is no such parent."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name for a theme", next_step="use small letters, digits and hyphens: harbour-pine"
        )
    there = into / "themes" / name
    if there.exists():
        raise ConfigError(f"{there} is there already", next_step="choose another name, or remove it")
    known = find_themes([into / "themes", shipped("themes")])
    if name in known:
        raise ConfigError(f"{name!r} is a theme that ships", next_step="choose another name")
    parent = _parent(load_theme(extends, known))
    sources = sorted(file for file in _HERE.rglob("*") if file.is_file())
    files = {there / file.relative_to(_HERE).as_posix().replace(_INVENTED, name): file for file in sources}
    for target, source in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(source.read_text("utf-8"), name, parent), "utf-8")
    return sorted([*files, accept_parents(there, [into / "themes"])])


def _parent(theme: Theme) -> Theme:
    if theme.names[-1] != _GROUND:
        raise ConfigError(
            f"theme {theme.name!r} does not build on {_GROUND!r}, as a new theme does",
            next_step=f"extend {_GROUND}, or a theme that extends it",
        )
    return theme


def _renamed(text: str, name: str, parent: Theme) -> str:
    """The text of a file of the invented theme, as the new theme's."""
    order = ", ".join(f'"{section}"' for section in _carrier_first(parent.sections))
    sections = textwrap.fill(order, 116, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
    becomes = {
        _INVENTED: name,
        _INVENTED.title(): name.replace("-", " ").replace("_", " ").title(),
        '"classic': f'"{parent.name}',
        "sections = []": f"sections = [\n{sections},\n]",
    }
    return re.sub("|".join(map(re.escape, becomes)), lambda found: becomes[found[0]], text)


def _carrier_first(sections: tuple[str, ...]) -> list[str]:
    """The parent's order with the carrier's card before the details, where it has both."""
    order = list(sections)
    if {"carrier", "details"} <= set(order):
        order.remove("carrier")
        order.insert(order.index("details"), "carrier")
    return order
