"""Questions under way: their keys, their batches, and what is kept of answers and failures."""

import asyncio

import msgspec
import pytest

from doorstep import CarrierUnavailable, Found, NotFound, Query, RateLimited, Secret
from doorstep.cache import MemoryCache
from doorstep.compact import pack, stamp
from doorstep.freshness import KEPT, Entry
from doorstep.leases import Turn
from doorstep.metrics import Metrics
from doorstep.questions import Questions
from doorstep.shelf_life import ShelfLife

from .acme import acme, asks, parcel

pytestmark = pytest.mark.anyio
ACCOUNT = acme(asks())
LIFE = ShelfLife()


class FakeLeases:
    """Gives the turns that a test lays down; keeps everything that is kept or given back."""

    def __init__(self, *turns):
        self.turns = list(turns)
        self.seen = []
        self.kept = []
        self.back = []
        self.newer = None

    async def turn(self, key, seen):
        self.seen.append(seen)
        return self.turns.pop(0)

    async def keep(self, key, value, ttl, *, seen, token="", lasted=0.0):
        self.kept.append((seen, token, ttl))
        return self.newer or value

    async def give_back(self, key, token, failure=b"", pause=0.0):
        self.back.append((token, failure, pause))


@pytest.fixture
def questions(clock):
    def open_some(*turns):
        leases = FakeLeases(*turns)
        cache = MemoryCache(clock)
        return leases, Questions(cache, clock=clock, secret=Secret("s" * 32), metrics=Metrics(), leases=leases)

    return open_some


def answering(answer):
    async def ask():
        ask.times += 1
        if isinstance(answer, BaseException):
            raise answer
        return answer

    ask.times = 0
    return ask


def key_of(questions, number="123456789"):
    return questions.key(ACCOUNT, number, "en")


def test_all_keys_of_a_number_hash_alike_and_do_not_hold_it(questions):
    _, some = questions()
    tags = {key[key.index("{") : key.index("}")] for key in (key_of(some), some._home_key("123456789"))}
    assert len(tags) == 1
    assert "123456789" not in key_of(some)
    assert key_of(some) != key_of(some, "123456780") != some.key(ACCOUNT, "123456780", "de")


def test_the_keys_of_a_number_are_short(questions):
    # ds2-XXXX{22 characters of a digest}acme:XXXX:en
    assert len(key_of(questions()[1])) == 8 + 24 + len("acme:") + 4 + len(":en")


def test_another_revision_of_a_plugin_has_other_keys(questions):
    _, some = questions()
    assert key_of(some) != some.key(msgspec.structs.replace(ACCOUNT, revision="next"), "123456789", "en")


async def test_our_turn_asks_and_keeps_what_it_hears_under_its_token(questions, clock):
    leases, some = questions(Turn(token="t"))
    before = Entry(NotFound(), clock.now())
    clock.advance(600)
    ask = answering(Found((parcel("123456789"),)))
    entry = await some.flight(key_of(some), ACCOUNT, before, ask, LIFE)
    assert entry.fetched_at == clock.now()
    assert leases.kept == [(stamp(before), "t", KEPT)]


async def test_an_answer_that_another_process_got_meanwhile_is_taken_without_asking(questions, clock):
    there = Entry(Found((parcel("123456789"),)), clock.now())
    _, some = questions(Turn(answer=pack(there)))
    ask = answering(NotFound())
    assert await some.flight(key_of(some), ACCOUNT, None, ask, LIFE) == there
    assert ask.times == 0


@pytest.mark.parametrize("kind", ["damaged", "stale"])
async def test_an_answer_that_is_of_no_use_is_not_waited_for_again(questions, clock, kind):
    stale = pack(Entry(Found((parcel("123456789"),)), clock.now()))
    clock.advance(86_400)
    kept = stale if kind == "stale" else b"rubbish, not an answer"
    leases, some = questions(Turn(answer=kept), Turn(token="t"))
    ask = answering(NotFound())
    await some.flight(key_of(some), ACCOUNT, None, ask, LIFE)
    assert (ask.times, leases.seen) == (1, [b"", kept[:8]])


