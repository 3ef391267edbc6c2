"""Whoever keeps something hears when it moves, or gives it up in time: whatever is lost or late, with fakes and with Valkey."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import shared_cache
from doorstep.clock import SystemClock
from doorstep.generation import Generation
from doorstep.invalidation import TRUST, Invalidation, Others, Peers, Word
from doorstep.metrics import Metrics
from doorstep.shared_channel import redis_channel

from .clock import FakeClock
from .rigs import told
from .servers import RedisServer, redis_server, until

pytestmark = pytest.mark.filterwarnings("error")
NAME = "test:moved"


class Kept:
    """What a process keeps, by tag."""

    def __init__(self) -> None:
        self.tags: set[str] = set()
        self.cleared = 0

    def drop(self, tags: Collection[str]) -> None:
        self.tags -= set(tags)

    def clear(self) -> None:
        self.cleared += 1
        self.tags.clear()


def hear(listener: Peers, *said: bytes) -> list[bool]:
    return [listener.hear(msgspec.msgpack.decode(one, type=Word)) for one in said]


def acquainted(clock: FakeClock) -> tuple[Peers, Peers]:
    """Two processes that have heard each other, and themselves."""
    one, other = Peers(clock), Peers(clock)
    for _ in range(2):
        for speaker in (one, other):
            said = speaker.word()
            hear(one, said)
            hear(other, said)
    return one, other


def test_who_has_heard_nothing_yet_trusts_nothing(clock: FakeClock) -> None:
    assert Peers(clock).trusted_until == -inf


def test_what_is_kept_is_trusted_from_the_last_beat_that_all_have_heard(clock: FakeClock) -> None:
    one, other = acquainted(clock)
    assert one.trusted_until == clock.monotonic() + TRUST
    heard_at = clock.monotonic()
    clock.advance(2)
    said = one.word()
    hear(one, said)  # the other one has not heard this beat
    assert one.trusted_until == heard_at + TRUST
    hear(other, said)
    hear(one, other.word())
    assert one.trusted_until == clock.monotonic() + TRUST


def test_a_word_that_tells_is_missed_when_the_next_one_comes(clock: FakeClock) -> None:
    one, other = acquainted(clock)
    assert hear(other, one.word(("a",)), one.word()) == [True, True]
    one.word(("b",))  # is lost
    assert hear(other, one.word(), one.word()) == [False, True]
    one.skip()
    assert hear(other, one.word(("c",))) == [False]


def test_beats_that_come_on_time_but_old_are_not_believed(clock: FakeClock) -> None:
    one, other = acquainted(clock)
    late = [other.word() for _ in range(20)]  # all from now, one a second comes in
    began = clock.monotonic()
    for word in late:
        clock.advance(1)
        hear(one, one.word(), word)
    assert one.trusted_until == began + TRUST
    assert one.forget_silent()


def test_who_goes_with_a_last_word_is_not_missed_and_who_goes_without_is(clock: FakeClock) -> None:
    one, other = acquainted(clock)
    hear(one, other.word(last=True))
    clock.advance(TRUST - 1)
    hear(one, one.word())
    clock.advance(1)
    assert not one.forget_silent()
    one, other = acquainted(clock)
    clock.advance(TRUST)
    hear(one, one.word())
    assert one.forget_silent()
    assert one.trusted_until == clock.monotonic() + TRUST


def test_a_newcomer_that_has_told_already_may_have_been_missed(clock: FakeClock) -> None:
    one, _ = acquainted(clock)
    newcomer = Peers(clock)
    assert hear(one, newcomer.word(("first",))) == [True]
    later = Peers(clock)
    later.word(("unheard",))
    assert hear(one, later.word()) == [False]


Step = st.tuples(
    st.sampled_from(["write", "beat", "pass on", "lose", "hear"]), st.floats(min_value=0, max_value=3), st.booleans()
)


@given(st.lists(Step, max_size=60))
def test_nothing_old_is_kept_for_longer_than_trust_whatever_is_lost_or_late(
    steps: list[tuple[str, float, bool]],
) -> None:
    """The writer's words wait in `late` and come when the test says so, in order, or never; the keeper hears itself at once.
    What the writer writes when it has been silent for so long that it is taken for gone is another test's."""
    clock = FakeClock()
    keeper, kept = Invalidation(clock=clock), Kept()
    keeper.keepers.append(kept)
    keeper.trusted_until = -inf
    writer = Peers(clock)
    late: list[bytes] = []
    written = -inf  # when the one thing was last written; `made` is when the keeper last read it
    made = -inf

    def own_beat() -> None:
        said = keeper._peers.word()
        if keeper._peers.forget_silent():
            kept.clear()
        keeper.hear(said)
        hear(writer, said)

    own_beat()
    late.append(writer.word())
    keeper.hear(late.pop())
    for step, seconds, tells in steps:
        clock.advance(seconds)
        match step:
            case "write":
                if writer._me in keeper._peers._peers:
                    written = clock.monotonic()
                late.append(writer.word(("it",)))
            case "beat":
                late.append(writer.word())
            case "pass on" if late:
                keeper.hear(late.pop(0))
            case "lose" if late:
                late.pop(0)
            case "hear":
                own_beat()
        if tells and "it" not in kept.tags and keeper.trusted:
            kept.tags.add("it")
            made = clock.monotonic()
        old = "it" in kept.tags and keeper.trusted and made < written
        assert not (old and clock.monotonic() >= written + TRUST)


