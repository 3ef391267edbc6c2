"""`doorstep codes`: codes for the shop's next orders and its friends, put into pools and counted."""

import re
from itertools import islice
from pathlib import Path

import click
import msgspec

from ..terminal import table
from ..widget_codes import CODE, Filled, Stock
from .options import chosen, config_option, engine_of, json_option, loaded, store_option

_CODE = re.compile(CODE)
_POOL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_AT_ONCE = 5000  # codes in a transaction


@click.group()
def codes() -> None:
    """Put codes into pools, and count what is left of them."""


@codes.command()
@config_option
@click.argument("pool")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@store_option
@json_option
def add(path: Path, pool: str, file: Path, store: str, as_json: bool) -> None:
    """Put the codes of FILE, one a line, into POOL. What is there already stays as it is: a second time changes nothing."""
    if not _POOL.fullmatch(pool):
        raise click.UsageError(f"{pool!r} is no name of a pool: write letters, digits, and _ . -")
    into, listed = chosen(loaded(path), store), _read(file)
    added = known = 0
    ahead = iter(listed)
    with engine_of(path) as engine:
        while batch := list(islice(ahead, _AT_ONCE)):
            with engine.database.writing() as connection:
                filled = engine.codes.fill(connection, into, pool, batch)
            added, known = added + filled.added, known + filled.known
    if as_json:
        click.echo(msgspec.json.encode(Filled(added, known)).decode())
    else:
        click.echo(f"{pool}: {added} added, {known} there already")


@codes.command("list")
@config_option
@store_option
@json_option
def list_command(path: Path, store: str, as_json: bool) -> None:
    """Count the codes of each pool, and those that were made for a widget: free, reserved by an order, redeemed."""
    of = chosen(loaded(path), store)
    with engine_of(path) as engine, engine.database.reading() as connection:
        stock = engine.codes.stock(connection, of)
    click.echo(msgspec.json.encode(stock).decode() if as_json else "\n".join(_lines(stock)))


def _read(file: Path) -> list[str]:
    """The codes of a file. Raises ClickException, which names the line that has none."""
    listed = []
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise click.ClickException(f"{file.name} is not UTF-8 text: save it as UTF-8") from None
    for nth, line in enumerate(lines, 1):
        code = line.strip()
        if code and not _CODE.fullmatch(code):
            shown = code if len(code) <= 80 else f"{code[:80]}…"
            raise click.ClickException(
                f"{file.name}:{nth}: {shown!r} is no code: 64 printable characters at most, no space, no slash"
            )
        if code:
            listed.append(code)
    if not listed:
        raise click.ClickException(f"{file.name}: there is no code in it: write one a line")
    return listed


def _lines(stock: list[Stock]) -> list[str]:
    if not stock:
        return ["There is no code: no widget of this store asks for one"]
    rows = []
    for one in stock:
        free = f"{one.free} free" if one.pool else ""
        rows.append(
            (one.pool or f"made for {one.widget}", free, f"{one.reserved} reserved", f"{one.redeemed} redeemed")
        )
    return table(rows)
