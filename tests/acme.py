"""A carrier for tests: its exchange is whatever a test says, its server whatever the test starts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs

from doorstep import (
    Auth,
    Basis,
    Carrier,
    Event,
    Found,
    Manifest,
    Moment,
    NoAuth,
    NoSettings,
    Place,
    Query,
    Request,
    Shipment,
    Status,
)
from doorstep.codes import load_codes
from doorstep.manifest import Format, Limit
from doorstep.plugins import Account

CODES = load_codes('key = ["code"]\n[codes]\n"1" = { status = "in_transit", source = "made up" }\n', file="codes.toml")
ACME = Manifest(
    slug="acme",
    name="Acme",
    contract=1,
    endpoint="https://api.acme.example",
    link="https://acme.example/track/{number}",
    formats=(Format("nine digits", "[0-9]{9}", 80),),
)


def acme(
    track: Callable[[Query], Any],
    *,
    endpoint: str = "",
    auth: Callable[[], Any] = NoAuth,
    settings: Struct = NoSettings(),  # noqa: B008
    limits: tuple[Limit, ...] = (),
    concurrent: int = 8,
    hosts: tuple[str, ...] = (),
    strangers: float = 1.0,
) -> Account:
    """An account of a carrier whose `track` and `auth` are these."""
    manifest = manifest_with(limits=limits, concurrent=concurrent, hosts=hosts)

    class Acme(Carrier[Any]):
        def auth(self) -> Auth:
            return auth()

        def track(self, query: Query) -> Any:
            return track(query)

    return Account("acme", Acme(manifest, CODES, settings), endpoint, strangers, "1")


def manifest_with(**fields: Any) -> Manifest:
    return structs.replace(ACME, **fields)


def asks(*, then: Any = None, method: str = "GET", path: str = "/track", **fields: Any) -> Callable[[Query], Any]:
    """An exchange of one request; what it returns is `then(response)`, else a parcel in transit."""

    def track(query: Query) -> Any:
        response = yield Request(method, path, **fields)
        return then(response) if then else Found((parcel(query.number),))

    return track


def at(day: int, hour: int = 12, minute: int = 0) -> Moment:
    """A moment in November 2026, UTC."""
    instant = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
    return Moment(
        instant.isoformat(), basis=Basis.UTC, instant=instant, local=instant.replace(tzinfo=None), offset="+00:00"
    )


def scan(status: Status | None = Status.IN_TRANSIT, moment: Moment = at(20), **fields: Any) -> Event:  # noqa: B008
    return Event(moment, status, **{"code": "1", "place": Place(city="Lyon", country="FR"), **fields})


def parcel(number: str, *events: Event, **fields: Any) -> Shipment:
    return Shipment(number, events or (scan(),), **fields)
