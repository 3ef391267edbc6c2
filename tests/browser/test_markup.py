"""Every page as a document: what a browser, a reader's voice and a search for meaning find in it. Needs no browser."""

import re
from xml.etree.ElementTree import Element

import html5lib
import pytest

from .sites import DELIVERED, LANGUAGES, PAGES, TWELVE_SCANS, Site, fetched

THEMES = ("classic", "minimal")
# The forms of the "valid time string", "valid date string" and "valid global/local date and time string" of HTML that
# the engine writes.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?")


def document(html: str) -> Element:
    """The document, read by the letter of the standard: a parse error is an exception."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


def rows(page: str) -> list[tuple[str, str]]:
    """Both themes of a page, in two languages, which take turns from page to page."""
    turn = list(PAGES).index(page)
    return [(LANGUAGES[turn % 4], "classic"), (LANGUAGES[(turn // 4 + turn + 1) % 4], "minimal")]


@pytest.mark.parametrize("page", PAGES)
def test_page_is_valid_html_with_its_language_its_direction_and_one_heading(site: Site, page: str) -> None:
    path, status = PAGES[page]
    for language, theme in rows(page):
        response = fetched(site, path, theme=theme, language=language)
        assert response.status_code == status
        root = document(response.text)
        assert root.attrib["lang"] == language
        assert root.attrib["dir"] == ("rtl" if language == "ar" else "ltr")
        headings = root.findall(".//h1")
        assert len(headings) == 1
        assert "".join(headings[0].itertext()).strip()
        assert root.findall(".//link[@rel='stylesheet']"), "the engine's plain page stands in for a theme that failed"
        check_references(root)


def check_references(root: Element) -> None:
    """Ids are there once, and whatever names one finds it."""
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert sorted(set(ids)) == sorted(ids)
    for element in root.iter():
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set(element.attrib.get(name, "").split()) <= set(ids)
        if element.tag == "a" and element.attrib["href"].startswith("#"):
            assert element.attrib["href"][1:] in ids


@pytest.mark.parametrize("theme", THEMES)
def test_every_time_is_machine_readable(site: Site, theme: str) -> None:
    for number, fewest in ((TWELVE_SCANS, 12), (DELIVERED, 6)):
        times = document(fetched(site, f"/track/{number}", theme=theme).text).findall(".//time")
        assert len(times) > fewest, "each scan has a time, and each day"
        for time in times:
            assert MOMENT.fullmatch(time.attrib["datetime"]), time.attrib
