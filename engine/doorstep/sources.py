"""What widgets need from outside: files and addresses, read in the background and kept, the last good one whatever happens.

Who asks gets what is there. For the first answer of an address a page waits a moment, then goes without. What is older than
it may be is asked for again behind the page; who fails is left alone for longer each time; files are read when they change.
When something has changed that is on pages kept near, the store's are given up.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct, field

from .addresses import host_of
from .clock import Clock
from .downloads import Downloads, Validators
from .errors import CarrierError, SourceError
from .invalidation import Moved, nobody
from .metrics import Metrics
from .patience import apart, patience
from .source_files import Stamp, read_file, stamp_of
from .threads import Threads
from .widget import PartRead, Source

FIRST_WAIT = 0.15  # seconds that a page waits for what was never there
MOST_BYTES = 64 * 1024 * 1024  # of bodies; what is made of them takes several times that
_MOST_KEPT = 2_000
_MOST_WAITING = 100  # for their turn
_AT_ONCE = 8  # questions under way
_SCAN = 2.0  # seconds between two looks at the files, and at what is due
_JITTER = 0.1
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 900.0  # seconds after a failure
_PARSING = 60.0  # seconds that making something of a body may take
_LONGEST_REASON = 300

log = structlog.get_logger("doorstep.sources")


class Trouble(Struct, frozen=True):
    """A source that cannot be had as it is now: whose, why, since when."""

    store: str
    widget: str
    source: str
    reason: str
    since: datetime


class Found(Struct, frozen=True):
    """What is there, by the sources' names; `pending`, whether something is on its way for the first time."""

    values: Mapping[str, Any]
    pending: bool


class _Pause(Struct):
    """For how long somebody who fails is left alone."""

    failures: int = 0
    until: float = -inf

    def failed(self, now: float, at_least: float) -> None:
        seconds = min(_FIRST_PAUSE * 2.0 ** min(self.failures, 10), _LONGEST_PAUSE)
        self.failures += 1
        self.until = now + max(_spread(seconds), at_least)

    def over(self) -> None:
        self.failures, self.until = 0, -inf


class _Key(Struct, frozen=True):
    store: str
    widget: str
    source: str
    address: str


class _Kept(Struct, eq=False):
    """A source, and what is known of it. `shared`: it is on pages that are kept near; then it is asked for without a page."""

    source: Source
    value: Any = None
    there: bool = False
    shared: bool = False
    size: int = 0
    digest: bytes = b""
    validators: Validators = Validators()
    stamp: Stamp | None = None  # of a file, when it was read
    seen: Stamp | None = None  # and when it was last looked at
    fetched: float = -inf
    tried: float = -inf
    due: float = -inf
    pause: _Pause = field(default_factory=_Pause)
    reason: str = ""
    since: datetime | None = None
    task: asyncio.Task[None] | None = None


