"""The tracker against a model of it: two processes, one server between them, a carrier that answers when it likes, a clock."""

import asyncio
import secrets
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from doorstep import CarrierUnavailable, Found, NotFound, RateLimited, Status
from doorstep.cache import MemoryCache
from doorstep.compact import STAMP
from doorstep.freshness import KEPT, Entry, Freshness
from doorstep.leases import Turn
from doorstep.lookup import Outcome

from .acme import parcel
from .clock import FakeClock
from .tracking import NUMBER, STORE, Rig

MINUTE, HOUR, DAY = 60, 3600, 86400
QUESTION = 10  # seconds after which the fetcher gives a carrier up
FRESH = {Status.OUT_FOR_DELIVERY: 5 * MINUTE, Status.IN_TRANSIT: 15 * MINUTE, Status.DELIVERED: 12 * HOUR}
NOT_FOUND = [2, 4, 8, 16, 32, 60]  # minutes
NOTHING = "no answer yet"
FAILURES = ((CarrierUnavailable, None, 30), (RateLimited, 1, 5), (RateLimited, 1e9, HOUR))  # with what they hold


class Said:
    """What is known of the number: the how-many-eth news it is, the status, since when; status None is "not found"."""

    def __init__(self, news, status, at, times=1):
        self.news, self.status, self.at, self.times = news, status, at, times

    @property
    def seconds(self):
        return FRESH[self.status] if self.status else NOT_FOUND[min(self.times, 6) - 1] * MINUTE


class Model:
    """What a tracker shall do. `stretch` is the jitter of the number; times are seconds since the beginning."""

    def __init__(self, stretch):
        self.stretch = stretch
        self.now, self.calls, self.known = 0, 0, None
        self.asking = None  # since when, and what was known then
        self.waiting = set()  # processes whose question waits for the one that asks
        self.failing = {0: 0, 1: 0, "all": 0}  # until when

    def look_up(self, process):
        """What is shown: outcome, freshness, and what is known, as far as it is shown."""
        known = self.known
        if known and self.now < known.at + known.seconds * self.stretch:
            return (Outcome.FOUND if known.status else Outcome.NOT_FOUND), Freshness.FRESH, known
        failing = self.now < self.failing[process]
        if not failing:
            self.ask(process)
        if known and known.status:
            return Outcome.FOUND, Freshness.STALE_ON_ERROR if failing else Freshness.STALE, known
        return (Outcome.UNAVAILABLE if failing else Outcome.WAITING), Freshness.FRESH, None

    def ask(self, process):
        if self.now < self.failing["all"]:
            self.failing[process] = self.failing["all"]
        elif self.asking is None:
            self.asking, self.calls = (self.now, self.known), self.calls + 1
            self.waiting = {process}
        else:
            self.waiting.add(process)

    def answer(self, news, status):
        (_, before), self.asking = self.asking, None
        if self.known is before:  # else something was pushed meanwhile
            self.known = Said(news, status, self.now)
            if before and not status:
                times = before.times + 1
                self.known = Said(before.news, before.status, self.now, times)
        for process in self.waiting:
            self.failing[process] = 0

    def fail(self, pause):
        self.asking = None
        for one in (*self.waiting, "all"):
            self.failing[one] = self.now + pause

    def push(self, news, status):
        self.known = Said(news, status, self.now)

    def passes(self, seconds):
        self.now += seconds
        if self.known and self.now >= self.known.at + KEPT:
            self.known = None

    def loses(self):
        self.known, self.failing["all"] = None, 0


class Server:
    """Leases of one server, on the test's clock."""

    def __init__(self, cache, clock):
        self.cache, self.clock = cache, clock
        self.holders, self.failures, self.rung = {}, {}, asyncio.Event()

    async def turn(self, key, seen):
        token = secrets.token_hex(4)
        while True:
            failure, until = self.failures.get(key, (b"", 0))
            if until > self.clock.monotonic():
                return Turn(failure=failure, pause=until - self.clock.monotonic())
            kept = await self.cache.get(key)
            if kept is not None and kept[:STAMP] != seen:
                return Turn(answer=kept)
            if self.holders.setdefault(key, token) == token:
                return Turn(token=token)
            await self.rung.wait()

    async def keep(self, key, value, ttl, *, seen, token="", lasted=0.0):
        kept = await self.cache.get(key)
        other = kept is not None and kept[:STAMP] != seen
        if not other:
            await self.cache.set(key, value, ttl)
        if token:
            self.failures.pop(key, None)
            self.end(key)
        return kept if other else value

    async def give_back(self, key, token, failure=b"", pause=0.0):
        self.failures[key] = (failure, self.clock.monotonic() + pause)
        self.end(key)

    def end(self, key):
        del self.holders[key]
        self.rung.set()
        self.rung = asyncio.Event()


