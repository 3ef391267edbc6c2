"""A shop under random faults: real processes of `doorstep serve`, a Valkey and a carrier that misbehave, shoppers who look.

What must hold to the end: `witness` has the rules. The shop's day is short (`fast`), so that parcels come to their end while
one looks.
"""

import asyncio
import os
import random
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from msgspec import Struct
from sqlalchemy import select

from doorstep.database import Database
from doorstep.tables import answers

from ..rigs import proxied
from ..servers import free_port, hostile, redis_server
from . import witness
from .killing import write_plugin
from .neighbours import STATUSES, number_of
from .weather import MoodyCarrier, Valkey
from .witness import Seen

DEADLINE = 2.5  # seconds, as where nothing is set
MARGIN = 2.5  # seconds beside what this machine lagged: it has more to do than to serve
GROWTH = 0.5 * 1024 * 1024  # bytes a minute that a process may grow by, after its warm-up
_WARM = 0.4  # of the time: until then caches fill
_LONG_ENOUGH = 180.0  # seconds of measuring without which growth is not judged
_NEW_PARCEL = 4.0  # seconds between two of them
_LOOKED_AT = 20  # parcels, the newest
_HEADLINES = ("Getting ready to ship", "The carrier has your parcel", "On its way", "Out for delivery", "Delivered")
_SETTINGS = """\
secret_key = "a secret of thirty-two characters or more"
redis = "{redis}"

[server]
near_megabytes = 1

[carriers.acme]
endpoint = "http://127.0.0.1:1"
key = "a key"

[stores.main]
name = "Harbour & Pine"

[stores.main.widgets.survey]
"""


class Terms(Struct, frozen=True):
    """How long a soak lasts and, in seconds from and to, how long Valkey and the carrier are well and ill in between."""

    seconds: float
    workers: int = 2
    speed: float = 120.0  # of the shop's wall clock
    calm: tuple[float, float] = (20, 40)
    rough: tuple[float, float] = (1, 5)
    well: tuple[float, float] = (10, 25)
    ill: tuple[float, float] = (3, 12)
    margin: float = MARGIN


class Proof(Struct, frozen=True):
    """What was done, and what is wrong after it: nothing, if it is proved. `waited` are the seconds that half of the pages,
    99 of a hundred and the slowest took; `memory` is what each process grew by, in bytes a minute."""

    pages: int
    stale: int  # shown with their age while the carrier did not answer
    compared: int  # with what the carrier had told a while ago
    parcels: int
    calls: int
    answered: int  # of them
    forms: int
    faults: int
    waited: tuple[float, float, float]
    memory: tuple[float, ...]
    problems: list[str]


