"""An engine: all of its parts, made from the settings, before anything is served."""

from collections.abc import Iterable, Mapping
from functools import partial
from hashlib import blake2b
from zoneinfo import ZoneInfo

from msgspec import Struct

from .access import Access
from .answers import Answers
from .appearances import Appearances
from .backstage import Backstage
from .banners import Banners
from .brief_reads import BriefReads
from .budget import Budgets
from .cache import Cache, MemoryCache, Shared
from .channels import Channels, open_channels
from .clock import Clock, SystemClock
from .config import Config, Webhook, require_secret_key
from .connectors import Connectors, open_connectors
from .consents import Consents
from .database import Database
from .delivery import Deliverer
from .errors import ConfigError
from .fates import Fates
from .fetch import Fetcher
from .gate import Gate
from .generation import Generation
from .idempotency import Once
from .invalidation import Invalidation, Others
from .keys import Keys
from .leases import Leases, OwnLeases, SharedLeases
from .ledger import Ledger
from .letters import Composer
from .limits import Limits
from .links import Links
from .loop_watch import LoopWatch, homes_of
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
from .speaking import Speaking, open_speaking
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
    channels: Channels
    fates: Fates
    consents: Consents
    message_links: MessageLinks
    speaking: Speaking

    async def close(self) -> None:
        await self.deliverer.aclose()
        await self.speaking.sender.aclose()
        await self.channels.aclose()
        await self.pushes.close()
        await self.tracker.close()
        await self.fetcher.aclose()
        await self.sources.aclose()
        await self.invalidation.close()
        await self.cache.close()
        await self.database.close()


class _Common(Struct, frozen=True):
    """What processes have in common where there is a Redis; what this one has alone where there is none."""

    cache: Cache
    leases: Leases
    budgets: Budgets
    server: Shared | None = None
    space: str = ""  # theirs on the server


class _Ground(Struct, frozen=True):
    """What all other parts stand on."""

    config: Config
    clock: Clock
    metrics: Metrics
    plugins: Plugins
    common: _Common
    invalidation: Invalidation
    database: Database
    vault: Vault
    zones: Mapping[str, ZoneInfo]


class _Front(Struct, frozen=True):
    """What readers are shown: the shops, what stands on their pages, finished pages."""

    sources: Sources
    shops: Shops
    near: NearPages
    appearances: Appearances
    wardrobe: Wardrobe
    voices: Voices
    banners: Banners


class _Books(Struct, frozen=True):
    """What is kept of orders, and what follows from it."""

    orders: OrderBook
    outbox: Outbox
    tallies: Tallies
    codes: Codes
    referrals: Referrals
    ledger: Ledger
    records: Records