class Sources:
    """One per process; `base` is the folder of the settings."""

    def __init__(
        self, *, base: Path, clock: Clock, metrics: Metrics, moved: Moved = nobody, downloads: Downloads | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:  # fmt: skip
        self._base = base
        self._clock = clock
        self._metrics = metrics
        self._moved = moved
        self._downloads = downloads or Downloads(clock=clock)
        self._most = most_bytes
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._hosts: dict[str, _Pause] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._threads = Threads(2)
        self.size = 0

    @staticmethod
    def tag(store: str) -> str:
        """Of pages with something of a store's sources on them."""
        return f"sources:{store}"

    def trust(self, settings: Any) -> None:
        """Allows the origins of all addresses in a widget's settings, wherever they lead: the operator has set them."""
        for address in _addresses(settings):
            self._downloads.trust(address)

    async def read(
        self, store: str, widget: str, wanted: Sequence[Source], *, shared: bool = False, wait: float = FIRST_WAIT
    ) -> Found:
        """What is there of the sources. What was never there is waited for as long as `wait`."""
        asked = [self._ask(_Key(store, widget, one.name, one.address), one, shared=shared) for one in wanted]
        coming = [one.task for one in asked if not one.there and one.task is not None]
        if coming:
            with suppress(TimeoutError):
                async with patience(wait):
                    await asyncio.wait(coming)
        values = {one.source.name: one.value for one in asked if one.there}
        return Found(values, any(not one.there and one.since is None for one in asked))

    def troubles(self) -> list[Trouble]:
        """What cannot be had as it is now, one for each source, where somebody still wants it."""
        found: dict[tuple[str, str, str], Trouble] = {}
        now = self._clock.monotonic()
        for key, kept in self._kept.items():
            lasting = kept.shared or not kept.source.is_remote
            if kept.since is not None and (lasting or now - kept.tried < _LONGEST_PAUSE):
                name = (key.store, key.widget, key.source)
                found.setdefault(name, Trouble(*name, kept.reason, kept.since))
        return list(found.values())

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the block runs, files are looked at and what is on kept pages is asked for again when it is due."""
        keeping = apart(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def aclose(self) -> None:
        running = [one.task for one in self._kept.values() if one.task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._downloads.aclose()

    async def look_round(self) -> None:
        """Reads files that have changed and are not written any more, and asks for what is due without a page."""
        now = self._clock.monotonic()
        files = [(key, one) for key, one in self._kept.items() if not one.source.is_remote]
        stamps = await asyncio.to_thread(lambda: [stamp_of(self._base / key.address) for key, _ in files])
        for (key, one), stamp in zip(files, stamps, strict=True):
            settled, one.seen = stamp == one.seen, stamp
            unchanged = stamp == one.stamp
            if unchanged and one.since is None:
                one.fetched = now
            elif settled and one.task is None and key in self._kept and (not unchanged or now >= one.pause.until):
                self._begin(key, one)
        for key, one in self._kept.items():
            if one.shared and one.source.is_remote:
                self._begin_if_due(key, one)
        for key, one in self._kept.items():
            if one.shared and one.there:
                age = self._metrics.source_age.labels(key.store, key.widget, key.source)
                age.set(now - one.fetched)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_SCAN)
            await self.look_round()

    def _ask(self, key: _Key, source: Source, *, shared: bool) -> _Kept:
        one = self._kept.get(key)
        if one is None:
            one = self._kept[key] = _Kept(source)
            self._make_room()
        self._kept.move_to_end(key)
        one.source, one.shared = source, one.shared or shared
        if one.tried == -inf or one.source.is_remote:
            self._begin_if_due(key, one)
        return one

    def _begin_if_due(self, key: _Key, one: _Kept) -> None:
        now = self._clock.monotonic()
        host = self._hosts.get(host_of(key.address))
        paused = max(one.pause.until, host.until if host else -inf)
        if one.task is None and now >= max(one.due, paused):
            self._begin(key, one)

    def _begin(self, key: _Key, one: _Kept) -> None:
        if sum(other.task is not None for other in self._kept.values()) < _MOST_WAITING:
            one.tried = self._clock.monotonic()
            one.task = apart(self._refresh(key, one))

    async def _refresh(self, key: _Key, one: _Kept) -> None:
        try:
            async with self._turns:
                changed = await self._read(key, one)
        except (SourceError, CarrierError) as error:
            self._failed(key, one, error)
        except Exception as error:  # a plugin's, in what reads it
            self._failed(key, one, SourceError(f"reading it raised {type(error).__name__}"))
        else:
            self._succeeded(key, one)
            if changed and one.shared:
                self._moved(self.tag(key.store))
        finally:
            one.task = None

    async def _read(self, key: _Key, one: _Kept) -> bool:
        """Whether it has changed."""
        try:
            return await (self._download(key, one) if one.source.is_remote else self._load(key, one))
        except SourceError as error:
            if not (error.absent and one.source.may_lack):
                raise
            return self._empty(key, one)

    def _empty(self, key: _Key, one: _Kept) -> bool:
        """Nothing is there, and need not be. Whether that is news."""
        if one.there and one.value is None:
            return False
        log.info("there is none of a source", **_names(key))
        self.size -= one.size
        one.value, one.there, one.size, one.digest, one.validators = None, True, 0, b"", Validators()
        return True

    async def _download(self, key: _Key, one: _Kept) -> bool:
        known = one.validators if one.there else Validators()
        told = await self._downloads.get(key.address, known, one.source.largest)
        if told is None:
            if not one.there:
                raise SourceError("HTTP 304, though nothing was known")
            return False
        changed = await self._take(key, one, told.body, told.type)
        one.validators = told.validators
        return changed

    async def _load(self, key: _Key, one: _Kept) -> bool:
        file = self._base / key.address
        one.stamp = one.seen = await asyncio.to_thread(stamp_of, file)  # first: what is written meanwhile is a change
        body = await self._threads.run(partial(read_file, file, one.source.largest), wait=_PARSING)
        return await self._take(key, one, body, file.name)

    async def _take(self, key: _Key, one: _Kept, body: bytes, type: str) -> bool:
        known = one.digest if one.there else b""
        try:
            async with asyncio.timeout(_PARSING):
                made = await self._threads.run(partial(_made, one.source, body, type, known), wait=_PARSING)
        except TimeoutError:
            raise SourceError(f"reading it takes more than {_PARSING:g} s") from None
        except ValueError as error:
            raise SourceError(str(error)[:_LONGEST_REASON]) from None
        if made is None:
            return False
        one.digest, value = made
        if isinstance(value, PartRead):
            _tell_left_out(key, value)
            value = value.value
        one.value, one.there = value, True
        self.size += len(body) - one.size
        one.size = len(body)
        self._make_room()
        return True

    def _succeeded(self, key: _Key, one: _Kept) -> None:
        now = self._clock.monotonic()
        if one.since is not None:
            log.info("a source is there again", **_names(key))
        one.fetched, one.due = now, now + _spread(one.source.every)
        one.reason, one.since = "", None
        one.pause.over()
        self._hosts.pop(host_of(key.address), None)

    def _failed(self, key: _Key, one: _Kept, error: SourceError | CarrierError) -> None:
        now = self._clock.monotonic()
        of_the_host = one.source.is_remote and getattr(error, "server", False)
        pause = self._hosts.setdefault(host_of(key.address), _Pause()) if of_the_host else one.pause
        if pause.until <= now:  # of several questions that were under way, one counts
            pause.failed(now, error.retry_after or 0.0)
        self._metrics.source_failures.labels(key.store, key.widget, key.source).inc()
        if one.reason != error.message:
            kept = "the last good one stays" if one.there else "widgets go without"
            log.error("a source cannot be had", **_names(key), reason=error.message, meanwhile=kept)
        one.reason, one.since = error.message, one.since or self._clock.now()

    def _make_room(self) -> None:
        """Gives up what was not asked for for longest, and what is on kept pages only after all else."""
        while self.size > self._most or len(self._kept) > _MOST_KEPT:
            idle = [key for key, one in self._kept.items() if one.task is None]
            given_up = next((key for key in idle if not self._kept[key].shared), next(iter(idle), None))
            if given_up is None:
                return
            self.size -= self._kept.pop(given_up).size


def _made(source: Source, body: bytes, type: str, known: bytes) -> tuple[bytes, Any] | None:
    """In a thread: what the source's reader makes of a body, with its digest; None for the one that is known."""
    digest = blake2b(body, digest_size=16).digest()
    return None if digest == known else (digest, source.read(body, type))


def _tell_left_out(key: _Key, part: PartRead) -> None:
    first = [f"line {one.line}: {one.reason}" if one.line else one.reason for one in part.mistakes[:3]]
    log.warning("a source was read in part", **_names(key), left_out=part.left_out, first=first)


def _names(key: _Key) -> dict[str, str]:
    """For logs. What stands behind the host may hold a key, or what somebody bought."""
    place = host_of(key.address) or key.address
    return {"store": key.store, "widget": key.widget, "source": key.source, "place": place}


def _spread(seconds: float) -> float:
    """A little longer, so that what began together does not stay together."""
    return seconds * (1 + random.random() * _JITTER)  # noqa: S311  # no secret


def _addresses(value: Any) -> Iterator[str]:
    """The addresses among settings, however deep."""
    inner: Iterable[Any] = ()
    if isinstance(value, str) and "://" in value:
        yield value
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    for one in inner:
        yield from _addresses(one)
