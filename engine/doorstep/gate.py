"""The way into the merchant's API: key, quota, scope, body, then the work as one transaction, done once.

What an operation does is a function of a connection and a call, which gives a reply or raises a Refusal.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import Meta, Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from . import payload, responses
from .database import Database
from .errors import DoorstepError, KeyReused, NumberError, OrderExists, StoreError
from .idempotency import LONGEST, Given, Once
from .keys import Key, Keys
from .openapi import Operation
from .ratelimits import RateLimits
from .refusals import PROBLEMS, Fault, Refusal, invalid
from .shops import Shop

_PRIVATE = {"Cache-Control": "private, no-store"}
_TOLD = frozenset({"unauthorized", "forbidden", "rate_limited"})  # of which an operator should hear
_NO_SCOPE = 'Bearer error="insufficient_scope", scope="{}"'

log = structlog.get_logger("doorstep.gate")


class Call(Struct, frozen=True):
    """A request that came in. `names` are those of the path, `body` the JSON value, `base` the store's address."""

    shop: Shop
    names: Mapping[str, str]
    query: Any
    body: Any
    base: str
    if_match: str


class Query(Struct, frozen=True):
    """`lang` is the language of what is refused (BCP 47), instead of `Accept-Language`."""

    lang: Annotated[str, Meta(max_length=35)] = ""


class Reply(Struct, frozen=True):
    """What goes out; `value` is anything that msgspec writes, None for no body."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = {}


Work = Callable[[Connection, Call], Reply]


class Gate:
    """Lets requests in, and answers them."""

    def __init__(self, database: Database, keys: Keys, limits: RateLimits, once: Once) -> None:
        self._database = database
        self._keys = keys
        self._limits = limits
        self._once = once

    def operation(self, work: Work, method: str, path: str, summary: str, *, scope: str, **told: Any) -> Operation:
        """The operation that does this work for whoever has a key with this scope; `told` are fields of Operation."""

        async def endpoint(request: Request) -> Response:
            return await self._answer(request, operation, work)

        name = getattr(work, "__name__", path)
        operation = Operation(method, path, endpoint, name, summary, scope=scope, **{"query": Query, **told})
        return operation

    async def _answer(self, request: Request, operation: Operation, work: Work) -> Response:
        shop: Shop = request.state.shop
        scope = operation.scope
        headers = dict(_PRIVATE)
        try:
            key = await self._key(request, shop)
            quota = await self._limits.take(key.id)
            headers |= quota.headers
            if quota.spent:
                raise Refusal("rate_limited")
            if scope not in key.scopes:
                raise Refusal("forbidden", headers={"WWW-Authenticate": _NO_SCOPE.format(scope)}, scope=scope)
            given = await self._done(request, operation, key, work)
        except (DoorstepError, Refusal) as error:
            refusal = error if isinstance(error, Refusal) else _refusal(error)
            if refusal.code in _TOLD:
                log.warning("a request to the API was refused", store=shop.id, code=refusal.code, needs=scope)
            return refused(request, refusal, headers)
        known, etag = request.headers.get("if-none-match", ""), given.headers.get("ETag", "")
        if given.status == 200 and responses.names(known.encode("latin-1"), etag.encode("latin-1")):
            return Response(None, 304, {**headers, **given.headers})
        media_type = "application/json" if given.body else None
        return Response(given.body, given.status, {**headers, **given.headers}, media_type)

    async def _key(self, request: Request, shop: Shop) -> Key:
        scheme, _, offered = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refusal("unauthorized", headers={"WWW-Authenticate": "Bearer"})
        key = await self._database.read(lambda connection: self._keys.find(connection, offered.strip()))
        if key is None or key.store != shop.id:
            raise Refusal("unauthorized", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if not self._keys.is_noted(key):
            with suppress(StoreError):  # a disk that is full is no reason to refuse reading
                await self._database.write(lambda connection: self._keys.note(connection, key))
        return key

    async def _done(self, request: Request, operation: Operation, key: Key, work: Work) -> Given:
        body = await payload.read(request) if operation.takes else b""
        if not body and operation.optional:
            body = b"{}"
        shop: Shop = request.state.shop
        call = Call(
            shop, request.path_params, _query(request, operation.query or Query),
            payload.parsed(body) if operation.takes else None, base_url(request, shop), request.headers.get("if-match", ""),
        )  # fmt: skip

        def given(connection: Connection) -> Given:
            reply = work(connection, call)
            return Given(reply.status, reply.headers, b"" if reply.value is None else msgspec.json.encode(reply.value))

        if operation.method == "GET":
            return await self._database.read(given)
        once = request.headers.get("idempotency-key") if operation.method == "POST" else None
        if once is None:
            return await self._database.write(given)
        # The path as it was sent: two orders may differ in what an escape stands for.
        asked = request.scope.get("raw_path", request.url.path.encode()) + b"\n" + body
        named = _once_key(once)
        return await self._database.write(lambda connection: self._once.do(connection, key.id, named, asked, given))


def refused(request: Request, refusal: Refusal, headers: Mapping[str, str]) -> Response:
    """The problem document of a refusal, in the caller's language."""
    shop: Shop = request.state.shop
    asked, accepted = request.query_params.get("lang", ""), request.headers.get("accept-language", "")
    localizer = shop.reader(asked, accepted).localizer
    problem = PROBLEMS[refusal.code]
    return responses.problem(
        problem.status, refusal.code, localizer.text(problem.title), localizer.text(problem.detail),
        instance=request.url.path, language=localizer.tag, headers={**headers, **refusal.headers}, **refusal.more,
    )  # fmt: skip


def not_allowed(request: Request, headers: Mapping[str, str]) -> Response:
    """The answer to a method that this address does not know; `headers` name those it does."""
    return refused(request, Refusal("method_not_allowed"), headers)


def base_url(request: Request, shop: Shop) -> str:
    """The store's address without a slash at the end: as its settings say, else as the request came."""
    origin = shop.config.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
    return origin + shop.config.path


def _refusal(error: DoorstepError) -> Refusal:
    if isinstance(error, NumberError):
        return invalid(Fault("shipments", error.message, error.next_step))
    if isinstance(error, OrderExists | KeyReused):
        return Refusal(error.code)
    log.error("a request could not be carried out", reason=str(error))
    return Refusal("store", headers={"Retry-After": "5"})


def _query(request: Request, kind: type[Struct]) -> Any:
    """The parameters. One that nobody knows is refused: a list that is not narrowed as was meant would be worse."""
    known = kind.__struct_encode_fields__
    if unknown := [name for name in request.query_params if name not in known]:
        step = f"there are {', '.join(known)}"
        raise invalid(*(Fault(f"?{name[:100]}", "there is no such parameter", step) for name in unknown))
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except msgspec.ValidationError as error:
        problem, _, at = str(error).rpartition(" - at `$.")
        raise invalid(Fault(f"?{at.rstrip('`')}", problem, "correct the parameter")) from None


def _once_key(header: str) -> str:
    """The key, which the draft writes in quotes and most clients do not."""
    quoted = len(header) >= 2 and header.startswith('"') and header.endswith('"')
    key = header[1:-1] if quoted else header.strip()
    if not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise Refusal("invalid_key")
    return key
