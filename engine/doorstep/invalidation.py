"""Who keeps something made from answers or banners hears when they change: at once in the process, and in all others by a
channel through Redis.

A word may be lost or late, and nobody's clock is believed. So each process says now and then which of its beats it has sent
last and how often it has told of something, and which beats it last heard of the others. Whoever has heard that its own beat
of a moment ago was heard by another has heard everything that the other said before; what is kept is trusted for `TRUST`
seconds from that beat. Longer than that nothing old stays, whatever becomes of the channel.

Who is not heard for so long is taken for gone, so that one that died does not keep the others from trusting. Should it write
all the same, the first word of it that comes through tells that something was missed; and who does not hear its own word of a
change, because the channel is closed to it, begins a new generation beside the answers, which all others look for each second.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, suppress
from math import inf
from secrets import token_hex
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct

from .cache import Unshared
from .clock import Clock
from .generation import Generation
from .patience import apart, patience

BEAT = 1.0  # seconds between two words of a process, at most
TRUST = 5.0  # seconds that what is kept is trusted from the last beat which all others have heard
_MOST_TAGS = 500  # in one word
_LAST_WORD = 0.25  # seconds that the end of a process which has only just begun waits for the channel
_MOST_WAITING = 5000  # tags that wait for the channel: more, and the others begin anew

log = structlog.get_logger("doorstep.invalidation")
Moved = Callable[[str], None]


def nobody(tag: str) -> None:
    """Told where nothing is kept that could grow old."""


class Keeper(Protocol):
    """Keeps what is made from what tags stand for."""

    def drop(self, tags: Collection[str]) -> None:
        """What has these tags has changed."""
        ...

    def clear(self) -> None:
        """Anything may have changed."""
        ...


class Channel(Protocol):
    """What is sent comes to every process in order, the own one among them, or not at all. Both raise ConnectionError."""

    async def send(self, word: bytes) -> None: ...
    def words(self) -> AsyncIterator[bytes]: ...


Connect = Callable[[], AbstractAsyncContextManager[Channel]]


class Others(Struct, frozen=True):
    """How the other processes are reached: by the channel, and without it."""

    connect: Connect
    generation: Generation


class Word(Struct, frozen=True, array_like=True):
    """What process `who` says: the number of this beat, how many of its words have told of something (this one too), the last
    beat it heard of each, what has changed now, and whether it is its last word."""

    who: str
    beat: int
    told: int
    heard: dict[str, int]
    tags: tuple[str, ...] = ()
    last: bool = False


class _Peer(Struct):
    beat: int
    told: int
    confirmed: float  # when the latest of our beats was sent that it has heard


class Peers:
    """The processes on the channel as one of them sees them. Knows no channel: words in, words out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._me = token_hex(8)
        self._beat = 0
        self.told = 0  # how many of our words told of something
        self.came_back = 0  # and how many of those we heard ourselves: so have all who listen
        self._sent: dict[int, float] = {}
        self._peers: dict[str, _Peer] = {}

    @property
    def trusted_until(self) -> float:
        """On the monotonic clock."""
        if self._me not in self._peers:
            return -inf
        return min(peer.confirmed for peer in self._peers.values()) + TRUST

    @property
    def hears_itself(self) -> bool:
        return self._me in self._peers and self._peers[self._me].confirmed + TRUST > self._clock.monotonic()

    def word(self, tags: tuple[str, ...] = (), *, last: bool = False) -> bytes:
        """The next word to be said."""
        now = self._clock.monotonic()
        self._beat += 1
        self.told += bool(tags)
        self._sent = {beat: at for beat, at in self._sent.items() if at > now - TRUST} | {self._beat: now}
        heard = {who: peer.beat for who, peer in self._peers.items()}
        return msgspec.msgpack.encode(Word(self._me, self._beat, self.told, heard, tags, last))

    def skip(self) -> None:
        """Something cannot be told: with the next word the others see that they missed it."""
        self.told += 1

    def hear(self, word: Word) -> bool:
        """Whether nothing was missed before this word."""
        now = self._clock.monotonic()
        peer = self._peers.get(word.who)
        before = word.told - bool(word.tags)
        whole = before == (0 if peer is None else peer.told)
        if peer is None:
            peer = self._peers[word.who] = _Peer(word.beat, word.told, now)
        peer.beat, peer.told = word.beat, word.told
        of_us = word.beat if word.who == self._me else word.heard.get(self._me, 0)
        peer.confirmed = max(peer.confirmed, self._sent.get(of_us, -inf))
        if word.who == self._me:
            self.came_back = word.told
        if word.last:
            del self._peers[word.who]
        return whole

    def forget_silent(self) -> bool:
        """Whether somebody has gone without a word."""
        now = self._clock.monotonic()
        silent = [who for who, peer in self._peers.items() if peer.confirmed + TRUST <= now]
        for who in silent:
            del self._peers[who]
        return bool(silent)

    def forget_all(self) -> None:
        """The channel was lost, and with it whatever was said."""
        self._peers.clear()

    def is_me(self, word: Word) -> bool:
        return word.who == self._me


