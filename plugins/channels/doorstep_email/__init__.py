"""E-mail, by any provider that speaks SMTP.

A server's answer says what came of a mail, and where the connection was lost says what nobody knows: before the end of the mail
was written, it cannot have been taken; after that it may have been.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import httpx2
from msgspec import Meta

from doorstep import (
    Bounced,
    Channel,
    DoorstepError,
    Mailbox,
    Message,
    ProviderChannel,
    ProviderSettings,
    Reach,
    Refused,
    Secret,
    as_mail,
    hookimpl,
    mailbox,
    message_id,
)

from .address import server_of


class Settings(ProviderSettings, frozen=True, kw_only=True):
    """`url` is `smtp://user:password@host:587`, or `smtps://…` where TLS begins at once. With `smtp` the connection must become
    TLS by STARTTLS, unless the server is on this very machine or `tls` is `none`. `ca` are certificates, as PEM, of those who
    vouch for the server, where those that everybody trusts do not. Mail that cannot be delivered goes back to `return_path`,
    or to the sender. Up to `connections` are kept open."""

    url: Secret
    sender: str
    reply_to: str = ""
    return_path: str = ""
    tls: Literal["required", "none"] = "required"
    ca: str = ""
    connections: Annotated[int, Meta(ge=1, le=20)] = 2
    patience: Annotated[float, Meta(gt=0, le=30)] = 30

    def __post_init__(self) -> None:
        server_of(self.url.reveal())
        for name in ("sender", "reply_to", "return_path"):
            if getattr(self, name) or name == "sender":
                _checked(name, getattr(self, name))


class Email(ProviderChannel[Settings]):
    name = "email"
    reach = Reach.EMAIL

    def __init__(self, settings: Settings, http: httpx2.AsyncClient) -> None:
        super().__init__(settings, http)
        try:
            from .post_office import PostOffice  # SMTP is an extra
        except ImportError:
            raise DoorstepError("what sends mail is not installed", next_step="pip install doorstep[mail]") from None
        self._sender = mailbox(settings.sender)
        self._reply_to = mailbox(settings.reply_to) if settings.reply_to else None
        self._return_path = mailbox(settings.return_path) if settings.return_path else self._sender
        server = server_of(settings.url.reveal())
        here = server.is_here and not settings.ca  # what never leaves the machine need not be hidden
        self._office = PostOffice(
            server,
            helo=self._sender.domain,
            encrypt=settings.tls == "required" and not here,
            ca=settings.ca,
            most=settings.connections,
            patience=settings.patience,
            tell=self._told,
        )

    async def send(self, message: Message) -> str:
        to = _recipient(message.to)
        try:
            mail = as_mail(message, self._sender, to, reply_to=self._reply_to)
        except (ValueError, UnicodeError):
            raise Refused("the message cannot be written as mail") from None
        await self._office.send(self._return_path.address, to.address, mail, ascii=to.is_ascii)
        return message_id(message, self._sender)[:128]

    async def aclose(self) -> None:
        await self._office.aclose()

    def _told(self, trouble: str) -> None:
        self.trouble = trouble


def _checked(name: str, text: str) -> Mailbox:
    try:
        box = mailbox(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if not box.is_ascii:
        raise ValueError(f"{name}: Expected an address that every server takes")
    return box


def _recipient(to: Secret) -> Mailbox:
    try:
        return mailbox(to.reveal())
    except ValueError:
        raise Bounced("this is no e-mail address") from None


@hookimpl
def register_channels(register: Callable[[type[Channel[Any]]], None]) -> None:
    register(Email)
