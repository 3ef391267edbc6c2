"""`./dev bench [CASE…] [--json]`: reproducible figures, bounded, on this machine alone.

Machines are noisy: compare ratios within one run, not microseconds between two. `page` and `render` are given as multiples of
the limit of the same run: a bare ASGI callable that returns the same bytes through the same calls.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

from doorstep import Query, Response
from doorstep.app import assemble, create_engine
from doorstep.config import Config, Store
from doorstep.contexts import Contexts, Visit
from doorstep.intake import take_in
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.recognition import Recognizer, normalise
from doorstep.samples import Role
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
    """CPU of a page whose answer is known (second request), against a bare ASGI callable with the same bytes."""
    return asyncio.run(_page())


async def _page() -> list[Figures]:
    sandbox = sandbox_of(installed(), today=date.today())
    case = max((c for c in sandbox.samples["ups"].of(Role.PARCEL) if c.demo), key=lambda case: len(case.body))
    with on_loopback(sandbox.app) as url:
        engine = _engine(sandbox_accounts(sandbox, url))
        await engine.store.open()
        app = assemble(engine)
        body = await _get(app, f"/track/{case.number}")
        shop = engine.shops.all[0]
        lookup = await engine.tracker.look_up(case.number, shop.config)
        contexts = Contexts(engine.plugins.manifests)

        async def limit(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": body})

        def render() -> None:
            visit = Visit(shop, shop.reader("", "en"), f"/track/{case.number}")
            context = contexts.of(visit, lookup)
            shop.look.render("tracking.html", context, visit.reader.localizer)

        floor = await _cpu(lambda: _get(limit, "/"))
        asked = await _cpu(lambda: _get(app, f"/track/{case.number}"))
        unchanged = await _cpu(lambda: _get(app, f"/track/{case.number}", gzip=False))
        rendered = _best(render)
        await engine.close()
    return [
        {
            "name": "page",
            "cpu_us": round(asked, 1),
            "limit_cpu_us": round(floor, 1),
            "times_limit": round(asked / floor, 1),
        },
        {
            "name": "page, not compressed",
            "cpu_us": round(unchanged, 1),
            "limit_cpu_us": round(floor, 1),
            "times_limit": round(unchanged / floor, 1),
        },
        {
            "name": "render",
            "cpu_us": round(rendered, 1),
            "limit_cpu_us": round(floor, 1),
            "times_limit": round(rendered / floor, 1),
        },
    ]


def _engine(accounts: dict[str, Any]) -> Any:
    folder = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
    store = Store(name="Bench", widgets={"survey": {}})
    return create_engine(Config(stores={"main": store}, secret_key=(Secret("bench"),), carriers=accounts, base=folder))


async def _get(app: Any, path: str, *, gzip: bool = True) -> bytes:
    headers = [(b"host", b"localhost"), (b"accept-encoding", b"gzip" if gzip else b"identity")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers, "server": ("localhost", 80),
        "client": ("127.0.0.1", 1), "state": {},
    }  # fmt: skip
    parts: list[bytes] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(parts)


def _best(call: Callable[[], Any], *, calls: int = 200) -> float:
    """Median over rounds of the CPU microseconds of one call."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(calls):
            call()
        rounds.append((time.process_time() - started) / calls * 1e6)
    return statistics.median(rounds)


async def _cpu(call: Callable[[], Awaitable[Any]], *, calls: int = 200) -> float:
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(calls):
            await call()
        rounds.append((time.process_time() - started) / calls * 1e6)
    return statistics.median(rounds)


CASES = {"recognition": recognition, "parse": parse, "start": start, "page": page}


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
