"""`doorstep track`: one look-up outside of any server, in the page's own words."""

import asyncio
import mimetypes
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from . import views
from .config import Config, Store, load
from .contexts import ALL_EVENTS, Contexts, Visit
from .engine import Engine, create_engine
from .errors import ConfigError
from .exchange import Query
from .files import File
from .lookup import Lookup, Outcome
from .manifest import Ability
from .packages import found
from .recognition import normalise
from .sandbox import sandbox_accounts, sandbox_of
from .secret import Secret
from .serving import on_loopback
from .terminal import page_lines
from .tracker import Wanted
from .wire import Wire


class Asked(Struct, frozen=True):
    """What is asked: `carrier`, `store` and `language` may be empty. `register` tells an aggregator first to watch the number;
    `documents` is a folder for what the carrier has of them."""

    number: str
    carrier: str = ""
    store: str = ""
    language: str = ""
    register: bool = False
    documents: Path | None = None
    wire: Wire | None = None


class Shown(Struct, frozen=True):
    """A look-up as it is printed, and the documents that were wanted, by file name."""

    outcome: Outcome
    lines: list[str]
    json: str
    documents: dict[str, bytes]


def ask(asked: Asked, config: Config) -> Shown:
    """Asks with these settings. Raises NumberError, ConfigError, CarrierError."""
    shown = asyncio.run(_ask(msgspec.structs.replace(asked, number=normalise(asked.number)), config))
    if asked.documents is not None:
        asked.documents.mkdir(parents=True, exist_ok=True)
        for name, body in shown.documents.items():
            (asked.documents / name).write_bytes(body)
    return shown


def ask_sandbox(asked: Asked) -> Shown:
    """Asks the carriers' sandbox, started for this one question."""
    sandbox = sandbox_of(found(Path("plugins")), today=datetime.now(UTC).date())
    with on_loopback(sandbox.app) as url:
        config = Config(
            stores={"main": Store(name="Sandbox")},
            secret_key=(Secret("sandbox"),),
            carriers=sandbox_accounts(sandbox, url),
        )
        return ask(asked, config)


def settings(path: Path | None, environ: Mapping[str, str]) -> Config | None:
    """The settings of a file, or of `doorstep.toml` where there is one; else None."""
    if path is None and not Path("doorstep.toml").exists():
        return None
    return load(path or Path("doorstep.toml"), environ)


async def _ask(asked: Asked, config: Config) -> Shown:
    engine = create_engine(config)
    number, carrier = asked.number, asked.carrier
    try:
        shop = next((shop for shop in engine.shops.all if shop.id == (asked.store or next(iter(config.stores)))), None)
        if shop is None:
            raise ConfigError(f"there is no store {asked.store!r}", next_step=f"there are {', '.join(config.stores)}")
        if asked.register:
            await _register(engine, asked, shop.config)
        lookup = await engine.tracker.look_up(
            number, shop.config, carrier=carrier, wait=15.0, stranger=False, wire=asked.wire
        )
        documents = await _documents(engine, lookup) if asked.documents else {}
        params = {"carrier": carrier, **ALL_EVENTS}
        visit = Visit(shop, shop.reader(asked.language, ""), f"/track/{number}", params)
        context = Contexts(engine.plugins.manifests).of(visit, lookup)
    finally:
        await engine.close()
    return Shown(lookup.outcome, [*page_lines(context), *documents], _json(lookup), documents)


async def _register(engine: Engine, asked: Asked, store: Store) -> None:
    accounts = engine.plugins.accounts.values()
    able = [account for account in accounts if Ability.REGISTER in account.carrier.manifest.can]
    account = next((one for one in able if one.carrier.manifest.slug == asked.carrier), None)
    if account is None:
        known = ", ".join(one.carrier.manifest.slug for one in able) or "none that is active"
        raise ConfigError("name the carrier that is to watch the number: --carrier", next_step=f"there is {known}")
    results = await engine.fetcher.register(
        account, [engine.tracker.query(Wanted(asked.number, store))], wire=asked.wire
    )
    if (error := results[asked.number]) is not None:
        raise error


async def _documents(engine: Engine, lookup: Lookup) -> dict[str, bytes]:
    """The documents of the shipments found, by file name."""
    files = {}
    for shipment in lookup.shipments:
        account = engine.plugins.accounts_of(shipment.carrier)[0]
        wanted = shipment.documents if Ability.DOCUMENT in account.carrier.manifest.can else ()
        for nth, document in enumerate(wanted, 1):
            found = await engine.fetcher.document(account, Query(lookup.number), document)
            if isinstance(found, File):
                suffix = mimetypes.guess_extension(found.media_type) or ".bin"
                files[f"{lookup.number}-{document.kind}-{nth}{suffix}"] = found.body
    return files


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
