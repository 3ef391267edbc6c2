"""An address as a QR code: an SVG that names itself and needs neither styles nor scripts."""

from collections.abc import Iterator, Sequence
from html import escape

_QUIET = 4  # modules of white around it, as ISO/IEC 18004 asks


def svg(address: str, title: str, language: str) -> str:
    """The code for an address; `title` is what a reader without eyes hears, `language` its BCP 47 tag."""
    import segno  # not needed before somebody asks for a code: a process starts without it

    modules = segno.make(address, error="m", micro=False).matrix
    size = len(modules) + 2 * _QUIET
    dark = "".join(f"M{x} {y}h{width}v1h-{width}z" for x, y, width in _runs(modules))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img" aria-labelledby="title" '
        f'lang="{escape(language)}"><title id="title">{escape(title)}</title>'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path fill="#000" shape-rendering="crispEdges" d="{dark}"/></svg>\n'
    )


def _runs(modules: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """The dark modules, row by row, those beside each other as one: where each run begins, and how wide it is."""
    for y, row in enumerate(modules, _QUIET):
        start = 0
        for x, dark in enumerate([*row, 0]):
            if not dark:
                if x > start:
                    yield start + _QUIET, y, x - start
                start = x + 1
