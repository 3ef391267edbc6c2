"""Whatever becomes of Redis, a look-up is answered by the carrier or by what is known, and the carrier is asked no oftener than
it must be: rows of faults against real servers."""

import asyncio
import random

import pytest

from doorstep import NotFound
from doorstep.config import Store
from doorstep.metrics import Metrics
from doorstep.patience import allowance
from doorstep.shared_cache import RedisCache, RedisServer

from ..lookups import Worker
from ..rigs import proxied
from ..servers import hostile, redis_server, reply, until

pytestmark = pytest.mark.anyio
NUMBER = "123456789"


@pytest.fixture
def server(tmp_path):
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
async def worker():
    opened = []

    def open_one(url, carrier, ahead=0.0):
        opened.append(Worker(url, carrier.url, ahead))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


async def asked(carrier, *workers, number=NUMBER):
    """What look-ups at once in these processes came to, and how often the carrier was asked for them."""
    before = len(carrier.requests)
    outcomes = await asyncio.gather(*(one.look_up(number) for one in workers))
    return set(outcomes), len(carrier.requests) - before


def after(what, answer):
    """`what` happens while the carrier is being asked."""

    async def send(writer):
        what()
        await answer(writer)

    return send


@pytest.mark.fault(1)
async def test_a_server_killed_while_the_carrier_is_asked_loses_no_answer(server, worker):
    async with hostile(after(server.kill, reply())) as carrier:
        one = worker(server.url, carrier)
        assert await asked(carrier, one) == ({"found"}, 1)
        assert not one.cache.healthy
        assert await asked(carrier, one) == ({"found"}, 0)


@pytest.mark.parametrize("answered", range(4), ids=lambda answered: f"after {answered} round trips")
@pytest.mark.fault(2)
async def test_wherever_in_a_look_up_the_server_freezes_it_is_waited_for_once(server, worker, monkeypatch, answered):
    async with hostile(reply()) as carrier:
        one = worker(server.url, carrier)
        sent, begun = one.server._rounds.replies, []

        async def freezing(commands):
            begun.append(commands)
            if len(begun) == answered + 1:
                server.freeze()
            return await sent(commands)

        monkeypatch.setattr(one.server._rounds, "replies", freezing)
        assert await asked(carrier, one) == ({"found"}, 1)
        assert len(begun) == answered + 1  # the one that was waited for in vain is the last
        server.thaw()


@pytest.mark.fault(3)
async def test_a_slow_server_is_left_alone_after_one_time_out(server, worker):
    async with hostile(reply()) as carrier, proxied(server.port) as proxy:
        one = worker(proxy.url, carrier)
        proxy.delay = lambda: 0.5
        assert await asked(carrier, one) == ({"found"}, 1)
        assert one.failures() == {"get": 1}
        proxy.delay = lambda: 0.0
        await until(lambda: one.cache.healthy)
        assert await asked(carrier, one) == ({"found"}, 0)


async def connected(server):
    """Opens connections: each takes several round trips until it is there."""
    await asyncio.gather(*(server._rounds.replies([("PING",)]) for _ in range(8)))


def had(server, monkeypatch):
    """The replies that somebody has waited for until they came."""
    do, replies = server.do, []

    async def noting(*command):
        said = await do(*command)
        replies.append(command[0])
        return said

    monkeypatch.setattr(server, "do", noting)
    return replies


@pytest.mark.parametrize("ms", [100, 150])
@pytest.mark.fault(3)
async def test_a_page_waits_for_a_slow_server_once_in_all_and_others_hear_of_the_answer(
    server, worker, monkeypatch, ms
):
    async with hostile(reply()) as carrier, proxied(server.port) as proxy:
        one, patient = worker(proxy.url, carrier), worker(proxy.url, carrier)
        await connected(one.server)
        await connected(patient.server)
        proxy.delay = lambda: ms / 1000
        ours, all_of_them = had(one.server, monkeypatch), had(patient.server, monkeypatch)
        with allowance(0.25):
            assert await asked(carrier, one) == ({"found"}, 1)
            assert len(ours) <= 250 // ms + 1  # the first round trip brings two
        assert await asked(carrier, patient, number="000000003") == ({"found"}, 1)
        assert len(all_of_them) >= 4
        assert one.cache.healthy
        assert patient.cache.healthy
        proxy.delay = lambda: 0.0
        await one.tracker.close()  # whatever is still to be told
        assert await asked(carrier, worker(server.url, carrier)) == ({"found"}, 0)


@pytest.mark.fault(3)
async def test_a_page_that_waits_no_longer_leaves_no_lease_behind(server, worker):
    async with hostile(reply()) as carrier, proxied(server.port) as proxy:
        one = worker(proxy.url, carrier)
        await connected(one.server)
        proxy.delay = lambda: 0.15
        with allowance(0.25):
            await one.look_up(NUMBER)
        proxy.delay = lambda: 0.0
        await one.tracker.close()
        assert await one.server.do("KEYS", "*:lease") == []


@pytest.mark.fault(3)
async def test_what_is_refreshed_behind_a_page_takes_its_turn_whatever_the_page_has_spent(server, worker, monkeypatch):
    async with hostile(reply()) as carrier:
        one = worker(server.url, carrier)
        replies, questions, account = had(one.server, monkeypatch), one.tracker.questions, one.accounts[0]
        key = questions.key(account, NUMBER, "en")

        async def ask():
            return NotFound()

        with allowance(0.0):
            await questions.flight(key, account, None, ask, Store(name="Test").freshness, behind=True)
        assert replies == ["EVAL", "EVAL"]  # the turn is taken, and the answer kept


