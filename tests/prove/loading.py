"""A shop under load while its operator starts it anew, its Redis fails over and its carrier is gone.

Two processes of `doorstep serve` are behind a proxy that asks the one while the other is not there; a worker is beside them;
SQL is PostgreSQL, Redis a master with its replica and a Sentinel, or a cluster of three. What must hold: every visit is
answered, each time with what it came for, and nothing that was accepted is lost.
"""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
from msgspec import Struct
from sqlalchemy import func, select

from doorstep.clock import SystemClock
from doorstep.database import Database
from doorstep.keys import SCOPES, Keys
from doorstep.tables import answers, orders

from ..databases import postgresql_server
from ..posting import FILES, SECRET
from ..rigs import cluster, watched
from ..servers import RedisServer, free_port, hostile
from .crowd import Answered, Crowd, Post, waited

RATES: Mapping[str, float] = {
    "hot": 20, "miss": 12, "cold": 3, "order's page": 3, "form": 1, "order": 1, "push": 2,
}  # a second  # fmt: skip
_SETTINGS = """\
secret_key = "a secret of thirty-two characters or more"
database = "{database}"
redis = "{redis}"

[server]
near_megabytes = 1
trusted_proxies = ["127.0.0.1/32"]
api_limit = {{ calls = 1000000 }}

[carriers.post]
endpoint = "{carrier}"
push_secret = ["{secret}"]

[stores.main]
name = "Harbour & Pine"

[stores.main.widgets.survey.after_checkout]
kind = "stars"
"""


class Phase(Struct, frozen=True):
    """What happened meanwhile, how many visits there were, how many were not answered as they should be, and the seconds that
    half of them took at most, 90 and 99 of a hundred, and the slowest."""

    name: str
    kind: str
    visits: int
    wrong: int
    waited: tuple[float, float, float, float]


class Proof(Struct, frozen=True):
    """What was done, and what is wrong after it: nothing, if it is proved."""

    phases: list[Phase]
    orders: int
    forms: int
    calls: int  # to the carrier
    restarts: int
    problems: list[str]


class Processes:
    """Those that serve, by their ports, and a worker."""

    def __init__(self, folder: Path) -> None:
        self.ports = (free_port(), free_port())
        self.restarts = 0
        self.problems: list[str] = []
        self._folder = folder
        self._running: dict[int, asyncio.subprocess.Process] = {}  # the worker's port is 0

    async def start(self) -> None:
        """Comes back when all that serve answer."""
        self._running[0] = await self._process("worker")
        for port in self.ports:
            await self._serve(port)

    async def restart_serving(self) -> None:
        """One after the other, as an operator does who has installed a new version."""
        for port in self.ports:
            await self._end(self._running.pop(port))
            await self._serve(port)
            self.restarts += 1

    async def end(self) -> None:
        while self._running:
            _, child = self._running.popitem()
            await self._end(child)

    async def _serve(self, port: int) -> None:
        self._running[port] = await self._process("serve", "--port", str(port))
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client, asyncio.timeout(120):
            while not await _answers(client, port):  # noqa: ASYNC110  # another process will
                await asyncio.sleep(0.05)

    async def _process(self, *command: str) -> asyncio.subprocess.Process:
        with (self._folder / "processes.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "doorstep", *command, cwd=self._folder, stdout=log, stderr=log
            )

    async def _end(self, child: asyncio.subprocess.Process) -> None:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(20):
                code = await child.wait()
        except TimeoutError:
            child.kill()
            code = await child.wait()
        if code not in (0, -signal.SIGTERM):
            log = (self._folder / "processes.log").read_text(errors="replace").splitlines()
            self.problems.append(f"a process ended with {code}: {log[-1:]}")


class Trouble:
    """What becomes of Redis and the carrier in a phase."""

    def __init__(self, processes: Processes, redis: "_Redis", post: Post, crowd: Crowd, seconds: float) -> None:
        self._processes = processes
        self._redis = redis
        self._post = post
        self._crowd = crowd
        self._seconds = seconds

    async def rolling_restart(self) -> None:
        await self._processes.restart_serving()

    async def redis_fails(self) -> None:
        """For good under Sentinels, who name the replica; a node of a cluster comes back with nothing in it."""
        await asyncio.to_thread(self._redis.node.kill)
        if self._redis.comes_back_empty:
            await asyncio.sleep(self._seconds / 2)
            await asyncio.to_thread(self._redis.node.start)
            self._crowd.some_forgotten = True

    async def carrier_fails(self) -> None:
        self._post.down = True
        await asyncio.sleep(self._seconds * 0.9)
        self._post.comes_back()


