"""A theme's settings as fields of a form, and what was typed into them as values again, and as lines of doorstep.toml."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ..theme_settings import STACKS, Setting, SettingType

_TYPES = {SettingType.COLOR: "color", SettingType.RANGE: "number"}
_LISTS = (SettingType.LINKS, SettingType.MENU)


class Field(Struct, frozen=True):
    """A field: `kind` is the type of an input, `select` or `textarea`; `bounds` are attributes of a number's."""

    name: str
    label: str
    help: str
    kind: str
    value: str
    options: tuple[str, ...] = ()
    bounds: tuple[tuple[str, int], ...] = ()


def field(name: str, setting: Setting, value: Any) -> Field:
    """The field for a setting that has this value, as the settings write it."""
    text = written(setting, value)
    kind = _TYPES.get(setting.type, "text")
    options: tuple[str, ...] = ()
    if setting.type in (SettingType.CHOICE, SettingType.SWITCH, SettingType.FONT):
        kind = "select"
        known = {SettingType.CHOICE: setting.choices, SettingType.SWITCH: ("true", "false")}.get(setting.type)
        options = tuple(dict.fromkeys((*(known or STACKS), text)))
    elif setting.type in (*_LISTS, SettingType.RICH_TEXT):
        kind = "textarea"
    elif kind == "color" and len(text) != len("#rrggbb"):
        kind = "text"
    bounds = {"min": setting.min, "max": setting.max, "step": setting.step} if kind == "number" else {}
    help = setting.help
    if setting.type in _LISTS:
        help = f"{help} A line each: label | address. Begin one with a space to put it below the one before.".strip()
    limits = tuple((key, bound) for key, bound in bounds.items() if bound is not None)
    return Field(name, setting.label, help, kind, text, options, limits)


def written(setting: Setting, value: Any) -> str:
    """A value as the form has it."""
    if setting.type in _LISTS:
        lines = []
        for entry in value:
            lines.append(f"{entry['label']} | {entry.get('url', '')}")
            lines += [f" {inner['label']} | {inner['url']}" for inner in entry.get("links", ())]
        return "\n".join(lines)
    return json.dumps(value) if isinstance(value, bool) else str(value)


def read(setting: Setting, text: str) -> Any:
    """What was typed, as the settings write it; what does not fit stays a text, and is told by whoever checks it."""
    if setting.type in _LISTS:
        return _entries(text)
    if setting.type is SettingType.SWITCH:
        return {"true": True, "false": False}.get(text, text)
    if setting.type is SettingType.RANGE:
        return int(text) if text.removeprefix("-").isdecimal() else text
    return text.replace("\r\n", "\n")


def toml(store: str, theme: str, values: Mapping[str, Any]) -> str:
    """The lines of doorstep.toml that say so."""
    if not values and not theme:
        return ""
    lines = [f"[stores.{store}]", f'theme = "{theme}"', ""] if theme else []
    if values:
        lines += [f"[stores.{store}.settings]", *(f"{name} = {_toml(value)}" for name, value in values.items())]
    return "\n".join(lines)


def _entries(text: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for line in filter(str.strip, text.splitlines()):
        label, _, url = (part.strip() for part in line.partition("|"))
        if line[0].isspace() and entries:
            entries[-1].setdefault("links", []).append({"label": label, "url": url})
        else:
            entries.append({"label": label, "url": url})
    return entries


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
