"""The engine's own way to a carrier: it drives the plugin's pure exchange and alone opens connections.

For every carrier alike: a deadline for the whole question, bodies bounded, no redirects, private addresses refused, one
jittered retry of what may be repeated (here and in no layer below), `Retry-After`, breaker, budget, at most six steps, the
credential cached and renewed once, the plugin's code in bounded threads, metrics, a wire log without secrets.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from .auth import Auth, Credential
from .budget import Breaker, Budget, Budgets, Left, Retries
from .clock import Clock
from .errors import (
    AuthExpired,
    AuthRefused,
    CarrierError,
    CarrierUnavailable,
    PluginFailed,
    RateLimited,
)
from .exchange import MOST_STEPS, Answer, NotFound, Query, Request, Response
from .files import File
from .guard import GuardedTransport
from .intake import take_in, take_in_each, take_in_file, take_in_many
from .manifest import Ability
from .metrics import Metrics
from .models import Document
from .plugins import Account
from .sending import Sender
from .steps import Done, Exchanged, guarded
from .threads import Threads
from .wire import Wire, secrets_of

T = TypeVar("T")
_LONGEST_PAUSE = 0.5  # seconds before a request is repeated
_PAUSE = 60.0  # seconds without a call after "too many requests" that names no time


class Standing(Struct, frozen=True):
    """How an account stands with its carrier: since when it is left alone, what is left of its limits, how many requests
    may be repeated."""

    account: str
    open_since: datetime | None
    left: list[Left]
    retries: int


class _Line:
    """What is kept per account between questions."""

    def __init__(self, account: Account, clock: Clock, budget: Budget) -> None:
        manifest = account.carrier.manifest
        self.account = account
        self.budget = budget
        self.breaker = Breaker(clock)
        self.retries = Retries()
        self.slots = asyncio.Semaphore(manifest.concurrent)
        self.threads = Threads()
        self.auth: Auth | None = None
        self.login = asyncio.Lock()
        self.credential: Credential | None = None
        self.credential_ends = 0.0


class _Call(Struct):
    """One question under way: its account's line, its wire log, when it must be over (on the clock's monotonic scale)."""

    line: _Line
    wire: Wire
    ends: float
    stranger: bool
    requests: int = 0


class _Question(Struct):
    """What is asked: about which numbers, how the plugin's exchange begins, how its outcome is taken in."""

    queries: Sequence[Query]
    begin: Callable[[], Any]
    take_in: Callable[[Any], Any]
    wire: Wire | None
    stranger: bool = False


