"""A theme as its author wrote it, file by file, on disk or in memory: what the rules of `doorstep check theme` read."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import tinycss2  # type: ignore[import-untyped]
from jinja2 import BaseLoader, TemplateSyntaxError, nodes
from msgspec import Struct

from ..sandboxing import Sandbox
from ..theming import FILTERS, FUNCTIONS
from .markup import Element, Text, read_markup
from .texts import Catalog, read_catalogs

_LARGEST = 5_000_000  # bytes of one file: more is no theme's, and is measured without being read


class Files(Struct, frozen=True):
    """One theme's folder: its name, and its files by their path below it."""

    name: str
    files: Mapping[str, bytes]


class Template(Struct, frozen=True):
    """A template of the theme. `tree` is None where it cannot be read; `problem` and `line` then say why."""

    file: str
    source: str
    tree: nodes.Template | None
    markup: tuple[Element | Text, ...] = ()
    problem: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        return self.file.removeprefix("templates/")

    @property
    def is_mail(self) -> bool:
        """Whether it makes mails, which stand alone: their styles are in them, and they have other values than pages."""
        return self.name.startswith("mail/")


class Declaration(Struct, frozen=True):
    """`name: value` in a style sheet; `selector` is the rule's that it stands in."""

    file: str
    line: int
    selector: str
    name: str
    value: str


class Subject:
    """A theme and its parents, read once for all rules. `others` are the themes it may extend, by name; `catalogs` the texts
    that the engine has, by language."""

    def __init__(self, own: Files, others: Mapping[str, Files], catalogs: Mapping[str, Catalog]) -> None:
        self.own = own
        self.circle: tuple[str, ...] = ()
        self.chain = tuple(self._parents(own, others))
        self.catalogs = catalogs
        self.environment = Sandbox(BaseLoader(), functions=FUNCTIONS, filters=FILTERS)

    @cached_property
    def manifests(self) -> tuple[dict[str, Any], ...]:
        """The `theme.toml` of the theme and its parents, as written; empty where one cannot be read."""
        return tuple(_manifest(files) for files in self.chain)

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Every setting the theme has, a child's words over its parent's."""
        settings: dict[str, dict[str, Any]] = {}
        for manifest in reversed(self.manifests):
            for name, setting in _tables(manifest.get("settings")).items():
                settings[name] = settings.get(name, {}) | setting
        return settings

    @cached_property
    def templates(self) -> tuple[Template, ...]:
        """The theme's own."""
        return tuple(self._read(self.own))

    @cached_property
    def all_templates(self) -> tuple[Template, ...]:
        """The theme's own and its parents'."""
        return (*self.templates, *(one for files in self.chain[1:] for one in self._read(files)))

    @cached_property
    def declarations(self) -> tuple[Declaration, ...]:
        """Of the theme's own style sheets."""
        return tuple(_declarations(self.own))

    @cached_property
    def all_declarations(self) -> tuple[Declaration, ...]:
        return (*self.declarations, *(one for files in self.chain[1:] for one in _declarations(files)))

    @cached_property
    def own_catalogs(self) -> Mapping[str, Catalog]:
        """The theme's own texts by language, its parents' beneath."""
        merged: dict[str, Catalog] = {}
        for files in reversed(self.chain):
            for language, catalog in read_catalogs(files.files).items():
                merged[language] = {**merged.get(language, {}), **catalog}
        return merged

    def manifest_line(self, *words: str) -> int:
        """The line of theme.toml on which a table's head or a key stands; 1 where it is written another way."""
        wanted = {f"[{'.'.join(words)}]", words[-1]}
        for number, line in enumerate(_text(self.own.files.get("theme.toml", b"")).splitlines(), 1):
            if line.split("=")[0].split("#")[0].strip() in wanted:
                return number
        return 1

    def _parents(self, own: Files, others: Mapping[str, Files]) -> Iterator[Files]:
        seen = [own.name]
        yield own
        parent = _manifest(own).get("extends", "")
        while isinstance(parent, str) and parent in others and parent not in seen:
            seen.append(parent)
            yield others[parent]
            parent = _manifest(others[parent]).get("extends", "")
        if parent in seen:
            self.circle = (*seen, str(parent))

    def _read(self, files: Files) -> Iterator[Template]:
        for file, content in sorted(files.files.items()):
            if file.startswith("templates/") and file.endswith(".html"):
                yield self._template(file, _text(content))

    def _template(self, file: str, source: str) -> Template:
        try:
            tree = self.environment.parse(source, file, file)
            return Template(file, source, tree, tuple(read_markup(self.environment, source)))
        except TemplateSyntaxError as error:
            return Template(file, source, None, problem=error.message or "syntax error", line=error.lineno)


def read_theme(folder: Path) -> Files:
    """The files of a theme's folder. What is very large is not read: as many zeros stand for it."""
    files = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and not any(part.startswith(".") for part in file.parts[-2:]):
            size = file.stat().st_size
            files[str(file.relative_to(folder))] = file.read_bytes() if size <= _LARGEST else bytes(size)
    return Files(folder.resolve().name, files)


def _manifest(files: Files) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(files.files.get("theme.toml", b"")))
    except tomllib.TOMLDecodeError:
        return {}  # told by the rule `manifest`


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in value.items() if isinstance(one, dict)} if isinstance(value, dict) else {}


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _declarations(files: Files) -> Iterator[Declaration]:
    for file, content in sorted(files.files.items()):
        if file.startswith("static/") and file.endswith(".css"):
            rules = tinycss2.parse_stylesheet(_text(content), skip_comments=True, skip_whitespace=True)
            yield from _of_rules(file, rules, "")


def _of_rules(file: str, rules: Sequence[Any], around: str) -> Iterator[Declaration]:
    for rule in rules:
        if rule.type == "at-rule" and rule.content is None:
            value = tinycss2.serialize(rule.prelude).strip()
            yield Declaration(file, rule.source_line, around, f"@{rule.lower_at_keyword}", value)
        elif rule.type == "declaration":
            value = tinycss2.serialize(rule.value).strip()
            yield Declaration(file, rule.source_line, around, rule.lower_name, value)
        elif rule.type in ("qualified-rule", "at-rule"):
            head = tinycss2.serialize(rule.prelude).strip()
            selector = head if rule.type == "qualified-rule" else around
            content = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
            yield from _of_rules(file, content, selector)
