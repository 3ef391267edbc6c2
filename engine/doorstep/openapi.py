"""`/openapi.json`: OpenAPI 3.1, made of the table of operations that the application mounts, and of the types they use."""

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from . import responses
from .refusals import PROBLEMS, Fault

Endpoint = Callable[[Request], Awaitable[Response]]
_NAMES = re.compile(r"\{(\w+)(?::\w+)?\}")
_JSON, _PROBLEM, _PATCH = "application/json", "application/problem+json", "application/merge-patch+json"
_KEPT = (400, 401, 403, 413, 415, 422, 429, 503)  # what any operation with a key may say
_TAKEN = frozenset({400, 413, 415})  # of operations with a body only
_WORDS = {
    200: "The answer", 201: "It is kept", 202: "It is being asked for", 204: "It is done", 304: "Nothing has changed",
    400: "The request cannot be read", 404: "There is no such thing", 500: "A mistake of ours", 503: "Not just now",
} | {one.status: one.title for one in reversed(PROBLEMS.values())}  # fmt: skip


class ProblemDocument(Struct, frozen=True, kw_only=True):
    """RFC 9457, in the caller's language. `code` is stable; there may be more members."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: tuple[Fault, ...] = ()


class Operation(Struct, frozen=True):
    """One method of one path, as the application mounts it and the document tells it.

    `gives` are the bodies by status (None: without one), `refuses` the statuses of problem documents. `takes` is the body,
    a merge patch of it where the method is PATCH; `query` a Struct of parameters; `scope` what the key must be for.
    """

    method: str
    path: str
    endpoint: Endpoint
    name: str
    summary: str
    gives: Mapping[int, Any]
    refuses: tuple[int, ...] = ()
    takes: type[Struct] | None = None
    query: type[Struct] | None = None
    scope: str = ""
    everywhere: bool = False  # at the root of every host, instead of below the store's path
    optional: bool = False  # the body may be missing

    @property
    def shown_path(self) -> str:
        return _NAMES.sub(r"{\1}", self.path)


def routes(operations: Sequence[Operation]) -> list[Route]:
    """The routes of these operations, one for each path, so that a wrong method is answered with those that are right."""
    by_path: dict[str, dict[str, Endpoint]] = defaultdict(dict)
    for one in operations:
        by_path[one.path][one.method] = one.endpoint
    return [_Resource(path, _either(endpoints), methods=list(endpoints)) for path, endpoints in by_path.items()]


class _Resource(Route):
    """Answers every method of its path, those it does not have with 405: the request goes on to no other path that it would
    also fit, as an order's number may have a slash in it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return Match.FULL if match is Match.PARTIAL else match, found


def _either(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return endpoint


class OpenApi:
    """`GET /openapi.json`, made when it is first asked for."""

    def __init__(self, operations: Sequence[Operation], *, version: str) -> None:
        self._operations = operations
        self._version = version
        self._made: dict[str, dict[str, Any]] = {}

    async def show(self, request: Request) -> Response:
        server = request.scope.get("root_path") or "/"
        if server not in self._made:
            self._made[server] = document(self._operations, version=self._version, server=server)
        return responses.json(self._made[server], headers={"Cache-Control": "public, max-age=300"})


def document(operations: Sequence[Operation], *, version: str, server: str) -> dict[str, Any]:
    """The document; `server` is the address of the store."""
    types = list(dict.fromkeys(_types(operations)))
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, map(_plain, schemas), strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        item = paths.setdefault(one.shown_path, {"servers": [{"url": "/"}]} if one.everywhere else {})
        item[one.method.lower()] = _told(one, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Doorstep", "version": version},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {name: _plain(schema) for name, schema in components.items()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key: `ds_<id>_<secret>`"}
            },
        },
    }


def _types(operations: Iterable[Operation]) -> Iterable[Any]:
    yield ProblemDocument
    for one in operations:
        yield from (kind for kind in (*one.gives.values(), one.takes) if kind is not None)


def _told(one: Operation, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    answers = {str(status): _answer(status, kind, schema_of, _JSON) for status, kind in one.gives.items()}
    refused = {*one.refuses, *(_refusals(one) if one.scope else ())}
    answers |= {
        str(status): _answer(status, ProblemDocument, schema_of, _PROBLEM)
        for status in sorted(refused - set(one.gives))
    }
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": [*_in_path(one), *_in_query(one), *_in_headers(one)],
        "responses": answers,
    }
    if one.takes is not None:
        told["requestBody"] = {"required": not one.optional, "content": _content(one, schema_of)}
    if one.scope:
        told["security"] = [{"key": []}]
        told["description"] = f"The key needs the scope `{one.scope}`."
    return told


def _refusals(one: Operation) -> Iterable[int]:
    return (status for status in _KEPT if one.takes is not None or status not in _TAKEN)


def _answer(status: int, kind: Any, schema_of: Mapping[Any, Any], media_type: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _WORDS[status]}
    if kind is not None:
        told["content"] = {media_type: {"schema": schema_of[kind]}}
    return told


def _content(one: Operation, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    if one.method == "PATCH":
        patch = {"type": "object", "description": "A JSON merge patch (RFC 7396) of what was written; null takes away."}
        return {_PATCH: {"schema": patch}, _JSON: {"schema": patch}}
    return {_JSON: {"schema": schema_of[one.takes]}}


def _in_path(one: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAMES.findall(one.path)
    ]


def _in_query(one: Operation) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    schema = msgspec.json.schema(one.query)
    properties = schema["$defs"][one.query.__name__]["properties"]
    return [{"name": name, "in": "query", "schema": _plain(found)} for name, found in properties.items()]


def _in_headers(one: Operation) -> list[dict[str, Any]]:
    if not one.scope:
        return []
    names = {"POST": ["Idempotency-Key"], "PATCH": ["If-Match"], "DELETE": ["If-Match"], "GET": ["If-None-Match"]}
    return [{"name": name, "in": "header", "schema": {"type": "string"}} for name in names[one.method]]


def _plain(schema: Any) -> Any:
    """A schema as OpenAPI's readers know it: an amount is a number too, and what may be missing has no `null` default."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"anyOf": [{"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"}, {"type": "number"}]}
    return {name: _plain(value) for name, value in schema.items()}
