"""A process of Doorstep by itself: how long it takes to start, and what it keeps in memory."""

import json
import os
import statistics
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts, sandbox_of

from .figures import Row
from .parcels import number
from .seeds import seeded
from .servers import Server, page_server
from .site import NOBODY, Settings

_STARTS = 5
_ACTIVE = ("dhl", "la_poste", "ups")
_PAGES = 1_000
_FULL = 64  # megabytes for finished pages, which is the default
_SCRIPT = """
import json, resource, sys
from doorstep.app import create_app
from doorstep.config import Config, Store
from doorstep.secret import Secret
carriers = json.loads(sys.argv[1])
def spent():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000
imported = spent()
create_app(Config(stores={"main": Store(name="Bench")}, secret_key=(Secret("bench"),), carriers=carriers))
print(json.dumps([imported, spent()]))
"""


def start(*, named: bool) -> list[Row]:
    """milliseconds of CPU of a process from its first instruction to a ready application (themes compiled, plugins loaded)
    with three active carriers, and of that the imports and the engine; its bytecode is there, as after an installation; and
    by the clock, until it has answered its first page"""
    accounts = sandbox_accounts(sandbox_of(installed()), NOBODY)
    three = {slug: accounts[slug] for slug in _ACTIVE}
    with TemporaryDirectory(prefix="doorstep-bench-") as folder:
        _started(three, folder)  # writes the bytecode
        runs = [_started(three, folder) for _ in range(_STARTS)]
    imports, whole = (statistics.median(column) for column in zip(*runs, strict=True))
    engine = statistics.median(whole - imports for imports, whole in runs)
    answered = statistics.median(_until_answered() for _ in range(_STARTS))
    row = {"imports_cpu_ms": imports, "engine_cpu_ms": engine, "cpu_ms": whole, "first_answer_ms": answered}
    return [{"name": "start", "active_carriers": len(three), **{name: round(ms, 1) for name, ms in row.items()}}]


def _started(accounts: dict[str, dict[str, object]], folder: str) -> list[float]:
    command = [sys.executable, "-c", _SCRIPT, json.dumps(accounts)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment)
    told: list[float] = json.loads(done.stdout)
    return told


def _until_answered() -> float:
    with TemporaryDirectory(prefix="doorstep-bench-") as folder:
        began = time.monotonic()
        with page_server(Settings(folder)):
            return (time.monotonic() - began) * 1000


def memory(*, named: bool) -> list[Row]:
    """resident megabytes of one worker: when it has started, after a thousand different pages, and when finished pages fill
    all the memory that they may have (64 MB, the default)"""
    with seeded(range(_PAGES), near_megabytes=_FULL) as (settings, seeds), page_server(settings) as server:
        rows = [_resident("memory, started", server, 0)]
        size = _asked_for(server, range(_PAGES))
        rows.append(_resident("memory, 1,000 pages", server, _PAGES))
        enough = int(_FULL * 1024 * 1024 / size * 1.1)
        for first in range(_PAGES, enough, _PAGES):
            some = range(first, min(first + _PAGES, enough))
            seeds.lay(some)
            _asked_for(server, some)
        return [*rows, _resident("memory, near cache full", server, enough)]


def _resident(name: str, server: Server, pages: int) -> Row:
    return {"name": name, "pages": pages, "resident_mb": round(server.megabytes(), 1)}


def _asked_for(server: Server, parcels: range) -> float:
    """Asks for each page once; the bytes of one, on average."""
    return sum(len(server.get(f"/track/{number(n)}").body) for n in parcels) / len(parcels)
