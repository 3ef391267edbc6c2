"""A message as mail: MIME that every mail program reads the same, whatever people wrote into it."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from typing import Any

import httpx2
from msgspec import Struct

from .message import Message

# What a mail server takes without quotes around it; RFC 6531 adds all that is not ASCII.
_LOCAL = re.compile(r"[^\x00-\x20\x7f()<>\[\]:;@\\,\".]+(\.[^\x00-\x20\x7f()<>\[\]:;@\\,\".]+)*")
_LONGEST = 254  # characters of an address (RFC 5321, 4.5.3.1.3)
_LONGEST_LOCAL = 64
_WHOLE = frozenset({"message-id", "list-unsubscribe"})  # an address that is folded or encoded is none any more


class Mailbox(Struct, frozen=True):
    """Who sends or gets mail: a name, which may be empty, and an address with its domain in ASCII."""

    name: str
    local: str
    domain: str

    @property
    def address(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        return self.local.isascii()

    def header(self) -> Address:
        return Address(self.name, self.local, self.domain)


def mailbox(text: str) -> Mailbox:
    """`Harbour & Pine <hello@shop.example>`, or the address alone. Raises ValueError, which does not tell the address."""
    name, address = parseaddr(text) if text.rstrip().endswith(">") else ("", text.strip())
    local, _, domain = address.rpartition("@")
    if not _LOCAL.fullmatch(local) or len(local) > _LONGEST_LOCAL:
        raise ValueError("Expected an e-mail address")
    domain = _ascii(domain)
    if len(local) + 1 + len(domain) > _LONGEST:
        raise ValueError("Expected a shorter e-mail address")
    return Mailbox(_line(name), local, domain)


def message_id(message: Message, sender: Mailbox) -> str:
    """The same for the same message, whenever it is sent: without the angle brackets."""
    return f"{message.id}@{sender.domain}"


def as_mail(message: Message, sender: Mailbox, to: Mailbox, *, reply_to: Mailbox | None = None) -> bytes:
    """The mail, as it goes over the wire. Only a recipient whose address is not ASCII makes its headers UTF-8."""
    mail = EmailMessage(policy=_MAIL if to.is_ascii and (reply_to or sender).is_ascii else _MAIL.clone(utf8=True))
    mail["From"] = sender.header()
    mail["To"] = to.header()
    if reply_to is not None:
        mail["Reply-To"] = reply_to.header()
    mail["Subject"] = _line(message.subject)
    mail["Date"] = message.at
    mail["Message-ID"] = f"<{message_id(message, sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    mail["Content-Language"] = _line(message.language)  # last: it would go with the first part
    return mail.as_bytes()


def _ascii(domain: str) -> str:
    """A domain as the DNS has it. Raises ValueError."""
    try:
        name = httpx2.URL(f"https://{domain}").raw_host.decode()
    except (httpx2.InvalidURL, UnicodeError):
        name = ""
    if not re.fullmatch(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", name) or (domain.isascii() and name != domain.lower()):
        raise ValueError("Expected an e-mail address")
    return name


def _line(text: str) -> str:
    """Of people's words one line, with nothing that could begin another header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


class _MailPolicy(EmailPolicy):
    """Headers as RFC 5322 and 2047 have them, but addresses in one line: the standard library would encode what is long."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in _WHOLE:
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_MAIL = _MailPolicy(linesep="\r\n")
