"""The headless JSON API: shipments as data, errors as problem documents."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from . import responses, views
from .context import PageContext
from .errors import NumberError
from .limits import Limits
from .lookup import Lookup, Outcome
from .manifest import Manifest
from .models import Moment, Status
from .openapi import Endpoint, Operation
from .plugins import Plugins
from .recognition import normalise
from .shops import Shop
from .tracker import Tracker
from .visits import cached, network_of

_STATUS = {
    Outcome.WAITING: 202, Outcome.NOT_FOUND: 404, Outcome.UNRECOGNISED: 404,
    Outcome.UNAVAILABLE: 503, Outcome.LINK_ONLY: 404,
}  # fmt: skip


class ScanPlace(Struct, frozen=True):
    """Where it was scanned, as far as everybody may know."""

    city: str
    country: str


class Scan(Struct, frozen=True):
    """One scan; `text` is the carrier's own words, empty where they may name somebody."""

    status: Status | None
    reason: str
    code: str
    text: str
    moment: Moment
    place: ScanPlace
    flags: tuple[str, ...]


class ShipmentSeen(Struct, frozen=True):
    """A shipment as everybody may see it who has its number."""

    id: str
    number: str
    carrier: str
    carrier_name: str
    status: Status
    reason: str
    delayed: bool
    action_required: bool
    final: bool
    since: Moment | None
    service: str
    expected: date | None
    destination_country: str
    events: tuple[Scan, ...]


class ShipmentsAnswer(Struct, frozen=True):
    """What carriers say of a number: one shipment, or several to choose from (`outcome` is `choose`)."""

    number: str
    outcome: str
    fetched_at: datetime | None
    freshness: str
    shipments: tuple[ShipmentSeen, ...]


class ShipmentsQuery(Struct, frozen=True):
    """`carrier` and `parcel` choose among several; `lang` is the language (BCP 47)."""

    carrier: str = ""
    parcel: str = ""
    lang: str = ""


class PagesQuery(ShipmentsQuery, frozen=True):
    """As of a shipment; `events=all`: also what a page leaves out of very many."""

    events: str = ""


def open_operations(api: "Api", view_model: Endpoint) -> list[Operation]:
    """What anybody may ask below a store's path: no key, proof level 0."""
    return [
        Operation(
            "GET", "/api/v1/shipments/{number}", api.shipments, "read_shipments", "What a number alone may show, as data",
            {200: ShipmentsAnswer}, (202, 400, 404, 429, 503), query=ShipmentsQuery,
        ),
        Operation(
            "GET", "/api/v1/pages/{number}", view_model, "read_page", "The values that a page's template gets",
            {200: PageContext, 202: PageContext}, (400, 404, 429, 503), query=PagesQuery,
        ),
    ]  # fmt: skip


class Api:
    """Endpoints below `/api/v1/`."""

    def __init__(self, tracker: Tracker, plugins: Plugins, limits: Limits, *, deadline: float) -> None:
        self._tracker = tracker
        self._limits = limits
        self._manifests: Mapping[str, Manifest] = plugins.manifests
        self._deadline = deadline

    async def shipments(self, request: Request) -> Response:
        """`GET /api/v1/shipments/{number}` (`?carrier=`, `?parcel=`, `?lang=`): what anybody with the number may know."""
        shop: Shop = request.state.shop
        try:
            number = normalise(request.path_params["number"])
        except NumberError:
            return self._problem(request, shop, "invalid_number", 400)
        network = network_of(request, self._limits.networks)
        if after := self._limits.numbers.refused(network):
            headers = {"Retry-After": str(round(after) or 1)}
            return self._problem(request, shop, "too_many_numbers", 429, headers=headers)
        carrier = request.query_params.get("carrier", "")[:40]
        lookup = await self._tracker.look_up(number, shop.config, carrier=carrier, wait=self._deadline)
        if lookup.outcome in (Outcome.FOUND, Outcome.CHOOSE):
            return self._found(request, shop, lookup)
        if lookup.outcome in (Outcome.NOT_FOUND, Outcome.UNRECOGNISED):
            await self._limits.numbers.make(network)
        status = _STATUS[lookup.outcome]
        headers = {"Retry-After": str(round(lookup.retry_after or 60))} if status == 503 else {}
        if status == 202:
            headers["Retry-After"] = "3"
        names = [self._manifests[slug].name for slug in lookup.carriers[:3]]
        links = [
            {"carrier": slug, "url": self._manifests[slug].link_for(number, shop.config.language)}
            for slug in lookup.carriers
            if self._manifests[slug].link
        ]
        return self._problem(
            request,
            shop,
            lookup.outcome.value,
            status,
            headers=headers,
            names=names,
            carriers=lookup.carriers,
            links=links,
        )

    def not_found(self, request: Request) -> Response:
        return self._problem(request, request.state.shop, "not_a_page", 404)

    def failed(self, request: Request) -> Response:
        return self._problem(request, request.state.shop, "error", 500)

    def _found(self, request: Request, shop: Shop, lookup: Lookup) -> Response:
        lookup = lookup.narrowed(request.query_params.get("parcel", ""))
        body = {
            "number": lookup.number,
            "outcome": lookup.outcome,
            "fetched_at": lookup.fetched_at,
            "freshness": lookup.freshness,
            "shipments": [views.coarse_shipment(shipment) for shipment in lookup.shipments],
        }
        return responses.json(body, headers=cached(shop, lookup))

    def _problem(
        self, request: Request, shop: Shop, code: str, status: int, *, headers: Mapping[str, str] | None = None,
        names: list[str] | None = None, **more: Any,
    ) -> Response:  # fmt: skip
        asked, accepted = request.query_params.get("lang", ""), request.headers.get("accept-language", "")
        localizer = shop.reader(asked, accepted).localizer
        values = {"carrier": localizer.alternatives(names)} if names else {}
        hero = views.hero_without(code, localizer, **values)
        return responses.problem(
            status, code, hero.headline, hero.detail, instance=request.url.path, language=localizer.tag,
            headers=headers, **more,
        )  # fmt: skip
