"""Every page in every theme, direction and colour scheme, with a script and without: what `./dev test` does by pairs. In
four languages all of it, in the others whether it fits a narrow screen."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct, structs
from playwright.sync_api import Browser, sync_playwright

from ..browser import orders, sites
from ..browser.conftest import BROWSERS, QUIET, Watched
from ..browser.looks import Look, amiss, every_look, in_every_language, narrow, said


class View(Struct, frozen=True):
    """A page as somebody looks at it."""

    name: str
    url: str
    look: Look
    whole: bool = True  # not only whether it fits


class Seen(Struct, frozen=True):
    """How many views there are, how many were looked at, and what is wrong with them."""

    all: int
    looked: int
    problems: list[str]


def watch_all(most: int, seed: int) -> Seen:
    """Looks at `most` views, drawn by `seed` when there are more."""
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
        views = [view for look in every_look() for view in _views(site, shop, look)]
        others = (view for look in in_every_language() for view in _views(site, shop, look))
        views += [structs.replace(view, whole=False) for view in others]
        drawn = random.Random(seed).sample(views, min(most, len(views)))
        for number, view in enumerate(drawn, start=1):
            look = view.look
            found = _wrong(browser, view.url, look) if view.whole else _unfitting(browser, view.url, look)
            problems += [f"{view.name}, {look.theme}, {look.language}, {look.scheme}: {one}" for one in found]
            if number % 100 == 0:
                print(f"{number} of {len(drawn)}, {len(problems)} faults", flush=True)
        browser.close()
    return Seen(len(views), len(drawn), problems)


def _views(site: sites.Site, shop: orders.Orders, look: Look) -> Iterator[View]:
    for name, (path, _) in sites.PAGES.items():
        yield View(name, site.address(path, look.theme, look.language), look)
    for name in orders.NAMES:
        yield View(f"order {name}", shop.address(name, look.theme, look.language), look)


def _unfitting(browser: Browser, url: str, look: Look) -> list[str]:
    context = browser.new_context()
    try:
        return narrow(context.new_page(), url, look)
    finally:
        context.close()


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
