"""What is killed: a shop's processes, forked from one that has put an engine together, so that they are at work at once.

    python victim.py SETTINGS

Reads a line of JSON for each process that is wanted (role, port, shift), answers with its pid, and ends with its input. A
shift moves the clock: what would take hours between two lives takes none.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from doorstep import logs
from doorstep.app import assemble
from doorstep.config import load
from doorstep.engine import Engine, create_engine
from doorstep.serving import Site, listen, serve_sites
from doorstep.worker import Worker, beside, chores_of


class ShiftedClock:
    """The machine's clock, as far ahead as it is told."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()


async def _work(engine: Engine) -> None:
    await engine.database.open()
    await Worker(engine, chores_of(engine)).run()


class Nursery:
    """An engine that nobody has used yet: no connection, no thread, no loop."""

    def __init__(self, settings: Path) -> None:
        self._clock = ShiftedClock()
        self._engine = create_engine(load(settings, {}), clock=self._clock)
        self._app = assemble(self._engine, beside=partial(beside, self._engine))

    def born(self, wanted: dict[str, Any]) -> int:
        pid = os.fork()
        if pid:
            return pid
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        random.seed()
        self._clock.ahead = timedelta(seconds=wanted["shift"])
        try:
            self._live(wanted["role"], wanted["port"])
        except BaseException as error:
            print(f"{wanted['role']} ended: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)

    def _live(self, role: str, port: int) -> None:
        if role == "work":
            asyncio.run(_work(self._engine))
        else:
            serve_sites([Site(self._app, listen("127.0.0.1", port))])


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    logs.configure()
    nursery, pids = Nursery(Path(sys.argv[1])), []
    print("ready", flush=True)
    for line in sys.stdin:
        pids.append(nursery.born(json.loads(line)))
        print(pids[-1], flush=True)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
