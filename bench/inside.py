"""Parts of a look-up and of a page by themselves, in this process, without a server or a network."""

import asyncio
import random
import statistics
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from doorstep import Query, Response
from doorstep.config import Config, Store
from doorstep.contexts import Contexts, Visit
from doorstep.errors import NumberError
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.packages import installed
from doorstep.plugins import load_plugins
from doorstep.recognition import Hints, Recognizer, normalise
from doorstep.samples import Role
from doorstep.sandbox import sandbox_accounts, sandbox_of

from .figures import Row, quantile
from .parcels import number
from .seeds import seeded
from .site import NOBODY, shop_engine

_ROUNDS = 7


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
    """microseconds from a carrier's raw answer to a shipment: the plugin's own part, and with the engine's checks"""
    packages = installed()
    sandbox = sandbox_of(packages)
    config = Config(stores={"main": Store(name="Bench")}, carriers=sandbox_accounts(sandbox, NOBODY))
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


def render(*, named: bool) -> list[Row]:
    """microseconds of one page from a known answer: the context, and the template"""
    with seeded(range(1)) as (settings, _):
        return asyncio.run(_render(shop_engine(settings)))


async def _render(engine: Any) -> list[Row]:
    shop = engine.shops.all[0]
    lookup = await engine.tracker.look_up(number(0), shop.config)
    visit = Visit(shop, shop.reader("", "en"), f"/track/{number(0)}")
    contexts = Contexts(engine.plugins.manifests)
    context = contexts.of(visit, lookup)
    await engine.close()
    made = _best(lambda: contexts.of(visit, lookup))
    rendered = _best(lambda: shop.look.render("tracking.html", context, visit.reader.localizer))
    return [{"name": "render", "context_us": round(made, 1), "template_us": round(rendered, 1)}]


def _best(call: Callable[[], Any], *, calls: int = 200) -> float:
    """Median over rounds of the CPU microseconds of one call."""
    return statistics.median(_cpu(call, calls) for _ in range(_ROUNDS))


def _cpu(call: Callable[[], Any], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls * 1e6
