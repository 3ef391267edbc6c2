"""`./dev bench [CASE…] [--json]`: reproducible figures, bounded, on this machine alone.

Machines are noisy: compare ratios within one run, not microseconds between two. What a request costs is given as a share of the
limit measured in the same run: what a bare ASGI callable costs that returns the same bytes from the same server.
"""

import argparse
import asyncio
import http.client
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
from server import Answer, shop_engine
from tutorial import walk

from doorstep import Query, Response
from doorstep.config import Config, Store
from doorstep.contexts import Contexts, Visit
from doorstep.errors import NumberError
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.order import Item, Order, Parcel
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.recognition import Hints, Recognizer, normalise
from doorstep.samples import Case, Role
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.serving import on_loopback

ROUNDS = 7
CONNECTIONS = 16
Figures = dict[str, Any]


def recognition() -> list[Figures]:
    """Microseconds a number, with all installed formats loaded: their examples, as many random digits, what strangers send.

    Once without and once with what a shop knows (its carriers and countries).
    """
    manifests = load_plugins(Config(stores={}), installed()).manifests
    recognizer = Recognizer(manifests.values())
    formats = [shape for one in manifests.values() for shape in one.formats]
    typed = [" ".join(textwrap.wrap(number, 4)) for shape in formats for number in shape.examples]
    chance = random.Random(1)
    typed += ["".join(chance.choices("0123456789", k=chance.randint(8, 34))) for _ in typed]
    typed += [
        "x" * 60 + "1",
        "0" * 64,
        "4" * 34,
        "J" * 20 + "1" * 20,
        "1\u0410" * 60,
        "https://shop.example/" + "1a-" * 30,
        "<b>1</b>",
    ]
    shop = Hints(carriers=frozenset({"ups", "dhl"}), countries=frozenset({"US", "CA"}))
    rows = [("recognition", Hints()), ("recognition, hinted", shop)]
    return [_recognition(name, typed, recognizer, hints) | {"formats": len(formats)} for name, hints in rows]


def _recognition(name: str, typed: list[str], recognizer: Recognizer, hints: Hints) -> Figures:
    times = []
    for _ in range(60):
        for number in typed:
            started = time.perf_counter_ns()
            with suppress(NumberError):
                recognizer.candidates(normalise(number), hints)
            times.append((time.perf_counter_ns() - started) / 1000)
    times.sort()
    median, p95 = statistics.median(times), times[int(len(times) * 0.95)]
    return {"name": name, "numbers": len(typed), "median_us": round(median, 2), "p95_us": round(p95, 2)}


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
            return replay(account.carrier.track(Query(case.number)), response)

        answer = ask()
        manifest = account.carrier.manifest
        events = sum(len(shipment.events) for shipment in answer.shipments)
        plugin = _best(ask)
        rows.append(
            {
                "name": f"parse {account.name}",
                "events": events,
                "plugin_us": round(plugin, 1),
                "for_17_events_us": round(plugin / max(events, 1) * 17, 1),
                "with_checks_us": round(_best(lambda a=answer, m=manifest: take_in(a, m)) + plugin, 1),
            }
        )
    return rows


def start() -> list[Figures]:
    """Milliseconds to a ready engine (themes compiled, plugins loaded, one language) with three active carriers: in a process
    that has imported it, and of a whole process from its first instruction."""
    accounts = sandbox_accounts(sandbox_of(installed()), "http://127.0.0.1:9")
    three = {slug: accounts[slug] for slug in ("dhl", "la_poste", "ups")}
    times = []
    for _ in range(5):
        started = time.process_time()
        engine = _engine(three)
        times.append((time.process_time() - started) * 1000)
    whole = [_process_ms(three) for _ in range(5)]
    row = {"manifests": len(engine.plugins.manifests), "active": len(engine.plugins.accounts)}
    return [
        {
            "name": "start",
            **row,
            "cpu_ms": round(statistics.median(times), 1),
            "process_cpu_ms": round(statistics.median(whole), 1),
        }
    ]


