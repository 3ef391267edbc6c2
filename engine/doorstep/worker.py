"""Refreshes parcels of orders that nobody looks at, notices what slips, and sees to the other chores of an engine.

    worker = Worker(engine, chores_of(engine))
    await worker.run()         until stop(); the command's and the demo's way
    await worker.run_once()    every chore once

What is due is claimed with a lease, so several workers share the work: PostgreSQL lets each pass over the others' rows, SQLite
has one writer at a time anyway. A worker that dies leaves its claims behind until their lease ends; nothing else is lost.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from sqlalchemy import Connection, Row, update

from .engine import Engine
from .errors import RateLimited, StoreError
from .freshness import Record
from .manifest import Ability
from .plugins import Account
from .retention import forget_old
from .tables import parcels
from .tracker import Refreshed, Wanted
from .watch import Watch

LEASE = timedelta(minutes=5)
DRAIN = 10.0  # seconds that work under way is waited for at the end
_CLAIMED = 200  # parcels of one pass
_PAUSE = 5.0  # seconds a carrier that has had enough is left alone, at least
_LONGEST_PAUSE = 6 * 3600.0
_RENEWED = timedelta(days=2)  # before a registration ends: a parcel is asked about once a day at least
_ROUND = 20.0  # seconds for the parcels of one account in one pass: a slow carrier does not hold up the others

log = structlog.get_logger("doorstep.worker")


class Chore(Struct, frozen=True):
    """Something to be done every so many seconds. `run` says how much it did: while there was something, it runs again."""

    name: str
    every: float
    run: Callable[[], Awaitable[int]]


class Claimed(Struct, frozen=True):
    """A parcel that is ours until the lease ends, with what is known of it."""

    parcel_id: str
    wanted: Wanted
    registered_at: datetime | None
    final: bool


class Worker:
    """One per process. `chores` are done beside the refreshing and the watching."""

    def __init__(self, engine: Engine, chores: Sequence[Chore] = ()) -> None:
        calendars = {id: (one.calendar, ZoneInfo(one.timezone)) for id, one in engine.config.stores.items()}
        self._engine = engine
        lives = {id: one.freshness for id, one in engine.config.stores.items()}
        self._watch = Watch(engine.database, engine.outbox, clock=engine.clock, calendars=calendars, lives=lives)
        self._chores = (
            Chore("refresh", 2.0, self.refresh),
            Chore("promises", 60.0, self._watch.look_round),
            *chores,
        )
        self._held: set[str] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Works until `stop()`; then what is under way comes to its end, for ten seconds at most."""
        loops = [asyncio.create_task(self._repeat(chore)) for chore in self._chores]
        try:
            await self._stopping.wait()
            await asyncio.wait(loops, timeout=DRAIN)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._give_back()

    def stop(self) -> None:
        self._stopping.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works beside something else, in the same process, while the block runs."""
        work = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.stop()
            await work

    async def run_once(self) -> int:
        """Every chore once, in order; how much was done."""
        return sum([await chore.run() for chore in self._chores])

    async def refresh(self) -> int:
        """Claims parcels that are due, asks about them, records the answers; how many were claimed."""
        backlog = await self._engine.database.read(self._watch.backlog)
        metrics = self._engine.metrics
        metrics.worker_due.set(backlog.due)
        metrics.worker_lag.set(backlog.lag)
        if not backlog.due or self._stopping.is_set():
            return 0
        claimed = await self._engine.database.write(self._claim)
        metrics.worker_claims.inc(len(claimed))
        self._held |= {one.parcel_id for one in claimed}
        try:
            rounds = await self._rounds(claimed)
            await asyncio.gather(*(one.work_off() for one in rounds))
        finally:
            await self._give_back()
        return len(claimed)

    def _claim(self, connection: Connection) -> list[Claimed]:
        rows = self._watch.claim(connection, limit=_CLAIMED, lease=LEASE)
        records = self._engine.records.of(connection, [row.id for row in rows])
        return [self._claimed(row, records.get(row.id, Record())) for row in rows]

    def _claimed(self, row: Row[Any], record: Record) -> Claimed:
        store = self._engine.config.stores[row.store]
        return Claimed(row.id, Wanted(row.number, store, record), row.registered_at, row.final)

    async def _rounds(self, claimed: Sequence[Claimed]) -> list["_Round"]:
        by_account: dict[str, list[Claimed]] = {}
        accounts: dict[str, Account | None] = {}
        for one in claimed:
            account = await self._engine.tracker.first_asked(one.wanted)
            name = account.name if account else ""
            accounts[name] = account
            by_account.setdefault(name, []).append(one)
        return [
            _Round(self._engine, self._watch, accounts[name], mine, self._held, self._stopping)
            for name, mine in by_account.items()
        ]

    async def _repeat(self, chore: Chore) -> None:
        """One that fails is tried again later, and keeps none of the others from being done."""
        while not self._stopping.is_set():
            done = 0
            try:
                done = await chore.run()
            except StoreError as error:
                log.error("chore failed", chore=chore.name, reason=error.message)
            except Exception as error:
                log.exception("chore failed", chore=chore.name, error=type(error).__name__)
            if not done:
                with suppress(TimeoutError):
                    async with asyncio.timeout(chore.every):
                        await self._stopping.wait()

    async def _give_back(self) -> None:
        """Lets others have what was claimed and not asked."""
        if not self._held:
            return
        ids = list(self._held)
        self._held.clear()
        try:
            await self._engine.database.write(partial(self._watch.release, parcel_ids=ids))
        except StoreError as error:
            log.warning("claims are kept until their lease ends", parcels=len(ids), reason=error.message)


class _Round:
    """The parcels of one pass that one account is asked about, or nobody can be. `held` are the worker's claims."""

    def __init__(
        self, engine: Engine, watch: Watch, account: Account | None, claimed: Sequence[Claimed], held: set[str],
        stopping: asyncio.Event,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._watch = watch
        self._account = account
        self._name = account.name if account else ""
        self._held = held
        self._stopping = stopping
        self._ends = engine.clock.monotonic() + _ROUND
        manifest = account.carrier.manifest if account else None
        size = manifest.batch if manifest and Ability.TRACK_MANY in manifest.can else 1
        self._at_once = max(1, manifest.concurrent // 2) if manifest else 1  # the other half is for pages
        self._batches = iter([claimed[start : start + size] for start in range(0, len(claimed), size)])
        self._unwatched = {one.parcel_id: one for one in claimed if account and self._is_unwatched(account, one)}
        self._telling: dict[str, asyncio.Task[None]] = {}

    def _is_unwatched(self, account: Account, one: Claimed) -> bool:
        """Whether the carrier has to be told to watch it, or told again. One that only pushes news is told if we hear."""
        manifest = account.carrier.manifest
        if one.final or Ability.REGISTER not in manifest.can:
            return False
        if Ability.PUSH in manifest.can and not (manifest.aggregator or account.hears):
            return False
        if one.registered_at is None:
            return True
        lasts = timedelta(days=manifest.registered_days)
        return bool(lasts) and one.registered_at + max(lasts - _RENEWED, lasts / 2) <= self._engine.clock.now()

    async def work_off(self) -> None:
        await asyncio.gather(*(self._take_batches() for _ in range(self._at_once)))

    async def _take_batches(self) -> None:
        for batch in self._batches:
            if self._stopping.is_set():
                return
            await self._register(batch)
            limited, seconds = await self._ask(batch)
            if limited:
                await self._postpone([limited, *self._batches], seconds, "carrier has had enough for now")
            elif self._engine.clock.monotonic() >= self._ends:
                await self._postpone(list(self._batches), seconds, "carrier is slow")

    async def _ask(self, batch: Sequence[Claimed]) -> tuple[list[Claimed], float]:
        """Asks, and keeps what was said; returns those for whom the carrier has had enough, and for how long."""
        said = [Refreshed()] * len(batch)
        if self._account is not None:
            said = await self._engine.tracker.refresh([one.wanted for one in batch])
        limited, seconds, heard = [], _PAUSE, []
        for one, refreshed in zip(batch, said, strict=True):
            if isinstance(refreshed.error, RateLimited):
                limited.append(one)
                seconds = max(seconds, refreshed.error.retry_after or 0.0)
            else:
                heard.append((one, refreshed))
        await self._keep(heard)
        if failed := [refreshed.error for _, refreshed in heard if refreshed.error is not None]:
            log.warning("carrier did not answer", account=self._name, parcels=len(failed), reason=failed[0].message)
        return limited, seconds

    async def _keep(self, heard: Sequence[tuple[Claimed, Refreshed]]) -> None:
        """In one transaction; where that fails each by itself, so that one parcel does not keep the others from it."""
        try:
            results = await self._engine.database.write(partial(self._kept, heard=heard))
        except StoreError as error:
            if len(heard) > 1:
                for one in heard:
                    await self._keep([one])
                return
            log.error("an answer could not be kept", reason=error.message)
            results = ["lost"]  # asked again when the lease ends
        self._held -= {one.parcel_id for one, _ in heard}
        for result in results:
            self._engine.metrics.worker_refreshed.labels(result).inc()

    def _kept(self, connection: Connection, *, heard: Sequence[tuple[Claimed, Refreshed]]) -> list[str]:
        results = []
        for one, refreshed in heard:
            if refreshed.error is not None:
                self._engine.records.failed(connection, one.parcel_id, refreshed.error)
                results.append("failed")
            else:
                is_new = self._engine.records.record(connection, one.parcel_id, refreshed.entries)
                results.append("new" if is_new else "known")
            self._watch.settle(connection, one.parcel_id, one.wanted.record.news_at)
        return results

    async def _postpone(self, batches: Sequence[Sequence[Claimed]], seconds: float, why: str) -> None:
        """Each batch a pause later than the one before, so that they do not all come back at once."""
        ids = {one.parcel_id for batch in batches for one in batch}
        if not ids:
            return

        def postpone(connection: Connection) -> None:
            for nth, batch in enumerate(batches, 1):
                later = min(nth * seconds, _LONGEST_PAUSE)
                self._watch.postpone(connection, [one.parcel_id for one in batch], later)

        await self._engine.database.write(postpone)
        self._held -= ids
        self._engine.metrics.worker_refreshed.labels("postponed").inc(len(ids))
        log.info(why, account=self._name, parcels=len(ids), seconds=round(seconds))

    async def _register(self, batch: Sequence[Claimed]) -> None:
        """Tells the carrier which parcels to watch, with those that come after them: it takes many numbers at once."""
        mine = {one.parcel_id for one in batch}
        if self._account is not None and not self._unwatched.keys().isdisjoint(mine):
            waiting = sorted(self._unwatched, key=lambda parcel_id: parcel_id not in mine)
            together = [self._unwatched.pop(one) for one in waiting[: self._account.carrier.manifest.batch]]
            telling = asyncio.create_task(self._tell(self._account, together))
            self._telling |= {one.parcel_id: telling for one in together}
        await asyncio.gather(*{self._telling[one] for one in mine & self._telling.keys()})

    async def _tell(self, account: Account, new: Sequence[Claimed]) -> None:
        results = await self._engine.fetcher.register(account, [self._engine.tracker.query(one.wanted) for one in new])
        watched = [one.parcel_id for one in new if results[one.wanted.number] is None]
        values = {"registered_at": self._engine.clock.now()}
        change = update(parcels).where(parcels.c.id.in_(watched)).values(values)
        await self._engine.database.write(lambda connection: connection.execute(change))
        errors = [error for error in results.values() if error is not None]
        if errors:
            log.warning("not registered", account=self._name, parcels=len(errors), reason=errors[0].message)


def chores_of(engine: Engine) -> list[Chore]:
    """What else an engine has to do: its outbox is delivered, shoppers are told, and what is past its time forgotten."""
    forget = partial(forget_old, engine.database, engine.config, engine.clock)
    return [
        Chore("deliver", 1.0, engine.deliverer.run_once),
        Chore("see what to say", 2.0, engine.speaking.planner.run_once),
        Chore("say it", 1.0, engine.speaking.sender.run_once),
        Chore("referrals", 300.0, engine.referrals.settle_due),
        Chore("forget", 3600.0, forget),
    ]


@asynccontextmanager
async def beside(engine: Engine) -> AsyncIterator[None]:
    """All of a worker's work, in the process that serves the pages, while the block runs."""
    async with Worker(engine, chores_of(engine)).running():
        yield
