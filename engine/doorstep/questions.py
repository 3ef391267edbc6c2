"""One question at a time per number and account, however many ask, in however many processes; what is kept of the answers,
and of the failures.

A question outlives the page that began it. An error belongs to the question, never to the shipment.
"""

import asyncio
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from math import inf
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct

from .cache import Cache
from .clock import Clock
from .compact import FORMAT, STAMP, Unpacked, at, pack, short, stamp, unpack
from .errors import CarrierError, CarrierUnavailable
from .exchange import Answer, Answers, Found, NotFound, Query
from .fetch import Fetcher
from .freshness import KEPT, Entry, Standing, standing
from .invalidation import Moved, nobody
from .leases import Leases, OwnLeases
from .metrics import Metrics
from .models import Shipment
from .patience import allowed, apart, as_allowed
from .plugins import Account
from .secret import Secret
from .shelf_life import ShelfLife

T = TypeVar("T")
_MOST_FAILURES = 4096
_GATHERED = 0.25  # seconds that a batch waits for numbers of which others may be asking
_ERRORS = {one.code: one for one in CarrierError.__subclasses__()}

log = structlog.get_logger("doorstep.questions")


class _Failure(Struct, frozen=True):
    error: CarrierError
    until: float  # on the monotonic clock: not asked again before


class _Question(Struct, frozen=True):
    key: str
    account: Account
    before: Entry | None
    ask: Callable[[], Awaitable[Answer]]
    life: ShelfLife
    quiet: bool
    since: datetime | None


class _Told(Struct, frozen=True):
    """A failure as processes tell it to each other."""

    code: str
    message: str
    next_step: str
    retry_after: float | None


