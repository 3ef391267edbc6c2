"""What a look-up reads, asks and keeps, and nothing beyond that: round trips, turns, other people's shares, and news."""

import asyncio
from datetime import timedelta

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from doorstep import CarrierUnavailable, Found, NotFound, Status
from doorstep.freshness import Entry, Freshness, Record
from doorstep.leases import OwnLeases
from doorstep.lookup import Outcome
from doorstep.manifest import Ability
from doorstep.patience import allowance, allowed
from doorstep.tracker import Wanted
from doorstep.wire import Wire

from .acme import parcel, scan
from .tracking import NUMBER, STORE, Rig, SpiedCache

pytestmark = pytest.mark.anyio

MINUTE, DAY = 60, 86400
YES = Found((parcel(NUMBER),))
MOVED = Found((parcel(NUMBER, scan(), status=Status.OUT_FOR_DELIVERY),))
DOWN = CarrierUnavailable("down")
A, B = "111111111", "222222222"


class Kept:
    """Records that hold what a test says, and count how often they are read."""

    def __init__(self):
        self.record = Record()
        self.reads = 0

    async def known(self, number, language):
        self.reads += 1
        return self.record


class CountedCache(SpiedCache):
    """Counts how often it is asked, for however many keys at once."""

    trips = 0

    async def get(self, key):
        self.trips += 1
        return await super().get(key)

    async def get_all(self, *keys):
        self.trips += 1
        return [await super(CountedCache, self).get(key) for key in keys]


class CountedTurns(OwnLeases):
    turns = 0

    async def turn(self, key, seen):
        self.turns += 1
        return await super().turn(key, seen)


@pytest.fixture
async def new(clock):
    """`new(acme=80, …)`: a rig with these carriers, all of which know the number, and records that count."""
    rigs = []

    def make(**ranks):
        cache = CountedCache(clock)
        rig = Rig(clock, cache=cache, records=Kept(), leases=CountedTurns(cache), **(ranks or {"acme": 80}))
        rig.records, rig.leases = rig._records, rig._leases
        rig.fetcher.answers = dict.fromkeys(rig.plugins.accounts, YES)
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        await rig.tracker.close()


def key_of(rig, slug="acme"):
    return rig.tracker.questions.key(rig.plugins.accounts[slug], NUMBER, "en")


# What is read


async def test_what_is_fresh_is_one_round_trip_to_the_cache_and_none_to_the_database(new):
    rig = new(acme=90, zeta=40)
    await rig.look_up()
    reads, rig.cache.trips = rig.records.reads, 0
    assert (await rig.look_up()).freshness is Freshness.FRESH
    assert (rig.cache.trips, rig.records.reads - reads) == (1, 0)


async def test_what_a_worse_carrier_had_is_known_without_the_database_although_a_better_one_is_asked_first(new, clock):
    rig = new(acme=90, zeta=40)
    rig.fetcher.answers["acme"] = NotFound()
    await rig.look_up()
    clock.advance(5 * MINUTE)  # the no of the better one is no longer fresh, the other's answer is
    reads = rig.records.reads
    lookup = await rig.look_up()
    assert (lookup.carriers, lookup.freshness) == (("zeta",), Freshness.FRESH)
    assert (rig.records.reads - reads, rig.fetcher.names) == (0, ["acme", "zeta"])


async def test_with_the_answer_of_an_account_for_orders_alone_its_carrier_is_read_in_the_same_round_trip(new):
    rig = new(acme=0)
    rig.aggregator("many", strangers=0)
    rig.fetcher.answers["many"] = YES
    rig.records.record = Record(ordered=True)
    await rig.look_up()
    rig.cache.trips = 0
    assert (await rig.look_up()).outcome is Outcome.FOUND
    assert rig.cache.trips == 1


async def test_what_lasts_of_a_number_is_in_the_cache_from_then_on(new, clock):
    rig = new()
    rig.records.record = Record(True, "acme", {"acme": Entry(YES, clock.now() - timedelta(minutes=5))})
    for _ in range(3):
        assert (await rig.look_up()).freshness is Freshness.FRESH
    assert (rig.records.reads, rig.fetcher.asked) == (1, [])


async def test_a_record_as_old_as_what_is_kept_takes_nothing_s_place(new, clock):
    rig = new()
    first = await rig.look_up()
    rig.records.record = Record(True, "acme", {"acme": Entry(MOVED, clock.now())})
    clock.advance(60 * MINUTE)
    rig.fetcher.gate.clear()
    assert (await rig.look_up(wait=0)).shipments == first.shipments
    rig.fetcher.gate.set()
    await rig.landed()


# Who is asked


async def test_an_account_for_orders_alone_is_not_asked_for_a_stranger_though_the_no_of_a_better_one_is_kept(new):
    rig = new(acme=90, zeta=40)
    rig.fetcher.answers["acme"] = NotFound()
    rig.plugins.accounts["zeta"] = structs.replace(rig.plugins.accounts["zeta"], strangers=0)
    rig.restart()
    for _ in range(2):
        assert (await rig.look_up()).outcome is Outcome.NOT_FOUND
    assert rig.fetcher.names == ["acme"]


async def test_an_account_for_orders_alone_is_not_asked_again_for_a_number_whose_order_is_gone(new, clock):
    rig = new(acme=0)
    rig.aggregator("many", strangers=0)
    rig.fetcher.answers["many"] = YES
    rig.records.record = Record(ordered=True)
    assert (await rig.look_up()).outcome is Outcome.FOUND
    rig.records.record = Record()
    clock.advance(DAY)
    assert (await rig.look_up()).outcome is Outcome.LINK_ONLY
    await rig.landed()
    assert rig.fetcher.names == ["many"]


