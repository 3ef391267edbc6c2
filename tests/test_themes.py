"""Themes as data: the chain of parents, typed settings, and mistakes named with their file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doorstep.appearance import Layer
from doorstep.errors import ThemeError
from doorstep.paths import shipped
from doorstep.theme_settings import Setting, SettingType
from doorstep.themes import Theme, find_themes, inside, load_theme

from .themes_on_disk import write_theme

Load = Callable[[str], Theme]

ACCENT = '[settings.accent]\ntype = "color"\nlabel = "Accent"\ndefault = "#123456"\n'
WIDTH = '[settings.width]\ntype = "choice"\nlabel = "Width"\ndefault = "wide"\nchoices = ["wide", "narrow"]\n'


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return lambda name: load_theme(name, find_themes([tmp_path]))


# The chain.


def test_a_child_inherits_what_it_does_not_say(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "land", sections='["hero", "timeline"]', aside='["timeline"]', slots='["end"]', more=ACCENT)
    write_theme(tmp_path, "sea", extends='"land"', sections='["timeline", "hero"]', more=WIDTH)
    theme = load("sea")
    assert (theme.name, theme.names) == ("sea", ("sea", "land"))
    assert theme.folders == (tmp_path / "sea", tmp_path / "land")
    assert (theme.sections, theme.aside, theme.slots) == (("timeline", "hero"), ("timeline",), ("end",))
    assert set(theme.settings) == {"accent", "width"}


def test_a_childs_setting_replaces_its_parents(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "land", more=ACCENT)
    write_theme(tmp_path, "sea", extends='"land"', more=ACCENT.replace("#123456", "#abcdef"))
    assert load("sea").settings["accent"].default == "#abcdef"
    assert load("land").settings["accent"].default == "#123456"


def test_a_child_repeats_only_what_it_changes_of_a_setting(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "land", more=ACCENT + 'help = "Buttons"\ncss = "--accent"\n' + WIDTH)
    write_theme(tmp_path, "sea", extends='"land"', more='[settings.accent]\ndefault = "#abcdef"\n')
    write_theme(tmp_path, "bay", extends='"sea"', more='[settings.accent]\nlabel = "Colour"\n')
    bay = load("bay").settings
    assert bay["accent"] == Setting(SettingType.COLOR, "Colour", "#abcdef", "Buttons", "--accent")
    assert list(bay) == ["accent", "width"]


def test_a_child_that_changes_the_type_of_a_setting_says_all_of_it(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "land", more=WIDTH)
    write_theme(tmp_path, "sea", extends='"land"', more='[settings.width]\ntype = "text"\n')
    with pytest.raises(ThemeError, match=r"sea/theme\.toml: settings\.width: .*`label`"):
        load("sea")


def test_presets_are_inherited_and_their_values_must_fit(tmp_path: Path, load: Load) -> None:
    calm = '[presets.calm]\ntitle = "Calm"\nsettings = { accent = "#111111" }\n'
    write_theme(tmp_path, "land", more=ACCENT + calm)
    write_theme(tmp_path, "sea", extends='"land"', more=calm.replace("calm", "loud").replace("#111111", "#eeeeee"))
    theme = load("sea")
    assert set(theme.presets) == {"calm", "loud"}
    assert theme.values(("", Layer(preset="loud")))["accent"] == "#eeeeee"
    write_theme(tmp_path, "bay", extends='"land"', more=calm.replace("#111111", "grey"))
    with pytest.raises(ThemeError, match=r"bay/theme\.toml: presets\.calm\.settings\.accent: expected a colour"):
        load("bay")


def test_a_text_cannot_become_a_custom_property(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "sea", more='[settings.motto]\ntype = "text"\nlabel = "M"\ndefault = ""\ncss = "--motto"\n')
    with pytest.raises(ThemeError, match=r"sea/theme\.toml: settings\.motto\.css: a text cannot"):
        load("sea")


def test_styles_and_scripts_come_parents_first_and_a_childs_file_stands_in_for_one_of_its_name(
    tmp_path: Path, load: Load
) -> None:
    for name, extends in (("land", ""), ("sea", "land"), ("bay", "sea")):
        static = {"static/a.css": "", f"static/{name}.css": "", f"static/{name}.js": ""}
        write_theme(
            tmp_path, name, static, extends=f'"{extends}"', styles=f'["a.css", "{name}.css"]', scripts=f'["{name}.js"]'
        )
    theme = load("bay")
    assert [f"{file.parents[1].name}/{file.name}" for file in theme.styles] == [
        "bay/a.css", "land/land.css", "sea/sea.css", "bay/bay.css",
    ]  # fmt: skip
    assert [file.name for file in theme.scripts] == ["land.js", "sea.js", "bay.js"]


def test_a_theme_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "land")
    with pytest.raises(ThemeError, match="there is no theme 'sea': installed: land"):
        load("sea")


def test_a_theme_without_a_name_is_no_theme(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "land")
    with pytest.raises(ThemeError, match="there is no theme ''"):
        load("")


def test_a_missing_parent_names_the_child(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "sea", extends='"land"')
    with pytest.raises(ThemeError, match="no theme 'land', which 'sea' extends"):
        load("sea")


@pytest.mark.parametrize(
    ("chain", "said"),
    [({"sea": "sea"}, "sea → sea"), ({"sea": "bay", "bay": "lagoon", "lagoon": "bay"}, "sea → bay → lagoon → bay")],
)
def test_a_circle_is_drawn(tmp_path: Path, load: Load, chain: dict[str, str], said: str) -> None:
    for name, extends in chain.items():
        write_theme(tmp_path, name, extends=f'"{extends}"')
    with pytest.raises(ThemeError, match=f"circular extends: {said}$"):
        load("sea")


def test_the_first_theme_of_a_name_wins_and_a_theme_may_be_given_itself(tmp_path: Path) -> None:
    for place in ("own", "shipped"):
        write_theme(tmp_path / place, "sea")
    lone = write_theme(tmp_path / "elsewhere", "bay")
    found = find_themes([tmp_path / "own", tmp_path / "shipped", lone, tmp_path / "gone"])
    assert found == {"sea": tmp_path / "own" / "sea", "bay": lone}


# theme.toml.


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"titel": '"T"'}, "sea/theme.toml: .*`titel`"),
        ({"title": "7"}, r"sea/theme.toml: .*\$\.title"),
        ({"name": '"Sea!"'}, r"sea/theme.toml: .*\$\.name"),
        ({"name": '"bay"'}, "sea/theme.toml: its name 'bay' is not its folder's"),
        ({"contract": "2"}, "contract 2, this engine speaks 1"),
        ({"sections": '"hero"'}, r"sea/theme.toml: .*\$\.sections"),
        ({"more": "[settings"}, "sea/theme.toml: "),
        ({"more": ACCENT.replace("color", "colour")}, r"sea/theme.toml: settings\.accent\.type: "),
        ({"more": ACCENT.replace("#123456", "blue")}, r"sea/theme.toml: settings\.accent\.default: expected a colour"),
        ({"more": ACCENT + "colour = 1"}, "sea/theme.toml: .*`colour`"),
        ({"styles": '["gone.css"]'}, "sea/theme.toml: styles names 'gone.css', which is not in static/"),
        ({"scripts": '["../theme.toml"]'}, "sea/theme.toml: scripts names '../theme.toml'"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path: Path, load: Load, keys: dict[str, str], said: str) -> None:
    write_theme(tmp_path, "sea", **keys)
    with pytest.raises(ThemeError, match=said):
        load("sea")


def test_a_file_that_is_not_utf_8_is_a_theme_error(tmp_path: Path, load: Load) -> None:
    (write_theme(tmp_path, "sea") / "theme.toml").write_bytes(b'title = "\xff"')
    with pytest.raises(ThemeError, match=r"^sea/theme\.toml: "):
        load("sea")


# Settings.


def setting(type: SettingType, **fields: Any) -> Setting:
    return Setting(type, "Label", "", **fields)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (setting(SettingType.COLOR), "#1f4fd8"), (setting(SettingType.COLOR), "#FFF"), (setting(SettingType.TEXT), ""),
        (setting(SettingType.SWITCH), False), (setting(SettingType.CHOICE, choices=("a", "b")), "b"),
        (setting(SettingType.RANGE, min=1, max=5), 5), (setting(SettingType.RANGE), -7), (setting(SettingType.URL), ""),
        (setting(SettingType.URL), "https://shop.example/help?a=1#b"), (setting(SettingType.URL), "/help"),
        (setting(SettingType.IMAGE), "logos/dark.svg"), (setting(SettingType.IMAGE), "http://cdn.example/x.png"),
    ],
)  # fmt: skip
def test_a_value_of_its_type_fits(kind: Setting, value: Any) -> None:
    assert kind.problem(value) == ""


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (setting(SettingType.COLOR), "red", "colour such as"),
        (setting(SettingType.COLOR), "#12", "colour such as"),
        (setting(SettingType.COLOR), "#123456;}body{display:none", "colour such as"),
        (setting(SettingType.COLOR), "#123456\n", "colour such as"),
        (setting(SettingType.COLOR), 7, "a text"),
        (setting(SettingType.TEXT), True, "a text"),
        (setting(SettingType.SWITCH), "true", "true or false"),
        (setting(SettingType.SWITCH), 1, "true or false"),
        (setting(SettingType.CHOICE, choices=("a", "b")), "c", "one of a, b"),
        (setting(SettingType.RANGE, min=1, max=5), 6, "from 1 to 5"),
        (setting(SettingType.RANGE, min=1, max=5), 0, "from 1 to 5"),
        (setting(SettingType.RANGE, min=1, max=5), True, "whole number"),
        (setting(SettingType.RANGE, min=1, max=5), 2.5, "whole number"),
        (setting(SettingType.RANGE, min=1, max=5), "2", "whole number"),
        (setting(SettingType.URL), "javascript:alert(1)", "http(s) address"),
        (setting(SettingType.URL), "//evil.example/x", "http(s) address"),
        (setting(SettingType.URL), "/\\evil.example", "http(s) address"),
        (setting(SettingType.URL), "data:text/html,x", "http(s) address"),
        (setting(SettingType.URL), 'https://a.example/"onload="x', "http(s) address"),
        (setting(SettingType.IMAGE), "https://a.example/x y.png", "http(s) address"),
    ],
)
def test_a_value_that_does_not_fit_says_what_would(kind: Setting, value: Any, said: str) -> None:
    assert said in kind.problem(value)


def test_a_stores_values_stand_over_the_defaults(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "sea", more=ACCENT + WIDTH)
    values = load("sea").values(("stores.main", Layer(settings={"width": "narrow"})))
    assert values == {"accent": "#123456", "width": "narrow"}


@pytest.mark.parametrize(
    ("given", "said", "mend"),
    [
        ({"acent": "#fff"}, "stores.main.settings.acent: theme 'sea' has no such setting", "it has: accent, width"),
        ({"width": "huge"}, "stores.main.settings.width: expected one of wide, narrow", "correct the value"),
    ],
)
def test_a_stores_mistake_is_named_with_its_path(
    tmp_path: Path, load: Load, given: dict[str, Any], said: str, mend: str
) -> None:
    write_theme(tmp_path, "sea", more=ACCENT + WIDTH)
    with pytest.raises(ThemeError) as caught:
        load("sea").values(("stores.main", Layer(settings=given)))
    assert (caught.value.message, caught.value.next_step) == (said, mend)


# Files.


def test_a_static_file_is_the_nearest(tmp_path: Path, load: Load) -> None:
    write_theme(tmp_path, "land", {"static/icon.svg": "land", "static/deep/wave.svg": "land"})
    write_theme(tmp_path, "sea", {"static/icon.svg": "sea"}, extends='"land"')
    theme = load("sea")
    assert theme.static("icon.svg") == tmp_path / "sea" / "static" / "icon.svg"
    assert theme.static("deep/wave.svg") == tmp_path / "land" / "static" / "deep" / "wave.svg"
    assert theme.static("gone.svg") is None


@pytest.mark.parametrize(
    "name",
    ["../theme.toml", "..", "", ".", "/etc/hostname", "deep/../../theme.toml", "link", "links/theme.toml", "deep"],
)
def test_nothing_leads_out_of_a_folder(tmp_path: Path, name: str) -> None:
    folder = write_theme(tmp_path, "sea", {"static/deep/wave.svg": ""}) / "static"
    (folder / "link").symlink_to(folder.parent / "theme.toml")
    (folder / "links").symlink_to(folder.parent)
    assert inside(folder, name) is None


@pytest.mark.parametrize(
    "name", ["./deep/wave.svg", "deep//wave.svg", "deep/./wave.svg", "deep/../deep/wave.svg", "deep/wave.svg/"]
)
def test_a_file_has_one_name(tmp_path: Path, name: str) -> None:
    folder = write_theme(tmp_path, "sea", {"deep/wave.svg": ""})
    assert inside(folder, "deep/wave.svg") == folder / "deep" / "wave.svg"
    assert inside(folder, name) is None


@pytest.mark.parametrize("name", ["a\x00b", "x" * 5000, "loop"])
def test_a_name_no_file_system_takes_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert inside(tmp_path, name) is None


@pytest.mark.parametrize("name", sorted(find_themes([shipped("themes")])))
def test_the_shipped_themes_load(name: str) -> None:
    theme = load_theme(name, find_themes([shipped("themes")]))
    assert theme.values()
    assert set(theme.aside) <= {*theme.sections, *theme.order_sections}
