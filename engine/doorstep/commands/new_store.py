"""`doorstep new store`."""

from pathlib import Path

import click

from ..scaffold.store import new_store

_NEXT = """
Next{where}:
  doorstep check                                            the settings are fine
  doorstep orders import orders.jsonl                       two orders to try it with
  doorstep link 1001                                        the address of an order's page
  doorstep serve                                            open it
  doorstep keys new shop --scope orders:write               a key for your shop to send orders with
Then an account for a carrier you ship with: `doorstep carriers` lists them, doorstep.toml shows where it stands."""


@click.command("store")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", default="My shop", show_default=True, help="The store's name, as shoppers read it.")
def new_store_command(folder: Path, name: str) -> None:
    """Write the settings of a store into FOLDER (here, if not named), with a secret of its own and two orders to try."""
    files = new_store(folder, name)
    click.echo("\n".join(str(file) for file in files))
    where = "" if folder == Path() else f", in {folder}"
    click.echo(_NEXT.format(where=where), err=True)
