"""Signed addresses that messages lead to. There is no personal data in them, and each is for its purpose alone.

    /o/{token}/?m=delivered    the order's page, as any link to it; `m` is the kind of message that led there
    /o/{token}/messages        the page on which messages are chosen
    /m/{token}                 no more of these messages, or: yes, this address wants them
    /m/{token}/opened.gif      a picture in a mail, where the store counts which are opened

A token of `/m/` names the order, what it is about, and the generation of the order's links: one that is counted up makes all
of them void.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from msgspec import Struct, ValidationError, convert, to_builtins

from .clock import Clock
from .config import Config
from .links import LONGEST_TOKEN, Links, Proof, Ticket
from .message import Kind, Reach, Topic
from .orderbook import KeptOrder
from .secret import Secret
from .vault import Vault

CONFIRMS = timedelta(days=7)  # how long a question waits for its answer
_PURPOSE = "doorstep message link"
_PRINT = 24  # characters of an address's hash


class Unsubscribe(Struct, frozen=True, array_like=True, tag="u"):
    """No more messages about this topic, by this way."""

    order_id: str
    generation: int
    topic: Topic
    reach: Reach


class Confirm(Struct, frozen=True, array_like=True, tag="c"):
    """Whoever reads what is sent to this address wants messages there. `print` is of the address."""

    order_id: str
    generation: int
    reach: Reach
    print: str
    expires: int  # seconds since 1970

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)


class Opened(Struct, frozen=True, array_like=True, tag="o"):
    """Somebody, or something, loads the pictures of this message."""

    message: str


class MessageLinks:
    """Makes the addresses, and reads what stands behind `/m/`. `homes` are the stores' own addresses."""

    def __init__(
        self, secret_keys: Sequence[Secret], links: Links, *, clock: Clock, homes: Mapping[str, str],
        lasting: Mapping[str, timedelta],
    ) -> None:  # fmt: skip
        texts = [key.reveal() for key in reversed(secret_keys)]  # itsdangerous signs with the last
        self._signer = URLSafeSerializer(texts, salt=_PURPOSE)
        self._vault = Vault(secret_keys)
        self._links = links
        self._clock = clock
        self._homes = homes
        self._lasting = lasting

    def order(self, order: KeptOrder, kind: Kind) -> str:
        """The order's page, from a message of this kind."""
        return f"{self._page(order)}?m={kind.value}"

    def preferences(self, order: KeptOrder) -> str:
        """Where its messages are chosen."""
        return f"{self._page(order)}messages"

    def unsubscribe(self, order: KeptOrder, topic: Topic, reach: Reach) -> str:
        """Takes a one-click POST (RFC 8058)."""
        return self._signed(order, Unsubscribe(order.id, order.link_generation, topic, reach))

    def confirm(self, order: KeptOrder, reach: Reach, to: Secret) -> str:
        """For whoever reads what is sent `to` this address, and nobody else."""
        expires = int((self._clock.now() + CONFIRMS).timestamp())
        made = Confirm(order.id, order.link_generation, reach, prints(self._vault, reach, to)[0], expires)
        return self._signed(order, made)

    def opened(self, order: KeptOrder, message: str) -> str:
        """A picture by which it is counted that a message is opened."""
        return f"{self._signed(order, Opened(message))}/opened.gif"

    def read_opened(self, token: str) -> str:
        """The message that a token of `opened` names; "" where it is none of ours."""
        found = self._read(token, Opened)
        return found.message if found else ""

    def read(self, token: str) -> Unsubscribe | Confirm | None:
        """What a token of `/m/` says, or None where it is none of ours, or is over. The caller looks at the generation."""
        found = self._read(token, Unsubscribe | Confirm)
        is_over = isinstance(found, Confirm) and found.expires_at <= self._clock.now()
        return None if is_over else found

    def _read(self, token: str, type: Any) -> Any:
        if len(token) > LONGEST_TOKEN:
            return None
        try:
            return convert(self._signer.loads(token), type)
        except (BadData, ValidationError):
            return None

    def _signed(self, order: KeptOrder, said: Unsubscribe | Confirm | Opened) -> str:
        return f"{self._homes[order.store]}/m/{self._signer.dumps(to_builtins(said))}"

    def _page(self, order: KeptOrder) -> str:
        expires_at = self._clock.now() + self._lasting[order.store]
        token = self._links.token(Ticket(order.id, Proof.LINK, expires_at, order.link_generation))
        return f"{self._homes[order.store]}/o/{token}/"


def prints(vault: Vault, reach: Reach, address: Secret) -> list[str]:
    """An address as links name it."""
    return [one[:_PRINT] for one in vault.contact_hashes(reach, address.reveal())]


def message_links(config: Config, links: Links, *, clock: Clock) -> MessageLinks:
    """Those of an engine's stores."""
    homes = {id: home(config, id) for id in config.stores}
    lasting = {id: timedelta(days=store.link_days) for id, store in config.stores.items()}
    return MessageLinks(config.secret_key, links, clock=clock, homes=homes, lasting=lasting)


def home(config: Config, store: str) -> str:
    """How a store's pages are reached: from outside where the settings say so, else where this machine serves them."""
    settings, server = config.stores[store], config.server
    return (settings.public_url.rstrip("/") or f"http://{server.host}:{server.port}") + settings.path
