"""Kills a shop's processes with SIGKILL at random moments, again and again, and looks whether anything is missing after it.

What must hold, on SQLite and PostgreSQL, with one worker and with two:

- every order that was answered with 201 is there, once, and what was last changed in it; so is every answer to a survey that
  was answered with 303, and every friend who came by a code;
- every event that is written arrives, under one id, and nothing arrives that is not written;
- no parcel goes back: its versions count up without a gap, its statuses follow the carrier's, each change has its event;
- every order has a code of the pool, each another, and none is lost;
- the database is sound.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import func, select, text

from doorstep.clock import SystemClock
from doorstep.database import Database
from doorstep.keys import SCOPES, Keys
from doorstep.scaffold import new_carrier
from doorstep.serving import listen
from doorstep.tables import answers, codes, deliveries, events, history, order_parcels, orders, parcels, referrals

from ..servers import hostile
from .clients import Checkout
from .neighbours import STATUSES, Endpoint, MovingCarrier

_VICTIM = Path(__file__).with_name("victim.py")
_HOUR = 3600.0  # between two lives
_LONG = 20 * _HOUR  # before the last one: everything is due again, and an Idempotency-Key is not forgotten yet
_POOL = [f"AUT-{nth}" for nth in range(2000)]
_ORDERS = 6  # new ones in a life
_LIFE = 4.0  # seconds after which it ends, however little it did
_SETTLED = 300.0  # seconds after which the last life must have come to its end
_SETTINGS = """\
secret_key = "a secret of thirty-two characters or more"
database = "{database}"

[server.api_limit]
calls = 1000000

[carriers.acme]
endpoint = "{carrier}"
key = "a key"

[stores.main]
name = "Harbour & Pine"

[stores.main.widgets.offer]
text = "10 % off"
pool = "autumn"

[stores.main.widgets.survey.after_checkout]
kind = "stars"

[stores.main.widgets.referral]
link = "https://shop.example/friends"

[stores.main.webhooks.crm]
url = "{endpoint}/hook"
secret = ["whsec_bm90IGEgc2VjcmV0LCB0aHJpdHktdHdvIGJ5dGVzISE="]
"""


class Proof(Struct, frozen=True):
    """What was done, and what is wrong after it: nothing, if it is proved."""

    kills: int
    orders: int
    changes: int  # of orders, by the API
    answers: int  # of customers, by their pages
    friends: int  # whom customers brought
    versions: int  # of parcels
    events: int
    repeated: int  # webhooks that came more than once
    problems: list[str]


class Shop:
    """A shop's processes, and where they are reached."""

    def __init__(self, folder: Path, workers: int) -> None:
        # Bound and never listened at: nobody else is given the port while the shop is dead.
        self._place = listen("127.0.0.1", 0)
        self.port = self._place.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.shift = 0.0
        self.problems: list[str] = []
        self._folder = folder
        self._roles = ["serve", *["work"] * (workers - 1)]
        self._pids: list[int] = []
        self._nursery: subprocess.Popen[str] | None = None

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.shift)

    def start(self) -> None:
        self._pids = [self._born(role) for role in self._roles]

    def kill(self, dice: random.Random) -> None:
        """All at once, or one after the other."""
        at_once = dice.random() < 0.5
        dice.shuffle(self._pids)
        for pid in self._pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                log = (self._folder / "victims.log").read_text().splitlines()
                self.problems.append(f"a process ended by itself; the last of the log: {log[-1:]}")
            if not at_once:
                time.sleep(dice.uniform(0, 0.2))
        for pid in self._pids:
            _wait_for_end(pid)

    @contextmanager
    def opened(self) -> Iterator[None]:
        command = [sys.executable, str(_VICTIM), str(self._folder / "doorstep.toml")]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with self._place, (self._folder / "victims.log").open("w") as log:
            self._nursery = subprocess.Popen(command, cwd=self._folder, stderr=log, **pipes)
            with self._nursery as nursery:
                assert nursery.stdout is not None
                assert nursery.stdin is not None
                assert nursery.stdout.readline() == "ready\n"
                try:
                    yield
                finally:
                    nursery.stdin.close()

    def _born(self, role: str) -> int:
        wanted = {"role": role, "port": self.port, "shift": self.shift}
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps(wanted) + "\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())


def _wait_for_end(pid: int) -> None:
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.002)


async def prove(folder: Path, database_url: str, *, workers: int, kills: int, seed: int) -> Proof:
    """Lives and dies so many times, then one whole life; what came of it."""
    dice = random.Random(seed)
    async with _neighbourhood(folder, database_url, workers, dice) as (shop, carrier, endpoint, checkout, database):
        witness = _Witness(database, carrier, endpoint, checkout)
        for _ in range(kills):
            shop.start()
            await _live(shop, checkout, dice, lambda: carrier.asked + endpoint.asked + checkout.answered)
            witness.look()
            shop.shift += _HOUR
        carrier.moody = endpoint.moody = False
        shop.shift += _LONG
        shop.start()
        await _come_to_rest(shop, checkout, database)
        shop.kill(dice)
        witness.look()
        return witness.judged(kills, shop.problems)


