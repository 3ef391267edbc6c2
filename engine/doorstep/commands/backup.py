"""`doorstep backup`: a copy of the database, while it is in use."""

import shlex
import sys
from pathlib import Path

import click
import msgspec
from sqlalchemy import make_url

from ..backup import back_up, database_file
from .options import config_option, json_option, loaded


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@config_option
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
def backup(file: Path, path: Path, force: bool, as_json: bool) -> None:
    """Copy the SQLite database to FILE while it is in use, and check the copy.

    Contacts in it can only be read with secret_key: keep that as well, somewhere else.
    """
    config = loaded(path)
    source = database_file(config.database, config.base)
    if source is None:
        raise click.UsageError(
            f"this is for SQLite. PostgreSQL makes its own copies:\n\n  {_pg_dump(config.database, file)}"
        )
    if file.exists() and source.exists() and file.samefile(source):
        raise click.UsageError(f"{file} is the database itself")
    if file.exists() and not force:
        raise click.UsageError(f"{file} is there already: name another one, or replace it with --force")
    with click.progressbar(length=1, label="Copying", file=sys.stderr) as bar:

        def show(left: int, total: int) -> None:
            bar.length = total
            bar.update(total - left - bar.pos)

        size = back_up(source, file, progress=show)
    told = {"file": str(file), "bytes": size}
    click.echo(msgspec.json.encode(told).decode() if as_json else f"{file}: {size:,} bytes, checked")


def _pg_dump(url: str, file: Path) -> str:
    """The command, without the password: pg_dump asks for it, or takes it from PGPASSWORD or ~/.pgpass."""
    address = make_url(url)._replace(drivername="postgresql", password=None).render_as_string(hide_password=False)
    return f"pg_dump --format=custom --file={shlex.quote(str(file))} {shlex.quote(address)}"
