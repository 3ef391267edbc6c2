"""Mails as a mail program shows them: for everybody, on a telephone and beside the list, in the light and in the dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from doorstep.preview.letters import LETTERS, letter

from ..lettering import NOON, shop_of
from .looks import OVERFLOW, SMALL, Look, in_looks, violations

pytestmark = pytest.mark.browser
CASES = ("message.several", "message.needs_action", "message.delivered", "message.confirm")
WIDTHS = (320, 375, 600)
COLOURS = """() => [document.querySelector(".page"), document.querySelector("h1")].map((one) => getComputedStyle(one))
  .map((style, i) => i ? style.color : style.backgroundColor)"""


@pytest.fixture
def shown(watch: Callable[..., Page], tmp_path: Path) -> Callable[[str, Look], Page]:
    def open_mail(name: str, look: Look) -> Page:
        page = watch()
        page.emulate_media(color_scheme="dark" if look.scheme == "dark" else "light")
        page.set_content(letter(shop_of(tmp_path, theme=look.theme), LETTERS[name], NOON, look.language).html())
        return page

    return open_mail


@pytest.mark.parametrize(("name", "look"), in_looks(CASES))
def test_a_mail_is_for_everybody_in_every_look(shown: Callable[[str, Look], Page], name: str, look: Look) -> None:
    page = shown(name, look)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(OVERFLOW) == [], width
    assert violations(page) == ""
    assert page.evaluate(SMALL) == []


def test_the_dark_has_colours_of_its_own(shown: Callable[[str, Look], Page]) -> None:
    for theme in ("classic", "bold", "minimal"):
        light, dark = (
            shown("message.delivered", Look(theme, "en", one)).evaluate(COLOURS) for one in ("light", "dark")
        )
        assert light[0] != dark[0]
        assert light[1] != dark[1] or theme == "bold"  # whose answer stands on the shop's colour in both
