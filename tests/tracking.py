"""A tracker with carriers that answer what a test says, and everything they were asked."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import structs

from doorstep import NoSettings, Secret
from doorstep.cache import MemoryCache
from doorstep.carrier import Carrier
from doorstep.config import Store
from doorstep.manifest import Format
from doorstep.metrics import Metrics
from doorstep.plugins import Account, Plugins
from doorstep.tracker import NoRecords, Tracker

from .acme import ACME, CODES

NUMBER = "123456789"
STORE = Store(name="Test")


class FakeFetcher:
    """`answers` by account: an answer, an error, or a function of the query. `gate` holds every answer while it is clear."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, str, str]] = []  # account, number, language
        self.strangers: list[bool] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def track(self, account: Account, query: Any, *, stranger: bool = True, wire: Any = None) -> Any:
        self.strangers.append(stranger)
        self.asked.append((account.name, query.number, query.language))
        answer = self.answers[account.name]  # as it is when the carrier is asked
        await self.gate.wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer(query) if callable(answer) else answer

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.asked]


class SpiedCache(MemoryCache):
    """Keeps every key it was ever given."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.keys: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        self.keys.setdefault(key, b"")
        return await super().get(key)

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        self.keys[key] = value
        await super().set(key, value, ttl)


class Rig:
    """Carriers are given as slug=rank; rank 0 is a carrier without an API, known by number and link only."""

    def __init__(
        self, clock: Any, *, cache: Any = None, secret: str = "s" * 32, records: Any = None, leases: Any = None,
        fetcher: Any = None, **ranks: int,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.fetcher = fetcher or FakeFetcher()
        self.metrics = Metrics()
        self.cache = cache or SpiedCache(clock)
        self.plugins = Plugins()
        for slug, rank in (ranks or {"acme": 80}).items():
            self._add(slug, rank)
        self._secret, self._records, self._leases = Secret(secret), records or NoRecords(), leases
        self.tracker = self._new_tracker()

    def _new_tracker(self) -> Tracker:
        return Tracker(
            self.plugins, self.fetcher, self.cache, clock=self.clock, metrics=self.metrics, secret=self._secret,
            records=self._records, leases=self._leases,
        )  # fmt: skip

    def aggregator(self, slug: str, *, strangers: float = 1.0) -> None:
        """A carrier that answers for others and has no numbers of its own."""
        manifest = structs.replace(ACME, slug=slug, name=slug.title(), formats=(), aggregator=True)
        self.plugins.manifests[slug] = manifest
        carrier = Carrier(manifest, CODES, NoSettings())
        self.plugins.accounts[slug] = Account(slug, carrier, strangers=strangers, revision="1")
        self.restart()

    def restart(self) -> None:
        """As another process: which carriers there are is settled at the start."""
        self.tracker = self._new_tracker()

    def _add(self, slug: str, rank: int) -> None:
        formats = (Format("nine digits", "[0-9]{9}", rank or 50),)
        manifest = structs.replace(
            ACME, slug=slug, name=slug.title(), formats=formats, endpoint=ACME.endpoint if rank else ""
        )
        self.plugins.manifests[slug] = manifest
        if rank:
            self.plugins.accounts[slug] = Account(slug, Carrier(manifest, CODES, NoSettings()), revision="1")

    async def look_up(self, number: str = NUMBER, store: Store = STORE, **options: Any) -> Any:
        return await self.tracker.look_up(number, store, **{"wait": 5, **options})

    async def landed(self) -> None:
        """Every question under way has come to its end."""
        await self.tracker.questions.landed()


RigOf = Callable[..., Rig]