async def load(
    folder: Path, rig: str, seconds: float, seed: int, *, rates: Mapping[str, float] = RATES, known: int = 400,
    orders: int = 40,
) -> Proof:  # fmt: skip
    """Seven phases of so many seconds each; `rig` is "sentinel" or "cluster". So many parcels and orders are there before."""
    dice = random.Random(seed)
    post = Post(random.Random(dice.random()))
    async with AsyncExitStack() as stack:
        database_url = stack.enter_context(postgresql_server())
        redis = await stack.enter_async_context(_redis(folder, rig))
        carrier = await stack.enter_async_context(hostile(choose=post.answer))
        key = _laid(folder, _SETTINGS.format(
            database=database_url, redis=redis.url, carrier=carrier.url, secret=SECRET
        ), database_url)  # fmt: skip
        processes = await stack.enter_async_context(_serving(folder))
        crowd = Crowd(processes.ports, key, post, random.Random(dice.random()))
        await crowd.arrive(known, orders)
        trouble = Trouble(processes, redis, post, crowd, seconds)
        for name, trouble_of in _phases(trouble):
            crowd.phase = name
            await asyncio.gather(crowd.come(rates, seconds), trouble_of())
        await processes.end()
        problems = [
            *crowd.problems,
            *crowd.more_than_forgotten(),
            *processes.problems,
            *_lost(database_url, folder, crowd),
        ]
    return Proof(_summed(crowd.answered), crowd.placed, crowd.forms, post.asked, processes.restarts, problems)


def _phases(trouble: Trouble) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    return [
        ("at rest", _nothing),
        ("rolling restart", trouble.rolling_restart),
        ("after it", _nothing),
        ("Redis loses its master", trouble.redis_fails),
        ("after that", _nothing),
        ("carrier down", trouble.carrier_fails),
        ("at the end", _nothing),
    ]


async def _nothing() -> None:
    pass


def _summed(answered: list[Answered]) -> list[Phase]:
    found: dict[tuple[str, str], list[Answered]] = {}
    for one in answered:
        found.setdefault((one.phase, one.kind), []).append(one)
    return [
        Phase(phase, kind, len(ones), sum(not one.fine for one in ones), waited(ones))
        for (phase, kind), ones in found.items()
    ]


def _lost(url: str, folder: Path, crowd: Crowd) -> list[str]:
    database = Database(url, base=folder)
    database.open_now()
    with database.reading() as connection:
        made = connection.scalar(select(func.count()).select_from(orders)) or 0
        written = connection.scalar(select(func.count()).select_from(answers)) or 0
    database.close_now()
    kept = {"orders": (crowd.placed, made), "forms": (crowd.forms, written)}
    return [
        f"{accepted} {what} were accepted and {there} are there"
        for what, (accepted, there) in kept.items()
        if accepted != there
    ]


def _laid(folder: Path, settings: str, database_url: str) -> str:
    """The shop's folder, with the carrier's plugin; gives a key to its API."""
    (folder / "doorstep.toml").write_text(settings)
    package = folder / "plugins" / "doorstep_post"
    package.mkdir(parents=True)
    for name, text in FILES.items():
        (package / name).write_text(text)
    database = Database(database_url, base=folder)
    database.open_now()
    with database.writing() as connection:
        _, key = Keys(clock=SystemClock()).new(connection, "main", "checkout", SCOPES)
    database.close_now()
    return key.reveal()


class _Redis(Struct, frozen=True):
    url: str
    node: RedisServer  # that will fail
    comes_back_empty: bool


@asynccontextmanager
async def _redis(folder: Path, rig: str) -> AsyncIterator[_Redis]:
    if rig == "cluster":
        async with cluster(folder) as (url, nodes):
            yield _Redis(url, nodes[-1], comes_back_empty=True)
    else:
        with watched(folder) as pair:
            yield _Redis(pair.url, pair.master, comes_back_empty=False)


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[Processes]:
    processes = Processes(folder)
    try:
        await processes.start()
        yield processes
    finally:
        await processes.end()


async def _answers(client: httpx2.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/healthz")).is_success
    except httpx2.TransportError:
        return False
