"""The pages a shopper opens: look-up form, tracking page, a widget's form; and the values of a page as JSON."""

from collections.abc import Mapping

import msgspec
import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from . import responses
from .context import PageContext
from .contexts import REFRESH, STATUS, Contexts, Visit
from .errors import NumberError, StoreError, ThemeError
from .fallback import fallback_page
from .i18n import N_
from .plugins import Plugins
from .recognition import normalise
from .shops import Shop
from .store import Store
from .tracker import Lookup, Outcome, Tracker
from .widget import FormProblem, ShipmentFacts, WidgetView

_LARGEST_FORM = 64 * 1024
_LONGEST_FOR_FORMS = 10.0  # seconds: somebody has written something, which a quick answer would lose
_NOT_KEPT = N_("Your answer could not be saved just now. Please send it again in a minute.")

log = structlog.get_logger("doorstep.pages")


class Refused(Struct, frozen=True):
    """A form that was not accepted: whose, why, and what was typed into it."""

    widget: str
    problem: str
    values: dict[str, str]


class Pages:
    """Endpoints of a store's pages. The store of a request is in `request.state.shop`."""

    def __init__(self, tracker: Tracker, plugins: Plugins, store: Store, *, deadline: float) -> None:
        self._tracker = tracker
        self._contexts = Contexts(plugins.manifests)
        self._store = store
        self._deadline = deadline

    async def lookup(self, request: Request) -> Response:
        """`GET /`: the form; with `?number=` on to that number's page, or the form again with what is wrong."""
        visit = visit_of(request)
        typed = request.query_params.get("number", "")
        if not typed.strip():
            return self._page(request, visit, "lookup.html", self._contexts.form(visit))
        try:
            return RedirectResponse(visit.link(f"/track/{normalise(typed)}"), 303)
        except NumberError:
            problem = self._contexts.message(visit, "invalid_number").hero
            context = self._contexts.form(visit, typed, problem.detail if problem else "")
            return self._page(request, visit, "lookup.html", context, status=400)

    async def track(self, request: Request) -> Response:
        """`GET /track/{number}`."""
        visit = visit_of(request)
        try:
            number = normalise(request.path_params["number"])
        except NumberError:
            return self._message(request, "invalid_number", 400)
        if visit.path != f"/track/{number}":
            return RedirectResponse(visit.link(f"/track/{number}"), 308)
        return await self._answer(request, visit, await self._look_up(visit, number))

    async def submit(self, request: Request) -> Response:
        """`POST /track/{number}/widgets/{widget}`: keeps what a widget's form gave, then back to the page (303)."""
        visit = visit_of(request)
        name = request.path_params["widget"]
        try:
            number = normalise(request.path_params["number"])
        except NumberError:
            return self.not_found(request)
        if name not in visit.shop.widgets:
            return self.not_found(request)
        lookup = await self._look_up(visit, number, wait=_LONGEST_FOR_FORMS)
        if lookup.outcome is not Outcome.FOUND:
            not_now = lookup.outcome in (Outcome.WAITING, Outcome.UNAVAILABLE)
            return await self._answer(request, visit, lookup, status=503 if not_now else 0)
        form = await _form(request)
        text = visit.reader.localizer.text
        try:
            submission = await visit.shop.widgets.submit(name, form, _widget_view(visit, lookup, name))
            shipment = lookup.shipments[0].id
            await self._store.save_answer(visit.shop.id, name, shipment, submission.moment, submission.data)
        except FormProblem as error:
            return await self._answer(request, visit, lookup, status=422, refused=Refused(name, text(str(error)), form))
        except StoreError as error:
            log.error("an answer was not kept", widget=name, reason=str(error))
            return await self._answer(request, visit, lookup, status=503, refused=Refused(name, text(_NOT_KEPT), form))
        target = visit.link(f"/track/{number}", done=name) + f"#widget-{name.replace('_', '-')}"
        return RedirectResponse(target, 303)

    async def view_model(self, request: Request) -> Response:
        """`GET /api/v1/pages/{number}`: the values that a page template gets, as JSON."""
        visit = visit_of(request)
        try:
            lookup = await self._look_up(visit, normalise(request.path_params["number"]))
            status, context = STATUS[lookup.outcome], self._contexts.of(visit, lookup)
        except NumberError:
            status, context = 400, self._contexts.message(visit, "invalid_number")
        language = visit.reader.localizer.tag
        if status >= 400 and (hero := context.hero) is not None:
            page = msgspec.to_builtins(context)
            return responses.problem(
                status, hero.status, hero.headline, hero.detail, instance=request.url.path, language=language, page=page
            )
        return responses.json(context, status=status, language=language)

    def not_found(self, request: Request) -> Response:
        return self._message(request, "not_a_page", 404)

    def failed(self, request: Request) -> Response:
        return self._message(request, "error", 500)

    async def _look_up(self, visit: Visit, number: str, *, wait: float = 0) -> Lookup:
        carrier, parcel = visit.carried.get("carrier", ""), visit.carried.get("parcel", "")
        lookup = await self._tracker.look_up(number, visit.shop.config, carrier=carrier, wait=wait or self._deadline)
        return lookup.narrowed(parcel) if parcel else lookup

    async def _answer(
        self, request: Request, visit: Visit, lookup: Lookup, *, status: int = 0, refused: Refused | None = None
    ) -> Response:
        context = self._contexts.of(visit, lookup)
        headers: dict[str, str] = {}
        if lookup.outcome is Outcome.WAITING and request.method != "POST":
            headers["Refresh"] = str(REFRESH)
        if 503 in (status, STATUS[lookup.outcome]):
            headers["Retry-After"] = str(round(lookup.retry_after or 60))
        slots: Mapping[str, str] = {}
        if lookup.outcome is Outcome.FOUND:
            shown = {name: _widget_view(visit, lookup, name, refused) for name in visit.shop.config.widgets}
            slots = await visit.shop.widgets.slots(shown, visit.reader.localizer)
        template = "choose.html" if lookup.outcome is Outcome.CHOOSE else "tracking.html"
        status = status or STATUS[lookup.outcome]
        return self._page(request, visit, template, context, status=status, headers=headers, slots=slots)

    def _message(self, request: Request, kind: str, status: int) -> Response:
        visit = visit_of(request)
        return self._page(request, visit, "error.html", self._contexts.message(visit, kind), status=status)

    def _page(
        self,
        request: Request,
        visit: Visit,
        template: str,
        context: PageContext,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        slots: Mapping[str, str] | None = None,
    ) -> Response:
        shop, localizer = visit.shop, visit.reader.localizer
        try:
            html = shop.look.render(template, context, localizer, slots)
        except ThemeError as error:
            log.error("the theme failed, a plain page is shown", theme=shop.config.theme, reason=str(error))
            html = fallback_page(context)
        csp = responses.content_security_policy(shop.config.image_hosts)
        return responses.page(request, html, language=localizer.tag, status=status, csp=csp, headers=headers or {})


def visit_of(request: Request) -> Visit:
    """Who looks at what, from a request."""
    shop: Shop = request.state.shop
    reader = shop.reader(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
    return Visit(shop, reader, request.url.path.removeprefix(shop.view.base), request.query_params)


def _widget_view(visit: Visit, lookup: Lookup, name: str, refused: Refused | None = None) -> WidgetView:
    shipment = lookup.shipments[0]
    mine = refused if refused and refused.widget == name else None
    return WidgetView(
        store=visit.shop.view,
        language=visit.reader.localizer.tag,
        level=visit.reader.level,
        shipment=ShipmentFacts(
            shipment.id,
            shipment.carrier,
            shipment.status,
            shipment.final,
            shipment.delayed,
            shipment.destination.country,
        ),
        action=visit.link(f"/track/{lookup.number}/widgets/{name}"),
        done=visit.params.get("done") == name and mine is None,
        problem=mine.problem if mine else "",
        values=mine.values if mine else {},
    )


async def _form(request: Request) -> dict[str, str]:
    """The text fields of a sent form, bounded; files are not taken."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _LARGEST_FORM:
        return {}
    async with request.form(max_files=0, max_fields=50) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}
