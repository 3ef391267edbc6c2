"""A theme says what is read on what; a look corrects the colours or refuses them, light and dark."""

from pathlib import Path
from typing import Any

import pytest

from doorstep.appearance import Layer
from doorstep.colours import contrast
from doorstep.errors import ThemeError
from doorstep.looks import Look, dressed
from doorstep.themes import Theme, find_themes, load_theme
from doorstep.theming import Templates

from .themes_on_disk import write_theme

COLORS = "".join(
    f'[settings.{name}]\ntype = "color"\nlabel = "C"\ndefault = "{default}"\n'
    for name, default in {
        "accent": "#1f4fd8", "accent_dark": "#8eabff", "background": "#ffffff", "background_dark": "#0d0e11", "text": "#16181d",
    }.items()
)  # fmt: skip
CORRECTED = """
[[contrast]]
css = "--accent-text"
of = "accent"
on = ["background", "accent 3% #f6f6f5"]
[[contrast]]
css = "--accent-text-dark"
of = "accent_dark"
on = ["background_dark"]
[[contrast]]
css = "--on-accent"
on = ["accent"]
"""
REFUSED = '[[contrast]]\nof = "text"\non = ["background"]\nratio = 7\n'


def theme(root: Path, rules: str, **keys: str) -> Theme:
    write_theme(root, "sea", more=COLORS + rules, **keys)
    return load_theme("sea", find_themes([root]))


def look(root: Path, rules: str, **settings: Any) -> Look:
    return dressed(Templates(theme(root, rules)), ("stores.main", Layer(settings=settings)))


def properties(own: Look) -> dict[str, str]:
    sheet = own.assets["store.css"].body.decode()
    return dict(one.split(":") for one in sheet.removeprefix(":root{").removesuffix(";}").split(";"))


def test_colours_that_can_be_read_stay_as_the_merchant_wrote_them(tmp_path: Path) -> None:
    made = properties(look(tmp_path, CORRECTED))
    assert made == {"--accent-text": "#1f4fd8", "--accent-text-dark": "#8eabff", "--on-accent": "#ffffff"}


@pytest.mark.parametrize("accent", ["#ffe100", "#ffffff", "#000000", "#00ff88", "#777777"])
def test_whatever_the_accent_it_is_read_as_text_and_under_text_light_and_dark(tmp_path: Path, accent: str) -> None:
    made = properties(look(tmp_path, CORRECTED, accent=accent, accent_dark=accent))
    assert contrast(made["--accent-text"], "#ffffff") >= 4.5
    assert contrast(made["--accent-text-dark"], "#0d0e11") >= 4.5
    assert contrast(made["--on-accent"], accent) >= 4.5


def test_a_ground_may_be_mixed_as_css_mixes_it(tmp_path: Path) -> None:
    rule = '[[contrast]]\ncss = "--grey"\nof = "#777777"\non = ["#000000 50% #ffffff"]\n'
    made = properties(look(tmp_path, rule))
    # Half way in OKLab between black and white is its lightness 0.5: 0.125 straight, #636363.
    assert contrast(made["--grey"], "#636363") >= 4.5


def test_a_property_may_stand_on_one_that_was_made_before(tmp_path: Path) -> None:
    rule = '[[contrast]]\ncss = "--on-ink"\non = ["--accent-text"]\n'
    made = properties(look(tmp_path, CORRECTED + rule, accent="#ffe100"))
    assert made["--on-ink"] == "#ffffff"
    assert made["--on-accent"] == "#000000"


def test_what_cannot_be_corrected_is_refused_with_both_colours_and_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(ThemeError) as caught:
        look(tmp_path, REFUSED, text="#999999")
    said = "text (#999999) on background (#ffffff) has a contrast of 2.85 : 1, and 7 : 1 is needed to read it"
    assert caught.value.message == f"stores.main.settings.text: {said}"
    assert caught.value.next_step.startswith("text = '#")
    would = caught.value.next_step.partition("'")[2][:7]
    assert contrast(would, "#ffffff") >= 7


def test_the_layer_that_gave_one_of_the_two_is_named(tmp_path: Path) -> None:
    templates = Templates(theme(tmp_path, REFUSED))
    layers = [("store", Layer(settings={"text": "#222222"})), ("market", Layer(settings={"background": "#222222"}))]
    with pytest.raises(ThemeError, match=r"^market\.settings\.background: text "):
        dressed(templates, *layers)


def test_a_themes_own_colours_are_held_to_it_too(tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match=r"^sea/theme\.toml: text "):
        look(tmp_path, REFUSED.replace("ratio = 7", "ratio = 21"))


def test_a_child_makes_a_property_in_its_own_way_and_keeps_the_other_rules(tmp_path: Path) -> None:
    theme(tmp_path, CORRECTED)
    own = '[[contrast]]\ncss = "--on-accent"\nof = "#eeeeee"\non = ["accent"]\n'
    write_theme(tmp_path, "bay", extends='"sea"', more=own)
    made = properties(dressed(Templates(load_theme("bay", find_themes([tmp_path])))))
    assert made == {"--accent-text": "#1f4fd8", "--accent-text-dark": "#8eabff", "--on-accent": "#eeeeee"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('of = "acent"\non = ["background"]', r"contrast\[0\].of: 'acent' is no colour"),
        ('of = "accent"\non = ["#fff", "paper"]', r"contrast\[0\].on\[1\]: 'paper' is no colour"),
        ('of = "accent"\non = ["accent 3% paper"]', r"contrast\[0\].on\[0\]: 'paper' is no colour"),
        ('of = "accent"\non = ["--later"]', r"contrast\[0\].on\[0\]: '--later' is no colour"),
        ('on = ["accent"]', r"contrast\[0\]: it has neither `of` nor `css`"),
        ('of = "accent"\non = []', r"\$\.contrast\[0\]\.on"),
        ('of = "accent"\non = ["#fff"]\nratio = 22', r"\$\.contrast\[0\]\.ratio"),
        ('css = "color"\non = ["#fff"]', r"\$\.contrast\[0\]\.css"),
    ],
)
def test_a_wrong_rule_is_named(tmp_path: Path, rule: str, said: str) -> None:
    with pytest.raises(ThemeError, match=said):
        theme(tmp_path, f"[[contrast]]\n{rule}\n")
