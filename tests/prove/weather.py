"""What happens to a shop in a soak: its Valkey is killed, frozen, slowed, cut off or garbled; its carrier has moods."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from ..rigs import Proxy
from ..servers import RedisServer, Reply, Seen, hang_up, reply, silence
from .neighbours import STAGES, MovingCarrier

SETTLED = 6.0  # seconds after a fault until processes have found Valkey and each other again
MOODS = ("down", "hangs up", "slow", "silent", "has had enough")


class Valkey:
    """A server behind a proxy, and when something was wrong with it."""

    def __init__(self, server: RedisServer, proxy: Proxy, dice: random.Random) -> None:
        self.faults = 0
        self._server = server
        self._proxy = proxy
        self._dice = dice
        self._rough: list[tuple[float, float]] = []  # from, until

    async def weather(self, calm: tuple[float, float], rough: tuple[float, float]) -> None:
        """Faults after each other, for ever, with so many seconds between them, and as long as that."""
        ways: list[Callable[[float], object]] = [
            self._killed, self._frozen, self._slow, self._cut, self._truncated, self._garbled,
        ]  # fmt: skip
        while True:
            self._dice.shuffle(ways)
            for way in ways:
                await asyncio.sleep(self._dice.uniform(*calm))
                begun = time.monotonic()
                self._rough.append((begun, float("inf")))
                self.faults += 1
                await way(self._dice.uniform(*rough))  # type: ignore[misc]
                self._proxy.delay, self._proxy.change = (lambda: 0.0), (lambda piece: piece)
                self._rough[-1] = (begun, time.monotonic() + SETTLED)

    def was_missed(self, since: float, until: float) -> None:
        """A process got no answer in that time, which a machine with much to do is enough for."""
        self._rough.append((since, until + SETTLED))

    def was_well(self, since: float, until: float) -> bool:
        """Whether nothing was wrong all the time in between, nor settling."""
        return not any(begun < until and since < ended for begun, ended in self._rough)

    async def _killed(self, seconds: float) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._server.start)

    async def _frozen(self, seconds: float) -> None:
        self._server.freeze()
        await asyncio.sleep(seconds)
        self._server.thaw()

    async def _slow(self, seconds: float) -> None:
        self._proxy.delay = lambda: self._dice.uniform(0, 0.6)
        await asyncio.sleep(seconds)

    async def _cut(self, seconds: float) -> None:
        self._proxy.change = lambda piece: piece if self._dice.random() < 0.5 else None
        await asyncio.sleep(seconds)

    async def _truncated(self, seconds: float) -> None:
        self._proxy.change = lambda piece: piece[: self._dice.randint(0, len(piece))]
        await asyncio.sleep(seconds)

    async def _garbled(self, seconds: float) -> None:
        self._proxy.change = lambda piece: bytes(byte ^ 0x15 for byte in piece)
        await asyncio.sleep(seconds)


class Call(Struct):
    """A request to the carrier: which process asked about which number, when, and the stage that was told; -1 for none."""

    worker: int
    number: str
    asked: float
    ended: float = float("inf")
    stage: int = -1


class MoodyCarrier(MovingCarrier):
    """Answers well for a while, then fails in one way or another. Remembers every call and what was told."""

    def __init__(self, dice: random.Random, now: Callable[[], datetime]) -> None:
        super().__init__(dice, now)
        self.mood = ""
        self.calls: list[Call] = []

    async def moods(self, well: tuple[float, float], ill: tuple[float, float]) -> None:
        while True:
            for mood in self._dice.sample(MOODS, len(MOODS)):
                self.mood = ""
                await asyncio.sleep(self._dice.uniform(*well))
                self.mood = mood
                await asyncio.sleep(self._dice.uniform(*ill))

    def of(self, worker: int) -> Callable[[Seen], Reply]:
        """The carrier as that process reaches it."""

        def answer(seen: Seen) -> Reply:
            call = Call(worker, seen.path.rpartition("/")[2], time.monotonic())
            self.calls.append(call)
            return self._reply(call)

        return answer

    def _reply(self, call: Call) -> Reply:
        told = {
            "down": reply(503),
            "hangs up": hang_up,
            "silent": silence,
            "has had enough": reply(429, retry_after="2"),
        }
        answer = told.get(self.mood)
        patience = self._dice.uniform(0.3, 4) if self.mood == "slow" else 0.0

        async def send(writer: asyncio.StreamWriter) -> None:
            try:
                if answer is not None:
                    await answer(writer)
                    return
                await asyncio.sleep(patience)
                body, stage = self._moved_on(call.number)
                await reply(200, body, content_type="application/json")(writer)
                call.stage = stage
            finally:
                call.ended = time.monotonic()

        return send

    def _moved_on(self, number: str) -> tuple[bytes, int]:
        body = self.told(number)
        return json.dumps(body).encode(), STAGES.index(body["scans"][0]["code"])
