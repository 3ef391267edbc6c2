"""An engine: all of its parts, made from the settings, before anything is served."""

from collections.abc import Iterable
from functools import partial
from hashlib import blake2b
from zoneinfo import ZoneInfo

from msgspec import Struct

from .access import Access
from .answers import Answers
from .appearances import Appearances
from .backstage import Backstage
from .banners import Banners
from .budget import Budgets
from .cache import Cache, MemoryCache, Shared
from .clock import Clock, SystemClock
from .config import Config
from .connectors import Connectors, open_connectors
from .consents import Consents
from .database import Database
from .delivery import Deliverer
from .errors import ConfigError
from .fetch import Fetcher
from .gate import Gate
from .generation import Generation
from .idempotency import Once
from .invalidation import Invalidation, Others
from .keys import Keys
from .leases import Leases, OwnLeases, SharedLeases
from .ledger import Ledger
from .limits import Limits
from .links import Links
from .loop_watch import LoopWatch, homes_of
from .message import Reach
from .message_links import MessageLinks, message_links
from .metrics import Metrics
from .near import NearPages
from .orderbook import OrderBook
from .outbox import Outbox
from .packages import Package, found
from .plugins import Plugins, load_plugins
from .pushes import Pushes
from .ratelimits import open_limits
from .receiving import Receiver
from .recognition import carrier_named
from .records import Records
from .referrals import Referrals
from .reports import Reports
from .shops import Outfitter, Shops
from .sources import Sources
from .tallies import Tallies
from .tracker import Tracker
from .vault import Vault
from .voices import Voices
from .wardrobe import Wardrobe
from .widget_codes import Codes


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
    consents: Consents
    message_links: MessageLinks

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
    messages = {id: store.messages for id, store in config.stores.items()}
    consents = Consents(vault, orders, clock=clock, reaches=_reaches(config, plugins), settings=messages)
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
        Backstage(database, orders, answers, codes, voices, consents),
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
        consents,
        message_links(config, links, clock=clock),
    )


def _reaches(config: Config, plugins: Plugins) -> dict[str, Reach]:
    """By which way the accounts of channels reach somebody, of those whose plugin is there."""
    offered = plugins.registered.channels
    named = {account: raw.get("channel", account) for account, raw in config.channels.items()}
    return {account: offered[name].reach for account, name in named.items() if name in offered}


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
