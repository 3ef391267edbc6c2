"""Wiring: settings in, an ASGI application out."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import __version__, scripts, widgets
from .answers_api import AnswersApi
from .api import Api, open_operations
from .appearance_api import AppearanceApi
from .banners_api import BannersApi
from .channels_api import ChannelsApi
from .clock import Clock
from .codes_api import CodesApi
from .config import Config
from .connectors import ConnectApi
from .cors import Cors
from .draft_links import DraftLinks
from .engine import Engine, create_engine
from .forms import from_own_pages
from .gate import not_allowed
from .health import HealthApi
from .hot import HotPath
from .insights_api import InsightsApi
from .landing import Landing
from .leaving import Leaving
from .openapi import OpenApi, Operation, routes
from .opening import Opening
from .order_files import OrderFiles
from .order_pages import OrderPages
from .orders_api import OrdersApi
from .outgoing import Outgoing
from .packages import Package
from .pages import Pages
from .preferences import Preferences
from .push_api import PushApi
from .reading import reading
from .routing import StoreRouter, TrackRoute
from .sources import FIRST_WAIT
from .statics import Statics

Beside = Callable[[], AbstractAsyncContextManager[None]]
_NEW_OBJECTS = 10_000  # before garbage is looked for among them, which takes less than a millisecond

log = structlog.get_logger("doorstep.app")


def create_app(config: Config, *, clock: Clock | None = None, packages: Iterable[Package] | None = None) -> ASGIApp:
    """The ASGI application for these settings. Raises ConfigError or ThemeError for what cannot work."""
    return assemble(create_engine(config, clock=clock, packages=packages))


def assemble(engine: Engine, *, beside: Beside = nullcontext) -> ASGIApp:
    """The ASGI application of an engine. Its lifespan opens the database, works `beside` what is served and, at the end,
    closes the engine."""
    _tell_what_is_broken(engine)
    longest = engine.config.server.deadline
    # Of look-ups: the rest is for what is made of them.
    deadline = max(longest - widgets.LONGEST - FIRST_WAIT, longest / 2)
    pages = Pages(
        engine.tracker, engine.plugins, engine.backstage, engine.answers, engine.access, engine.banners, engine.limits,
        near=engine.near, tallies=engine.tallies, deadline=deadline,
    )  # fmt: skip
    order_pages = OrderPages(
        engine.access, engine.backstage, engine.reports, engine.database, engine.tracker, engine.plugins,
        engine.answers, engine.banners, engine.limits, engine.tallies, engine.consents, deadline=deadline,
    )  # fmt: skip
    preferences = Preferences(
        engine.access, engine.orders, engine.consents, engine.message_links, engine.database, engine.limits, engine.plugins
    )  # fmt: skip
    opening = Opening(engine.message_links, engine.fates, engine.database)
    files = OrderFiles(
        engine.access, engine.database, engine.fetcher, engine.plugins, look=order_pages.look, missing=pages.not_found,
        guesses=engine.limits.documents,
    )  # fmt: skip
    landing = Landing(engine.codes, engine.database, missing=pages.not_found)
    leaving = Leaving(Outgoing(engine.config.secret_key), engine.tallies, refused=pages.not_signed)
    api = Api(engine.tracker, engine.plugins, engine.limits, deadline=deadline)
    health = health_of(engine)
    connect = ConnectApi(engine.connectors, engine.database, engine.receiver)
    push = PushApi(engine.plugins, engine.pushes, engine.database, engine.metrics)
    channels = ChannelsApi(engine.channels, engine.fates, engine.database, engine.metrics, clock=engine.clock)

    # What is in this table is mounted, and is in /openapi.json.
    below = [*open_operations(api, pages.view_model), *order_pages.operations(), *_merchants(engine)]
    openapi = OpenApi([*below, *health.operations()], version=__version__)
    inner = Starlette(
        routes=[
            Route("/track/{number}", pages.track),
            Route("/track/{number}/", pages.track),
            Route("/track/{number}", from_own_pages(pages.submit), methods=["POST"]),
            Route("/", pages.lookup),
            Route("/", from_own_pages(pages.find_order), methods=["POST"]),
            Route("/o/{token}", order_pages.slash),
            Route("/o/{token}/", order_pages.page),
            Route("/o/{token}/delivery.ics", files.calendar),
            Route("/o/{token}/qr.svg", files.qr_code),
            Route("/o/{token}/feed.atom", files.feed),
            Route("/o/{token}/documents/{parcel}/{index:int}", files.document),
            Route("/o/{token}/proof", from_own_pages(order_pages.prove), methods=["POST"]),
            Route("/o/{token}/reports/{kind}", from_own_pages(order_pages.report), methods=["POST"]),
            Route("/o/{token}/widgets/{widget}", from_own_pages(order_pages.submit), methods=["POST"]),
            Route("/o/{token}/messages", preferences.page),
            Route("/o/{token}/messages", from_own_pages(preferences.save), methods=["POST"]),
            Route("/m/{token}", preferences.letter),
            Route("/m/{token}", preferences.answer, methods=["POST"]),
            Route("/m/{token}/opened.gif", opening.point),
            Route("/r/{code}", landing.land),
            Route("/r/{code}/qr.svg", landing.qr_code),
            Route("/out/{widget}", leaving.out),
            Route("/connect/{connector}", connect.connect, methods=["POST"]),
            Route("/webhooks/{carrier}/{account}", push.push, methods=["POST"]),
            Route("/channels/{account}", channels.reported, methods=["POST"]),
            *routes(below),
            Route("/embed.js", scripts.embed),
            Route("/subscribe.js", scripts.subscribe),
            Route("/service-worker.js", scripts.service_worker),
            Route("/openapi.json", openapi.show),
            Route("/static/{fingerprint}/{name:path}", Statics(engine.shops, engine.wardrobe).file),
        ],
        middleware=[Middleware(TrackRoute, page=pages.track), Middleware(Cors)],
        exception_handlers=_errors(pages, api),
        lifespan=_lifespan(engine, beside),
    )
    inner.router.redirect_slashes = False  # its redirects are absolute, with the scheme behind the proxy
    outside = Starlette(routes=health.routes())
    drafts = DraftLinks(engine.config.secret_key, clock=engine.clock)
    router = StoreRouter(engine.shops, inner, outside, drafts)
    return HotPath(
        router, engine.shops, engine.near, engine.limits, engine.tallies, metrics=engine.metrics, clock=engine.clock
    )


def _lifespan(engine: Engine, beside: Beside) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """What goes on from the start of the application to its end."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await engine.database.open()
        engine.invalidation.start()
        await engine.wardrobe.refresh()
        gc.freeze()  # templates, catalogs, manifests: what lasts need not be searched for garbage again and again
        often = gc.get_threshold()
        gc.set_threshold(_NEW_OBJECTS, *often[1:])  # a page makes more than the usual 700, none of them in circles
        with engine.loop_watch.watching():
            async with (
                engine.wardrobe.kept(), engine.sources.kept(), reading(engine.shops, engine.sources), engine.tallies.running(),
                beside(),
            ):  # fmt: skip
                yield
        gc.set_threshold(*often)
        gc.unfreeze()
        await engine.close()

    return lifespan


