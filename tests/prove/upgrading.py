"""Two versions of Doorstep in one shop: an earlier commit and this checkout, on one Valkey and one database.

What must hold, on SQLite and PostgreSQL:

- the shop's settings, theme, carrier and widget, all written by the earlier version, are fine for this one;
- while both serve, each shows, finds and changes what the other wrote: orders, banners, answers to surveys; an Idempotency-Key
  that one has done is done; a parcel that one asked about is shown by the other, which asks the carrier at most once more;
- an earlier process that runs goes on running after the tables were brought up to date;
- every webhook arrives under one id with one body;
- neither says that the cache or anything else failed;
- the migrations can be taken back to the tables of the earlier version and be made anew, and no row of its tables is changed.
"""

import asyncio
import os
import random
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from alembic import command as alembic
from msgspec import Struct
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

from doorstep.database import migrations_of, newest_version

from ..servers import free_port, hostile, redis_server
from .neighbours import Endpoint, MovingCarrier, number_of

ROOT = Path(__file__).parents[2]
# The last commit before there were messages: it stands for the version before, until one has a tag.
EARLIER = "8dc49ee"
_PLUGIN = ("doorstep_acme", "doorstep_parade")
_THANKS = "Packed with care by"  # what the theme adds to every page
_SCOPES = ("orders:read", "orders:write", "answers:read", "banners:write", "banners:read")
_SETTINGS = """\
secret_key = "a secret of thirty-two characters or more"
database = "{database}"
redis = "{redis}"

[carriers.acme]
endpoint = "{carrier}"
key = "a key"

[stores.main]
name = "Harbour & Pine"
theme = "harbour"

[stores.main.widgets.parade]
text = "Good to see you."

[stores.main.widgets.survey.after_checkout]
kind = "stars"

[stores.main.webhooks.crm]
url = "{endpoint}/hook"
secret = ["whsec_bm90IGEgc2VjcmV0LCB0aHJpdHktdHdvIGJ5dGVzISE="]
"""


class Proof(Struct):
    """What was done, and what is wrong after it: nothing, if it is proved."""

    tables: str = ""  # of the earlier version, and of this one
    orders: int = 0
    read_by_the_other: int = 0  # answers of the carrier that one version had asked for and the other had not to
    asked_again: int = 0
    webhooks: int = 0
    rows: int = 0  # of the earlier version's tables, the same after the way back and forth
    problems: list[str] = []

    def must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.problems.append(otherwise)


