"""The outbox's way out: signed, over HTTP, at least once, again over days where an endpoint does not take it.

An endpoint's deliveries are sent one after the other, each endpoint's for itself: one that is slow or fails delays its own.
Whoever takes a delivery has it on lease; when a process dies, the lease ends and another takes it, under the same id.
"""

import asyncio
import difflib
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import httpx2
import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection

from .alongside import Alongside
from .clock import Clock
from .config import Webhook
from .database import Database
from .errors import CarrierError, ConfigError
from .guard import GuardedTransport
from .ids import new_id
from .metrics import Metrics
from .outbox import TYPES, Delivery, Queue, State, Trouble
from .signing import Signer
from .waits import retry_after

log = structlog.get_logger("doorstep.delivery")
# Seconds from an attempt that failed to the next one, after the first: the schedule of Standard Webhooks.
SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER = 0.2  # as much longer at most, so that what failed together does not come back together
_PAUSES = (5, 10, 20, 40, 60)  # seconds without an attempt, after one failure of the endpoint as a whole, two…
_PATIENCE = 15.0  # seconds for an answer
_DRAINED = 4096  # bytes of an answer that are read, to use the connection again
_ROUND = 1.0  # seconds that a slow endpoint is waited for
_FAREWELL = 5.0  # seconds that aclose() waits for attempts under way
_OVERLOADED = frozenset({429, 502, 503, 504})
_GONE = 410
_PORTS = range(1, 65536)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADERS = {"User-Agent": "Doorstep/1", "Content-Type": "application/json", "Accept-Encoding": "identity"}


class Message(Struct, frozen=True):
    """What is sent: `data` is JSON."""

    id: str
    type: str
    at: datetime
    data: bytes

    def body(self) -> bytes:
        content = {"type": self.type, "timestamp": self.at, "data": msgspec.Raw(self.data)}
        return msgspec.json.encode(content)


class Reply(Struct, frozen=True):
    """What an endpoint answered: a status, or 0 when there is none; `answer` says it in words."""

    status: int
    answer: str = ""
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def overloaded(self) -> bool:
        """Whether it says nothing of this message, but that the endpoint takes none at present."""
        return self.status == 0 or self.status in _OVERLOADED


class Verdict(Struct, frozen=True):
    """What becomes of a delivery after an attempt."""

    state: State
    next_at: datetime | None = None


class Endpoint(Struct, frozen=True):
    """Where a store hears what happens."""

    store: str
    name: str
    url: str
    signer: Signer


class Deliverer:
    """Sends what waits. One per process, which calls `run_once()` again and again; close it with `aclose()`.

    `webhooks` are the stores', by store and name. Raises ConfigError for one that cannot work.
    """

    def __init__(
        self, database: Database, webhooks: Mapping[str, Mapping[str, Webhook]], *, clock: Clock, metrics: Metrics,
        patience: float = _PATIENCE,
    ) -> None:  # fmt: skip
        self._post = _Post(clock, patience)
        self._clock = clock
        self._lines: dict[tuple[str, str], _Line] = {}
        for store, named in webhooks.items():
            for name, webhook in named.items():
                endpoint = _endpoint(store, name, webhook)
                self._post.trust(endpoint.url)
                self._lines[store, name] = _Line(endpoint, self._post, database, clock, metrics)
        self._alongside = Alongside([line.run for line in self._lines.values()])

    async def run_once(self, *, wait: float = _ROUND) -> int:
        """Sends what is due, and says how many attempts were made. Endpoints that take longer than `wait` seconds go on
        behind; what they did counts in the call that finds them done. Raises StoreError."""
        return await self._alongside.once(wait)

    async def test(self, store: str, name: str) -> Reply:
        """What an endpoint answers to an event of the type `webhook.test`, which is kept nowhere."""
        data = msgspec.json.encode({"store": store})
        message = Message(new_id("evt"), "webhook.test", self._clock.now(), data)
        return await self._post.send(self._lines[store, name].endpoint, message)

    async def aclose(self) -> None:
        """Waits a moment for attempts under way; what is cut off is sent again when its lease has ended."""
        for line in self._lines.values():
            line.stop()
        await self._alongside.end(_FAREWELL)
        await self._post.aclose()


class _Attempt(Struct, frozen=True):
    delivery: Delivery
    reply: Reply
    verdict: Verdict
    at: datetime


