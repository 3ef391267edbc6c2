"""A shared cache that is killed, frozen, full or talking rubbish is a miss, costs a time-out once, and comes back quietly."""

import asyncio
import random
import time
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from doorstep.cache import MemoryCache
from doorstep.metrics import Metrics
from doorstep.shared_cache import RedisCache, RedisServer, TieredCache

from .rigs import proxied
from .servers import redis_server, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def server(tmp_path):
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
async def open_cache():
    """`open_cache(url)`: a cache that looks for a lost server every 50 ms; closed after the test."""
    opened = []

    def open_one(url):
        metrics = Metrics()
        cache = RedisCache(RedisServer(url, metrics=metrics, retry_after=0.05))
        opened.append(cache)
        return cache, lambda operation="get": failures(metrics, operation)

    yield open_one
    for cache in opened:
        await cache.close()


def failures(metrics, operation):
    return metrics.registry.get_sample_value("doorstep_cache_failures_total", {"operation": operation}) or 0


@asynccontextmanager
async def client(url):
    redis = Redis.from_url(url)
    try:
        yield redis
    finally:
        await redis.aclose()


async def test_a_killed_server_is_a_miss_and_is_not_asked_again_by_pages(server, open_cache):
    cache, failed = open_cache(server.url)
    await cache.set("k", b"v", 60)
    server.kill()
    assert await cache.get("k") is None
    assert not cache.healthy
    for _ in range(100):
        assert await cache.get("k") is None
        await cache.set("k", b"v", 60)
    assert (failed("get"), failed("set")) == (1, 0)


@pytest.mark.fault(2)
async def test_a_frozen_server_costs_one_time_out_and_then_nothing(server, open_cache):
    cache, failed = open_cache(server.url)
    await cache.set("k", b"v", 60)
    server.freeze()
    async with asyncio.timeout(5):
        assert await cache.get("k") is None
        for _ in range(100):
            assert await cache.get("k") is None
    assert failed("get") == 1
    server.thaw()


async def test_pages_that_wait_together_for_a_frozen_server_wait_for_the_same_time_out(server, open_cache):
    cache, failed = open_cache(server.url)
    await cache.set("k", b"v", 60)
    server.freeze()
    async with asyncio.timeout(5):  # fifty time-outs one after the other would take longer
        assert await asyncio.gather(*(cache.get("k") for _ in range(50))) == [None] * 50
    assert failed("get") <= 50
    server.thaw()


@pytest.mark.fault(2)
async def test_a_server_that_has_answered_is_not_lost_because_our_own_loop_was_held(server, open_cache):
    cache, failed = open_cache(server.url)
    await cache.set("k", b"v", 60)
    for turns in range(8):  # before the question goes out, on its way, and when the answer is there
        asked = asyncio.create_task(cache.get("k"))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251  # longer than a server is waited for
        assert await asked == b"v"
    assert (failed("get"), cache.healthy) == (0, True)


@pytest.mark.fault(2)
async def test_a_server_that_is_reached_for_the_first_time_by_a_busy_loop_is_there(server, open_cache):
    cache, failed = open_cache(server.url)
    loop = asyncio.get_running_loop()

    def hold():
        nonlocal held
        time.sleep(0.1)
        held = loop.call_soon(hold)

    held = loop.call_soon(hold)
    await cache.set("k", b"v", 60)
    assert await cache.get("k") == b"v"
    held.cancel()
    assert (failed("set"), failed("get"), cache.healthy) == (0, 0, True)


@pytest.mark.fault(2)
async def test_a_server_that_thaws_is_found_again_with_what_it_kept(server, open_cache):
    cache, _ = open_cache(server.url)
    await cache.set("k", b"v", 60)
    server.freeze()
    await cache.get("k")
    server.thaw()
    await until(lambda: cache.healthy)
    assert await cache.get("k") == b"v"


