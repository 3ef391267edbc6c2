"""How pages stand: with large letters, on paper, and without motion."""

from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import Browser, Page

from doorstep.demo import THEMES

from ..gates import pairwise, telling
from .looks import FURTHER, LANGUAGES, OVERFLOW, TORN, UNFOLD
from .sites import DELIVERED, PAGES, Site, number_of

pytestmark = pytest.mark.browser

Watch = Callable[..., Page]
SPACED = [
    one for one in (*LANGUAGES, *FURTHER) if one not in ("ja", "th", "zh_Hans", "zh_Hant")
]  # words between blanks
NAMES = ("delivered", "returning", "handed over", "thanks", "choose", "look-up refused")
LARGE = "--blink-settings=defaultFontSize=32"  # the reader's own setting, which media queries in em go by as well
# Elements, with what stands before and after them, that move or change slowly.
MOVING = """() => [...document.querySelectorAll("*")].flatMap((one) => ["", "::before", "::after"].map((part) => {
  const style = getComputedStyle(one, part || null);
  const still = style.animationName === "none" && style.transitionDuration.split(",").every((time) => parseFloat(time) === 0);
  return still ? "" : one.outerHTML.slice(0, 60) + part;
})).filter(Boolean)"""


@pytest.fixture(scope="module")
def large(start: Callable[..., Browser]) -> Page:
    return start(LARGE).new_page()


@pytest.mark.parametrize(("name", "theme", "language"), pairwise(NAMES, THEMES, LANGUAGES))
def test_page_fits_a_narrow_screen_of_a_reader_whose_letters_are_twice_as_large(
    large: Page, site: Site, name: str, theme: str, language: str
) -> None:
    large.set_viewport_size({"width": 320, "height": 640})
    large.goto(site.address(PAGES[name][0], theme, language))
    large.evaluate(UNFOLD)
    assert large.evaluate(OVERFLOW) == []


@pytest.mark.parametrize(
    ("language", "theme"), telling(product(SPACED, THEMES), lambda one: (one[0] in LANGUAGES and one[0], one[1]))
)
def test_words_of_steps_stay_whole_however_wide_the_page(
    pages: dict[bool, Page], site: Site, language: str, theme: str
) -> None:
    pages[False].goto(site.address(PAGES["delivered"][0], theme, language))
    for width in (640, 700, 900, 1024, 1280):
        pages[False].set_viewport_size({"width": width, "height": 640})
        assert (width, pages[False].evaluate(TORN), pages[False].evaluate(OVERFLOW)) == (width, [], [])


@pytest.mark.parametrize("theme", THEMES)
def test_paper_shows_the_answer_and_every_scan_but_no_form(watch: Watch, site: Site, theme: str) -> None:
    page = watch()
    page.goto(site.address(f"/track/{number_of('dhl', 'long_way')}", theme))
    folded = page.locator(".timeline details .event")
    assert not folded.last.is_visible()
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    assert folded.last.is_visible()
    assert page.locator("form, button, .languages, .skip").filter(visible=True).count() == 0
    page.goto(site.address(f"/track/{DELIVERED}", theme))
    assert page.locator("form").count() == 1
    assert page.locator("form, button, .languages, .skip").filter(visible=True).count() == 0


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_moves_for_a_reader_who_wants_no_motion(watch: Watch, site: Site, theme: str) -> None:
    page = watch(reduced_motion="no-preference")
    page.goto(site.address(f"/track/{DELIVERED}", theme))
    assert page.evaluate(MOVING) != [], "the progress line draws once"
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    assert page.evaluate(MOVING) == []
    assert page.evaluate("document.getAnimations().length") == 0