def create_engine(config: Config, *, clock: Clock | None = None, packages: Iterable[Package] | None = None) -> Engine:
    """The engine for these settings. Raises ConfigError or ThemeError for what cannot work."""
    require_secret_key(config)
    packages = found(config.base / config.plugins.folder) if packages is None else list(packages)
    ground = _ground(config, clock or SystemClock(), packages)
    front = _front(ground)
    books = _books(ground, front.shops)
    common, invalidation, plugins = ground.common, ground.invalidation, ground.plugins
    clock, metrics, database, vault = ground.clock, ground.metrics, ground.database, ground.vault
    invalidation.keepers += [front.near, front.banners, front.voices, front.appearances, front.wardrobe]
    fetcher = Fetcher(clock=clock, metrics=metrics, budgets=common.budgets)
    tracker = _tracker(ground, fetcher, books.records)
    answers = Answers(database, books.outbox, clock=clock, moved=invalidation.moved, counted=books.tallies.add)
    links = Links(config.secret_key)
    channels = open_channels(config, plugins)
    fates = Fates(books.orders, vault, config.stores, clock=clock, counted=books.tallies.add)
    consents = _consents(ground, books.orders, channels)
    leading = message_links(config, links, clock=clock)
    return Engine(
        config=config,
        clock=clock,
        plugins=plugins,
        fetcher=fetcher,
        cache=common.cache,
        tracker=tracker,
        database=database,
        answers=answers,
        backstage=Backstage(database, books.orders, answers, books.codes, front.voices, consents),
        voices=front.voices,
        orders=books.orders,
        codes=books.codes,
        referrals=books.referrals,
        ledger=books.ledger,
        connectors=open_connectors(config, plugins),
        receiver=Receiver(books.orders, books.ledger, books.outbox, vault, clock=clock),
        pushes=Pushes(tracker, config.stores, clock=clock),
        reports=Reports(vault, books.outbox, clock=clock),
        banners=front.banners,
        gate=_gate(ground),
        outbox=books.outbox,
        records=books.records,
        deliverer=Deliverer(database, _webhooks(config), clock=clock, metrics=metrics),
        links=links,
        vault=vault,
        access=Access(database, books.orders, links, vault, clock=clock),
        limits=Limits(config.server.trusted_proxies, clock=clock, shared=common.server, space=common.space),
        sources=front.sources,
        shops=front.shops,
        metrics=metrics,
        loop_watch=LoopWatch(metrics, homes_of(packages), limit=config.server.longest_hold),
        invalidation=invalidation,
        near=front.near,
        appearances=front.appearances,
        wardrobe=front.wardrobe,
        tallies=books.tallies,
        channels=channels,
        fates=fates,
        consents=consents,
        message_links=leading,
        speaking=_speaking(ground, books, front.shops, channels, fates, consents, Composer(front.shops, leading)),
    )


def _ground(config: Config, clock: Clock, packages: Iterable[Package]) -> _Ground:
    metrics, plugins = Metrics(), load_plugins(config, packages)
    common = _common(config, clock, metrics)
    return _Ground(
        config=config,
        clock=clock,
        metrics=metrics,
        plugins=plugins,
        common=common,
        invalidation=_invalidation(config, clock, common),
        database=Database(config.database, base=config.base),
        vault=Vault(config.secret_key),
        zones={id: ZoneInfo(store.timezone) for id, store in config.stores.items()},
    )


def _front(ground: _Ground) -> _Front:
    config, plugins, clock, metrics = ground.config, ground.plugins, ground.clock, ground.metrics
    moved = ground.invalidation.moved
    near = NearPages(clock, ground.invalidation, most_bytes=config.server.near_megabytes * 1024 * 1024)
    near.measured_by(metrics)
    sources = Sources(base=config.base, clock=clock, metrics=metrics, moved=moved)
    outfitter = Outfitter(config, plugins, clock=clock, metrics=metrics, sources=sources)
    shops = outfitter.all()
    appearances = Appearances(ground.database, clock=clock, moved=moved)
    reads = BriefReads(ground.database, clock=clock)
    of_stores = {id: store.banners for id, store in config.stores.items()}
    return _Front(
        sources=sources,
        shops=shops,
        near=near,
        appearances=appearances,
        wardrobe=Wardrobe(config, plugins, shops, appearances, near, outfitter=outfitter, clock=clock, metrics=metrics),
        voices=Voices(reads, ground.zones, clock=clock),
        banners=Banners(reads, of_stores, clock=clock, moved=moved),
    )


def _consents(ground: _Ground, orders: OrderBook, channels: Channels) -> Consents:
    settings = {id: store.messages for id, store in ground.config.stores.items()}
    return Consents(ground.vault, orders, clock=ground.clock, channels=channels.accounts, settings=settings)


def _speaking(
    ground: _Ground, books: _Books, shops: Shops, channels: Channels, fates: Fates, consents: Consents, composer: Composer
) -> Speaking:  # fmt: skip
    common, clock = ground.common, ground.clock
    return open_speaking(
        ground.config, ground.database, books.orders, shops, channels.accounts, consents, composer, fates.unreached,
        manifests=ground.plugins.manifests,
        limiting=partial(open_limits, clock=clock, shared=common.server, space=f"{common.space}:messages"),
        clock=clock, metrics=ground.metrics, counted=books.tallies.add,
    )  # fmt: skip


