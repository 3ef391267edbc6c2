"""`doorstep privacy`: what is kept about a person or an order, and its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..clock import SystemClock
from ..config import Config, require_secret_key
from ..lines import escaped
from ..orderbook import OrderBook
from ..privacy import Dossier, dossier, erase, find
from ..vault import Vault
from .options import chosen, config_option, json_option, loaded, opened, store_option

F = TypeVar("F", bound=Callable[..., Any])


class _Exported(Struct, frozen=True):
    store: str
    orders: list[Dossier]


def _person_options(command: F) -> F:
    for option, help in (
        ("--postcode", "Of these, only those that went to this postcode."),
        ("--email", "The orders with this e-mail address."),
        ("--order", "The order with this number, or id."),
    ):
        command = click.option(option, default="", help=help)(command)
    return command


@click.group()
def privacy() -> None:
    """What is kept about a person or an order: hand it out, or erase it."""


@privacy.command()
@config_option
@store_option
@_person_options
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Into this file, which nobody else may read."
)
def export(path: Path, store: str, order: str, email: str, postcode: str, out: Path | None) -> None:
    """Print everything that is kept about an order, or a person's orders, as JSON."""
    config, store = _settled(path, store, order, email)
    vault = Vault(config.secret_key)
    book = OrderBook(vault, clock=SystemClock(), calendars={}, carrier_named=str)  # nothing is written
    with opened(config) as database, database.reading() as connection:
        ids = _found(connection, vault, store, order, email, postcode)
        exported = _Exported(store, [dossier(connection, book, vault, id) for id in ids])
    written = msgspec.json.format(msgspec.json.encode(exported))
    if out is None:
        click.echo(escaped(written.decode()))
        return
    out.touch()
    out.chmod(0o600)
    out.write_bytes(written + b"\n")
    click.echo(f"{out}: {len(ids)} orders", err=True)


@privacy.command("erase")
@config_option
@store_option
@_person_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase_command(path: Path, store: str, order: str, email: str, postcode: str, yes: bool, as_json: bool) -> None:
    """Erase what is personal in an order, or in a person's orders, for good. Links to them are void."""
    config, store = _settled(path, store, order, email)
    vault = Vault(config.secret_key)
    with opened(config) as database:
        with database.reading() as connection:
            ids = _found(connection, vault, store, order, email, postcode)
        if not yes:
            click.confirm(
                f"Erase the personal data of {len(ids)} order{'' if len(ids) == 1 else 's'} for good?", abort=True
            )
        with database.writing() as connection:
            erased = erase(connection, ids, vault=vault, now=SystemClock().now())
    counts = msgspec.structs.asdict(erased)
    click.echo(msgspec.json.encode(counts).decode() if as_json else f"Erased: {_told(counts)}.")


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _settled(path: Path, store: str, order: str, email: str) -> tuple[Config, str]:
    if not order and not email:
        raise click.UsageError("name an --order, or an --email; a postcode alone is many people's")
    config = loaded(path)
    require_secret_key(config)
    return config, chosen(config, store)


def _found(connection: Connection, vault: Vault, store: str, order: str, email: str, postcode: str) -> list[str]:
    ids = find(connection, vault, store, order=order, email=email, postcode=postcode)
    if not ids:
        raise click.ClickException(f"store {store!r} keeps no such order")
    return ids
