"""Whether everybody can use what no address leads to, a page that waits or refuses; and the keyboard."""

from collections.abc import Callable
from itertools import count, product
from operator import itemgetter
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from doorstep.demo import THEMES

from ..gates import telling
from .looks import Look, in_four_looks, overflowing, violations
from .sites import DELIVERED, SAMPLES, Site

pytestmark = pytest.mark.browser

Watch = Callable[..., Page]
# The element in focus: what it is, whether it can be seen, and whether an outline is around it or its label.
FOCUSED = """() => {
  const one = document.activeElement, around = one.closest("label") ?? one, box = around.getBoundingClientRect();
  const style = [one, around].map((some) => getComputedStyle(some));
  return {
    what: one.outerHTML.slice(0, 90),
    skip: one.matches("a[href='#main']"),
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    outlined: style.some((its) => its.outlineStyle !== "none" && parseFloat(its.outlineWidth) >= 2),
    end: one === document.body,
  };
}"""
_fresh = count()


def waiting(watch: Watch, impatient: Site, theme: str, language: str) -> Page:
    """A page that waits, for a parcel never asked for before; it stays, for its order to look again is taken out."""

    def stay(route: Route) -> None:
        answer = route.fetch()
        assert answer.status == 202
        route.fulfill(response=answer, headers={k: v for k, v in answer.headers.items() if k != "refresh"})

    # None of the demo's orders has one of these, and no journey needs the last of them.
    parcels = [case.number for case in reversed(SAMPLES["la_poste"].cases) if case.demo]
    address = impatient.address(f"/track/{parcels[next(_fresh)]}", theme, language)
    page = watch(on=impatient)
    page.route(address, stay)
    with impatient.silent():
        page.goto(address)
    return page


def refused(page: Page, site: Site, theme: str = "classic", language: str = "en") -> None:
    """The survey sent without an answer, by a browser that does not check forms itself."""
    page.goto(site.address(f"/track/{DELIVERED}", theme, language))
    page.eval_on_selector("form[method=post]", "form => { form.noValidate = true }")
    with page.expect_navigation():
        page.click("form[method=post] [type=submit]")


@pytest.mark.parametrize("look", in_four_looks(0))
def test_axe_finds_nothing_on_a_page_that_waits(watch: Watch, impatient: Site, look: Look) -> None:
    page = waiting(watch, impatient, look.theme, look.language)
    page.emulate_media(color_scheme=look.scheme)
    assert not violations(page)


@pytest.mark.parametrize("look", in_four_looks(3))
def test_axe_finds_nothing_on_a_refused_survey(watch: Watch, site: Site, look: Look) -> None:
    page = watch(color_scheme=look.scheme)
    refused(page, site, look.theme, look.language)
    assert page.get_by_role("alert").is_visible()
    assert not violations(page)


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark"), ("de", "light")])
def test_axe_finds_nothing_on_the_report_of_insights(watch: Watch, site: Site, language: str, scheme: str) -> None:
    page = watch(color_scheme=scheme)
    page.goto(site.address("/shop/insights", language=language))
    assert page.locator("svg").count() > 10
    assert [violations(page), *overflowing(page)] == [""]


@pytest.mark.parametrize(
    ("path", "theme"),
    telling(product(["/", f"/track/{DELIVERED}", "/shop/"], THEMES), itemgetter(0), itemgetter(1), id="-".join),
)
def test_keyboard_reaches_everything_and_focus_is_seen(watch: Watch, site: Site, theme: str, path: str) -> None:
    page = watch(viewport={"width": 390, "height": 700})
    page.goto(site.address(path, theme))
    stops: list[dict[str, Any]] = []
    while len(stops) < 1000:  # a page that never lets go of the focus
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["end"]:
            break
        stops.append(stop)
    assert stops[0]["skip"], stops[0]
    assert [stop["what"] for stop in stops if not (stop["seen"] and stop["outlined"])] == []
    reachable = "a[href], button, summary, input:not([type=hidden], [type=radio], [tabindex='-1']), textarea"
    assert len(stops) >= page.locator(reachable).filter(visible=True).count()


@pytest.mark.parametrize("theme", THEMES)
def test_skip_link_leads_to_the_main_part(watch: Watch, site: Site, theme: str) -> None:
    page = watch()
    page.goto(site.address(f"/track/{DELIVERED}", theme))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
