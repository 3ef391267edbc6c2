"""Answers laid into Redis as the engine keeps them, so that pages can be asked for without any carrier."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from msgspec import Struct, structs
from tests.servers import RedisServer, redis_server

from doorstep import Found
from doorstep.compact import pack
from doorstep.engine import Engine
from doorstep.freshness import KEPT, Entry

from .parcels import CARRIER, number, parcel
from .site import Settings, shop_engine

_AT_ONCE = 2000  # keys in one round trip
_LANGUAGE = "en"


class Kept(Struct, frozen=True):
    """What Redis holds of one parcel: the key that two have in common, and both values."""

    answer_key: str
    answer: bytes
    home: bytes

    @property
    def home_key(self) -> str:
        return self.answer_key[: self.answer_key.index("}") + 1]


class Seeds:
    """For the shop of these settings, whose Redis they name."""

    def __init__(self, settings: Settings) -> None:
        self.redis = redis.Redis.from_url(settings.redis)
        self.fetched_at = datetime.now(UTC)
        self._engine: Engine = shop_engine(structs.replace(settings, redis=""))
        self._account = self._engine.plugins.accounts[CARRIER]
        self._home = asyncio.run(self._remembered())

    def lay(self, numbers: Iterable[int], *, scans: int = 12) -> None:
        """Lays these parcels into Redis."""
        self.put(self.kept(n, scans=scans) for n in numbers)

    def kept(self, n: int, *, scans: int = 12) -> Kept:
        return Kept(self.key(n), pack(Entry(self.found(n, scans=scans), self.fetched_at)), self._home)

    def found(self, n: int, *, scans: int = 12) -> Found:
        return parcel(n, self._account.carrier.manifest, scans=scans)

    def key(self, n: int) -> str:
        return self._engine.tracker.questions.key(self._account, number(n), _LANGUAGE)

    def put(self, kept: Iterable[Kept]) -> None:
        pipeline = self.redis.pipeline(transaction=False)
        for one in kept:
            pipeline.set(one.answer_key, one.answer, ex=int(KEPT))
            pipeline.set(one.home_key, one.home, ex=int(KEPT))
            if len(pipeline) >= _AT_ONCE:
                pipeline.execute()
        pipeline.execute()

    async def _remembered(self) -> bytes:
        """What the engine writes down when it knows whose number it is; the same for every number of this carrier."""
        await self._engine.tracker.questions.remember(number(0), CARRIER)
        home = await self._engine.cache.get(Kept(self.key(0), b"", b"").home_key)
        if home is None:
            raise RuntimeError("the carrier of a number is kept elsewhere now")
        return home


@contextmanager
def seeded(
    numbers: Iterable[int] = (), *, near_megabytes: int = 64, carrier: str = ""
) -> Iterator[tuple[Settings, Seeds]]:
    """A shop with a Redis of its own, in which these parcels lie."""
    with TemporaryDirectory(prefix="doorstep-bench-") as folder, redis_server(Path(folder)) as server:
        settings = Settings(folder, server.url, near_megabytes=near_megabytes)
        settings = structs.replace(settings, carrier=carrier) if carrier else settings
        seeds = Seeds(settings)
        seeds.lay(numbers)
        yield settings, seeds


def redis_process(server: RedisServer) -> int:
    return int(redis.Redis.from_url(server.url).info("server")["process_id"])
