"""`./dev bench [CASE…] [--json]`: reproducible figures, bounded, on this machine alone.

Machines are noisy: compare ratios within one run, not microseconds between two. `page` is given as a multiple of the limit
measured in the same run: a bare ASGI callable that returns the same bytes from the same server.
"""

import argparse
import asyncio
import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from doorstep import Query, Response
from doorstep.app import create_engine
from doorstep.config import Config, Store
from doorstep.contexts import Contexts, Visit
from doorstep.intake import take_in
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.recognition import Recognizer, normalise
from doorstep.samples import Case, Role
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.secret import Secret
from doorstep.serving import on_loopback

ROUNDS = 7
Figures = dict[str, Any]


def recognition() -> list[Figures]:
    """Microseconds a number, over all samples' numbers and strangers' noise, with all installed formats loaded."""
    manifests = load_plugins(Config(stores={}), installed()).manifests
    recognizer = Recognizer(manifests.values())
    typed = [number for one in manifests.values() for shape in one.formats for number in shape.examples]
    typed += ["1234567890", "x" * 60 + "1", "0" * 64, "RB123456785GB"]
    times = []
    for _ in range(200):
        for number in typed:
            started = time.perf_counter_ns()
            recognizer.candidates(normalise(number))
            times.append((time.perf_counter_ns() - started) / 1000)
    times.sort()
    shapes = sum(len(one.formats) for one in manifests.values())
    median, p95 = statistics.median(times), times[int(len(times) * 0.95)]
    return [{"name": "recognition", "formats": shapes, "median_us": round(median, 2), "p95_us": round(p95, 2)}]


def parse() -> list[Figures]:
    """Microseconds from a carrier's raw answer to a shipment: the plugin's own part, and with the engine's checks."""
    packages = installed()
    sandbox = sandbox_of(packages)
    config = Config(stores={"main": Store(name="Bench")}, carriers=sandbox_accounts(sandbox, "http://127.0.0.1:9"))
    rows = []
    for account in load_plugins(config, packages).accounts.values():
        samples = sandbox.samples[account.carrier.manifest.slug]
        case = max(samples.of(Role.PARCEL), key=lambda case: len(case.body))
        response = Response(case.response.status, case.response.headers, case.body)

        def ask(account: Any = account, case: Any = case, response: Any = response) -> Any:
            exchange = account.carrier.track(Query(case.number))
            next(exchange)
            try:
                exchange.send(response)
            except StopIteration as end:
                return end.value
            raise SystemExit(f"{account.name} asks more than once; choose another case")

        answer = ask()
        manifest = account.carrier.manifest
        rows.append(
            {
                "name": f"parse {account.name}",
                "events": len(answer.shipments[0].events),
                "plugin_us": round(_best(ask), 1),
                "with_checks_us": round(_best(lambda a=answer, m=manifest: take_in(a, m)) + _best(ask), 1),
            }
        )
    return rows


def start() -> list[Figures]:
    """Milliseconds to a ready engine (themes compiled, plugins loaded, one language), in a process that has imported it."""
    sandbox = sandbox_of(installed())
    times = []
    for _ in range(5):
        started = time.process_time()
        _engine(sandbox_accounts(sandbox, "http://127.0.0.1:9"))
        times.append((time.process_time() - started) * 1000)
    return [{"name": "start", "cpu_ms": round(statistics.median(times), 1)}]


def page() -> list[Figures]:
    """CPU of the server process for a page whose answer is known, and for the same bytes from a bare ASGI callable."""
    number = _longest("ups").number
    with _server("page") as asked:
        body = asked.get(f"/track/{number}")
        with _server("limit", body) as bare:
            rounds = [(asked.cpu(f"/track/{number}"), bare.cpu("/")) for _ in range(ROUNDS)]
    page_us, limit_us = (statistics.median(column) for column in zip(*rounds, strict=True))
    row = {"cpu_us": round(page_us, 1), "limit_cpu_us": round(limit_us, 1), "times_limit": round(page_us / limit_us, 1)}
    return [{"name": "page", "bytes": len(body), **row}]


def render() -> list[Figures]:
    """CPU of one page from a known answer: the context alone, and with the template."""
    return asyncio.run(_render())


async def _render() -> list[Figures]:
    sandbox = sandbox_of(installed(), today=date.today())
    case = _longest("ups")
    with on_loopback(sandbox.app) as url:
        engine = _engine(sandbox_accounts(sandbox, url))
        shop = engine.shops.all[0]
        lookup = await engine.tracker.look_up(case.number, shop.config)
        visit = Visit(shop, shop.reader("", "en"), f"/track/{case.number}")
        contexts = Contexts(engine.plugins.manifests)
        context = contexts.of(visit, lookup)
        await engine.close()
    made = _best(lambda: contexts.of(visit, lookup))
    rendered = _best(lambda: shop.look.render("tracking.html", context, visit.reader.localizer))
    return [{"name": "render", "context_us": round(made, 1), "template_us": round(rendered, 1)}]


class _Server:
    """A server process on loopback, asked over one kept connection; `cpu` is its own CPU time for one request."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._tasks = Path(f"/proc/{process.pid}/task")
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        return self._connection.getresponse().read()

    def cpu(self, path: str, *, requests: int = 200) -> float:
        """Microseconds on a CPU per request, over all threads of the process (the kernel's schedstat)."""
        before = self._spent()
        for _ in range(requests):
            self.get(path)
        return (self._spent() - before) / requests / 1000

    def _spent(self) -> int:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self._tasks.iterdir())


@contextmanager
def _server(kind: str, body: bytes = b"") -> Iterator[_Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(Path(__file__).parent / "server.py"), kind, str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(body)
        process.stdin.close()
        while process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield _Server(process, port)
    finally:
        process.terminate()
        process.wait(15)


def _longest(slug: str) -> Case:
    cases = sandbox_of(installed()).samples[slug].of(Role.PARCEL)
    return max((case for case in cases if case.demo), key=lambda case: len(case.body))


def _engine(accounts: dict[str, Any]) -> Any:
    folder = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
    store = Store(name="Bench", widgets={"survey": {}})
    return create_engine(Config(stores={"main": store}, secret_key=(Secret("bench"),), carriers=accounts, base=folder))


def _best(call: Callable[[], Any], *, calls: int = 200) -> float:
    """Median over rounds of the CPU microseconds of one call."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(calls):
            call()
        rounds.append((time.process_time() - started) / calls * 1e6)
    return statistics.median(rounds)


CASES = {"recognition": recognition, "parse": parse, "start": start, "render": render, "page": page}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all, when none is named")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    results = [row for name in asked.cases or CASES for row in CASES[name]()]
    if asked.json:
        print(json.dumps({"cases": results}))
    for row in [] if asked.json else results:
        print(f"{row['name']:24}", "  ".join(f"{key} {value}" for key, value in row.items() if key != "name"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