class Carrier:
    """Answers when it is told to."""

    def __init__(self):
        self.calls, self.asked = 0, None

    async def track(self, account, query, *, stranger=True, wire=None):
        self.calls += 1
        self.asked = asyncio.get_running_loop().create_future()
        return await self.asked


class Resolution(RuleBasedStateMachine):
    @initialize()
    def begins(self):
        self.loop = asyncio.new_event_loop()
        self.clock, self.carrier, self.news = FakeClock(), Carrier(), 0
        self.began = self.clock.now()
        cache = MemoryCache(self.clock)
        self.server = Server(cache, self.clock)
        self.rigs = [Rig(self.clock, cache=cache, leases=self.server, fetcher=self.carrier) for _ in (0, 1)]
        self.questions = self.rigs[0].tracker.questions
        self.key = self.questions.key(self.rigs[0].plugins.accounts["acme"], NUMBER, "en")
        unknown = Entry(NotFound(), self.began)
        life = STORE.freshness
        fresh_until = self.questions.fresh_until(self.key, unknown, life)
        self.model = Model((fresh_until - self.began).total_seconds() / (2 * MINUTE))
        self.newest = {0: 0, 1: 0}

    def run(self, coroutine):
        async def settled():
            result = await coroutine
            for _ in range(12):  # whoever was woken gets to where it waits again
                await asyncio.sleep(0)
            return result

        return self.loop.run_until_complete(settled())

    def found(self, status):
        self.news += 1
        final = status is Status.DELIVERED
        return Found((parcel(NUMBER, service=str(self.news), status=status, final=final),))

    def looked_up(self, process):
        lookup = self.run(self.rigs[process].look_up(wait=0))
        outcome, freshness, known = self.model.look_up(process)
        assert (lookup.outcome, lookup.freshness) == (outcome, freshness)
        if outcome is Outcome.FOUND:
            shown = int(lookup.shipments[0].service), lookup.fetched_at
            assert shown == (known.news, self.began + timedelta(seconds=known.at))
            assert known.news >= self.newest[process], "an older answer after a newer one"
            self.newest[process] = known.news

    @rule(
        seconds=st.sampled_from((0, 3 * MINUTE, 1, 5, 3 * MINUTE, 5 * MINUTE, 18 * MINUTE, HOUR, 14 * HOUR, 7 * DAY)),
        readers=st.lists(st.sampled_from((0, 1)), min_size=1, max_size=3),
        said=st.sampled_from((None, None, None, NOTHING, *FRESH, *FAILURES)),
    )
    def time_passes_and_pages_are_read(self, seconds, readers, said):
        if self.model.asking and self.model.now + seconds > self.model.asking[0] + QUESTION:
            self.carrier_fails(CarrierUnavailable, None, 30)
        self.clock.advance(seconds)
        self.model.passes(seconds)
        for process in readers:
            self.looked_up(process)
        if self.model.asking and said is not NOTHING:
            self.carrier_answers(said)
            self.looked_up(readers[0])

    def carrier_answers(self, said):
        if said in FAILURES:
            self.carrier_fails(*said)
        else:
            self.carrier.asked.set_result(self.found(said) if said else NotFound())
            self.model.answer(self.news, said)
            self.run(asyncio.sleep(0))

    def carrier_fails(self, kind, retry_after, pause):
        self.carrier.asked.set_exception(kind("not now", retry_after=retry_after))
        self.model.fail(pause)
        self.run(asyncio.sleep(0))

    @rule(status=st.sampled_from(list(FRESH)), reader=st.sampled_from((0, 1)))
    def something_is_pushed(self, status, reader):
        async def put():
            entry = Entry(self.found(status), self.clock.now())
            await self.questions.put(self.key, entry, await self.questions.read(self.key))

        self.run(put())
        self.model.push(self.news, status)
        self.looked_up(reader)

    @precondition(lambda self: self.model.known and not self.model.asking)
    @rule()
    def the_server_forgets_everything(self):
        self.run(self.server.cache.close())
        self.server.failures.clear()
        self.model.loses()

    @invariant()
    def the_carrier_was_asked_as_often_as_it_had_to_be(self):
        if hasattr(self, "model"):
            assert self.carrier.calls == self.model.calls

    def teardown(self):
        for rig in self.rigs:
            self.run(rig.tracker.close())
        self.loop.close()


TestResolution = Resolution.TestCase
TestResolution.settings = settings(max_examples=150, stateful_step_count=40, deadline=None, derandomize=True)
