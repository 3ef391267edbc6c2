"""The contract of a connector: what a shop system tells of its orders, turned into what changes here. No I/O.

    class Acme(Connector[Settings]):
        name = "acme"

        def verify(self, incoming: Incoming) -> Verdict:
            signature = incoming.header("x-acme-signature")
            return Verdict.of(is_signed(incoming.body, self.settings.secret, signature))

        def read(self, incoming: Incoming) -> Sequence[Change]:
            order = incoming.json().expect("order")
            return [OrderChange(f"order/{order.text('id')}", order.text("number"), {"email": order.text("email")})]

The engine takes what comes in, asks `verify`, drops what came before, and keeps the changes in one transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar, get_args

from msgspec import Meta, Struct

from .incoming import Incoming, Verdict
from .order import Number, Parcel
from .secret import Secret

Source = Annotated[str, Meta(min_length=1, max_length=128)]


class ConnectorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a connector's settings, the keys below `[stores.<id>.connectors.<name>]`. Any of `secret` may have signed: two
    stand there while one is changed for the other."""

    secret: tuple[Secret, ...]

    def __post_init__(self) -> None:
        if not self.secret or not all(self.secret):
            raise ValueError("secret is empty: anybody could sign with it")


class OrderChange(Struct, frozen=True):
    """What a shop system says of an order, or of a part of it such as a fulfilment.

    `source` is its own name for that part (`order/4711`, `fulfilment/12`), `number` the order's number as the customer reads
    it. `fields` are the order's, in the shape of `/api/v1/orders`; what is not in it stays. `parcels` are all that this
    source has, None when it says nothing of parcels. Of one source, what is older than the last `changed_at` is left aside.
    `part_of` is the source of the order itself, where this is only a part.
    """

    source: Source
    number: Number
    fields: Mapping[str, Any] = {}
    parcels: tuple[Parcel, ...] | None = None
    changed_at: datetime | None = None
    part_of: str = ""


class OrderGone(Struct, frozen=True):
    """The shop deleted the order of this source."""

    source: Source


class Redaction(Struct, frozen=True):
    """The shop must forget a person: the orders of these sources, and those with this e-mail address; or `everything` that
    came from the connector."""

    sources: tuple[str, ...] = ()
    email: str = ""
    everything: bool = False


class DataRequest(Struct, frozen=True):
    """A person asked the shop what is known of them: the orders of these sources, and those with this e-mail address."""

    sources: tuple[str, ...] = ()
    email: str = ""


Change = OrderChange | OrderGone | Redaction | DataRequest
S = TypeVar("S", bound=ConnectorSettings)


class Connector(Generic[S]):
    """Base of connectors, with the type of its settings: `Connector[Settings]`. An instance serves one store for the life of
    the process and keeps nothing between calls."""

    name: ClassVar[str]
    settings_type: ClassVar[type[ConnectorSettings]] = ConnectorSettings

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            for settings in get_args(base):
                if isinstance(settings, type) and issubclass(settings, ConnectorSettings):
                    cls.settings_type = settings

    def __init__(self, settings: S) -> None:
        self.settings = settings

    def verify(self, incoming: Incoming) -> Verdict:
        """Whether the shop system sent this, by its signature over the raw body."""
        raise NotImplementedError(f"{type(self).__name__} has no verify()")

    def key(self, incoming: Incoming) -> str:
        """What is the same when the same is sent again, and differs otherwise."""
        return incoming.body.decode("latin-1")

    def read(self, incoming: Incoming) -> Sequence[Change]:
        """What changes; nothing for what is of no concern here. Raises ProtocolError for what cannot be read."""
        raise NotImplementedError(f"{type(self).__name__} has no read()")