def test_what_was_written_by_who_was_taken_for_gone_is_given_up_with_its_first_word(clock: FakeClock) -> None:
    keeper, kept, writer = Invalidation(clock=clock), Kept(), Peers(clock)
    keeper.keepers.append(kept)
    keeper.hear(keeper._peers.word())
    keeper.hear(writer.word())
    clock.advance(TRUST)
    said = keeper._peers.word()
    assert keeper._peers.forget_silent()
    keeper.hear(said)
    assert keeper.trusted
    kept.tags = {"it"}
    writer.word(("it",))  # is lost
    keeper.hear(writer.word())
    assert kept.tags == set()


def test_alone_what_is_kept_is_trusted_for_ever_and_heard_of_at_once(clock: FakeClock) -> None:
    alone, kept = Invalidation(clock=clock), Kept()
    alone.keepers.append(kept)
    kept.tags = {"a", "b"}
    alone.moved("a")
    assert (kept.tags, alone.trusted, alone.reaches_others) == ({"b"}, True, False)


@pytest.mark.parametrize("said", [b"", b"\xc1", b"\x91\x01", msgspec.msgpack.encode(["x"]), b"\xff" * 50])
def test_a_word_that_cannot_be_read_may_have_told_of_anything(clock: FakeClock, said: bytes) -> None:
    listening, kept = Invalidation(clock=clock), Kept()
    listening.keepers.append(kept)
    kept.tags = {"a"}
    listening.hear(said)
    assert kept.tags == set()


@asynccontextmanager
async def begun(url: str) -> AsyncIterator[tuple[Invalidation, Kept]]:
    """A process on the channel, if it may join."""
    shared = shared_cache.RedisServer(url, metrics=Metrics(), retry_after=0.05)
    others = Others(partial(redis_channel, url, NAME), Generation(shared, space="test"))
    joined, kept = Invalidation(others, clock=SystemClock(), pause=0.05), Kept()
    joined.keepers.append(kept)
    try:
        yield joined, kept
    finally:
        await joined.close()
        await shared.close()


@asynccontextmanager
async def process(url: str) -> AsyncIterator[tuple[Invalidation, Kept]]:
    """A process on the channel, as soon as it is trusted."""
    async with begun(url) as (joined, kept):
        joined.start()
        await until(lambda: joined.trusted)
        yield joined, kept


async def mute(server: RedisServer) -> str:
    """The URL for a user who may do everything but say and hear something on a channel."""
    await told(server, "ACL", "SETUSER", "mute", "on", ">secret", "~*", "resetchannels", "+@all")
    return f"redis://mute:secret@127.0.0.1:{server.port}/0"


async def both_trusted(one: Invalidation, other: Invalidation) -> None:
    """Comes back when each has heard the other for a while: no newcomer is about to be met."""
    for _ in range(2):
        await asyncio.sleep(1.2)
    await until(lambda: one.trusted and other.trusted)