class _Line:
    """One endpoint's deliveries, one after the other. Settling one and taking the next is one transaction."""

    def __init__(self, endpoint: Endpoint, post: "_Post", database: Database, clock: Clock, metrics: Metrics) -> None:
        self.endpoint = endpoint
        self._post = post
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._queue = Queue(endpoint.store, endpoint.name, endpoint.url)
        self._stopped = False

    def stop(self) -> None:
        """What is under way is settled, nothing more is taken."""
        self._stopped = True

    async def run(self) -> int:
        """Sends until nothing is due or the endpoint must be left alone. How many attempts were made."""
        now = self._clock.now()
        if not await self._database.read(lambda connection: self._queue.is_due(connection, now)):
            return 0
        attempts = 0
        delivery = await self._go_on(None)
        while delivery is not None:
            reply = await self._post.send(self.endpoint, _message(delivery))
            attempts += 1
            now = self._clock.now()
            delivery = await self._go_on(_Attempt(delivery, reply, judged(reply, delivery.attempts + 1, now), now))
        return attempts

    async def _go_on(self, attempt: _Attempt | None) -> Delivery | None:
        following, given_up = await self._database.write(partial(self._step, attempt=attempt))
        if attempt is not None:
            self._tell(attempt)
        if given_up:
            self._count("dead", given_up)
            log.error("webhooks given up: their endpoint is gone", **self._names(), events=given_up)
        return following

    def _step(self, connection: Connection, attempt: _Attempt | None) -> tuple[Delivery | None, int]:
        """The next delivery to send, and how many were given up because the endpoint is gone."""
        if attempt is not None:
            self._settle(connection, attempt)
        now = self._clock.now()
        trouble = self._queue.trouble(connection)
        if trouble is not None and trouble.paused_until is None:
            return None, self._queue.give_up(connection, f"HTTP {_GONE}: the endpoint is gone")
        paused = trouble is not None and trouble.paused_until is not None and trouble.paused_until > now
        return None if paused or self._stopped else self._queue.take(connection, now), 0

    def _settle(self, connection: Connection, attempt: _Attempt) -> None:
        reply, verdict, now = attempt.reply, attempt.verdict, attempt.at
        error = "" if reply.accepted else reply.answer
        self._queue.settle(connection, attempt.delivery, verdict.state, now, next_at=verdict.next_at, error=error)
        if reply.accepted:
            self._queue.reopen(connection)
        elif reply.status == _GONE:
            self._queue.leave_alone(connection, Trouble(1, None))
        elif reply.overloaded:
            before = self._queue.trouble(connection)
            failures = before.failures + 1 if before else 1
            paused_until = now + pause_after(failures, reply.retry_after or 0)
            self._queue.leave_alone(connection, Trouble(failures, paused_until))

    def _tell(self, attempt: _Attempt) -> None:
        state, delivery = attempt.verdict.state, attempt.delivery
        self._count("failed" if state == "pending" else state, 1)
        about = {**self._names(), "id": delivery.event_id, "type": delivery.type, "attempt": delivery.attempts + 1}
        if state == "dead":
            again = "doorstep webhooks replay"
            log.error("webhook given up", **about, reason=attempt.reply.answer, next_step=again)
        elif state == "pending":
            log.warning("webhook not taken", **about, reason=attempt.reply.answer, again=str(attempt.verdict.next_at))

    def _count(self, result: str, count: int) -> None:
        self._metrics.webhooks.labels(self.endpoint.store, self.endpoint.name, result).inc(count)

    def _names(self) -> dict[str, str]:
        return {"store": self.endpoint.store, "endpoint": self.endpoint.name}


class _Post:
    """Carries a message to an endpoint. The operator's settings name it, so it may be inside the operator's network."""

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._transport = GuardedTransport()
        self._client = httpx2.AsyncClient(
            transport=self._transport, trust_env=False, timeout=patience, headers=_HEADERS, follow_redirects=False
        )

    def trust(self, url: str) -> None:
        self._transport.trust(url)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, endpoint: Endpoint, message: Message) -> Reply:
        body = message.body()
        now = self._clock.now()
        request = self._client.build_request(
            "POST", endpoint.url, content=body, headers=endpoint.signer.headers(message.id, now, body)
        )
        try:
            async with asyncio.timeout(self._patience):
                response = await self._client.send(request, stream=True)
        except (TimeoutError, httpx2.TimeoutException):
            return Reply(0, f"no answer within {self._patience:g} s")
        except CarrierError as error:  # the guard's: it names the host, never the path, where a key may be
            return Reply(0, error.message)
        except httpx2.HTTPError as error:
            return Reply(0, f"no connection: {type(error).__name__}")
        await _drain(response)
        after = retry_after(response.headers.get("retry-after", ""), now)
        return Reply(response.status_code, f"HTTP {response.status_code}", after)


def judged(reply: Reply, attempts: int, now: datetime) -> Verdict:
    """What becomes of a delivery after so many attempts, of which the last was answered with `reply`."""
    if reply.accepted:
        return Verdict("delivered")
    again = None if reply.status == _GONE else again_at(attempts, now, reply.retry_after or 0)
    return Verdict("dead") if again is None else Verdict("pending", again)


def again_at(attempts: int, now: datetime, seconds: float = 0) -> datetime | None:
    """When to try again after so many attempts, but not before so many `seconds`; None: not any more."""
    if attempts > len(SCHEDULE):
        return None
    pause = SCHEDULE[attempts - 1] * (1 + random.random() * _JITTER)  # noqa: S311  # no secret
    return now + timedelta(seconds=max(pause, seconds))


def pause_after(failures: int, seconds: float = 0) -> timedelta:
    """How long to leave alone what failed that often in a row."""
    return timedelta(seconds=max(_PAUSES[min(failures, len(_PAUSES)) - 1], seconds))


async def _drain(response: httpx2.Response) -> None:
    """Reads a short answer to its end, so that the connection can be used again; what it says does not matter."""
    read = 0
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(1):
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > _DRAINED:
                    break
    with suppress(httpx2.HTTPError):
        await response.aclose()


def _message(delivery: Delivery) -> Message:
    return Message(delivery.event_id, delivery.type, delivery.at, delivery.data)


def _endpoint(store: str, name: str, webhook: Webhook) -> Endpoint:
    setting = f"stores.{store}.webhooks.{name}"
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{setting}: the name is not good", next_step="use up to 64 of a-z, A-Z, 0-9, _ and -")
    try:
        url = httpx2.URL(webhook.url)
        if not url.host.encode("idna") or (url.port is not None and url.port not in _PORTS):
            raise ValueError("no host, or no such port")
    except (httpx2.InvalidURL, ValueError) as error:
        raise ConfigError(f"{setting}.url: {error}", next_step="correct the address") from None
    for type in webhook.events:
        if type not in TYPES:
            close = difflib.get_close_matches(type, TYPES, n=1)
            known = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(TYPES)}"
            raise ConfigError(f"{setting}.events: there is no {type!r}", next_step=known)
    return Endpoint(store, name, webhook.url, Signer(webhook.secret, setting=f"{setting}.secret"))
