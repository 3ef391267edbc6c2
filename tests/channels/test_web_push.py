"""Messages in the browser: sealed as RFC 8291 shows, signed as RFC 8292 asks, sent on the public internet only."""

import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.responses import Response

from doorstep import Bounced, Deferred, Refused, Secret
from doorstep.channel_http import channel_client
from doorstep.cli import main
from doorstep.guard import GuardedTransport
from doorstep.message import Kind
from doorstep.testing import ChannelContract
from doorstep_web_push import Settings, WebPush
from doorstep_web_push.sealing import browser, private_key, sealed

from ..messaging import message
from ..providing import Provider, providing
from ..servers import free_port

# The example of RFC 8291, section 5 and appendix A.
OURS = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
THEIRS = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
TEXT = b"When I grow up, I want to be a watermelon"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
SUBJECT = "mailto:orders@shop.example"


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def opened(body: bytes) -> bytes:
    """What the browser of the example reads, step by step as RFC 8188 and 8291 write it, with plain HMACs."""
    salt, ours, text = body[:16], body[21:86], body[86:]
    assert (body[16:20], body[20]) == (b"\x00\x00\x10\x00", 65)
    theirs = private_key(THEIRS)
    shared = theirs.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), ours))
    info = b"WebPush: info\x00" + raw(P256DH) + ours + b"\x01"
    secret = hmac.digest(hmac.digest(raw(AUTH), shared, sha256), info, sha256)
    prk = hmac.digest(salt, secret, sha256)
    key = hmac.digest(prk, b"Content-Encoding: aes128gcm\x00\x01", sha256)[:16]
    nonce = hmac.digest(prk, b"Content-Encoding: nonce\x00\x01", sha256)[:12]
    plain = AESGCM(key).decrypt(nonce, text, None)
    assert plain[-1:] == b"\x02"
    return plain[:-1]


def subscription(endpoint: str, p256dh: str = P256DH, auth: str = AUTH) -> str:
    return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": {"p256dh": p256dh, "auth": auth}})


PORT = free_port()
AWAY = free_port()


class TestContract(ChannelContract):
    package = "doorstep_web_push"
    to = subscription(f"http://127.0.0.1:{PORT}/push/abc")
    away_to = subscription(f"http://127.0.0.1:{AWAY}/push/abc")

    @pytest.fixture
    def settings(self) -> Iterator[dict[str, Any]]:
        with providing(port=PORT):
            yield {"key": OURS, "subject": SUBJECT}

    @pytest.fixture
    def away(self) -> dict[str, Any]:
        return {"key": OURS, "subject": SUBJECT}

    def inside(self) -> Sequence[str]:
        return [f"http://127.0.0.1:{port}" for port in (PORT, AWAY)]


@pytest.fixture
def service() -> Iterator[Provider]:
    with providing() as service:
        yield service


@asynccontextmanager
async def channel(service: Provider | None = None, **fields: Any) -> AsyncIterator[WebPush]:
    guard = GuardedTransport()
    if service:
        guard.trust(service.url)
    async with channel_client(guard) as http:
        yield WebPush(Settings(**{"key": Secret(OURS), "subject": SUBJECT, **fields}), http)


def test_the_example_of_the_specification_is_sealed_as_it_is_there() -> None:
    to = browser(P256DH, AUTH)
    assert sealed(TEXT, to, own=private_key(OURS), salt=raw(SALT)) == raw(SEALED)
    assert opened(raw(SEALED)) == TEXT


def test_each_message_has_a_key_and_a_salt_of_its_own() -> None:
    one, other = (sealed(TEXT, browser(P256DH, AUTH)) for _ in range(2))
    assert (one[:16] != other[:16], one[21:86] != other[21:86], opened(one), opened(other)) == (True, True, TEXT, TEXT)


