"""The rule about colours: what is read on what, of the settings' defaults and presets, and of colours written into styles."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..colours import contrast
from ..contrast import Contrast, derived, merged
from ..errors import ThemeError
from .rule import Place, Rule
from .subject import Declaration, Subject

_RATIO = 4.5  # of text, by WCAG 2.2
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})(?![0-9a-f])", re.IGNORECASE)
_GROUNDS = ("background", "background-color")


def _low_contrast(subject: Subject) -> Iterator[Place]:
    yield from _of_settings(subject)
    for rule in _by_selector(subject).values():
        text, ground = rule.get("color"), next((rule[name] for name in _GROUNDS if name in rule), None)
        if text is not None and ground is not None:
            ratio = contrast(_HEX.findall(text.value)[0].lower(), _HEX.findall(ground.value)[0].lower())
            if ratio < _RATIO:
                what = f"{text.value} on {ground.value} has a contrast of {ratio:.2f} : 1"
                yield Place(text.file, text.line, what, f"choose colours further apart: {_RATIO} : 1 is needed")


def _of_settings(subject: Subject) -> Iterator[Place]:
    """The defaults, and each preset over them: what cannot be read, and what the engine has to move so that it can."""
    try:
        chain = [manifest.get("contrast", ()) for manifest in reversed(subject.manifests)]
        rules = merged(msgspec.convert(chain, list[tuple[Contrast, ...]]))
        defaults = {
            name: one.get("default", "") for name, one in subject.settings.items() if one.get("type") == "color"
        }
        presets = _presets(subject.manifests[0])
        for place, values in {"": defaults, **{name: defaults | own for name, own in presets.items()}}.items():
            line = subject.manifest_line("presets", place) if place else 1
            named = f"preset {place!r}: " if place else ""
            _, low = derived(rules, values)
            for one in low:
                yield Place("theme.toml", _line(subject, one.settings, line), f"{named}{one.problem}", one.mend)
    except (msgspec.ValidationError, ThemeError, KeyError, ValueError):
        return  # told by the rule `manifest`


def _line(subject: Subject, settings: tuple[str, ...], line: int) -> int:
    return subject.manifest_line("settings", settings[0]) if settings and line == 1 else line


def _presets(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: dict(one.get("settings", {})) for name, one in manifest.get("presets", {}).items()}


def _by_selector(subject: Subject) -> dict[tuple[str, str], dict[str, Declaration]]:
    """The declarations of each rule whose value is one plain colour, by property."""
    rules: defaultdict[tuple[str, str], dict[str, Declaration]] = defaultdict(dict)
    for one in subject.declarations:
        if one.name in ("color", *_GROUNDS) and _HEX.fullmatch(one.value):
            rules[one.file, one.selector][one.name] = one
    return rules


COLOUR_RULES = (Rule("low-contrast", "many readers could not make it out", _low_contrast),)
