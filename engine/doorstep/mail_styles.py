"""The style sheet of mails, as mail programs understand it: no custom property, no mix of colours, everything that is known
written out and put on the elements."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from .colours import mixed
from .errors import ConfigError, ThemeError

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DEFINED = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*)\s*:\s*([^;{}]+)(?:;|(?=\}))")
_VAR = re.compile(r"var\(\s*(--[a-z][a-z0-9-]*)\s*(?:,\s*([^()]*))?\)")
_MIX = re.compile(r"color-mix\(in oklab,\s*(#[0-9a-fA-F]{3,6})\s+([0-9]{1,3})%,\s*(#[0-9a-fA-F]{3,6})\)")
_EMPTY_RULE = re.compile(r"[^{}]+\{\s*\}")
_DEEPEST = 8  # properties made of properties


def written_out(sheet: str, properties: Mapping[str, str]) -> str:
    """The sheet with the values of custom properties in their places: the `properties`, and over them those that the sheet
    itself defines, the last of a name. Raises ThemeError for one that is nowhere."""
    sheet = _COMMENT.sub("", sheet)
    known = {**properties, **{name: value.strip() for name, value in _DEFINED.findall(sheet)}}
    sheet = _EMPTY_RULE.sub("", _DEFINED.sub("", sheet))
    for _ in range(_DEEPEST):
        sheet = _VAR.sub(lambda found: _value(known, found[1], found[2]), sheet)
    if found := _VAR.search(sheet):
        raise ThemeError(f"the styles of mails: {found[1]} is made of itself")
    sheet = _MIX.sub(lambda mix: mixed(mix[1], int(mix[2]) / 100, mix[3]), sheet)
    return re.sub(r"\s+", " ", sheet).strip().replace("</", "<\\/")


def inlined(html: str) -> str:
    """The page with its styles on the elements that they are for; those for the dark and for narrow screens stay in the head.
    Raises ConfigError where that cannot be done here."""
    return str(inliner().inline(html))


@cache
def inliner() -> Any:
    """What puts styles on elements. Raises ConfigError where it is not installed."""
    try:
        from css_inline import CSSInliner  # an extra: who sends no mail needs none of it
    except ImportError:
        raise ConfigError(
            "mails cannot be written: css-inline is not installed", next_step="pip install 'doorstep[mail]'"
        ) from None
    return CSSInliner(keep_at_rules=True, minify_css=True, remove_inlined_selectors=True, load_remote_stylesheets=False)


def _value(known: Mapping[str, str], name: str, otherwise: str | None) -> str:
    value = known.get(name, otherwise)
    if value is None:
        raise ThemeError(f"the styles of mails: nothing sets {name}", next_step="define it, or write a value")
    return value