class Process:
    """One `doorstep serve`, how large it was when, and how often Valkey did not answer it."""

    def __init__(self, url: str, child: asyncio.subprocess.Process) -> None:
        self.url = url
        self.sizes: list[tuple[float, int]] = []
        self._child = child
        self._failures = 0.0

    async def failed_since(self, client: httpx2.AsyncClient) -> bool:
        """Whether Valkey did not answer it, since this was asked last."""
        metrics = (await client.get(f"{self.url}/metrics")).text
        counted = re.findall(r"^doorstep_cache_failures_total\{.*\} (\S+)", metrics, re.MULTILINE)
        before, self._failures = self._failures, sum(map(float, counted))
        return self._failures > before

    def measure(self) -> None:
        status = Path(f"/proc/{self._child.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None, "the process has ended"
        self.sizes.append((time.monotonic(), int(found[1]) * 1024))


class Shoppers:
    """Who looks parcels up, each in one process, and answers the survey of each that has arrived. Remembers all of it."""

    def __init__(self, processes: Sequence[Process], dice: random.Random) -> None:
        self.pages: list[Seen] = []
        self.stale = 0
        self.kept: set[str] = set()  # comments that were accepted
        self.lag = 0.0
        self.parcels: list[str] = []
        self.problems: list[str] = []
        self._processes = processes
        self._dice = dice
        self._answered: set[str] = set()

    async def send_parcels(self) -> None:
        while True:
            self.parcels.append(number_of(len(self.parcels)))
            await asyncio.sleep(_NEW_PARCEL)

    async def look(self, worker: int, client: httpx2.AsyncClient) -> None:
        """Looks a parcel up, again and again, as a page and as JSON, now and then several times at once."""
        while True:
            number = self._dice.choice(self.parcels[-_LOOKED_AT:])
            together = 5 if self._dice.random() < 0.05 else 1
            seen = await asyncio.gather(*(self._page(worker, number, client) for _ in range(together)))
            if seen[0].stage == len(STATUSES) - 1 and number not in self._answered:
                await self._fill_in(worker, number, client)
            await asyncio.sleep(self._dice.uniform(0.3, 1.2))

    async def notice_lag(self) -> None:
        """How far behind this machine is: what the deadline cannot be blamed for."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.05)
            self.lag += max(0.0, time.monotonic() - before - 0.06)

    async def _page(self, worker: int, number: str, client: httpx2.AsyncClient) -> Seen:
        as_json = self._dice.random() < 0.5
        path = f"/api/v1/shipments/{number}" if as_json else f"/track/{number}"
        asked, lag = time.monotonic(), self.lag
        try:
            response = await client.get(self._processes[worker].url + path)
            status, stage = response.status_code, _stage(response, as_json=as_json)
        except httpx2.TransportError as error:
            self.problems.append(f"a page broke off: {type(error).__name__}")
            status, stage = 0, -1
        seen = Seen(worker, number, asked, time.monotonic(), status, stage, self.lag - lag)
        self.pages.append(seen)
        if status == 200:
            self.stale += (
                response.json()["freshness"] == "stale_on_error" if as_json else "not answering" in response.text
            )
        return seen

    async def _fill_in(self, worker: int, number: str, client: httpx2.AsyncClient) -> None:
        url = self._processes[worker].url
        form = {"score": "5", "comment": f"about {number}"}
        response = await client.post(f"{url}/track/{number}?widget=survey", data=form, headers={"Origin": url})
        if response.status_code == 303:
            self._answered.add(number)
            self.kept.add(form["comment"])
        elif response.status_code != 503:  # "not now", with what was typed
            self.problems.append(f"a form was answered {response.status_code}")


def _stage(response: httpx2.Response, *, as_json: bool) -> int:
    if response.status_code != 200:
        return -1
    if as_json:
        return STATUSES.index(response.json()["shipments"][0]["status"])
    found = re.search(r"<h1>(.*?)</h1>", response.text)
    return _HEADLINES.index(found[1]) if found and found[1] in _HEADLINES else -1


async def soak(folder: Path, terms: Terms, seed: int) -> Proof:
    dice = random.Random(seed)
    began = time.time()
    carrier = MoodyCarrier(random.Random(dice.random()), lambda: _fast(began, terms.speed))
    carrier.moody = False  # its moods are its own
    async with AsyncExitStack() as stack:
        server = stack.enter_context(redis_server(folder))
        proxy = await stack.enter_async_context(proxied(server.port))
        valkey = Valkey(server, proxy, random.Random(dice.random()))
        (folder / "doorstep.toml").write_text(_SETTINGS.format(redis=proxy.url))
        write_plugin(folder)
        doors = [await stack.enter_async_context(hostile(choose=carrier.of(nth))) for nth in range(terms.workers)]
        processes = [
            await stack.enter_async_context(_serving(folder, door.url, [str(terms.speed), str(began)]))
            for door in doors
        ]
        shoppers = Shoppers(processes, random.Random(dice.random()))
        await _shop_on(terms, shoppers, processes, [
            valkey.weather(terms.calm, terms.rough), carrier.moods(terms.well, terms.ill), _watch(processes, valkey),
        ])  # fmt: skip
    return _judged(folder, terms, shoppers, processes, carrier, valkey)


async def _shop_on(terms: Terms, shoppers: Shoppers, processes: Sequence[Process], troubles: Sequence[Any]) -> None:
    """As many seconds as the terms say; what goes wrong in here ends it."""
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client, asyncio.TaskGroup() as group:
        looking = [shoppers.look(nth % len(processes), client) for nth in range(4)]
        tasks = [
            group.create_task(one) for one in [shoppers.send_parcels(), shoppers.notice_lag(), *looking, *troubles]
        ]
        await asyncio.sleep(terms.seconds)
        for task in tasks:
            task.cancel()


async def _watch(processes: Sequence[Process], valkey: Valkey) -> None:
    """Measures the processes each second."""
    looked = time.monotonic()
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        while True:
            for process in processes:
                process.measure()
            failed = [await process.failed_since(client) for process in processes]
            before, looked = looked, time.monotonic()
            if any(failed):
                valkey.was_missed(before, looked)
            await asyncio.sleep(1)


def _judged(
    folder: Path, terms: Terms, shoppers: Shoppers, processes: Sequence[Process], carrier: MoodyCarrier, valkey: Valkey
) -> Proof:
    pages, calls = shoppers.pages, carrier.calls
    compared, behind = witness.behind(pages, calls, valkey.was_well)
    memory = tuple(map(_growth, (process.sizes for process in processes)))
    problems = [
        *shoppers.problems,
        *witness.late(pages, DEADLINE + terms.margin),
        *witness.failed(pages),
        *witness.forgotten(pages),
        *witness.backwards(pages),
        *behind,
        *witness.asked_too_often(calls, terms.speed, valkey.was_well),
        *(f"what was written {comment} is lost" for comment in shoppers.kept - _comments(folder)),
    ]
    if terms.seconds * (1 - _WARM) >= _LONG_ENOUGH:
        problems += [f"a process grows by {rate / 1024:.0f} KiB a minute" for rate in memory if rate > GROWTH]
    waited = sorted(one.waited for one in pages)
    distribution = (waited[len(waited) // 2], waited[len(waited) * 99 // 100], waited[-1])
    answered = sum(call.stage >= 0 for call in calls)
    return Proof(
        len(pages), shoppers.stale, compared, len(shoppers.parcels), len(calls), answered, len(shoppers.kept),
        valkey.faults, distribution, memory, problems,
    )  # fmt: skip


def _growth(sizes: Sequence[tuple[float, int]]) -> float:
    return witness.growth(sizes[round(len(sizes) * _WARM) :])


def _comments(folder: Path) -> set[str]:
    database = Database("sqlite:///doorstep.db", base=folder)
    database.open_now()
    with database.reading() as connection:
        found = {msgspec.json.decode(data)["comment"] for data in connection.scalars(select(answers.c.data))}
    database.close_now()
    return found


def _fast(began: float, speed: float) -> datetime:
    return datetime.fromtimestamp(began + (time.time() - began) * speed, UTC)


@asynccontextmanager
async def _serving(folder: Path, carrier: str, pace: Sequence[str]) -> AsyncIterator[Process]:
    """A process that serves, as soon as it answers; it reaches the carrier at this address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    fast = [str(Path(__file__).with_name("fast.py")), *pace]
    serve = ["serve", "--config", str(folder / "doorstep.toml"), "--port", str(port)]
    with (folder / f"{port}.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *fast, *serve, cwd=folder, stdout=log, stderr=log,
            env=os.environ | {"DOORSTEP_CARRIERS__ACME__ENDPOINT": carrier},
        )  # fmt: skip
        try:
            async with httpx2.AsyncClient(trust_env=False) as client, asyncio.timeout(180):
                while not await _answers(client, url):
                    assert child.returncode is None, (folder / f"{port}.log").read_text()
                    await asyncio.sleep(0.05)
            yield Process(url, child)
        finally:
            if child.returncode is None:
                child.send_signal(signal.SIGTERM)
                with suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), 15)
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _answers(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/healthz")).status_code == 200
    except httpx2.TransportError:
        return False
