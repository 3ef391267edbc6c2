"""The page of an order, for whoever has a link to it: shown, proved further, written to."""

import asyncio
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

import structlog
from msgspec import Struct, structs
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from . import consent_forms, order_forms
from .access import Access, Seen
from .answers import Answers
from .backstage import Backstage
from .banners import Banners
from .consents import Consents
from .context import FormView, PageContext
from .contexts import REFRESH, Contexts, Visit
from .database import Database
from .errors import StoreError
from .freshness import Freshness
from .i18n import N_
from .limits import Limits
from .lookup import Outcome
from .message import Kind as About
from .models import Shipment
from .openapi import Operation
from .order_forms import Missing, Told, Typed
from .order_views import Addresses, Looked, documents, pressing
from .orderbook import KeptOrder, KeptParcel
from .people import is_person
from .plugins import Plugins
from .records import chosen
from .reports import Kind, Reports
from .responses import headers_of
from .scenes import Scene
from .shops import Shop
from .tallies import Glance, Tallies
from .tracker import Tracker
from .visits import (
    NOT_KEPT,
    TOO_OFTEN,
    as_json,
    bound_for,
    form_of,
    network_of,
    rendered,
    visit_of,
    visit_of_order,
    with_banners,
)
from .widget import ConsentRequest, FormProblem
from .widgets import Filled

PRIVATE = {"Cache-Control": "private, no-store"}
_MOST_ASKED = 20  # parcels of an order whose carriers are asked for one page
_ANSWERED = (Outcome.FOUND, Outcome.CHOOSE)
_MESSAGE_NOT_KEPT = N_(
    "Your message could not be saved just now. Nothing you wrote is lost: please send it again in a minute."
)
_TOO_MANY = N_("You have written to the shop often enough for now. Please wait an hour, or use its contact below.")
_TOO_MANY_PROOFS = N_("Too many attempts. Please wait an hour before you try again.")

log = structlog.get_logger("doorstep.order_pages")


class OrderPageQuery(Struct, frozen=True):
    """`lang`: BCP 47, before the browser's own; `events=all`: also what a page leaves out of very many."""

    lang: str = ""
    events: str = ""


class _Sight(Struct, frozen=True):
    """One request with a link that holds: who looks, the order, its parcels as they are now."""

    visit: Visit
    seen: Seen
    at: Addresses
    looked: tuple[Looked, ...] = ()

    @property
    def order(self) -> KeptOrder:
        return self.seen.order


