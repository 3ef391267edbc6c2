"""The pages a shopper opens: look-up form, tracking page, a widget's form; and the values of a page as JSON."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from . import order_forms, responses, views, voices
from .access import Access, common_spelling
from .answers import Answers
from .appearances import Appearances
from .backstage import Backstage
from .banners import Banners
from .context import FormView
from .contexts import ALL_EVENTS, EMBED, REFRESH, STATUS, Contexts, Visit
from .errors import NumberError, StoreError
from .freshness import Freshness
from .i18n import N_
from .limits import Limits, digest
from .lookup import Lookup, Outcome
from .near import Key, NearPages, variant
from .order_forms import Typed
from .people import is_person
from .plugins import Plugins
from .recognition import normalise
from .scenes import Scene
from .sources import Sources
from .tallies import Glance, Tallies
from .together import Together
from .tracker import Tracker
from .visits import (
    NOT_KEPT,
    TOO_OFTEN,
    as_json,
    bound_for,
    cached,
    form_of,
    made,
    network_of,
    rendered,
    visit_of,
    with_banners,
)
from .widget import FormProblem, Need
from .widgets import Filled

_LONGEST_FOR_FORMS = 10.0  # seconds: somebody has written something, which a quick answer would lose
_MOST_NUMBERS = 10  # looked up at once
_BETWEEN_NUMBERS = re.compile(r"[,;\n]+")
_UNKNOWN = (Outcome.NOT_FOUND, Outcome.UNRECOGNISED)
_NOT_NOW = N_("We cannot look your order up just now. Please try again in a minute.")

log = structlog.get_logger("doorstep.pages")


class Pages:
    """Endpoints of a store's pages. The store of a request is in `request.state.shop`."""

    def __init__(
        self, tracker: Tracker, plugins: Plugins, backstage: Backstage, answers: Answers, access: Access, banners: Banners,
        limits: Limits, *, near: NearPages, tallies: Tallies, deadline: float,
    ) -> None:  # fmt: skip
        self._tracker = tracker
        self._contexts = Contexts(plugins.manifests)
        self._backstage = backstage
        self._answers = answers
        self._access = access
        self._banners = banners
        self._limits = limits
        self._near = near
        self._tallies = tallies
        self._deadline = deadline
        self._together = Together[responses.Finished]()

    async def lookup(self, request: Request) -> Response:
        """`GET /`: the forms; with `?number=` on to that number's page (several: a list), or the form with what is wrong."""
        visit = await with_banners(visit_of(request), self._banners)
        typed = request.query_params.get("number", "")
        if not typed.strip():
            return await self._form(request, visit)
        try:
            numbers = [normalise(one) for one in _BETWEEN_NUMBERS.split(typed) if one.strip()][:_MOST_NUMBERS]
        except NumberError:
            numbers = []
        if not numbers:
            problem = self._contexts.message(visit, "invalid_number").hero
            return await self._form(request, visit, typed, problem.detail if problem else "", status=400)
        if len(numbers) == 1:
            return RedirectResponse(visit.link(f"/track/{numbers[0]}"), 303)
        return await self._several(request, visit, numbers)

    async def find_order(self, request: Request) -> Response:
        """`POST /`: an order by its number and its e-mail address or postcode; on to its page, or the form again. An order
        that is not there and a wrong proof are one answer."""
        visit = visit_of(request)
        text = visit.reader.localizer.text
        form = await form_of(request)
        number, offered = form.get("order", "")[:100].strip(), form.get("proof", "")[:300].strip()
        guessed = (
            f"order:{digest(visit.shop.id, common_spelling(number))}",
            f"network:{network_of(request, self._limits.networks)}",
        )
        if after := await self._limits.proofs.make(*guessed):
            log.warning("too many guesses at orders", store=visit.shop.id)
            problem = views.hero_without("too_many", visit.reader.localizer).detail
            return await self._form(request, visit, typed=Typed("order", form, problem), status=429, after=after)
        try:
            token = await self._access.by_number(visit.shop.id, number, offered)
        except StoreError as error:
            log.error("an order cannot be looked up", reason=str(error))
            await self._limits.proofs.right(*guessed)
            return await self._form(request, visit, typed=Typed("order", form, text(_NOT_NOW)), status=503, after=60)
        if token is None:
            log.info("an order was not opened: the proof is wrong, or there is none", store=visit.shop.id)
            typed = order_forms.not_found(form, visit.reader.localizer)
            return await self._form(request, visit, typed=typed, status=422)
        await self._limits.proofs.right(*guessed)
        return RedirectResponse(visit.link(f"/o/{token}/"), 303, {"Cache-Control": "no-store"})

    async def track(self, request: Request) -> Response:
        """`GET /track/{number}`."""
        began = self._near.begin()
        visit = await with_banners(visit_of(request), self._banners)
        try:
            number = normalise(request.path_params["number"])
        except NumberError:
            return self._message(request, "invalid_number", 400)
        if visit.path != f"/track/{number}":
            return RedirectResponse(visit.link(f"/track/{number}"), 308)
        if after := self._refused(request):
            headers = {"Retry-After": str(round(after) or 1)}
            return self._message(request, "too_many_numbers", 429, headers)
        lookup = await self._counted(request, await self._look_up(visit, number))
        page = await self._page(request, visit, lookup, began)
        if page.glance is not None and is_person(request.method, responses.headers_of(request.scope)):
            self._tallies.view(page.glance)
        return responses.unless_known(request, page)

    async def submit(self, request: Request) -> Response:
        """`POST /track/{number}?widget=…`: keeps what a widget's form gave, then back to the page (303)."""
        visit = visit_of(request)
        name = visit.params.get("widget", "")
        try:
            number = normalise(request.path_params["number"])
        except NumberError:
            return self.not_found(request)
        if name not in visit.shop.widgets:
            return self.not_found(request)
        if after := self._refused(request):
            return self._message(request, "too_many_numbers", 429, {"Retry-After": str(round(after) or 1)})
        lookup = await self._look_up(visit, number, wait=_LONGEST_FOR_FORMS)
        if lookup.outcome is not Outcome.FOUND:
            not_now = lookup.outcome in (Outcome.WAITING, Outcome.UNAVAILABLE)
            return await self._answer(request, visit, lookup, status=503 if not_now else 0)
        form = await form_of(request)
        text = visit.reader.localizer.text
        try:
            submission = await visit.shop.widgets.submit(name, form, await self._scene(visit, lookup))
            shipment, network = lookup.shipments[0].id, network_of(request, self._limits.networks)
            if after := await self._limits.answer(name, shipment, network):
                typed = Typed(name, form, text(TOO_OFTEN))
                return await self._answer(request, visit, lookup, status=429, typed=typed, after=after)
            await self._answers.save(visit.shop.id, name, shipment, submission.moment, submission.data)
        except FormProblem as error:
            return await self._answer(request, visit, lookup, status=422, typed=Typed(name, form, text(str(error))))
        except StoreError as error:
            log.error("an answer was not kept", widget=name, reason=str(error))
            return await self._answer(request, visit, lookup, status=503, typed=Typed(name, form, text(NOT_KEPT)))
        target = visit.link(f"/track/{number}", done=name) + f"#widget-{name.replace('_', '-')}"
        return RedirectResponse(target, 303)

    async def view_model(self, request: Request) -> Response:
        """`GET /api/v1/pages/{number}`: the values that a page template gets, as JSON."""
        visit = await with_banners(visit_of(request), self._banners)
        if after := self._refused(request):
            context = self._contexts.message(visit, "too_many_numbers")
            return as_json(request, visit, context, 429, {"Retry-After": str(round(after) or 1)})
        try:
            number = normalise(request.path_params["number"])
            lookup = await self._counted(request, await self._look_up(visit, number))
            status, context = STATUS[lookup.outcome], self._contexts.of(_to_its_market(visit, lookup), lookup)
        except NumberError:
            context = self._contexts.message(visit, "invalid_number")
            return as_json(request, visit, context, 400)
        return as_json(request, visit, context, status, cached(visit.shop, lookup))

    def not_found(self, request: Request) -> Response:
        return self._message(request, "not_a_page", 404)

    def not_signed(self, request: Request) -> Response:
        return self._message(request, "not_a_page", 400)

    def failed(self, request: Request) -> Response:
        return self._message(request, "error", 500)

    async def _look_up(self, visit: Visit, number: str, *, wait: float = 0) -> Lookup:
        carrier, parcel = visit.carried.get("carrier", ""), visit.carried.get("parcel", "")
        lookup = await self._tracker.look_up(number, visit.shop.config, carrier=carrier, wait=wait or self._deadline)
        return lookup.narrowed(parcel) if parcel else lookup

    def _refused(self, request: Request) -> float:
        """In how many seconds this reader may look numbers up again; 0 for now."""
        numbers = self._limits.numbers
        return numbers.refused(network_of(request, self._limits.networks)) if numbers.refuses_somebody else 0

    async def _counted(self, request: Request, lookup: Lookup) -> Lookup:
        """The same look-up; one that nobody knows counts as a guess."""
        if lookup.outcome in _UNKNOWN:
            await self._limits.numbers.make(network_of(request, self._limits.networks))
        return lookup

    async def _several(self, request: Request, visit: Visit, numbers: list[str]) -> Response:
        if after := self._refused(request):
            return self._message(request, "too_many_numbers", 429, {"Retry-After": str(round(after) or 1)})
        store = visit.shop.config
        lookups = await asyncio.gather(
            *(self._tracker.look_up(number, store, wait=self._deadline) for number in dict.fromkeys(numbers))
        )
        context = self._contexts.several(visit, [await self._counted(request, one) for one in lookups])
        return rendered(request, visit, "choose.html", context)

    async def _form(
        self, request: Request, visit: Visit, number: str = "", problem: str = "", *, typed: Typed | None = None,
        status: int = 200, after: float = 0,
    ) -> Response:  # fmt: skip
        """The look-up forms; the one for orders where the shop has any."""
        forms: tuple[FormView, ...] = ()
        if typed is not None or await self._access.has_orders(visit.shop.id):
            forms = (order_forms.lookup(visit.link("/"), visit.reader.localizer, typed),)
        context = self._contexts.form(visit, number, problem, forms=forms)
        headers = {"Retry-After": str(round(after) or 1)} if after else {}
        return rendered(request, visit, "lookup.html", context, status=status, headers=headers)

    async def _answer(
        self, request: Request, visit: Visit, lookup: Lookup, *, status: int = 0, typed: Typed | None = None,
        after: float = 0,
    ) -> responses.Finished:  # fmt: skip
        visit = _to_its_market(visit, lookup)
        context = self._contexts.of(visit, lookup)
        headers = cached(visit.shop, lookup)
        if lookup.outcome is Outcome.WAITING and request.method != "POST":
            headers["Refresh"] = str(REFRESH)
        if after or 503 in (status, STATUS[lookup.outcome]):
            headers["Retry-After"] = str(round(after or lookup.retry_after or 60) or 1)
        slots = Filled()
        if lookup.outcome is Outcome.FOUND:
            gaps = visit.shop.widgets.gaps
            scene = await self._scene(visit, lookup, typed)
            slots = await visit.shop.widgets.slots(scene, visit.reader.localizer)
            if visit.shop.widgets.gaps > gaps:
                headers["Cache-Control"] = "no-store"  # something is missing that may be back a moment later
        template = "choose.html" if lookup.outcome is Outcome.CHOOSE else "tracking.html"
        status = status or STATUS[lookup.outcome]
        page = made(request, visit, template, context, status=status, headers=headers, slots=slots)
        if status == 200 and lookup.outcome is Outcome.FOUND and not visit.shop.draft:
            page.glance = Glance(visit.shop.id, "tracking", lookup.shipments[0].id, slots.shown)
        return page

    async def _scene(self, visit: Visit, lookup: Lookup, typed: Typed | None = None) -> Scene:
        return await self._backstage.of_parcel(visit, lookup.shipments[0], typed)

    async def _page(self, request: Request, visit: Visit, lookup: Lookup, began: int) -> responses.Finished:
        """The page of a look-up. Many who waited for one answer, and are to see the same, have it made once."""
        key = _shown_to_others(request, visit, lookup)
        if key is None:
            return await self._answer(request, visit, lookup)

        async def make() -> responses.Finished:
            page = await self._answer(request, visit, lookup)
            self._keep(key, visit, lookup, page, began)
            return page

        said = msgspec.structs.replace(lookup, shipments=())  # which are told by tags and `fetched_at`
        banners = msgspec.msgpack.encode(visit.banners) if visit.banners else b""
        return responses.again(await self._together.have((key, said, banners), make))

    def _keep(self, key: Key, visit: Visit, lookup: Lookup, page: responses.Finished, began: int) -> None:
        """Keeps a finished page near: of one parcel whose answer is fresh."""
        if page.status_code != 200 or lookup.outcome is not Outcome.FOUND or lookup.freshness is not Freshness.FRESH:
            return
        if not lookup.tags or lookup.fetched_at is None or lookup.fresh_until is None:
            return
        if not page.may_be_shared:
            return
        edges = [edge for banner in visit.banners for edge in (banner.starts_at, banner.ends_at) if edge is not None]
        if Need.VOICES in visit.shop.widgets.wants.needs:  # which may be withdrawn where nobody can tell of it
            edges.append(visit.reader.now + timedelta(seconds=voices.FRESH))
        span = self._near.span(visit.reader.now, visit.reader.zone, lookup.fresh_until, edges)
        tags = (*lookup.tags, *_tags(visit.shop.id))
        kept = responses.finished(page, span, lookup.fetched_at, lookup.fresh_until, tags)
        self._near.keep(key, kept, began)

    def _message(self, request: Request, kind: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
        visit = visit_of(request)
        context = self._contexts.message(visit, kind)
        return rendered(request, visit, "error.html", context, status=status, headers=headers)


@lru_cache(1024)
def _tags(store: str) -> tuple[str, ...]:
    """What of a store all its pages are made from."""
    return Banners.tag(store), Appearances.tag(store), Sources.tag(store), voices.tag(store)


def _shown_to_others(request: Request, visit: Visit, lookup: Lookup) -> Key | None:
    """What decides on a page, where it is in a form that others will ask for too."""
    language = visit.reader.localizer
    if "done" in visit.params:
        return None
    if visit.carried:
        own = {"lang": language.tag, EMBED: "1", **ALL_EVENTS}
        if lookup.outcome is Outcome.FOUND:
            own |= {"carrier": lookup.shipments[0].carrier, "parcel": lookup.shipments[0].id}
        if not visit.carried.items() <= own.items():
            return None
    packed = responses.takes_gzip(responses.sent(request, b"accept-encoding"))
    return variant(visit.shop.id, language.language, visit.carried, packed=packed), request.scope["path"]


def _to_its_market(visit: Visit, lookup: Lookup) -> Visit:
    return bound_for(visit, lookup.shipments) if lookup.outcome is Outcome.FOUND else visit