class Fetcher:
    """Asks carriers. One per process; close it with `aclose()`."""

    def __init__(
        self, *, clock: Clock, metrics: Metrics, transport: GuardedTransport | None = None, deadline: float = 10.0,
        budgets: Budgets | None = None,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._metrics = metrics
        self._deadline = deadline
        self._budgets = budgets or Budgets(clock)
        self._transport = transport or GuardedTransport()
        self._sender = Sender(clock=clock, transport=self._transport, timeout=deadline)
        self._lines: dict[str, _Line] = {}

    async def aclose(self) -> None:
        await self._sender.aclose()

    def shut(self) -> dict[str, datetime]:
        """The accounts that are left alone because their carrier keeps failing, and since when."""
        return {name: since for name, line in self._lines.items() if (since := line.breaker.open_since) is not None}

    async def standings(self) -> list[Standing]:
        """How the accounts stand that were asked something since the start."""
        lines = dict(self._lines)
        left = await asyncio.gather(*(line.budget.left() for line in lines.values()))
        return [
            Standing(name, line.breaker.open_since, one, line.retries.left)
            for (name, line), one in zip(lines.items(), left, strict=True)
        ]

    async def track(self, account: Account, query: Query, *, stranger: bool = True, wire: Wire | None = None) -> Answer:
        """The carrier's answer about one number, taken in. Raises a CarrierError."""
        carrier = account.carrier
        take = partial(take_in, manifest=carrier.manifest)
        question = _Question([query], lambda: carrier.track(query), take, wire, stranger)
        answer: Answer = await self._ask(account, question)
        self._count_unmapped(answer, carrier.manifest.slug)
        return answer

    async def track_many(
        self, account: Account, queries: Sequence[Query], *, wire: Wire | None = None
    ) -> dict[str, Answer | CarrierError]:
        """An answer, or the error that belongs to it, for every number: in batches where the carrier can, else one by one."""
        carrier = account.carrier
        answers: dict[str, Answer | CarrierError] = {}
        if Ability.TRACK_MANY not in carrier.manifest.can:
            for query in queries:
                try:
                    answers[query.number] = await self.track(account, query, stranger=False, wire=wire)
                except CarrierError as error:
                    answers[query.number] = error
            return answers
        for batch in _batches(queries, carrier.manifest.batch):
            begin = partial(carrier.track_many, batch)
            take = partial(take_in_many, queries=batch, manifest=carrier.manifest)
            answers |= await self._ask_many(account, _Question(batch, begin, take, wire))
        for answer in answers.values():
            self._count_unmapped(answer, carrier.manifest.slug)
        return answers

    async def register(
        self, account: Account, queries: Sequence[Query], *, wire: Wire | None = None
    ) -> dict[str, CarrierError | None]:
        """Tells an aggregator which numbers to watch; an error, or None, for each. Never because a stranger asked."""
        carrier = account.carrier
        results: dict[str, CarrierError | None] = {}
        for batch in _batches(queries, carrier.manifest.batch):
            question = _Question(batch, partial(carrier.register, batch), partial(take_in_each, queries=batch), wire)
            results |= await self._ask_many(account, question)
        return results

    async def document(
        self, account: Account, query: Query, document: Document, *, wire: Wire | None = None
    ) -> File | NotFound:
        """A document that a shipment refers to. It is personal: give it out with proof only, keep it nowhere."""
        question = _Question([query], lambda: account.carrier.document(query, document), take_in_file, wire)
        file: File | NotFound = await self._ask(account, question)
        return file

    async def _ask_many(self, account: Account, question: "_Question") -> dict[str, Any]:
        """One batch; what fails as a whole is each number's error."""
        try:
            answers: dict[str, Any] = await self._ask(account, question)
        except CarrierError as error:
            return {query.number: error for query in question.queries}
        for answer in answers.values():
            if isinstance(answer, CarrierError):
                _hide_queries(answer, question.queries)
        return answers

    async def _ask(self, account: Account, question: "_Question") -> Any:
        line = self._line(account)
        started = self._clock.monotonic()
        try:
            # A refusal of our own is not the carrier's failure: it must not keep the breaker open.
            line.breaker.check()
            await line.budget.take(stranger=question.stranger)
        except CarrierError as error:
            self._metrics.carrier_calls.labels(account.name, error.code).inc()
            raise
        try:
            answer = await self._within_deadline(line, question)
        except CarrierError as error:
            _hide_queries(error, question.queries)
            self._metrics.carrier_calls.labels(account.name, error.code).inc()
            if error.retry_after is not None or isinstance(error, RateLimited):
                await line.budget.wait(_PAUSE if error.retry_after is None else error.retry_after)
            if isinstance(error, CarrierUnavailable | PluginFailed):
                line.breaker.failed()
            raise
        finally:
            self._metrics.carrier_seconds.labels(account.name).observe(self._clock.monotonic() - started)
        line.breaker.succeeded()
        self._metrics.carrier_calls.labels(account.name, "answered").inc()
        return answer

    def _line(self, account: Account) -> _Line:
        if account.name not in self._lines:
            limits = account.carrier.manifest.limits
            budget = self._budgets.of(account.name, limits, strangers=account.strangers)
            self._lines[account.name] = _Line(account, self._clock, budget)
            if account.endpoint:
                self._transport.trust(account.endpoint)
        return self._lines[account.name]

    async def _within_deadline(self, line: _Line, question: "_Question") -> Any:
        carrier = line.account.carrier
        wire = question.wire or Wire()
        wire.hide(secrets_of(carrier.settings))
        call = _Call(line, wire, self._clock.monotonic() + self._deadline, question.stranger)
        try:
            async with asyncio.timeout(self._deadline), line.slots:
                return await self._exchanged(call, question)
        except TimeoutError:
            wire.failed("no answer in time")
            raise CarrierUnavailable(f"{carrier.manifest.name} did not answer within {self._deadline:g} s") from None

    async def _exchanged(self, call: _Call, question: "_Question") -> Any:
        for restarted in (False, True):
            credential = await self._credential(call)
            try:
                return await self._drive(call, Exchanged(question.begin, question.take_in, call.line.auth, credential))
            except AuthExpired:
                if call.line.credential is credential:
                    call.line.credential = None
                if restarted:
                    raise AuthRefused("the carrier refuses a credential it has just given") from None
        raise AssertionError("unreachable")

    async def _credential(self, call: _Call) -> Credential:
        line = call.line
        async with line.login:
            if line.auth is None:
                line.auth = await line.threads.run(lambda: guarded(line.account.carrier.auth), wait=self._deadline)
            auth: Any = line.auth  # whatever the plugin gave
            if line.credential is None or self._clock.monotonic() >= line.credential_ends:
                try:
                    credential = await self._drive(call, Exchanged(lambda: auth.login()))
                except AuthExpired as refusal:
                    raise AuthRefused(
                        f"the carrier refuses the account's credentials: {refusal.message}",
                        next_step=f"check [carriers.{line.account.name}]",
                    ) from None
                if not isinstance(credential, Credential):
                    raise PluginFailed(f"login() returned {type(credential).__name__}", next_step="return a Credential")
                line.credential = credential
                # Renewed a little early, so that no request leaves with a credential about to expire.
                life = credential.expires_in * 0.9 if credential.expires_in > 0 else float("inf")
                line.credential_ends = self._clock.monotonic() + life
            call.wire.hide([line.credential.value])
            return line.credential

    async def _drive(self, call: _Call, exchange: Exchanged) -> Any:
        """Runs an exchange to its end: requests out, responses in. The generator is always closed. A thread waits long for its
        turn beside a busy loop, so it does at once what can be done in one turn."""
        threads = call.line.threads
        try:
            step = await threads.run(exchange.begin, wait=self._deadline)
            for _ in range(MOST_STEPS):
                if isinstance(step, Done):
                    break
                response = await self._send(call, step)
                step = await threads.run(partial(exchange.advance, response), wait=self._deadline)
        finally:
            if exchange.is_open:
                await asyncio.shield(_closed(call, exchange))
        if not isinstance(step, Done):
            raise PluginFailed(f"the exchange took more than {MOST_STEPS} steps", next_step="ask less, or in batches")
        return step.value

    async def _send(self, call: _Call, request: Request) -> Response:
        line = call.line
        if call.requests:  # the question's first request was taken from the budget before it began
            await line.budget.spend()
        call.requests += 1
        line.retries.asked()
        try:
            return await self._sender.send(request, line.account, call.wire)
        except CarrierUnavailable as error:
            repeatable = request.idempotent or request.method in ("GET", "HEAD")
            in_time = call.ends - self._clock.monotonic() >= 2 * _LONGEST_PAUSE
            if not repeatable or error.retry_after is not None or not in_time or not await _granted(call):
                raise
        await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  # full jitter, not a secret
        return await self._sender.send(request, line.account, call.wire)

    def _count_unmapped(self, answer: Answer | CarrierError, slug: str) -> None:
        unmapped = sum(not event.mapped for shipment in getattr(answer, "shipments", ()) for event in shipment.events)
        if unmapped:
            self._metrics.unmapped_codes.labels(slug).inc(unmapped)


async def _granted(call: _Call) -> bool:
    """A retry, where both the account's retries and its limits have one left; it is taken from them."""
    with suppress(RateLimited):
        if call.line.retries.take():
            await call.line.budget.take(stranger=call.stranger)
            return True
    return False


def _hide_queries(error: CarrierError, queries: Sequence[Query]) -> None:
    """What a plugin raises may quote what it was asked with, a number or a postcode; logs must not."""
    for query in queries:
        for asked in filter(None, (query.number, query.postcode)):
            error.message = error.message.replace(asked, "…")
    error.args = (error.message,)


def _batches(queries: Sequence[Query], size: int) -> list[list[Query]]:
    unique = list({query.number: query for query in queries}.values())
    return [unique[start : start + size] for start in range(0, len(unique), size)]


async def _closed(call: _Call, exchange: Exchanged) -> None:
    try:
        async with asyncio.timeout(1):
            await call.line.threads.run(exchange.close, wait=1)
    except (TimeoutError, CarrierError):
        pass  # it hangs or raises in its own clean-up: its thread is bounded, its question is over