def _process_ms(accounts: dict[str, Any]) -> float:
    """CPU milliseconds of a process that makes an application of these accounts and ends."""
    script = (
        "import sys, json, resource; from doorstep.app import create_app; from doorstep.config import Config, Store;"
        "from doorstep.secret import Secret; config = Config(stores={'main': Store(name='Bench')},"
        "secret_key=(Secret('bench'),), carriers=json.loads(sys.argv[1]), database='sqlite://'); create_app(config);"
        "spent = resource.getrusage(resource.RUSAGE_SELF); print(spent.ru_utime + spent.ru_stime)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(accounts)], capture_output=True, text=True, check=True
    )
    return float(done.stdout) * 1000


def tutorial() -> list[Figures]:
    """Seconds of every step of the carrier tutorial's first chapter, which ends at the new carrier's page in the demo."""
    with tempfile.TemporaryDirectory(prefix="doorstep-tutorial-") as folder:
        return walk(Path(folder))


def hot() -> list[Figures]:
    """CPU of the server process for a page that is finished and near."""
    return _against_the_limit("hot")


def unchanged() -> list[Figures]:
    """The same for a reader who has it already."""
    return _against_the_limit("304")


def miss() -> list[Figures]:
    """CPU of the server process for a page that is made anew from an answer in the cache."""
    return _against_the_limit("miss", near_megabytes=0)


def level1() -> list[Figures]:
    """CPU of the server process for the page of an order, which is made for each request."""
    return _against_the_limit("level1")


def _against_the_limit(case: str, *, near_megabytes: int = 64) -> list[Figures]:
    """Beside a bare ASGI callable that returns the same bytes, headers too, from the same server; and beside one that returns
    the same body with two headers only. In alternating rounds."""
    with tempfile.TemporaryDirectory(prefix="doorstep-bench-") as name:
        folder = Path(name)
        path = _order_page(folder) if case == "level1" else f"/track/{_longest('ups').number}"
        with _server("page", str(folder), str(near_megabytes)) as asked:
            whole = asked.get(path)
            header = f"If-None-Match: {whole.headers['etag']}\r\n" if case == "304" else ""
            two = ("content-type", "content-length")
            few = Answer({name: whole.headers[name] for name in two}, whole.body)
            with _limit(whole) as limit, _limit(few) as bare:
                servers = (asked, limit, bare)
                rounds = [[server.cpu(path, header) for server in servers] for _ in range(5)]
    cpu_us, limit_us, bare_us = (statistics.median(column) for column in zip(*rounds, strict=True))
    return [
        {
            "name": case,
            "bytes": len(whole.body),
            "cpu_us": round(cpu_us, 1),
            "limit_cpu_us": round(limit_us, 1),
            "share_of_limit": round(limit_us / cpu_us, 3),
            "share_of_limit_with_two_headers": round(bare_us / cpu_us, 3),
        }
    ]


def _order_page(folder: Path) -> str:
    """Writes an order of one parcel; the path of its page."""
    engine = shop_engine(folder, {})
    asyncio.run(engine.database.open())
    with engine.database.writing() as connection:
        order = Order("1001", items=(Item("Trail shoes", "shoes"),), shipments=(Parcel(_longest("ups").number),))
        kept = engine.orders.create(connection, "main", order)
    return f"/o/{engine.access.link(kept, timedelta(days=1))}/"


def render() -> list[Figures]:
    """CPU of one page from a known answer: its context, its template, the headers' tag, compression; each also as a multiple
    of a fixed loop, which two machines and two moments have in common."""
    return asyncio.run(_render())


def _loop() -> dict[int, str]:
    return {n & 255: str(n) for n in range(1000)}


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


def importing() -> list[Figures]:
    """Orders a second from a CSV file into SQLite, new and once more, and the most memory of the process: with a fifth of the
    orders too, because it must not grow with them."""
    return [figures for count in (2_000, 10_000) for figures in _imported(count)]


