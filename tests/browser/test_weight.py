"""What the first view costs, over the wire as a browser asks for it."""

from html.parser import HTMLParser

import pytest

from doorstep.demo import THEMES

from .looks import LANGUAGES
from .sites import TWELVE_SCANS, Site, fetched

FIRST_FLIGHT = 14 * 1024  # about what a server may send before the first acknowledgement: ten segments (RFC 6928)


class Assets(HTMLParser):
    """Collects the addresses of the stylesheets and scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "link" and dict(attrs).get("rel") == "stylesheet":
            self.found.append(str(dict(attrs)["href"]))
        if tag == "script":
            self.found.append(str(dict(attrs)["src"]))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", THEMES)
def test_page_of_twelve_scans_its_style_and_its_script_fit_into_the_first_flight(
    site: Site, theme: str, language: str
) -> None:
    page = fetched(site, f"/track/{TWELVE_SCANS}", theme=theme, language=language)
    assert page.text.count('<li class="event ') == 12
    found = Assets(page.text).found
    assert len(found) == 2
    answers = [page, *(fetched(site, one.removeprefix(THEMES[theme]), theme=theme) for one in found)]
    assert [answer.headers["content-encoding"] for answer in answers] == ["gzip"] * 3
    sizes = [int(answer.headers["content-length"]) for answer in answers]
    assert sum(sizes) < FIRST_FLIGHT, sizes
