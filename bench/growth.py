"""What many shipments, and many scans, change: memory in Redis, look-ups, pages."""

import asyncio
import random
import time
from collections.abc import Iterator
from itertools import count, islice

from msgspec import structs

from .figures import Row, median, quantile
from .pages import DIFFERENT, FEW, beside_limit
from .parcels import number
from .seeds import Kept, Seeds, seeded
from .site import Settings, shop_engine

_SIZES = (1_000, 100_000, 1_000_000)
_BOUNDED = 100_000  # when nobody named the case
_VARIED = 5_000  # different texts; the keys differ all
_LOOK_UPS = 2_000
_SCANS = (10, 500)


def growth(*, named: bool) -> list[Row]:
    """1,000, 100,000 and (when the case is named) a million shipments of 12 scans in Redis: bytes each with all keys, and
    look-ups of numbers at random; then pages of 10 and of 500 scans"""
    return [*_shipments(max(_SIZES) if named else _BOUNDED), *_scans()]


def _shipments(most: int) -> list[Row]:
    rows = []
    with seeded() as (settings, seeds):
        empty = _used(seeds)
        templates = [seeds.kept(n) for n in range(_VARIED)]
        packed = median(len(one.answer) for one in templates)
        every = _endless(seeds, templates)
        laid = 0
        for size in (size for size in _SIZES if size <= most):
            seeds.put(islice(every, size - laid))
            laid = size
            rows.append(
                {
                    "name": f"growth, {size:,} shipments",
                    "bytes_each": round((_used(seeds) - empty) / size),
                    "answer_bytes": round(packed),
                    "answer_key_bytes": round(median(_key_bytes(seeds, size))),
                    **asyncio.run(_look_ups(settings, size)),
                }
            )
    return rows


def _endless(seeds: Seeds, templates: list[Kept]) -> Iterator[Kept]:
    for n in count():
        yield structs.replace(templates[n % len(templates)], answer_key=seeds.key(n))


def _used(seeds: Seeds) -> int:
    return int(seeds.redis.info("memory")["used_memory"])


def _key_bytes(seeds: Seeds, size: int) -> list[int]:
    """What Redis itself says of an answer's key."""
    some = random.Random(1).choices(range(size), k=200)
    return [int(seeds.redis.memory_usage(seeds.key(n)) or 0) for n in some]


async def _look_ups(settings: Settings, size: int) -> Row:
    """One after the other, as the pages of one reader would: number to shipment."""
    engine = shop_engine(settings)
    store = engine.shops.all[0].config
    chance = random.Random(2)
    try:
        seconds, missed = [], 0
        for _ in range(_LOOK_UPS):
            asked = number(chance.randrange(size))
            began = time.perf_counter()
            lookup = await engine.tracker.look_up(asked, store, wait=5)
            seconds.append((time.perf_counter() - began) * 1e6)
            missed += not lookup.shipments
    finally:
        await engine.tracker.close()
        await engine.cache.close()
    p50, p99 = round(median(seconds), 1), round(quantile(seconds, 0.99), 1)
    return {"look_up_p50_us": p50, "look_up_p99_us": p99, "missed": missed}


def _scans() -> list[Row]:
    """Pages made anew, as in `miss`."""
    rows = []
    for scans in _SCANS:
        with seeded(near_megabytes=FEW) as (settings, seeds):
            seeds.lay(range(DIFFERENT), scans=scans)
            paths = [f"/track/{number(n)}" for n in range(DIFFERENT)]
            answer = len(seeds.kept(0, scans=scans).answer)
            rows.append(beside_limit(f"growth, {scans} scans", settings, paths, answer_bytes=answer))
    return rows
