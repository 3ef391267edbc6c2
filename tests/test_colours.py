"""Contrast as WCAG 2.2 counts it, against values worked out by hand, and colours moved until they can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.colours import black_or_white, contrast, least, luminance, mixed, readable

COLORS = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000", "#fff", 21),  # (1 + 0.05) / 0.05
        ("#ffffff", "#ffffff", 1),
        ("#f00", "#ffffff", 3.9985),  # 1.05 / (0.2126 + 0.05)
        ("#00ff00", "#fff", 1.3722),  # 1.05 / (0.7152 + 0.05)
        ("#0000FF", "#fff", 8.5925),  # 1.05 / (0.0722 + 0.05)
        ("#777777", "#ffffff", 4.4781),  # 119/255 is 0.18447 straight: 1.05 / 0.23447
        ("#000000", "#ff0000", 5.252),  # (0.2126 + 0.05) / 0.05
    ],
)
def test_contrast_is_that_of_wcag_whichever_way_round(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, rel=1e-4)
    assert contrast(other, one) == contrast(one, other)


def test_the_two_greys_on_either_side_of_the_limit() -> None:
    """#767676 is the lightest grey for text on white, #777777 is not enough (WebAIM and W3C name both)."""
    assert contrast("#767676", "#ffffff") >= 4.5 > contrast("#777777", "#ffffff")
    assert readable("#777777", ("#ffffff",), 4.5) in {"#767676", "#757575", "#747474"}


def test_a_mix_is_that_of_css() -> None:
    """CSS Color 5: `color-mix(in oklab, red, blue)` is rgb(140 83 162)."""
    assert mixed("#ff0000", 0.5, "#0000ff") == "#8c53a2"
    assert (mixed("#123456", 1, "#abcdef"), mixed("#123456", 0, "#abcdef")) == ("#123456", "#abcdef")


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert readable("#1F4FD8", ("#ffffff", "#f6f6f5"), 4.5) == "#1F4FD8"


@given(color=COLORS, ground=COLORS)
def test_any_colour_can_be_made_readable_on_any_one_ground(color: str, ground: str) -> None:
    """Black or white reaches 4.58 on every colour: the luminance where both are equal is 0.1791."""
    made = readable(color, (ground,), 4.5)
    assert made is not None
    assert contrast(made, ground) >= 4.5
    assert contrast(black_or_white((ground,)), ground) >= 4.5


@pytest.mark.parametrize(("accent", "hue"), [("#ffe100", "yellow"), ("#00ff88", "green"), ("#ff6600", "orange")])
def test_a_colour_moved_for_a_white_page_is_darker_and_keeps_its_hue(accent: str, hue: str) -> None:
    made = readable(accent, ("#ffffff",), 4.5)
    assert made is not None
    assert luminance(made) < luminance(accent)
    red, green, blue = (int(made[i : i + 2], 16) for i in (1, 3, 5))
    assert {"yellow": red > blue and green > blue, "green": green > max(red, blue), "orange": red > green > blue}[hue]


def test_on_black_and_white_at_once_nothing_can_be_read() -> None:
    assert readable("#888888", ("#000000", "#ffffff"), 4.6) is None
    assert least("#888888", ("#000000", "#ffffff")) < 4.6
