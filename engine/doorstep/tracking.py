"""`doorstep track`: one look-up outside of any server, in the page's own words."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from . import views
from .app import create_engine
from .config import Config, Store, load
from .contexts import Contexts, Visit
from .errors import ConfigError
from .packages import installed
from .recognition import normalise
from .sandbox import sandbox_accounts, sandbox_of
from .secret import Secret
from .serving import on_loopback
from .terminal import page_lines
from .tracker import Lookup, Outcome
from .wire import Wire


class Shown(Struct, frozen=True):
    """A look-up as it is printed."""

    outcome: Outcome
    lines: list[str]
    json: str


def ask(number: str, config: Config, *, carrier: str, store: str, language: str, wire: Wire | None) -> Shown:
    """Asks with these settings. `store` and `language` may be empty. Raises NumberError, ConfigError."""
    return asyncio.run(_ask(normalise(number), config, carrier, store, language, wire))


def ask_sandbox(number: str, *, carrier: str, store: str, language: str, wire: Wire | None) -> Shown:
    """Asks the carriers' sandbox, started for this one question."""
    sandbox = sandbox_of(installed(), today=datetime.now(UTC).date())
    with on_loopback(sandbox.app) as url:
        config = Config(
            stores={"main": Store(name="Sandbox")},
            secret_key=(Secret("sandbox"),),
            carriers=sandbox_accounts(sandbox, url),
        )
        return ask(number, config, carrier=carrier, store=store, language=language, wire=wire)


def settings(path: Path | None, environ: Mapping[str, str]) -> Config | None:
    """The settings of a file, or of `doorstep.toml` where there is one; else None."""
    if path is None and not Path("doorstep.toml").exists():
        return None
    return load(path or Path("doorstep.toml"), environ)


async def _ask(number: str, config: Config, carrier: str, store: str, language: str, wire: Wire | None) -> Shown:
    engine = create_engine(config)
    try:
        shop = next((shop for shop in engine.shops.all if shop.id == (store or next(iter(config.stores)))), None)
        if shop is None:
            raise ConfigError(f"there is no store {store!r}", next_step=f"there are {', '.join(config.stores)}")
        lookup = await engine.tracker.look_up(number, shop.config, carrier=carrier, wait=15.0, wire=wire)
        visit = Visit(shop, shop.reader(language, ""), f"/track/{number}", {"carrier": carrier} if carrier else {})
        context = Contexts(engine.plugins.manifests).of(visit, lookup)
    finally:
        await engine.close()
    return Shown(lookup.outcome, page_lines(context), _json(lookup))


def _json(lookup: Lookup) -> str:
    body = {
        "number": lookup.number,
        "outcome": lookup.outcome,
        "carriers": lookup.carriers,
        "fetched_at": lookup.fetched_at,
        "freshness": lookup.freshness,
        "error": lookup.error,
        "shipments": [views.coarse_shipment(shipment) for shipment in lookup.shipments],
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