class Invalidation:
    """Tells the keepers of this process, and those of the others. One per process.

    Where there are no others, what is kept is trusted for ever.
    """

    def __init__(self, others: Others | None = None, *, clock: Clock, pause: float = BEAT) -> None:
        self.keepers: list[Keeper] = []
        self.trusted_until = inf if others is None else -inf
        self._last_trusted = clock.monotonic()
        self._others = others
        self._generation: bytes | None = None
        self._compared = self.trusted_until  # when the generation was last asked for, and told
        self._due = 0  # words that told of something, after which nothing was left to tell at the last comparison
        self._settled = 0  # of them, those that need not come back: a generation began after them
        self._clock = clock
        self._pause = pause
        self._peers = Peers(clock)
        self._waiting: list[str] = []
        self._wake = asyncio.Event()
        self._telling = asyncio.Lock()
        self._ended = False
        self._running: asyncio.Future[Any] | None = None
        self._channel: Channel | None = None
        self._joined = asyncio.Event()

    @property
    def reaches_others(self) -> bool:
        return self._others is not None

    @property
    def trusted(self) -> bool:
        return self._clock.monotonic() < self.trusted_until

    @property
    def distrusted_for(self) -> float:
        """Seconds since what is kept was last trusted; 0 while it is, or the channel was not joined: then nothing is kept."""
        if self.trusted or self._running is None:
            return 0.0
        return self._clock.monotonic() - max(self._last_trusted, self.trusted_until)

    def moved(self, tag: str) -> None:
        """Something has changed that was kept under this tag: to be called after it was written."""
        for keeper in self.keepers:
            keeper.drop((tag,))
        if self._others is None:
            return
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(tag)
        else:
            self._peers.skip()
        self._wake.set()
        self.start()

    def start(self) -> None:
        """Joins the channel, where there is one and this was not done."""
        if self._running is None and self._others is not None:
            ways = self._run(self._others.connect), self._compare(self._others.generation)
            self._running = asyncio.gather(*map(apart, ways))

    async def close(self) -> None:
        """Says what is still to be said, and that it was the last word."""
        if self._running is None or self._others is None:
            return
        with suppress(TimeoutError):
            async with patience(_LAST_WORD):
                await self._joined.wait()
        try:
            await self._say_last()
        except ConnectionError:
            with suppress(Unshared):
                await self._settle(self._others.generation)
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self, connect: Connect) -> None:
        while True:
            try:
                async with connect() as channel:
                    self._channel = channel
                    self._joined.set()
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._say(channel))
                        group.create_task(self._listen(channel))
            except* ConnectionError as lost:
                log.warning("the channel is lost, no finished page is kept", reason=str(lost.exceptions[0]))
                self._peers.forget_all()
                self._trust()
                self._begin_anew()
            finally:
                self._channel = None
            await asyncio.sleep(self._pause)

    async def _say(self, channel: Channel) -> None:
        joined = self._clock.monotonic()
        while True:
            self._wake.clear()
            if self._peers.forget_silent():
                self._begin_anew()
            self._trust()
            await self._tell(channel)
            if not self._peers.hears_itself and self._clock.monotonic() >= joined + TRUST:
                raise ConnectionError("what is said is not heard")
            if not self._waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT):
                        await self._wake.wait()

    async def _tell(self, channel: Channel, *, last: bool = False) -> None:
        """One word after the other, as two on their way might come in another order; none after the last."""
        async with self._telling:
            if not self._ended:
                self._ended = last
                most = len(self._waiting) if last else _MOST_TAGS
                tags, self._waiting = tuple(self._waiting[:most]), self._waiting[most:]
                await channel.send(self._peers.word(tags, last=last))

    async def _say_last(self) -> None:
        if self._channel is None:
            raise ConnectionError("there is no channel")
        await self._tell(self._channel, last=True)

    async def _compare(self, generation: Generation) -> None:
        """Each second: whether somebody who is not heard has changed something; and whether we are not."""
        while True:
            began = self._clock.monotonic()
            with suppress(Unshared):
                if max(self._peers.came_back, self._settled) < self._due:
                    await self._settle(generation)
                now = await generation.now()
                if now != self._generation:
                    self._generation = now
                    self._begin_anew()
                self._compared = began
            self._due = self._peers.told + bool(self._waiting)
            self._trust()
            await asyncio.sleep(BEAT)

    async def _settle(self, generation: Generation) -> None:
        """Has the others begin anew, if something was not told that they had to hear."""
        told, waiting = self._peers.told, self._waiting
        if not waiting and max(self._peers.came_back, self._settled) >= told:
            return
        self._waiting = []
        try:
            await generation.begin()
        except Unshared:
            self._waiting = [*waiting, *self._waiting]
            raise
        self._settled = told

    async def _listen(self, channel: Channel) -> None:
        async for said in channel.words():
            self.hear(said)
        raise ConnectionError("the channel has ended")

    def hear(self, said: bytes) -> None:
        """A word from the channel, whoever said it."""
        try:
            word = msgspec.msgpack.decode(said, type=Word)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._begin_anew()  # it may have told of something
            return
        if not self._peers.hear(word) or not self.trusted:
            self._begin_anew()
        elif not self._peers.is_me(word):
            for keeper in self.keepers:
                keeper.drop(word.tags)
        self._trust()

    def _trust(self) -> None:
        self._last_trusted = max(self._last_trusted, min(self.trusted_until, self._clock.monotonic()))
        self.trusted_until = min(self._peers.trusted_until, self._compared + TRUST)

    def _begin_anew(self) -> None:
        for keeper in self.keepers:
            keeper.clear()