async def test_what_one_process_writes_another_gives_up_at_once(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (one, own), process(server.url) as (other, kept):
            await both_trusted(one, other)
            own.tags = {"a", "b"}
            kept.tags = {"a", "b"}
            cleared = kept.cleared
            one.moved("a")
            assert own.tags == {"b"}
            await until(lambda: kept.tags == {"b"})
            assert (other.trusted, kept.cleared) == (True, cleared)


async def test_a_process_that_ends_orderly_costs_the_others_nothing(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (one, kept):
            async with process(server.url) as (other, _):
                await both_trusted(one, other)
                kept.tags = {"a", "b"}
                other.moved("a")
            await until(lambda: kept.tags == {"b"})
            await asyncio.sleep(TRUST + 1)
            assert (kept.tags, one.trusted) == ({"b"}, True)


async def test_what_is_written_just_before_the_end_is_told(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (_, kept):
            kept.tags = {"a", "b"}
            async with begun(server.url) as (brief, _):
                brief.moved("a")
            await until(lambda: kept.tags == {"b"})


async def test_what_a_process_writes_that_is_kept_off_the_channel_is_given_up_within_the_time_of_trust(
    tmp_path: Path,
) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (one, kept), begun(await mute(server)) as (closed_to, _):
            cleared = kept.cleared
            kept.tags = {"a"}
            closed_to.moved("a")
            await until(lambda: kept.tags == set(), seconds=TRUST)
            await asyncio.sleep(2.2)  # two comparisons more: what was written once is told once
            assert (one.trusted, kept.cleared) == (True, cleared + 1)
            kept.tags = {"b"}
            closed_to.moved("b")
            await until(lambda: kept.tags == set(), seconds=TRUST)


async def test_what_is_written_off_the_channel_just_before_the_end_is_given_up_too(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (_, kept):
            kept.tags = {"a"}
            async with begun(await mute(server)) as (brief, _):
                brief.moved("a")
            await until(lambda: kept.tags == set(), seconds=TRUST)


async def test_what_others_heard_begins_no_generation(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (one, _):
            for nth in range(15):
                one.moved(f"{nth}")
                await asyncio.sleep(0.15)  # two comparisons, with words on their way
        assert await told(server, "EXISTS", "doorstep:generation:test") == 0


async def test_without_what_is_kept_beside_the_answers_nothing_is_trusted(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (one, kept):
            kept.tags = {"a"}
            await told(server, "SET", "doorstep:generation:test", "another")
            await until(lambda: kept.tags == set(), seconds=TRUST)
            await told(server, "ACL", "SETUSER", "default", "-eval")
            await until(lambda: not one.trusted, seconds=TRUST + 1)


async def test_a_killed_server_empties_what_is_kept_until_it_is_back(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (one, kept):
            kept.tags = {"a"}
            server.kill()
            await until(lambda: not one.trusted)
            assert kept.tags == set()
            kept.tags = {"b"}  # whoever keeps something now has not looked whether it may
            server.start()
            await until(lambda: one.trusted)
            assert kept.tags == set()


async def test_a_frozen_server_is_trusted_no_longer_than_said(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with process(server.url) as (one, kept):
            kept.tags = {"a"}
            server.freeze()
            await asyncio.sleep(TRUST)
            assert not one.trusted
            server.thaw()
            await until(lambda: one.trusted)
            assert kept.tags == set()


class Proxy:
    """Between a process and its server: passes everything on in order, `late` by so many seconds."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()
        self.late = 0.0
        self.url = ""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._server.port)
        for source, target in ((reader, forth), (back, writer)):
            task = asyncio.create_task(self._pass_on(source, target))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await asyncio.sleep(self.late)
                target.write(data)
        except ConnectionError:
            pass  # one end is gone: so goes the other
        finally:
            target.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxied(server: RedisServer) -> AsyncIterator[Proxy]:
    proxy = Proxy(server)
    listening = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.url = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"
    try:
        yield proxy
    finally:
        listening.close()
        await proxy.close()
        await listening.wait_closed()


async def test_words_that_come_too_late_leave_nothing_old_for_longer_than_trust(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with proxied(server) as proxy, process(server.url) as (writer, _), process(proxy.url) as (one, kept):
            await both_trusted(one, writer)
            kept.tags = {"a"}
            proxy.late = TRUST * 2
            writer.moved("a")
            await asyncio.sleep(TRUST)
            assert not (one.trusted and "a" in kept.tags)
