"""What is counted for a shop and a day: pages seen, widgets shown, links followed, forms answered. Nothing is about anybody.

A page is counted once for each parcel or order and day, a widget on it too. To know what was counted, the day has a filter
of bits: a parcel sets three, which a keyed hash chooses that is another one tomorrow. Nothing can be read back from it, it
takes the same memory however much is counted, and one in a hundred of very many may be left out for its sake.

Counts wait in memory and are added to the database every few seconds; a process that is killed loses those seconds.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from struct import Struct as Layout
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from .cache import Shared, Unshared
from .clock import Clock
from .database import Database, insert
from .errors import StoreError
from .secret import Secret
from .tables import tallies

Kind = Literal[
    "viewed", "shown", "clicked", "answered", "referred", "redeemed", "sent", "delivered", "bounced", "opened", "followed",
]  # fmt: skip
EVERY = 5.0  # seconds between two writings
_HERE = 2**23  # bits: a megabyte
_EVERYWHERE = 2**26  # bits: eight of them, for all processes
_DAYS = 2  # of filters that are kept: shops are on two sides of midnight
_LASTS = 3 * 86_400  # seconds
_AT_ONCE = 500  # marks in one round trip, rows in one statement
_THREE = Layout("<III")

log = structlog.get_logger("doorstep.tallies")


class Count(NamedTuple):
    """What is counted. `subject` is the kind of a page or message, or a widget's name."""

    store: str
    day: date
    kind: Kind
    subject: str


class Glance(Struct, frozen=True):
    """What somebody has before the eyes: a kind of page, of which parcel or order, and the widgets on it."""

    store: str
    page: Literal["tracking", "order"]
    of: str  # the shipment's or order's id
    widgets: tuple[str, ...] = ()


Mark = tuple[int, int, int]


Counted = Callable[[Connection, str, Kind, str], None]  # of a store, in the transaction in which it happens


def uncounted(connection: Connection, store: str, kind: Kind, subject: str) -> None:
    """Where nothing is counted."""