def _books(ground: _Ground, shops: Shops) -> _Books:
    config, clock, database, vault = ground.config, ground.clock, ground.database, ground.vault
    common, zones = ground.common, ground.zones
    calendars = {id: (store.calendar, zones[id]) for id, store in config.stores.items()}
    languages = {id: store.language for id, store in config.stores.items()}
    orders = OrderBook(vault, clock=clock, calendars=calendars, carrier_named=carrier_named(ground.plugins.manifests))
    outbox = Outbox(_webhooks(config), clock=clock)
    tallies = Tallies(
        database, secret=config.secret_key[0], clock=clock, zones=zones, shared=common.server, space=common.space
    )
    codes = Codes(
        {shop.id: shop.widgets.codes() for shop in shops.all}, orders, outbox, vault, ground.metrics, clock=clock,
        zones=zones, addresses=_addresses(config), counted=tallies.add,
    )  # fmt: skip
    referrals = Referrals(database, orders, codes, outbox, vault, clock=clock)
    return _Books(
        orders=orders,
        outbox=outbox,
        tallies=tallies,
        codes=codes,
        referrals=referrals,
        ledger=Ledger(orders, outbox, clock=clock, follow=(codes.give, referrals.follow)),
        records=Records(database, outbox, vault, clock=clock, languages=languages, zones=zones, arrived=codes.arrived),
    )


def _tracker(ground: _Ground, fetcher: Fetcher, records: Records) -> Tracker:
    return Tracker(
        ground.plugins, fetcher, ground.common.cache, clock=ground.clock, metrics=ground.metrics,
        secret=ground.config.secret_key[0], records=records, leases=ground.common.leases,
        moved=ground.invalidation.moved,
    )  # fmt: skip


def _gate(ground: _Ground) -> Gate:
    clock, common = ground.clock, ground.common
    limits = open_limits(ground.config.server.api_limit, clock=clock, shared=common.server, space=common.space)
    return Gate(ground.database, Keys(clock=clock), limits, Once(ground.vault, clock=clock))


def _webhooks(config: Config) -> dict[str, dict[str, Webhook]]:
    return {id: store.webhooks for id, store in config.stores.items()}


def _addresses(config: Config) -> dict[str, str]:
    """What links to the stores' pages begin with; empty where the settings do not say it."""
    origins = {id: store.public_url.rstrip("/") for id, store in config.stores.items()}
    return {id: origin and origin + config.stores[id].path for id, origin in origins.items()}


def _invalidation(config: Config, clock: Clock, common: _Common) -> Invalidation:
    if common.server is None:
        return Invalidation(clock=clock)
    from .shared_channel import redis_channel  # as below

    # Of those who share a Redis, only processes of the same engine hear each other.
    channel = partial(redis_channel, config.redis.reveal(), f"ds1:moved:{common.space}")
    return Invalidation(Others(channel, Generation(common.server, space=common.space)), clock=clock)


def _common(config: Config, clock: Clock, metrics: Metrics) -> _Common:
    near = MemoryCache(clock)
    if not config.redis:
        return _Common(near, OwnLeases(near), Budgets(clock))
    from .shared_cache import RedisCache, RedisServer, TieredCache  # the client is a large part of the start

    try:
        server = RedisServer(config.redis.reveal(), metrics=metrics)
    except ValueError as error:
        raise ConfigError(f"{config.file}: redis: {error}", next_step="write redis://host:6379/0") from None
    space = blake2b(config.secret_key[0].reveal().encode(), digest_size=8).hexdigest()
    cache, budgets = TieredCache(near, RedisCache(server)), Budgets(clock, server, space=space)
    return _Common(cache, SharedLeases(server, near), budgets, server, space)