async def test_a_server_that_is_started_again_is_found_again(server, open_cache):
    cache, failed = open_cache(server.url)
    server.kill()
    await cache.set("k", b"v", 60)
    assert not cache.healthy
    server.start()
    await until(lambda: cache.healthy)
    assert await cache.get("k") is None
    await cache.set("k", b"v", 60)
    assert await cache.get("k") == b"v"
    assert (failed("get"), failed("set")) == (0, 1)


async def test_the_second_loss_is_noticed_like_the_first(server, open_cache):
    cache, failed = open_cache(server.url)
    for losses in (1, 2):
        server.kill()
        await cache.get("k")
        assert (cache.healthy, failed("get")) == (False, losses)
        server.start()
        await until(lambda: cache.healthy)


async def test_a_server_that_never_was_there_is_a_miss(open_cache):
    cache, _ = open_cache("redis://127.0.0.1:1/0")
    assert await cache.get("k") is None
    await cache.set("k", b"v", 60)
    assert not cache.healthy


async def test_with_the_server_lost_the_process_serves_what_it_has(server, open_cache, clock):
    shared, _ = open_cache(server.url)
    cache = TieredCache(MemoryCache(clock), shared)
    await cache.set("before", b"1", 60)
    server.kill()
    await cache.set("after", b"2", 60)
    assert (await cache.get("before"), await cache.get("after")) == (b"1", b"2")
    assert not cache.healthy


async def test_what_was_read_outlives_a_server_that_is_lost_in_the_same_moment(server, clock):
    class Reading(RedisCache):
        """The server dies once the value was given."""

        async def get(self, key):
            value = await super().get(key)
            server.kill()
            return value

    shared, writer = RedisServer(server.url, metrics=Metrics()), RedisCache(RedisServer(server.url, metrics=Metrics()))
    await writer.set("k", b"00000002 new", 60)
    near = MemoryCache(clock)
    await near.set("k", b"00000001 old", 60)
    cache = TieredCache(near, Reading(shared))
    assert [await cache.get("k"), await cache.get("k")] == [b"00000002 new"] * 2
    await cache.close()
    await writer.close()


async def test_a_key_of_another_type_is_a_miss_and_is_overwritten(server, open_cache):
    cache, failed = open_cache(server.url)
    async with client(server.url) as redis:
        await redis.rpush("k", "a list")
    assert await cache.get("k") is None
    assert (failed("get"), cache.healthy) == (1, True)
    await cache.set("k", b"v", 60)
    assert await cache.get("k") == b"v"


async def test_what_is_kept_in_redis_has_an_end(server, open_cache):
    cache, _ = open_cache(server.url)
    await cache.set("k", b"v", 90)
    await cache.set("tiny", b"v", 0.0001)
    async with client(server.url) as redis:
        assert 80_000 < await redis.pttl("k") <= 90_000
        assert await redis.pttl("tiny") in (-2, 0, 1)


async def test_a_full_server_keeps_nothing_new_and_fails_nobody(tmp_path, open_cache):
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as server:
        cache, failed = open_cache(server.url)
        for n in range(8):
            await cache.set(f"k{n}", bytes(1_000_000), 60)
        assert failed("set") > 0
        assert cache.healthy
        assert await cache.get("k7") is None
        assert await cache.get("k0") == bytes(1_000_000)


@pytest.mark.fault(8)
async def test_a_replica_that_takes_no_writes_fails_nobody(tmp_path, open_cache):
    with redis_server(tmp_path, "--replicaof", "127.0.0.1", "1") as server:
        cache, failed = open_cache(server.url)
        await cache.set("k", b"v", 60)
        assert await cache.get("k") is None
        assert (failed("set"), cache.healthy) == (1, True)