def _imported(count: int) -> list[Figures]:
    with tempfile.TemporaryDirectory(prefix="doorstep-import-") as name:
        folder = Path(name)
        (folder / "doorstep.toml").write_text(f'secret_key = "{"k" * 32}"\n[stores.main]\nname = "Bench"\n')
        with (folder / "orders.csv").open("w") as file:
            file.write("number,placed_at,email,postcode,country,item_sku,item_name,item_quantity,shipment_number\n")
            file.writelines(
                f"B{n},2026-11-{n % 20 + 1:02},shopper{n}@mail.example,{n % 90_000 + 10_000},DE,S-{k},Item {k},1,JD{n:010}\n"
                for n in range(count)
                for k in range(2)
            )
        runs = [_import_run(folder) for _ in range(2)]
    return [
        {"name": f"import, {name}", "orders": count, **run} for name, run in zip(("new", "again"), runs, strict=True)
    ]


def _import_run(folder: Path) -> Figures:
    command = [sys.executable, "-m", "doorstep", "orders", "import", "orders.csv", "--json"]
    with (folder / "told.json").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = json.loads((folder / "told.json").read_text())["seconds"]
    rows = sum(1 for _ in (folder / "orders.csv").open()) - 1
    return {
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }


class _Server:
    """A server process on loopback, asked over kept connections; `cpu` is its own CPU time for one request."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._tasks = Path(f"/proc/{process.pid}/task")
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str) -> Answer:
        self._connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept-Language": "en"})
        answer = self._connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}")
        own = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in ("date", "server")}
        return Answer(own, answer.read())

    def cpu(self, path: str, header: str = "") -> float:
        """Microseconds on a CPU per request, over all threads of the process (the kernel's schedstat): of as many requests as
        fit into a third of a second."""
        before = self._spent()
        requests = asyncio.run(self._load(path, header, time.monotonic() + 0.35))
        return (self._spent() - before) / requests / 1000

    async def _load(self, path: str, header: str, ends: float) -> int:
        """Requests over several kept connections at once: a server that waits for each one works in smaller, dearer steps."""
        return sum(await asyncio.gather(*(self._repeat(path, header, ends) for _ in range(CONNECTIONS))))

    async def _repeat(self, path: str, header: str, ends: float) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nAccept-Language: en\r\n{header}\r\n"
        asked, count = head.encode(), 0
        while not count or time.monotonic() < ends:
            writer.write(asked)
            answered = await reader.readuntil(b"\r\n\r\n")
            if length := re.search(rb"(?i)content-length: ([0-9]+)", answered):
                await reader.readexactly(int(length[1]))
            count += 1
        writer.close()
        await writer.wait_closed()
        return count

    def _spent(self) -> int:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self._tasks.iterdir())


def _limit(answer: Answer) -> AbstractContextManager[_Server]:
    return _server("limit", stdin=msgspec.json.encode(answer))


@contextmanager
def _server(kind: str, *arguments: str, stdin: bytes = b"") -> Iterator[_Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        handle, port = listening.fileno(), listening.getsockname()[1]
        command = [sys.executable, str(Path(__file__).parent / "server.py"), kind, str(handle), *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[handle])
    try:
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        server = _Server(process, port)
        server.get("/")  # it is up
        yield server
    finally:
        process.terminate()
        process.wait(15)


def _longest(slug: str) -> Case:
    cases = sandbox_of(installed()).samples[slug].of(Role.PARCEL)
    return max((case for case in cases if case.demo), key=lambda case: len(case.body))


def _engine(accounts: dict[str, Any]) -> Any:
    return shop_engine(Path(tempfile.mkdtemp(prefix="doorstep-bench-")), accounts)


def _best(call: Callable[[], Any], *, calls: int = 200) -> float:
    """Median over rounds of the CPU microseconds of one call."""
    return statistics.median(_cpu(call, calls=calls) for _ in range(ROUNDS))


def _cpu(call: Callable[[], Any], *, calls: int = 100) -> float:
    """CPU microseconds of one call."""
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls * 1e6


CASES = {
    "recognition": recognition,
    "parse": parse,
    "start": start,
    "render": render,
    "hot": hot,
    "304": unchanged,
    "miss": miss,
    "level1": level1,
    "tutorial": tutorial,
    "import": importing,
}


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
