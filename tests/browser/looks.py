"""What every page must be in every theme, language, direction and colour scheme, looked at once for all of it."""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from msgspec import Struct
from msgspec.structs import astuple
from playwright.sync_api import Page

from doorstep.demo import THEMES
from doorstep.languages import direction_of, tag_of

from .. import catalogs

LANGUAGES = ("en", "de", "fr", "ar")
FURTHER = tuple(language for language in catalogs.languages() if language not in LANGUAGES)
SCHEMES = ("light", "dark")
# The rule of WCAG 2.2 for targets is off unless asked for; without preload, axe does not fetch the stylesheet once more.
RULES = {"resultTypes": ["violations"], "preload": False, "rules": {"target-size": {"enabled": True}}}
# What can be pressed and is smaller than 24 × 24 px, except a link within a sentence (WCAG 2.2, 2.5.8).
SMALL = """() => [...document.querySelectorAll("a, button, summary, input, textarea, select")]
  .map((one) => (one.matches("[type=radio], [type=checkbox]") ? one.closest("label") ?? one : one))
  .filter((one) => one.checkVisibility() && !one.matches(".skip"))
  .filter((one) => getComputedStyle(one).display !== "inline" || one.parentElement.innerText.trim() === one.innerText.trim())
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width < 24 || box.height < 24)
  .map(([one, box]) => `${one.outerHTML.slice(0, 90)} ${box.width} x ${box.height}`)"""
# The width of the page and what ends beyond either side of the window, when the page can be scrolled sideways.
OVERFLOW = """() => {
  const root = document.documentElement;
  const beyond = [...document.body.querySelectorAll("*")]
    .filter((one) => one.checkVisibility({ contentVisibilityAuto: true }) && !one.matches(".skip"))
    .map((one) => [one, one.getBoundingClientRect()])
    .filter(([one, box]) => box.left < -1 || box.right > root.clientWidth + 1)
    .map(([one, box]) => `${one.outerHTML.slice(0, 90)} from ${box.left} to ${box.right}`);
  return root.scrollWidth <= root.clientWidth ? [] : [`${root.scrollWidth} px wide`, ...beyond.slice(0, 5)];
}"""
# The words of the steps' names that are seen in more than one line.
TORN = r"""() => [...document.querySelectorAll(".step-name")].filter((one) => one.checkVisibility()).flatMap((name) => {
  const text = name.firstChild;
  return [...text.data.matchAll(/[^\s\u00ad\u200b-]+/gu)].filter(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1;
  }).map(({ 0: word }) => word);
})"""
UNFOLD = "for (const one of document.querySelectorAll('main details')) one.open = true"
LETTERS = "size => { document.documentElement.style.fontSize = size }"
# The forms of the "valid time string", "valid date string" and "valid global/local date and time string" of HTML that
# the engine writes.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?")


class Look(Struct, frozen=True):
    """How a page is looked at."""

    theme: str
    language: str
    scheme: str


def every_look() -> Iterator[Look]:
    return (Look(*one) for one in product(THEMES, LANGUAGES, SCHEMES))


