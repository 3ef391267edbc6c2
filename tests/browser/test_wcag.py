"""What WCAG 2.2 AA asks for and axe cannot see: order and place of the focus, text spacing, pasting, what is announced."""

from collections.abc import Callable
from itertools import product
from operator import itemgetter
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from doorstep.demo import THEMES

from ..gates import telling
from .looks import LANGUAGES, OVERFLOW, UNFOLD
from .sites import DELIVERED, PAGES, Site, number_of
from .test_access import refused

pytestmark = pytest.mark.browser

Watch = Callable[..., Page]
# 1.4.12: what a reader may set, all at once. A sheet of the script's own: the page's policy refuses styles in the document.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
    p { margin-block-end: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
# Texts that are cut off: their box hides what does not fit, and it does not fit.
CUT = """() => [...document.body.querySelectorAll("*")]
  .filter((one) => one.checkVisibility() && one.innerText?.trim() && one.clientWidth > 1 && one.clientHeight > 1)
  .filter((one) => [getComputedStyle(one).overflowX, getComputedStyle(one).overflowY].some((way) => /hidden|clip/.test(way)))
  .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
  .map((one) => one.outerHTML.slice(0, 90))"""
# 2.4.3, 2.4.11: whether the focus goes on in the order of the document, and nothing lies over what has it.
STOP = """() => {
  const one = document.activeElement, before = window.stoppedAt;
  if (one === document.body) return null;
  window.stoppedAt = one;
  const around = one.closest("label") ?? one, box = around.getClientRects()[0];
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return {
    what: one.outerHTML.slice(0, 90),
    onwards: !before || Boolean(before.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING),
    bare: top !== null && (around.contains(top) || top.contains(around)),
  };
}"""


READ = ["delivered", "sixty scans", "look-up form", "choose"]


@pytest.mark.parametrize(("theme", "name"), telling(product(THEMES, READ), itemgetter(0), itemgetter(1), id="-".join))
def test_nothing_is_cut_off_when_a_reader_spaces_the_text_out(watch: Watch, site: Site, theme: str, name: str) -> None:
    page = watch(viewport={"width": 320, "height": 640})
    for language in LANGUAGES:
        page.goto(site.address(PAGES[name][0], theme, language))
        page.evaluate(UNFOLD)
        page.evaluate(SPACED)
        assert [*page.evaluate(OVERFLOW), *page.evaluate(CUT)] == [], language


def test_what_is_cut_off_is_found(watch: Watch, site: Site) -> None:
    page = watch(viewport={"width": 320, "height": 640})
    page.goto(site.address("/"))
    page.evaluate("() => { const h = document.querySelector('h1'); h.style.cssText = 'height: 8px; overflow: hidden' }")
    assert len(page.evaluate(CUT)) == 1


@pytest.mark.parametrize(
    ("path", "theme"), telling(product(["/", f"/track/{DELIVERED}"], THEMES), itemgetter(0), itemgetter(1), id="-".join)
)
def test_the_focus_goes_in_the_order_of_the_page_and_nothing_lies_over_it(
    watch: Watch, site: Site, theme: str, path: str
) -> None:
    page = watch(viewport={"width": 390, "height": 500})
    page.goto(site.address(path, theme))
    stops: list[dict[str, Any]] = []
    while len(stops) < 1000:
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        stops.append(stop)
    assert len(stops) > 3
    assert [stop["what"] for stop in stops if not (stop["onwards"] and stop["bare"])] == []


@pytest.mark.parametrize("theme", THEMES)
def test_every_field_takes_what_is_pasted(watch: Watch, site: Site, theme: str) -> None:
    page = watch(permissions=["clipboard-read", "clipboard-write"])
    for path in ("/", f"/track/{DELIVERED}"):
        page.goto(site.address(path, theme))
        fields = page.locator(
            "input:is([type=text], [type=email], [type=tel], :not([type])):not([readonly]), textarea"
        ).filter(visible=True)
        assert fields.count() >= 1
        for field in fields.all():
            page.evaluate("navigator.clipboard.writeText('pasted')")
            field.fill("")
            field.press("Control+V")
            expect(field).to_have_value("pasted")


def test_what_happens_is_announced(watch: Watch, site: Site) -> None:
    page = watch(permissions=["clipboard-read", "clipboard-write"])
    refused(page, site)
    expect(page.get_by_role("alert")).not_to_be_empty()  # what is wrong with a form
    page.goto(site.address(PAGES["thanks"][0]))
    expect(page.get_by_role("status")).not_to_be_empty()  # that it has arrived
    page.goto(site.address(f"/track/{number_of('dhl', 'in_transit')}"))
    button = page.locator(".copy").first
    expect(button).to_have_attribute("aria-live", "polite")  # that the number was copied
    page.goto(site.address("/?number=a!"))
    expect(page.get_by_label("Tracking number")).to_have_attribute("aria-invalid", "true")