class Questions:
    """Answers by key: read, asked for, and put back. One per process; `leases` makes it one question for all of them."""

    def __init__(
        self, cache: Cache, *, clock: Clock, secret: Secret, metrics: Metrics, leases: Leases | None = None,
        moved: Moved = nobody,
    ) -> None:  # fmt: skip
        self._cache = cache
        self._leases: Leases = leases or OwnLeases(cache)
        self._metrics = metrics
        self._moved = moved
        self._clock = clock
        self._secret = secret.reveal().encode()
        self._flights: dict[str, asyncio.Task[Entry]] = {}
        self._batches: set[asyncio.Task[Answers]] = set()
        self._behind: set[asyncio.Task[Any]] = set()
        self._failures: dict[str, _Failure] = {}
        self._unpacked = Unpacked()
        self._home_key = lru_cache(4096)(self._home_key_of)  # one look-up asks for it several times

    async def close(self) -> None:
        """Lets no question outlive the process."""
        tasks = [*self._flights.values(), *self._batches]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*self._behind, return_exceptions=True)

    async def landed(self) -> None:
        """Comes back when every question under way has come to its end."""
        while self._flights:
            await asyncio.wait(list(self._flights.values()))
            await asyncio.sleep(0)

    def key(self, account: Account, number: str, language: str) -> str:
        """The keys of one number hash alike, by what stands in braces: a cluster keeps them in one place."""
        return f"{self._home_key(number)}{account.name}:{_revision(account.revision)}:{language}"

    def standing(self, key: str, entry: Entry | None, life: ShelfLife, since: datetime | None = None) -> Standing:
        """How the data stand now, for a shop whose answers are fresh so long; those from before `since` are not."""
        asking, failure = key in self._flights, self.failure(key)
        return standing(entry, self._clock.now(), life, seed=_seed(key), asking=asking, failure=failure, since=since)

    def fresh_until(self, key: str, entry: Entry, life: ShelfLife) -> datetime:
        return entry.fresh_until(life, seed=_seed(key))

    async def read(self, key: str) -> Entry | None:
        return self._read(await self._cache.get(key))

    async def begin(self, number: str, key: str) -> tuple[str, Entry | None]:
        """The carrier that had a number before, and what is kept under this key, in one round trip."""
        home, packed = await self._cache.get_all(self._home_key(number), key)
        return _slug(home), self._read(packed)

    def _read(self, packed: bytes | None) -> Entry | None:
        if packed is None:
            return None
        try:
            return self._unpacked.of(packed)
        except ValueError:  # a miss
            self._metrics.cache_failures.labels("read").inc()
            return None

    async def put(self, key: str, entry: Entry, before: Entry | None) -> None:
        """Keeps an answer that was known already, where nothing newer than `before` is kept."""
        await self._keep(key, entry, stamp(before))

    async def home(self, number: str) -> str:
        """The carrier that had this number before, or ""."""
        return _slug(await self._cache.get(self._home_key(number)))

    async def remember(self, number: str, carrier: str) -> None:
        await self._tell(self._cache.set(self._home_key(number), at(self._clock.now()) + carrier.encode(), KEPT))

    def failure(self, key: str) -> CarrierError | None:
        """Why this was not answered a moment ago; None when it may be asked again."""
        failure = self._failures.get(key)
        if failure is not None and self._clock.monotonic() >= failure.until:
            del self._failures[key]
            return None
        return failure.error if failure is not None else None

    def flight(
        self, key: str, account: Account, before: Entry | None, ask: Callable[[], Awaitable[Answer]], life: ShelfLife,
        *, quiet: bool = False, now: bool = False, behind: bool = False, since: datetime | None = None,
    ) -> asyncio.Task[Entry]:  # fmt: skip
        """The one question under way for this key, which `ask` begins where there is none: when it is our turn, and nobody
        has an answer by then that is fresh for this `life` and not from before `since`; or `now`. A `quiet` failure is told
        by who asks: a batch fails once, and not once a number. No request waits for one `behind` it."""
        flight = self._flights.get(key)
        if flight is None:
            question = _Question(key, account, before, ask, life, quiet, since)
            asked = self._asked(question, before, stamp(before)) if now else self._flown(question)
            flight = apart(asked) if behind else asyncio.create_task(asked)
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def batch(self, ask: Callable[[Sequence[Query]], Coroutine[Any, Any, Answers]], expected: int) -> "Batch":
        """A question about several numbers, which ends with the process at the latest."""
        return Batch(ask, expected, self._batches)

    async def _flown(self, question: _Question) -> Entry:
        """The answer: asked for when it is our turn, or the one that somebody else got meanwhile."""
        key, before, seen = question.key, question.before, stamp(question.before)
        while True:
            turn = await self._leases.turn(key, seen)
            if turn.failure is not None:
                error = _told(turn.failure)
                self._fail(key, error, turn.pause)
                raise error
            if turn.answer is None:
                return await self._asked(question, before, seen, turn.token)
            seen = turn.answer[:STAMP]
            with suppress(ValueError):
                before = unpack(turn.answer)
                if self.standing(key, before, question.life, question.since).state.settled:
                    return before

    async def _asked(self, question: _Question, before: Entry | None, seen: bytes, token: str = "") -> Entry:
        key, began = question.key, time.monotonic()
        try:
            answer = await question.ask()
        except CarrierError as error:
            if not question.quiet:
                log.warning("carrier did not answer", code=error.code, reason=error.message)
            self._fail(key, error, _pause(error))
            await self._tell(self._leases.give_back(key, token, _telling(error), _pause(error)))
            raise
        except BaseException:
            await self._tell(self._leases.give_back(key, token))
            raise
        times = 1
        if isinstance(answer, NotFound) and before is not None:
            times = before.times + 1
            if isinstance(before.answer, Found):
                answer = before.answer  # a carrier that forgets a parcel it knew does not make it unknown
        entry = Entry(self._with_ids(answer, before, question.account), self._clock.now(), times)
        return await self._keep(key, entry, seen, token, time.monotonic() - began)

    async def _keep(self, key: str, entry: Entry, seen: bytes, token: str = "", lasted: float = inf) -> Entry:
        """What is kept now: this, or an answer that came after the one seen, while it was asked for."""
        packed = pack(entry)
        kept = await self._tell(self._kept(key, packed, seen, token, lasted)) or packed
        with suppress(ValueError):
            return entry if kept == packed else unpack(kept)
        return entry

    async def _kept(self, key: str, packed: bytes, seen: bytes, token: str, lasted: float) -> bytes:
        kept = await self._leases.keep(key, packed, KEPT, seen=seen, token=token, lasted=lasted)
        self._moved(key)
        return kept

    async def _tell(self, telling: Coroutine[Any, Any, T]) -> T | None:
        """What comes of telling others; None where the request waits no longer. They are told all the same."""
        if allowed() is None:
            return await telling
        task = apart(telling)
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)
        with suppress(TimeoutError):
            async with as_allowed():
                return await asyncio.shield(task)
        return None

    def _landed(self, key: str, flight: asyncio.Task[Entry]) -> None:
        self._flights.pop(key, None)
        if flight.cancelled():
            return
        error = flight.exception()
        if error is None:
            self._failures.pop(key, None)
        elif not isinstance(error, CarrierError):
            log.error("question failed", error=type(error).__name__)

    def _fail(self, key: str, error: CarrierError, pause: float) -> None:
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
            own = self._digest("shipment", account.carrier.manifest.slug, shipment.number, mark)
            id = kept.get(mark) or own.hex()[:20]
            shipments.append(msgspec.structs.replace(shipment, id=id))
        return Found(tuple(shipments), answer.complete)

    def _home_key_of(self, number: str) -> str:
        digest = urlsafe_b64encode(self._digest("number", number)[:16]).decode()
        return f"{FORMAT}{{{digest.rstrip('=')}}}"

    def _digest(self, *parts: str) -> bytes:
        """What stands for a number in keys: it cannot be read back without the engine's secret."""
        return hmac.new(self._secret, "\x1f".join(parts).encode(), sha256).digest()