WAYS = {
    "reset": lambda piece: None,
    "truncated": lambda piece: piece[: len(piece) // 2],
    "garbled": lambda piece: bytes(byte ^ 0x15 for byte in piece),
    "of another type": lambda piece: b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.fault(4)
async def test_answers_that_arrive_wrong_are_misses_and_the_next_ones_are_right(server, worker, way):
    async with hostile(reply()) as carrier, proxied(server.port) as proxy:
        one = worker(proxy.url, carrier)
        await one.look_up("000000001")
        proxy.change = WAYS[way]
        assert (await asked(carrier, one))[0] == {"found"}
        proxy.change = lambda piece: piece
        await until(lambda: one.cache.healthy)
        await one.look_up(NUMBER)
        assert await asked(carrier, one) == ({"found"}, 0)


@pytest.mark.parametrize("value", ["list", b"", b"{}", b"\x80\x04K\x01.", bytes(8) + b"\xc1" * 200], ids=str)
@pytest.mark.fault(5)
async def test_what_something_else_wrote_under_an_answers_key_is_replaced(server, worker, value):
    async with hostile(reply()) as carrier:
        one = worker(server.url, carrier)
        await one.look_up(NUMBER)
        (key,) = await one.server.do("KEYS", "*{*}*:*")
        await one.server.do("DEL", key)
        await (one.server.do("RPUSH", key, "x") if value == "list" else one.server.do("SET", key, value))
        other = worker(server.url, carrier)
        assert await asked(carrier, other) == ({"found"}, 1)
        unseen = value == "list"  # of several keys, one of another type is told as one that is not there
        assert sum(other.failures().values()) == (0 if unseen else 1)
        assert await asked(carrier, other, worker(server.url, carrier)) == ({"found"}, 0)


@pytest.mark.fault(6)
async def test_versions_with_different_formats_live_side_by_side(server, worker, monkeypatch):
    async with hostile(reply()) as carrier:
        assert await asked(carrier, worker(server.url, carrier)) == ({"found"}, 1)
        monkeypatch.setattr("doorstep.questions.FORMAT", "ds9-00000000")
        assert await asked(carrier, worker(server.url, carrier)) == ({"found"}, 1)
        assert await asked(carrier, worker(server.url, carrier)) == ({"found"}, 0)
        monkeypatch.undo()
        assert await asked(carrier, worker(server.url, carrier)) == ({"found"}, 0)


@pytest.mark.fault(7)
async def test_a_full_server_keeps_nothing_and_costs_no_answer(tmp_path, worker):
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as server:
        async with hostile(reply()) as carrier:
            one = worker(server.url, carrier)
            for n in range(8):
                await one.cache.set(f"filled{n}", bytes(1_000_000), 60)
            assert await asked(carrier, one, one, one) == ({"found"}, 1)
            assert await asked(carrier, one) == ({"found"}, 0)
            assert one.cache.healthy


@pytest.mark.fault(7)
async def test_what_a_full_server_gave_up_is_asked_for_again_and_nothing_fails(tmp_path, worker):
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server:
        async with hostile(reply()) as carrier:
            one = worker(server.url, carrier)
            await one.look_up(NUMBER)
            for n in range(20):
                await one.cache.set(f"filled{n}", bytes(500_000), 60)
            assert await one.server.do("KEYS", "*{*}*:*") == []
            assert await asked(carrier, one) == ({"found"}, 0)  # from the process's own memory
            assert await asked(carrier, worker(server.url, carrier)) == ({"found"}, 1)
            assert one.failures() == {}


@pytest.mark.fault(12)
async def test_while_the_one_who_asks_is_dead_readers_get_what_is_known_and_then_another_asks(server, worker):
    async with hostile(reply()) as carrier:
        one, later = worker(server.url, carrier), worker(server.url, carrier, ahead=86_400.0)
        await one.look_up(NUMBER)
        (key,) = await one.server.do("KEYS", "*{*}*:*")
        await one.server.do("SET", key + b":lease", "of the dead", "PX", "60000")
        for _ in range(3):
            assert await asked(carrier, later) == ({"found"}, 0)
        await one.server.do("PEXPIRE", key + b":lease", 1)
        await later.tracker.questions.landed()
        assert len(carrier.requests) == 2


@pytest.mark.fault(11)
async def test_a_server_that_comes_back_empty_under_load_is_one_call_in_all(server, worker):
    async with hostile(reply()) as carrier:
        await worker(server.url, carrier).look_up(NUMBER)
        server.kill()
        server.start()
        one, other = worker(server.url, carrier), worker(server.url, carrier)
        assert await asked(carrier, *[one, other] * 100) == ({"found"}, 1)


@pytest.mark.fault(10)
async def test_fifteen_hundred_readers_that_give_up_never_get_the_next_ones_value(server):
    chance = random.Random(26)
    async with proxied(server.port) as proxy:
        shared = RedisServer(proxy.url, metrics=Metrics(), retry_after=0.01)
        cache = RedisCache(shared)
        keys = [f"k{n}" for n in range(20)]
        for key in keys:
            await cache.set(key, key.encode() * 500, 60)
        proxy.delay = lambda: chance.random() * 0.002
        for _ in range(1500):
            reader = asyncio.create_task(cache.get(chance.choice(keys)))
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
            reader.cancel()
            key = chance.choice(keys)
            assert await cache.get(key) in (key.encode() * 500, None)
        proxy.delay = lambda: 0.0
        await until(lambda: cache.healthy)
        assert [await cache.get(key) for key in keys] == [key.encode() * 500 for key in keys]
        await shared.close()
