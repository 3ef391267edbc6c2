"""The site of the docs, built as `./dev docs` does and followed link by link."""

import importlib
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from .test_docs import DOCS, ROOT

PUBLIC = ("http", "https", "mailto")


class Read(HTMLParser):
    """What a page has: its elements with their attributes, in order, and its title."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self._in_title = False
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        self.title += data if self._in_title else ""

    @property
    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.elements if "id" in attributes}

    def links(self) -> list[tuple[str, str]]:
        return [(tag, own[name]) for tag, own in self.elements for name in ("href", "src") if name in own]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Read]:
    """Every page of the site, by its file. (What lies among the examples is to be copied, and is no page of ours.)"""
    sys.path.insert(0, str(DOCS))
    try:
        builder: Any = importlib.import_module("build_site")
    finally:
        sys.path.remove(str(DOCS))
    folder = tmp_path_factory.mktemp("site")
    return {folder / page.target: Read(folder / page.target) for page in builder.build(folder)}


def test_every_page_of_the_project_is_on_the_site(site: dict[Path, Read]) -> None:
    root = next(page.parent for page in site if page.name == "quickstart.html")
    inside = {root / file.relative_to(DOCS).with_suffix(".html") for file in DOCS.rglob("*.md")}
    beside = {root / "project" / f"{file.stem}.html" for file in ROOT.glob("*.md")}
    assert inside | beside <= site.keys()


def test_every_link_and_every_anchor_of_the_site_leads_somewhere(site: dict[Path, Read]) -> None:
    lost, followed = [], 0
    for page, read in site.items():
        for _, link in read.links():
            if urlsplit(link).scheme in PUBLIC:
                continue
            path, _, anchor = unquote(link).partition("#")
            target = (page.parent / path).resolve() if path else page
            followed += 1
            if not target.is_file() or (anchor and anchor not in site[target].ids):
                lost.append(f"{page.name}: {link}")
    assert lost == []
    assert followed > 1000


def test_the_site_is_there_without_the_network_and_without_a_script(site: dict[Path, Read]) -> None:
    for page, read in site.items():
        assert {tag for tag, _ in read.elements} & {"script", "iframe", "object"} == set(), page
        loaded = [link for tag, link in read.links() if tag in ("img", "link", "source") and urlsplit(link).scheme]
        assert loaded == [], page


def test_every_page_has_a_language_a_title_one_heading_and_says_where_it_is(site: dict[Path, Read]) -> None:
    for page, read in site.items():
        tags = [tag for tag, _ in read.elements]
        assert ("html", {"lang": "en"}) in read.elements
        assert tags.count("h1") == 1, page
        assert read.title, page
        here = {own["href"] for tag, own in read.elements if tag == "a" and own.get("aria-current") == "page"}
        assert here <= {page.name}
    assert "Your first page · Doorstep" in [read.title for read in site.values()]
