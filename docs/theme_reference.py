"""Tables about the themes that ship, read from their manifests, templates and style sheets; used by `generate.py`."""

import re
from collections.abc import Iterable, Iterator

from jinja2 import nodes
from reference import MEANINGS, table

from doorstep.paths import shipped
from doorstep.theme_rules.subject import Subject, Template, read_theme
from doorstep.themes import Theme, find_themes, load_theme

FOLDERS = find_themes([shipped("themes")])
_ABOUT = re.compile(r"\{#-?\s*(?P<text>.*?)\s*-?#\}", re.DOTALL)
_FOR_AUTHORS = re.compile(r"\s*(?:Blocks|Usage):.*", re.DOTALL)


def _themes() -> list[Theme]:
    """Classic first, on which the others stand."""
    loaded = [load_theme(name, FOLDERS) for name in sorted(FOLDERS)]
    return sorted(loaded, key=lambda theme: len(theme.names))


def _subject(theme: Theme) -> Subject:
    own = {name: read_theme(folder) for name, folder in FOLDERS.items()}
    return Subject(own[theme.name], own, {})


def _written() -> dict[str, dict[str, Template]]:
    """Every template that ships, by its name and then by the theme that writes it."""
    found: dict[str, dict[str, Template]] = {}
    for theme in _themes():
        for template in _subject(theme).templates:
            found.setdefault(template.name, {})[theme.name] = template
    return found


def theme_list() -> str:
    rows = [(f"`{one.name}`", one.manifest.description, one.manifest.extends or "nothing") for one in _themes()]
    return table(["theme", "what it is", "extends"], rows)


def theme_settings() -> str:
    """Every setting, with the defaults of each theme where they are not Classic's."""
    names = {name: one for theme in reversed(_themes()) for name, one in theme.settings.items()}
    rows = []
    for name in [*_themes()[0].settings, *(one for one in names if one not in _themes()[0].settings)]:
        having = {theme.name: theme.settings[name] for theme in _themes() if name in theme.settings}
        first = next(iter(having.values()))
        said = {theme: _default(one.default) for theme, one in having.items()}
        others = [f"{theme} {value}" for theme, value in said.items() if value != next(iter(said.values()))]
        alone = "" if len(having) == len(FOLDERS) else f" ({', '.join(having)} only)"
        kind = ", ".join(f"`{choice}`" for choice in first.choices) or f"`{first.type.value}`"
        default = "; ".join([next(iter(said.values())), *others])
        rows.append((f"`{name}`", kind, default, f"{first.label}{alone}. {first.help}"))
    return table(["setting", "type or choices", "default", "what it is"], rows)


def _default(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value or value == 0 else "empty"


def theme_presets() -> str:
    rows = [
        (f"`{theme.name}`", f"`{name}`", ", ".join(f"{key} `{value}`" for key, value in one.settings.items()))
        for theme in _themes()
        for name, one in theme.manifest.presets.items()
    ]
    return table(["theme", "preset", "sets"], rows)


def theme_templates() -> str:
    """The templates that are no section, with their blocks and who writes them."""
    rows = []
    for name, by in sorted(_written().items(), key=lambda one: ("/" in one[0], one[0])):
        if name.startswith(("sections/", "widgets/")):
            continue
        first = next(iter(by.values()))
        blocks = [f"`{one}`" for template in by.values() for one in _blocks(template)]
        rows.append((f"`{name}`", _about(first), ", ".join(dict.fromkeys(blocks)), ", ".join(by)))
    return table(["template", "what it is", "blocks", "written by"], rows)


def theme_sections() -> str:
    """The sections and who writes them; on whose pages they stand, and in which column."""
    written = _written()
    classic = _themes()[0]
    rows = []
    answer = _answer(written["sheet.html"][classic.name])
    for name in dict.fromkeys([*answer, *classic.sections, *classic.order_sections]):
        if name.startswith("slot."):
            continue
        by = written[f"sections/{name}.html"]
        pages = [page for page, sections in _pages(classic) if name in sections]
        where = "answer" if name in answer else "second column" if name in classic.aside else "below"
        rows.append((f"`{name}`", MEANINGS.of("themes.sections", name), ", ".join(pages), where, ", ".join(by)))
    return table(["section", "shows", "pages", "where", "written by"], rows)


def _answer(sheet: Template) -> list[str]:
    """The sections that stand at the top, as the sheet sets them."""
    if sheet.tree is None:
        raise LookupError(f"{sheet.file} cannot be read")
    assigned = [one for one in sheet.tree.find_all(nodes.Assign) if getattr(one.target, "name", "") == "answer"]
    return [str(name) for one in assigned if isinstance(one.node, nodes.List) for name in one.node.as_const()]


def theme_slots() -> str:
    classic = _themes()[0]
    rows = []
    for slot in sorted({slot for theme in _themes() for slot in theme.slots}):
        themes = ", ".join(theme.name for theme in _themes() if slot in theme.slots)
        pages = ", ".join(page for page, sections in _pages(classic) if f"slot.{slot}" in sections)
        rows.append((f"`{slot}`", f"`slot.{slot}`", MEANINGS.of("themes.slots", slot), pages, themes))
    return table(["slot", "section", "where", "pages", "in"], rows)


def _pages(theme: Theme) -> Iterable[tuple[str, tuple[str, ...]]]:
    return ("parcel", theme.sections), ("order", theme.order_sections)


def theme_properties() -> str:
    """The custom properties that every theme sets on `body`, whatever it looks like."""
    per_theme = [set(_properties(_subject(theme))) for theme in _themes()]
    common = sorted(set.intersection(*per_theme))
    return table(["property", "what it is"], [(f"`{one}`", MEANINGS.of("themes.properties", one)) for one in common])


def _properties(subject: Subject) -> Iterator[str]:
    for one in subject.all_declarations:
        if one.selector == "body" and one.name.startswith("--"):
            yield one.name


def _about(template: Template) -> str:
    """What a template says of itself in its first comment."""
    found = _ABOUT.match(template.source)
    if found is None:
        raise LookupError(f"{template.file} does not say what it is")
    return _FOR_AUTHORS.sub("", found["text"])


def _blocks(template: Template) -> list[str]:
    return [one.name for one in template.tree.find_all(nodes.Block)] if template.tree is not None else []