class OrderPages:
    """Endpoints below `/o/{token}/`, and the page's values as JSON."""

    def __init__(
        self, access: Access, backstage: Backstage, reports: Reports, database: Database, tracker: Tracker,
        plugins: Plugins, answers: Answers, banners: Banners, limits: Limits, tallies: Tallies, consents: Consents, *,
        deadline: float,
    ) -> None:  # fmt: skip
        self._access = access
        self._backstage = backstage
        self._reports = reports
        self._database = database
        self._tracker = tracker
        self._manifests = plugins.manifests
        self._contexts = Contexts(plugins.manifests)
        self._answers = answers
        self._banners = banners
        self._limits = limits
        self._tallies = tallies
        self._consents = consents
        self._deadline = deadline

    def operations(self) -> list[Operation]:
        """What a page of another make asks for instead."""
        return [
            Operation(
                "GET", "/api/v1/pages/orders/{token}", self.view_model, "read_order_page",
                "The values that the page of an order gets, for whoever has a link to it",
                {200: PageContext}, (404, 503), query=OrderPageQuery,
            )
        ]  # fmt: skip

    async def slash(self, request: Request) -> Response:
        """`GET /o/{token}`: its addresses are relative to the page, which ends with a slash."""
        visit = visit_of(request)
        return RedirectResponse(visit.link(f"{visit.path}/"), 308, PRIVATE)

    async def page(self, request: Request) -> Response:
        """`GET /o/{token}/`."""
        try:
            sight = await self._sight(request)
        except StoreError as error:
            return self._not_now(request, error)
        return await self._shown(request, sight) if sight else self.missing(request)

    async def view_model(self, request: Request) -> Response:
        """`GET /api/v1/pages/orders/{token}`: the values that the page's template gets, as JSON."""
        try:
            sight = await self._sight(request)
        except StoreError as error:
            log.error("an order cannot be read", reason=str(error))
            visit = visit_of(request)
            headers = {**PRIVATE, "Retry-After": "60"}
            return as_json(request, visit, self._contexts.message(visit, "not_now"), 503, headers)
        if sight is None:
            visit = visit_of(request)
            return as_json(request, visit, self._contexts.message(visit, "not_a_page"), 404, PRIVATE)
        return as_json(request, sight.visit, self._context(sight), 200, PRIVATE)

    async def prove(self, request: Request) -> Response:
        """`POST /o/{token}/proof`: a second proof, of another kind; on to the same page at level 2 (303)."""
        form = await form_of(request)
        try:
            sight = await self._sight(request)
        except StoreError as error:
            return self._not_now(request, error)
        if sight is None:
            return self.missing(request)
        localizer = sight.visit.reader.localizer
        guessed = (f"proof:{sight.order.id}", f"network:{network_of(request, self._limits.networks)}")
        if after := await self._limits.proofs.make(*guessed):
            log.warning("too many guesses at orders", store=sight.visit.shop.id)
            typed = Typed("proof", form, localizer.text(_TOO_MANY_PROOFS))
            return await self._shown(request, sight, typed=typed, status=429, after=after)
        token = self._access.second(sight.seen, form.get("proof", "")[:300].strip())
        if token is None:
            log.info("a second proof is wrong", store=sight.visit.shop.id)
            return await self._shown(request, sight, typed=order_forms.not_proved(form, localizer), status=422)
        await self._limits.proofs.right(*guessed)
        return RedirectResponse(sight.visit.link(f"/o/{token}/"), 303, PRIVATE)

    async def report(self, request: Request) -> Response:
        """`POST /o/{token}/reports/{kind}`: keeps what a shopper tells the shop, then back to the page (303)."""
        if request.path_params["kind"] not in list(Kind):
            return self.missing(request)
        kind = Kind(request.path_params["kind"])
        form = await form_of(request)
        try:
            sight = await self._sight(request)
        except StoreError as error:
            return self._not_now(request, error, _kept(request, Typed(kind, form)))
        if sight is None:
            return self.missing(request)
        text = sight.visit.reader.localizer.text
        try:
            told = order_forms.told(kind, form, [one.id for one in sight.order.parcels])
        except Missing as missing:
            typed = Typed(kind, form, text(str(missing)))
            return await self._shown(request, sight, typed=typed, status=422)
        if after := await self._limits.reports.make(sight.order.id):
            return await self._shown(request, sight, typed=Typed(kind, form, text(_TOO_MANY)), status=429, after=after)
        try:
            await self._keep(sight.order, kind, told)
        except StoreError as error:
            log.error("a report was not kept", kind=kind.value, reason=str(error))
            return await self._shown(
                request, sight, typed=Typed(kind, form, text(_MESSAGE_NOT_KEPT)), status=503, after=60
            )
        return self._back(request, sight, kind, f"form-{kind.value.replace('_', '-')}")

    async def submit(self, request: Request) -> Response:
        """`POST /o/{token}/widgets/{widget}`: keeps what a widget's form gave, then back to the page (303)."""
        name = request.path_params["widget"]
        if name not in request.state.shop.widgets:
            return self.missing(request)
        form = await form_of(request)
        try:
            sight = await self._sight(request)
        except StoreError as error:
            return self._not_now(request, error, _again(request, Typed(name, form)))
        if sight is None:
            return self.missing(request)
        text, shop = sight.visit.reader.localizer.text, sight.visit.shop
        try:
            submission = await shop.widgets.submit(name, form, await self._scene(sight))
            order = (sight.order.id, sight.order.order.number)
            if after := await self._limits.answer(name, order[0], network_of(request, self._limits.networks)):
                return await self._shown(
                    request, sight, typed=Typed(name, form, text(TOO_OFTEN)), status=429, after=after
                )
            if submission.data or not submission.consents:
                await self._answers.save(shop.id, name, order[0], submission.moment, submission.data, order=order)
            if submission.consents:
                await self._database.write(partial(self._ask, sight=sight, wanted=submission.consents))
        except FormProblem as error:
            return await self._shown(request, sight, typed=Typed(name, form, text(str(error))), status=422)
        except StoreError as error:
            log.error("an answer was not kept", widget=name, reason=str(error))
            typed = Typed(name, form, text(NOT_KEPT))
            return await self._shown(request, sight, typed=typed, status=503, after=60)
        return self._back(request, sight, name, f"widget-{name.replace('_', '-')}")

    async def _sight(self, request: Request) -> _Sight | None:
        """The order of the link with its parcels looked up; None when the link does not hold. Raises StoreError."""
        shop: Shop = request.state.shop
        token = request.path_params["token"]
        seen = await self._access.by_token(token, shop.id)
        if seen is None:
            return None
        visit = await visit_of_order(request, level=seen.level, language=seen.order.order.language)
        at = _addresses(visit, token)
        visit = structs.replace(await with_banners(visit, self._banners), home=at.page)
        looked = tuple(await self.look(visit, seen))
        visit = bound_for(visit, [one.shipment for one in looked], seen.order.order.country)
        return _Sight(visit, seen, at, looked)

    async def look(self, visit: Visit, seen: Seen) -> Sequence[Looked]:
        """The parcels as they are now: kept ones where they are at their end, the others as their carriers say."""
        order = seen.order
        is_open = [one.id for one in order.parcels if not (one.final and one.shipment)][:_MOST_ASKED]
        return await asyncio.gather(
            *(self._one(visit, order, one) if one.id in is_open else self._kept(one) for one in order.parcels)
        )

    async def _kept(self, parcel: KeptParcel, outcome: Outcome | None = None) -> Looked:
        known = parcel.shipment
        manifest = self._manifests.get(known.carrier if known else parcel.carrier)
        stale = Freshness.STALE_ON_ERROR if known and outcome is Outcome.UNAVAILABLE else Freshness.FRESH
        shipment = known if manifest else None
        return Looked(parcel, shipment, manifest, parcel.fetched_at, stale, outcome)

    async def _one(self, visit: Visit, order: KeptOrder, parcel: KeptParcel) -> Looked:
        lookup = await self._tracker.look_up(
            parcel.number, visit.shop.config, carrier=parcel.carrier, wait=self._deadline, stranger=False
        )
        shipment = chosen(lookup.shipments, order.placed_at, parcel.shipment) if lookup.outcome in _ANSWERED else None
        older = parcel.fetched_at and lookup.fetched_at and lookup.fetched_at < parcel.fetched_at
        if shipment is not None and not (parcel.shipment and older):
            manifest = self._manifests[shipment.carrier]
            return Looked(parcel, shipment, manifest, lookup.fetched_at, lookup.freshness, lookup.outcome)
        kept = await self._kept(parcel, lookup.outcome)
        if kept.manifest is None and lookup.carriers:
            return Looked(parcel, None, self._manifests[lookup.carriers[0]], outcome=lookup.outcome)
        return kept

    async def _keep(self, order: KeptOrder, kind: Kind, told: Told) -> None:
        parcel = next((one for one in order.parcels if one.id == told.parcel_id), None)
        await self._database.write(
            lambda connection: self._reports.keep(connection, order, kind, told.data, id=told.id, parcel=parcel)
        )

    def _ask(self, connection: Connection, sight: _Sight, wanted: Sequence[ConsentRequest]) -> None:
        for one in wanted:
            shown = consent_forms.shown(one.reach, sight.visit.reader.localizer, "page")
            self._consents.ask(connection, sight.order, one, shown)

    def _context(self, sight: _Sight, typed: Typed | None = None, done: str = "") -> PageContext:
        localizer = sight.visit.reader.localizer
        forms = order_forms.reports(sight.looked, sight.at, localizer, typed=typed, done=done)
        if documents(sight.looked) and (second := order_forms.second(sight.seen, sight.at, localizer, typed)):
            forms = (second, *forms)
        return self._contexts.order(sight.visit, sight.seen, sight.looked, sight.at, forms)

    async def _shown(
        self, request: Request, sight: _Sight, *, typed: Typed | None = None, status: int = 200, after: float = 0
    ) -> Response:
        context = self._context(sight, typed, sight.visit.params.get("done", "") if typed is None else "")
        headers = dict(PRIVATE)
        if after:
            headers["Retry-After"] = str(round(after) or 1)
        if context.page.refresh and request.method != "POST":
            headers["Refresh"] = str(REFRESH)
        slots, shop = Filled(), sight.visit.shop
        if shop.config.widgets:
            slots = await shop.widgets.slots(await self._scene(sight, typed), sight.visit.reader.localizer)
        if status == 200 and not shop.draft and is_person(request.method, headers_of(request.scope)):
            self._tallies.view(Glance(shop.id, "order", sight.order.id, slots.shown))
            if (message := sight.visit.params.get("m", "")) in set(About):
                self._tallies.once(shop.id, "followed", message, sight.order.id)
        return rendered(request, sight.visit, "order.html", context, status=status, headers=headers, slots=slots)

    async def _scene(self, sight: _Sight, typed: Typed | None = None) -> Scene:
        return await self._backstage.of_order(sight.visit, sight.order, _spoken_of(sight.looked), sight.at, typed)

    def _back(self, request: Request, sight: _Sight, done: str, anchor: str) -> Response:
        address = sight.visit.link(f"/o/{request.path_params['token']}/", done=done)
        return RedirectResponse(f"{address}#{anchor}", 303, PRIVATE)

    def missing(self, request: Request) -> Response:
        """The answer to whoever has no link that holds, whichever way it does not."""
        visit = visit_of(request)
        context = self._contexts.message(visit, "not_a_page")
        return rendered(request, visit, "error.html", context, status=404, headers=PRIVATE)

    def _not_now(self, request: Request, error: StoreError, *forms: FormView) -> Response:
        """The database is away: an honest page, with the form that was just sent and everything that was typed into it."""
        log.error("an order cannot be read", reason=str(error))
        context = self._contexts.message(visit := visit_of(request), "not_now", forms=forms)
        headers = {**PRIVATE, "Retry-After": "60"}
        return rendered(request, visit, "error.html", context, status=503, headers=headers)


def _kept(request: Request, typed: Typed) -> FormView:
    visit = visit_of(request)
    typed = structs.replace(typed, problem=visit.reader.localizer.text(_MESSAGE_NOT_KEPT))
    return order_forms.kept(typed, _addresses(visit, request.path_params["token"]), visit.reader.localizer)


def _again(request: Request, typed: Typed) -> FormView:
    visit = visit_of(request)
    return order_forms.again(typed, visit.link(visit.path), visit.reader.localizer, NOT_KEPT, order_forms.SEND)


def _addresses(visit: Visit, token: str) -> Addresses:
    """Links from a path, so that they hold wherever the page stands; what is passed on names the shop's own address."""
    base = visit.shop.view.base
    origin = visit.shop.config.public_url.rstrip("/")
    query = f"?{urlencode(visit.kept)}" if visit.kept else ""
    return Addresses(f"{base}/o/{token}/", f"{origin}{base}/track/", query, rest=visit.with_all_events(f"/o/{token}/"))


def _spoken_of(looked: Sequence[Looked]) -> Shipment | None:
    """The parcel of which the page's answer speaks, as far as its carrier knows it."""
    speaking = min((one for one in looked if one.shipment is not None), key=pressing, default=None)
    return speaking.shipment if speaking else None
