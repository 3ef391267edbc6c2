"""Connections to a mail server: a few, used again, and each mail's way through one of them."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from doorstep import Bounced, Deferred, InDoubt, Refused, SendingError

from .address import Server

_IDLE = 60.0  # seconds after which a connection is not used again: servers end them soon after
_SURE = 5.0  # seconds after which it is asked whether it still is there
_MOMENT = 5.0  # seconds for an answer that costs the server nothing
_AT_END = 2  # times the patience for the answer to a whole mail, which the server may look through first
_ACCOUNT_WAIT = 300.0  # seconds: somebody has to mend it first
_LOOK = 0.01  # seconds between two looks whether all is written
_ENHANCED = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})\b")
_NO_ADDRESS = frozenset({"1.0", "1.1", "1.2", "1.3", "1.6", "1.10"})  # RFC 3463; the others of 1.x are about the sender
_LINE_END = re.compile(rb"\r\n|\r|\n")
_REFUSALS = range(400, 600)


class PostOffice:
    """Hands mails over. `tell` hears what the server has against the account, and "" when it has taken something."""

    def __init__(
        self, server: Server, *, helo: str, encrypt: bool, ca: str, most: int, patience: float, tell: Callable[[str], None]
    ) -> None:  # fmt: skip
        self._server = server
        self._helo = helo
        self._encrypt = encrypt
        self._context = ssl.create_default_context(cadata=ca) if ca else None
        self._slots = asyncio.Semaphore(most)
        self._patience = patience
        self._tell = tell
        self._idle: list[tuple[SMTP, float]] = []

    async def send(self, sender: str, to: str, mail: bytes, *, ascii: bool) -> None:
        """Returns when the server has taken the mail. Raises SendingError."""
        whole = False  # whether the mail's end may have been read by the server
        try:
            async with asyncio.timeout(self._patience) as limit, self._connected() as smtp:
                await _introduce(smtp, sender, to, ascii=ascii)
                await _write(smtp, mail)
                whole = True
                limit.reschedule(_now() + _AT_END * self._patience)
                await _end(smtp)
        except SMTPResponseException as error:
            raise self._judged(error, whole=whole) from None
        except (SMTPException, OSError) as error:
            raise _lost(type(error).__name__, whole=whole) from None
        self._tell("")

    async def aclose(self) -> None:
        while self._idle:
            smtp, _ = self._idle.pop()
            with suppress(SMTPException, OSError):
                await smtp.quit(timeout=_MOMENT)
            smtp.close()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        """A connection, which is kept when it is still good for another mail."""
        async with self._slots:
            smtp = await self._kept() or await self._opened()
            try:
                yield smtp
            except SMTPResponseException as error:
                if error.code not in _REFUSALS or not await _begun_anew(smtp):
                    smtp.close()
                raise
            except BaseException:
                smtp.close()
                raise
            finally:
                if smtp.is_connected:
                    self._idle.append((smtp, _now()))

    async def _kept(self) -> SMTP | None:
        """One that was used before and still is there."""
        while self._idle:
            smtp, since = self._idle.pop()
            idle = _now() - since
            if smtp.is_connected and idle < _IDLE and (idle < _SURE or await _answers(smtp)):
                return smtp
            smtp.close()
        return None

    async def _opened(self) -> SMTP:
        server = self._server
        if self._context is None:  # off the loop: reading the system's certificates takes up to a second
            self._context = await asyncio.to_thread(ssl.create_default_context)
        smtp = SMTP(
            hostname=server.host, port=server.port, local_hostname=self._helo, use_tls=server.implicit, start_tls=False,
            tls_context=self._context, timeout=self._patience,
        )  # fmt: skip
        try:
            await smtp.connect()
            await self._settle(smtp)
        except SMTPAuthenticationError as error:
            smtp.close()
            if error.code < 500:
                raise Deferred(f"the mail server cannot check the password now ({error.code})") from None
            raise self._kept_out(f"the mail server does not accept user and password ({error.code})") from None
        except SMTPResponseException as error:
            smtp.close()
            raise Deferred(f"the mail server takes nobody now ({error.code})") from None
        except BaseException as error:
            smtp.close()
            if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
                raise self._kept_out("nobody vouches for the mail server's certificate") from None
            raise
        return smtp

    async def _settle(self, smtp: SMTP) -> None:
        await smtp.ehlo()
        if self._encrypt and not self._server.implicit:
            if not smtp.supports_extension("starttls"):
                raise self._kept_out("the mail server offers no TLS")
            await smtp.starttls()
            await smtp.ehlo()
        if self._server.user:
            if not smtp.supports_extension("auth"):
                raise self._kept_out("the mail server takes no passwords here")
            await smtp.login(self._server.user, self._server.password.reveal())

    def _judged(self, error: SMTPResponseException, *, whole: bool) -> SendingError:
        """What a refusal means. Only what is said of the address counts against it: a server may refuse for many reasons."""
        if error.code not in _REFUSALS:
            return _lost("its answer makes no sense", whole=whole)
        said = _ENHANCED.match(error.message.strip())
        named = f"{error.code} {said[0]}" if said else str(error.code)
        if error.code < 500:
            return Deferred(f"the mail server says not now ({named})")
        if isinstance(error, SMTPSenderRefused):
            return self._kept_out(f"the mail server refuses the sender ({named})")
        if said and said[1] in _NO_ADDRESS:
            return Bounced(f"the mail server knows no such address ({named})")
        return Refused(f"the mail server refuses the mail ({named})")

    def _kept_out(self, reason: str) -> Deferred:
        self._tell(reason)
        return Deferred(reason, seconds=_ACCOUNT_WAIT, next_step="check the account's url, tls and sender")


async def _introduce(smtp: SMTP, sender: str, to: str, *, ascii: bool) -> None:
    if not ascii and not smtp.supports_extension("smtputf8"):
        raise Refused("the mail server takes no addresses beyond ASCII")
    encoding, options = ("ascii", []) if ascii else ("utf-8", ["SMTPUTF8", "BODY=8BITMIME"])
    await smtp.mail(sender, options=options, encoding=encoding)
    await smtp.rcpt(to, encoding=encoding)


async def _write(smtp: SMTP, mail: bytes) -> None:
    """The mail without its end: whatever happens here, the server has not taken it."""
    answer = await smtp.execute_command(b"DATA")
    if answer.code != 354:
        raise SMTPDataError(answer.code, answer.message)
    transport = smtp.transport
    if not isinstance(transport, asyncio.WriteTransport):
        raise SMTPServerDisconnected("Connection lost")
    transport.write(_stuffed(mail))
    while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(_LOOK)
    await asyncio.sleep(0)  # an end of the connection that is there already is seen before the mail's end is written
    if not smtp.is_connected:
        raise SMTPServerDisconnected("Connection lost")


async def _end(smtp: SMTP) -> None:
    """The end of the mail: from here on it may have been taken, unless the server says otherwise."""
    answer = await smtp.execute_command(b".", timeout=None)
    if answer.code != 250:
        raise SMTPDataError(answer.code, answer.message)


def _stuffed(mail: bytes) -> bytes:
    """Lines with CRLF, and a dot more before each that begins with one."""
    lines = _LINE_END.split(mail)
    if not lines[-1]:
        lines.pop()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


async def _answers(smtp: SMTP) -> bool:
    try:
        await smtp.noop(timeout=_MOMENT)
    except (SMTPException, OSError):
        return False
    return True


async def _begun_anew(smtp: SMTP) -> bool:
    """Whether the connection takes another mail after one that it refused."""
    try:
        await smtp.rset(timeout=_MOMENT)
    except (SMTPException, OSError):
        return False
    return True


def _lost(reason: str, *, whole: bool) -> SendingError:
    if whole:
        return InDoubt(f"the mail server was lost after the end of the mail: {reason}")
    return Deferred(f"no way to the mail server: {reason}")


def _now() -> float:
    return asyncio.get_running_loop().time()
