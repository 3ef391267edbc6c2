"""What is to be said to shoppers: from a carrier's news to messages in the queue, and from there to a channel's hands.

python -m bench.messages COUNT     in a process of its own, whose memory and CPU are counted; prints JSON
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from datetime import time as Time
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
from msgspec import Struct
from sqlalchemy import Connection

from doorstep import Channel, ChannelSettings, Event, Found, Message, Moment, Precision, Reach, Secret, Shipment, Status
from doorstep.calendar import Calendar
from doorstep.clock import SystemClock
from doorstep.config import ApiLimit, Messages, Quiet, Store
from doorstep.database import Database
from doorstep.freshness import Entry
from doorstep.gathering import Gathering
from doorstep.jobs import Job
from doorstep.message import Topic
from doorstep.metrics import Metrics
from doorstep.order import Order, Parcel
from doorstep.order_views import Looked
from doorstep.orderbook import KeptOrder, OrderBook
from doorstep.outbox import Outbox
from doorstep.planner import Planner
from doorstep.ratelimits import RateLimits
from doorstep.records import Records
from doorstep.sender import Sender
from doorstep.taking import Desk
from doorstep.tallies import uncounted
from doorstep.vault import Vault

from .figures import Row

_AT_ONCE = 200  # orders in one transaction, to begin with
_SETTLED = timedelta(minutes=11)


def messages(*, named: bool) -> list[Row]:
    """messages a second into the queue, and out of it to a channel that takes them at once, with SQLite; the CPU and the most
    memory of the process: with a fifth of the messages too, because it must not grow with them"""
    return [row for count in ((2_000, 10_000) if named else (500, 2_000)) for row in _measured(count)]


def _measured(count: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="doorstep-messages-") as name:
        with Path(name, "told.json").open("wb") as out:
            process = subprocess.Popen([sys.executable, "-m", "bench.messages", f"{count}", name], stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        told = json.loads(Path(name, "told.json").read_text())
    peak = round(usage.ru_maxrss / 1024)
    return [
        {"name": f"messages, {phase}", "messages": count, **figures, "peak_mb": peak} for phase, figures in told.items()
    ]


class _Clock(SystemClock):
    """The system's, put forward at will."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class _Anybody(Struct, frozen=True):
    to: Secret | None = Secret("shopper@mail.example")
    reason: str = ""


class _Everybody:
    def recipients(
        self, connection: Connection, order: KeptOrder, topic: Topic, reach: Reach, *, unasked: bool
    ) -> Sequence[_Anybody]:
        return [_Anybody()]

    def to_ask(self, connection: Connection, order: KeptOrder, once: str) -> _Anybody:
        return _Anybody()


class _Writer:
    async def compose(self, job: Job, order: KeptOrder, looked: Sequence[Looked], to: Secret, at: datetime) -> Message:
        subject = f"Order {order.order.number}"
        return Message(job.id, job.store, job.kinds[0], to, "en", subject, "", "", subject, subject, "", "", "", {}, at)


class _Sink(Channel[ChannelSettings]):
    name = "sink"
    reach = Reach.EMAIL
    count = 0

    async def send(self, message: Message) -> str:
        self.count += 1
        return ""


async def _run(count: int, folder: Path) -> dict[str, Row]:
    clock, metrics, zone = _Clock(), Metrics(), ZoneInfo("Europe/Berlin")
    wishes = Messages(channels=("sink",), unasked=("sink",), quiet=Quiet(Time(), Time()))
    stores = {"main": Store(name="Bench", timezone="Europe/Berlin", messages=wishes)}
    database = Database("sqlite:///bench.db", base=folder)
    database.open_now()
    book = _filled(database, clock, count, zone)
    sink = _Sink(ChannelSettings(), httpx2.AsyncClient())
    gathering = Gathering(book, stores, clock=clock, leads=lambda store, items: frozenset())
    planner = Planner(database, gathering, _Everybody(), {"sink": sink}, stores, clock=clock)
    desk = Desk(
        gathering, _Everybody(), stores, lambda *told: None, uncounted, clock=clock, metrics=metrics
    )  # fmt: skip
    limits = {"sink": RateLimits(ApiLimit(calls=10 * count), clock=clock)}
    sender = Sender(
        database, desk, _Writer(), {"sink": sink}, limits=limits, manifests={}, clock=clock, metrics=metrics
    )  # fmt: skip
    queued = _Watch()
    while await planner.run_once():
        pass
    figures = {"into the queue": queued.row(count)}
    clock.ahead = _SETTLED
    sent = _Watch()
    while sink.count < count:
        await sender.run_once(wait=60)
    figures["to a channel"] = sent.row(count)
    await sink.http.aclose()
    await database.close()
    return figures


def _filled(database: Database, clock: _Clock, count: int, zone: ZoneInfo) -> OrderBook:
    """Orders whose parcel the carrier has just got."""
    vault, outbox = Vault([Secret("k" * 32)]), Outbox({}, clock=clock)
    book = OrderBook(vault, clock=clock, calendars={"main": (Calendar(), zone)}, carrier_named=str)
    records = Records(database, outbox, vault, clock=clock, languages={"main": "en"}, zones={"main": zone})
    for start in range(0, count, _AT_ONCE):
        with database.writing() as connection:
            for nth in range(start, min(start + _AT_ONCE, count)):
                parcels = (Parcel(f"JD{nth:010}", "acme"),)
                kept = book.create(
                    connection, "main", Order(f"B{nth}", email=f"s{nth}@mail.example", shipments=parcels)
                )
                said = {"acme": Entry(Found((_moving(clock.now()),)), clock.now())}
                records.record(connection, kept.parcels[0].id, said)
    return book


def _moving(at: datetime) -> Shipment:
    moment = Moment(at.isoformat(), Precision.MINUTE, instant=at)
    return Shipment(
        "JD", (Event(moment, Status.IN_TRANSIT),), id="s1", carrier="acme", status=Status.IN_TRANSIT, since=moment
    )


class _Watch:
    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def row(self, count: int) -> Row:
        seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
        return {
            "seconds": round(seconds, 1),
            "a_second": round(count / seconds),
            "cpu_us": round(cpu / count * 1e6),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(int(sys.argv[1]), Path(sys.argv[2])))))
