"""What lasts of ordered parcels serves where the cache has nothing, and a parcel of an order is no stranger's."""

import asyncio
from datetime import timedelta

import pytest
from msgspec import structs

from doorstep import CarrierUnavailable, Found, NotFound, RateLimited, Status
from doorstep.config import Store
from doorstep.freshness import Entry, Freshness, Record
from doorstep.lookup import Outcome
from doorstep.manifest import Ability
from doorstep.tracker import Wanted
from doorstep.wire import Wire

from .acme import at, parcel, scan
from .tracking import NUMBER, STORE, Rig

pytestmark = pytest.mark.anyio

MINUTE, DAY = 60, 86400
DOWN = CarrierUnavailable("down")
KNOWN = Found((parcel(NUMBER, id="kept", carrier="acme", status=Status.IN_TRANSIT),))
LATER = Found((parcel(NUMBER, scan(moment=at(21)), scan(), status=Status.OUT_FOR_DELIVERY),))


class Kept:
    """Records that hold what a test says, and count how often they are read."""

    def __init__(self):
        self.by_number = {}
        self.reads = 0

    async def known(self, number, language):
        self.reads += 1
        return self.by_number.get(number, Record())


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
async def rig(clock, kept):
    rig = Rig(clock, records=kept)
    rig.fetcher.answers["acme"] = LATER
    yield rig
    await rig.tracker.close()


def recorded(clock, *, minutes_ago=0, answer=KNOWN, **fields):
    entry = Entry(answer, clock.now() - timedelta(minutes=minutes_ago))
    return Record(**{"ordered": True, "carrier": "acme", "entries": {"acme": entry}, **fields})


async def test_with_an_emptied_cache_the_record_is_shown_and_refreshed_behind_under_its_id(rig, kept, clock):
    kept.by_number[NUMBER] = recorded(clock, minutes_ago=60)
    rig.fetcher.gate.clear()
    stale = await rig.look_up(wait=0)
    assert (stale.outcome, stale.freshness, stale.shipments) == (Outcome.FOUND, Freshness.STALE, KNOWN.shipments)
    rig.fetcher.gate.set()
    await rig.landed()
    fresh = await rig.look_up()
    assert (fresh.freshness, fresh.shipments[0].status) == (Freshness.FRESH, Status.OUT_FOR_DELIVERY)
    assert fresh.shipments[0].id == "kept"


async def test_a_record_that_is_fresh_is_the_answer_and_nobody_is_asked(rig, kept, clock):
    kept.by_number[NUMBER] = recorded(clock, minutes_ago=5)
    assert (await rig.look_up()).freshness is Freshness.FRESH
    assert rig.fetcher.asked == []


async def test_the_database_is_read_once_a_look_up_and_not_at_all_while_the_cache_is_fresh(rig, kept):
    await rig.look_up()
    assert kept.reads == 1
    await rig.look_up()
    await rig.look_up()
    assert kept.reads == 1


async def test_a_number_of_no_form_may_be_an_order_s(rig, kept):
    assert (await rig.look_up("ABC1234")).outcome is Outcome.UNRECOGNISED
    assert kept.reads == 1, "an order may name the carrier of any number"


async def test_what_a_worker_learnt_meanwhile_is_newer_than_a_page_s_own_cache(rig, kept, clock):
    await rig.look_up()
    clock.advance(18 * MINUTE)
    kept.by_number[NUMBER] = recorded(clock, minutes_ago=1)
    lookup = await rig.look_up()
    assert (lookup.freshness, lookup.shipments) == (Freshness.FRESH, KNOWN.shipments)
    assert len(rig.fetcher.asked) == 1


async def test_a_record_older_than_the_cache_changes_nothing(rig, kept, clock):
    first = await rig.look_up()
    kept.by_number[NUMBER] = recorded(clock, minutes_ago=60)
    clock.advance(18 * MINUTE)
    rig.fetcher.answers["acme"] = DOWN
    lookup = await rig.look_up()
    assert lookup.shipments == first.shipments
    await rig.landed()


