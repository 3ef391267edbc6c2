"""The contract of a channel: how a message reaches a shopper, and what a message is.

    class Acme(Channel[Settings]):
        name = "acme"
        reach = Reach.PHONE

        async def send(self, message: Message) -> str:
            response = await self.http.post(self.settings.url, json={"to": message.to.reveal(), "text": message.short})
            if response.status_code == 429:
                raise Deferred("the provider has had enough", seconds=30)
            return response.json()["id"]

The engine decides what is said, when and to whom, writes it down before it is sent, and hands it to a channel once: a
channel only sends, and says by an exception what came of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, TypeVar, get_args

import httpx2
from msgspec import Meta, Struct

from .errors import DoorstepError
from .incoming import Incoming, Verdict
from .secret import Secret


class Topic(StrEnum):
    """What a shopper agrees to: what belongs to the order, or more than that."""

    ORDER = "order"
    MORE = "more"


class Kind(StrEnum):
    """What a message is about."""

    ON_ITS_WAY = "on_its_way"
    ARRIVES_TODAY = "arrives_today"
    READY_FOR_PICKUP = "ready_for_pickup"
    PICKUP_REMINDER = "pickup_reminder"
    DELIVERED = "delivered"
    ATTEMPTED = "attempted"
    DELAYED = "delayed"
    NEEDS_ACTION = "needs_action"
    RETURNED = "returned"
    SURVEY = "survey"
    HOW_TO = "how_to"
    REPLENISH = "replenish"
    WARRANTY = "warranty"
    THANKS = "thanks"
    CONFIRM = "confirm"  # whether somebody wants messages: the only one that is sent without consent

    @property
    def topic(self) -> Topic:
        return Topic.MORE if self in _MORE else Topic.ORDER

    @property
    def presses(self) -> bool:
        """Whether it does not wait for another day: the shopper has to do something, or has a parcel to take in."""
        return self in _PRESSING


_MORE = frozenset({Kind.SURVEY, Kind.HOW_TO, Kind.REPLENISH, Kind.WARRANTY, Kind.THANKS})
_PRESSING = frozenset({
    Kind.READY_FOR_PICKUP, Kind.PICKUP_REMINDER, Kind.DELIVERED, Kind.ATTEMPTED, Kind.NEEDS_ACTION, Kind.CONFIRM,
})  # fmt: skip


class Reach(StrEnum):
    """By what somebody is reached. `SHOP` is the shop's own sender, which knows its customers itself."""

    EMAIL = "email"
    PHONE = "phone"
    PUSH = "push"
    SHOP = "shop"


class Message(Struct, frozen=True):
    """What a channel sends.

    `id` is the message's own, the same when it is sent again: a provider that takes an idempotency key gets it. `to` is an
    e-mail address, a telephone number (E.164), a push subscription (its JSON), or empty for the shop. `short` is for places
    without a subject. `event` is what a shop's own sender gets: no name, no address, of the person only `to`.
    """

    id: str
    store: str
    kind: Kind
    to: Secret
    language: str  # BCP 47
    subject: str
    preheader: str
    html: str
    text: str
    short: str
    link: str  # the order's page, signed
    preferences: str  # the page on which messages are chosen, signed
    unsubscribe: str  # takes a one-click POST (RFC 8058)
    event: Mapping[str, Any]
    at: datetime


class Fate(StrEnum):
    """What a provider tells later of a message."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"  # there is no such address
    REFUSED = "refused"  # not delivered, and tried no longer; the address may be good
    COMPLAINED = "complained"  # the reader called it spam
    OPENED = "opened"


class Report(Struct, frozen=True):
    """What a provider says became of a message: by the engine's `id`, or by the `reference` that `send` returned."""

    fate: Fate
    id: str = ""
    reference: str = ""
    reason: str = ""


class SendingError(DoorstepError):
    """A message was not sent, or may not have been."""


class Deferred(SendingError):
    """Not now; the message is tried again, after `seconds` if the provider said so."""

    def __init__(self, message: str, *, seconds: float | None = None, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.seconds = seconds


class Bounced(SendingError):
    """The address does not exist, or never takes anything: it is not written to again."""


class Refused(SendingError):
    """This message is not taken, whenever it comes; the address may be good."""


class InDoubt(SendingError):
    """It may have been sent: who sent it again would perhaps send it twice."""


class ChannelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a channel's settings, the keys below `[channels.<name>]`. `per_minute` is what the provider allows."""

    per_minute: Annotated[int, Meta(ge=1)] = 600


S = TypeVar("S", bound=ChannelSettings)


class Channel(Generic[S]):
    """Base of channels, with the type of its settings: `Channel[Settings]`. One instance serves an account for the life of the
    process. `http` refuses addresses inside the shop's own network, follows no redirect, ends every request in time, and
    raises Deferred where nothing was sent yet and InDoubt where something was. `trouble` is what the provider has against the
    account, empty when it has nothing: `/readyz` tells it. `public_key` is what browsers subscribe with
    (`applicationServerKey`), of a channel that reaches them."""

    name: ClassVar[str]
    reach: ClassVar[Reach]
    settings_type: ClassVar[type[ChannelSettings]] = ChannelSettings
    repeatable: ClassVar[bool] = (
        False  # the provider drops what has an id it had before: a message in doubt is sent again
    )

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            for settings in get_args(base):
                if isinstance(settings, type) and issubclass(settings, ChannelSettings):
                    cls.settings_type = settings

    def __init__(self, settings: S, http: httpx2.AsyncClient) -> None:
        self.settings = settings
        self.http = http
        self.trouble = ""
        self.public_key = ""

    async def send(self, message: Message) -> str:
        """Hands a message over; the provider's own name for it, or "". Raises Deferred, Bounced, Refused, InDoubt; any other
        error counts as doubt."""
        raise NotImplementedError(f"{type(self).__name__} has no send()")

    async def aclose(self) -> None:
        """Ends what is open."""

    def verify(self, incoming: Incoming) -> Verdict:
        """Whether the provider sent this to `/channels/<account>`."""
        return Verdict.REFUSED

    def read(self, incoming: Incoming) -> Sequence[Report]:
        """What a provider's webhook tells of messages. Raises ProtocolError."""
        return ()
