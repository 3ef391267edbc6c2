"""The HTML in a template: its tags and its text, with their lines. What Jinja puts in is a mark, its statements are nothing."""

from collections.abc import Iterator
from html.parser import HTMLParser

from jinja2 import Environment
from msgspec import Struct

VALUE = "\ue000"  # stands for what `{{ … }}` puts in
_OUTPUT = ("variable_begin", "variable_end")


class Element(Struct, frozen=True):
    """A start tag; an attribute without a value is ""."""

    line: int
    tag: str
    attributes: dict[str, str]


class Text(Struct, frozen=True):
    """A piece of text and the element it stands in."""

    line: int
    text: str
    inside: str


def read_markup(environment: Environment, source: str) -> Iterator[Element | Text]:
    """The tags and texts of a template. Raises TemplateSyntaxError."""
    reader = _Reader()
    reader.feed(_plain(environment, source))
    reader.close()
    yield from reader.found


def _plain(environment: Environment, source: str) -> str:
    """The template's HTML on its own lines: each value a mark, each statement and comment gone."""
    pieces: list[str] = []
    lines = 1
    translated = value = False
    before = ""
    for line, kind, text in environment.lex(source):
        if kind == "name" and before == "block_begin" and text in ("trans", "endtrans"):
            translated = text == "trans"  # what stands in there
        before = kind if kind != "whitespace" else before
        pieces.append("\n" * (line - lines))  # those that `-%}` swallows
        lines = max(line, lines) + text.count("\n")
        if kind in _OUTPUT:
            value = kind == "variable_begin"
            pieces.append(VALUE if value else "")
        pieces.append(text if kind == "data" and not (translated or value) else "\n" * text.count("\n"))
    return "".join(pieces)


class _Reader(HTMLParser):
    """Collects tags and texts. Conditions make HTML that does not nest, so only the last open tag is known."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Element | Text] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Element(self.getpos()[0], tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        words = data.lstrip()
        line = self.getpos()[0] + data[: len(data) - len(words)].count("\n")
        if words:
            self.found.append(Text(line, words.rstrip(), self._open[-1] if self._open else ""))
