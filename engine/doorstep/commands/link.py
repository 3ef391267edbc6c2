"""`doorstep link`: a signed link to an order's page, or none that was given works any more."""

from datetime import timedelta
from pathlib import Path

import click

from ..access import Access
from ..clock import SystemClock
from ..config import Config, require_secret_key
from ..database import Database
from ..links import Links
from ..message_links import home
from ..orderbook import OrderBook
from ..terminal import say, say_json
from ..vault import Vault
from .options import chosen, config_option, json_option, loaded, opened, store_option


@click.command()
@click.argument("order")
@config_option
@store_option
@click.option("--days", type=click.IntRange(1, 3650), help="How long it works; `link_days` of the store, if not said.")
@click.option("--void", is_flag=True, help="Make every link to the order that was given so far void.")
@json_option
def link(order: str, path: Path, store: str, days: int | None, void: bool, as_json: bool) -> None:
    """Print a signed link to the page of ORDER: its number, or its id.

    Whoever has the link sees the order. It works without cookies, and is never locked out.
    """
    if void and days:
        raise click.UsageError("--void makes no link: leave --days out")
    config = loaded(path)
    store = chosen(config, store)
    require_secret_key(config)
    with opened(config) as database, database.writing() as connection:
        book, access = _book(config, database)
        kept = book.find(connection, store, order)
        if kept is None or kept.erased_at is not None:
            raise click.ClickException(f"store {store!r} has no order {order!r}: list them with `doorstep orders list`")
        if void:
            book.void_links(connection, kept.id)
    if void:
        told: dict[str, object] = {"order": kept.id, "number": kept.order.number, "voided": True}
        _tell(told, f"No link to order {kept.order.number} works any more.", as_json=as_json)
        return
    lasting = timedelta(days=days or config.stores[store].link_days)
    url = f"{home(config, store)}/o/{access.link(kept, lasting)}/"
    expires_at = SystemClock().now() + lasting
    told = {"order": kept.id, "number": kept.order.number, "url": url, "expires_at": expires_at}
    _tell(told, url, as_json=as_json)


def _book(config: Config, database: Database) -> tuple[OrderBook, Access]:
    clock, vault = SystemClock(), Vault(config.secret_key)
    book = OrderBook(vault, clock=clock, calendars={}, carrier_named=str)  # nothing is written
    return book, Access(database, book, Links(config.secret_key), vault, clock=clock)


def _tell(told: object, line: str, *, as_json: bool) -> None:
    if as_json:
        say_json(told)
    else:
        say(line)
