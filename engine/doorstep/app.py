"""Wiring: settings in, an ASGI application out."""

import gc
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from hashlib import blake2b
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import __version__, embedding, widgets
from .access import Access
from .answers import Answers
from .answers_api import AnswersApi
from .api import Api, open_operations
from .appearance_api import AppearanceApi
from .appearances import Appearances
from .backstage import Backstage
from .banners import Banners
from .banners_api import BannersApi
from .budget import Budgets
from .cache import Cache, MemoryCache, Shared
from .clock import Clock, SystemClock
from .codes_api import CodesApi
from .config import Config
from .connectors import ConnectApi, Connectors, open_connectors
from .cors import Cors
from .database import Database
from .delivery import Deliverer
from .draft_links import DraftLinks
from .errors import ConfigError
from .fetch import Fetcher
from .forms import from_own_pages
from .gate import Gate, not_allowed
from .generation import Generation
from .health import HealthApi
from .hot import HotPath
from .idempotency import Once
from .insights_api import InsightsApi
from .invalidation import Invalidation, Others
from .keys import Keys
from .landing import Landing
from .leases import Leases, OwnLeases, SharedLeases
from .leaving import Leaving
from .ledger import Ledger
from .limits import Limits
from .links import Links
from .loop_watch import LoopWatch, homes_of
from .metrics import Metrics
from .near import NearPages
from .openapi import OpenApi, Operation, routes
from .order_files import OrderFiles
from .order_pages import OrderPages
from .orderbook import OrderBook
from .orders_api import OrdersApi
from .outbox import Outbox
from .outgoing import Outgoing
from .packages import Package, found
from .pages import Pages
from .plugins import Plugins, load_plugins
from .push_api import PushApi
from .pushes import Pushes
from .ratelimits import open_limits
from .reading import reading
from .receiving import Receiver
from .recognition import carrier_named
from .records import Records
from .referrals import Referrals
from .reports import Reports
from .routing import StoreRouter, TrackRoute
from .shops import Outfitter, Shops
from .sources import FIRST_WAIT, Sources
from .statics import Statics
from .tallies import Tallies
from .tracker import Tracker
from .vault import Vault
from .voices import Voices
from .wardrobe import Wardrobe
from .widget_codes import Codes

_NEW_OBJECTS = 10_000  # before garbage is looked for among them, which takes less than a millisecond

log = structlog.get_logger("doorstep.app")


class Engine(Struct, frozen=True):
    """All parts of a running engine, put together once."""

    config: Config
    clock: Clock
    plugins: Plugins
    fetcher: Fetcher
    cache: Cache
    tracker: Tracker
    database: Database
    answers: Answers
    backstage: Backstage
    voices: Voices
    orders: OrderBook
    codes: Codes
    referrals: Referrals
    ledger: Ledger
    connectors: Connectors
    receiver: Receiver
    pushes: Pushes
    reports: Reports
    banners: Banners
    gate: Gate
    outbox: Outbox
    records: Records
    deliverer: Deliverer
    links: Links
    vault: Vault
    access: Access
    limits: Limits
    sources: Sources
    shops: Shops
    metrics: Metrics
    loop_watch: LoopWatch
    invalidation: Invalidation
    near: NearPages
    appearances: Appearances
    wardrobe: Wardrobe
    tallies: Tallies

    async def close(self) -> None:
        await self.deliverer.aclose()
        await self.pushes.close()
        await self.tracker.close()
        await self.fetcher.aclose()
        await self.sources.aclose()
        await self.invalidation.close()
        await self.cache.close()
        await self.database.close()


