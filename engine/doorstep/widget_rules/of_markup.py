"""Rules about what stands on the page: one root, nothing that the page's policy blocks, no HTML of a stranger's."""

import gzip
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import structs

from .. import invented
from ..addresses import is_web_address
from ..order_forms import Typed
from .rule import Rule
from .trial import LANGUAGES, CannotTry, Raised, Tag, Trial, read_tags

LARGEST = 2048  # bytes of a widget, compressed
EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
_EVIL_ADDRESSES = ("javascript:alert(1)", "//evil.example/", "https:evil.example", "data:text/html,x", EVIL)
_SCRIPTS = frozenset({"script", "style", "iframe", "object", "embed", "link", "base", "meta"})
_TARGETS = ("href", "action", "formaction")
_LEADS = ("#", "?", "mailto:", "sms:", "tel:")


def _root(trial: Trial) -> Iterator[str]:
    html = trial.html(trial.good_page())
    if not html:
        return
    tags, stray = read_tags(html)
    if stray:
        yield f"its HTML does not nest: {stray[0]}"
    roots = [tag for tag in tags if tag.depth == 0]
    if len(roots) != 1:
        yield f"it has {len(roots)} root elements: one is addressed after its form was sent"
    elif roots[0].attributes.get("id") != trial.id:
        yield f'the root <{roots[0].name}> needs id="{{{{ widget_id }}}}": pages lead to it'


def _policy(trial: Trial) -> Iterator[str]:
    for language in LANGUAGES:
        tags, _ = read_tags(trial.html(trial.good_page(language)))
        yield from _blocked(tags)


def _blocked(tags: Iterable[Tag]) -> Iterator[str]:
    for tag in tags:
        if tag.name in _SCRIPTS:
            yield f"<{tag.name}>: the page's policy blocks it; scripts are the theme's, styles stand in static/"
        for name, value in tag.attributes.items():
            if name == "style" or name.startswith("on"):
                yield f"<{tag.name} {name}=…>: the page's policy blocks inline styles and handlers"
            if name in _TARGETS and not _leads_somewhere(value):
                yield f"<{tag.name} {name}={value[:60]!r}>: link to http(s) or to a path; check addresses with is_web_address()"
            if name in ("src", "srcset", "poster", "data") and not (tag.name == "img" and _is_picture(value)):
                yield f"<{tag.name} {name}={value[:60]!r}>: only pictures come from elsewhere, by http(s) or a path"


def _leads_somewhere(address: str) -> bool:
    return not address or address.startswith(_LEADS) or is_web_address(address, paths=True)


def _is_picture(address: str) -> bool:
    return is_web_address(address, paths=True)


def _small(trial: Trial) -> Iterator[str]:
    for language in LANGUAGES:
        size = len(gzip.compress(trial.html(trial.good_page(language)).encode(), 6))
        if size > LARGEST:
            yield f"in {language!r} it is {size} bytes, compressed: a page takes {LARGEST} of one widget at most"


def _escapes_facts(trial: Trial) -> Iterator[str]:
    calm = read_tags(trial.html(invented.told_as(trial.good_page(), "calm")))[0]
    wild = read_tags(trial.html(invented.told_as(trial.good_page(), EVIL)))[0]
    yield from _grown(calm, wild, "of an order or a customer")


def _escapes_what_was_typed(trial: Trial) -> Iterator[str]:
    def sent(text: str) -> list[Tag]:
        page = trial.good_page()
        names = {tag.attributes["name"]: text for tag in read_tags(trial.html(page))[0] if "name" in tag.attributes}
        typed = Typed(trial.name, names, text)
        return read_tags(trial.html(structs.replace(page, typed=typed)))[0]

    yield from _grown(sent("calm"), sent(EVIL), "that was typed")


def _escapes_settings(trial: Trial) -> Iterator[str]:
    for path, changed in _each_text(trial.settings, _EVIL_ADDRESSES):
        try:
            placed = trial.placed(**changed)
        except CannotTry:
            continue  # refused, as it should be
        try:
            tags, _ = read_tags(trial.html(trial.good_page(), placed))
        except Raised:
            continue  # another rule's
        for problem in _blocked(tags):
            yield f"with {path} written by somebody else, {problem}"


def _grown(calm: list[Tag], wild: list[Tag], whose: str) -> Iterator[str]:
    if _outline(calm) != _outline(wild):
        yield f"a text {whose} becomes part of the HTML: put quotes around every value of an attribute"


def _outline(tags: Iterable[Tag]) -> list[tuple[str, list[str]]]:
    return [(tag.name, sorted(tag.attributes)) for tag in tags]


def _each_text(value: Any, instead: Iterable[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """The settings with one text at a time replaced by each of these, and which one it was."""
    if isinstance(value, str):
        yield from ((path, text) for text in instead)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            for where, changed in _each_text(inner, instead, f"{path}.{key}" if path else str(key)):
                yield where, {**value, key: changed}
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            for where, changed in _each_text(inner, instead, f"{path}[{i}]"):
                yield where, [*value[:i], changed, *value[i + 1 :]]


MARKUP_RULES = (
    Rule("has one root with its id", _root),
    Rule("holds nothing that the page blocks", _policy),
    Rule("is small", _small),
    Rule("escapes what it is told", _escapes_facts),
    Rule("escapes what was typed", _escapes_what_was_typed),
    Rule("escapes its settings", _escapes_settings),
)
