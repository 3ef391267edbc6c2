"""One contract for the caches in the process, in Redis and in both; Redis is a real server."""

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest

from doorstep.cache import MemoryCache
from doorstep.metrics import Metrics
from doorstep.shared_cache import RedisCache, RedisServer, TieredCache

from .servers import redis_url

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def shared_url(tmp_path_factory):
    with redis_url(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["memory", "redis", "tiered"])
async def cache(request, clock):
    if request.param == "memory":
        cache = MemoryCache(clock)
    else:
        shared = RedisCache(RedisServer(request.getfixturevalue("shared_url"), metrics=Metrics()))
        cache = shared if request.param == "redis" else TieredCache(MemoryCache(clock), shared)
    yield cache
    await cache.close()


@pytest.fixture
def key():
    return f"test:{uuid4()}"


async def test_a_key_that_nobody_set_is_a_miss(cache, key):
    assert await cache.get(key) is None


@pytest.mark.parametrize("value", [b"", b"x", bytes(range(256)), b"\r\n$5\r\n", bytes(1_000_000)], ids=len)
async def test_bytes_come_back_as_they_were(cache, key, value):
    await cache.set(key, value, 60)
    assert await cache.get(key) == value


async def test_a_later_value_replaces_the_earlier_one(cache, key):
    await cache.set(key, b"00000001 earlier", 60)
    await cache.set(key, b"00000002 later", 60)
    assert await cache.get(key) == b"00000002 later"


async def test_a_value_is_gone_when_its_time_is_over(cache, key, clock):
    await cache.set(key, b"short", 0.05)
    await cache.set(key + ":long", b"long", 3600)
    clock.advance(0.05)
    async with asyncio.timeout(10):
        while await cache.get(key) is not None:  # Redis has a clock of its own
            await asyncio.sleep(0.01)
            clock.advance(0.01)
    assert await cache.get(key + ":long") == b"long"


@pytest.mark.parametrize("ttl", [0, -1])
async def test_a_value_without_a_life_is_not_kept_and_ends_the_one_before(cache, key, ttl):
    await cache.set(key, b"before", 60)
    await cache.set(key, b"now", ttl)
    assert await cache.get(key) is None


@pytest.mark.parametrize("odd", ["", " ", "ä\u202e", "a\r\nFLUSHALL\r\n", "x" * 10_000, "*", "{a}:b"])
async def test_any_text_is_a_key(cache, key, odd):
    await cache.set(key + odd + "'", b"1", 60)
    assert await cache.get(key + odd + "'") == b"1"
    assert await cache.get(key + odd) is None


async def test_many_readers_and_writers_at_once_get_each_their_own(cache, key):
    keys = [f"{key}:{n}" for n in range(60)]
    await asyncio.gather(*(cache.set(one, one.encode(), 60) for one in keys))
    values = await asyncio.gather(*(cache.get(one) for one in keys))
    assert values == [one.encode() for one in keys]


async def test_a_cache_at_work_is_healthy_and_can_be_closed_twice(cache, key):
    assert cache.healthy
    await cache.close()


async def test_memory_is_bounded_and_the_least_recently_used_goes_first(clock):
    cache = MemoryCache(clock, most_bytes=40)
    for name in "abcd":
        await cache.set(name, b"123456789", 60)  # ten bytes each, with the key
    await cache.get("a")
    await cache.set("e", b"123456789", 60)
    assert [name for name in "abcde" if await cache.get(name)] == ["a", "c", "d", "e"]
    await cache.set("f", b"1" * 29, 60)
    assert [name for name in "abcdef" if await cache.get(name)] == ["e", "f"]


async def test_what_is_larger_than_the_memory_is_not_kept_and_pushes_nothing_out(clock):
    cache = MemoryCache(clock, most_bytes=40)
    await cache.set("a", b"1", 60)
    await cache.set("b", b"1" * 40, 60)
    assert (await cache.get("a"), await cache.get("b")) == (b"1", None)


async def test_replacing_and_expiring_give_the_room_back(clock):
    cache = MemoryCache(clock, most_bytes=40)
    for size in (30, 5, 30, 5):
        await cache.set("a", b"1" * size, 10)
    await cache.set("b", b"1" * 20, 60)
    assert await cache.get("a") == b"1" * 5
    clock.advance(10)
    assert await cache.get("a") is None
    await cache.set("c", b"1" * 18, 60)
    assert await cache.get("b") == b"1" * 20
    assert await cache.get("c") == b"1" * 18


async def test_a_process_reads_what_another_wrote(shared_url, clock, key):
    one = TieredCache(MemoryCache(clock), RedisCache(RedisServer(shared_url, metrics=Metrics())))
    other = TieredCache(MemoryCache(clock), RedisCache(RedisServer(shared_url, metrics=Metrics())))
    await one.set(key, b"2026.001 old", 60)
    assert await other.get(key) == b"2026.001 old"
    await other.set(key, b"2026.002 new", 60)
    assert await one.get(key) == b"2026.002 new"
    await one.close()
    await other.close()


async def test_what_another_process_wrote_is_near_once_it_was_read_and_for_no_longer_than_there(shared_url, clock, key):
    one, near = RedisCache(RedisServer(shared_url, metrics=Metrics())), MemoryCache(clock)
    reader = TieredCache(near, RedisCache(RedisServer(shared_url, metrics=Metrics())))
    await one.set(key, b"00000001 old", 60)
    assert await reader.get(key) == b"00000001 old" == await near.get(key)
    await one.set(key, b"00000002 new", 60)
    assert await reader.get(key) == b"00000002 new" == await near.get(key)
    clock.advance(60)
    assert await near.get(key) is None
    await one.close()
    await reader.close()


def test_a_shop_without_redis_starts_without_its_client_an_orm_another_database_or_codes_nobody_asked_for():
    script = (
        "import sys; from doorstep.engine import create_engine; from doorstep.config import Config, Store;"
        "from doorstep.secret import Secret;"
        "config = Config(stores={'main': Store(name='Shop')}, secret_key=(Secret('x' * 32),), database='sqlite://',"
        "redis=Secret(sys.argv[1])); create_engine(config, packages=[]);"
        "unneeded = ('sqlalchemy.orm', 'alembic', 'sqlalchemy.dialects.postgresql', 'segno', 'uvicorn', 'click');"
        "print([name for name in ('redis', *unneeded) if name in sys.modules])"
    )
    started = [
        subprocess.run([sys.executable, "-c", script, redis], capture_output=True, text=True, check=True).stdout
        for redis in ("", "redis://127.0.0.1:9/0")
    ]
    assert started == ["[]\n", "['redis']\n"]
