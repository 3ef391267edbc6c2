"""By its URL a server is found: with a password, over TLS, by its Sentinels, as a cluster. All are real servers."""

import asyncio
import ssl
from pathlib import Path

import pytest

from doorstep.cache import MemoryCache
from doorstep.leases import SharedLeases
from doorstep.metrics import Metrics
from doorstep.redis_urls import open_client
from doorstep.shared_cache import RedisCache, RedisServer

from .rigs import cluster, proxied, watched
from .servers import redis_server

pytestmark = pytest.mark.anyio
CERTIFICATE = Path(__file__).parent / "self_signed.pem"  # for 127.0.0.1


@pytest.fixture
async def open_server():
    opened = []

    def open_one(url):
        opened.append(RedisServer(url, metrics=Metrics(), retry_after=0.05))
        return opened[-1]

    yield open_one
    for server in opened:
        await server.close()


async def found(server):
    """The first connection may take longer than a page waits; the server is then found quietly."""
    async with asyncio.timeout(40):
        while await RedisCache(server).get("{k}") is not None or not server.healthy:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def works(server, clock, key="{k}"):
    """A value, two of one number, a turn, an answer and a message go there and come back."""
    cache, leases = RedisCache(server), SharedLeases(server, MemoryCache(clock))
    await cache.set(key, b"00000001", 60)
    turn = await leases.turn(key, b"00000001")
    await leases.keep(key, b"00000002", 60, seen=b"00000001", token=turn.token)
    kept = await cache.get_all(key, f"{key}other")
    answer = (await leases.turn(key, b"00000001")).answer
    return (await cache.get(key), kept, answer) == (b"00000002", [b"00000002", None], b"00000002")


async def test_a_user_of_an_access_list_signs_in(tmp_path, open_server, clock):
    allowed = ("~ds2-*", "~doorstep:*", "&*", "+@all", "-@dangerous")
    with redis_server(tmp_path, "--user", "shop", "on", ">open-sesame", *allowed, "--user", "default", "off") as server:
        assert await works(open_server(server.url.replace("//", "//shop:open-sesame@")), clock, "ds2-0:{k}")
        assert not await works(open_server(server.url.replace("//", "//shop:guess@")), clock, "ds2-0:{k}")


async def test_a_server_behind_tls_is_believed_only_with_a_certificate_that_is_known(tmp_path, open_server, clock):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    with redis_server(tmp_path) as server:
        async with proxied(server.port, tls=context) as proxy:
            believing = open_server(f"{proxy.url}?ssl_ca_certs={CERTIFICATE}")
            await found(believing)
            assert await works(believing, clock)
            assert not await works(open_server(proxy.url), clock)


@pytest.mark.fault(8)
async def test_a_master_that_dies_is_followed_to_the_one_that_the_sentinels_name(tmp_path, open_server, clock):
    with watched(tmp_path) as rig:
        server = open_server(rig.url)
        await found(server)
        assert await works(server, clock)
        rig.master.kill()
        cache = RedisCache(server)
        lost = await cache.get("{k}")
        assert (lost, cache.healthy) == (None, False)
        async with asyncio.timeout(40):  # a failover is a vote, a promotion and the news of both
            while not cache.healthy:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await works(server, clock, "{other}")


@pytest.mark.fault(9)
async def test_a_cluster_keeps_what_belongs_to_one_number_together_and_outlives_a_node(tmp_path, open_server, clock):
    async with cluster(tmp_path) as (url, nodes):
        server = open_server(url)
        await found(server)
        # By CRC16: {a} is slot 15495, {b} 3300, {c} 7365: one on each node.
        assert [await works(server, clock, key) for key in ("{a}", "{b}", "{c}")] == [True] * 3
        nodes[2].kill()
        cache = RedisCache(server)
        assert (await cache.get("{b}"), await cache.get("{c}")) == (b"00000002", b"00000002")
        assert await cache.get("{a}") is None


async def test_what_is_no_address_of_a_redis_is_refused_at_once():
    for url in ("redis+magic://127.0.0.1", "http://127.0.0.1", "127.0.0.1:6379"):
        with pytest.raises(ValueError, match=r"."):
            open_client(url)