def _errors(pages: Pages, api: Api) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """What answers where nothing else does: to programs as problems, to readers as pages."""

    async def missing(request: Request, error: Exception) -> Response:
        return api.not_found(request) if _wants_json(request) else pages.not_found(request)

    async def failed(request: Request, error: Exception) -> Response:
        return api.failed(request) if _wants_json(request) else pages.failed(request)

    async def wrong_method(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and _wants_json(request):
            return not_allowed(request, error.headers or {})
        return PlainTextResponse("Method Not Allowed", 405, getattr(error, "headers", None))

    return {404: missing, 405: wrong_method, 500: failed}


def health_of(engine: Engine) -> HealthApi:
    """What tells how this engine is."""
    return HealthApi(
        engine.database, engine.cache, engine.invalidation, engine.plugins, engine.connectors, engine.shops, engine.fetcher,
        engine.metrics, engine.wardrobe, engine.sources, engine.channels, clock=engine.clock,
    )  # fmt: skip


def _merchants(engine: Engine) -> list[Operation]:
    """What the shop may do with a key."""
    orders = OrdersApi(
        engine.gate, engine.orders, engine.ledger, engine.links, engine.reports, engine.codes, clock=engine.clock
    )  # fmt: skip
    appearance = AppearanceApi(engine.gate, engine.appearances, engine.wardrobe)
    answers = AnswersApi(engine.gate, engine.answers)
    codes = CodesApi(engine.gate, engine.orders, engine.codes, engine.referrals)
    told = InsightsApi(engine.gate, clock=engine.clock)
    return [
        *orders.operations(),
        *BannersApi(engine.gate, engine.banners).operations(),
        *appearance.operations(),
        *answers.operations(),
        *told.operations(),
        *codes.operations(),
    ]


def _tell_what_is_broken(engine: Engine) -> None:
    for broken in engine.plugins.broken:
        log.error("plugin is broken", plugin=broken.plugin, reason=broken.reason, next_step=broken.next_step)
    for one in engine.connectors.problems:
        log.error("connector cannot be used", connector=one.connector, reason=one.reason, next_step=one.next_step)
    for account in engine.channels.problems:
        log.error("channel cannot be used", channel=account.channel, reason=account.reason, next_step=account.next_step)
    for shop in engine.shops.all:
        for problem in shop.problems:
            log.error(
                "widget cannot be shown", widget=problem.widget, reason=problem.reason, next_step=problem.next_step
            )


def _wants_json(request: Request) -> bool:
    return "/api/" in request.url.path
