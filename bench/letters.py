"""Messages written by themselves: no database, no network, nobody who sends them."""

import asyncio
import resource
import tempfile
import time
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.letters import Composer
from doorstep.preview.letters import LETTERS, invented, links_of
from doorstep.secret import Secret

from .figures import Row

_NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
_MANY = 10_000
_AT_ONCE = 8
_LANGUAGES = ("en", "de", "fr", "ar")
_TO = Secret("ada@shopper.example")


def letters(*, named: bool) -> list[Row]:
    """ten thousand messages, of every kind in four languages, composed as the worker does it: how many a second, what each
    takes of a processor, and how much the process grows meanwhile"""
    return asyncio.run(_letters(_MANY if named else _MANY // 10))


async def _letters(many: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        stores = {"main": Store(name="Bench", public_url="https://shop.example")}
        engine = create_engine(Config(stores=stores, secret_key=(Secret("bench"),), base=Path(folder)))
        shop = engine.shops.all[0]
        composer = Composer(engine.shops, links_of(shop))
        given = [invented(shop, case, _NOW, language) for case in LETTERS.values() for language in _LANGUAGES]

        async def write(count: int) -> int:
            size = 0
            coming = islice(cycle(given), count)
            while some := list(islice(coming, _AT_ONCE)):
                made = await asyncio.gather(*(composer.compose(*one, _TO, _NOW) for one in some))
                size += sum(len(one.html) for one in made)
            return size

        await write(len(given) + 100)
        before, began, cpu = _megabytes(), time.perf_counter(), time.process_time()
        size = await write(many)
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
        await engine.close()
    return [
        {
            "name": "letters",
            "messages": many,
            "a_second": round(many / seconds),
            "cpu_ms": round(1000 * spent / many, 3),
            "html_kb": round(size / many / 1000, 1),
            "grown_mb": round(_megabytes() - before, 1),
            "process_mb": round(_megabytes()),
        }
    ]


def _megabytes() -> float:
    """The most that the process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
