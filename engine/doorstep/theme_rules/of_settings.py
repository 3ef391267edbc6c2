"""Rules about theme.toml, settings and files."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from jinja2 import nodes

from ..contrast import Contrast, derived, merged, problems_of
from .rule import Place, Rule
from .subject import Subject

_COLOR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LARGEST = {  # kilobytes by the ending of the file's name
    ".css": 64, ".js": 24, ".svg": 32, ".woff2": 120, ".woff": 150, ".ttf": 150,
    ".jpg": 200, ".jpeg": 200, ".png": 200, ".webp": 200, ".avif": 200, ".gif": 200,
}  # fmt: skip
_MENDS = {
    ".css": "remove what is not used", ".js": "remove what is not used", ".svg": "simplify its paths",
    ".woff2": "keep only the letters that are needed", ".woff": "make it a woff2", ".ttf": "make it a woff2",
}  # fmt: skip


def _read_settings(subject: Subject, *, own: bool) -> Iterator[tuple[str, int, str]]:
    """File, line and name of every setting that templates read."""
    for template in subject.templates if own else subject.all_templates:
        for node in template.tree.find_all(nodes.Expr) if template.tree is not None else ():
            if isinstance(node, nodes.Getattr) and _is_settings(node.node):
                yield template.file, node.lineno, node.attr
            elif isinstance(node, nodes.Getitem) and _is_settings(node.node) and isinstance(node.arg, nodes.Const):
                yield template.file, node.lineno, str(node.arg.value)


def _is_settings(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "settings"


def _undefined_settings(subject: Subject) -> Iterator[Place]:
    for file, line, name in _read_settings(subject, own=True):
        if name not in subject.settings:
            mend = (
                f"add [settings.{name}] to theme.toml, or read one of {', '.join(sorted(subject.settings)) or 'none'}"
            )
            yield Place(file, line, f"there is no setting {name!r}", mend)


def _unused_settings(subject: Subject) -> Iterator[Place]:
    read = {name for _, _, name in _read_settings(subject, own=False)}
    variables = " ".join(one.value for one in subject.all_declarations)
    inherited = {name for manifest in subject.manifests[1:] for name in manifest.get("settings", {})}
    for name in subject.manifests[0].get("settings", {}):
        css = subject.settings.get(name, {}).get("css", "")
        is_styled = bool(css) and re.search(rf"var\(\s*{re.escape(css)}\b(?!-)", variables) is not None
        if name not in read and not is_styled and name not in inherited:
            line = subject.manifest_line("settings", name)
            yield Place("theme.toml", line, f"no template and no style reads setting {name!r}", "use it, or remove it")


def _oversized_assets(subject: Subject) -> Iterator[Place]:
    for file, content in sorted(subject.own.files.items()):
        ending = file[file.rfind(".") :].lower()
        size, most = len(content) / 1000, _LARGEST.get(ending, 200)
        if file.startswith("static/") and size > most and file != "static/preview.png":
            mend = _MENDS.get(ending, "make it smaller, or a webp")
            yield Place(file, 1, f"{size:.0f} kB, where {most} are much", mend)


def _circular_extends(subject: Subject) -> Iterator[Place]:
    if subject.circle:
        line = subject.manifest_line("extends")
        yield Place("theme.toml", line, " → ".join(subject.circle), "extend a theme that does not lead back here")


def _low_contrast(subject: Subject) -> Iterator[Place]:
    """Colours that cannot be read: the defaults, and every preset over them."""
    rules = _contrast_rules(subject)
    defaults = {name: one.get("default") for name, one in subject.settings.items() if one.get("type") == "color"}
    presets = [(name, one) for manifest in reversed(subject.manifests) for name, one in _presets(manifest)]
    for words, values in [((), {}), *((("presets", name), one) for name, one in presets)]:
        colors = {**defaults, **{name: value for name, value in values.items() if name in defaults}}
        if not all(isinstance(one, str) and _COLOR.fullmatch(one) for one in colors.values()):
            continue  # told by the rule `manifest`
        for low in derived(rules, colors)[1]:
            line = subject.manifest_line(*(words or ("settings", low.settings[0]) if low.settings else ("contrast",)))
            yield Place("theme.toml", line, f"{' '.join(words)}: {low.problem}" if words else low.problem, low.mend)


def _contrast_rules(subject: Subject) -> tuple[Contrast, ...]:
    chain = []
    for manifest in subject.manifests:
        try:
            chain.append(msgspec.convert(manifest.get("contrast", ()), tuple[Contrast, ...]))
        except msgspec.ValidationError:
            return ()  # told by the rule `manifest`
    rules = merged(reversed(chain))
    colors = [name for name, one in subject.settings.items() if one.get("type") == "color"]
    return () if problems_of(rules, colors) else rules


def _presets(manifest: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    presets = manifest.get("presets")
    for name, one in presets.items() if isinstance(presets, dict) else ():
        if isinstance(one, dict) and isinstance(one.get("settings"), dict):
            yield name, one["settings"]


SETTING_RULES = (
    Rule("circular-extends", "no theme comes out of a circle", _circular_extends),
    Rule("undefined-setting", "the page would fail where it is read", _undefined_settings),
    Rule("unused-setting", "a merchant would set it and see nothing", _unused_settings),
    Rule("oversized-asset", "an old phone waits for it", _oversized_assets),
    Rule("low-contrast", "in sunlight or with weak eyes nobody reads it", _low_contrast),
)