async def test_through_an_outage_the_record_is_shown_with_its_age(rig, kept, clock):
    kept.by_number[NUMBER] = recorded(clock, minutes_ago=6 * 24 * 60)
    rig.fetcher.answers["acme"] = DOWN
    await rig.look_up()
    await rig.landed()
    lookup = await rig.look_up()
    assert (lookup.freshness, lookup.fetched_at) == (Freshness.STALE_ON_ERROR, clock.now() - timedelta(days=6))


async def test_what_has_arrived_is_shown_however_long_ago_it_was_said(rig, kept, clock):
    there = Found((parcel(NUMBER, id="kept", status=Status.DELIVERED, final=True),))
    kept.by_number[NUMBER] = recorded(clock, minutes_ago=60 * 24 * 60, answer=there)
    rig.fetcher.answers["acme"] = DOWN
    assert (await rig.look_up(wait=0)).shipments == there.shipments
    await rig.landed()


async def test_a_carrier_that_forgot_the_parcel_does_not_make_it_unknown(rig, kept, clock):
    kept.by_number[NUMBER] = recorded(clock, minutes_ago=60)
    rig.fetcher.answers["acme"] = NotFound()
    await rig.look_up()
    await rig.landed()
    assert (await rig.look_up()).shipments == KNOWN.shipments


async def test_a_parcel_of_an_order_is_no_stranger_s(rig, kept, clock):
    kept.by_number[NUMBER] = Record(ordered=True)
    await rig.look_up()
    await rig.look_up("000000000")
    assert rig.fetcher.strangers == [False, True]


async def test_an_aggregator_without_a_share_for_strangers_is_asked_for_a_parcel_of_an_order(clock, kept):
    rig = Rig(clock, records=kept, acme=0)
    rig.aggregator("many", strangers=0)
    rig.fetcher.answers["many"] = LATER
    assert (await rig.look_up()).outcome is Outcome.LINK_ONLY
    kept.by_number[NUMBER] = Record(ordered=True)
    assert (await rig.look_up()).outcome is Outcome.FOUND
    reads = kept.reads
    assert (await rig.look_up()).outcome is Outcome.FOUND
    assert (kept.reads, rig.fetcher.names) == (reads, ["many"]), "its fresh answer needs no proof of the order"


async def test_the_carrier_that_the_order_names_is_asked_before_likelier_ones(clock, kept):
    rig = Rig(clock, records=kept, acme=90, zeta=40)
    rig.fetcher.answers = {"acme": LATER, "zeta": LATER}
    kept.by_number[NUMBER] = Record(ordered=True, carrier="zeta")
    assert (await rig.look_up()).carriers == ("zeta",)
    assert rig.fetcher.names == ["zeta"]


async def test_the_carrier_that_the_order_names_is_asked_for_a_form_it_does_not_list(rig, kept):
    kept.by_number["ABC1234"] = Record(ordered=True, carrier="acme")
    assert (await rig.look_up("ABC1234")).carriers == ("acme",)


async def test_where_the_order_s_carrier_cannot_be_asked_an_aggregator_is_before_carriers_it_is_not(clock, kept):
    rig = Rig(clock, records=kept, acme=90, evri=0)
    rig.aggregator("many")
    rig.fetcher.answers = {"acme": NotFound(), "many": LATER}
    kept.by_number[NUMBER] = Record(ordered=True, carrier="evri")
    assert (await rig.look_up()).carriers == ("many",)


async def test_several_aggregators_are_asked_for_parcels_of_orders_where_no_carrier_itself_is_active(clock, kept):
    rig = Rig(clock, records=kept, acme=90, evri=0)
    for slug in ("one", "two", "three"):
        rig.aggregator(slug, strangers=0)
    rig.fetcher.answers = {"acme": NotFound(), "one": NotFound(), "two": LATER, "three": LATER}
    await rig.look_up()
    assert rig.fetcher.names == ["acme"], "a stranger's number costs nothing"
    kept.by_number[NUMBER] = Record(ordered=True, carrier="evri")
    assert (await rig.look_up(carrier="evri")).outcome is Outcome.FOUND
    assert rig.fetcher.names == ["acme", "one", "two"]


