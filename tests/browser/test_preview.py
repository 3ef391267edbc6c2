"""The preview of a shop's own theme: every page, in every light and language, changed on save, its settings as a form."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec import Struct
from playwright.sync_api import BrowserContext, Page, expect
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.preview.cases import CASES
from doorstep.preview.gallery import Preview
from doorstep.secret import Secret
from doorstep.testing import serve

from ..themes_on_disk import write_theme

pytestmark = pytest.mark.browser
CSS = ".hero { outline-offset: 3px; }\n"
LINKS = '[settings.footer_links]\ndefault = [{ label = "Imprint", url = "/imprint" }]\n'


class Desk(Struct, frozen=True):
    """A shop's folder, and where its preview is served."""

    theme: Path
    url: str


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    files = {"static/harbour.css": CSS, "templates/sections/next.html": '{% extends "classic/sections/next.html" %}'}
    theme = write_theme(
        tmp_path / "themes", "harbour", files, extends='"classic"', styles='["harbour.css"]', more=LINKS
    )
    engine = create_engine(config(tmp_path))
    with serve(Preview(assemble(engine), engine)) as served:
        yield Desk(theme, served.url)


def config(folder: Path) -> Config:
    store = Store(name="Harbour & Pine", theme="harbour", settings={"accent": "#7a3b1d"}, widgets={"survey": {}})
    database = f"sqlite:///{folder / 'shop.db'}"
    return Config(stores={"main": store}, secret_key=(Secret("k" * 32),), database=database, base=folder)


@pytest.fixture
def opened(desk: Desk, context_of: Callable[..., BrowserContext]) -> Callable[[str], Page]:
    def new(address: str) -> Page:
        page = context_of(viewport={"width": 1400, "height": 900}).new_page()
        page.goto(f"{desk.url}/_preview/{address}")
        return page

    return new


def test_every_page_is_there_in_each_theme_and_language(desk: Desk) -> None:
    engine = create_engine(config(desk.theme.parent.parent))
    client = TestClient(Preview(assemble(engine), engine))
    for theme in ("", "minimal", "bold"):
        for name in CASES:
            language = "ar" if len(name) % 2 else "de"
            page = client.get(
                "/_preview/page", params={"store": "main", "case": name, "theme": theme, "lang": language}
            )
            assert page.status_code == 200, page.text
            assert f'lang="{language}"' in page.text
            assert "<main" in page.text
    context = client.get("/_preview/context?case=delivered").json()
    assert context["hero"]["status"] == "delivered"


def test_a_setting_is_seen_at_once_and_is_written_out_for_the_settings_file(opened: Callable[[str], Page]) -> None:
    page = opened("?case=in_transit")
    frame = page.frame_locator("iframe")
    expect(frame.locator("h1")).to_be_visible()
    assert page.get_by_label("Accent colour", exact=True).input_value() == "#7a3b1d"
    page.get_by_label("Corners").select_option("round")
    expect(frame.locator("html")).to_have_attribute("data-corners", "round")
    page.get_by_label("Links in the footer").fill("Imprint | /imprint\nTerms | https://shop.example/terms")
    page.get_by_label("Logo height").focus()
    expect(frame.get_by_role("link", name="Terms")).to_have_attribute("href", "https://shop.example/terms")
    lines = page.locator("pre").inner_text().splitlines()
    assert lines[0] == "[stores.main.settings]"
    assert 'corners = "round"' in lines
    assert any(line.startswith('footer_links = [{ label = "Imprint", url = "/imprint" }, {') for line in lines)


def test_a_value_that_does_not_fit_is_named(opened: Callable[[str], Page]) -> None:
    page = opened("?s.accent=red")
    expect(page.get_by_role("alert")).to_contain_text("accent: expected a colour")


def test_light_direction_and_width_are_chosen(opened: Callable[[str], Page]) -> None:
    def ground(page: Page) -> str:
        inner = page.frame_locator("iframe").locator("body")
        return str(inner.evaluate("one => getComputedStyle(one).backgroundColor"))

    light, dark = opened("?scheme=light&width=320"), opened("?scheme=dark&dir=rtl")
    assert ground(light) != ground(dark)
    expect(dark.frame_locator("iframe").locator("html")).to_have_attribute("dir", "rtl")
    expect(light.locator("iframe")).to_have_attribute("width", "320")


def test_a_saved_file_is_seen_without_asking_and_a_mistake_is_named_with_its_line(
    desk: Desk, opened: Callable[[str], Page]
) -> None:
    page = opened("?case=in_transit")
    frame = page.frame_locator("iframe")
    expect(frame.locator("h1")).to_be_visible()
    page.wait_for_timeout(1000)  # until it listens
    template = desk.theme / "templates/sections/next.html"
    template.write_text('<p class="mine">{{ store.name }}</p>', "utf-8")
    expect(frame.locator(".mine")).to_have_text("Harbour & Pine", timeout=20_000)
    template.write_text("<p>\n{{ stoer.name }}</p>", "utf-8")
    expect(frame.locator("body")).to_contain_text("sections/next.html:2", timeout=20_000)
    template.write_text('<p class="again">{{ store.name }}</p>', "utf-8")
    expect(frame.locator(".again")).to_be_visible(timeout=20_000)


def test_the_gallery_itself_can_be_used_by_everybody(opened: Callable[[str], Page]) -> None:
    page = opened("?case=all")
    expect(page.locator("iframe")).to_have_count(len(CASES))
    found = Axe().run(page, context="body", options={"iframes": False})
    assert found.response["violations"] == []


def test_it_is_not_there_unless_it_is_asked_for(tmp_path: Path) -> None:
    write_theme(tmp_path / "themes", "harbour", extends='"classic"')
    client = TestClient(assemble(create_engine(config(tmp_path))))
    assert client.get("/_preview/").status_code == 404
