"""The measured parts of docs/performance.md.

A part stands between `<!-- measured: CASE… -->` and `<!-- end -->` and is written when all of its cases were measured; `cases`
and `machine` are written each time.
"""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version

from .cases import CASES, meaning
from .figures import Row, markdown
from .servers import ROOT

UNMEASURED = "Not measured yet"
PAGE = ROOT / "docs" / "performance.md"
PART = re.compile(r"(?P<begin><!-- measured: (?P<names>[\w ]+) -->\n)(?P<text>.*?)(?P<end><!-- end -->)", re.DOTALL)


def write(measured: Mapping[str, Sequence[Row]]) -> None:
    PAGE.write_text(renewed(PAGE.read_text("utf-8"), measured), "utf-8")


def renewed(page: str, measured: Mapping[str, Sequence[Row]]) -> str:
    def part(found: re.Match[str]) -> str:
        names = found["names"].split()
        if names == ["cases"]:
            text = cases()
        elif names == ["machine"]:
            text = machine()
        elif all(name in measured for name in names):
            text = markdown([row for name in names for row in measured[name]])
        elif found["text"].strip():
            return found[0]
        else:
            text = f"{UNMEASURED}: `./dev bench {found['names']} --write-docs`."
        return f"{found['begin']}\n{text}\n\n{found['end']}"

    return PART.sub(part, page)


def cases() -> str:
    lines = ["| case | what is measured |", "| --- | --- |", *(f"| `{name}` | {meaning(name)} |" for name in CASES)]
    return "\n".join(lines)


def machine() -> str:
    """What the figures depend on most."""
    try:
        loop = f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        loop = "asyncio's own loop"
    load = os.getloadavg()[0]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    shared = f"{os.cpu_count()} cores at a load of {load:.1f} when the run ended"
    return f"{date.today():%-d %B %Y}, {python}, {loop}, {platform.system()} {platform.machine()}, {shared}."