def covering(turn: int) -> list[Look]:
    """Four looks for the page that is the `turn`-th of a list: each language once, each theme, both schemes. Three pages in
    succession have every theme in every language, and six every look there is."""
    themes = tuple(THEMES)
    return [
        Look(themes[(turn + row) % 3], language, SCHEMES[(turn + row + row // 2) % 2])
        for row, language in enumerate(LANGUAGES)
    ]


def in_four_looks(turn: int) -> list[Any]:
    """Parameters of a test of one page, the `turn`-th of a list. In the fast gate it has one of the four looks, and 24 pages
    in succession have every look there is."""
    usual = (turn + turn // 12) % 4
    return [
        pytest.param(look, id="-".join(astuple(look)), marks=() if row == usual else pytest.mark.exhaustive)
        for row, look in enumerate(covering(turn))
    ]


def in_looks(names: Iterable[str], first: int = 0) -> list[Any]:
    """Parameters of a test of these pages, each in its four looks."""
    return [
        pytest.param(name, *one.values, id=f"{name}-{one.id}", marks=one.marks)
        for turn, name in enumerate(names, first)
        for one in in_four_looks(turn)
    ]


def further(turn: int, pages: int) -> list[Look]:
    """Looks in the languages that `covering` leaves out, each of them on one of so many pages, in all themes and schemes."""
    themes = tuple(THEMES)
    return [
        Look(themes[at % 3], language, SCHEMES[at // 3 % 2])
        for at, language in enumerate(FURTHER)
        if at % pages == turn
    ]


def in_every_language() -> Iterator[Look]:
    """Each theme in each of those languages, light and dark in turn."""
    each = enumerate(product(THEMES, FURTHER))
    return (Look(theme, language, SCHEMES[at % 2]) for at, (theme, language) in each)


def violations(page: Page) -> str:
    """What axe finds."""
    page.evaluate(Axe().axe_script)
    # Only what is amiss leaves the browser: all that axe looked at is a hundred times as much.
    results = AxeResults(page.evaluate("rules => axe.run(rules).then(({ violations }) => ({ violations }))", RULES))
    return results.generate_report() if results.violations_count else ""


def overflowing(page: Page) -> list[str]:
    """What needs sideways scrolling on a screen of 320 px, and with letters twice as large."""
    found = []
    for width, letters in ((320, ""), (640, "200%")):
        page.set_viewport_size({"width": width, "height": 640})
        page.evaluate(LETTERS, letters)
        found += [f"at {width} px {letters}: {one}" for one in page.evaluate(OVERFLOW)]
    page.evaluate(LETTERS, "")
    return found


def narrow(page: Page, url: str, look: Look) -> list[str]:
    """Opens the page and tells what of it does not fit, and what is wrong with it as a document."""
    page.emulate_media(color_scheme="dark" if look.scheme == "dark" else "light")
    answer = page.goto(url)
    assert answer is not None
    page.evaluate(UNFOLD)
    return [*malformed(answer.text(), look.language), *overflowing(page)]


def amiss(page: Page, url: str, look: Look) -> list[str]:
    """Opens the page and tells what is wrong with it."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme="dark" if look.scheme == "dark" else "light")
    answer = page.goto(url)
    assert answer is not None
    page.evaluate(UNFOLD)
    found = [violations(page), *malformed(answer.text(), look.language), *page.evaluate(SMALL), *overflowing(page)]
    return [one for one in found if one]


def malformed(html: str, language: str) -> list[str]:
    """What is wrong with a page as a document: it is read by the letter of the standard."""
    try:
        root = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    except html5lib.html5parser.ParseError as error:
        return [f"not valid: {error}"]
    found = references(root)
    if (root.attrib.get("lang"), root.attrib.get("dir")) != (tag_of(language), direction_of(language)):
        found.append(f"its language is {root.attrib}")
    headings = ["".join(one.itertext()).strip() for one in root.findall(".//h1")]
    if len(headings) != 1 or not headings[0]:
        found.append(f"its headings are {headings}")
    if not root.findall(".//link[@rel='stylesheet']"):
        found.append("the engine's plain page stands in for a theme that failed")
    times = [one.attrib.get("datetime", "") for one in root.findall(".//time")]
    return found + [f"no moment: {time}" for time in times if not MOMENT.fullmatch(time)]


def references(root: Element) -> list[str]:
    """Ids that are there twice, and names of ids that are not there."""
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    named: list[str] = []
    for element in root.iter():
        for name in ("aria-labelledby", "aria-describedby", "for"):
            named += element.attrib.get(name, "").split()
        if element.tag == "a" and element.attrib["href"].startswith("#"):
            named.append(element.attrib["href"][1:])
    twice = [f"twice: #{one}" for one in set(ids) if ids.count(one) > 1]
    return twice + [f"not there: #{one}" for one in named if one not in ids]


def said(page: Page, url: str) -> str:
    """All that a page says, but for the buttons that only a script can make, and for figures: some are of the time."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(url)
    page.evaluate("for (const one of document.querySelectorAll('.copy')) one.remove()")
    return re.sub(r"\d+", "0", page.locator("body").inner_text())