async def test_of_carriers_one_after_the_other_four_are_asked_at_most(new):
    rig = new(**{f"first{n}": 90 for n in range(3)}, **{f"second{n}": 50 for n in range(3)})
    rig.fetcher.answers = dict.fromkeys(rig.plugins.accounts, NotFound())
    assert (await rig.look_up()).outcome is Outcome.NOT_FOUND
    reads = rig.records.reads
    assert (await rig.look_up()).outcome is Outcome.NOT_FOUND
    assert (len(rig.fetcher.asked), rig.records.reads) == (4, reads)  # what the four said is all there is to know


async def test_a_page_has_a_tag_of_each_answer_and_none_while_somebody_is_still_to_be_heard(new):
    rig = new(acme=60, zeta=60)
    assert (await rig.look_up()).tags == (key_of(rig), key_of(rig, "zeta"))
    down = new(acme=60, zeta=60)
    down.fetcher.answers["acme"] = DOWN
    assert ((await down.look_up()).outcome, (await down.look_up()).tags) == (Outcome.FOUND, ())


async def test_who_wants_the_wire_asks_now_and_waits_for_nobody_s_turn(new):
    rig = new()
    await rig.look_up()
    assert rig.leases.turns == 1
    await rig.look_up(wire=Wire())
    assert (rig.leases.turns, len(rig.fetcher.asked)) == (1, 2)


async def test_what_is_asked_behind_a_page_takes_nothing_of_the_time_of_its_request(new, clock):
    rig, within = new(), []
    rig.fetcher.answers["acme"] = lambda query: within.append(allowed() is not None) or YES
    for _ in range(2):
        with allowance(1):
            await rig.look_up()
        await rig.landed()
        clock.advance(DAY)
    assert within == [True, False]


# News


async def test_news_of_a_number_that_nobody_knows_here_is_let_be(new, clock):
    rig = new()
    await rig.tracker.renew(NUMBER, STORE, clock.now())
    assert rig.fetcher.asked == []


@pytest.mark.parametrize("ordered", [True, False])
async def test_at_news_a_number_is_asked_about_although_its_answer_is_fresh_and_the_answer_is_waited_for(
    new, clock, ordered
):
    rig = new()
    await rig.look_up()
    rig.records.record = Record(ordered=ordered)
    clock.advance(MINUTE)
    rig.fetcher.answers["acme"] = MOVED
    rig.fetcher.gate.clear()
    renewing = asyncio.create_task(rig.tracker.renew(NUMBER, STORE, clock.now()))
    await asyncio.sleep(0.01)
    assert not renewing.done()
    rig.fetcher.gate.set()
    await renewing
    assert (await rig.tracker.questions.read(key_of(rig))).answer.shipments[0].status is Status.OUT_FOR_DELIVERY
    assert rig.fetcher.strangers == [True, not ordered]


async def test_news_of_an_order_s_number_are_asked_for_although_nobody_has_looked_it_up_yet(new, clock):
    rig = new()
    rig.records.record = Record(ordered=True)
    await rig.tracker.renew(NUMBER, STORE, clock.now())
    assert rig.fetcher.strangers == [False]


async def test_what_was_fresh_before_the_database_told_of_news_is_not_fresh_after_it(new, clock):
    rig = new(acme=90, zeta=40)
    rig.fetcher.answers = {"acme": NotFound(), "zeta": DOWN}
    assert (await rig.look_up()).outcome is Outcome.UNAVAILABLE
    clock.advance(MINUTE)  # the better one's no is fresh; that the other does not know it either is not known
    rig.fetcher.answers["acme"] = YES
    rig.records.record = Record(ordered=True, news_at=clock.now())
    assert (await rig.look_up()).outcome is Outcome.FOUND


# Parcels of orders


async def test_the_account_that_is_asked_first_is_told_and_none_where_nobody_can_be_asked(new):
    rig = new(acme=90, zeta=40)
    assert (await rig.tracker.first_asked(Wanted(NUMBER, STORE))).name == "acme"
    assert (await rig.tracker.first_asked(Wanted(NUMBER, STORE, Record(carrier="zeta")))).name == "zeta"
    assert await rig.tracker.first_asked(Wanted("AAAA", STORE)) is None


async def test_who_refreshes_is_no_stranger_whatever_is_known_of_the_parcel(new):
    rig = new()
    await rig.tracker.refresh([Wanted(NUMBER, STORE)])
    assert rig.fetcher.strangers == [False]


@pytest.fixture
def able(new):
    """A carrier that takes several numbers, and `batches` of those it was asked about at once."""
    rig = new()
    carrier = rig.plugins.accounts["acme"].carrier
    carrier.manifest = structs.replace(carrier.manifest, can=(Ability.TRACK_MANY,), batch=40)
    rig.batches = []

    async def track_many(account, queries, *, wire=None):
        rig.batches.append([query.number for query in queries])
        return {query.number: DOWN for query in queries}

    rig.fetcher.track_many = track_many
    return rig


async def test_one_parcel_alone_is_asked_in_full_though_the_carrier_takes_several(able):
    await able.tracker.refresh([Wanted(A, STORE)])
    assert (able.batches, [number for _, number, _ in able.fetcher.asked]) == ([], [A])


async def test_a_batch_that_fails_is_not_told_again_for_each_of_its_numbers(able):
    with capture_logs() as logs:
        told = await able.tracker.refresh([Wanted(A, STORE), Wanted(B, STORE)])
    assert [one.error.code for one in told] == ["carrier_unavailable"] * 2
    assert (able.batches, logs) == ([[A, B]], [])
