"""A cluster whose slots move and whose nodes go: what was kept is found, what is lost is a miss. Real servers."""

import asyncio

import pytest

from doorstep.cache import MemoryCache
from doorstep.leases import SharedLeases
from doorstep.metrics import Metrics
from doorstep.shared_cache import RedisCache, RedisServer

from ..rigs import cluster, node_id, told
from ..servers import until

pytestmark = pytest.mark.anyio
SLOT = "15495"  # of {a}, by CRC16: on the third node


@pytest.fixture
async def moving(tmp_path):
    """A client of a cluster, from where and to where the slot of {a} moves, and where it stands."""
    async with cluster(tmp_path) as (url, nodes):
        server = RedisServer(url, metrics=Metrics(), retry_after=0.05)
        await RedisCache(server).get("{a}")
        await until(lambda: server.healthy)
        yield server, nodes[2], nodes[0]
        await server.close()


async def begins(source, target):
    """The slot is on its way: what is still at the source is answered there, the rest is asked for at the target (ASK)."""
    there, here = await node_id(target), await node_id(source)
    await told(target, "CLUSTER", "SETSLOT", SLOT, "IMPORTING", here)
    await told(source, "CLUSTER", "SETSLOT", SLOT, "MIGRATING", there)


async def move(source, target, key):
    await told(source, "MIGRATE", "127.0.0.1", str(target.port), key, "0", "1000")


async def ends(source, target):
    """All nodes know where the slot is; clients do not (MOVED)."""
    for node in (target, source):
        await told(node, "CLUSTER", "SETSLOT", SLOT, "NODE", await node_id(target))


@pytest.mark.fault(9)
async def test_answers_are_found_while_their_slot_moves_and_after_it(moving):
    server, source, target = moving
    cache = RedisCache(server)
    await cache.set("{a}:one", b"1", 60)
    await cache.set("{a}:two", b"2", 60)
    await begins(source, target)
    await move(source, target, "{a}:one")
    assert [await cache.get("{a}:one"), await cache.get("{a}:two")] == [b"1", b"2"]
    await cache.set("{a}:three", b"3", 60)  # new ones are kept at the target
    await move(source, target, "{a}:two")
    await ends(source, target)
    assert [await cache.get(f"{{a}}:{name}") for name in ("one", "two", "three")] == [b"1", b"2", b"3"]
    together = await asyncio.gather(*(cache.get(f"{{a}}:{name}") for name in ("one", "two", "three")))
    assert (together, cache.healthy) == ([b"1", b"2", b"3"], True)


@pytest.mark.fault(9)
async def test_a_turn_is_had_and_an_answer_kept_where_the_slot_has_moved_to(moving, clock):
    server, source, target = moving
    leases = SharedLeases(server, MemoryCache(clock))
    mine = await leases.turn("{a}", b"")
    await begins(source, target)
    for key in ("{a}:lease", "{a}"):
        await move(source, target, key)
    await ends(source, target)
    await leases.keep("{a}", b"00000001", 60, seen=b"", token=mine.token)
    assert (await leases.turn("{a}", b"")).answer == b"00000001"
    assert server.healthy
