"""Every page in every theme, language, direction and colour scheme, by pairs; `./dev prove looks` does all combinations."""

import pytest
from msgspec.structs import astuple
from playwright.sync_api import Page

from ..gates import some
from .looks import FURTHER, Look, amiss, covering, every_look, further, in_looks, malformed, narrow, said
from .sites import PAGES, TWELVE_SCANS, Site, fetched

pytestmark = pytest.mark.browser

Pages = dict[bool, Page]
in_a_further_language = pytest.mark.parametrize(
    ("name", "look"),
    [
        pytest.param(name, look, id=f"{name}-{look.language}", marks=pytest.mark.exhaustive if turn % 3 else ())
        for turn, name in enumerate(PAGES)
        for look in further(turn, len(PAGES))
    ],
)


@pytest.mark.parametrize(("name", "look"), in_looks(PAGES))
def test_page_is_for_everybody_in_every_look(pages: Pages, site: Site, name: str, look: Look) -> None:
    assert amiss(pages[True], site.address(PAGES[name][0], look.theme, look.language), look) == []


@in_a_further_language
def test_page_fits_in_each_further_language(pages: Pages, site: Site, name: str, look: Look) -> None:
    assert narrow(pages[True], site.address(PAGES[name][0], look.theme, look.language), look) == []


@pytest.mark.exhaustive
@in_a_further_language
def test_page_is_for_everybody_in_each_further_language(pages: Pages, site: Site, name: str, look: Look) -> None:
    assert amiss(pages[True], site.address(PAGES[name][0], look.theme, look.language), look) == []


@pytest.mark.parametrize("name", some(PAGES, 4))
def test_page_says_the_same_without_a_script(pages: Pages, site: Site, name: str) -> None:
    look = covering(list(PAGES).index(name))[0]
    address = site.address(PAGES[name][0], look.theme, look.language)
    assert said(pages[False], address) == said(pages[True], address)


def test_the_looks_of_one_page_have_every_theme_language_and_scheme_and_those_of_six_pages_every_look() -> None:
    every = set(every_look())
    for page in range(6):
        for field in ("theme", "language", "scheme"):
            assert {getattr(look, field) for look in covering(page)} == {getattr(look, field) for look in every}
    assert {look for page in range(6) for look in covering(page)} == every


def test_in_the_fast_gate_twenty_four_pages_have_every_look() -> None:
    fast = [one.values[1] for one in in_looks(map(str, range(24))) if not one.marks]
    assert sorted(fast, key=astuple) == sorted(every_look(), key=astuple)


def test_each_further_language_is_looked_at_once() -> None:
    looked = [look.language for turn in range(len(PAGES)) for look in further(turn, len(PAGES))]
    assert sorted(looked) == sorted(FURTHER)


def test_what_is_wrong_with_a_document_is_found() -> None:
    sound = (
        '<!doctype html><html lang="ar" dir="rtl"><title>T</title><link rel="stylesheet" href="/s"><h1>H</h1></html>'
    )
    assert malformed(sound, "ar") == []
    assert malformed(sound, "de") == ["its language is {'lang': 'ar', 'dir': 'rtl'}"]
    for wrong, said_of_it in (
        ("<h1>H</h2>", "not valid: "),
        ("<h1></h1>", "its headings are ['']"),
        ("<h1>H</h1><h1>I</h1>", "its headings are ['H', 'I']"),
        ('<h1 id="a">H</h1><p id="a">P</p>', "twice: #a"),
        ('<h1 aria-labelledby="b">H</h1>', "not there: #b"),
        ('<h1>H</h1><a href="#c">C</a>', "not there: #c"),
        ('<h1>H</h1><time datetime="noon">N</time>', "no moment: noon"),
    ):
        found = malformed(sound.replace("<h1>H</h1>", wrong), "ar")
        assert len(found) == 1
        assert found[0].startswith(said_of_it)
    plain = sound.replace('<link rel="stylesheet" href="/s">', "")
    assert malformed(plain, "ar") == ["the engine's plain page stands in for a theme that failed"]


@pytest.mark.parametrize("look", [Look(theme, "en", "light") for theme in ("classic", "minimal", "bold")])
def test_each_scan_has_its_time_and_each_day(site: Site, look: Look) -> None:
    html = fetched(site, f"/track/{TWELVE_SCANS}", theme=look.theme).text
    assert html.count('<li class="event ') == 12
    assert html.count("<time ") > 12