async def test_a_failure_is_told_to_the_others_for_as_long_as_nobody_asks(questions):
    leases, some = questions(Turn(token="t"))
    error = RateLimited("slowly", retry_after=90)
    with pytest.raises(RateLimited):
        await some.flight(key_of(some), ACCOUNT, None, answering(error), LIFE)
    token, failure, pause = leases.back[0]
    assert (token, pause) == ("t", 90)
    _, other = questions(Turn(failure=failure, pause=60))
    with pytest.raises(RateLimited) as caught:
        await other.flight(key_of(other), ACCOUNT, None, answering(NotFound()), LIFE)
    assert (caught.value.message, caught.value.retry_after) == ("slowly", 90)


async def test_a_failure_elsewhere_holds_here_as_long_as_there(questions, clock):
    _, some = questions(Turn(failure=b"what another version wrote", pause=60))
    with pytest.raises(CarrierUnavailable):
        await some.flight(key_of(some), ACCOUNT, None, answering(NotFound()), LIFE)
    clock.advance(59)
    assert isinstance(some.failure(key_of(some)), CarrierUnavailable)
    clock.advance(1)
    assert some.failure(key_of(some)) is None


@pytest.mark.parametrize("mistake", [ValueError("ours"), asyncio.CancelledError()], ids=["a mistake", "the end"])
async def test_a_turn_without_an_answer_is_given_back_without_a_failure(questions, mistake):
    leases, some = questions(Turn(token="t"))
    flight = some.flight(key_of(some), ACCOUNT, None, answering(mistake), LIFE)
    await asyncio.gather(flight, return_exceptions=True)
    assert leases.back == [("t", b"", 0.0)]


async def test_an_answer_that_came_later_than_ours_is_the_one_that_counts(questions, clock):
    leases, some = questions(Turn(token="t"))
    later = Entry(Found((parcel("123456789", service="Later"),)), clock.now())
    leases.newer = pack(later)
    assert await some.flight(key_of(some), ACCOUNT, None, answering(NotFound()), LIFE) == later


async def test_who_asks_now_waits_for_nobodys_turn(questions):
    leases, some = questions()
    await some.flight(key_of(some), ACCOUNT, None, answering(NotFound()), LIFE, now=True)
    assert leases.seen == []


async def test_a_carrier_remembered_is_read_back(questions):
    _, some = questions()
    assert await some.home("123456789") == ""
    await some.remember("123456789", "acme")
    assert await some.home("123456789") == "acme"


def batched(questions, expected):
    asked = []

    async def ask(queries):
        asked.append([query.number for query in queries])
        return {query.number: NotFound(query.number) for query in queries}

    return asked, questions.batch(ask, expected)


async def test_a_batch_that_is_whole_is_one_question(questions):
    asked, batch = batched(questions()[1], 3)
    answers = await asyncio.gather(*(batch(Query(number)) for number in "abc"))
    assert (asked, answers) == ([["a", "b", "c"]], [NotFound("a"), NotFound("b"), NotFound("c")])


async def test_a_batch_does_not_wait_for_numbers_that_others_are_asking(questions):
    asked, batch = batched(questions()[1], 3)
    answers = await asyncio.gather(batch(Query("a")), batch(Query("b")))
    assert (asked, answers) == ([["a", "b"]], [NotFound("a"), NotFound("b")])
    assert await batch(Query("c")) is None  # too late: it is asked alone


async def test_a_batch_of_one_is_asked_alone(questions):
    asked, batch = batched(questions()[1], 2)
    assert await batch(Query("a")) is None
    assert asked == []


def test_a_failure_travels_whole(clock):
    from doorstep.questions import _telling, _told

    error = RateLimited("slowly", next_step="wait", retry_after=1.5)
    told = _told(_telling(error))
    assert (type(told), told.message, told.next_step, told.retry_after) == (RateLimited, "slowly", "wait", 1.5)
    assert isinstance(_told(msgspec.msgpack.encode({"code": "from tomorrow"})), CarrierUnavailable)