class Batch:
    """One question about those numbers whose turn came soon; the others' answers are on their way, or are asked for alone."""

    def __init__(
        self, ask: Callable[[Sequence[Query]], Coroutine[Any, Any, Answers]], expected: int,
        tasks: set[asyncio.Task[Answers]],
    ) -> None:  # fmt: skip
        self._ask = ask
        self._expected = expected
        self._tasks = tasks
        self._queries: list[Query] = []
        self._whole = asyncio.Event()
        self._asking: asyncio.Task[Answers] | None = None

    async def __call__(self, query: Query) -> Answer | CarrierError | None:
        """The answer out of the batch; None where the number is to be asked for alone."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._asked())
            self._tasks.add(self._asking)
            self._asking.add_done_callback(self._tasks.discard)
        self._queries.append(query)
        if len(self._queries) == self._expected:
            self._whole.set()
        return (await asyncio.shield(self._asking)).get(query.number)

    async def _asked(self) -> Answers:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHERED):
                await self._whole.wait()
        queries = list(self._queries)
        return await self._ask(queries) if len(queries) > 1 else {}  # one alone is asked in full, as a page asks


class Part(Struct, frozen=True):
    """One number's answer out of a batch; asked again by itself where the batch told too little."""

    batch: Batch
    fetcher: Fetcher
    account: Account
    query: Query
    before: Entry | None

    async def __call__(self) -> Answer:
        answer = await self.batch(self.query)
        if answer is None:
            return await self.fetcher.track(self.account, self.query, stranger=False)
        if isinstance(answer, CarrierError):
            raise answer
        if not isinstance(answer, Found) or answer.complete:
            return answer
        known = self.before.answer if self.before is not None else None
        if isinstance(known, Found) and not _has_news(answer, known):
            return known
        return await self.fetcher.track(self.account, self.query, stranger=False)


def _slug(home: bytes | None) -> str:
    return home[STAMP:].decode("utf-8", "replace") if home is not None else ""


@lru_cache(4096)  # one look-up asks for it several times
def _seed(key: str) -> str:
    return urlsafe_b64decode(key[len(FORMAT) + 1 :][:4]).hex()


@lru_cache(256)
def _revision(revision: str) -> str:
    """There is one in the key of every parcel, so it is short."""
    return short(revision.encode(), 3)


def _pause(error: CarrierError) -> float:
    """Seconds in which nobody asks again."""
    return max(error.retry_after or 30.0, 5.0)


def _telling(error: CarrierError) -> bytes:
    return msgspec.msgpack.encode(_Told(error.code, error.message, error.next_step, error.retry_after))


def _told(failure: bytes) -> CarrierError:
    try:
        told = msgspec.msgpack.decode(failure, type=_Told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return CarrierUnavailable("the carrier did not answer another process")
    kind = _ERRORS.get(told.code, CarrierUnavailable)
    return kind(told.message, next_step=told.next_step, retry_after=told.retry_after)


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
