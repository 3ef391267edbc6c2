"""Text messages: parts counted as networks count them, a link that stays whole, and one shape over HTTP."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.responses import Response

from doorstep import Bounced, Deferred, InDoubt, Refused, Secret
from doorstep.channel_http import channel_client
from doorstep.guard import GuardedTransport
from doorstep.testing import ChannelContract
from doorstep_sms import Settings, Sms
from doorstep_sms.parts import Encoding, Size, fitted, size_of

from ..messaging import ID, message
from ..providing import Provider, providing
from ..servers import free_port

LINK = "https://track.shop.example/o/abcdefghijklmnop"  # 45 characters
MARA = "+4915112345678"


class TestContract(ChannelContract):
    package = "doorstep_sms"

    @pytest.fixture
    def settings(self) -> Iterator[dict[str, Any]]:
        with providing() as provider:
            yield {"url": provider.url, "token": "t"}

    @pytest.fixture
    def away(self) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{free_port()}", "token": "t"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@asynccontextmanager
async def channel(provider: Provider, **fields: Any) -> AsyncIterator[Sms]:
    guard = GuardedTransport()
    guard.trust(provider.url)
    async with channel_client(guard) as http:
        yield Sms(Settings(**{"url": f"{provider.url}/send", "token": Secret("t0ken"), **fields}), http)


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", Encoding.GSM, 1),
        ("a" * 160, Encoding.GSM, 1),
        ("a" * 161, Encoding.GSM, 2),
        ("a" * 306, Encoding.GSM, 2),
        ("a" * 307, Encoding.GSM, 3),
        ("€" * 80, Encoding.GSM, 1),
        ("€" * 81, Encoding.GSM, 2),
        ("€" * 152, Encoding.GSM, 2),
        ("€" * 153, Encoding.GSM, 3),  # 306 units, but 153 is odd: each part leaves one over
        ("a" * 152 + "€" + "a" * 151, Encoding.GSM, 2),
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM, 3),
        ("^{}\\[~]|€\f", Encoding.GSM, 1),
        ("ÄÖÜäöüßñ¿¡Çàèéìòù£$¥@ΔΩ", Encoding.GSM, 1),
        ("ç", Encoding.UCS2, 1),
        ("á", Encoding.UCS2, 1),
        ("`", Encoding.UCS2, 1),
        ("я" * 70, Encoding.UCS2, 1),
        ("я" * 71, Encoding.UCS2, 2),
        ("я" * 134, Encoding.UCS2, 2),
        ("я" * 135, Encoding.UCS2, 3),
        ("😀" * 35, Encoding.UCS2, 1),
        ("😀" * 66, Encoding.UCS2, 2),
        ("😀" * 67, Encoding.UCS2, 3),  # 134 units, but 67 is odd
        ("a" * 70 + "’", Encoding.UCS2, 2),
    ],
)
def test_parts_are_counted_as_networks_count_them(text: str, encoding: Encoding, segments: int) -> None:
    assert size_of(text) == Size(encoding, segments)


def test_the_basic_table_has_all_its_characters() -> None:
    from doorstep_sms.parts import _BASIC, _EXTENSION

    assert (len(_BASIC), len(_EXTENSION)) == (127, 10)  # the 128th is the escape to the extension


def test_a_sentence_is_cut_and_its_link_never() -> None:
    short = f"Your parcel has arrived. {LINK}"
    assert fitted(short, LINK, 1) == short
    # 160 - 45 of the link - 1 space - 3 dots = 111 of the sentence
    assert fitted(f"{'a' * 200} {LINK}", LINK, 1) == f"{'a' * 111}... {LINK}"
    # 70 - 45 - 1 - 1 = 23
    assert fitted(f"{'я' * 200} {LINK}", LINK, 1) == f"{'я' * 23}… {LINK}"
    assert fitted(f"{'a' * 200} {LINK}", LINK, 2) == f"{'a' * 200} {LINK}"


def test_a_cut_that_leaves_the_gsm_alphabet_alone_gains_by_it() -> None:
    # With the я 70 characters are a part; before it there is room for 111.
    text = f"{'a' * 100}я{'a' * 100} {LINK}"
    assert fitted(text, LINK, 1) == f"{'a' * 100}... {LINK}"


def test_a_link_that_is_too_long_is_all_that_is_left() -> None:
    long = "https://track.shop.example/" + "x" * 200
    assert fitted(f"Arrived. {long} Bye", long, 1) == long
    assert fitted("a" * 200, "", 1) == "a" * 157 + "..."


async def test_what_is_posted_is_as_documented(provider: Provider) -> None:
    provider.usual = (202, b'{"id": "sms-1"}')
    async with channel(provider, sender="Harbour") as sender:
        assert await sender.send(message(to=MARA, short=f"Paket da.\r\n{LINK}", link=LINK)) == "sms-1"
    (got,) = provider.got
    assert (got.headers["authorization"], got.headers["idempotency-key"]) == ("Bearer t0ken", ID)
    assert json.loads(got.body) == {
        "id": ID, "to": MARA, "sender": "Harbour", "text": f"Paket da. {LINK}", "segments": 1, "encoding": "gsm-7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "kind"), [(410, Bounced), (422, Refused), (429, Deferred), (401, Deferred), (502, InDoubt)]
)
async def test_an_answer_says_what_came_of_it(provider: Provider, status: int, kind: type) -> None:
    provider.answers = [Response(b"", status)]
    async with channel(provider) as sender:
        with pytest.raises(kind):
            await sender.send(message(to=MARA))


async def test_what_is_no_number_is_not_posted(provider: Provider) -> None:
    async with channel(provider) as sender:
        for to in ("015112345678", "+0151", "+49 151 1234567", "+4915112345678\r\n", "+١٢٣٤٥٦٧٨", ""):
            with pytest.raises(Bounced):
                await sender.send(message(to=to))
    assert provider.got == []


@pytest.mark.parametrize(
    "wrong", [{"token": ""}, {"token": "a\nb"}, {"url": "sms.example"}, {"url": "ftp://sms.example"}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    fields = {"url": "https://sms.shop.example", "token": "t", **wrong}
    with pytest.raises(ValueError, match="Expected"):
        Settings(url=fields["url"], token=Secret(fields["token"]))
