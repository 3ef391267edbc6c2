"""What an order's link gives beside its page: calendar file, QR code, feed of changes, and the carrier's documents."""

import mimetypes
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from hashlib import blake2b

import structlog
from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import Response

from . import atom, ics, qr
from .access import Access, Seen
from .changes import Change, changes_of
from .contexts import Contexts, Visit
from .database import Database
from .errors import CarrierError, StoreError
from .exchange import Query
from .fetch import Fetcher
from .files import File
from .gate import base_url
from .i18n import N_
from .limits import Guesses
from .lookup import Lookup, Outcome
from .manifest import Ability
from .models import Shipment
from .order_views import Looked
from .orderbook import KeptParcel
from .plugins import Account, Plugins
from .proof import sees
from .responses import SANDBOX, names
from .shops import Shop
from .visits import rendered, visit_of, visit_of_order

_MINUTE, _DAY = 60, 86_400  # seconds
_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")

log = structlog.get_logger("doorstep.order_files")


class _Reading(Struct, frozen=True):
    """Somebody with a link that holds: the order, who reads, and the order page's own address."""

    visit: Visit
    seen: Seen
    address: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Cache-Control": "private, no-cache",
            "Content-Language": self.visit.reader.localizer.tag,
            "Vary": "Accept-Language",
            "Content-Security-Policy": SANDBOX,
        }


_Answer = Callable[[Request, _Reading], Awaitable[Response | None]]


