"""Pages in every theme, direction and colour scheme, with a script and without; and whether every page in every theme and every
language fits a narrow screen: what `./dev test` does by pairs."""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct
from playwright.sync_api import Browser, sync_playwright

from ..browser import orders, sites
from ..browser.conftest import BROWSERS, QUIET, Watched
from ..browser.looks import OVERFLOW, UNFOLD, Look, amiss, every_look, in_every_language, said


class View(Struct, frozen=True):
    """A page as somebody looks at it."""

    name: str
    url: str
    look: Look


class Seen(Struct, frozen=True):
    """How many views there are, how many were looked at, and what is wrong with them."""

    all: int
    looked: int
    problems: list[str]


def watch_all(most: int, seed: int) -> Seen:
    """Looks at `most` views, drawn by `seed` when there are more."""
    return _looked_at(every_look(), most, seed, lambda browser: lambda view: _wrong(browser, view.url, view.look))


def fit_all(most: int, seed: int) -> Seen:
    """The same, for what needs sideways scrolling at 320 px, in every language."""
    looks = [*in_every_language(), *(look for look in every_look() if look.scheme == "light")]
    return _looked_at(looks, most, seed, _unfitting)


def _looked_at(
    looks: Iterable[Look], most: int, seed: int, looker: Callable[[Browser], Callable[[View], list[str]]]
) -> Seen:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        return Seen(0, 0, [f"there is no browser: none of {', '.join(BROWSERS)} is on the path"])
    problems: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorstep-looks-")))
        for name in ("demo", "orders"):
            (folder / name).mkdir()
        site = stack.enter_context(sites.running(folder / "demo", deadline=20))
        shop = stack.enter_context(orders.running(folder / "orders"))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        views = [view for look in looks for view in _views(site, shop, look)]
        wrong = looker(browser)
        drawn = random.Random(seed).sample(views, min(most, len(views)))
        for number, view in enumerate(drawn, start=1):
            look = view.look
            problems += [f"{view.name}, {look.theme}, {look.language}, {look.scheme}: {one}" for one in wrong(view)]
            if number % 100 == 0:
                print(f"{number} of {len(drawn)}, {len(problems)} faults", flush=True)
        browser.close()
    return Seen(len(views), len(drawn), problems)


def _views(site: sites.Site, shop: orders.Orders, look: Look) -> Iterator[View]:
    for name, (path, _) in sites.PAGES.items():
        yield View(name, site.address(path, look.theme, look.language), look)
    for name in orders.NAMES:
        yield View(f"order {name}", shop.address(name, look.theme, look.language), look)


def _unfitting(browser: Browser) -> Callable[[View], list[str]]:
    page = browser.new_page(viewport={"width": 320, "height": 640})

    def wrong(view: View) -> list[str]:
        page.goto(view.url, wait_until="load")
        page.evaluate(UNFOLD)
        found: list[str] = page.evaluate(OVERFLOW)
        return found

    return wrong


def _wrong(browser: Browser, url: str, look: Look) -> list[str]:
    scripted, plain = browser.new_context(), browser.new_context(java_script_enabled=False)
    try:
        watched = [Watched(scripted.new_page(), url), Watched(plain.new_page(), url)]
        found = amiss(watched[0].page, url, look)
        if said(watched[0].page, url) != said(watched[1].page, url):
            found.append("it says something else without a script")
        return found + [one for page in watched for one in page.amiss()]
    finally:
        scripted.close()
        plain.close()
