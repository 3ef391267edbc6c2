"""`POST /connect/{connector}`: where shop systems tell of orders. What cannot be kept is not said to be."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from anyio import to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from .config import Config
from .connector import Connector
from .database import Database
from .errors import ConfigError, DoorstepError
from .inbox import Outcome, take
from .incoming import Incoming
from .plugins import Plugins
from .receiving import Receiver
from .settings import convert


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
    """The route."""

    def __init__(self, connectors: Connectors, database: Database, receiver: Receiver) -> None:
        self._connectors = connectors
        self._database = database
        self._receiver = receiver

    async def connect(self, request: Request) -> Response:
        """`POST /connect/{connector}`: a signed webhook of the store's shop system."""
        store: str = request.state.shop.id
        connector = self._connectors.placed[store].get(request.path_params["connector"])
        if connector is None:
            return Outcome("unknown connector", 404).response
        keep = partial(self._keep, store, connector)
        return (await take(request, connector.verify, keep, store=store, connector=connector.name)).response

    async def _keep(self, store: str, connector: Connector[Any], incoming: Incoming) -> Outcome:
        changes = await to_thread.run_sync(connector.read, incoming)
        if not changes:
            return Outcome("ignored")
        key = await to_thread.run_sync(connector.key, incoming)
        new = await self._database.write(
            lambda connection: self._receiver.receive(connection, store, connector.name, key, changes)
        )
        return Outcome("kept" if new else "known")
