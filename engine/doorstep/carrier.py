"""The carrier contract: a manifest, a code table, one pure function.

A plugin is a package with `carrier.toml`, `codes.toml`, `samples/` and a class:

    class Settings(CarrierSettings):
        key: Secret

    class Acme(Carrier[Settings]):
        def auth(self) -> Auth:
            return HeaderKey("X-Key", self.settings.key)

        def track(self, query: Query) -> Exchange[Answer]:
            response = yield Request("GET", f"/track/{query.number}", params={"language": query.language})
            return self.parse(response, query)

    register_carriers = registers(Acme)

`track` is a generator without I/O: it yields requests and is sent responses. The engine drives it; it alone opens
connections, keeps the deadline, retries, counts, and hides secrets. What else a carrier can do is optional.
"""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar, get_args

from msgspec import Struct

from .auth import Auth, NoAuth
from .codes import CodeTable
from .exchange import Answer, Answers, Exchange, NotFound, Query, Registrations
from .files import File
from .incoming import Incoming, Pushed, Verdict
from .manifest import Manifest
from .models import Document
from .secret import Secret


class CarrierSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of an account's settings: a Struct whose fields are the keys below `[carriers.<account>]`, secrets as `Secret`."""


class PushSettings(CarrierSettings, frozen=True, kw_only=True):
    """Base of the settings of a carrier that pushes. Any of `push_secret` may have signed: two stand there while one is changed
    for the other. Without any, no push is heard."""

    push_secret: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        if not all(self.push_secret):
            raise ValueError("push_secret is empty: anybody could sign with it")


class NoSettings(CarrierSettings, frozen=True):
    """For a carrier that needs none."""


S = TypeVar("S", bound=CarrierSettings)


class Carrier(Generic[S]):
    """Base of carriers, with the type of its settings: `Carrier[Settings]`. An instance serves one account for the life of
    the process and keeps nothing between calls."""

    settings_type: ClassVar[type[CarrierSettings]] = NoSettings

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            for settings in get_args(base):
                if isinstance(settings, type) and issubclass(settings, CarrierSettings):
                    cls.settings_type = settings

    def __init__(self, manifest: Manifest, codes: CodeTable, settings: S) -> None:
        self.manifest = manifest
        self.codes = codes
        self.settings = settings

    def auth(self) -> Auth:
        """How requests are signed; asked once."""
        return NoAuth()

    def track(self, query: Query) -> Exchange[Answer]:
        """Asks the carrier about one number. Returns Found or NotFound; raises a CarrierError for anything else."""
        raise NotImplementedError(f"{type(self).__name__} has no track()")

    # The rest is for carriers that can; `can` in the manifest names what a plugin overrides.

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        """Asks about several numbers at once, at most `batch` of the manifest: an answer, or an error, for each."""
        raise NotImplementedError(f"{type(self).__name__} has no track_many()")

    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        """Tells the carrier which numbers to watch, at most `batch`: an aggregator, or one that then pushes their news. It may
        cost money: never from a shopper's GET."""
        raise NotImplementedError(f"{type(self).__name__} has no register()")

    def document(self, query: Query, document: Document) -> Exchange[File | NotFound]:
        """Fetches what a shipment's `documents` refer to. It shows who signed: only with proof, and never kept."""
        raise NotImplementedError(f"{type(self).__name__} has no document()")

    def push_secrets(self) -> tuple[Secret, ...]:
        """What pushes to this account are signed with. Without any, none is heard, and only aggregators are told of numbers."""
        return self.settings.push_secret if isinstance(self.settings, PushSettings) else ()

    def verify(self, incoming: Incoming) -> Verdict:
        """Whether the carrier sent this, by one of `push_secrets()`. It decides before anything is read."""
        raise NotImplementedError(f"{type(self).__name__} has no verify()")

    def push(self, incoming: Incoming) -> Pushed:
        """The numbers that have news; none for what is of no concern here. Raises ProtocolError for what cannot be read.

        Nothing else in a push counts: the carrier is asked, through the ordinary way.
        """
        raise NotImplementedError(f"{type(self).__name__} has no push()")
