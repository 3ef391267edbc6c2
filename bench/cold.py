"""Numbers that nobody has asked for yet, asked for by many at the same moment, over real HTTP and with a carrier that takes
its time: how often the carrier is asked, what a request costs, how long readers wait."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

from msgspec import Struct, structs

from .figures import Row, against_limit, median, quantile
from .load import Asked, at_once, request
from .parcels import number
from .seeds import seeded
from .servers import PACKED, Server, carrier_server, limit_server, page_server

_READERS = 500
_ROUNDS = 3
_CARRIER_SECONDS = 0.2
_KNOWN = 999_999  # a parcel that is asked for first, so that the processes have logged in and made a page before


class _Round(Struct, frozen=True):
    cpu_us: float
    limit_us: float
    calls: int
    asked: Asked


def cold(*, named: bool) -> list[Row]:
    """500 first requests at the same moment, for one number and for 500, with a carrier that takes 200 ms; one process, and
    two that share only Redis"""
    rows = []
    for processes in (1, 2):
        with _shop(processes) as shop:
            word = "process" if processes == 1 else "processes"
            rows += [
                _row(f"cold, 1 number, {processes} {word}", [shop.ask(at, 1) for at in range(_ROUNDS)]),
                _row(
                    f"cold, {_READERS} numbers, {processes} {word}", [shop.ask(at, _READERS) for at in range(_ROUNDS)]
                ),
            ]
    return rows


class _Shop:
    """Workers behind one Redis, their carrier, and as many bare callables as workers."""

    def __init__(self, workers: Sequence[Server], limits: Sequence[Server], carrier: Server) -> None:
        self._workers = workers
        self._limits = limits
        self._carrier = carrier
        self._next = 0

    def ask(self, at: int, different: int) -> _Round:
        numbers = [number(self._next + n) for n in range(different)]
        self._next += different
        limit_us, _ = self._stampede(self._limits, numbers)
        calls = self._calls()
        cpu_us, asked = self._stampede(self._workers, numbers)
        return _Round(cpu_us, limit_us, self._calls() - calls, asked)

    def _stampede(self, servers: Sequence[Server], numbers: Sequence[str]) -> tuple[float, Asked]:
        readers = [
            (servers[n % len(servers)].port, request(f"/track/{numbers[n % len(numbers)]}", PACKED))
            for n in range(_READERS)
        ]
        before = sum(server.spent() for server in servers)
        asked = at_once(readers)
        spent = sum(server.spent() for server in servers) - before
        return spent / _READERS / 1000, asked

    def _calls(self) -> int:
        """How often the carrier was asked, when nobody asks any more: a question may outlive the pages that began it."""
        calls = -1
        while calls != (now := int(self._carrier.get("/calls").body)):
            calls = now
            time.sleep(_CARRIER_SECONDS * 5)
        return calls


@contextmanager
def _shop(processes: int) -> Iterator[_Shop]:
    with ExitStack() as stack:
        carrier = stack.enter_context(carrier_server(_CARRIER_SECONDS))
        settings, _ = stack.enter_context(seeded(carrier=f"http://127.0.0.1:{carrier.port}"))
        own = [stack.enter_context(TemporaryDirectory(prefix="doorstep-bench-")) for _ in range(processes)]
        workers = [stack.enter_context(page_server(structs.replace(settings, folder=folder))) for folder in own]
        known = [worker.get(f"/track/{number(_KNOWN)}", PACKED) for worker in workers]
        yield _Shop(workers, [stack.enter_context(limit_server(page)) for page in known], carrier)


def _row(name: str, rounds: Sequence[_Round]) -> Row:
    seconds = [one * 1000 for round in rounds for one in round.asked.seconds]
    return against_limit(
        name,
        median(one.cpu_us for one in rounds),
        median(one.limit_us for one in rounds),
        carrier_calls=max(one.calls for one in rounds),
        not_answered=sum(one.asked.failures for one in rounds),
        p50_ms=round(median(seconds), 1),
        p99_ms=round(quantile(seconds, 0.99), 1),
    )
