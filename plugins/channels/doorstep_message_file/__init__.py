"""Messages as files: for previews, and for tests. Nothing is sent."""

import asyncio
from collections.abc import Callable, Mapping
from os import fdopen
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import msgspec

from doorstep import (
    Channel,
    ChannelSettings,
    Deferred,
    Mailbox,
    Message,
    Reach,
    Refused,
    as_mail,
    hookimpl,
    mailbox,
)

_NOBODY = "nobody@shop.example"  # a mail has a recipient, also where the shop alone knows whom


class Settings(ChannelSettings, frozen=True, kw_only=True):
    """Into `folder` each message is written, as from `sender`."""

    folder: Path
    sender: str = "Doorstep <messages@shop.example>"

    def __post_init__(self) -> None:
        mailbox(self.sender)


class MessageFile(Channel[Settings]):
    name = "file"
    reach = Reach.EMAIL
    repeatable = True  # the same file is written again

    async def send(self, message: Message) -> str:
        try:
            files = _files(message, mailbox(self.settings.sender))
        except (ValueError, UnicodeError):
            raise Refused("the message cannot be written as mail") from None
        try:
            await asyncio.to_thread(_write, self.settings.folder, files)
        except OSError as error:
            raise Deferred(f"the folder takes no files: {error.strerror}") from None
        return message.id


def _files(message: Message, sender: Mailbox) -> Mapping[str, bytes]:
    """By their names. The record comes last: who sees it finds the others."""
    to = mailbox(message.to.reveal() or _NOBODY)
    record = {name: getattr(message, name) for name in message.__struct_fields__ if name not in ("html", "text")}
    return {
        f"{message.id}.html": message.html.encode(),
        f"{message.id}.txt": message.text.encode(),
        f"{message.id}.eml": as_mail(message, sender, to),
        f"{message.id}.json": msgspec.json.format(msgspec.json.encode({**record, "to": message.to.reveal()})),
    }


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # there are addresses in it
    for name, content in files.items():
        # A name of its own for each: the same message may be handed over twice at the same moment.
        descriptor, half = mkstemp(".half", f".{name}.", folder)
        try:
            with fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(half).replace(folder / name)
        except OSError:
            Path(half).unlink(missing_ok=True)
            raise


@hookimpl
def register_channels(register: Callable[[type[Channel[Any]]], None]) -> None:
    register(MessageFile)