def create_engine(config: Config, *, clock: Clock | None = None, packages: Iterable[Package] | None = None) -> Engine:
    """The engine for these settings. Raises ConfigError or ThemeError for what cannot work."""
    if not config.secret_key or not all(config.secret_key):
        raise ConfigError(f"{config.file}: secret_key is missing", next_step="put in 32 random characters or more")
    clock = clock or SystemClock()
    metrics = Metrics()
    packages = found(config.base / config.plugins.folder) if packages is None else list(packages)
    plugins = load_plugins(config, packages)
    cache, leases, budgets, server = _shared(config, clock, metrics)
    space = _space(config)
    fetcher = Fetcher(clock=clock, metrics=metrics, budgets=budgets)
    invalidation = _invalidation(config, clock, server)
    moved = invalidation.moved
    near = NearPages(clock, invalidation, most_bytes=config.server.near_megabytes * 1024 * 1024)
    near.measured_by(metrics)
    database = Database(config.database, base=config.base)
    calendars = {id: (store.calendar, ZoneInfo(store.timezone)) for id, store in config.stores.items()}
    vault = Vault(config.secret_key)
    orders = OrderBook(vault, clock=clock, calendars=calendars, carrier_named=carrier_named(plugins.manifests))
    webhooks = {id: store.webhooks for id, store in config.stores.items()}
    outbox = Outbox(webhooks, clock=clock)
    zones = {id: zone for id, (_, zone) in calendars.items()}
    tallies = Tallies(
        database, secret=config.secret_key[0], clock=clock, zones=zones, shared=server, space=space
    )  # fmt: skip
    answers = Answers(database, outbox, clock=clock, moved=moved, counted=tallies.add)
    voices = Voices(database, zones, clock=clock)
    sources = Sources(base=config.base, clock=clock, metrics=metrics, moved=moved)
    outfitter = Outfitter(config, plugins, clock=clock, metrics=metrics, sources=sources)
    shops = outfitter.all()
    codes = Codes(
        {shop.id: shop.widgets.codes() for shop in shops.all}, orders, outbox, vault, metrics, clock=clock,
        zones=zones, addresses=_addresses(config), counted=tallies.add,
    )  # fmt: skip
    referrals = Referrals(database, orders, codes, outbox, vault, clock=clock)
    records = Records(
        database,
        outbox,
        vault,
        clock=clock,
        languages={id: store.language for id, store in config.stores.items()},
        zones=zones,
        arrived=codes.arrived,
    )
    secret = config.secret_key[0]
    tracker = Tracker(
        plugins,
        fetcher,
        cache,
        clock=clock,
        metrics=metrics,
        secret=secret,
        records=records,
        leases=leases,
        moved=moved,
    )
    deliverer = Deliverer(database, webhooks, clock=clock, metrics=metrics)
    links = Links(config.secret_key)
    access = Access(database, orders, links, vault, clock=clock)
    guesses = Limits(config.server.trusted_proxies, clock=clock, shared=server, space=space)
    ledger = Ledger(orders, outbox, clock=clock, follow=(codes.give, referrals.follow))
    receiver = Receiver(orders, ledger, outbox, vault, clock=clock)
    reports = Reports(vault, outbox, clock=clock)
    of_stores = {id: store.banners for id, store in config.stores.items()}
    banners = Banners(database, of_stores, clock=clock, moved=moved)
    invalidation.keepers += [near, banners, voices]
    limits = open_limits(config.server.api_limit, clock=clock, shared=server, space=space)
    gate = Gate(database, Keys(clock=clock), limits, Once(vault, clock=clock))
    appearances = Appearances(database, clock=clock, moved=moved)
    wardrobe = Wardrobe(config, plugins, shops, appearances, near, outfitter=outfitter, clock=clock, metrics=metrics)
    invalidation.keepers += [appearances, wardrobe]
    return Engine(
        config,
        clock,
        plugins,
        fetcher,
        cache,
        tracker,
        database,
        answers,
        Backstage(database, orders, answers, codes, voices),
        voices,
        orders,
        codes,
        referrals,
        ledger,
        open_connectors(config, plugins),
        receiver,
        Pushes(tracker, config.stores, clock=clock),
        reports,
        banners,
        gate,
        outbox,
        records,
        deliverer,
        links,
        vault,
        access,
        guesses,
        sources,
        shops,
        metrics,
        LoopWatch(metrics, homes_of(packages), limit=config.server.longest_hold),
        invalidation,
        near,
        appearances,
        wardrobe,
        tallies,
    )


def _addresses(config: Config) -> dict[str, str]:
    """What links to the stores' pages begin with; empty where the settings do not say it."""
    origins = {id: store.public_url.rstrip("/") for id, store in config.stores.items()}
    return {id: origin and origin + config.stores[id].path for id, origin in origins.items()}


def _invalidation(config: Config, clock: Clock, server: Shared | None) -> Invalidation:
    if server is None:
        return Invalidation(clock=clock)
    from .shared_channel import redis_channel  # as below

    channel = partial(redis_channel, config.redis.reveal(), _channel_name(config))
    return Invalidation(Others(channel, Generation(server, space=_space(config))), clock=clock)


def _channel_name(config: Config) -> str:
    """Of those who share a Redis, only processes of the same engine hear each other."""
    return f"ds1:moved:{_space(config)}"


def _space(config: Config) -> str:
    return blake2b(config.secret_key[0].reveal().encode(), digest_size=8).hexdigest()


