"""What of a theme's colours must be read on what: corrected into custom properties of its own, or refused."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from .colours import black_or_white, contrast, least, mixed, readable

_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_MIX = re.compile(r"(?P<color>\S+) (?P<share>[0-9]{1,2})% (?P<other>\S+)")


class Contrast(Struct, frozen=True, forbid_unknown_fields=True):
    """`of` is read on each of `on`, with `ratio` at least. With `css`, the colour is made so, in that custom property: `of`,
    moved in lightness as little as it takes, or black or white without one. Without `css`, it must be so."""

    on: Annotated[tuple[str, ...], Meta(min_length=1)]
    of: str = ""
    css: Annotated[str, Meta(pattern=r"^(--[a-z][a-z0-9-]*)?$")] = ""
    ratio: Annotated[float, Meta(ge=1, le=21)] = 4.5


class TooLow(Struct, frozen=True):
    """A pair that cannot be read: the settings it is made of, what is wrong, what would do."""

    settings: tuple[str, ...]
    problem: str
    mend: str


def merged(chain: Iterable[Iterable[Contrast]]) -> tuple[Contrast, ...]:
    """The rules of a theme and its parents, whose come first; a child makes a custom property in its own way."""
    rules = {rule.css or (rule.of, rule.on): rule for own in chain for rule in own}
    return tuple(rules.values())


def problems_of(rules: Sequence[Contrast], colors: Iterable[str]) -> list[str]:
    """What is wrong with the rules themselves, each with its place; `colors` are the settings that are some."""
    settings = set(colors)
    found = []
    for i, rule in enumerate(rules):
        known = settings | {one.css for one in rules[:i]}
        if not (rule.of or rule.css):
            found.append(f"contrast[{i}]: it has neither `of` nor `css`")
        for place, text in (("of", rule.of), *((f"on[{n}]", one) for n, one in enumerate(rule.on))):
            if wrong := [part for part in _parts(text) if part not in known and not _HEX.fullmatch(part)]:
                found.append(
                    f"contrast[{i}].{place}: {wrong[0]!r} is no colour, no colour setting and no property made before"
                )
    return found


def derived(rules: Sequence[Contrast], values: Mapping[str, Any]) -> tuple[dict[str, str], list[TooLow]]:
    """The custom properties that the rules make of these values, and what cannot be read."""
    made: dict[str, str] = {}
    low: list[TooLow] = []
    for rule in rules:
        grounds = tuple(_color(one, values, made) for one in rule.on)
        color = _color(rule.of, values, made) if rule.of else black_or_white(grounds)
        better = readable(color, grounds, rule.ratio)
        if rule.css and better is not None:
            made[rule.css] = better
        elif least(color, grounds) < rule.ratio:
            made[rule.css] = color
            low.append(_too_low(rule, color, grounds, better, values))
    made.pop("", None)
    return made, low


def _too_low(
    rule: Contrast, color: str, grounds: Sequence[str], better: str | None, values: Mapping[str, Any]
) -> TooLow:
    worst = min(range(len(grounds)), key=lambda i: contrast(color, grounds[i]))
    ratio = contrast(color, grounds[worst])
    text = _shown(rule.of or "any text", color)
    problem = (
        f"{text} on {_shown(rule.on[worst], grounds[worst])} has a contrast of {ratio:.2f} : 1, "
        f"and {rule.ratio:g} : 1 is needed to read it"
    )
    names = [part for text in (rule.of, rule.on[worst]) for part in _parts(text) if part in values]
    mend = f"{rule.of} = {better!r} would do" if better and rule.of in values else "choose colours further apart"
    return TooLow(tuple(dict.fromkeys(names)), problem, mend)


def _shown(name: str, color: str) -> str:
    return name if name == color else f"{name} ({color})"


def _parts(text: str) -> list[str]:
    mix = _MIX.fullmatch(text)
    return [mix["color"], mix["other"]] if mix else [text] if text else []


def _color(text: str, values: Mapping[str, Any], made: Mapping[str, str]) -> str:
    if mix := _MIX.fullmatch(text):
        color, other = (_color(mix[part], values, made) for part in ("color", "other"))
        return mixed(color, int(mix["share"]) / 100, other)
    return str(made.get(text) or values.get(text) or text).lower()
