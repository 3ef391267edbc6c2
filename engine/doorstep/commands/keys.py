"""`doorstep keys`: keys of the API."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from sqlalchemy import Connection

from ..clock import SystemClock
from ..keys import SCOPES, Key, Keys
from ..secret import Secret
from ..terminal import say, say_json
from .options import chosen, config_option, json_option, loaded, opened, store_option

T = TypeVar("T")


@click.group()
def keys() -> None:
    """Make, list, change and revoke keys of the API."""


@keys.command("new")
@config_option
@click.argument("name")
@store_option
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="What it may do; more than one."
)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it works; without an end, if not named.")
@json_option
def new(path: Path, name: str, store: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Make a key called NAME, and print it: the only time that it can be read."""
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise click.UsageError("a name has 1 to 100 characters")
    chosen_store, clock = chosen(loaded(path), store), SystemClock()
    ends = clock.now() + timedelta(days=days) if days else None
    key, text = _written(
        path, lambda known, connection: known.new(connection, chosen_store, name, scopes, expires_at=ends)
    )  # fmt: skip
    _show(key, text, as_json=as_json)


@keys.command("list")
@config_option
@click.option("--store", default="", help="Of this store only.")
@json_option
def show(path: Path, store: str, as_json: bool) -> None:
    """List the keys, without their secrets."""
    if store:
        chosen(loaded(path), store)
    found = _written(path, lambda known, connection: known.all(connection, store))
    if as_json:
        say_json(found)
    else:
        say(*(map(_line, found) if found else ["There is no key: doorstep keys new NAME --scope orders:write"]))


@keys.command()
@config_option
@click.argument("id")
@click.option(
    "--hours", type=click.IntRange(0, 8760), default=24, show_default=True, help="How long the old one works on."
)
@json_option
def rotate(path: Path, id: str, hours: int, as_json: bool) -> None:
    """Make a new key that may do what the key ID may, which goes on working for a while."""
    made = _written(path, lambda known, connection: known.rotate(connection, id, hours=hours))
    if made is None:
        raise _unknown(id)
    _show(*made, as_json=as_json)


@keys.command()
@config_option
@click.argument("id")
def revoke(path: Path, id: str) -> None:
    """Make the key ID void, at once."""
    if not _written(path, lambda known, connection: known.revoke(connection, id)):
        raise _unknown(id)
    click.echo(f"{id} is void.")


def _written(path: Path, work: Callable[[Keys, Connection], T]) -> T:
    with opened(loaded(path)) as database, database.writing() as connection:
        return work(Keys(clock=SystemClock()), connection)


def _show(key: Key, text: Secret, *, as_json: bool) -> None:
    if as_json:
        shown: dict[str, Any] = {**msgspec.to_builtins(key), "key": text.reveal()}
        click.echo(msgspec.json.encode(shown).decode())
        return
    click.echo(text.reveal())
    click.echo("\nKeep it now: it is not kept here, and cannot be shown again.", err=True)


def _line(key: Key) -> str:
    ends = f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "without an end"
    used = f"used {key.used_at:%Y-%m-%d %H:%M}" if key.used_at else "never used"
    return f"{key.id}  {key.store}  {key.name}  {' '.join(key.scopes)}  {ends}  {used}"


def _unknown(id: str) -> click.UsageError:
    return click.UsageError(f"there is no key {id!r}: doorstep keys list")