async def test_a_browser_gets_what_was_said_and_the_service_knows_by_whom(service: Provider) -> None:
    service.usual = (201, b"")
    async with channel(service) as sender:
        await sender.send(message(to=subscription(f"{service.url}/push/abc"), kind=Kind.ATTEMPTED))
        public = raw(sender.public_key)
    (got,) = service.got
    assert json.loads(opened(got.body)) == {
        "title": "Dein Päckchen ist da", "body": "Heute um 11 Uhr", "url": "https://track.shop.example/o/abc",
    }  # fmt: skip
    named = ("ttl", "urgency", "content-encoding", "content-type")
    assert [got.headers[name] for name in named] == ["86400", "high", "aes128gcm", "application/octet-stream"]
    scheme, _, given = got.headers["authorization"].partition(" t=")
    jwt, _, key = given.partition(", k=")
    assert (scheme, raw(key)) == ("vapid", public)
    head, claims, signature = jwt.split(".")
    assert json.loads(raw(head)) == {"typ": "JWT", "alg": "ES256"}
    said = json.loads(raw(claims))
    assert (said["aud"], said["sub"]) == (service.url, SUBJECT)
    left = datetime.fromtimestamp(said["exp"], UTC) - datetime.now(UTC)
    assert timedelta(hours=11) < left <= timedelta(hours=12)
    r, s = int.from_bytes(raw(signature)[:32]), int.from_bytes(raw(signature)[32:])
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public).verify(
        encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(SHA256())
    )


async def test_what_is_newer_of_a_parcel_replaces_what_was_not_fetched_and_tells_the_service_no_number(
    service: Provider,
) -> None:
    to = subscription(f"{service.url}/push/abc")
    async with channel(service) as sender:
        for event in ({"order": "1001", "parcel": "JD1"}, {"order": "1001", "parcel": "JD1"}, {"order": "1001"}):
            await sender.send(message(to=to, event=event, kind=Kind.ON_ITS_WAY))
    first, second, third = (got.headers["topic"] for got in service.got)
    assert (first == second, first == third, len(first)) == (True, False, 32)
    assert got_urgency(service) == {"normal"}


def got_urgency(service: Provider) -> set[str]:
    return {got.headers["urgency"] for got in service.got}


async def test_long_words_are_cut_to_what_a_service_takes_and_the_link_is_whole(service: Provider) -> None:
    async with channel(service) as sender:
        await sender.send(message(to=subscription(service.url), subject="ä" * 100, preheader='"\n' * 5000))
        with pytest.raises(Refused):
            await sender.send(message(to=subscription(service.url), link="https://shop.example/" + "x" * 4000))
    (got,) = service.got
    assert len(got.body) <= 4096
    said = json.loads(opened(got.body))
    assert (said["title"], said["url"]) == ("ä" * 100, "https://track.shop.example/o/abc")
    assert len(said["body"]) > 1000


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Bounced), (410, Bounced), (403, Refused), (413, Refused), (301, Refused), (429, Deferred)],
)
async def test_an_answer_is_of_the_subscription_and_says_nothing_of_the_account(
    service: Provider, status: int, kind: type
) -> None:
    service.answers = [Response(b"", status, {"Retry-After": "60", "Location": "https://elsewhere.example"})]
    async with channel(service) as sender:
        with pytest.raises(kind) as error:
            await sender.send(message(to=subscription(service.url)))
        assert (sender.trouble, len(service.got)) == ("", 1)
    assert not isinstance(error.value, Deferred) or error.value.seconds == 60


async def test_a_subscription_leads_nowhere_inside(service: Provider) -> None:
    async with channel() as sender:
        for endpoint in (service.url, "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/"):
            with pytest.raises(Deferred):
                await sender.send(message(to=subscription(endpoint)))
    assert service.got == []


@pytest.mark.parametrize(
    "to",
    [
        "", "{}", "[" * 100_000, "mara@post.example",
        subscription("ftp://push.example/"), subscription("https:///x"), subscription("https://a@push.example/"),
        subscription("https://push.example/\r\nX: 1"), subscription("https://push.example/" + "x" * 2000),
        subscription("https://push.example/", p256dh="BCVx"), subscription("https://push.example/", auth="BTBZ"),
        subscription("https://push.example/", p256dh="B" + "A" * 86), subscription("https://push.example/", p256dh="ü"),
    ],
)  # fmt: skip
async def test_what_is_no_subscription_is_sent_nowhere(to: str) -> None:
    async with channel() as sender:
        with pytest.raises(Bounced):
            await sender.send(message(to=to))


def test_a_new_key_is_one() -> None:
    first, second = (CliRunner().invoke(main, ["messages", "push-key"]).output.strip() for _ in range(2))
    assert first != second
    private_key(first)


@pytest.mark.parametrize("key", ["", "abc", P256DH, "A" * 43])
def test_settings_without_a_key_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="make one"):
        Settings(key=Secret(key), subject=SUBJECT)