def _shared(config: Config, clock: Clock, metrics: Metrics) -> tuple[Cache, Leases, Budgets, Shared | None]:
    """What processes have in common where there is a Redis; what this one has alone where there is none."""
    near = MemoryCache(clock)
    if not config.redis:
        return near, OwnLeases(near), Budgets(clock), None
    from .shared_cache import RedisCache, RedisServer, TieredCache  # the client is a large part of the start

    try:
        server = RedisServer(config.redis.reveal(), metrics=metrics)
    except ValueError as error:
        raise ConfigError(f"{config.file}: redis: {error}", next_step="write redis://host:6379/0") from None
    cache = TieredCache(near, RedisCache(server))
    return cache, SharedLeases(server, near), Budgets(clock, server, space=_space(config)), server


def create_app(config: Config, *, clock: Clock | None = None, packages: Iterable[Package] | None = None) -> ASGIApp:
    """The ASGI application for these settings. Raises ConfigError or ThemeError for what cannot work."""
    return assemble(create_engine(config, clock=clock, packages=packages))


def assemble(engine: Engine, *, beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext) -> ASGIApp:
    """The ASGI application of an engine. Its lifespan opens the database, works `beside` what is served and, at the end,
    closes the engine."""
    _tell_what_is_broken(engine)
    longest = engine.config.server.deadline
    deadline = max(
        longest - widgets.LONGEST - FIRST_WAIT, longest / 2
    )  # of look-ups; the rest is for what is made of them
    pages = Pages(
        engine.tracker, engine.plugins, engine.backstage, engine.answers, engine.access, engine.banners, engine.limits,
        near=engine.near, tallies=engine.tallies, deadline=deadline,
    )  # fmt: skip
    order_pages = OrderPages(
        engine.access, engine.backstage, engine.reports, engine.database, engine.tracker, engine.plugins,
        engine.answers, engine.banners, engine.limits, engine.tallies, deadline=deadline,
    )  # fmt: skip
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

    async def missing(request: Request, error: Exception) -> Response:
        return api.not_found(request) if _wants_json(request) else pages.not_found(request)

    async def failed(request: Request, error: Exception) -> Response:
        log.exception("a page failed", error=type(error).__name__)
        return api.failed(request) if _wants_json(request) else pages.failed(request)

    async def wrong_method(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and _wants_json(request):
            return not_allowed(request, error.headers or {})
        return PlainTextResponse("Method Not Allowed", 405, getattr(error, "headers", None))

    # What is in this table is mounted, and is in /openapi.json.
    below = [*open_operations(api, pages.view_model), *order_pages.operations(), *_merchants(engine)]
    openapi = OpenApi([*below, *health.operations()], version=__version__)
    inner = Starlette(
        routes=[
            Route("/track/{number}", pages.track),
            Route("/track/{number}/", pages.track),
            Route("/track/{number}/widgets/{widget}", from_own_pages(pages.submit), methods=["POST"]),
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
            Route("/r/{code}", landing.land),
            Route("/r/{code}/qr.svg", landing.qr_code),
            Route("/out/{widget}", leaving.out),
            Route("/connect/{connector}", connect.connect, methods=["POST"]),
            Route("/webhooks/{carrier}/{account}", push.push, methods=["POST"]),
            *routes(below),
            Route("/embed.js", embedding.script),
            Route("/openapi.json", openapi.show),
            Route("/static/{fingerprint}/{name:path}", Statics(engine.shops, engine.wardrobe).file),
        ],
        middleware=[Middleware(Cors), Middleware(TrackRoute, page=pages.track)],
        exception_handlers={404: missing, 405: wrong_method, 500: failed},
        lifespan=lifespan,
    )
    inner.router.redirect_slashes = False  # its redirects are absolute, with the scheme behind the proxy
    outside = Starlette(routes=health.routes())
    drafts = DraftLinks(engine.config.secret_key, clock=engine.clock)
    router = StoreRouter(engine.shops, inner, outside, drafts)
    return HotPath(
        router, engine.shops, engine.near, engine.limits, engine.tallies, metrics=engine.metrics, clock=engine.clock
    )


def health_of(engine: Engine) -> HealthApi:
    """What tells how this engine is."""
    return HealthApi(
        engine.database, engine.cache, engine.invalidation, engine.plugins, engine.connectors, engine.shops, engine.fetcher,
        engine.metrics, engine.wardrobe, engine.sources, clock=engine.clock,
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
    for shop in engine.shops.all:
        for problem in shop.problems:
            log.error(
                "widget cannot be shown", widget=problem.widget, reason=problem.reason, next_step=problem.next_step
            )


def _wants_json(request: Request) -> bool:
    return "/api/" in request.url.path
