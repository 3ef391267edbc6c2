"""The engine's own way to a carrier: it drives the plugin's pure exchange and alone opens connections.

For every carrier alike: a deadline for the whole question, bodies bounded, no redirects, private addresses refused, one
jittered retry of what may be repeated, `Retry-After`, breaker, budget, at most six steps, the credential cached and renewed
once, the plugin's code in bounded threads, metrics, a wire log without secrets.
"""

import asyncio
import random
import zlib
from collections.abc import Generator
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
from msgspec import Struct

from .auth import Auth, Credential
from .budget import LONGEST_WAIT, Breaker, Budget
from .clock import Clock
from .errors import (
    AuthExpired,
    AuthRefused,
    CarrierError,
    CarrierUnavailable,
    PluginFailed,
    ProtocolError,
    RateLimited,
)
from .exchange import Answer, Exchange, Query, Request, Response
from .guard import GuardedTransport
from .intake import take_in
from .metrics import Metrics
from .plugins import Account
from .threads import Threads
from .wire import Wire, secrets_of

MOST_STEPS = 6
LARGEST_BODY = 2 * 1024 * 1024
_HEADERS = {"User-Agent": "Doorstep/1", "Accept-Encoding": "gzip"}


class _Done(Struct, frozen=True):
    """The value a plugin's generator returned."""

    value: Any


class _Line:
    """What is kept per account between questions."""

    def __init__(self, account: Account, clock: Clock) -> None:
        limits = account.carrier.manifest.limits
        self.account = account
        self.budget = Budget(limits, clock, strangers=account.strangers)
        self.breaker = Breaker(clock)
        self.slots = asyncio.Semaphore(limits.concurrent)
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