class Version:
    """A Doorstep in an environment of its own."""

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        self._python = python
        # What leads the tests to this checkout's code must not lead the earlier version there.
        self._environ = (
            {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} if name == "old" else None
        )

    def run(self, *arguments: str, folder: Path) -> str:
        """What a command printed; it must succeed."""
        command = [self._python, "-m", "doorstep", *arguments]
        done = subprocess.run(command, cwd=folder, env=self._environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name}: doorstep {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    @asynccontextmanager
    async def serving(self, folder: Path, key: str, proof: Proof) -> AsyncIterator["Served"]:
        """`doorstep serve --worker` for the block; what it logged as an error is a problem."""
        url, log = f"http://127.0.0.1:{(port := free_port())}", folder / f"{self.name}.log"
        command = [str(self._python), "-m", "doorstep", "serve", "--worker", "--port", str(port)]
        with log.open("w") as written:
            child = await asyncio.create_subprocess_exec(
                *command, cwd=folder, env=self._environ, stdout=written, stderr=written
            )
        try:
            async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
                served = Served(self.name, client, key)
                await served.started(child)
                yield served
                proof.must(not await served.cache_failures(), f"{self.name}: the cache failed")
        finally:
            with suppress(ProcessLookupError):
                child.terminate()
            await child.wait()
        said = [
            line for line in log.read_text().splitlines() if re.search(r'"level": ?"(error|critical)"|Traceback', line)
        ]
        proof.problems += [f"{self.name} logged: {line[:300]}" for line in said]


class Served:
    """A version while it serves: its API and its pages."""

    def __init__(self, name: str, client: httpx2.AsyncClient, key: str) -> None:
        self.name = name
        self.client = client
        self._bearer = {"Authorization": f"Bearer {key}"}

    async def started(self, child: asyncio.subprocess.Process) -> None:
        for _ in range(3000):  # a busy machine takes its time; one that ends is seen at once
            with suppress(httpx2.TransportError):
                if (await self.client.get("/readyz")).status_code == 200:
                    return
            if child.returncode is not None:
                break
            await asyncio.sleep(0.1)
        raise RuntimeError(f"{self.name} does not serve")

    async def api(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {**self._bearer, **arguments.pop("headers", {})}
        response = await self.client.request(method, f"/api/v1/{path}", headers=headers, **arguments)
        response.raise_for_status()
        return response.json()

    async def place(self, order: dict[str, Any]) -> Any:
        return await self.api("POST", "orders", json=order, headers={"Idempotency-Key": order["number"]})

    async def page(self, path: str) -> str:
        """The page, once it knows; at most it asks for a while."""
        for _ in range(100):
            response = await self.client.get(path)
            if response.status_code != 202:
                break
            await asyncio.sleep(0.1)
        return response.text if response.status_code == 200 else f"({response.status_code})"

    async def shows(self, path: str, words: str) -> bool:
        """Whether a page says so, half a minute later at the latest: for so long each process keeps what banners there are."""
        for _ in range(350):
            if words in await self.page(path):
                return True
            await asyncio.sleep(0.1)
        return False

    async def answer(self, page: str, comment: str) -> int:
        form = {"moment": "after_checkout", "score": "5", "comment": comment}
        headers = {"Origin": str(self.client.base_url).rstrip("/")}
        return int((await self.client.post(f"{page}widgets/survey", data=form, headers=headers)).status_code)

    async def cache_failures(self) -> float:
        counted = re.findall(
            r"^doorstep_cache_failures_total\{.*\} (\S+)", (await self.client.get("/metrics")).text, re.MULTILINE
        )
        return sum(map(float, counted))


class Shop:
    """Two versions of one shop, and what was done in it so far."""

    def __init__(self, folder: Path, old: Version, new: Version, database: str, carrier: MovingCarrier) -> None:
        self.folder = folder
        self.old = old
        self.new = new
        self.database = database
        self.carrier = carrier
        self.proof = Proof()
        self.placed: dict[str, Any] = {}
        self._serial = 0

    def set_up(self, redis: str, carrier: str, endpoint: str) -> str:
        """Everything is written by the earlier version; gives a key of the API, which it has made."""
        for made in (("carrier", "Acme", "--shop"), ("widget", "Parade", "--shop"), ("theme", "harbour")):
            self.old.run("new", *made, folder=self.folder)
        settings = _SETTINGS.format(database=self.database, redis=redis, carrier=carrier, endpoint=endpoint)
        (self.folder / "doorstep.toml").write_text(settings)
        scopes = [part for scope in _SCOPES for part in ("--scope", scope)]
        return re.findall(r"ds_\w+_\w+", self.old.run("keys", "new", "checkout", *scopes, folder=self.folder))[0]

    def check(self) -> None:
        """What the new version says of the old one's settings, theme and plugins."""
        for asked in (["config"], ["theme", "themes/harbour"], ["plugin", *_PLUGIN]):
            try:
                self.new.run("check", *asked, folder=self.folder)
            except RuntimeError as error:
                self.proof.problems.append(str(error))

    async def side_by_side(self, one: Served, other: Served) -> None:
        """What `one` does, `other` knows."""
        await self._orders(one, other)
        await self._parcels(one, other)
        await self._banners(one, other)

    async def _orders(self, one: Served, other: Served) -> None:
        must, number = self.proof.must, f"{one.name}-{len(self.placed)}"
        order = {"number": number, "email": "mira@mail.example", "items": [{"name": "Kettle", "quantity": 1}]}
        placed = self.placed[number] = await one.place(order)
        again = await other.place(order)
        must(again["id"] == placed["id"], f"{other.name} did again what {one.name} had done under one Idempotency-Key")
        changed = await other.api("PATCH", f"orders/{placed['id']}", json={"note": f"seen by {other.name}"})
        found = await one.api("GET", f"orders/{placed['id']}")
        must(found["note"] == changed["note"], f"{one.name} does not see what {other.name} changed in an order")
        page = urlsplit(placed["links"]["order"]).path
        for served in (one, other):
            shown = await served.page(page)
            must("Kettle" in shown and _THANKS in shown, f"{served.name} does not show {one.name}'s order by its link")
        must(await one.answer(page, f"from {one.name}") == 303, f"{one.name} takes no answer to a survey")
        told = (await other.api("GET", "answers"))["answers"]
        said = [row["data"]["comment"] for row in told if row["order"] and row["order"]["number"] == number]
        must(said == [f"from {one.name}"], f"{other.name} does not read an answer that {one.name} took: {said}")
        must(await other.answer(page, f"from {other.name}") == 303, f"{other.name} does not let an answer be changed")

    async def _parcels(self, one: Served, other: Served) -> None:
        """Of an order, and of strangers."""
        self._serial += 1
        number = number_of(1000 + self._serial)
        await self._asked_once(one, other, number)
        parcel = number_of(5000 + self._serial)
        order = {"number": f"{one.name}-parcel-{self._serial}", "shipments": [{"number": parcel}]}
        placed = self.placed[order["number"]] = await one.place(order)
        page = urlsplit(placed["links"]["order"]).path
        for served in (one, other):
            self.proof.must(
                await served.shows(page, "Utrecht"), f"{served.name} does not show a parcel of {one.name}'s order"
            )

    async def _asked_once(self, one: Served, other: Served, number: str) -> None:
        shown = await one.page(f"/track/{number}")
        before = self.carrier.asked
        seen = await other.page(f"/track/{number}")
        again = self.carrier.asked - before
        self.proof.read_by_the_other += not again
        self.proof.asked_again += again
        self.proof.must(again <= 1, f"{other.name} asked {again} times about what {one.name} knew")
        must_say = ("Utrecht", _THANKS)
        self.proof.must(all(words in shown and words in seen for words in must_say), f"{number} is not on both pages")

    async def _banners(self, one: Served, other: Served) -> None:
        words = f"A storm, says {one.name} {len(self.placed)}."
        page = f"/track/{number_of(1000 + self._serial)}"
        for served in (one, other):
            await served.page(page)
        await one.api("POST", "banners", json={"text": {"en": words}})
        for served in (one, other):
            self.proof.must(await served.shows(page, words), f"{served.name} does not show {one.name}'s banner")

    async def afterwards(self, served: Served) -> None:
        """One version alone knows everything that both did."""
        for number, placed in self.placed.items():
            found = await served.api("GET", f"orders/{placed['id']}")
            self.proof.must(found["number"] == number, f"{served.name} lost order {number}")
            shown = await served.page(urlsplit(placed["links"]["order"]).path)
            self.proof.must(_THANKS in shown, f"{served.name} does not show order {number}")
        self.proof.orders = len(self.placed)


async def prove(folder: Path, database: str, earlier: Path, seed: int) -> Proof:
    """`earlier` is an unpacked version with its environment; `database` is empty."""
    old, new = Version("old", earlier / ".venv" / "bin" / "python"), Version("new", Path(sys.executable))
    dice = random.Random(seed)
    carrier, endpoint = MovingCarrier(dice, lambda: datetime.now(UTC)), Endpoint(dice)
    carrier.moody = endpoint.moody = False
    with redis_server(folder) as redis:
        async with hostile(choose=carrier.answer) as asked, hostile(choose=endpoint.answer) as told:
            shop = Shop(folder, old, new, database, carrier)
            key = shop.set_up(redis.url, asked.url, told.url)
            tables = _tables_of(database, folder)
            async with old.serving(folder, key, shop.proof) as before:
                await shop.side_by_side(before, before)
                shop.check()
                async with new.serving(folder, key, shop.proof) as after:
                    for one, other in ((before, after), (after, before)) * 2:
                        await shop.side_by_side(one, other)
            async with new.serving(folder, key, shop.proof) as after:
                await shop.afterwards(after)
            shop.proof.rows = _back_and_forth(database, folder, tables, shop.proof)
            async with old.serving(folder, key, shop.proof) as before:
                await shop.afterwards(before)
                await shop.side_by_side(before, before)
            async with new.serving(folder, key, shop.proof) as after:
                await shop.afterwards(after)
                await _delivered(after, endpoint)
    shop.proof.tables = f"{tables} and {newest_version()}"
    shop.proof.webhooks = len(endpoint.taken)
    shop.proof.problems += [f"{id} came with two different bodies" for id in endpoint.changed()]
    shop.proof.must(shop.proof.webhooks >= len(shop.placed), "not every order was told of")
    return shop.proof


async def _delivered(served: Served, endpoint: Endpoint) -> None:
    """Until no webhook comes any more."""
    seen = -1
    while seen != len(endpoint.taken):
        seen = len(endpoint.taken)
        await asyncio.sleep(2)


def _tables_of(database: str, folder: Path) -> str:
    with _opened(database, folder) as connection:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def _back_and_forth(database: str, folder: Path, version: str, proof: Proof) -> int:
    """The tables of the earlier version, as they were and as they are after the migrations were taken back: how many rows."""
    with _opened(database, folder) as connection:
        before = _rows(connection)
        alembic.downgrade(migrations_of(connection), version)
    with _opened(database, folder) as connection:
        after = _rows(connection)
    for table, rows in after.items():
        kept = [{name: row[name] for name in (rows or [{}])[0]} for row in before[table]]
        proof.must(table == "alembic_version" or kept == rows, f"rows of {table} are not what they were")
    return sum(map(len, after.values()))


def _rows(connection: Any) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in inspect(connection).get_table_names():
        rows = [dict(row) for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings()]
        found[table] = sorted(rows, key=lambda row: str(next(iter(row.values()))))
    return found


@contextmanager
def _opened(database: str, folder: Path) -> Iterator[Any]:
    """A transaction; closed behind it, so that the versions have the database to themselves."""
    parsed = make_url(database)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(database=str(folder / str(parsed.database)))
    else:
        parsed = parsed.set(drivername="postgresql+psycopg")
    with create_engine(parsed, poolclass=NullPool).begin() as connection:
        yield connection


@contextmanager
def unpacked(ref: str, folder: Path) -> Iterator[Path]:
    """An earlier version's files, with an environment as its own requirements say."""
    archive = subprocess.run(["git", "archive", ref], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "x"], cwd=folder, input=archive.stdout, check=True)
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environ["PATH"] = (
        f"{sys.base_prefix}/bin{os.pathsep}{environ['PATH']}"  # an environment's own python3 may have no pip
    )
    subprocess.run(["./dev", "run", "true"], cwd=folder, env=environ, check=True)
    yield folder
