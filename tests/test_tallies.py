"""Counts: each parcel and day once, added up in the database, and nothing that names anybody."""

import asyncio
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from doorstep import tallies as module
from doorstep.answers import Answers
from doorstep.cache import Unshared
from doorstep.database import Database
from doorstep.errors import StoreError
from doorstep.metrics import Metrics
from doorstep.outbox import Outbox
from doorstep.secret import Secret
from doorstep.shared_cache import RedisServer
from doorstep.tables import tallies as table
from doorstep.tallies import Glance, Tallies

from .clock import FakeClock
from .servers import redis_server

pytestmark = pytest.mark.anyio
ZONES = {"main": ZoneInfo("UTC"), "berlin": ZoneInfo("Europe/Berlin")}
TODAY = date(2026, 11, 22)
SECRET = Secret("0123456789abcdef0123456789abcdef")


def counting(database: Database, clock: FakeClock, shared: Any = None) -> Tallies:
    return Tallies(database, secret=SECRET, clock=clock, zones=ZONES, shared=shared, space="space")


def kept(database: Database) -> dict[tuple[Any, ...], int]:
    with database.reading() as connection:
        rows = connection.execute(select(table).order_by(*table.primary_key)).all()
    return {(row.store, row.day, row.kind, row.subject): row.count for row in rows}


async def test_a_parcel_is_seen_once_a_day_and_so_is_a_widget_on_its_page(database: Database, clock: FakeClock) -> None:
    counts = counting(database, clock)
    counts.view(Glance("main", "tracking", "a"))
    counts.view(Glance("main", "tracking", "a", ("offer",)))  # which has something to say by now
    counts.view(Glance("main", "tracking", "b", ("offer", "review")))
    counts.view(Glance("main", "order", "a"))
    counts.view(Glance("berlin", "tracking", "a"))
    await counts.flush()
    counts.view(Glance("main", "tracking", "a", ("offer",)))
    await counts.flush()
    assert kept(database) == {
        ("berlin", TODAY, "viewed", "tracking"): 1,
        ("main", TODAY, "shown", "offer"): 2,
        ("main", TODAY, "shown", "review"): 1,
        ("main", TODAY, "viewed", "order"): 1,
        ("main", TODAY, "viewed", "tracking"): 2,
    }


async def test_a_day_is_the_shops_own(database: Database, clock: FakeClock) -> None:
    clock.advance(11.5 * 3600)  # half past eleven in the evening, UTC
    counts = counting(database, clock)
    for store in ("main", "berlin"):
        counts.note(store, "clicked", "offer")
        counts.view(Glance(store, "tracking", "a"))
    await counts.flush()
    assert {(store, day) for store, day, _, _ in kept(database)} == {("main", TODAY), ("berlin", date(2026, 11, 23))}


async def test_tomorrow_a_parcel_is_seen_again(database: Database, clock: FakeClock) -> None:
    counts = counting(database, clock)
    for _ in range(3):
        counts.view(Glance("main", "tracking", "a"))
        clock.advance(86_400)
    await counts.flush()
    assert kept(database) == {("main", date(2026, 11, day), "viewed", "tracking"): 1 for day in (22, 23, 24)}


async def test_what_several_write_is_added_up(database: Database, clock: FakeClock) -> None:
    one, other = counting(database, clock), counting(database, clock)
    for counts, times in ((one, 3), (other, 2), (one, 1)):
        for _ in range(times):
            counts.note("main", "clicked", "offer")
        await counts.flush()
    with database.writing() as connection:
        one.add(connection, "main", "clicked", "offer")
    assert kept(database) == {("main", TODAY, "clicked", "offer"): 7}


