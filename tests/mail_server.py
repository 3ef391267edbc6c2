"""A mail server on loopback that does as it is told: it refuses, drops the connection or waits, at any phase."""

import asyncio
import base64
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from msgspec import Struct

CERTIFICATE = Path(__file__).parent / "self_signed.pem"  # for 127.0.0.1
USER, PASSWORD = "orders@shop.example", "p@ss/wörd"
DROP, SILENT = "drop", "silent"
PHASES = ("connect", "ehlo", "auth", "mail", "rcpt", "data", "body", "end", "noop", "rset")


class Taken(Struct):
    """A mail as it came: who sent it to whom, and its bytes."""

    sender: str
    to: str
    raw: bytes
    encrypted: bool
    options: str

    @property
    def mail(self) -> EmailMessage:
        return BytesParser(policy=policy.default).parsebytes(self.raw)


class MailServer:
    """`answers[phase]` is what is said there, one after the other: a reply (`550 5.1.1 nobody`), `DROP`, `SILENT`. Without one,
    it is what a good server says. `takes_first` lets it keep the mail before it answers at its end."""

    def __init__(self, *, tls: str = "", auth: bool = False, utf8: bool = True) -> None:
        self.tls = tls  # "", "starttls", "implicit"
        self.auth = auth
        self.utf8 = utf8
        self.answers: dict[str, list[str]] = {}
        self.taken: list[Taken] = []
        self.said: list[str] = []
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.port = 0
        self.takes_first = False

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def next(self, phase: str) -> str:
        waiting = self.answers.get(phase, [])
        return waiting.pop(0) if waiting else ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["MailServer"]:
        context = _context() if self.tls else None
        implicit = context if self.tls == "implicit" else None
        listening = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=implicit, limit=2**20)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listening.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await listening.wait_closed()

    @property
    def _tasks(self) -> set["asyncio.Task[None]"]:
        return self.__dict__.setdefault("_running", set())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
                await _Session(self, reader, writer).run()
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()


@contextmanager
def in_thread(server: MailServer) -> Iterator[MailServer]:
    """The server beside a test that has a loop of its own, or several."""
    started, ended = threading.Event(), threading.Event()

    async def run() -> None:
        async with server.running():
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert started.wait(30), "the mail server did not start"
        yield server
    finally:
        ended.set()
        thread.join()


class _Session:
    def __init__(self, server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.encrypted = server.tls == "implicit"
        self.sender = self.to = self.options = ""

    async def run(self) -> None:
        await self.say("connect", "220 mail.shop.example")
        while line := await self.reader.readline():
            text = line.decode().rstrip("\r\n")
            self.server.said.append(text)
            word = text.partition(" ")[0].upper()
            if word == "QUIT":
                await self.reply("221 bye")
                return
            await self.obey(word, text)

    async def obey(self, word: str, text: str) -> None:
        match word:
            case "EHLO":
                await self.say("ehlo", self.greeting())
            case "STARTTLS":
                await self.reply("220 go ahead")
                await self.writer.start_tls(_context())
                self.encrypted = True
            case "AUTH":
                await self.say("auth", "235 welcome" if _proves(text) else "535 5.7.8 wrong")
            case "MAIL":
                self.sender, _, self.options = text.partition(":")[2].partition(" ")
                await self.say("mail", "250 ok")
            case "RCPT":
                self.to = text.partition(":")[2]
                await self.say("rcpt", "250 ok")
            case "DATA":
                await self.data()
            case "NOOP" | "RSET":
                await self.say(word.lower(), "250 ok")
            case _:
                await self.reply("502 what?")

    def greeting(self) -> str:
        offers = ["mail.shop.example", "8BITMIME"]
        offers += ["STARTTLS"] if self.server.tls == "starttls" and not self.encrypted else []
        offers += ["AUTH PLAIN"] if self.server.auth and (self.encrypted or not self.server.tls) else []
        offers += ["SMTPUTF8"] if self.server.utf8 else []
        return "\r\n".join([*(f"250-{one}" for one in offers[:-1]), f"250 {offers[-1]}"])

    async def data(self) -> None:
        if not await self.say("data", "354 go on"):
            return
        body = self.server.next("body")
        if body == DROP:
            await self.reader.read(1000)
            raise ConnectionError
        raw = await self.reader.readuntil(b"\r\n.\r\n")
        whole = (b"\r\n" + raw[:-3]).replace(b"\r\n..", b"\r\n.")[2:]
        mail = Taken(self.sender.strip("<>"), self.to.strip("<>"), whole, self.encrypted, self.options)
        if self.server.takes_first:
            self.server.taken.append(mail)
        if await self.say("end", "250 2.0.0 queued") and not self.server.takes_first:
            self.server.taken.append(mail)

    async def say(self, phase: str, usual: str) -> bool:
        """Whether it was what a good server says."""
        told = self.server.next(phase)
        if told == DROP:
            raise ConnectionError
        if told == SILENT:
            await asyncio.Event().wait()
        await self.reply(told or usual)
        if told.startswith("421"):
            raise ConnectionError
        return not told

    async def reply(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()


def _proves(text: str) -> bool:
    given = base64.b64decode(text.split()[-1]).decode()
    return given == f"\0{USER}\0{PASSWORD}"


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context
