"""The shop's own sender: it gets what is to be said and to whom, and says it in its own way.

In Doorstep's own shape, signed by Standard Webhooks; or as events of Klaviyo's API, from which its flows send.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import httpx2
import msgspec
from msgspec import Meta

from doorstep import (
    Channel,
    Message,
    ProviderChannel,
    ProviderSettings,
    Reach,
    Secret,
    Signer,
    hookimpl,
    is_web_address,
    text_of,
)

_KLAVIYO = "https://a.klaviyo.com/api/events"
_TEXTS = ("subject", "preheader", "html", "text", "short", "link", "preferences", "unsubscribe")


class Settings(ProviderSettings, frozen=True):
    """`url` takes the messages, signed with the first of `secret`. With `shape` `klaviyo` they are events there, posted with
    the private `key`, in the `revision` of its API; `url` is Klaviyo's own then, unless it is set."""

    url: str = ""
    secret: tuple[Secret, ...] = ()
    shape: Literal["doorstep", "klaviyo"] = "doorstep"
    key: Secret = Secret("")
    revision: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] = "2025-04-15"

    def __post_init__(self) -> None:
        if self.shape == "klaviyo" and not self.key:
            raise ValueError("key is missing: Klaviyo's private API key")
        if self.shape == "doorstep" and not (self.url and self.secret):
            raise ValueError("url and secret are needed; make a secret with: doorstep webhooks secret")
        if self.url and not is_web_address(self.url):
            raise ValueError("url: Expected an address of the web")


class MessageWebhook(ProviderChannel[Settings]):
    name = "webhook"
    reach = Reach.SHOP
    repeatable = True  # webhook-id, unique_id: the same each time

    def __init__(self, settings: Settings, http: httpx2.AsyncClient) -> None:
        super().__init__(settings, http)
        self._signer = Signer(settings.secret, setting="secret") if settings.secret else None

    async def send(self, message: Message) -> str:
        if self._signer is None or self.settings.shape == "klaviyo":
            await self.post(self.settings.url or _KLAVIYO, _json(_klaviyo(message)), self._klaviyo_headers())
            return message.id
        body = _json(_plain(message))
        signed = self._signer.headers(message.id, datetime.now(UTC), body)
        response = await self.post(self.settings.url, body, {"Content-Type": "application/json", **signed})
        return text_of(response, "id") or message.id

    def _klaviyo_headers(self) -> Mapping[str, str]:
        return {
            "Authorization": f"Klaviyo-API-Key {self.settings.key.reveal()}",
            "Content-Type": "application/vnd.api+json",
            "Accept": "application/vnd.api+json",
            "revision": self.settings.revision,
        }


def _plain(message: Message) -> Mapping[str, Any]:
    texts = {name: getattr(message, name) for name in _TEXTS}
    about = {"id": message.id, "store": message.store, "kind": message.kind, "to": message.to.reveal()}
    data = {**about, "language": message.language, **texts, "event": message.event}
    return {"type": f"message.{message.kind}", "timestamp": message.at, "data": data}


def _klaviyo(message: Message) -> Mapping[str, Any]:
    """An event named after what happened, of the profile that the shop has of this customer."""
    name = f"Doorstep {message.kind.replace('_', ' ')}"
    texts = {name: getattr(message, name) for name in ("subject", "short", "preferences", "unsubscribe")}
    attributes = {
        "properties": {
            **texts,
            "link": message.link,
            "language": message.language,
            "store": message.store,
            **message.event,
        },
        "time": message.at,
        "unique_id": message.id,
        "metric": {"data": {"type": "metric", "attributes": {"name": name}}},
        "profile": {"data": {"type": "profile", "attributes": _profile(message)}},
    }
    return {"data": {"type": "event", "attributes": attributes}}


def _profile(message: Message) -> Mapping[str, str]:
    """Whom Klaviyo knows it by: an e-mail address, a telephone number, or the order's number where there is neither."""
    to = message.to.reveal()
    if "@" in to:
        return {"email": to}
    if to.startswith("+"):
        return {"phone_number": to}
    return {"external_id": to or str(message.event.get("order") or message.id)}


def _json(content: Any) -> bytes:
    return msgspec.json.encode(content)


@hookimpl
def register_channels(register: Callable[[type[Channel[Any]]], None]) -> None:
    register(MessageWebhook)