async def test_no_aggregator_is_asked_for_a_parcel_whose_carrier_is_active(clock, kept):
    rig = Rig(clock, records=kept, acme=90)
    for slug in ("one", "two"):
        rig.aggregator(slug)
    rig.fetcher.answers["acme"] = NotFound()
    kept.by_number[NUMBER] = Record(ordered=True, carrier="acme")
    assert (await rig.look_up()).outcome is Outcome.NOT_FOUND
    assert rig.fetcher.names == ["acme"]


async def test_whose_the_number_may_be_is_told(clock, kept):
    heard = []
    rig = Rig(clock, records=kept, acme=0, evri=0)
    rig.aggregator("many")
    rig.fetcher.answers["many"] = lambda query: heard.append(query.carriers) or NotFound()
    await rig.look_up()
    await rig.look_up("000000000", carrier="many")
    kept.by_number["111111111"] = Record(ordered=True, carrier="evri")
    await rig.look_up("111111111")
    kept.by_number["ABC1234"] = Record(ordered=True)
    await rig.look_up("ABC1234")
    by_form = ("acme", "evri")
    assert heard == [by_form, by_form, ("evri",), ()]


async def test_carriers_are_told_what_the_order_says(rig, kept):
    heard = []
    rig.fetcher.answers["acme"] = lambda query: heard.append((query.postcode, query.shipped_on)) or LATER
    kept.by_number[NUMBER] = Record(ordered=True, postcode="24103", shipped_on="2026-11-20")
    await rig.look_up()
    assert heard == [("24103", "2026-11-20")]


# Refreshing: what the worker asks.


async def refreshed(rig, *numbers, **fields):
    return await rig.tracker.refresh([Wanted(number, STORE, Record(ordered=True, **fields)) for number in numbers])


async def test_what_is_refreshed_is_in_the_cache_for_pages(rig, kept, clock):
    (one,) = await refreshed(rig, NUMBER)
    assert one.entries["acme"].fetched_at == clock.now()
    assert (await rig.look_up()).shipments == one.entries["acme"].answer.shipments
    assert (len(rig.fetcher.asked), kept.reads) == (1, 0)


async def test_what_a_page_asked_a_moment_ago_is_not_asked_again(rig, clock):
    await rig.look_up()
    asked_at = clock.now()
    clock.advance(3 * MINUTE)
    (one,) = await refreshed(rig, NUMBER)
    assert one.entries["acme"].fetched_at == asked_at
    assert len(rig.fetcher.asked) == 1


async def test_what_is_stale_is_asked_for_and_waited_for(rig, clock):
    await rig.look_up()
    clock.advance(DAY)
    (one,) = await refreshed(rig, NUMBER)
    assert one.entries["acme"].fetched_at == clock.now()


async def test_an_error_is_the_parcel_s_own(rig):
    rig.fetcher.answers["acme"] = lambda query: (_ for _ in ()).throw(DOWN) if query.number == NUMBER else LATER
    down, up = await refreshed(rig, NUMBER, "222222222")
    assert (down.entries, down.error.code) == ({}, "carrier_unavailable")
    assert (list(up.entries), up.error) == (["acme"], None)


async def test_a_mistake_about_one_number_is_an_error_of_that_number(rig):
    rig.fetcher.answers["acme"] = ValueError("a bug")
    (one,) = await refreshed(rig, NUMBER)
    assert one.error.code == "plugin_failed"


async def test_a_number_that_nobody_knows_has_neither_answer_nor_error(rig):
    rig.fetcher.answers["acme"] = NotFound()
    assert [(one.entries, one.error) for one in await refreshed(rig, NUMBER, "AAAA")] == [({}, None)] * 2


@pytest.fixture
def able(rig):
    """The same carrier, which takes several numbers; `batches` are those it was asked about at once."""
    account = rig.plugins.accounts["acme"]
    manifest = structs.replace(account.carrier.manifest, can=(Ability.TRACK_MANY,), batch=40)
    account.carrier.manifest = manifest
    batches = []

    async def track_many(account, queries, *, wire=None):
        batches.append([query.number for query in queries])
        answer = rig.fetcher.answers["many"]
        return {query.number: answer(query) for query in queries}

    rig.fetcher.track_many = track_many
    rig.batches = batches
    return rig


A, B, C = "111111111", "222222222", "333333333"


