"""The shop's own sender: signed as Standard Webhooks say, or in the shape of Klaviyo's events."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from standardwebhooks import Webhook
from starlette.responses import Response

from doorstep import Deferred, InDoubt, Refused, Secret
from doorstep.channel_http import channel_client
from doorstep.guard import GuardedTransport
from doorstep.testing import ChannelContract
from doorstep_message_webhook import MessageWebhook, Settings

from ..messaging import ID, message
from ..providing import Provider, providing
from ..servers import free_port

SECRET = "whsec_" + "a" * 32


class TestContract(ChannelContract):
    package = "doorstep_message_webhook"

    @pytest.fixture
    def settings(self) -> Iterator[dict[str, Any]]:
        with providing() as provider:
            yield {"url": provider.url, "secret": SECRET}

    @pytest.fixture
    def away(self) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{free_port()}", "secret": SECRET}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@asynccontextmanager
async def channel(provider: Provider, **fields: Any) -> AsyncIterator[MessageWebhook]:
    guard = GuardedTransport()
    guard.trust(provider.url)
    settings = Settings(**{"url": f"{provider.url}/messages", "secret": (Secret(SECRET),), **fields})
    async with channel_client(guard) as http:
        yield MessageWebhook(settings, http)


async def test_what_is_to_be_said_is_signed_and_has_the_messages_id(provider: Provider) -> None:
    async with channel(provider) as sender:
        assert await sender.send(message(to="")) == ID
    (got,) = provider.got
    said = Webhook(SECRET).verify(got.body, got.headers)
    assert (got.headers["webhook-id"], got.headers["content-type"]) == (ID, "application/json")
    assert (said["type"], said["timestamp"]) == ("message.delivered", "2026-11-22T12:00:00Z")
    data = said["data"]
    assert {name: data[name] for name in ("id", "kind", "store", "to", "language", "subject")} == {
        "id": ID, "kind": "delivered", "store": "main", "to": "", "language": "de", "subject": "Dein Päckchen ist da",
    }  # fmt: skip
    assert data["event"] == {"kind": "delivered", "shop": "Harbour & Pine", "order": "1001"}
    assert data["html"] == "<p>Dein Päckchen ist da</p>"


async def test_the_shops_own_name_for_it_is_kept(provider: Provider) -> None:
    provider.usual = (200, b'{"id": "mail-4711"}')
    async with channel(provider) as sender:
        assert await sender.send(message()) == "mail-4711"


async def test_klaviyo_gets_an_event_with_a_unique_id_and_the_version_it_asks_for(provider: Provider) -> None:
    async with channel(provider, shape="klaviyo", key=Secret("pk_private"), revision="2026-04-15") as sender:
        for to in ("mara@post.example", "+4915112345678", ""):
            await sender.send(message(to=to))
    headers = provider.got[0].headers
    assert (headers["authorization"], headers["revision"]) == ("Klaviyo-API-Key pk_private", "2026-04-15")
    assert headers["content-type"] == "application/vnd.api+json"
    events = [json.loads(got.body)["data"] for got in provider.got]
    assert events[0]["type"] == "event"
    about = events[0]["attributes"]
    assert (about["unique_id"], about["time"]) == (ID, "2026-11-22T12:00:00Z")
    assert about["metric"] == {"data": {"type": "metric", "attributes": {"name": "Doorstep delivered"}}}
    assert (about["properties"]["order"], about["properties"]["link"]) == ("1001", "https://track.shop.example/o/abc")
    profiles = [event["attributes"]["profile"]["data"] for event in events]
    assert [profile["attributes"] for profile in profiles] == [
        {"email": "mara@post.example"}, {"phone_number": "+4915112345678"}, {"external_id": "1001"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "kind", "trouble"),
    [
        (429, Deferred, ""),
        (503, Deferred, ""),
        (401, Deferred, "its provider answers HTTP 401"),
        (302, Deferred, "its provider answers HTTP 302"),
        (404, Deferred, "its provider answers HTTP 404"),
        (422, Refused, ""),
        (500, InDoubt, ""),
        (504, InDoubt, ""),
    ],
)
async def test_an_answer_says_what_came_of_it(provider: Provider, status: int, kind: type, trouble: str) -> None:
    provider.answers = [Response(b"", status, {"Retry-After": "7", "Location": "/elsewhere"})]
    async with channel(provider) as sender:
        with pytest.raises(kind) as error:
            await sender.send(message())
        assert (type(error.value), sender.trouble, len(provider.got)) == (kind, trouble, 1)
        if status in (429, 503):
            assert error.value.seconds == 7
        await sender.send(message())
        assert sender.trouble == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": "https://shop.example"},
        {"url": "ftp://shop.example", "secret": (Secret(SECRET),)},
        {"shape": "klaviyo"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"missing|needed|Expected"):
        Settings(**wrong)
