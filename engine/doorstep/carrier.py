"""The carrier contract: a manifest, a code table, one pure function.

A plugin is a package with `carrier.toml`, `codes.toml`, `samples/` and a class:

    class Acme(Carrier[Settings]):
        settings_type = Settings

        def auth(self) -> Auth:
            return HeaderKey("X-Key", self.settings.key)

        def track(self, query: Query) -> Exchange[Answer]:
            response = yield Request("GET", f"/track/{query.number}", params={"language": query.language})
            return self.parse(response, query)

`track` is a generator without I/O: it yields requests and is sent responses. The engine drives it; it alone opens
connections, keeps the deadline, retries, counts, and hides secrets.
"""

from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

from .auth import Auth, NoAuth
from .codes import CodeTable
from .exchange import Answer, Exchange, Query
from .manifest import Manifest


class NoSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """For a carrier that needs none."""


S = TypeVar("S", bound=Struct)


class Carrier(Generic[S]):
    """Base of carriers. An instance serves one account for the life of the process and keeps nothing between calls."""

    settings_type: ClassVar[type[Struct]] = NoSettings

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
