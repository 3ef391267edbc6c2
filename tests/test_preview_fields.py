"""A theme's settings in the preview's form: what is shown in a field is read as the same value again."""

from typing import Any

import pytest

from doorstep.preview.fields import field, read, written
from doorstep.theme_settings import Setting, SettingType

MENU = [
    {
        "label": "Help",
        "url": "",
        "links": [{"label": "Returns", "url": "/returns"}, {"label": "Sizes", "url": "/sizes"}],
    },
    {"label": "Shop", "url": "https://shop.example/"},
]


@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        (SettingType.SWITCH, True, "true"),
        (SettingType.SWITCH, False, "false"),
        (SettingType.RANGE, -4, "-4"),
        (SettingType.TEXT, "Two\nlines", "Two\nlines"),
        (SettingType.MENU, MENU, "Help | \n Returns | /returns\n Sizes | /sizes\nShop | https://shop.example/"),
    ],
)
def test_what_stands_in_a_field_is_the_value_it_was_made_of(kind: SettingType, value: Any, typed: str) -> None:
    setting = Setting(kind, "A setting", "")
    assert written(setting, value) == typed
    assert read(setting, typed) == value


@pytest.mark.parametrize(("kind", "typed"), [(SettingType.SWITCH, "perhaps"), (SettingType.RANGE, "wide")])
def test_what_does_not_fit_stays_as_it_was_typed(kind: SettingType, typed: str) -> None:
    assert read(Setting(kind, "A setting", ""), typed) == typed


@pytest.mark.parametrize(("value", "kind"), [("#1a2b3c", "color"), ("#abc", "text"), ("", "text")])
def test_a_colour_that_a_browser_s_field_for_colours_would_change_is_a_text(value: str, kind: str) -> None:
    assert field("accent", Setting(SettingType.COLOR, "Accent", ""), value).kind == kind
