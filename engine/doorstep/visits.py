"""What the pages share: who asks, a page rendered with its headers, a form as it was sent."""

import re
from collections.abc import Iterable, Mapping
from time import perf_counter

import msgspec
import structlog
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from . import responses
from .banners import Banners
from .context import PageContext
from .contexts import Visit
from .errors import ThemeError
from .fallback import fallback_page
from .i18n import N_
from .limits import Networks
from .lookup import Lookup
from .models import Shipment
from .shops import Shop
from .widgets import Filled

TOO_OFTEN = N_("You have answered often enough for now. Nothing you wrote is lost: please send it again in an hour.")
NOT_KEPT = N_("Your answer could not be saved just now. Please send it again in a minute.")
_LARGEST_FORM = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,20}")

log = structlog.get_logger("doorstep.pages")


def visit_of(request: Request, *, level: int = 0, language: str = "") -> Visit:
    """Who looks at what, from a request. `language` is that of the order: it comes before what the browser asks for."""
    shop: Shop = request.scope["state"]["shop"]  # as `request.state` has it
    params: Mapping[str, str] = request.query_params if request.scope["query_string"] else {}
    accepted = responses.sent(request, b"accept-language")
    reader = shop.reader(params.get("lang", ""), accepted, level=level, ordered=language)
    path: str = request.scope["path"]  # which `request.url` would put together and take apart again
    return Visit(shop, reader, path.removeprefix(shop.view.base), params)


async def visit_of_order(request: Request, *, level: int, language: str) -> Visit:
    """The visit of an order's page; its language was not known before the order was."""
    shop: Shop = request.state.shop
    asked, accepted = request.query_params.get("lang", ""), request.headers.get("accept-language", "")
    await shop.prepare(shop.language(asked, accepted, ordered=language))
    return visit_of(request, level=level, language=language)


def bound_for(visit: Visit, shipments: Iterable[Shipment | None], country: str = "") -> Visit:
    """The visit of a page for parcels that go to one country: that of the order, else the first that is known."""
    known = (shipment.destination.country for shipment in shipments if shipment is not None)
    return structs.replace(visit, country=country or next(filter(None, known), ""))


async def with_banners(visit: Visit, banners: Banners) -> Visit:
    found = await banners.of(visit.shop.id)
    return structs.replace(visit, banners=found) if found else visit


def rendered(
    request: Request, visit: Visit, template: str, context: PageContext, *, status: int = 200,
    headers: Mapping[str, str] | None = None, slots: Filled | None = None,
) -> Response:  # fmt: skip
    """A page, by the theme, or that the reader has it already."""
    whole = made(request, visit, template, context, status=status, headers=headers, slots=slots)
    return responses.unless_known(request, whole)


def made(
    request: Request, visit: Visit, template: str, context: PageContext, *, status: int = 200,
    headers: Mapping[str, str] | None = None, slots: Filled | None = None,
) -> responses.Finished:  # fmt: skip
    """A page, by the theme; where that fails, the plain one, which nobody is to keep."""
    headers = dict(headers or {})
    shop, localizer = visit.shop, visit.reader.localizer
    began = perf_counter()
    try:
        pieces = visit.look.pieces(template, context, localizer, slots)
    except ThemeError as error:
        log.error("the theme failed, a plain page is shown", theme=visit.look.theme.name, reason=str(error))
        pieces = [fallback_page(context)]
        headers.setdefault("Cache-Control", "no-store")
    shop.metrics.render_seconds.of().observe(perf_counter() - began)
    csp = responses.content_security_policy(shop.config.image_hosts, shop.config.embed_origins)
    return responses.page(request, pieces, language=localizer.tag, status=status, csp=csp, headers=headers)


async def form_of(request: Request) -> dict[str, str]:
    """The text fields of a sent form, bounded, without NUL, which PostgreSQL does not keep; files are not taken."""
    length = request.headers.get("content-length", "")
    if not _LENGTH.fullmatch(length) or int(length) > _LARGEST_FORM:
        return {}
    try:
        async with request.form(max_files=0, max_fields=50) as form:
            return {key: value.replace("\0", "") for key, value in form.items() if isinstance(value, str)}
    except UnicodeError:  # in a character set that it names itself
        return {}


def cached(shop: Shop, lookup: Lookup) -> dict[str, str]:
    """`Cache-Status` of a look-up."""
    return responses.cache_status(shop.clock.now(), lookup.fresh_until, asked=lookup.asked)


def network_of(request: Request, networks: Networks) -> str:
    """The network that a request comes from, for limits."""
    peer = request.client.host if request.client else ""
    return networks.of(peer, ",".join(request.headers.getlist("x-forwarded-for")))


def as_json(
    request: Request, visit: Visit, context: PageContext, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """The values of a page as JSON; a problem document with them inside where the page says that something is amiss."""
    language = visit.reader.localizer.tag
    if status >= 400 and (hero := context.hero) is not None:
        return responses.problem(
            status, hero.status, hero.headline, hero.detail, instance=request.url.path, language=language,
            headers=headers, page=msgspec.to_builtins(context, enc_hook=responses.plain),
        )  # fmt: skip
    return responses.json(context, status=status, language=language, headers=headers)