async def test_a_wrong_password_is_a_miss_and_the_right_one_works(tmp_path, open_cache):
    with redis_server(tmp_path, "--requirepass", "open-sesame") as server:
        wrong, _ = open_cache(server.url.replace("//", "//:guess@"))
        assert await wrong.get("k") is None
        right, _ = open_cache(server.url.replace("//", "//:open-sesame@"))
        await right.set("k", b"v", 60)
        assert await right.get("k") == b"v"


RUBBISH = {
    "not the protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "truncated": b"$100\r\nabc",
    "absurd length": b"$99999999999999999999\r\nx\r\n",
    "another type": b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
    "a number": b":17\r\n",
    "hung up": b"",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH)
@pytest.mark.fault(4)
async def test_a_server_that_talks_rubbish_is_a_miss(open_cache, answer):
    async def talk(reader, writer):
        while b"GET\r\n" not in (said := await reader.read(4096)):
            writer.write(b"+OK\r\n" * said.count(b"*"))  # to whatever the client says first
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    cache, _ = open_cache(f"redis://127.0.0.1:{port}/0")
    async with asyncio.timeout(5):
        assert await cache.get("k") is None
    await cache.close()
    server.close()
    await server.wait_closed()


async def test_three_hundred_readers_that_give_up_never_get_the_next_ones_value(server, open_cache):
    cache, _ = open_cache(server.url)
    keys = [f"k{n}" for n in range(20)]
    for key in keys:
        await cache.set(key, key.encode() * 500, 60)
    chance = random.Random(17)
    for _ in range(300):
        reader = asyncio.create_task(cache.get(chance.choice(keys)))
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        key = chance.choice(keys)
        assert await cache.get(key) in (key.encode() * 500, None)
    await until(lambda: cache.healthy)

    async def there(key: str) -> bytes:
        while (value := await cache.get(key)) is None:  # noqa: ASYNC110  # on a busy machine it is lost for a moment
            await asyncio.sleep(0.05)
        return value

    async with asyncio.timeout(30):
        assert [await there(key) for key in keys] == [key.encode() * 500 for key in keys]


async def test_a_cache_that_is_closed_while_it_looks_for_its_server_leaves_nothing_behind(open_cache):
    cache, _ = open_cache("redis://127.0.0.1:1/0")
    await cache.get("k")
    before = len(asyncio.all_tasks())
    await cache.close()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before - 1


async def test_what_is_asked_in_one_turn_of_the_loop_goes_out_and_comes_back_together(server):
    async with proxied(server.port) as proxy:
        shared = RedisServer(proxy.url, metrics=Metrics())
        cache = RedisCache(shared)
        await cache.set("k3", b"3", 60)
        answers = []

        def noted(piece):
            answers.append(piece)
            return piece

        proxy.change = noted
        values = await asyncio.gather(*(cache.get(f"k{n}") for n in range(40)))
        assert values == [b"3" if n == 3 else None for n in range(40)]
        assert len(answers) == 1
        await shared.close()


async def test_an_answer_written_in_an_outage_is_not_hidden_by_the_older_one_in_redis(server, open_cache, clock):
    shared, _ = open_cache(server.url)
    cache = TieredCache(MemoryCache(clock), shared)
    await cache.set("k", b"00000001 before", 60)
    server.freeze()
    await cache.set("k", b"00000002 meanwhile", 60)
    server.thaw()
    await until(lambda: cache.healthy)
    assert await shared.get("k") in (b"00000001 before", b"00000002 meanwhile")
    assert await cache.get("k") == b"00000002 meanwhile"


async def test_connections_that_the_server_has_closed_meanwhile_are_opened_anew_and_nothing_is_lost(server, open_cache):
    cache, failed = open_cache(server.url)
    await asyncio.gather(*(cache.set(f"k{nth}", b"1", 60) for nth in range(3)))
    async with Redis.from_url(server.url) as operator:
        await operator.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await asyncio.sleep(0.1)  # until it is read here
    assert await cache.get_all("k0", "k1", "k2") == [b"1"] * 3
    assert (cache.healthy, failed()) == (True, 0)
