"""`doorstep messages`: what shoppers are told by themselves."""

from base64 import urlsafe_b64encode
from pathlib import Path
from typing import BinaryIO

import click
from cryptography.hazmat.primitives.asymmetric import ec

from ..fates import Told
from ..message import Reach
from ..returned_mail import reports_in
from ..terminal import say, say_json
from .options import config_option, engine_of, json_option

_LARGEST = 10_000_000  # bytes


@click.group()
def messages() -> None:
    """What shoppers are told by themselves."""


@messages.command()
@config_option
@click.argument("mail", type=click.File("rb"), default="-")
@json_option
def bounced(path: Path, mail: BinaryIO, as_json: bool) -> None:
    """Read a MAIL that came back (standard input, if none is named): what it says of a message is kept, and an address that
    does not exist is not written to again. Exit code 0 also for a mail that says nothing of one."""
    reports = reports_in(mail.read(_LARGEST))
    settled: list[bool] = []
    if reports:
        with engine_of(path) as engine, engine.database.writing() as connection:
            settled = [engine.fates.settle(connection, Told(one, Reach.EMAIL)) for one in reports]
    if as_json:
        found = [{"id": one.id, "fate": one.fate, "reason": one.reason} for one in reports]
        say_json({"reports": found, "kept": any(settled)})
        return
    for one in reports:
        say(f"{one.id}: {one.fate.value}{', ' + one.reason if one.reason else ''}")
    click.echo("kept" if any(settled) else "nothing to keep")


@messages.command("push-key")
def push_key() -> None:
    """Print a new private key for messages in the browser: `key` of the channel web_push."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    click.echo(urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode())
