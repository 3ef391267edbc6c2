"""Builds these pages as a site of plain files, without a script and without anything from outside: `./dev docs [FOLDER]`.

What lies in `docs/` stands at the site's root, the project's other pages below `project/`. A link to a file that is no page,
such as an example, takes the file along. `tests/test_site.py` follows every link of what is built.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from os.path import relpath
from pathlib import Path
from urllib.parse import unquote

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_by_name
from pygments.util import ClassNotFound

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
_CODE = HtmlFormatter(nowrap=True)


class Page:
    """A page of the site, made from one file."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.target = place_of(source)
        self.tokens = _markdown().parse(source.read_text("utf-8"))
        self.headings = [
            (token.tag, str(token.attrs["id"]), _plain(inner))
            for token, inner in pairwise(self.tokens)
            if token.type == "heading_open"
        ]
        self.title = next(text for tag, _, text in self.headings if tag == "h1")

    def to(self, target: Path) -> str:
        """How this page links a place of the site."""
        return relpath(target, self.target.parent).replace("\\", "/")


def place_of(source: Path) -> Path:
    """Where a file of the project stands in the site."""
    inside = source.is_relative_to(DOCS)
    place = source.relative_to(DOCS) if inside else Path("project") / source.relative_to(ROOT)
    return place.with_suffix(".html") if source.suffix == ".md" else place


def sources() -> list[Path]:
    return [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("plugins/*/*/README.md"))]


def build(folder: Path) -> list[Page]:
    """Writes the whole site into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = [Page(source) for source in sources()]
    menu = _menu(next(page for page in pages if page.target == Path("index.html")))
    template = Environment(loader=FileSystemLoader(DOCS), autoescape=True).get_template("site.html")
    for page in pages:
        for file in _relinked(page):
            (folder / place_of(file)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / place_of(file))
        target = folder / page.target
        target.parent.mkdir(parents=True, exist_ok=True)
        body = _markdown().renderer.render(page.tokens, _markdown().options, {})
        target.write_text(template.render(page=page, menu=menu, body=body, code=_CODE.get_style_defs("pre")), "utf-8")
    return pages


def _markdown() -> MarkdownIt:
    """CommonMark with tables; headings have the anchors that GitHub gives them."""
    markdown = MarkdownIt("commonmark", {"highlight": _highlighted}).enable(["table", "strikethrough"])
    markdown.core.ruler.push("anchors", lambda state: _name_headings(state.tokens))
    return markdown


def _name_headings(tokens: list[Token]) -> None:
    taken: dict[str, int] = {}
    for token, inner in pairwise(tokens):
        if token.type == "heading_open":
            name = re.sub(r"[^\w\- ]", "", _plain(inner).lower()).replace(" ", "-")
            again = taken[name] = taken.get(name, -1) + 1
            token.attrSet("id", f"{name}-{again}" if again else name)


def _plain(inner: Token) -> str:
    return "".join(one.content for one in inner.children or [])


def _highlighted(code: str, language: str, _: str) -> str:
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = TextLexer()
    return highlight(code, lexer, _CODE)


def _relinked(page: Page) -> Iterator[Path]:
    """Turns the page's links to where things stand in the site; gives the files that are linked and are no pages."""
    for token in _all(page.tokens):
        name = {"link_open": "href", "image": "src"}.get(token.type, "")
        link = str(token.attrs.get(name, ""))
        path, hash_, anchor = link.partition("#")
        if not path or "://" in link or path.startswith("mailto:"):
            continue
        source = (page.source.parent / unquote(path)).resolve()
        token.attrSet(name, page.to(place_of(source)) + hash_ + anchor)
        if source.suffix != ".md":
            yield source


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


def _menu(index: Page) -> list[tuple[str, list[tuple[str, Path]]]]:
    """The rows of the index's table: whom they are for, and the pages with their names."""
    rows = []
    for token in index.tokens:
        if token.type == "tr_open":
            rows.append(("", []))
        elif token.type == "inline" and rows:
            links = [
                (
                    inner.content,
                    place_of((index.source.parent / str(opening.attrs["href"]).partition("#")[0]).resolve()),
                )
                for opening, inner in pairwise(token.children or [])
                if opening.type == "link_open"
            ]
            rows[-1] = (rows[-1][0], links) if links else (_plain(token), rows[-1][1])
    return [row for row in rows if row[1]]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "site"
    built = build(folder)
    print(f"{len(built)} pages: {folder / 'index.html'}")