async def test_processes_that_share_a_server_count_a_parcel_once(
    database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    with redis_server(tmp_path) as server:
        shared = [RedisServer(server.url, metrics=Metrics()) for _ in range(2)]
        for one in shared:
            counts = counting(database, clock, one)
            for parcel in range(1200):  # more than go in one round trip
                counts.view(Glance("main", "tracking", f"p{parcel}"))
            await counts.flush()
        for one in shared:
            await one.close()
    assert kept(database) == {("main", TODAY, "viewed", "tracking"): 1200}


class Lost:
    async def run(self, *asked: Any) -> Any:
        raise Unshared


async def test_without_the_server_each_process_counts_alone(database: Database, clock: FakeClock) -> None:
    counts = counting(database, clock, Lost())
    for _ in range(2):
        counts.view(Glance("main", "tracking", "a"))
        await counts.flush()
    assert kept(database) == {("main", TODAY, "viewed", "tracking"): 1}


async def test_what_the_database_does_not_take_is_written_later(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(work: Any) -> None:
        raise StoreError("the disk is full")

    counts = counting(database, clock)
    counts.note("main", "clicked", "offer")
    with monkeypatch.context() as patched:
        patched.setattr(database, "write", full)
        await counts.flush()
        counts.note("main", "clicked", "offer")
        await counts.flush()
    assert kept(database) == {}
    await counts.flush()
    await counts.flush()
    assert kept(database) == {("main", TODAY, "clicked", "offer"): 2}


async def test_what_is_counted_while_the_last_of_a_process_is_written_is_written_too(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, may_go_on, write = asyncio.Event(), asyncio.Event(), database.write

    async def slow(work: Any) -> None:
        writing.set()
        await may_go_on.wait()
        await write(work)

    monkeypatch.setattr(module, "EVERY", 0)
    monkeypatch.setattr(database, "write", slow)
    counts = counting(database, clock)
    counts.view(Glance("main", "tracking", "a"))
    async with counts.running():
        await writing.wait()
        counts.view(Glance("main", "tracking", "b"))
        counts.note("main", "clicked", "offer")
        asyncio.get_running_loop().call_soon(may_go_on.set)
    assert kept(database) == {("main", TODAY, "clicked", "offer"): 1, ("main", TODAY, "viewed", "tracking"): 2}


async def test_what_is_counted_is_written_at_the_end_of_the_process(database: Database, clock: FakeClock) -> None:
    counts = counting(database, clock)
    async with counts.running():
        counts.note("main", "clicked", "offer")
    assert kept(database) == {("main", TODAY, "clicked", "offer"): 1}


def test_a_hundred_thousand_parcels_are_told_apart_in_a_megabyte() -> None:
    # At the end 300,000 of 8.4 million bits are set: (0.036)³ of the last ones are taken for known, about one in all.
    counted, filled = module._Filter(), Random(7)
    marks = [tuple(filled.randrange(2**32) for _ in range(3)) for _ in range(100_000)]
    assert sum(counted.add(mark) for mark in marks) > 99_950
    assert not any(counted.add(mark) for mark in marks)


def test_a_mark_is_another_one_tomorrow_and_with_another_secret(tmp_path: Path, clock: FakeClock) -> None:
    database = Database("sqlite://", base=tmp_path)

    def mark(secret: Secret, day: date) -> Any:
        counts = Tallies(database, secret=secret, clock=clock, zones=ZONES)
        return counts._mark(module.Count("main", day, "viewed", "tracking"), "a")

    marks = [mark(SECRET, TODAY), mark(SECRET, date(2026, 11, 23)), mark(Secret("other"), TODAY)]
    assert len(set(marks)) == 3
    assert mark(SECRET, TODAY) == marks[0]


async def test_an_answer_is_counted_once_however_often_it_is_edited(database: Database, clock: FakeClock) -> None:
    answers = Answers(database, Outbox({}, clock=clock), clock=clock, counted=counting(database, clock).add)
    for shipment, score in (("a", 1), ("a", 2), ("b", 3), ("a", 2)):
        await answers.save("main", "survey", shipment, "after_delivery", {"score": score})
        clock.advance(1)
    assert kept(database) == {("main", TODAY, "answered", "survey"): 2}
