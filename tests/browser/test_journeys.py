"""What a shopper does from page to page, with and without scripts."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from doorstep.demo import THEMES

from .sites import DELIVERED, SAMPLES, Site, number_of

pytestmark = pytest.mark.browser

Watch = Callable[..., Page]
STORED = """async () => [
  ...Object.keys(localStorage), ...Object.keys(sessionStorage), ...(document.cookie ? [document.cookie] : []),
  ...(await indexedDB.databases()).map((one) => one.name), ...(await caches.keys()),
  ...(await navigator.serviceWorker.getRegistrations()).map((one) => one.scope),
]"""


def quick(first: str) -> list[Any]:
    """All themes, of which the fast gate has this one."""
    return [pytest.param(theme, marks=() if theme == first else pytest.mark.exhaustive) for theme in THEMES]


@pytest.mark.parametrize("theme", quick("classic"))
def test_from_the_number_to_the_thanks_without_a_script(watch: Watch, site: Site, theme: str) -> None:
    page = watch(java_script_enabled=False)
    page.goto(site.address("/", theme))
    page.get_by_label("Tracking number").fill(f" {DELIVERED[:4]} {DELIVERED[4:]} ")
    page.get_by_role("button", name="Track parcel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delivered")
    page.get_by_role("radio", name="9", exact=True).check()
    page.get_by_label("Anything you want to add (optional)").fill("Thank you – merci – شكرًا")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("status")).to_have_text("Thank you. Your answer has arrived.")
    expect(page.get_by_role("button", name="Send answer")).to_have_count(0)
    assert page.url.endswith("#widget-survey")


@pytest.mark.parametrize("theme", quick("bold"))
def test_wrong_number_is_explained_beside_the_field_and_can_be_mended_without_a_script(
    watch: Watch, site: Site, theme: str
) -> None:
    page = watch(java_script_enabled=False)
    page.goto(site.address("/", theme))
    page.get_by_label("Tracking number").fill("a!")
    page.get_by_role("button", name="Track parcel").click()
    field = page.get_by_label("Tracking number")
    expect(field).to_have_value("a!")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("number"))
    field.fill(DELIVERED)
    page.get_by_role("button", name="Track parcel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delivered")


@pytest.mark.parametrize("theme", quick("minimal"))
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_language_switch_stays_on_the_parcel(watch: Watch, site: Site, theme: str, scripts: bool) -> None:
    page = watch(java_script_enabled=scripts)
    page.goto(site.address(f"/track/{DELIVERED}", theme))
    page.locator(".languages summary").click()
    page.get_by_role("link", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("bdi.number").first).to_have_text(DELIVERED)


def test_browser_that_speaks_german_gets_a_german_page(watch: Watch, site: Site) -> None:
    page = watch(locale="de-AT")
    page.goto(f"{site.url}/track/{DELIVERED}")
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_language_menu_closes_when_one_looks_away(watch: Watch, site: Site) -> None:
    page = watch()
    page.goto(site.address(f"/track/{DELIVERED}"))
    menu = page.locator(".languages details")
    page.locator(".languages summary").click()
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(page.locator(".languages summary")).to_be_focused()
    page.locator(".languages summary").click()
    page.locator("h1").click()
    expect(menu).not_to_have_attribute("open", "")


@pytest.mark.parametrize("theme", quick("bold"))
def test_copy_button_copies_the_number_and_says_so(watch: Watch, site: Site, theme: str) -> None:
    page = watch(permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.address(f"/track/{DELIVERED}", theme))
    button = page.locator(".details .copy").first
    expect(button).to_have_text("Copy")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == DELIVERED


def test_without_a_script_there_is_no_button_that_does_nothing(watch: Watch, site: Site) -> None:
    page = watch(java_script_enabled=False)
    page.goto(site.address(f"/track/{DELIVERED}"))
    assert [button.inner_text() for button in page.get_by_role("button").all()] == ["Send answer"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_waiting_page_looks_again_by_itself_until_the_answer_is_there(
    watch: Watch, impatient: Site, scripts: bool
) -> None:
    number = number_of("la_poste", "in_transit" if scripts else "customs")
    page = watch(on=impatient, java_script_enabled=scripts)
    with impatient.silent():
        answer = page.goto(impatient.address(f"/track/{number}"))
        assert answer is not None
        assert answer.status == 202
        expect(page.get_by_role("heading", level=1)).to_have_text("We are asking La Poste")
    expect(page.get_by_role("heading", name="What happened so far")).to_be_visible(timeout=30_000)
    assert page.url == impatient.address(f"/track/{number}")


def test_product_of_the_shop_and_help_are_reached_from_the_parcel(watch: Watch, site: Site) -> None:
    page = watch()
    page.goto(site.address(f"/track/{number_of('dhl', 'damaged')}"))
    page.get_by_role("link", name="Contact the shop").click()
    expect(page.locator("#help")).to_be_in_viewport()


@pytest.mark.exhaustive
def test_every_parcel_of_the_front_page_opens(watch: Watch, site: Site) -> None:
    page = watch()
    page.goto(site.address("/shop/"))
    links = page.locator(".board a").evaluate_all("links => links.map((link) => link.href)")
    assert len(links) >= sum(case.demo for samples in SAMPLES.values() for case in samples.cases)
    for link in links:
        answer = page.request.get(link)
        assert answer.status in (200, 404, 503), link
        assert "<h1>" in answer.text()


@pytest.mark.parametrize("theme", quick("minimal"))
def test_pages_keep_nothing_on_the_readers_device(watch: Watch, site: Site, theme: str) -> None:
    page = watch()
    for path in ("/", f"/track/{DELIVERED}", "/shop/"):
        page.goto(site.address(path, theme))
        page.wait_for_load_state("networkidle")
        assert page.evaluate(STORED) == []
