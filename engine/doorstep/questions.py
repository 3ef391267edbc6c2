"""One question at a time per number and account, however many ask; what is kept of the answers, and of the failures.

A question outlives the page that began it. An error belongs to the question, never to the shipment.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from hashlib import sha256
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from .cache import Cache
from .clock import Clock
from .errors import CarrierError
from .exchange import Answer, Found, NotFound, Query
from .fetch import Fetcher
from .freshness import KEPT, Entry
from .models import Shipment
from .plugins import Account
from .secret import Secret

_FORMAT = "ds1"  # of what the cache keeps; another format is another key
_MOST_FAILURES = 4096

log = structlog.get_logger("doorstep.questions")


class _Failure(Struct, frozen=True):
    error: CarrierError
    until: float  # on the monotonic clock: not asked again before


class Questions:
    """Answers by key: read, asked for, and put back. One per process."""

    def __init__(self, cache: Cache, *, clock: Clock, secret: Secret) -> None:
        self._cache = cache
        self._clock = clock
        self._secret = secret.reveal().encode()
        self._flights: dict[str, asyncio.Task[Entry]] = {}
        self._batches: set[asyncio.Task[Any]] = set()
        self._failures: dict[str, _Failure] = {}

    async def close(self) -> None:
        """Lets no question outlive the process."""
        tasks = [*self._flights.values(), *self._batches]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def landed(self) -> None:
        """Comes back when every question under way has come to its end."""
        while self._flights:
            await asyncio.wait(list(self._flights.values()))
            await asyncio.sleep(0)

    def key(self, account: Account, number: str, language: str) -> str:
        revision = f"{account.name}:{account.revision}:{language}"
        return f"{_FORMAT}:{revision}:{self._digest('answer', account.carrier.manifest.slug, number)}"

    def fresh(self, entry: Entry, key: str) -> bool:
        return entry.fresh(self._clock.now(), seed=key.rpartition(":")[2])

    async def read(self, key: str) -> Entry | None:
        packed = await self._cache.get(key)
        if packed is None:
            return None
        try:
            return msgspec.msgpack.decode(packed, type=Entry)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            return None  # written by something else, or damaged: a miss

    async def put(self, key: str, entry: Entry) -> None:
        await self._cache.set(key, msgspec.msgpack.encode(entry), KEPT)

    async def home(self, number: str) -> str:
        """The carrier that had this number before, or ""."""
        return (await self._cache.get(self._home_key(number)) or b"").decode("utf-8", "replace")

    async def remember(self, number: str, carrier: str) -> None:
        await self._cache.set(self._home_key(number), carrier.encode(), KEPT)

    def failure(self, key: str) -> CarrierError | None:
        """Why this was not answered a moment ago; None when it may be asked again."""
        failure = self._failures.get(key)
        if failure is not None and self._clock.monotonic() >= failure.until:
            del self._failures[key]
            return None
        return failure.error if failure is not None else None

    def flight(
        self, key: str, account: Account, before: Entry | None, ask: Callable[[], Awaitable[Answer]], *,
        quiet: bool = False,
    ) -> asyncio.Task[Entry]:  # fmt: skip
        """The one question under way for this key, which `ask` begins where there is none. A `quiet` failure is told by
        who asks: a batch fails once, and not once a number."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._answered(key, account, before, ask))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done, quiet=quiet))
        return flight

    def under_way(self, key: str) -> bool:
        return key in self._flights

    def batch(self, asking: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A question about several numbers, which ends with the process at the latest."""
        task = asyncio.create_task(asking)
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)
        return task

    async def _answered(
        self, key: str, account: Account, before: Entry | None, ask: Callable[[], Awaitable[Answer]]
    ) -> Entry:
        answer = await ask()
        if isinstance(answer, NotFound) and before is not None and isinstance(before.answer, Found):
            answer = before.answer  # a carrier that forgets a parcel it knew does not make it unknown
        entry = Entry(self._with_ids(answer, before, account), self._clock.now())
        await self.put(key, entry)
        return entry

    def _landed(self, key: str, flight: asyncio.Task[Entry], *, quiet: bool) -> None:
        self._flights.pop(key, None)
        if flight.cancelled():
            return
        error = flight.exception()
        if error is None:
            self._failures.pop(key, None)
            return
        if not isinstance(error, CarrierError):
            log.error("question failed", error=type(error).__name__)
            return
        if not quiet:
            log.warning("carrier did not answer", code=error.code, reason=error.message)
        pause = min(max(error.retry_after or 30.0, 5.0), 3600.0)
        if len(self._failures) >= _MOST_FAILURES:
            self._failures.clear()
        self._failures[key] = _Failure(error, self._clock.monotonic() + pause)

    def _with_ids(self, answer: Answer, before: Entry | None, account: Account) -> Answer:
        """Each shipment with its id: the one it had, or a new one. A number is used again; an id is not."""
        if not isinstance(answer, Found):
            return answer
        kept: dict[str, str] = {}
        if before is not None and isinstance(before.answer, Found):
            kept = {mark: one.id for mark, one in zip(_marks(before.answer), before.answer.shipments, strict=True)}
        shipments = []
        for mark, shipment in zip(_marks(answer), answer.shipments, strict=True):
            id = kept.get(mark) or self._digest("shipment", account.carrier.manifest.slug, shipment.number, mark)[:20]
            shipments.append(msgspec.structs.replace(shipment, id=id))
        return Found(tuple(shipments), answer.complete)

    def _home_key(self, number: str) -> str:
        return f"{_FORMAT}:home:{self._digest('home', number)}"

    def _digest(self, *parts: str) -> str:
        """What stands for a number in keys: it cannot be read back without the engine's secret."""
        return hmac.new(self._secret, "\x1f".join(parts).encode(), sha256).hexdigest()[:32]


class Part(Struct, frozen=True):
    """One number's answer out of a batch; asked again by itself where the batch told too little."""

    asking: asyncio.Task[dict[str, Answer | CarrierError]]
    fetcher: Fetcher
    account: Account
    query: Query
    before: Entry | None

    async def __call__(self) -> Answer:
        answer = (await asyncio.shield(self.asking))[self.query.number]
        if isinstance(answer, CarrierError):
            raise answer
        if not isinstance(answer, Found) or answer.complete:
            return answer
        known = self.before.answer if self.before is not None else None
        if isinstance(known, Found) and not _has_news(answer, known):
            return known
        return await self.fetcher.track(self.account, self.query, stranger=False)


def _has_news(latest: Found, known: Found) -> bool:
    """Whether a latest scan is none of those known: by its moment and meaning, as its text may be another."""
    seen = {(event.moment.instant, event.moment.local, event.code) for one in known.shipments for event in one.events}
    scans = [event for one in latest.shipments for event in one.events[:1]]
    return not scans or any((one.moment.instant, one.moment.local, one.code) not in seen for one in scans)


def _marks(answer: Found) -> list[str]:
    """What tells parcels under one number apart: the day of the first scan, and their order where it is the same."""
    seen: Counter[str] = Counter()
    marks = []
    for day in map(_first_day, answer.shipments):
        seen[day] += 1
        marks.append(day if seen[day] == 1 else f"{day}#{seen[day]}")
    return marks


def _first_day(shipment: Shipment) -> str:
    for event in reversed(shipment.events):
        at = event.moment.local or event.moment.instant
        if at is not None:
            return at.date().isoformat()
    return ""
