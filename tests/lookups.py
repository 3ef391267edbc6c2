"""A process of its own that looks one number up many times at once, as one of several workers does.

    python -m tests.lookups REDIS CARRIER NUMBER TIMES CLOCK_AHEAD

It says "ready", waits for a line, asks, and says what each look-up came to, with the seconds the slowest took.
"""

import asyncio
import sys
import time
from collections import Counter
from datetime import datetime, timedelta

import msgspec

from doorstep import Found, Query, Secret
from doorstep.budget import Budgets
from doorstep.cache import MemoryCache
from doorstep.clock import SystemClock
from doorstep.config import Store
from doorstep.fetch import Fetcher
from doorstep.leases import SharedLeases
from doorstep.metrics import Metrics
from doorstep.plugins import Plugins
from doorstep.shared_cache import RedisCache, RedisServer, TieredCache
from doorstep.tracker import Tracker

from .acme import acme, asks, parcel


class ClockAhead(SystemClock):
    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._ahead


class Worker:
    """What one process has of an engine, with one carrier that is asked over HTTP."""

    def __init__(self, redis: str, carrier: str, ahead: float = 0.0) -> None:
        clock, metrics, near = ClockAhead(ahead), Metrics(), MemoryCache(SystemClock())
        self._metrics = metrics
        self.server = RedisServer(redis, metrics=metrics, retry_after=0.05)
        self.cache = TieredCache(near, RedisCache(self.server))
        self.fetcher = Fetcher(clock=clock, metrics=metrics, budgets=Budgets(clock, self.server))
        plugins = Plugins()
        account = acme(_track, endpoint=carrier)
        plugins.manifests["acme"] = account.carrier.manifest
        plugins.accounts["acme"] = account
        self.accounts = (account,)
        self.tracker = Tracker(
            plugins, self.fetcher, self.cache, clock=clock, metrics=metrics, secret=Secret("s" * 32),
            leases=SharedLeases(self.server, near),
        )  # fmt: skip

    async def look_up(self, number: str, wait: float = 10.0) -> str:
        lookup = await self.tracker.look_up(number, Store(name="Test"), wait=wait)
        return str(lookup.outcome)

    def failures(self) -> dict[str, float]:
        """How often the server did not answer, by command."""
        samples = (sample for metric in self._metrics.cache_failures.collect() for sample in metric.samples)
        return {one.labels["operation"]: one.value for one in samples if one.name.endswith("_total")}

    async def close(self) -> None:
        await self.tracker.close()
        await self.fetcher.aclose()
        await self.cache.close()


def _track(query: Query):
    return asks(then=lambda response: Found((parcel(query.number),)), path=f"/track/{query.number}")(query)


async def _main(redis: str, carrier: str, number: str, times: int, ahead: float) -> None:
    worker = Worker(redis, carrier, ahead)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    begun = time.monotonic()
    outcomes = Counter(await asyncio.gather(*(worker.look_up(number) for _ in range(times))))
    said = {"outcomes": outcomes, "seconds": time.monotonic() - begun}
    print(msgspec.json.encode(said).decode(), flush=True)
    await worker.close()


if __name__ == "__main__":
    redis, carrier, number, times, ahead = sys.argv[1:]
    asyncio.run(_main(redis, carrier, number, int(times), float(ahead)))