async def _live(shop: Shop, checkout: Checkout, dice: random.Random, done: Callable[[], int]) -> None:
    """A life: ended before it can do anything, or in the middle of something; `done` counts what it did."""
    if dice.random() < 0.15:
        await asyncio.sleep(dice.uniform(0, 0.6))
        await asyncio.to_thread(shop.kill, dice)
        return
    enough = done() + dice.randint(1, 40)
    await _until_answered(checkout)
    shopping = asyncio.create_task(checkout.work(_ORDERS))
    with suppress(TimeoutError):
        async with asyncio.timeout(_LIFE):
            while done() < enough:  # noqa: ASYNC110  # other processes do it
                await asyncio.sleep(0.002)
    await asyncio.sleep(dice.uniform(0, 0.05))
    await asyncio.to_thread(shop.kill, dice)
    await shopping


async def _until_answered(checkout: Checkout) -> None:
    async with asyncio.timeout(60):
        while not await checkout.is_answered():  # noqa: ASYNC110  # another process will
            await asyncio.sleep(0.02)


async def _come_to_rest(shop: Shop, checkout: Checkout, database: Database) -> None:
    """Until nothing is due, nothing waits to be delivered, and what got no answer was said again."""
    await _until_answered(checkout)
    await checkout.work(1)
    async with asyncio.timeout(_SETTLED):
        while _left(database, shop.now()):  # noqa: ASYNC110  # another process changes it
            await asyncio.sleep(0.1)


def _left(database: Database, now: datetime) -> int:
    waiting = select(func.count()).select_from(deliveries).where(deliveries.c.state == "pending")
    due = select(func.count()).select_from(parcels).where(parcels.c.due_at <= now)
    with database.reading() as connection:
        return sum(connection.scalar(query) or 0 for query in (waiting, due))


@asynccontextmanager
async def _neighbourhood(
    folder: Path, database_url: str, workers: int, dice: random.Random
) -> AsyncIterator[tuple[Shop, MovingCarrier, Endpoint, Checkout, Database]]:
    database = Database(database_url, base=folder)
    database.open_now()
    with database.writing() as connection:
        _, key = Keys(clock=SystemClock()).new(connection, "main", "checkout", SCOPES)
        blank = {"store": "main", "widget": "", "pool": "autumn", "redeemed_by": "", "created_at": SystemClock().now()}
        connection.execute(codes.insert(), [{**blank, "code": code} for code in _POOL])
    write_plugin(folder)
    endpoint = Endpoint(random.Random(dice.random()))
    shop = Shop(folder, workers)
    carrier = MovingCarrier(random.Random(dice.random()), shop.now)
    checkout = Checkout(shop.url, key.reveal(), random.Random(dice.random()))
    async with hostile(choose=carrier.answer) as asked, hostile(choose=endpoint.answer) as told:
        settings = _SETTINGS.format(database=database_url, carrier=asked.url, endpoint=told.url)
        (folder / "doorstep.toml").write_text(settings)
        with shop.opened():
            yield shop, carrier, endpoint, checkout, database
    database.close_now()


def write_plugin(folder: Path) -> None:
    """The carrier that `doorstep new carrier` writes, which asks a server of ours, as often as it likes."""
    new_carrier("Acme", folder, shop=True)
    manifest = folder / "plugins" / "doorstep_acme" / "carrier.toml"
    manifest.write_text(manifest.read_text().replace("calls = 500", "calls = 1000000"))


