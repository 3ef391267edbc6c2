"""Wiring: settings in, an ASGI application out."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import responses
from .api import Api, Health
from .cache import Cache, MemoryCache, RedisCache, TieredCache
from .clock import Clock, SystemClock
from .config import Config
from .errors import ConfigError
from .fetch import Fetcher
from .forms import own_origin
from .metrics import Metrics
from .packages import Package, found
from .pages import Pages
from .plugins import Plugins, load_plugins
from .shops import Shops, open_shops
from .store import Store
from .tracker import Tracker

log = structlog.get_logger("doorstep.app")
_YEAR = 31_536_000


class Engine(Struct, frozen=True):
    """All parts of a running engine, put together once."""

    config: Config
    plugins: Plugins
    fetcher: Fetcher
    cache: Cache
    tracker: Tracker
    store: Store
    shops: Shops
    metrics: Metrics

    async def close(self) -> None:
        await self.tracker.close()
        await self.fetcher.aclose()
        await self.cache.close()
        await self.store.close()


def create_engine(config: Config, *, clock: Clock | None = None, packages: Iterable[Package] | None = None) -> Engine:
    """The engine for these settings. Raises ConfigError or ThemeError for what cannot work."""
    if not config.secret_key or not all(config.secret_key):
        raise ConfigError(f"{config.file}: secret_key is missing", next_step="put in 32 random characters or more")
    clock = clock or SystemClock()
    metrics = Metrics()
    plugins = load_plugins(config, found(config.base / config.plugins.folder) if packages is None else packages)
    fetcher = Fetcher(clock=clock, metrics=metrics)
    near = MemoryCache(clock)
    redis = config.redis.reveal()
    cache: Cache = TieredCache(near, RedisCache(redis, metrics=metrics)) if redis else near
    tracker = Tracker(plugins, fetcher, cache, clock=clock, metrics=metrics, secret=config.secret_key[0])
    store = Store(config.database, base=config.base, clock=clock)
    shops = open_shops(config, plugins, clock=clock, metrics=metrics)
    return Engine(config, plugins, fetcher, cache, tracker, store, shops, metrics)


def create_app(config: Config, *, clock: Clock | None = None, packages: Iterable[Package] | None = None) -> ASGIApp:
    """The ASGI application for these settings. Raises ConfigError or ThemeError for what cannot work."""
    return assemble(create_engine(config, clock=clock, packages=packages))


def assemble(engine: Engine) -> ASGIApp:
    """The ASGI application of an engine. Its lifespan opens the database and, at the end, closes the engine."""
    _tell_what_is_broken(engine)
    deadline = engine.config.server.deadline
    pages = Pages(engine.tracker, engine.plugins, engine.store, deadline=deadline)
    api = Api(engine.tracker, engine.plugins, deadline=deadline)
    health = Health(engine.store, engine.cache, engine.plugins, engine.shops, engine.metrics)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await engine.store.open()
        yield
        await engine.close()

    async def submit(request: Request) -> Response:
        if not own_origin(request):
            return PlainTextResponse("This form was sent from another site.", 403)
        return await pages.submit(request)

    async def missing(request: Request, error: Exception) -> Response:
        return api.not_found(request) if _wants_json(request) else pages.not_found(request)

    async def failed(request: Request, error: Exception) -> Response:
        log.exception("a page failed", error=type(error).__name__)
        return api.failed(request) if _wants_json(request) else pages.failed(request)

    inner = Starlette(
        routes=[
            Route("/track/{number}", pages.track),
            Route("/track/{number}/", pages.track),
            Route("/track/{number}/widgets/{widget}", submit, methods=["POST"]),
            Route("/", pages.lookup),
            Mount(
                "/api/v1",
                routes=[Route("/shipments/{number}", api.shipments), Route("/pages/{number}", pages.view_model)],
            ),
            Route("/static/{fingerprint}/{name:path}", _static),
        ],
        exception_handlers={404: missing, 500: failed},
        lifespan=lifespan,
    )
    inner.router.redirect_slashes = False  # its redirects are absolute, with the scheme behind the proxy
    outside = Starlette(
        routes=[
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", health.metrics),
        ]
    )
    return StoreRouter(engine.shops, inner, outside)


def _tell_what_is_broken(engine: Engine) -> None:
    for broken in engine.plugins.broken:
        log.error("plugin is broken", plugin=broken.plugin, reason=broken.reason, next_step=broken.next_step)
    for shop in engine.shops.all:
        for problem in shop.problems:
            log.error(
                "widget cannot be shown", widget=problem.widget, reason=problem.reason, next_step=problem.next_step
            )


class StoreRouter:
    """Finds the store a request is for, and hands it on with the store's path as root path; health checks have no store."""

    def __init__(self, shops: Shops, inner: ASGIApp, outside: Starlette) -> None:
        self._shops = shops
        self._inner = inner
        self._outside = outside
        self._own = frozenset(route.path for route in outside.routes if isinstance(route, Route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        send = responses.protected(send)
        if scope["path"] in self._own:
            await self._outside(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        shop = self._shops.find(host, scope["path"])
        if shop is None:
            await PlainTextResponse("There is no shop at this address.", 404)(scope, receive, send)
            return
        if scope["path"] == shop.config.path != "":
            scope = {**scope, "path": scope["path"] + "/"}
        state = {**scope.get("state", {}), "shop": shop}
        await self._inner({**scope, "root_path": shop.config.path, "state": state}, receive, send)


async def _static(request: Request) -> Response:
    """A theme's or widget's static file. Its fingerprint in the address makes it immutable."""
    asset = request.state.shop.look.asset(request.path_params["name"])
    if asset is None:
        return PlainTextResponse("There is no such file.", 404)
    current = asset.fingerprint == request.path_params["fingerprint"]
    headers = {
        "Cache-Control": f"public, max-age={_YEAR}, immutable" if current else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, 200, {**headers, "Content-Encoding": "gzip"}, asset.content_type)
    return Response(asset.body, 200, headers, asset.content_type)


def _wants_json(request: Request) -> bool:
    return "/api/" in request.url.path
