"""What tools from outside say of the pages: the Nu Html Checker of every page in every theme and direction, and Lighthouse of
those that most people see. Both are installed from npm when this is asked for; they need Node, Java and Chromium."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx2

from doorstep.demo import THEMES

from ..browser import orders, sites
from ..browser.conftest import WHOLE
from ..check import ROOT

HERE = Path(__file__).parent
INSTALLED = ROOT / ".peers" / "web"
VALIDATOR = INSTALLED / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
LIGHTHOUSE = INSTALLED / "node_modules" / "lighthouse" / "cli" / "index.js"
LANGUAGES = ("en", "ar")
# Least scores of the mobile preset, of a hundred. What is not to be indexed fails `is-crawlable`, and has no words for who
# searches (`meta-description`): both are meant.
BUDGET = {"performance": 99, "accessibility": 100, "best-practices": 100, "seo": 100}
MEANT = "is-crawlable,meta-description"
TRIES = 3  # a machine that is busy makes one measurement worse, never better
LOOKED_AT = ("delivered", "sixty scans", "look-up form")


def absent() -> list[str]:
    """What has to be there and is not."""
    tools = [name for name in ("npm", "node", "java") if shutil.which(name) is None]
    return tools + ([] if _chromium() else ["chromium"])


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, WHOLE)), None)


def install() -> None:
    INSTALLED.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "package.json", INSTALLED)
    quiet = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
    subprocess.run(["npm", "install", "--prefix", str(INSTALLED), *quiet], check=True, stdout=subprocess.DEVNULL)


def problems(most: int) -> tuple[int, list[str]]:
    """How many pages were looked at, and what is wrong with them. `most` of them are measured by Lighthouse."""
    if missing := absent():
        return 0, [f"not on the path: {', '.join(missing)}"]
    install()
    with tempfile.TemporaryDirectory(prefix="doorstep-web-") as name:
        folder = Path(name)
        for part in ("demo", "orders", "html"):
            (folder / part).mkdir()
        with sites.running(folder / "demo", deadline=20) as site, orders.running(folder / "orders") as shop:
            pages = dict(_pages(site, shop))
            for title, html in pages.items():
                (folder / "html" / f"{title}.html").write_text(html, "utf-8")
            found = invalid(folder / "html")
            for page in LOOKED_AT[:most]:
                found += [f"{page}: {one}" for one in _too_little(site.address(sites.PAGES[page][0]))]
    return len(pages), found


def _pages(site: sites.Site, shop: orders.Orders) -> Iterator[tuple[str, str]]:
    for theme, language in product(THEMES, LANGUAGES):
        look = f"{theme}, {language}"
        for name, (path, _) in sites.PAGES.items():
            yield f"{name}, {look}", sites.fetched(site, path, theme=theme, language=language).text
        for name in orders.NAMES:
            yield f"order {name}, {look}", httpx2.get(shop.address(name, theme, language), timeout=30).text


def invalid(folder: Path) -> list[str]:
    """What the validator says of the files in a folder."""
    options = ("--errors-only", "--exit-zero-always", "--format", "json", "--stdout")
    said = subprocess.run(
        ["java", "-jar", str(VALIDATOR), *options, str(folder)], capture_output=True, check=True
    ).stdout
    return [f"{Path(one['url']).stem}: {one['message']}" for one in json.loads(said)["messages"]]


def _too_little(url: str) -> list[str]:
    """The scores below the budget, of the best of so many tries."""
    best: dict[str, float] = {}
    for _ in range(TRIES):
        best = {name: max(score, best.get(name, 0)) for name, score in _scores(url).items()}
        if not (low := [f"{name} {best[name]:g}" for name, least in BUDGET.items() if best[name] < least]):
            return []
    return low


def _scores(url: str) -> dict[str, float]:
    flags = "--headless=new --no-sandbox --disable-dev-shm-usage"
    options = ("--quiet", "--output=json", f"--chrome-flags={flags}", f"--skip-audits={MEANT}")
    run = subprocess.run(
        ["node", str(LIGHTHOUSE), url, *options],
        stdout=subprocess.PIPE,  # what it has to complain of is seen
        check=True,
        env={**os.environ, "CHROME_PATH": str(_chromium())},
    )
    report: dict[str, Any] = json.loads(run.stdout)
    return {name: 100 * (category["score"] or 0) for name, category in report["categories"].items()}
