"""`doorstep webhooks`: what is on its way to the shop's endpoints, and what was given up."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from ..clock import SystemClock
from ..config import Config
from ..database import Database
from ..delivery import Deliverer, Reply
from ..errors import DoorstepError
from ..metrics import Metrics
from ..outbox import Outbox, State
from ..signing import new_secret
from ..tables import deliveries, events, troubles
from ..terminal import say, say_json, table
from .options import chosen, config_option, json_option, loaded, opened, store_option


class Listed(Struct, frozen=True):
    """A delivery: an event on its way to an endpoint, or at its end."""

    event: str
    type: str
    at: datetime
    endpoint: str
    state: State
    attempts: int
    next_at: datetime | None
    error: str
    delivered_at: datetime | None


class LeftAlone(Struct, frozen=True):
    """An endpoint that is in trouble, and until when; without a time, for good."""

    endpoint: str
    failures: int
    paused_until: datetime | None


@click.group()
def webhooks() -> None:
    """What is on its way to the shop's endpoints; send it again, try an endpoint, make a secret."""


@webhooks.command("list")
@config_option
@store_option
@click.option("--state", type=click.Choice(get_args(State)), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, the newest.")
@json_option
def list_command(path: Path, store: str, state: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, the newest first, and the endpoints that are left alone for now."""
    config = loaded(path)
    store = chosen(config, store)
    with opened(config) as database, database.reading() as connection:
        listed, left_alone = _listed(connection, store, state, limit), _left_alone(connection, store)
    if as_json:
        say_json({"deliveries": listed, "left_alone": left_alone})
        return
    for one in left_alone:
        until = f"until {_minute(one.paused_until)}" if one.paused_until else "for good: it said that it is gone"
        click.echo(f"{one.endpoint} is left alone {until}")
    say(*table([_row(one) for one in listed] or [("no delivery",)]))


@webhooks.command()
@config_option
@store_option
@click.argument("event", default="")
@click.option("--dead", is_flag=True, help="All that was given up, instead of one EVENT.")
@click.option("--endpoint", default="", help="To this endpoint only.")
@json_option
def replay(path: Path, store: str, event: str, dead: bool, endpoint: str, as_json: bool) -> None:
    """Send an EVENT again, or all that was given up. The worker does it, under the same id."""
    if bool(event) is dead:
        raise click.UsageError("name an EVENT, or --dead")
    config = loaded(path)
    store = chosen(config, store)
    if endpoint:
        _known(config, store, endpoint)
    outbox = Outbox({id: one.webhooks for id, one in config.stores.items()}, clock=SystemClock())
    with opened(config) as database, database.writing() as connection:
        if event and connection.scalar(select(events.c.store).where(events.c.id == event)) != store:
            raise DoorstepError(f"there is no event {event!r}", next_step="doorstep webhooks list shows them")
        count = outbox.replay_dead(connection, store, endpoint) if dead else outbox.replay(connection, event, endpoint)
    click.echo(msgspec.json.encode({"replayed": count}).decode() if as_json else f"{count} to be sent again")


@webhooks.command()
@config_option
@store_option
@click.argument("endpoint")
@json_option
def test(path: Path, store: str, endpoint: str, as_json: bool) -> None:
    """Send ENDPOINT an event of the type webhook.test now, and say what it answers."""
    config = loaded(path)
    store = chosen(config, store)
    _known(config, store, endpoint)
    reply = asyncio.run(_tried(config, store, endpoint))
    if as_json:
        say_json({"accepted": reply.accepted, "answer": reply.answer})
    else:
        say(f"{endpoint}: {reply.answer}, {'accepted' if reply.accepted else 'not accepted'}")
    if not reply.accepted:
        raise click.exceptions.Exit(1)


@webhooks.command()
def secret() -> None:
    """Print a new secret, for the settings and for the receiver."""
    click.echo(new_secret())


def _known(config: Config, store: str, endpoint: str) -> None:
    named = config.stores[store].webhooks
    if endpoint not in named:
        raise click.UsageError(f"there is no endpoint {endpoint!r}; there are {', '.join(named) or 'none'}")


async def _tried(config: Config, store: str, endpoint: str) -> Reply:
    webhook = {endpoint: config.stores[store].webhooks[endpoint]}
    database = Database(config.database, base=config.base)
    deliverer = Deliverer(database, {store: webhook}, clock=SystemClock(), metrics=Metrics())
    try:
        return await deliverer.test(store, endpoint)
    finally:
        await deliverer.aclose()
        await database.close()


def _listed(connection: Connection, store: str, state: str | None, limit: int) -> list[Listed]:
    named = (events.c.id, events.c.type, events.c.at)
    kept = deliveries.c
    columns = (kept.endpoint, kept.state, kept.attempts, kept.next_at, kept.error, kept.delivered_at)
    query = select(*named, *columns).join(events, events.c.id == kept.event_id).where(kept.store == store)
    if state is not None:
        query = query.where(kept.state == state)
    return [Listed(*row) for row in connection.execute(query.order_by(kept.id.desc()).limit(limit))]


def _left_alone(connection: Connection, store: str) -> list[LeftAlone]:
    columns = (troubles.c.endpoint, troubles.c.failures, troubles.c.paused_until)
    query = select(*columns).where(troubles.c.store == store).order_by(troubles.c.endpoint)
    return [LeftAlone(*row) for row in connection.execute(query)]


def _row(one: Listed) -> tuple[str, ...]:
    attempts = f"{one.attempts} attempt{'' if one.attempts == 1 else 's'}"
    again = f"again {_minute(one.next_at)}" if one.next_at and one.attempts else ""
    return (_minute(one.at), one.event, one.type, one.endpoint, one.state, attempts, one.error or again)


def _minute(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"
