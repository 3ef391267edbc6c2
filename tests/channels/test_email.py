"""E-mail: against a real server, which takes mails, refuses them at each phase, drops the connection or is silent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest

from doorstep import Bounced, Deferred, InDoubt, Message, Refused, Secret
from doorstep.testing import ChannelContract
from doorstep_email import Email, Settings

from ..mail_server import CERTIFICATE, DROP, PASSWORD, SILENT, USER, MailServer, in_thread
from ..messaging import ID, message
from ..servers import free_port

SENDER = "Harbour & Pine <orders@shop.example>"


class TestContract(ChannelContract):
    package = "doorstep_email"

    @pytest.fixture
    def settings(self) -> Iterator[dict[str, Any]]:
        server = MailServer()
        with in_thread(server):
            yield {"url": f"smtp://{server.host}", "sender": SENDER}

    @pytest.fixture
    def away(self) -> dict[str, Any]:
        return {"url": f"smtp://127.0.0.1:{free_port()}", "sender": SENDER}


def channel(url: str, **settings: Any) -> Email:
    return Email(Settings(url=Secret(url), **{"sender": SENDER, **settings}), httpx2.AsyncClient(trust_env=False))


@asynccontextmanager
async def posting(server: MailServer, **settings: Any) -> AsyncIterator[Email]:
    """A channel to a running server; `user` and `scheme` are of its address."""
    user = f"{quote(USER)}:{quote(PASSWORD, safe='')}@" if server.auth else ""
    scheme = "smtps" if server.tls == "implicit" else "smtp"
    async with server.running():
        sender = channel(f"{scheme}://{user}{server.host}", **settings)
        try:
            yield sender
        finally:
            await sender.aclose()
            await sender.http.aclose()


async def outcome(sender: Email, *messages: Message) -> Any:
    """What came of the last of the messages: its reference, or the error."""
    result: Any = None
    for one in messages or (message(),):
        try:
            result = await sender.send(one)
        except Exception as error:
            result = error
    return result


def lines(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


async def test_a_mail_comes_through_with_all_that_mail_programs_read() -> None:
    server = MailServer()
    async with posting(server, reply_to="help@shop.example", return_path="bounces@shop.example") as sender:
        assert await sender.send(message()) == f"{ID}@shop.example"
    (taken,) = server.taken
    mail = taken.mail
    assert (taken.sender, taken.to) == ("bounces@shop.example", "mara@post.example")
    assert {name: mail[name] for name in ("From", "To", "Reply-To", "Subject", "Message-ID", "Date")} == {
        "From": SENDER,
        "To": "mara@post.example",
        "Reply-To": "help@shop.example",
        "Subject": "Dein Päckchen ist da",
        "Message-ID": f"<{ID}@shop.example>",
        "Date": "Sun, 22 Nov 2026 12:00:00 +0000",
    }
    assert mail["List-Unsubscribe"] == "<https://track.shop.example/m/def>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "de")
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.iter_parts()
    assert lines(plain) == "Dein Päckchen ist da.\n\n.Ein Punkt vorn\n"
    assert html.get_content().strip() == "<p>Dein Päckchen ist da</p>"


async def test_headers_are_ascii_in_short_lines_and_addresses_are_never_folded() -> None:
    server = MailServer()
    long = "https://track.shop.example/m/" + "x" * 300
    async with posting(server, sender="Bücher & Straße <orders@bücher.example>") as sender:
        await sender.send(message(subject="طردك في الطريق إليك " * 8, unsubscribe=long))
    (taken,) = server.taken
    head = taken.raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert f"List-Unsubscribe: <{long}>".encode() in head.split(b"\r\n")
    assert max(len(line) for line in head.split(b"\r\n") if not line.startswith(b"List-Unsubscribe:")) <= 78
    assert taken.mail["Subject"] == ("طردك في الطريق إليك " * 8).strip()
    assert taken.mail["From"].addresses[0].display_name == "Bücher & Straße"
    assert taken.sender == "orders@xn--bcher-kva.example"


@pytest.mark.fault(34)
async def test_nothing_that_people_wrote_begins_a_header_or_a_command() -> None:
    server = MailServer()
    evil = "Hello\r\nBcc: all@post.example\r\n\r\n<script>\x00\u2028x"
    async with posting(server) as sender:
        await sender.send(message(subject=evil, language="de\r\nX-Evil: 1", text="a\r.\r\nQUIT\r\n.\nb"))
        for to in (
            "mara@post.example>\r\nRCPT TO:<eve@post.example",
            "mara",
            "a b@post.example",
            "@post.example",
            "a@b",
        ):
            assert isinstance(await outcome(sender, message(to=to)), Bounced)
    (taken,) = server.taken
    assert taken.mail["Subject"] == "Hello Bcc: all@post.example <script> x"
    assert (taken.mail["Bcc"], taken.mail["X-Evil"]) == (None, None)
    assert lines(taken.mail.get_body(("plain",))) == "a\n.\nQUIT\n.\nb\n"
    assert not [line for line in server.said if "eve" in line]


async def test_an_address_beyond_ascii_goes_where_the_server_takes_it() -> None:
    server = MailServer()
    async with posting(server) as sender:
        await sender.send(message(to="mara@straße.example"))
        await sender.send(message(to="mära@post.example"))
    by_name, by_address = server.taken
    assert by_name.to == "mara@xn--strae-oqa.example"
    assert (by_address.to, "SMTPUTF8" in by_address.options) == ("mära@post.example", True)
    async with posting(MailServer(utf8=False)) as sender:
        assert isinstance(await outcome(sender, message(to="mära@post.example")), Refused)


@pytest.mark.parametrize(
    ("phase", "answer", "kind"),
    [
        ("connect", "554 5.3.2 closed", Deferred),
        ("connect", "421 4.3.2 busy", Deferred),
        ("mail", "451 4.3.0 later", Deferred),
        ("rcpt", "450 4.2.1 greylisted", Deferred),
        ("rcpt", "550 5.1.1 no such user", Bounced),
        ("rcpt", "556 5.1.10 takes no mail", Bounced),
        ("rcpt", "550 5.7.1 relaying denied", Refused),
        ("rcpt", "550 no", Refused),
        ("data", "554 5.7.1 no", Refused),
        ("data", "452 4.3.1 full", Deferred),
        ("end", "554 5.6.0 spam", Refused),
        ("end", "550 5.1.1 no such user", Bounced),
        ("end", "451 4.7.1 later", Deferred),
        ("connect", DROP, Deferred),
        ("ehlo", DROP, Deferred),
        ("mail", DROP, Deferred),
        ("rcpt", DROP, Deferred),
        ("data", DROP, Deferred),
        ("end", DROP, InDoubt),
        ("end", "nonsense", InDoubt),
    ],
)
@pytest.mark.fault(44)
async def test_what_came_of_a_mail_is_told_exactly_and_the_next_one_goes(phase: str, answer: str, kind: type) -> None:
    server = MailServer()
    server.answers[phase] = [answer]
    async with posting(server) as sender:
        error = await outcome(sender)
        assert type(error) is kind
        assert "mara" not in str(error)
        assert await outcome(sender) == f"{ID}@shop.example"
        assert sender.trouble == ""
    assert len(server.taken) == 1


async def test_a_connection_lost_while_the_mail_is_written_is_no_doubt() -> None:
    server = MailServer()
    server.answers["body"] = [DROP]
    async with posting(server) as sender:  # more than the buffers of the system between the two hold
        with pytest.raises(Deferred):
            await sender._office.send("orders@shop.example", "mara@post.example", b"x" * 30_000_000, ascii=True)


async def test_a_server_that_took_the_mail_and_then_dropped_leaves_a_doubt_and_one_mail() -> None:
    server = MailServer()
    server.takes_first = True
    server.answers["end"] = [DROP]
    async with posting(server) as sender:
        assert isinstance(await outcome(sender), InDoubt)
    assert len(server.taken) == 1


@pytest.mark.parametrize(("phase", "kind"), [("connect", Deferred), ("rcpt", Deferred), ("end", InDoubt)])
async def test_a_silent_server_is_not_waited_for_for_ever(phase: str, kind: type) -> None:
    server = MailServer()
    server.answers[phase] = [SILENT]
    async with posting(server, patience=1) as sender:
        assert type(await outcome(sender)) is kind


async def test_a_server_that_is_not_there_delays() -> None:
    server = MailServer()
    async with server.running():
        sender = channel(f"smtp://{server.host}")
    assert isinstance(await outcome(sender), Deferred)


async def test_connections_are_used_again_and_are_never_more_than_allowed() -> None:
    server = MailServer()
    async with posting(server, connections=2) as sender:
        await asyncio.gather(*(sender.send(message(id=f"{ID}{number}")) for number in range(12)))
        assert (server.connections, server.most_open) == (2, 2)
        server.answers["rcpt"] = ["550 5.1.1 no such user"]
        assert isinstance(await outcome(sender), Bounced)
        await sender.send(message())
        assert server.connections == 2
    assert len(server.taken) == 13
    assert server.said.count("QUIT") == 2


async def test_a_connection_that_was_idle_is_asked_first_and_another_opened_when_it_is_gone(monkeypatch) -> None:
    monkeypatch.setattr("doorstep_email.post_office._SURE", 0.0)
    server = MailServer()
    async with posting(server) as sender:
        await sender.send(message())
        await sender.send(message())
        assert (server.connections, server.said.count("NOOP")) == (1, 1)
        server.answers["noop"] = [DROP]
        await sender.send(message())
        assert server.connections == 2
        monkeypatch.setattr("doorstep_email.post_office._IDLE", 0.0)
        await sender.send(message())
        assert server.connections == 3
    assert len(server.taken) == 4


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_the_password_goes_over_tls_to_a_server_whose_certificate_is_good(tls: str) -> None:
    server = MailServer(tls=tls, auth=True)
    async with posting(server, ca=CERTIFICATE.read_text()) as sender:
        await sender.send(message())
    assert [one.encrypted for one in server.taken] == [True]
    plain = server.said[: server.said.index("STARTTLS")] if tls == "starttls" else []
    assert not [line for line in plain if line.startswith("AUTH")]


async def test_nothing_goes_to_a_server_that_offers_no_tls_or_that_nobody_vouches_for() -> None:
    bare = MailServer(auth=True)
    async with posting(bare, ca=CERTIFICATE.read_text()) as sender:
        assert isinstance(await outcome(sender), Deferred)
        assert sender.trouble == "the mail server offers no TLS"
    assert not [line for line in bare.said if line.startswith(("AUTH", "MAIL"))]
    for tls in ("starttls", "implicit"):
        strange = MailServer(tls=tls)
        async with posting(strange, ca=OTHER) as sender:
            assert isinstance(await outcome(sender), Deferred)
            assert sender.trouble == "nobody vouches for the mail server's certificate"
        assert not [line for line in strange.said if line.startswith("MAIL")]


async def test_a_server_on_this_machine_or_one_where_tls_is_none_gets_mail_in_the_clear() -> None:
    for settings in ({}, {"tls": "none", "ca": CERTIFICATE.read_text()}):
        server = MailServer(tls="starttls")
        async with posting(server, **settings) as sender:
            await sender.send(message())
        assert [one.encrypted for one in server.taken] == [False]


async def test_a_refused_password_or_sender_is_told_until_a_mail_is_taken() -> None:
    server = MailServer(auth=True)
    server.answers |= {"auth": ["535 5.7.8 wrong", "454 4.7.0 later"], "mail": ["550 5.7.60 not as that sender"]}
    async with posting(server) as sender:
        error = await outcome(sender)
        assert isinstance(error, Deferred)
        assert (error.seconds, sender.trouble) == (300, "the mail server does not accept user and password (535)")
        assert isinstance(await outcome(sender), Deferred), "for a while"
        error = await outcome(sender)
        assert isinstance(error, Deferred), "no message is lost for a sender that is not allowed"
        assert sender.trouble == "the mail server refuses the sender (550 5.7.60)"
        await sender.send(message())
        assert sender.trouble == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://user:hidden@mail.shop.example"},
        {"url": "smtp://user:hidden@mail.shop.example:x"},
        {"url": "smtp://user:hidden@mail.shop.example/path"},
        {"url": "smtp://user:hid#den@mail.shop.example"},
        {"sender": "Harbour & Pine"},
        {"sender": "örders@shop.example"},
        {"return_path": "bounces"},
        {"tls": "perhaps"},
    ],
)
def test_settings_that_cannot_work_are_refused_without_telling_the_password(wrong: dict[str, str]) -> None:
    good = {"url": "smtp://user:hidden@mail.shop.example", "sender": SENDER}
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({**good, **wrong}, Settings, dec_hook=lambda kind, value: Secret(value))
    assert "hid" not in str(error.value)


def _other() -> str:
    """A certificate of somebody else."""
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody else")])
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


OTHER = _other()
