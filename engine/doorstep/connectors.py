"""`POST /connect/{connector}`: where shop systems tell of orders. What cannot be kept is not said to be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from anyio import to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from . import responses
from .config import Config
from .connector import Connector, Incoming, Verdict
from .database import Database
from .errors import ConfigError, DoorstepError, StoreError
from .plugins import Plugins
from .receiving import Receiver
from .settings import convert

LARGEST = 2_000_000  # bytes

log = structlog.get_logger("doorstep.connectors")


class ConnectorProblem(Struct, frozen=True):
    """A connector that a store asks for and cannot have."""

    connector: str
    reason: str
    next_step: str


class Connectors:
    """The connectors of all stores, by store and name, and those that cannot be had."""

    def __init__(
        self, placed: Mapping[str, Mapping[str, Connector[Any]]], problems: tuple[ConnectorProblem, ...]
    ) -> None:
        self.placed = placed
        self.problems = problems


def open_connectors(config: Config, plugins: Plugins) -> Connectors:
    """The connectors of `[stores.<id>.connectors]`, each by itself."""
    offers = plugins.registered.connectors
    placed: dict[str, dict[str, Connector[Any]]] = {id: {} for id in config.stores}
    problems = []
    for id, store in config.stores.items():
        for name, raw in store.connectors.items():
            try:
                placed[id][name] = _placed(
                    offers, name, raw, f"stores.{id}.connectors.{name}", config.file, config.base
                )
            except DoorstepError as error:
                problems.append(ConnectorProblem(name, error.message, error.next_step))
    return Connectors(placed, tuple(problems))


def _placed(
    offers: Mapping[str, type[Connector[Any]]], name: str, raw: Mapping[str, Any], path: str, file: str, base: Path
) -> Connector[Any]:
    if name not in offers:
        known = ", ".join(sorted(offers)) or "none"
        raise ConfigError(f"{file}: {path}: no plugin offers this connector", next_step=f"installed: {known}")
    return offers[name](convert(raw, offers[name].settings_type, path=path, file=file, base=base))


class ConnectApi:
    """The route. A shop system is answered with 2xx for all that is settled, also where there was nothing to do: others it
    would send again, and give up in the end."""

    def __init__(self, connectors: Connectors, database: Database, receiver: Receiver) -> None:
        self._connectors = connectors
        self._database = database
        self._receiver = receiver

    async def connect(self, request: Request) -> Response:
        """`POST /connect/{connector}`: a signed webhook of the store's shop system."""
        store: str = request.state.shop.id
        connector = self._connectors.placed[store].get(request.path_params["connector"])
        if connector is None:
            return _said("unknown connector", 404)
        body = await _body(request)
        if body is None:
            return _said("too large", 413)
        incoming = Incoming(dict(request.headers), body)
        try:
            return await self._settle(store, connector, incoming)
        except StoreError as error:
            log.error("a webhook could not be kept", store=store, connector=connector.name, reason=error.message)
            return _said("try again", 503)
        except DoorstepError as error:  # sent again, it would be no better
            log.error("a webhook is of no use", store=store, connector=connector.name, error=type(error).__name__)
            return _said("unusable")
        except Exception as error:  # the plugin's own; what it says may be personal
            log.error("a connector failed", store=store, connector=connector.name, error=type(error).__name__)
            return _said("failed", 500)

    async def _settle(self, store: str, connector: Connector[Any], incoming: Incoming) -> Response:
        verdict = await to_thread.run_sync(connector.verify, incoming)
        if verdict is Verdict.PING:
            return _said("ok")
        if verdict is not Verdict.GENUINE:
            log.warning("a webhook was not signed as it should be", store=store, connector=connector.name)
            return _said("wrong signature", 401)
        changes = await to_thread.run_sync(connector.read, incoming)
        if not changes:
            return _said("ignored")
        key = await to_thread.run_sync(connector.key, incoming)
        new = await self._database.write(
            lambda connection: self._receiver.receive(connection, store, connector.name, key, changes)
        )
        return _said("kept" if new else "known")


async def _body(request: Request) -> bytes | None:
    """The body, or None when it is too large; what is still under way is then not waited for."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _said(outcome: str, status: int = 200) -> Response:
    headers = {"Connection": "close"} if status == 413 else {}
    return responses.json({"outcome": outcome}, status=status, headers=headers)