class OrderFiles:
    """Endpoints below `/o/{token}/`. `look` gives an order's parcels as its page sees them; `missing` answers where there
    is nothing to see, in the same way as everywhere."""

    def __init__(
        self, access: Access, database: Database, fetcher: Fetcher, plugins: Plugins, *,
        look: Callable[[Visit, Seen], Awaitable[Sequence[Looked]]], missing: Callable[[Request], Response], guesses: Guesses,
    ) -> None:  # fmt: skip
        self._access = access
        self._database = database
        self._fetcher = fetcher
        self._plugins = plugins
        self._contexts = Contexts(plugins.manifests)
        self._look = look
        self._missing = missing
        self._guesses = guesses

    async def calendar(self, request: Request) -> Response:
        """`GET /o/{token}/delivery.ics`: when the parcels come; `?parcel=` narrows it to one."""
        return await self._answered(request, self._calendar)

    async def qr_code(self, request: Request) -> Response:
        """`GET /o/{token}/qr.svg`: the page's address, to go on reading on another device."""
        return await self._answered(request, self._qr_code)

    async def feed(self, request: Request) -> Response:
        """`GET /o/{token}/feed.atom`: what changed, the newest first."""
        return await self._answered(request, self._feed)

    async def document(self, request: Request) -> Response:
        """`GET /o/{token}/documents/{parcel}/{index}`: a proof of delivery, straight from the carrier, at level 2."""
        return await self._answered(request, self._document)

    async def _answered(self, request: Request, answer: _Answer) -> Response:
        """What `answer` gives to whoever has a link that holds; where it gives None, or there is no such link, the 404."""
        try:
            reading = await self._reading(request)
            response = await answer(request, reading) if reading else None
        except StoreError as error:
            log.error("an order cannot be read", reason=str(error))
            visit = visit_of(request)
            context = self._contexts.message(visit, "not_now")
            return rendered(request, visit, "error.html", context, status=503, headers=_not_now(_MINUTE))
        return response or self._missing(request)

    async def _calendar(self, request: Request, reading: _Reading) -> Response | None:
        visit = reading.visit
        wanted = request.query_params.get("parcel", "")
        looked = [one for one in await self._look(visit, reading.seen) if wanted in ("", one.parcel.id)]
        parcels = [one.parcel for one in looked]
        changes = await self._changes(parcels)
        appointments = ics.deliveries(
            reading.seen.order,
            looked,
            visit.reader,
            shop=visit.shop.config.name,
            url=reading.address,
            described=self._described(parcels, visit),
            former={one.parcel_id: one.expected for one in reversed(changes) if one.expected},
        )
        if not appointments:  # a calendar without any event would be none
            return None
        headers = {**reading.headers, "Content-Disposition": 'attachment; filename="delivery.ics"'}
        return _tagged(request, ics.calendar(appointments), headers, "text/calendar; charset=utf-8")

    async def _qr_code(self, request: Request, reading: _Reading) -> Response:
        localizer = reading.visit.reader.localizer
        image = qr.svg(reading.address, localizer.text(N_("Open this page on another device")), localizer.tag)
        headers = {**reading.headers, "Cache-Control": f"private, max-age={_DAY}"}
        return Response(image, 200, headers, "image/svg+xml")

    async def _feed(self, request: Request, reading: _Reading) -> Response:
        visit, order = reading.visit, reading.seen.order
        feed = atom.order_feed(
            order,
            await self._changes(order.parcels),
            visit.reader,
            shop=visit.shop.config.name,
            url=f"{reading.address}feed.atom",
            page=reading.address,
            described=self._described(order.parcels, visit),
        )
        return _tagged(request, atom.document(feed), reading.headers, "application/atom+xml; charset=utf-8")

    async def _document(self, request: Request, reading: _Reading) -> Response | None:
        if not sees(reading.seen.level, "shipment.documents"):
            return None
        visit, params = reading.visit, request.path_params
        looked = await self._look(visit, reading.seen)
        shipment = next((one.shipment for one in looked if one.parcel.id == params["parcel"]), None)
        account = self._account(shipment.carrier, visit.shop) if shipment else None
        if shipment is None or account is None or params["index"] >= len(shipment.documents):
            return None
        if after := await self._guesses.make(
            reading.seen.order.id
        ):  # each is a question, which the account may pay for
            return self._too_often(request, visit, after)
        wanted = shipment.documents[params["index"]]
        query = Query(shipment.number, visit.shop.config.language.replace("_", "-"))
        try:
            file = await self._fetcher.document(account, query, wanted)
        except CarrierError as error:
            log.warning("a document could not be had", carrier=shipment.carrier, code=error.code, reason=error.message)
            return self._unavailable(request, visit, shipment, error)
        return _download(file, f"{wanted.kind}-{query.number}") if isinstance(file, File) else None

    async def _changes(self, parcels: Iterable[KeptParcel]) -> list[Change]:
        ids = [one.id for one in parcels]
        return await self._database.read(lambda connection: changes_of(connection, ids))

    def _unavailable(self, request: Request, visit: Visit, shipment: Shipment, error: CarrierError) -> Response:
        """The page that says who does not answer, and leads to the carrier's own."""
        lookup = Lookup(Outcome.UNAVAILABLE, shipment.number, carriers=(shipment.carrier,))
        context, after = self._contexts.of(visit, lookup), _not_now(error.retry_after or _MINUTE)
        return rendered(request, visit, "tracking.html", context, status=503, headers=after)

    def _too_often(self, request: Request, visit: Visit, after: float) -> Response:
        context = self._contexts.message(visit, "too_many")
        if context.hero is not None:
            wait = visit.reader.localizer.text(N_("Please wait an hour before you try again."))
            context = structs.replace(context, hero=structs.replace(context.hero, detail=wait))
        return rendered(request, visit, "error.html", context, status=429, headers=_not_now(after))

    async def _reading(self, request: Request) -> _Reading | None:
        shop: Shop = request.state.shop
        token = request.path_params["token"]
        seen = await self._access.by_token(token, shop.id)
        if seen is None:
            return None
        visit = await visit_of_order(request, level=seen.level, language=seen.order.order.language)
        return _Reading(visit, seen, f"{base_url(request, shop)}/o/{token}/")

    def _described(self, parcels: Iterable[KeptParcel], visit: Visit) -> Mapping[str, str]:
        """By a parcel's id, which it is: its carrier and its number."""
        return {one.id: self._description(one, visit) for one in parcels}

    def _description(self, parcel: KeptParcel, visit: Visit) -> str:
        manifest = self._plugins.manifests.get(parcel.carrier)
        name = (parcel.shipment.carrier_name if parcel.shipment else "") or (manifest.name if manifest else "")
        localizer = visit.reader.localizer
        number = localizer.text(N_("Tracking number: %(number)s"), number=parcel.number)
        return f"{localizer.isolate(name)}\n{number}" if name else number

    def _account(self, carrier: str, shop: Shop) -> Account | None:
        """The store's account of a carrier, if that gives documents."""
        accounts = self._plugins.accounts_of(carrier, shop.config.carriers)
        return next((one for one in accounts if Ability.DOCUMENT in one.carrier.manifest.can), None)


def _not_now(seconds: float) -> dict[str, str]:
    return {"Cache-Control": "private, no-store", "Retry-After": str(round(seconds) or 1)}


def _download(file: File, name: str) -> Response:
    """A document to be saved, never shown in place: a carrier's file is a stranger's file."""
    suffix = mimetypes.guess_extension(file.media_type) or ".bin"
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": SANDBOX,
        "Content-Disposition": f'attachment; filename="{_UNSAFE.sub("-", name)}{suffix}"',
    }
    return Response(file.body, 200, headers, file.media_type)


def _tagged(request: Request, body: bytes, headers: Mapping[str, str], media_type: str) -> Response:
    """A file with its tag, or 304 when the reader has it already."""
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    if names(request.headers.get("if-none-match", "").encode("latin-1"), etag.encode("latin-1")):
        return Response(None, 304, {**headers, "ETag": etag})
    return Response(body, 200, {**headers, "ETag": etag}, media_type)
