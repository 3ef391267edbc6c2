"""Finished pages near the reader: compressed, with their headers, until what they were made from changes or their time is up.

Only what everybody may see who has the number, so a page is kept by what it shows and not by who looks.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from .clock import Clock
from .metrics import Counted, Metrics
from .tallies import Glance

Header = tuple[bytes, bytes]
Key = tuple[str, str]  # variant and path
MOST_BYTES = 64 * 1024 * 1024
_ALONE = timedelta(seconds=30)  # where other processes cannot tell what they changed
_OVERHEAD = 3072  # bytes of a page's objects beside its body; most of its headers are those of others, too
_MOST_TAGS = 20_000


class Trust(Protocol):
    """How far one is told of what changes."""

    @property
    def reaches_others(self) -> bool: ...
    @property
    def trusted(self) -> bool: ...


class Span(Struct, frozen=True):
    """From when and until when a page says what it would say if it were made anew."""

    since: datetime
    until: datetime


class Hit(Struct, frozen=True):
    """What goes out with a page, and where its age is counted, from `since` to `until`: within a second of the page's span."""

    since: datetime
    until: datetime
    headers: tuple[Header, ...]
    unchanged: tuple[Header, ...]
    age: Counted


class Page(Struct):
    """A finished page. `unchanged` are the headers of a 304; `fetched_at` and `fresh_until` are the
    answer's, `tags` what it was made from; `glance` is what of it is still to be counted (no page outlasts a day), `hit` how it
    goes out at the moment."""

    body: bytes
    etag: bytes
    headers: tuple[Header, ...]
    unchanged: tuple[Header, ...]
    span: Span
    fetched_at: datetime
    fresh_until: datetime
    tags: tuple[str, ...]
    glance: Glance | None = None
    hit: Hit | None = None
    size: int = 0  # bytes that it takes, about

    def __post_init__(self) -> None:
        self.size = len(self.body) + _OVERHEAD


class NearPages:
    """Bounded in bytes, the least recently used goes first. What was made while one of its tags moved is not kept."""

    def __init__(self, clock: Clock, trust: Trust, *, most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._trust = trust
        self._most = most_bytes
        self._pages: OrderedDict[Key, Page] = OrderedDict()
        self._by_tag: dict[str, set[Key]] = {}
        self._moves = 0
        self._moved: OrderedDict[str, int] = OrderedDict()  # the move at which a tag last moved
        self._blind = 0  # what began before this move may have missed one
        self.size = 0
        self.evicted = 0  # pages, ever

    def measured_by(self, metrics: Metrics) -> None:
        metrics.near_bytes.read = lambda: self.size
        metrics.near_pages.read = lambda: len(self)
        metrics.near_evictions.read = lambda: self.evicted

    def __len__(self) -> int:
        return len(self._pages)

    def get(self, key: Key, now: datetime) -> Page | None:
        page = self._pages.get(key)
        if page is None:
            return None
        if not self._trust.trusted:
            self.clear()
            return None
        if page.hit is None or not page.hit.since <= now < page.hit.until:
            if not page.span.since <= now < page.span.until:
                self._remove(key)
                return None
            page.hit = None
            self._pages.move_to_end(key)
        return page

    def begin(self) -> int:
        """To be called before anything is read for a page; `keep` wants it."""
        return self._moves

    def keep(self, key: Key, page: Page, began: int) -> None:
        if began < self._moves and (began < self._blind or any(self._moved.get(tag, 0) > began for tag in page.tags)):
            return
        if not self._trust.trusted or page.size > self._most:
            return
        if key in self._pages:
            self._remove(key)
        self._pages[key] = page
        self.size += page.size
        for tag in page.tags:
            self._by_tag.setdefault(tag, set()).add(key)
        while self.size > self._most:
            self._remove(next(iter(self._pages)))
            self.evicted += 1

    def drop(self, tags: Collection[str]) -> None:
        self._moves += 1
        for tag in tags:
            self._moved[tag] = self._moves
            self._moved.move_to_end(tag)
            for key in list(self._by_tag.get(tag, ())):
                self._remove(key)
        while len(self._moved) > _MOST_TAGS:
            self._blind = self._moved.popitem(last=False)[1]

    def clear(self) -> None:
        self._moves += 1
        self._blind = self._moves
        self._pages.clear()
        self._by_tag.clear()
        self._moved.clear()
        self.size = 0

    def span(self, now: datetime, zone: ZoneInfo, fresh_until: datetime, edges: Iterable[datetime]) -> Span:
        """The time around `now` in which a page stays true: pages say "today", and at `edges` something else changes."""
        since, until = _midnights(now.astimezone(zone).date(), zone)
        until = min(until, fresh_until)
        for edge in edges:
            if edge > now:
                until = min(until, edge)
            else:
                since = max(since, edge)
        return Span(since, until if self._trust.reaches_others else min(until, now + _ALONE))

    def _remove(self, key: Key) -> None:
        page = self._pages.pop(key)
        self.size -= page.size
        for tag in page.tags:
            keys = self._by_tag[tag]
            keys.discard(key)
            if not keys:
                del self._by_tag[tag]


@lru_cache(256)
def _midnights(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a day begins and ends."""
    begins, ends = (datetime.combine(day + timedelta(days=n), time(), zone).astimezone(UTC) for n in (0, 1))
    return begins, ends


def variant(store: str, language: str, carried: Mapping[str, str], *, packed: bool) -> str:
    """What of a request decides on its page, beside the path; `carried` are the parameters that stay with a page."""
    return f"{store} {language} {packed} {sorted(carried.items()) if carried else ''}"
