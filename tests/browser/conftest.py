"""The running demo, a browser, and pages that note whatever a page must not do."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from .sites import PAGES, Site, fetched, running

WHOLE = ("chromium", "chromium-browser", "google-chrome")
# The first has no windows: the same page takes half of the processor's time.
BROWSERS = ("chromium-headless-shell", *WHOLE)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",  # where there is none, to play one takes a tenth more of the processor
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Watched:
    """A page, and what it did that it must not do; it asks nobody but who answers at `url`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._own = (f"{'/'.join(url.split('/')[:3])}/", "data:")
        self._refused: set[str] = set()
        self._messages: list[ConsoleMessage] = []
        self._amiss: list[str] = []
        page.on("console", lambda message: self._messages.append(message))
        page.on("pageerror", lambda error: self._amiss.append(f"error: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def amiss(self) -> list[str]:
        """What it did since this was asked last."""
        said = [message.text for message in self._messages if not self._of_the_document(message)]
        found = self._amiss + said + [f"cookie: {cookie}" for cookie in self.page.context.cookies()]
        self._amiss, self._messages = [], []
        return found

    def _of_the_document(self, message: ConsoleMessage) -> bool:
        """Chromium says so of every document that is answered with an error; the page has no part in it."""
        own = message.text.startswith("Failed to load resource: the server responded with a status of")
        return own and message.location["url"].partition("#")[0] in self._refused

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self._own):
            self._amiss.append(f"asked elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.request.is_navigation_request():
            self._refused.add(response.url.partition("#")[0])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo, with every page's parcel looked up once."""
    with running(tmp_path_factory.mktemp("demo"), deadline=20) as demo:
        for path, status in PAGES.values():
            assert fetched(demo, path).status_code == status
        yield demo


@pytest.fixture(scope="session")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A demo whose pages wait for carriers for a tenth of a second only."""
    with running(tmp_path_factory.mktemp("impatient"), deadline=0.1) as demo:
        yield demo


# Of a module, not of the session: while Playwright's synchronous interface runs, asyncio.run() fails in this thread.
@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Browser]]:
    """`start("--more", …)` starts the system's Chromium, with more arguments; `among=WHOLE`, one that can do all that shoppers'
    can."""
    with sync_playwright() as playwright:
        started: list[Browser] = []

        def launch(*arguments: str, among: Sequence[str] = BROWSERS) -> Browser:
            started.append(playwright.chromium.launch(executable_path=_path(among), args=[*QUIET, *arguments]))
            return started[-1]

        yield launch
        for browser in started:
            browser.close()


def _path(among: Sequence[str]) -> str:
    if path := next(filter(None, map(shutil.which, among)), None):
        return path
    reason = f"there is no browser: none of {', '.join(among)} is on the path"
    if os.environ.get("DOORSTEP_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(start: Callable[..., Browser]) -> Browser:
    return start()


@pytest.fixture
def context_of(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """`context_of(java_script_enabled=False, …)`: a fresh profile, as Playwright's new_context() takes it."""
    contexts = []

    def new(**options: Any) -> BrowserContext:
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(30_000)
        return contexts[-1]

    yield new
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def watched_pages(site: Site, browser: Browser) -> Iterator[dict[bool, Watched]]:
    pages = {scripts: browser.new_context(java_script_enabled=scripts).new_page() for scripts in (True, False)}
    yield {scripts: Watched(page, site.url) for scripts, page in pages.items()}
    for page in pages.values():
        page.context.close()


@pytest.fixture
def pages(watched_pages: dict[bool, Watched]) -> Iterator[dict[bool, Page]]:
    """A page with scripts, and one without: the same ones in all tests of a module, which only look. When the test is over they
    must have done nothing they must not do."""
    yield {scripts: watched.page for scripts, watched in watched_pages.items()}
    assert [amiss for watched in watched_pages.values() for amiss in watched.amiss()] == []


@pytest.fixture
def watch(site: Site, context_of: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """`watch(**options)`: a page in a fresh profile. When the test is over it must have done nothing it must not do."""
    watched = []

    def new(on: Site = site, **options: Any) -> Page:
        watched.append(Watched(context_of(**options).new_page(), on.url))
        return watched[-1].page

    yield new
    assert [amiss for one in watched for amiss in one.amiss()] == []
