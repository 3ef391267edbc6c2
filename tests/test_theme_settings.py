"""Settings of a theme by type: what fits, what templates see of it, and what is said of the rest."""

from typing import Any

import pytest
from markupsafe import Markup

from doorstep.context import Link, MenuEntry
from doorstep.theme_settings import STACKS, Setting, SettingType


def setting(type: SettingType, **fields: Any) -> Setting:
    return Setting(type, "Label", "", **fields)


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("", ""),
        ("<p>Packed by <strong>hand</strong>.</p>", "<p>Packed by <strong>hand</strong>.</p>"),
        ('<p onclick="x()" style="color:red">Mug</p>', "<p>Mug</p>"),
        ("<script>alert(1)</script><h1>Mug</h1><h2>Tray</h2>", "Mug<h2>Tray</h2>"),
        ('<a href="javascript:alert(1)">a</a><a href="/b" target="_blank">b</a>', '<a>a</a><a href="/b">b</a>'),
        ('<a href="https://a.example/?b=1&amp;c">a</a>', '<a href="https://a.example/?b=1&amp;c">a</a>'),
        ("5 < 6 & 7", "5 &lt; 6 &amp; 7"),
        ("<p>not closed", "<p>not closed</p>"),
        ('<img src="x" onerror="y"><iframe src="z"></iframe><br>', "<br>"),
    ],
)
def test_rich_text_is_a_little_html_and_nothing_else(given: str, seen: str) -> None:
    made = setting(SettingType.RICH_TEXT).read(given)
    assert (made, type(made)) == (Markup(seen), Markup)


def test_links_are_seen_as_links() -> None:
    given = [{"label": "Help", "url": "/help"}, {"label": "Write", "url": "mailto:help@shop.example"}]
    assert setting(SettingType.LINKS).read(given) == (Link("Help", "/help"), Link("Write", "mailto:help@shop.example"))


def test_a_menu_has_one_level_below_and_an_entry_may_be_a_heading_alone() -> None:
    given = [
        {"label": "New", "url": "https://shop.example/new"},
        {"label": "Shop", "links": [{"label": "Mugs", "url": "/mugs"}]},
    ]
    assert setting(SettingType.MENU).read(given) == (
        MenuEntry("New", "https://shop.example/new"),
        MenuEntry("Shop", "", (Link("Mugs", "/mugs"),)),
    )


@pytest.mark.parametrize("value", [*STACKS, "brand.woff2", "fonts/brand-bold.woff2"])
def test_a_font_is_a_stack_or_a_file(value: str) -> None:
    assert setting(SettingType.FONT).read(value) == value


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (setting(SettingType.FONT), "Arial", "expected one of system, humanist, rounded, serif, or a .woff2 file in static/"),
        (setting(SettingType.FONT), "brand.ttf", "or a .woff2 file"),
        (setting(SettingType.FONT), "../brand.woff2", "or a .woff2 file"),
        (setting(SettingType.FONT), 'x")}.woff2', "or a .woff2 file"),
        (setting(SettingType.URL), "help.html", "a path that begins with /"),
        (setting(SettingType.TEXT, max=5), "sixsix", "5 characters at most"),
        (setting(SettingType.TEXT), "x" * 501, "500 characters at most"),
        (setting(SettingType.RICH_TEXT), 7, "expected a text"),
        (setting(SettingType.RICH_TEXT), "x" * 10_001, "10000 characters at most"),
        (setting(SettingType.LINKS), "/help", "Expected `array`, got `str`"),
        (setting(SettingType.LINKS), [{"label": "Help"}], "[0]: Object missing required field `url`"),
        (setting(SettingType.LINKS), [{"lable": "Help", "url": "/"}], "[0]: Object contains unknown field `lable`"),
        (setting(SettingType.LINKS), [{"label": " ", "url": "/"}], "[0].label: it is empty"),
        (setting(SettingType.LINKS), [{"label": "a", "url": "/"}, {"label": "b", "url": "javascript:x"}], "[1].url: "),
        (setting(SettingType.LINKS, max=1), [{"label": "a", "url": "/"}] * 2, "1 entries at most"),
        (setting(SettingType.MENU), [{"label": "Shop"}], "[0].url: "),
        (setting(SettingType.MENU), [{"label": "a", "links": [{"label": "b", "url": "b"}]}], "[0].links[0].url: "),
        (
            setting(SettingType.MENU),
            [{"label": "a", "links": [{"label": "b", "url": "/", "links": []}]}],
            "[0].links[0]: Object contains unknown field `links`",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_place(kind: Setting, value: Any, said: str) -> None:
    assert said in kind.problem(value)
