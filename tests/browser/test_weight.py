"""What the first view costs, over the wire as a browser asks for it."""

from html.parser import HTMLParser

import pytest

from .sites import LANGUAGES, TWELVE_SCANS, Site, fetched

FIRST_FLIGHT = 14 * 1024  # about what a server may send before the first acknowledgement: ten segments (RFC 6928)


class _Styles(HTMLParser):
    """Collects the addresses of the stylesheets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "link" and dict(attrs).get("rel") == "stylesheet":
            self.found.append(str(dict(attrs)["href"]))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", ["classic", "minimal"])
def test_page_of_twelve_scans_and_its_style_fit_into_the_first_flight(site: Site, theme: str, language: str) -> None:
    page = fetched(site, f"/track/{TWELVE_SCANS}", theme=theme, language=language)
    assert page.text.count('<li class="event ') == 12
    styles = _Styles(page.text).found
    assert len(styles) == 1
    style = fetched(site, styles[0].removeprefix("/minimal"), theme=theme)
    sizes = [int(answer.headers["content-length"]) for answer in (page, style)]
    assert [answer.headers["content-encoding"] for answer in (page, style)] == ["gzip", "gzip"]
    assert sum(sizes) < FIRST_FLIGHT, sizes
