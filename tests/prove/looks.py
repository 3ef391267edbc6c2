"""Every page in every theme, language, direction and colour scheme there is, with a script and without: what `./dev test` does
by pairs."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from ..browser import orders, sites
from ..browser.conftest import BROWSERS, QUIET, Watched
from ..browser.looks import Look, amiss, every_look, said


def run() -> list[str]:
    """What is wrong, with the look and the page."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        return [f"there is no browser: none of {', '.join(BROWSERS)} is on the path"]
    problems = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorstep-looks-")))
        for name in ("demo", "orders"):
            (folder / name).mkdir()
        site = stack.enter_context(sites.running(folder / "demo", deadline=20))
        shop = stack.enter_context(orders.running(folder / "orders"))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        for look in every_look():
            addresses = dict(_addresses(site, shop, look))
            found = [f"{name}: {one}" for name, url in addresses.items() for one in _wrong(browser, url, look)]
            print(
                f"{look.theme}, {look.language}, {look.scheme}: {len(addresses)} pages, {len(found)} faults", flush=True
            )
            problems += [f"{look.theme}, {look.language}, {look.scheme}, {one}" for one in found]
        browser.close()
    return problems


def _addresses(site: sites.Site, shop: orders.Orders, look: Look) -> Iterator[tuple[str, str]]:
    for name, (path, _) in sites.PAGES.items():
        yield name, site.address(path, look.theme, look.language)
    for name in orders.NAMES:
        yield f"order {name}", shop.address(name, look.theme, look.language)


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


if __name__ == "__main__":
    wrong = run()
    print("".join(f"  WRONG  {one}\n" for one in wrong), end="")
    sys.exit(bool(wrong))
