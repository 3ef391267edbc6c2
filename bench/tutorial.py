"""The first chapter of the carrier tutorial, done for real: from an empty folder to the new carrier's page in the demo."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from .figures import Row

PAGE = Path(__file__).parents[1] / "docs" / "carrier-plugins.md"
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_NUMBER = "AC482107352"
_PAGE_SAYS = "A neighbour took your parcel in for you."


def chapter() -> list[str]:
    """The commands of the tutorial's first block."""
    found = _BLOCK.search(PAGE.read_text("utf-8"))
    if found is None:
        raise SystemExit(f"{PAGE.name} has no commands")
    return [line.removeprefix("$ ") for line in found[1].splitlines() if line.startswith("$ ")]


def tutorial(*, named: bool) -> list[Row]:
    """seconds of every step of the carrier tutorial's first chapter, which ends at the new carrier's page in the demo"""
    with tempfile.TemporaryDirectory(prefix="doorstep-tutorial-") as folder:
        return walk(Path(folder))


def walk(folder: Path) -> list[Row]:
    """Does every step in `folder`; a row with its seconds for each. The last one is the demo, asked for the page."""
    rows = []
    for command in chapter():
        started = time.monotonic()
        if command == "doorstep demo":
            _open_page(folder)
        else:
            _run(command, folder)
        rows.append({"name": f"tutorial: {command}", "seconds": round(time.monotonic() - started, 1)})
    total = round(sum(row["seconds"] for row in rows), 1)
    return [*rows, {"name": "tutorial", "steps": len(rows), "seconds": total}]


def _program(command: str) -> list[str]:
    program, *arguments = shlex.split(command)
    return [sys.executable, "-m", program, *arguments]


def _run(command: str, folder: Path) -> None:
    done = subprocess.run(_program(command), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stdout}{done.stderr}")


def _read(url: str) -> str:
    """A page; asked again as long as nobody listens yet."""
    for _ in range(200):
        with suppress(urllib.error.URLError), urllib.request.urlopen(url, timeout=30) as page:
            text: str = page.read().decode()
            return text
        time.sleep(0.05)
    raise SystemExit(f"nobody answers at {url}")


def _open_page(folder: Path) -> None:
    """Starts the demo and reads the new carrier's page from it."""
    demo = subprocess.Popen(
        _program("doorstep demo --port 0"), cwd=folder, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert demo.stdout is not None
        url = next((found[1] for line in demo.stdout if (found := re.search(r"Open +(http\S+)/shop/", line))), None)
        if url is None:
            raise SystemExit("the demo did not open")
        if _PAGE_SAYS not in _read(f"{url}/track/{_NUMBER}"):
            raise SystemExit("the page does not say where the parcel is")
        if _NUMBER not in _read(f"{url}/shop/"):
            raise SystemExit("the demo's front page does not list the parcel")
    finally:
        demo.terminate()
        demo.communicate(timeout=15)
