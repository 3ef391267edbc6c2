"""The cases by name. One that is `named` by hand may do more than when all are run: take longer, install what it needs."""

import inspect
from collections.abc import Callable

from . import cold, growth, imports, inside, letters, locales, messages, pages, processes, tutorial
from .figures import Row
from .peers.case import peers

Case = Callable[..., list[Row]]
CASES: dict[str, Case] = {
    "hot": pages.hot,
    "304": pages.unchanged,
    "miss": pages.miss,
    "level1": pages.level1,
    "cold": cold.cold,
    "growth": growth.growth,
    "start": processes.start,
    "memory": processes.memory,
    "locales": locales.locales,
    "peers": peers,
    "recognition": inside.recognition,
    "parse": inside.parse,
    "render": inside.render,
    "letters": letters.letters,
    "import": imports.importing,
    "messages": messages.messages,
    "tutorial": tutorial.tutorial,
}


def meaning(name: str) -> str:
    """What a case measures, on one line."""
    return " ".join((inspect.getdoc(CASES[name]) or "").split("\n\n")[0].split())
