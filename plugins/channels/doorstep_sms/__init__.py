"""Text messages, by one shape over HTTP that a few lines in front of any provider speak."""

import re
from collections.abc import Callable
from typing import Annotated, Any

import httpx2
import msgspec
from msgspec import Meta

from doorstep import (
    Bounced,
    Channel,
    Message,
    ProviderChannel,
    ProviderSettings,
    Reach,
    Secret,
    hookimpl,
    is_web_address,
    text_of,
)

from .parts import fitted, size_of

_NO_SUCH_NUMBER = 410
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")  # E.164
_BETWEEN = re.compile(r"[\s\u2028\u2029]+|[\x00-\x1f\x7f]+")


class Settings(ProviderSettings, frozen=True, kw_only=True):
    """`url` takes the messages, with `token` as bearer. `sender` is a number or a name that the provider knows. A message has
    `segments` parts at most, each of which costs."""

    url: str
    token: Secret
    sender: Annotated[str, Meta(max_length=20)] = ""
    segments: Annotated[int, Meta(ge=1, le=10)] = 2

    def __post_init__(self) -> None:
        if not is_web_address(self.url):
            raise ValueError("url: Expected an address of the web")
        if not self.token or not self.token.reveal().isprintable() or not self.token.reveal().isascii():
            raise ValueError("token: Expected what can stand in a header")


class Sms(ProviderChannel[Settings]):
    name = "sms"
    reach = Reach.PHONE

    def __init__(self, settings: Settings, http: httpx2.AsyncClient) -> None:
        super().__init__(settings, http)
        self._headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {settings.token.reveal()}",
        }

    async def send(self, message: Message) -> str:
        to = message.to.reveal()
        if not _NUMBER.fullmatch(to):
            raise Bounced("this is no telephone number")
        text = fitted(_BETWEEN.sub(" ", message.short).strip(), message.link, self.settings.segments)
        size = size_of(text)
        content = {
            "id": message.id,
            "to": to,
            "sender": self.settings.sender,
            "text": text,
            "segments": size.segments,
            "encoding": size.encoding,
        }
        headers = {**self._headers, "Idempotency-Key": message.id}
        response = await self.post(self.settings.url, msgspec.json.encode(content), headers, own=(_NO_SUCH_NUMBER,))
        if response.status_code == _NO_SUCH_NUMBER:
            raise Bounced("its provider knows no such number")
        return text_of(response, "id")


@hookimpl
def register_channels(register: Callable[[type[Channel[Any]]], None]) -> None:
    register(Sms)