class _Witness:
    """Looks at the database while nobody lives, and says at the end what is wrong."""

    def __init__(self, database: Database, carrier: MovingCarrier, endpoint: Endpoint, checkout: Checkout) -> None:
        self._database = database
        self._carrier = carrier
        self._endpoint = endpoint
        self._checkout = checkout
        self._seen: dict[str, Any] = {}
        self._problems: list[str] = []

    def look(self) -> None:
        with self._database.reading() as connection:
            if self._database.is_sqlite:
                self._problems += _unsound(connection)
            for row in connection.execute(select(parcels)):
                before = self._seen.get(row.id)
                if before is not None and _goes_back(before, row):
                    self._problems.append(f"parcel {row.number} went back: version {before.version} to {row.version}")
                self._seen[row.id] = row

    def judged(self, kills: int, problems: list[str]) -> Proof:
        with self._database.reading() as connection:
            versions = self._follow_parcels(connection)
            written = self._follow_events(connection)
            self._follow_orders(connection)
            self._follow_codes(connection)
            self._follow_answers(connection)
            friends = self._follow_friends(connection)
        self._problems += [*self._checkout.problems, *problems]
        changes = sum(self._checkout.noted.values())
        repeated = self._endpoint.repeated
        made, answers = len(self._checkout.accepted), len(self._checkout.said)
        return Proof(kills, made, changes, answers, friends, versions, written, repeated, self._problems)

    def _follow_orders(self, connection: Any) -> None:
        found = {row.number: row for row in connection.execute(select(orders))}
        listed: dict[str, set[str]] = {}
        packed = select(order_parcels.c.order_id, parcels.c.number).join(parcels)
        for order_id, number in connection.execute(packed):
            listed.setdefault(order_id, set()).add(number)
        for number, accepted in self._checkout.accepted.items():
            row = found.get(number)
            if row is None or row.id != accepted["id"]:
                self._problems.append(f"order {number} was accepted and is not there")
            elif listed.get(row.id, set()) != {one["number"] for one in accepted["shipments"]}:
                self._problems.append(f"order {number} has other parcels")
            elif int(msgspec.json.decode(row.document).get("note") or 0) < self._checkout.noted.get(number, 0):
                self._problems.append(f"order {number} lost a change")

    def _follow_answers(self, connection: Any) -> None:
        data = {row.shipment: msgspec.json.decode(row.data) for row in connection.execute(select(answers))}
        for number, words in self._checkout.said.items():
            kept = data.get(self._checkout.accepted[number]["id"])
            if kept is None or int(kept["comment"]) < words:
                self._problems.append(f"an answer to order {number} was accepted and is not there")

    def _follow_friends(self, connection: Any) -> int:
        brought = select(referrals.c.order_number, codes.c.code).join(codes, codes.c.id == referrals.c.code_id)
        found = {row.order_number: row.code for row in connection.execute(brought)}
        named = {number: one["referral"] for number, one in self._checkout.accepted.items() if "referral" in one}
        if found != named:
            self._problems.append(f"friends came by other codes than were named: {found.items() ^ named.items()}")
        return len(found)

    def _follow_codes(self, connection: Any) -> None:
        mine = codes.c.pool == "autumn"
        given = list(connection.scalars(select(codes.c.order_id).where(mine, codes.c.reserved_at.is_not(None))))
        if sorted(given) != sorted(connection.scalars(select(orders.c.id))):
            self._problems.append("not every order has a code of its own")
        if connection.scalar(select(func.count()).select_from(codes).where(mine)) != len(_POOL):
            self._problems.append("codes are gone, or came from nowhere")

    def _follow_events(self, connection: Any) -> int:
        written = {row.id: row for row in connection.execute(select(events))}
        taken = set(self._endpoint.taken)
        self._problems += [f"{written[id].type} {id} never arrived" for id in written.keys() - taken]
        self._problems += [f"{id} arrived and is written nowhere" for id in taken - written.keys()]
        self._problems += [f"{id} came with two different bodies" for id in self._endpoint.changed()]
        created = [row.order_id for row in written.values() if row.type == "order.created"]
        there = set(connection.scalars(select(orders.c.id)))
        if sorted(created) != sorted(there):
            self._problems.append("not every order was told of once")
        return len(written)

    def _follow_parcels(self, connection: Any) -> int:
        told = {once.split(":")[1] + once.rpartition(":")[2] for once in connection.scalars(_status_changes())}
        past: dict[str, list[Any]] = {}
        for row in connection.execute(select(history).order_by(history.c.parcel_id, history.c.version)):
            past.setdefault(row.parcel_id, []).append(row)
        for row in connection.execute(select(parcels)):
            changes = past.get(row.id, [])
            stages = [STATUSES.index(change.status) for change in changes]
            times = [change.at for change in changes]
            if [change.version for change in changes] != list(range(1, row.version + 1)):
                self._problems.append(f"the history of {row.number} has a gap")
            if stages != sorted(stages) or times != sorted(times):
                self._problems.append(f"the history of {row.number} goes back")
            if row.status != self._carrier.stage(row.number):
                self._problems.append(f"{row.number} is not where the carrier says")
            if any(f"{row.id}{change.version}" not in told for change in changes):
                self._problems.append(f"a change of {row.number} was not told")
        return sum(map(len, past.values()))


def _status_changes() -> Any:
    return select(events.c.once).where(events.c.type == "shipment.status_changed")


def _goes_back(before: Any, after: Any) -> bool:
    earlier = before.fetched_at is not None and (after.fetched_at is None or after.fetched_at < before.fetched_at)
    return after.version < before.version or earlier


def _unsound(connection: Any) -> list[str]:
    found = [row[0] for row in connection.execute(text("PRAGMA integrity_check"))]
    loose = connection.execute(text("PRAGMA foreign_key_check")).all()
    return [f"integrity: {one}" for one in found if one != "ok"] + [f"loose row: {tuple(row)}" for row in loose]
