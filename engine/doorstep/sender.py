"""Sends messages that are due: each channel for itself, each message once.

Before a message is given to the channel it is noted, in a transaction of its own, that it is: who dies before that has sent
nothing, who dies after it may have. What is in doubt is sent again only by a channel that drops what it had before.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog
from msgspec import structs

from . import messages
from .alongside import Alongside
from .clock import Clock
from .database import Database
from .delivery import pause_after
from .handing import hand_over
from .jobs import Job
from .manifest import Manifest
from .message import Channel, Message
from .metrics import Metrics
from .order_views import Looked
from .orderbook import KeptOrder
from .ratelimits import RateLimits
from .secret import Secret
from .taking import Desk, End, Errand

_AT_ONCE = 10  # orders of one channel
_PATIENCE = 40.0  # seconds for composing
_ROUND = 1.0  # seconds that a slow channel is waited for
_FAREWELL = 5.0  # seconds that aclose() waits for messages under way

log = structlog.get_logger("doorstep.sender")


class Composer(Protocol):
    """Writes messages."""

    async def compose(
        self, job: Job, order: KeptOrder, looked: Sequence[Looked], to: Secret, at: datetime
    ) -> Message: ...


class Sender:
    """One per process, which calls `run_once()` again and again; close it with `aclose()`. `limits` hold for each channel."""

    def __init__(
        self, database: Database, desk: Desk, composer: Composer, channels: Mapping[str, Channel[Any]], *,
        limits: Mapping[str, RateLimits], manifests: Mapping[str, Manifest], clock: Clock, metrics: Metrics,
    ) -> None:  # fmt: skip
        self._database = database
        self._channels = tuple(channels)
        self._clock = clock
        self._metrics = metrics
        self._lines = [
            _Line(name, channel, limits[name], desk, database, composer, manifests, clock)
            for name, channel in channels.items()
        ]
        self._alongside = Alongside([line.run for line in self._lines])

    async def run_once(self, *, wait: float = _ROUND) -> int:
        """Sends what is due, and says of how many orders. A channel that takes longer than `wait` seconds goes on behind.
        Raises StoreError."""
        due = await self._database.read(partial(messages.backlog, channels=self._channels, now=self._clock.now()))
        self._metrics.messages_due.set(due.count)
        self._metrics.messages_lag.set(due.lag)
        return await self._alongside.once(wait)

    async def aclose(self) -> None:
        """Waits a moment for what is under way; what is cut off is in doubt."""
        for line in self._lines:
            line.stop()
        await self._alongside.end(_FAREWELL)


class _Line:
    """One channel. When it fails it is left alone for a while, and what waits for it waits."""

    def __init__(
        self, name: str, channel: Channel[Any], limit: RateLimits, desk: Desk, database: Database, composer: Composer,
        manifests: Mapping[str, Manifest], clock: Clock,
    ) -> None:  # fmt: skip
        self._name = name
        self._channel = channel
        self._limit = limit
        self._desk = desk
        self._database = database
        self._composer = composer
        self._manifests = manifests
        self._clock = clock
        self._not_before = 0.0
        self._failures = 0
        self._stopped = False

    def stop(self) -> None:
        """What is under way is settled, nothing more is taken."""
        self._stopped = True

    async def run(self) -> int:
        done = 0
        while not self._stopped and (most := await self._room()):
            taking = partial(self._desk.take, name=self._name, channel=self._channel, most=most)
            looked_at, errands = await self._database.write(taking)
            if not looked_at:
                break
            ends = await asyncio.gather(*(self._run(errand) for errand in errands), return_exceptions=True)
            for end in ends:
                if isinstance(end, BaseException):
                    raise end
            self._judge([end for end in ends if isinstance(end, End)])
            done += looked_at
        return done

    async def _room(self) -> int:
        """Of how many orders may be spoken now, where there is something to say."""
        if self._clock.monotonic() < self._not_before:
            return 0
        most = 1 if self._failures else _AT_ONCE  # one is enough to see whether it is still in trouble
        due = await self._database.read(partial(self._desk.count_due, name=self._name, most=most))
        for nth in range(due):
            quota = await self._limit.take(self._name)
            if quota.spent:
                self._not_before = self._clock.monotonic() + quota.seconds
                return nth
        return due

    def _judge(self, ends: Sequence[End]) -> None:
        """Where nothing at all was taken, the channel is in trouble."""
        if not ends or any(end.state != "waiting" for end in ends):
            self._failures = 0
            return
        self._failures += 1
        pause = pause_after(self._failures, max(end.seconds for end in ends))
        self._not_before = self._clock.monotonic() + pause.total_seconds()

    async def _run(self, errand: Errand) -> End | None:
        """A message from its text to its end; None where that says nothing of the channel."""
        try:
            async with asyncio.timeout(_PATIENCE):
                message = await self._composed(errand)
        except Exception as error:
            log.exception("message cannot be composed", **self._about(errand), error=type(error).__name__)
            await self._settle(errand, End("waiting", error=f"cannot be composed: {type(error).__name__}"))
            return None
        rows, now = errand.rows, self._clock.now()
        handing = partial(messages.hand, rows=rows, leased_until=errand.leased_until, now=now)
        leased_until = await self._database.write(handing)
        if leased_until is None:  # composing outlived the lease
            return None
        end = await hand_over(self._channel, message, errand.to)
        await self._settle(structs.replace(errand, leased_until=leased_until), end)
        return end

    async def _composed(self, errand: Errand) -> Message:
        looked = [
            Looked(one, one.shipment, self._manifests.get(one.carrier), one.fetched_at) for one in errand.order.parcels
        ]
        return await self._composer.compose(errand.job, errand.order, looked, errand.to[0], self._clock.now())

    async def _settle(self, errand: Errand, end: End) -> None:
        settling = partial(self._desk.settle, errand=errand, end=end, reach=self._channel.reach)
        result = await self._database.write(settling)
        if end.error:
            log.warning("message not sent", **self._about(errand), result=result, reason=end.error)

    def _about(self, errand: Errand) -> dict[str, str]:
        return {"channel": self._name, "id": errand.job.id, "kind": errand.job.kinds[0].value}