class Tallies:
    """Counts for all stores of an engine. `view` and `note` are for the loop's thread and wait for nothing."""

    def __init__(
        self, database: Database, *, secret: Secret, clock: Clock, zones: Mapping[str, ZoneInfo],
        shared: Shared | None = None, space: str = "",
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._zones = zones
        self._shared = shared
        self._space = space
        self._key_of = lru_cache(_DAYS)(lambda day: blake2b(f"{day}".encode(), key=_key(secret)).digest())
        self._counted_of = lru_cache(1024)(self._counts_of)
        self._filters: OrderedDict[date, _Filter] = OrderedDict()
        self._waiting: list[tuple[Count, Mark]] = []
        self._counts: Counter[Count] = Counter()
        self._failing = False

    def view(self, glance: Glance) -> None:
        """Somebody sees a page: counted the first time on a day of the store."""
        day = self._day(glance.store)
        of = self._mark(day, glance.of)
        for count, own in self._counted_of(glance.store, day, glance.page, glance.widgets):
            self._once(count, own, of)

    def once(self, store: str, kind: Kind, subject: str, of: str) -> None:
        """One more, the first time on a day of the store: `of` is the parcel or order that it is about."""
        day = self._day(store)
        count = Count(store, day, kind, subject)
        self._once(count, self._mark_of(count), self._mark(day, of))

    def _once(self, count: Count, own: Mark, of: Mark) -> None:
        mark = (of[0] ^ own[0], of[1] ^ own[1], of[2] ^ own[2])
        if self._filter(count.day).add(mark):
            self._waiting.append((count, mark))

    def note(self, store: str, kind: Kind, subject: str) -> None:
        """One more."""
        self._counts[Count(store, self._day(store), kind, subject)] += 1

    def add(self, connection: Connection, store: str, kind: Kind, subject: str) -> None:
        """One more, together with all else that this transaction writes."""
        _add(connection, {Count(store, self._day(store), kind, subject): 1})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Writes every few seconds while the block runs, and at its end."""
        stop = asyncio.Event()
        writing = asyncio.create_task(self._write_until(stop))
        try:
            yield
        finally:
            stop.set()  # not cancelled: what it writes just now is counted nowhere else any more
            await asyncio.gather(writing, return_exceptions=True)
            await self.flush()

    async def flush(self) -> None:
        """Writes what is counted by now. What the database does not take stays for the next time."""
        waiting, self._waiting = self._waiting, []
        self._counts.update(await self._new(waiting))
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._database.write(lambda connection: _add(connection, counts))
        except StoreError as error:
            self._counts.update(counts)
            if not self._failing:
                log.error("counts wait to be written", reason=str(error))
            self._failing = True
        else:
            self._failing = False

    async def _write_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with asyncio.timeout(EVERY):
                    await stop.wait()
            except TimeoutError:
                await self.flush()

    async def _new(self, waiting: Sequence[tuple[Count, Mark]]) -> list[Count]:
        """Those that no other process has counted."""
        if self._shared is None:
            return [count for count, _ in waiting]
        new: list[Count] = []
        for day in {count.day for count, _ in waiting}:
            of_day = [one for one in waiting if one[0].day == day]
            for start in range(0, len(of_day), _AT_ONCE):
                new += await self._new_among(self._shared, day, of_day[start : start + _AT_ONCE])
        return new

    async def _new_among(self, shared: Shared, day: date, some: Sequence[tuple[Count, Mark]]) -> list[Count]:
        bits = [bit % _EVERYWHERE for _, mark in some for bit in mark]
        try:
            told = await shared.run(list[int], _ADD, [f"ds1:counted:{{{self._space}}}:{day}"], _LASTS, *bits)
        except Unshared:
            told = [1] * len(some)
        return [count for (count, _), is_new in zip(some, told, strict=True) if is_new]

    def _day(self, store: str) -> date:
        return self._clock.now().astimezone(self._zones[store]).date()

    def _filter(self, day: date) -> "_Filter":
        if day not in self._filters:
            self._filters[day] = _Filter()
            while len(self._filters) > _DAYS:
                del self._filters[min(self._filters)]
        return self._filters[day]

    def _mark(self, day: date, of: str) -> Mark:
        return _THREE.unpack(blake2b(of.encode(), digest_size=_THREE.size, key=self._key_of(day)).digest())

    def _counts_of(self, store: str, day: date, page: str, widgets: Sequence[str]) -> list[tuple[Count, Mark]]:
        """What there is to count of a page with these widgets."""
        counts = [Count(store, day, "viewed", page), *(Count(store, day, "shown", widget) for widget in widgets)]
        return [(count, self._mark_of(count)) for count in counts]

    def _mark_of(self, count: Count) -> Mark:
        """What tells the marks of one count from those of another."""
        return self._mark(count.day, "\x1f".join((count.store, count.kind, count.subject)))


class _Filter:
    """What was counted here, as bits."""

    def __init__(self) -> None:
        self._bits = bytearray(_HERE // 8)

    def add(self, mark: Mark) -> bool:
        """Whether the mark is new."""
        bits, is_new = self._bits, False
        for number in mark:
            at, bit = number % _HERE >> 3, 1 << (number & 7)
            if not bits[at] & bit:
                bits[at] |= bit
                is_new = True
        return is_new


def _key(secret: Secret) -> bytes:
    return blake2b(secret.reveal().encode(), digest_size=32, person=b"doorstep counts").digest()


def _add(connection: Connection, counts: Mapping[Count, int]) -> None:
    """Adds counts, always in one order: of two who add to the same, one waits for the other."""
    rows = [{**count._asdict(), "count": number} for count, number in sorted(counts.items())]
    for start in range(0, len(rows), _AT_ONCE):
        statement = insert(connection, tallies).values(rows[start : start + _AT_ONCE])
        more = {"count": tallies.c.count + statement.excluded.count}
        same = [column.name for column in tallies.primary_key]
        connection.execute(statement.on_conflict_do_update(index_elements=same, set_=more))


# For each mark whether it is new: three bits, one of which was not set.
_ADD = """
local told = {}
for i = 2, #ARGV, 3 do
  local new = 0
  for j = i, i + 2 do
    if redis.call('SETBIT', KEYS[1], ARGV[j], 1) == 0 then new = 1 end
  end
  told[#told + 1] = new
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return told
"""
