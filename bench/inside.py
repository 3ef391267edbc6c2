"""Parts of a look-up and of a page by themselves, in this process, without a server or a network."""

import asyncio
import random
import statistics
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from doorstep import Carrier, Found, Query, Response
from doorstep.config import Config, Store
from doorstep.contexts import Contexts, Visit
from doorstep.errors import NumberError
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.recognition import Hints, Recognizer, normalise
from doorstep.samples import Role, Samples
from doorstep.sandbox import sandbox_accounts, sandbox_of

from .answers import of_length
from .figures import Row, quantile
from .parcels import number
from .seeds import seeded
from .site import NOBODY, shop_engine

_ROUNDS = 7
_CALLS = 200
_SCANS = 17


def recognition(*, named: bool) -> list[Row]:
    """microseconds a number, with all installed formats: their examples, as many random digits, what strangers send; without
    and with what a shop knows (its carriers and countries)"""
    manifests = load_plugins(Config(stores={}), installed()).manifests
    recognizer = Recognizer(manifests.values())
    formats = [shape for one in manifests.values() for shape in one.formats]
    typed = [" ".join(textwrap.wrap(one, 4)) for shape in formats for one in shape.examples]
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


def _recognition(name: str, typed: list[str], recognizer: Recognizer, hints: Hints) -> Row:
    times = []
    for _ in range(60):
        for one in typed:
            started = time.perf_counter_ns()
            with suppress(NumberError):
                recognizer.candidates(normalise(one), hints)
            times.append((time.perf_counter_ns() - started) / 1000)
    median, p95 = round(statistics.median(times), 2), round(quantile(times, 0.95), 2)
    return {"name": name, "numbers": len(typed), "median_us": median, "p95_us": p95}


def parse(*, named: bool) -> list[Row]:
    """microseconds from a carrier's answer of 17 scans to a shipment, the question not counted: the plugin's own part, and with
    the engine's checks; each carrier's longest sample, lengthened by scans like its own"""
    packages = installed()
    sandbox = sandbox_of(packages)
    config = Config(stores={"main": Store(name="Bench")}, carriers=sandbox_accounts(sandbox, NOBODY))
    accounts = load_plugins(config, packages).accounts.values()
    rows = [_parsed(account.carrier, sandbox.samples[account.carrier.manifest.slug]) for account in accounts]
    middle = {name: round(statistics.median(row[name] for row in rows), 1) for name in ("plugin_us", "with_checks_us")}
    return [*rows, {"name": "parse, median", **middle}]


def _parsed(carrier: Carrier[Any], samples: Samples) -> Row:
    case = max(samples.of(Role.PARCEL), key=lambda case: len(case.body))

    def response(body: bytes) -> Response:
        return Response(case.response.status, case.response.headers, body)

    def scans(body: bytes) -> int:
        answer = replay(carrier.track(Query(case.number)), response(body))
        return sum(len(shipment.events) for shipment in answer.shipments) if isinstance(answer, Found) else 0

    long = response(of_length(_SCANS, case.body, samples.dates, scans))
    plugin = statistics.median(_answer_us(carrier, case.number, long) for _ in range(_ROUNDS))
    answer = replay(carrier.track(Query(case.number)), long)
    checks = _best(lambda: take_in(answer, carrier.manifest))
    row = {"bytes": len(long.body), "plugin_us": round(plugin, 1), "with_checks_us": round(plugin + checks, 1)}
    return {"name": f"parse {carrier.manifest.slug}", **row}


def _answer_us(carrier: Carrier[Any], number: str, response: Response) -> float:
    """CPU microseconds from the response on: the question was asked before."""
    asked = [carrier.track(Query(number)) for _ in range(_CALLS)]
    for exchange in asked:
        next(exchange)

    def answered() -> None:
        with suppress(StopIteration):
            asked.pop().send(response)

    return _cpu(answered, _CALLS)


def render(*, named: bool) -> list[Row]:
    """microseconds of one page from a known answer: the context, and the template"""
    with seeded(range(1)) as (settings, _):
        return asyncio.run(_render(shop_engine(settings)))


async def _render(engine: Any) -> list[Row]:
    shop = engine.shops.all[0]
    lookup = await engine.tracker.look_up(number(0), shop.config, wait=5)
    visit = Visit(shop, shop.reader("", "en"), f"/track/{number(0)}")
    contexts = Contexts(engine.plugins.manifests)
    context = contexts.of(visit, lookup)
    await engine.close()
    made = _best(lambda: contexts.of(visit, lookup))
    rendered = _best(lambda: shop.look.render("tracking.html", context, visit.reader.localizer))
    return [{"name": "render", "context_us": round(made, 1), "template_us": round(rendered, 1)}]


def _best(call: Callable[[], Any], *, calls: int = _CALLS) -> float:
    """Median over rounds of the CPU microseconds of one call."""
    return statistics.median(_cpu(call, calls) for _ in range(_ROUNDS))


def _cpu(call: Callable[[], Any], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls * 1e6