async def test_a_carrier_that_takes_several_numbers_is_asked_once(able, kept):
    able.fetcher.answers["many"] = lambda query: Found((parcel(query.number),))
    answers = await refreshed(able, A, B, C)
    assert able.batches == [[A, B, C]]
    assert [one.entries["acme"].answer.shipments[0].number for one in answers] == [A, B, C]
    assert (await able.look_up(B)).outcome is Outcome.FOUND
    assert able.fetcher.asked == []


async def test_in_a_batch_an_error_and_a_no_are_each_number_s_own(able):
    said = {A: RateLimited("enough", retry_after=90), B: NotFound(), C: Found((parcel(C),))}
    able.fetcher.answers["many"] = lambda query: said[query.number]
    one, two, three = await refreshed(able, A, B, C)
    assert (one.error.code, one.error.retry_after) == ("rate_limited", 90)
    assert (two.entries, two.error) == ({}, None)
    assert list(three.entries) == ["acme"]
    assert able.fetcher.asked == []


async def test_what_is_fresh_is_left_out_of_a_batch(able):
    able.fetcher.answers |= {"many": lambda query: Found((parcel(query.number),)), "acme": LATER}
    await able.look_up(A)
    await refreshed(able, A, B, C)
    assert able.batches == [[B, C]]


async def test_a_page_joins_the_batch_that_is_under_way(able):

    gate = asyncio.Event()

    async def track_many(account, queries, *, wire=None):
        await gate.wait()
        return {query.number: Found((parcel(query.number),)) for query in queries}

    able.fetcher.track_many = track_many
    refreshing = asyncio.create_task(refreshed(able, A, B))
    await asyncio.sleep(0.01)
    page = asyncio.create_task(able.look_up(A))
    await asyncio.sleep(0.01)
    gate.set()
    assert (await page).outcome is Outcome.FOUND
    await refreshing
    assert able.fetcher.asked == []


async def test_a_latest_scan_that_is_known_already_keeps_the_whole_answer(able, clock):
    whole = Found((parcel(A, scan(moment=at(21)), scan(), id="a"),))
    record = Record(True, "acme", {"acme": Entry(whole, clock.now() - timedelta(hours=2))})
    able.fetcher.answers["many"] = lambda query: Found((parcel(query.number, scan(moment=at(21))),), complete=False)
    able.fetcher.answers["acme"] = lambda query: Found((parcel(query.number),))
    one, _ = await able.tracker.refresh([Wanted(A, STORE, record), Wanted(B, STORE, Record(ordered=True))])
    assert one.entries["acme"] == Entry(whole, clock.now())
    assert [number for _, number, _ in able.fetcher.asked] == [B], "of B nothing was known: it is asked in full"


async def test_a_latest_scan_that_is_news_is_asked_about_in_full(able, clock):
    record = Record(True, "acme", {"acme": Entry(KNOWN, clock.now() - timedelta(hours=2))})
    able.fetcher.answers["many"] = lambda query: Found((parcel(query.number, scan(moment=at(21))),), complete=False)
    able.fetcher.answers["acme"] = LATER
    one, _ = await able.tracker.refresh([Wanted(NUMBER, STORE, record), Wanted(B, STORE, Record(ordered=True))])
    assert len(one.entries["acme"].answer.shipments[0].events) == 2


async def test_two_stores_languages_are_two_batches(able):
    able.fetcher.answers["many"] = lambda query: Found((parcel(query.number),))
    german = Store(name="Laden", language="de")
    wanted = [Wanted(number, store) for store in (STORE, german) for number in (A, B)]
    await able.tracker.refresh(wanted)
    assert able.batches == [[A, B], [A, B]]


async def test_closing_ends_a_batch_too(able):

    async def track_many(account, queries, *, wire=None):
        await asyncio.Event().wait()

    able.fetcher.track_many = track_many
    refreshing = asyncio.create_task(refreshed(able, A, B))
    await asyncio.sleep(0.01)
    await able.tracker.close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(refreshing, 5)


async def test_with_a_wire_log_a_record_does_not_keep_the_carrier_from_being_asked(rig, kept, clock):
    kept.by_number[NUMBER] = recorded(clock)
    await rig.look_up(wire=Wire())
    assert len(rig.fetcher.asked) == 1
