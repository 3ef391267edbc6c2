"""`doorstep messages queue` and `why`: what waits to be said to shoppers, and why something was said or was not."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from sqlalchemy import Connection, select

from ..errors import DoorstepError
from ..planner import Answer
from ..tables import messages, orders
from ..terminal import say, say_json, table
from .options import chosen, config_option, engine_of, json_option, loaded, opened, store_option


class Listed(Struct, frozen=True):
    """A message: on its way by a channel, or at its end."""

    id: str
    order: str
    kind: str
    channel: str
    state: str
    reason: str
    due_at: datetime | None
    until: datetime | None
    handed_at: datetime | None
    attempts: int
    error: str
    created_at: datetime
    settled_at: datetime | None


class Reason(Struct, frozen=True):
    """Why something was said by a channel, or was not; `at` is when it was due, `state` and the rest what came of it."""

    kind: str
    parcel: str
    channel: str
    reason: str
    at: datetime | None
    until: datetime | None
    state: str
    message: str
    settled_at: datetime | None


@click.command("queue")
@config_option
@store_option
@click.option("--all", "everything", is_flag=True, help="Those at their end, too.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, the newest.")
@json_option
def queue_command(path: Path, store: str, everything: bool, limit: int, as_json: bool) -> None:
    """List the messages that wait to be sent, with when they are due and until when they are worth it."""
    config = loaded(path)
    store = chosen(config, store)
    with opened(config) as database, database.reading() as connection:
        listed = _listed(connection, store, limit, everything=everything)
    if as_json:
        say_json({"messages": listed})
        return
    rows = [
        (one.order, one.kind, one.channel, one.state, _minute(one.due_at or one.settled_at), one.reason or one.error)
        for one in listed
    ]
    head = ("order", "message", "channel", "state", "when", "")
    say(*(table([head, *rows]) if rows else ["no message"]))


@click.command("why")
@click.argument("order")
@config_option
@store_option
@json_option
def why_command(order: str, path: Path, store: str, as_json: bool) -> None:
    """Say why the customer of ORDER (its number, or its id) was told of something, or was not.

    By the rules, as things are now.
    """
    store = chosen(loaded(path), store)
    with engine_of(path) as engine, engine.database.reading() as connection:
        kept = engine.orders.find(connection, store, order)
        if kept is None:
            raise DoorstepError(f"there is no order {order!r}", next_step="doorstep orders list shows them")
        numbers = {one.id: one.number for one in kept.parcels}
        found = [_reason(one, numbers) for one in engine.speaking.planner.answers(connection, kept.id)]
        silent = not engine.config.stores[store].messages.channels
    if as_json:
        say_json({"order": kept.order.number, "messages": found})
        return
    if silent:
        click.echo(f"the store {store} sends no messages: name channels in [stores.{store}.messages]")
        return
    rows = [(one.kind, one.parcel, one.channel, _said(one), one.reason) for one in found]
    say(*table([("message", "parcel", "channel", "", "why"), *rows]))


def _listed(connection: Connection, store: str, limit: int, *, everything: bool) -> list[Listed]:
    kept = messages.c
    columns: tuple[Any, ...] = (
        kept.id, orders.c.number, kept.kind, kept.channel, kept.state, kept.reason, kept.due_at, kept.until, kept.handed_at,
        kept.attempts, kept.error, kept.created_at, kept.settled_at,
    )  # fmt: skip
    query = select(*columns).join(orders, orders.c.id == kept.order_id).where(kept.store == store)
    if not everything:
        query = query.where(kept.state == "waiting")
    return [Listed(*row) for row in connection.execute(query.order_by(kept.created_at.desc(), kept.id).limit(limit))]


def _reason(answer: Answer, numbers: dict[str, str]) -> Reason:
    occasion, message = answer.occasion, answer.message
    return Reason(
        occasion.kind.value, numbers.get(occasion.parcel_id, ""), answer.channel,
        (message.reason or message.error) if message else answer.reason,
        (message.due_at if message else None) or occasion.at, occasion.until, message.state if message else "",
        message.id if message else "", message.settled_at if message else None,
    )  # fmt: skip


def _said(one: Reason) -> str:
    """What came of it, and when; or when it comes."""
    when = _minute(one.settled_at or one.at)
    if one.state == "waiting":
        return f"due {when}"
    return f"{one.state} {when}" if one.state else f"from {when}" if one.reason == "not yet" and when else "-"


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at is not None else ""