class Fetcher:
    """Asks carriers. One per process; close it with `aclose()`."""

    def __init__(
        self, *, clock: Clock, metrics: Metrics, transport: GuardedTransport | None = None, deadline: float = 10.0
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._deadline = deadline
        self._transport = transport or GuardedTransport()
        self._client = httpx2.AsyncClient(
            transport=self._transport,
            trust_env=False,
            timeout=deadline,
            headers=_HEADERS,
        )
        self._lines: dict[str, _Line] = {}

    async def aclose(self) -> None:
        await self._client.aclose()

    async def track(self, account: Account, query: Query, *, stranger: bool = True, wire: Wire | None = None) -> Answer:
        """The carrier's answer about one number, taken in. Raises a CarrierError."""
        line = self._line(account)
        slug = account.carrier.manifest.slug
        started = self._clock.monotonic()
        try:
            # A refusal of our own is not the carrier's failure: it must not keep the breaker open.
            line.breaker.check()
            line.budget.take(stranger=stranger)
        except CarrierError as error:
            self._metrics.carrier_calls.labels(slug, error.code).inc()
            raise
        try:
            answer = await self._within_deadline(line, query, wire or Wire())
        except CarrierError as error:
            error.message = error.message.replace(query.number, "…")  # what a plugin raises may quote it; logs must not
            error.args = (error.message,)
            self._metrics.carrier_calls.labels(slug, error.code).inc()
            if isinstance(error, CarrierUnavailable | PluginFailed):
                line.breaker.failed()
            raise
        finally:
            self._metrics.carrier_seconds.labels(slug).observe(self._clock.monotonic() - started)
        line.breaker.succeeded()
        self._metrics.carrier_calls.labels(slug, "answered").inc()
        return answer

    def _line(self, account: Account) -> _Line:
        if account.name not in self._lines:
            self._lines[account.name] = _Line(account, self._clock)
            if account.endpoint:
                self._transport.trust(account.endpoint)
        return self._lines[account.name]

    async def _within_deadline(self, line: _Line, query: Query, wire: Wire) -> Answer:
        carrier = line.account.carrier
        wire.hide(secrets_of(carrier.settings))
        call = _Call(line, wire, self._clock.monotonic() + self._deadline)
        try:
            async with asyncio.timeout(self._deadline), line.slots:
                answer = await self._track(call, query)
                taken: Answer = await line.threads.run(
                    lambda: _guarded(lambda: take_in(answer, carrier.manifest)), wait=self._deadline
                )
        except TimeoutError:
            wire.failed("no answer in time")
            raise CarrierUnavailable(f"{carrier.manifest.name} did not answer within {self._deadline:g} s") from None
        self._count_unmapped(taken, carrier.manifest.slug)
        return taken

    async def _track(self, call: _Call, query: Query) -> Any:
        for restarted in (False, True):
            credential = await self._credential(call)
            try:
                exchange = await self._begin(call, lambda: call.line.account.carrier.track(query))
                return await self._drive(call, exchange, credential)
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
                line.auth = await line.threads.run(lambda: _guarded(line.account.carrier.auth), wait=self._deadline)
            auth: Any = line.auth  # whatever the plugin gave
            if line.credential is None or self._clock.monotonic() >= line.credential_ends:
                try:
                    credential = await self._drive(call, await self._begin(call, lambda: auth.login()), None)
                except AuthExpired:
                    raise AuthRefused(
                        "the carrier refuses the account's credentials",
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

    async def _begin(self, call: _Call, start: Any) -> Generator[Request, Response, Any]:
        exchange = await call.line.threads.run(lambda: _guarded(start), wait=self._deadline)
        if not isinstance(exchange, Generator):
            raise PluginFailed(
                f"the exchange is a {type(exchange).__name__}", next_step="write it as a generator (yield)"
            )
        return exchange

    async def _drive(self, call: _Call, exchange: Exchange[Any], credential: Credential | None) -> Any:
        """Runs an exchange to its end: requests out, responses in. The generator is always closed."""
        auth = call.line.auth if credential else None
        response: Response | None = None
        try:
            for steps_left in range(MOST_STEPS, -1, -1):
                advance = partial(_advance, exchange, response, auth, credential)
                step = await call.line.threads.run(advance, wait=self._deadline)
                if isinstance(step, _Done):
                    return step.value
                if steps_left:
                    response = await self._send(call, step)
            raise PluginFailed(f"the exchange took more than {MOST_STEPS} steps", next_step="ask less, or in batches")
        finally:
            await asyncio.shield(_closed(call, exchange))

    async def _send(self, call: _Call, request: Request) -> Response:
        repeatable = request.idempotent or request.method in ("GET", "HEAD")
        pause = 0.1 + random.random() * 0.4  # noqa: S311  # jitter, not a secret
        try:
            return await self._send_once(call, request)
        except CarrierUnavailable as error:
            left = call.ends - self._clock.monotonic()
            if not repeatable or error.retry_after is not None or left < pause * 2:
                raise
        await asyncio.sleep(pause)
        return await self._send_once(call, request)

    async def _send_once(self, call: _Call, request: Request) -> Response:
        outgoing = self._build(call, request)
        call.wire.asked(outgoing.method, str(outgoing.url), outgoing.headers, outgoing.content)
        started = self._clock.monotonic()
        try:
            incoming = await self._client.send(outgoing, stream=True)
            try:
                body = await _read(incoming)
            finally:
                await incoming.aclose()
        except httpx2.HTTPError as error:
            call.wire.failed(type(error).__name__)
            raise CarrierUnavailable(f"no connection to {outgoing.url.host}: {type(error).__name__}") from None
        except CarrierError as error:
            call.wire.failed(error.message)
            raise
        call.wire.answered(incoming.status_code, self._clock.monotonic() - started, body)
        response = Response(
            incoming.status_code, {name.lower(): value for name, value in incoming.headers.items()}, body
        )
        self._judge(call.line, request, response)
        return response

    def _build(self, call: _Call, request: Request) -> httpx2.Request:
        """The request as it goes out. Raises PluginFailed for a host that the manifest does not name."""
        manifest = call.line.account.carrier.manifest
        base = call.line.account.endpoint or manifest.endpoint
        url = base.rstrip("/") + request.path
        if not request.path.startswith("/"):
            host = httpx2.URL(request.path).host
            if host not in manifest.hosts:
                raise PluginFailed(f"the plugin asks {host!r}", next_step="list the host in carrier.toml: hosts = […]")
            own = call.line.account.endpoint
            url = f"{own.rstrip('/')}/{request.path.partition('://')[2]}" if own else request.path
        headers = dict(request.headers)
        content = request.body
        if request.json is not None:
            content = msgspec.json.encode(request.json)
            headers.setdefault("Content-Type", "application/json")
        elif request.form is not None:
            content = urlencode(dict(request.form)).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        try:
            return self._client.build_request(
                request.method, url, params=dict(request.params) or None, headers=headers, content=content
            )
        except (httpx2.InvalidURL, ValueError, TypeError) as error:
            raise PluginFailed(f"the request cannot be built: {error}") from None

    def _judge(self, line: _Line, request: Request, response: Response) -> None:
        """Raises for what the plugin need not see: a refused credential, a limit, a redirect, a failing server."""
        status = response.status
        if status in request.accept or 200 <= status < 300 or status in (400, 404):
            return
        if status == 401:
            raise AuthExpired("the carrier does not accept the credential (HTTP 401)")
        if status == 403:
            raise AuthRefused("the carrier refuses this account (HTTP 403)")
        after = self._retry_after(response)
        if status == 429:
            line.budget.wait(after if after is not None else 60)
            raise RateLimited("the carrier says: too many requests (HTTP 429)", retry_after=after)
        if status >= 500:
            if after is not None:
                line.budget.wait(after)
            raise CarrierUnavailable(f"the carrier's server fails (HTTP {status})", retry_after=after)
        raise ProtocolError(f"the carrier answered HTTP {status}, which its documentation does not foresee")

    def _retry_after(self, response: Response) -> float | None:
        """`Retry-After` in seconds, bounded to an hour; None when it is missing or makes no sense."""
        text = response.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return min(float(text[:9]), LONGEST_WAIT)
        try:
            at = parsedate_to_datetime(text)
            seconds = (at.replace(tzinfo=at.tzinfo or UTC) - self._clock.now()).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(seconds, 0.0), LONGEST_WAIT)

    def _count_unmapped(self, answer: Answer, slug: str) -> None:
        unmapped = sum(not event.mapped for shipment in getattr(answer, "shipments", ()) for event in shipment.events)
        if unmapped:
            self._metrics.unmapped_codes.labels(slug).inc(unmapped)


async def _read(incoming: httpx2.Response) -> bytes:
    """The decoded body, never more than the cap, however small it came packed."""
    encoding = incoming.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise ProtocolError(f"the carrier packs its answer as {encoding!r}, which was not asked for")
    unpack = zlib.decompressobj(47) if encoding in ("gzip", "deflate") else None
    body = bytearray()
    async for chunk in incoming.aiter_raw():
        try:
            body += unpack.decompress(chunk, LARGEST_BODY + 1 - len(body)) if unpack else chunk
        except zlib.error:
            raise ProtocolError("the carrier's answer is packed wrongly") from None
        if len(body) > LARGEST_BODY:
            raise ProtocolError(f"the carrier's answer is larger than {LARGEST_BODY} bytes")
    if unpack and body and not unpack.eof:
        raise ProtocolError("the carrier's answer is packed wrongly: its end is missing")
    return bytes(body)


def _advance(
    exchange: Exchange[Any], response: Response | None, auth: Auth | None, credential: Credential | None
) -> Request | _Done:
    """One step of a plugin's generator, in a thread: the request it yields, signed, or _Done with what it returns."""

    def step() -> Any:
        try:
            return next(exchange) if response is None else exchange.send(response)
        except StopIteration as end:
            return _Done(end.value)

    request = _guarded(step)
    if isinstance(request, _Done):
        return request
    if auth is not None and credential is not None and isinstance(request, Request):
        request = _guarded(lambda: auth.sign(request, credential))
    if not isinstance(request, Request):
        raise PluginFailed(f"the exchange yielded {type(request).__name__}", next_step="yield Request(…)")
    return request


def _guarded(call: Any) -> Any:
    """Calls a plugin. What it raises that is no CarrierError becomes PluginFailed, SystemExit and the like too."""
    try:
        return call()
    except CarrierError:
        raise
    except BaseException as error:
        raise PluginFailed(f"the plugin raised {type(error).__name__}: {error}") from error


async def _closed(call: _Call, exchange: Exchange[Any]) -> None:
    try:
        async with asyncio.timeout(1):
            await call.line.threads.run(lambda: _guarded(exchange.close), wait=1)
    except (TimeoutError, CarrierError):
        pass  # it hangs or raises in its own clean-up: its thread is bounded, its question is over
