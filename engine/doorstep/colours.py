"""Colours: how well one is read on another, and the nearest that is read better.

Contrast is that of WCAG 2.2 (relative luminance, contrast ratio). Lightness is moved in OKLCH, where hue and strength stay what
they are to the eye; the matrices are those of Björn Ottosson's OKLab, which CSS Color 4 takes too.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import cbrt

Triple = tuple[float, float, float]
BLACK, WHITE = "#000000", "#ffffff"
_STEPS = 400  # of lightness, from black to white


def contrast(one: str, other: str) -> float:
    """The ratio of two colours, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(1024)
def luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def least(color: str, grounds: Sequence[str]) -> float:
    """The contrast of a colour on the worst of these grounds."""
    return min(contrast(color, ground) for ground in grounds)


def black_or_white(grounds: Sequence[str]) -> str:
    """Which of the two is read better on all of these grounds."""
    return max(BLACK, WHITE, key=lambda color: least(color, grounds))


@lru_cache(1024)
def readable(color: str, grounds: tuple[str, ...], ratio: float) -> str | None:
    """The colour, or the one nearest in lightness that has this contrast on every ground; None where there is none."""
    if least(color, grounds) >= ratio:
        return color
    lightness, a, b = _lab(_linear(color))
    darker = (lightness - step / _STEPS for step in range(1, _STEPS + 1))
    lighter = (lightness + step / _STEPS for step in range(1, _STEPS + 1))
    for pair in zip(darker, lighter, strict=True):
        for moved in pair:
            # Towards black and white no strong colour is possible: what is left over is cut off.
            found = _hex(_rgb((min(max(moved, 0), 1), a, b))) if 0 < moved < 1 else BLACK if moved <= 0 else WHITE
            if least(found, grounds) >= ratio:
                return found
    return None


def mixed(color: str, share: float, other: str) -> str:
    """`color-mix(in oklab, color share, other)`; `share` is from 0 to 1."""
    pairs = zip(_lab(_linear(color)), _lab(_linear(other)), strict=True)
    lightness, a, b = (share * one + (1 - share) * two for one, two in pairs)
    return _hex(_rgb((lightness, a, b)))


def _linear(color: str) -> Triple:
    digits = color.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return _straight(red), _straight(green), _straight(blue)


def _straight(channel: float) -> float:
    """sRGB's curve undone. The threshold is the standard's; WCAG's older 0.03928 makes no difference in 8 bits."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _curved(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _hex(linear: Triple) -> str:
    return "#" + "".join(f"{round(255 * _curved(min(max(channel, 0), 1))):02x}" for channel in linear)


def _lab(linear: Triple) -> Triple:
    red, green, blue = linear
    long = cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _rgb(lab: Triple) -> Triple:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
