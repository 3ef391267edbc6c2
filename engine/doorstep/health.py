"""What operators and their machines ask: does the process answer, has it what it needs, what has it counted.

Grace hides outages: pages go on from what is kept. So it is told since when something is amiss, and how old what is shown is.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import metrics, responses
from .cache import Cache
from .channels import Channels
from .clock import Clock
from .connectors import Connectors
from .database import Database
from .fetch import Fetcher
from .invalidation import TRUST, Invalidation
from .metrics import Metrics
from .openapi import Operation, routes
from .plugins import Plugins, State
from .shops import Shops
from .sources import Sources
from .wardrobe import Wardrobe


class Part(Struct, frozen=True, omit_defaults=True):
    """What is amiss: its `kind` (`database`, `redis`, `channel`, `account`, `carrier`, `plugin`, `widget`, `connector`,
    `messages`, `source`, `theme`, `settings`), which of them by `name`, and `since` when, as far as this process knows."""

    kind: str
    reason: str
    name: str = ""
    since: datetime | None = None

    @property
    def told(self) -> str:
        return f"{self.kind} {self.name}".rstrip() + f": {self.reason}"


class Health(Struct, frozen=True, omit_defaults=True):
    """`ready`, `degraded` or `broken`; what is `amiss` in words, and as `parts` for machines. `oldest_shown_seconds`: how old
    was the oldest that was shown in the last ten minutes because its carrier could not be asked again."""

    status: str
    amiss: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    oldest_shown_seconds: int | None = None


class Alive(Struct, frozen=True):
    """The process answers."""

    status: str = "ok"


class HealthApi:
    """`/healthz`: the process answers. `/readyz`: what it needs is there, or what works without. `/metrics`."""

    def __init__(
        self, database: Database, cache: Cache, invalidation: Invalidation, plugins: Plugins, connectors: Connectors,
        shops: Shops, fetcher: Fetcher, counted: Metrics, wardrobe: Wardrobe, sources: Sources, channels: Channels, *,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._cache = cache
        self._invalidation = invalidation
        self._plugins = plugins
        self._connectors = connectors
        self._shops = shops
        self._fetcher = fetcher
        self._metrics = counted
        self._wardrobe = wardrobe
        self._sources = sources
        self._channels = channels
        self._clock = clock
        self._started = clock.now()
        self._unstored_since: datetime | None = None

    def operations(self) -> list[Operation]:
        """What is the same for every host."""
        return [
            Operation("GET", "/healthz", self.healthz, "healthz", "The process answers", {200: Alive}, everywhere=True),
            Operation(
                "GET", "/readyz", self.readyz, "readyz", "What it needs is there", {200: Health, 503: Health},
                everywhere=True,
            ),
        ]  # fmt: skip

    def routes(self) -> list[Route]:
        """What is below `/`, whatever the host."""
        return [*routes(self.operations()), Route("/metrics", self.metrics)]

    async def healthz(self, request: Request) -> Response:
        return responses.json(Alive())

    async def readyz(self, request: Request) -> Response:
        """200 when ready or degraded (with what is amiss), 503 when forms could not be kept."""
        stored = await self._database.healthy()
        self._unstored_since = None if stored else self._unstored_since or self._clock.now()
        parts = (*self._broken(), *self._carriers(), *self._lost())
        status = "broken" if not stored else "degraded" if parts else "ready"
        oldest = self._metrics.outage_age.largest(self._clock.monotonic())
        health = Health(status, tuple(part.told for part in parts), parts, None if oldest is None else round(oldest))
        return responses.json(health, status=200 if stored else 503)

    async def metrics(self, request: Request) -> Response:
        for one in await self._fetcher.standings():
            self._metrics.breaker_open.labels(one.account).set(one.open_since is not None)
            self._metrics.retries_left.labels(one.account).set(one.retries)
            for left in one.left:
                self._metrics.budget_left.labels(one.account, left.limit, "orders").set(left.orders)
                self._metrics.budget_left.labels(one.account, left.limit, "strangers").set(left.strangers)
        return Response(self._metrics.render(), media_type=metrics.CONTENT_TYPE)

    def _broken(self) -> Iterator[Part]:
        """What was wrong from the start."""
        for state in self._plugins.states.values():
            if state.state is State.BROKEN:
                yield Part("carrier", state.reason, state.slug, self._started)
        for plugin in self._plugins.broken:
            yield Part("plugin", plugin.reason, plugin.plugin, self._started)
        for connector in self._connectors.problems:
            yield Part("connector", connector.reason, connector.connector, self._started)
        for account in self._channels.problems:
            yield Part("messages", account.reason, account.channel, self._started)
        for shop in self._shops.all:
            for widget in shop.problems:
                yield Part("widget", widget.reason, widget.widget, self._started)

    def _carriers(self) -> Iterator[Part]:
        for name, since in self._fetcher.shut().items():
            yield Part("account", "its carrier keeps failing; what is known is shown with its age", name, since)

    def _lost(self) -> Iterator[Part]:
        for account, reason in self._channels.troubles:
            yield Part("messages", f"{reason}; its messages wait", account)
        if self._wardrobe.problem:
            reason = f"{self._wardrobe.problem}; the last good looks stay"
            yield Part("theme", reason, since=self._wardrobe.problem_since)
        if self._wardrobe.needs_restart:
            yield Part("settings", "some have changed that are only read at start: restart")
        for source in self._sources.troubles():
            name = f"{source.store}.{source.widget}.{source.source}"
            yield Part("source", f"{source.reason}; the last good one stays, if there was any", name, source.since)
        if not self._cache.healthy:
            yield Part("redis", "not answering; answers are kept in the process", since=self._ago(self._cache.lost_for))
        distrusted = self._invalidation.distrusted_for
        if distrusted > TRUST:  # less is nothing: a process that has just begun has not been heard by all yet
            reason = "other processes are not heard; no finished page is kept near"
            yield Part("channel", reason, since=self._ago(distrusted))
        if self._unstored_since is not None:
            yield Part("database", "not answering; forms cannot be kept", since=self._unstored_since)

    def _ago(self, seconds: float) -> datetime:
        return (self._clock.now() - timedelta(seconds=seconds)).replace(microsecond=0)
