"""Rules about style sheets: both directions of writing, and keyboards."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ..colours import contrast
from .rule import Place, Rule
from .subject import Declaration, Subject

_SIDES = {"left": "inline-start", "right": "inline-end", "top": "block-start", "bottom": "block-end"}
_PHYSICAL = re.compile(
    r"(?:(margin|padding|border|scroll-margin|scroll-padding)-)?(left|right)(-(?:color|style|width))?"
)
_CORNER = re.compile(r"border-(top|bottom)-(left|right)-radius")
_VALUES = {"text-align": "start or end", "float": "inline-start or inline-end", "clear": "inline-start or inline-end"}
_NO_OUTLINE = re.compile(r"(none|0\w*)\b")
_TARGET = re.compile(r"main\b|\[tabindex=.?-1")  # focused by a link to it, never by a key
_OUTLINE = ("outline", "outline-style", "outline-width")
_RATIO = 4.5  # of text, by WCAG 2.2
_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_GROUNDS = ("background", "background-color")
_SEEN = ("outline", "box-shadow", "border", "background", "text-decoration")


def _physical_properties(subject: Subject) -> Iterator[Place]:
    for one in subject.declarations:
        if (logical := _logical(one)) and not _is_mirrored(one):
            yield Place(one.file, one.line, f"{one.name}: {one.value[:40]}", f"write {logical}")


def _logical(one: Declaration) -> str:
    """What to write instead, or ""."""
    if match := _PHYSICAL.fullmatch(one.name):
        side = _SIDES[match[2]]
        return f"{match[1] or 'inset'}-{side}{match[3] or ''}"
    if match := _CORNER.fullmatch(one.name):
        first = "start" if match[1] == "top" else "end"
        return f"border-{first}-{'start' if match[2] == 'left' else 'end'}-radius"
    return _VALUES.get(one.name, "") if one.value.lower() in ("left", "right") else ""


def _is_mirrored(one: Declaration) -> bool:
    """Whether the rule is for one direction of writing: then it says what it means."""
    return "[dir" in one.selector or ":dir(" in one.selector


def _missing_focus_styles(subject: Subject) -> Iterator[Place]:
    shown = {one.selector for one in subject.all_declarations if ":focus" in one.selector and _shows(one)}
    if subject.all_declarations and not shown:
        sheet = subject.declarations[0].file if subject.declarations else "theme.toml"
        yield Place(
            sheet, 1, "no style for :focus-visible", ":focus-visible { outline: 3px solid; outline-offset: 2px; }"
        )
    for one in subject.declarations:
        is_gone = one.name in _OUTLINE and not _shows(one) and one.selector not in shown
        if is_gone and not _TARGET.match(one.selector):
            mend = "remove it, or show focus another way"
            yield Place(one.file, one.line, f"{one.selector} takes the outline away", mend)


def _shows(one: Declaration) -> bool:
    return one.name.startswith(_SEEN) and not _NO_OUTLINE.match(one.value.lower())


def _low_contrast(subject: Subject) -> Iterator[Place]:
    """Text and ground that one rule gives as plain colours."""
    rules: defaultdict[tuple[str, str], dict[str, Declaration]] = defaultdict(dict)
    for one in subject.declarations:
        if one.name in ("color", *_GROUNDS) and _COLOUR.fullmatch(one.value):
            rules[one.file, one.selector][one.name] = one
    for rule in rules.values():
        text, ground = rule.get("color"), next((rule[name] for name in _GROUNDS if name in rule), None)
        if text and ground and (ratio := contrast(text.value.lower(), ground.value.lower())) < _RATIO:
            what = f"{text.value} on {ground.value} has a contrast of {ratio:.2f} : 1"
            yield Place(text.file, text.line, what, f"choose colours further apart: {_RATIO} : 1 is needed")


STYLE_RULES = (
    Rule("low-contrast-style", "many readers could not make it out", _low_contrast),
    Rule("physical-property", "the page is mirrored in Arabic and Hebrew, and this is not", _physical_properties),
    Rule("missing-focus-style", "who uses a keyboard does not see where they are", _missing_focus_styles),
)
