"""Settings of a theme: their types, what fits them, and what templates see of a value."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec
import nh3
from markupsafe import Markup
from msgspec import Meta, Struct

from .addresses import is_web_address
from .context import Link, MenuEntry

T = TypeVar("T", bound=tuple[Any, ...])
_COLOR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_FILE = re.compile(r"([\w.-]+(/[\w.-]+)*)?")
_FONT = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*\.woff2")
_ADDRESS = "expected an http(s) address, a path that begins with /"
_TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "h2", "h3"}
_SCHEMES = {"http", "https", "mailto", "tel"}
_LONGEST = {"text": 500, "rich_text": 10_000, "links": 20, "menu": 12}  # unless a theme says less or more

# What is on readers' devices: nothing to download.
STACKS: Mapping[str, str] = {
    "system": 'system-ui,-apple-system,"Segoe UI",Roboto,sans-serif',
    "humanist": 'Seravek,"Gill Sans Nova",Ubuntu,Calibri,"DejaVu Sans",sans-serif',
    "rounded": 'ui-rounded,"Hiragino Maru Gothic ProN",Quicksand,Nunito,"Arial Rounded MT Bold",sans-serif',
    "serif": '"Iowan Old Style",Charter,"Palatino Linotype",Georgia,serif',
}


class SettingType(StrEnum):
    COLOR = "color"
    FONT = "font"
    IMAGE = "image"
    URL = "url"
    TEXT = "text"
    RICH_TEXT = "rich_text"
    CHOICE = "choice"
    RANGE = "range"
    SWITCH = "switch"
    LINKS = "links"
    MENU = "menu"


# What may become a custom property: no text of a merchant's can end it and go on as another rule.
IN_CSS = (
    SettingType.COLOR, SettingType.FONT, SettingType.IMAGE, SettingType.CHOICE, SettingType.RANGE, SettingType.SWITCH,
)  # fmt: skip


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """What a merchant may set. `css` names the custom property that the value becomes, with `unit` behind a number."""

    type: SettingType
    label: str
    default: Any
    help: str = ""
    css: Annotated[str, Meta(pattern=r"^(--[a-z][a-z0-9-]*)?$")] = ""
    unit: Annotated[str, Meta(pattern=r"^(%|[a-z]*)$")] = ""
    choices: tuple[str, ...] = ()
    min: int | None = None
    max: int | None = None
    step: Annotated[int, Meta(ge=1)] = 1

    def read(self, value: Any) -> Any:
        """The value as templates see it. Raises ValueError, with what would fit."""
        return _READ[self.type](self, value)

    def problem(self, value: Any) -> str:
        """Why a value does not fit, or ""."""
        try:
            self.read(value)
        except ValueError as error:
            return str(error)
        return ""

    @property
    def most(self) -> int:
        """How long a text may be, or a list."""
        return _LONGEST[self.type] if self.max is None else self.max


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    url: str


class _MenuEntry(Struct, frozen=True, forbid_unknown_fields=True):
    label: str
    url: str = ""
    links: tuple[_Entry, ...] = ()


def is_font_file(value: str) -> bool:
    return _FONT.fullmatch(value) is not None


def is_own_file(value: str) -> bool:
    """Whether an image's value names a file and not an address."""
    return value != "" and not is_web_address(value, paths=True)


def _color(setting: Setting, value: Any) -> str:
    return _fitting(value, _COLOR.fullmatch, "expected a colour such as #1f4fd8")


def _font(setting: Setting, value: Any) -> str:
    said = f"expected one of {', '.join(STACKS)}, or a .woff2 file in static/"
    return _fitting(value, lambda text: text in STACKS or is_font_file(text), said)


def _url(setting: Setting, value: Any) -> str:
    return _fitting(value, lambda text: not text or is_web_address(text, paths=True), f"{_ADDRESS}, or nothing")


def _image(setting: Setting, value: Any) -> str:
    said = f"{_ADDRESS}, or a file in static/"
    return _fitting(value, lambda text: is_web_address(text, paths=True) or _FILE.fullmatch(text), said)


def _text(setting: Setting, value: Any) -> str:
    return _fitting(value, lambda text: len(text) <= setting.most, f"expected {setting.most} characters at most")


def _rich_text(setting: Setting, value: Any) -> Markup:
    cleaned = nh3.clean(
        _text(setting, value), tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES, link_rel=None
    )
    return Markup(cleaned.strip())  # noqa: S704  # cleaned


def _choice(setting: Setting, value: Any) -> str:
    return _fitting(value, lambda text: text in setting.choices, f"expected one of {', '.join(setting.choices)}")


def _range(setting: Setting, value: Any) -> int:
    low, high = setting.min, setting.max
    fits = isinstance(value, int) and not isinstance(value, bool)
    if not fits or (low is not None and value < low) or (high is not None and value > high):
        bounds = f" from {low}" * (low is not None) + f" to {high}" * (high is not None)
        raise ValueError(f"expected a whole number{bounds}")
    return int(value)


def _switch(setting: Setting, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _links(setting: Setting, value: Any) -> tuple[Link, ...]:
    return tuple(_link(entry, f"[{i}]") for i, entry in enumerate(_listed(setting, value, tuple[_Entry, ...])))


def _menu(setting: Setting, value: Any) -> tuple[MenuEntry, ...]:
    entries: list[MenuEntry] = []
    for i, entry in enumerate(_listed(setting, value, tuple[_MenuEntry, ...])):
        if entry.url or not entry.links:
            _link(_Entry(entry.label, entry.url), f"[{i}]")
        if len(entry.links) > setting.most:
            raise ValueError(f"[{i}].links: expected {setting.most} entries at most")
        links = tuple(_link(one, f"[{i}].links[{n}]") for n, one in enumerate(entry.links))
        entries.append(MenuEntry(entry.label, entry.url, links))
    return tuple(entries)


def _link(entry: _Entry, place: str) -> Link:
    if not entry.label.strip():
        raise ValueError(f"{place}.label: it is empty")
    if not (is_web_address(entry.url, paths=True) or entry.url.startswith(("mailto:", "tel:"))):
        raise ValueError(f"{place}.url: {_ADDRESS}, mailto: or tel:")
    return Link(entry.label, entry.url)


def _listed(setting: Setting, value: Any, kind: type[T]) -> T:
    try:
        entries: T = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, at = str(error).partition(" - at `$")
        raise ValueError(f"{at.rstrip('`')}: {said}" if at else said) from None
    if len(entries) > setting.most:
        raise ValueError(f"expected {setting.most} entries at most")
    return entries


def _fitting(value: Any, fits: Callable[[str], Any], said: str) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    if not fits(value):
        raise ValueError(said)
    return value


_READ: Mapping[SettingType, Callable[[Setting, Any], Any]] = {
    SettingType.COLOR: _color,
    SettingType.FONT: _font,
    SettingType.IMAGE: _image,
    SettingType.URL: _url,
    SettingType.TEXT: _text,
    SettingType.RICH_TEXT: _rich_text,
    SettingType.CHOICE: _choice,
    SettingType.RANGE: _range,
    SettingType.SWITCH: _switch,
    SettingType.LINKS: _links,
    SettingType.MENU: _menu,
}
