"""What is known is served at once and refreshed behind; one question at a time; an error is never the truth."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from doorstep import CarrierUnavailable, Found, NotFound, ProtocolError, RateLimited, Status
from doorstep.config import Store
from doorstep.errors import PluginFailed
from doorstep.freshness import Entry, Freshness
from doorstep.lookup import Outcome
from doorstep.shelf_life import ShelfLife
from doorstep.wire import Wire

from .acme import at, parcel, scan
from .clock import FakeClock
from .tracking import NUMBER, Rig

pytestmark = pytest.mark.anyio

MINUTE, DAY = 60, 86400
MOVING = Found((parcel(NUMBER, status=Status.IN_TRANSIT),))
LATER = Found((parcel(NUMBER, scan(moment=at(21)), scan(), status=Status.OUT_FOR_DELIVERY),))
DOWN = CarrierUnavailable("down")


@pytest.fixture
async def rig(clock):
    rig = Rig(clock)
    rig.fetcher.answers["acme"] = MOVING
    yield rig
    await rig.tracker.close()


async def kept(rig):
    """The key of the answer, and what is kept there."""
    questions = rig.tracker.questions
    key = questions.key(rig.plugins.accounts["acme"], NUMBER, "en")
    return key, await questions.read(key)


async def test_a_second_look_up_asks_nobody(rig, clock):
    first = await rig.look_up()
    clock.advance(14 * MINUTE)  # in transit: fresh for 15 minutes, and up to 15 % of jitter
    second = await rig.look_up()
    assert (first.outcome, first.freshness, first.carriers) == (Outcome.FOUND, Freshness.FRESH, ("acme",))
    assert (first.asked, second.asked) == (True, False)
    assert msgspec.structs.replace(second, asked=True) == first
    assert len(rig.fetcher.asked) == 1


async def test_what_is_stale_is_served_at_once_and_refreshed_behind(rig, clock):
    first = await rig.look_up()
    clock.advance(18 * MINUTE)
    rig.fetcher.answers["acme"] = LATER
    rig.fetcher.gate.clear()
    for _ in range(3):
        stale = await rig.look_up(wait=0)
        assert (stale.freshness, stale.shipments, stale.fetched_at) == (
            Freshness.STALE,
            first.shipments,
            first.fetched_at,
        )
    rig.fetcher.gate.set()
    await rig.landed()
    fresh = await rig.look_up()
    assert (fresh.freshness, fresh.fetched_at) == (Freshness.FRESH, first.fetched_at + timedelta(minutes=18))
    assert len(fresh.shipments[0].events) == 2
    assert len(rig.fetcher.asked) == 2


async def test_while_the_carrier_fails_the_last_answer_is_kept_with_its_age_for_a_week(rig, clock):
    first = await rig.look_up()
    rig.fetcher.answers["acme"] = DOWN
    for days in (1, 2, 3, 4, 5, 6):
        clock.advance(DAY)
        await rig.look_up()
        await rig.landed()
        kept = await rig.look_up()
        assert (kept.outcome, kept.freshness) == (Outcome.FOUND, Freshness.STALE_ON_ERROR), days
        assert (kept.shipments, kept.fetched_at) == (first.shipments, first.fetched_at)
    clock.advance(DAY)
    gone = await rig.look_up()
    assert (gone.outcome, gone.error) == (Outcome.UNAVAILABLE, "carrier_unavailable")


async def test_a_carrier_that_comes_back_is_believed_again(rig, clock):
    await rig.look_up()
    clock.advance(DAY)
    rig.fetcher.answers["acme"] = DOWN
    await rig.look_up()
    await rig.landed()
    rig.fetcher.answers["acme"] = LATER
    clock.advance(30)
    await rig.look_up()
    await rig.landed()
    assert (await rig.look_up()).freshness is Freshness.FRESH


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (DOWN, 30),
        (CarrierUnavailable("down", retry_after=120), 120),
        (RateLimited("later", retry_after=1), 5),
        (RateLimited("much later", retry_after=1e9), 3600),
        (ProtocolError("odd"), 30),
        (PluginFailed("broken"), 30),
    ],
)
async def test_an_error_belongs_to_the_question_and_is_over_after_its_pause(rig, clock, error, pause):
    rig.fetcher.answers["acme"] = error
    failed = await rig.look_up()
    assert (failed.outcome, failed.error, failed.carriers) == (Outcome.UNAVAILABLE, error.code, ("acme",))
    assert failed.retry_after == error.retry_after
    rig.fetcher.answers["acme"] = MOVING
    clock.advance(pause - 0.1)
    assert (await rig.look_up()).outcome is Outcome.UNAVAILABLE
    assert len(rig.fetcher.asked) == 1
    clock.advance(0.2)
    assert (await rig.look_up()).outcome is Outcome.FOUND


async def test_not_found_is_believed_for_a_short_time_at_first_and_ever_longer(rig, clock):
    rig.fetcher.answers["acme"] = NotFound()
    for minutes in (2, 4, 8, 16, 32, 60, 60):
        assert (await rig.look_up()).outcome is Outcome.NOT_FOUND
        asked = len(rig.fetcher.asked)
        clock.advance(minutes * MINUTE - 1)
        assert (await rig.look_up()).outcome is Outcome.NOT_FOUND
        assert len(rig.fetcher.asked) == asked
        clock.advance(minutes * MINUTE * 0.15 + 2)
    rig.fetcher.answers["acme"] = MOVING
    assert (await rig.look_up()).outcome is Outcome.FOUND


async def test_a_number_pushed_after_it_was_unknown_is_shown_at_once_and_fresh_by_its_status(rig, clock):
    rig.fetcher.answers["acme"] = NotFound()
    for _ in range(3):
        await rig.look_up()
        clock.advance(DAY)
    key, entry = await kept(rig)
    assert entry.times == 3
    await rig.tracker.questions.put(key, Entry(MOVING, clock.now()), entry)
    clock.advance(14 * MINUTE)
    assert (await rig.look_up()).freshness is Freshness.FRESH
    assert len(rig.fetcher.asked) == 3


async def test_not_found_is_not_shown_through_an_outage(rig, clock):
    rig.fetcher.answers["acme"] = NotFound()
    await rig.look_up()
    clock.advance(DAY)
    rig.fetcher.answers["acme"] = DOWN
    assert (await rig.look_up()).outcome is Outcome.UNAVAILABLE


async def test_a_carrier_that_forgets_a_parcel_does_not_make_it_unknown(rig, clock):
    first = await rig.look_up()
    clock.advance(DAY)
    rig.fetcher.answers["acme"] = NotFound("no such number")
    await rig.look_up()
    await rig.landed()
    kept = await rig.look_up()
    assert (kept.outcome, kept.shipments) == (Outcome.FOUND, first.shipments)


THERE = Found((parcel(NUMBER, scan(moment=at(21), status=Status.DELIVERED), status=Status.DELIVERED, final=True),))
BACK = Found((parcel(NUMBER, scan(moment=at(22), status=Status.RETURNING), status=Status.RETURNING),))


async def test_a_parcel_at_its_end_is_seldom_asked_about_and_a_later_scan_opens_it_again(rig, clock):
    rig.fetcher.answers["acme"] = THERE
    for _ in range(12):
        assert (await rig.look_up()).freshness is Freshness.FRESH
        clock.advance(3600)
    assert len(rig.fetcher.asked) == 1
    clock.advance(2 * 3600)
    rig.fetcher.answers["acme"] = BACK
    ended = await rig.look_up()
    assert (ended.freshness, ended.shipments[0].status) == (Freshness.STALE, Status.DELIVERED)
    await rig.landed()
    opened = await rig.look_up()
    assert (opened.freshness, opened.shipments[0].status) == (Freshness.FRESH, Status.RETURNING)
    clock.advance(35 * MINUTE)
    assert (await rig.look_up()).freshness is Freshness.STALE, "it is asked about as one that moves"


async def test_a_parcel_at_its_end_is_opened_again_by_a_push_at_once(rig, clock):
    rig.fetcher.answers["acme"] = THERE
    await rig.look_up()
    clock.advance(MINUTE)
    key, ended = await kept(rig)
    await rig.tracker.questions.put(key, Entry(BACK, clock.now()), ended)
    opened = await rig.look_up()
    assert (opened.freshness, opened.shipments[0].status) == (Freshness.FRESH, Status.RETURNING)
    assert len(rig.fetcher.asked) == 1


async def test_what_is_pushed_while_the_carrier_is_asked_is_not_undone_by_its_answer(rig, clock):
    await rig.look_up()
    clock.advance(DAY)
    rig.fetcher.gate.clear()
    await rig.look_up()
    key, before = await kept(rig)
    await rig.tracker.questions.put(key, Entry(LATER, clock.now()), before)
    clock.advance(1)
    rig.fetcher.gate.set()
    await rig.landed()
    assert (await rig.look_up()).shipments == LATER.shipments


async def test_two_shops_read_one_answer_each_with_its_own_freshness(rig, clock):
    hasty = Store(name="Hasty", freshness=ShelfLife(in_transit=60))
    await rig.look_up()
    clock.advance(5 * MINUTE)
    assert (await rig.look_up()).freshness is Freshness.FRESH
    assert (await rig.look_up(store=hasty)).freshness is Freshness.STALE
    await rig.landed()
    both = await rig.look_up(), await rig.look_up(store=hasty)
    assert {one.fetched_at for one in both} == {clock.now()}, "both have the answer that one of them asked for"
    assert len(rig.fetcher.asked) == 2
    assert both[0].fresh_until - both[1].fresh_until >= timedelta(minutes=14)


async def test_two_hundred_first_look_ups_at_once_make_one_call(rig):
    rig.fetcher.gate.clear()
    pages = [asyncio.create_task(rig.look_up()) for _ in range(200)]
    await asyncio.sleep(0.01)
    rig.fetcher.gate.set()
    lookups = await asyncio.gather(*pages)
    assert {lookup.outcome for lookup in lookups} == {Outcome.FOUND}
    assert {lookup.shipments[0].id for lookup in lookups} == {lookups[0].shipments[0].id}
    assert len(rig.fetcher.asked) == 1


async def test_two_hundred_look_ups_of_a_failing_carrier_make_one_call(rig):
    rig.fetcher.answers["acme"] = DOWN
    lookups = await asyncio.gather(*(rig.look_up() for _ in range(200)))
    assert {lookup.outcome for lookup in lookups} == {Outcome.UNAVAILABLE}
    assert len(rig.fetcher.asked) == 1


async def test_a_page_that_cannot_wait_says_so_and_the_question_goes_on(rig):
    rig.fetcher.gate.clear()
    for _ in range(3):
        waiting = await rig.look_up(wait=0.02)
        assert (waiting.outcome, waiting.carriers) == (Outcome.WAITING, ("acme",))
    rig.fetcher.gate.set()
    await rig.landed()
    assert (await rig.look_up(wait=0)).outcome is Outcome.FOUND
    assert len(rig.fetcher.asked) == 1


async def test_a_reader_who_leaves_does_not_end_the_question(rig):
    rig.fetcher.gate.clear()
    page = asyncio.create_task(rig.look_up())
    await asyncio.sleep(0.01)
    page.cancel()
    await asyncio.gather(page, return_exceptions=True)
    rig.fetcher.gate.set()
    await rig.landed()
    assert (await rig.look_up()).outcome is Outcome.FOUND
    assert len(rig.fetcher.asked) == 1


async def test_closing_ends_every_question(rig):
    rig.fetcher.gate.clear()
    page = asyncio.create_task(rig.look_up())
    await asyncio.sleep(0.01)
    await rig.tracker.close()
    with pytest.raises(asyncio.CancelledError):
        await page


async def test_the_id_of_a_shipment_stays_through_refreshes_and_a_lost_cache(rig, clock):
    first = (await rig.look_up()).shipments[0].id
    clock.advance(18 * MINUTE)
    rig.fetcher.answers["acme"] = LATER  # a further scan; the first one is the same
    await rig.look_up()
    await rig.landed()
    assert (await rig.look_up()).shipments[0].id == first
    await rig.cache.close()
    assert (await rig.look_up()).shipments[0].id == first
    assert first
    assert NUMBER not in first


async def test_a_number_that_is_used_again_gets_another_id(rig, clock):
    first = (await rig.look_up()).shipments[0].id
    clock.advance(18 * MINUTE)
    rig.fetcher.answers["acme"] = Found((parcel(NUMBER, scan(moment=at(22))),))
    await rig.look_up()
    await rig.landed()
    assert (await rig.look_up()).shipments[0].id != first


async def test_a_label_made_before_the_first_scan_does_not_change_the_id_of_a_known_parcel(rig, clock):
    """A second parcel under the number gets an id of its own, the first keeps the one it has."""
    first = (await rig.look_up()).shipments[0].id
    clock.advance(18 * MINUTE)
    rig.fetcher.answers["acme"] = Found((parcel(NUMBER, scan(moment=at(22))), parcel(NUMBER)))
    await rig.look_up()
    await rig.landed()
    both = await rig.look_up()
    assert both.outcome is Outcome.CHOOSE
    new, old = (shipment.id for shipment in both.shipments)
    assert (old, new != first) == (first, True)


async def test_several_parcels_under_a_number_are_for_the_reader_to_choose(rig):
    rig.fetcher.answers["acme"] = Found((parcel(NUMBER, scan(moment=at(19))), parcel(NUMBER)))
    lookup = await rig.look_up()
    assert lookup.outcome is Outcome.CHOOSE
    one, other = lookup.shipments
    chosen = lookup.narrowed(other.id)
    assert (chosen.outcome, chosen.shipments) == (Outcome.FOUND, (other,))
    assert lookup.narrowed("no such id") == lookup
    assert one.id != other.id


@given(
    damage=st.binary()
    | st.sampled_from([b"\x91" * 100_000, b"\xc1", msgspec.msgpack.encode({"answer": 1}), b"\xff" * 9])
)
@pytest.mark.fault(5)
def test_whatever_lies_in_the_cache_is_a_miss(damage):
    async def check():
        rig = Rig(FakeClock())
        rig.fetcher.answers["acme"] = MOVING
        first = await rig.look_up()
        for key in rig.cache.keys:
            await rig.cache.set(key, damage, DAY)
        again = await rig.look_up()
        assert (again.outcome, again.shipments) == (first.outcome, first.shipments)
        assert len(rig.fetcher.asked) == 2
        third = await rig.look_up()  # the damage was overwritten
        assert (third.outcome, len(rig.fetcher.asked)) == (Outcome.FOUND, 2)
        await rig.tracker.close()

    asyncio.run(check())


async def test_no_key_of_the_cache_shows_a_number_and_another_secret_gives_other_keys(clock):
    keys = []
    for secret in ("a" * 32, "b" * 32):
        rig = Rig(clock, secret=secret)
        rig.fetcher.answers["acme"] = MOVING
        await rig.look_up()
        keys.append({key for key in rig.cache.keys if not key.endswith("home")})
        assert len(rig.cache.keys) >= 2
        for key in rig.cache.keys:
            assert NUMBER not in key
            assert NUMBER.encode().hex() not in key
        await rig.tracker.close()
    assert not keys[0] & keys[1]


async def test_an_answer_kept_by_another_revision_of_the_plugin_is_a_miss(rig):
    await rig.look_up()
    account = rig.plugins.accounts["acme"]
    rig.plugins.accounts["acme"] = msgspec.structs.replace(account, revision="2")
    rig.restart()
    await rig.look_up()
    assert len(rig.fetcher.asked) == 2


async def test_the_carrier_is_asked_in_the_stores_language(rig):
    await rig.look_up(store=Store(name="Loja", language="pt_BR"))
    assert rig.fetcher.asked == [("acme", NUMBER, "pt-BR")]


async def test_with_a_wire_log_the_carrier_is_asked_now(rig):
    await rig.look_up()
    await rig.look_up(wire=Wire())
    assert len(rig.fetcher.asked) == 2


async def test_without_a_working_cache_every_look_up_asks_and_still_answers(clock):
    class Nothing:
        healthy = False

        async def get(self, key):
            return None

        async def get_all(self, *keys):
            return [None] * len(keys)

        async def set(self, key, value, ttl):
            pass

    rig = Rig(clock, cache=Nothing())
    rig.fetcher.answers["acme"] = MOVING
    for _ in range(2):
        assert (await rig.look_up()).outcome is Outcome.FOUND
    lookups = await asyncio.gather(*(rig.look_up() for _ in range(50)))
    assert {lookup.outcome for lookup in lookups} == {Outcome.FOUND}
    assert len(rig.fetcher.asked) == 3
    await rig.tracker.close()


async def test_look_ups_are_counted_by_outcome(rig, clock):
    await rig.look_up()
    clock.advance(DAY)
    await rig.look_up()
    await rig.look_up("AAAA")
    text = rig.metrics.render().decode()
    for outcome in ("miss", "stale", "unrecognised"):
        assert f'doorstep_lookups_total{{outcome="{outcome}"}} 1.0' in text


async def test_how_old_what_is_served_is_is_counted_by_freshness(rig, clock):
    def served(freshness):
        labels = {"freshness": freshness}
        names = ("count", "sum")
        return tuple(rig.metrics.registry.get_sample_value(f"doorstep_served_age_seconds_{n}", labels) for n in names)

    await rig.look_up()
    clock.advance(60)
    await rig.look_up()
    assert served("fresh") == (2, 60)
    clock.advance(2 * DAY)
    rig.fetcher.answers["acme"] = CarrierUnavailable("down")
    await rig.look_up()
    await rig.landed()
    assert rig.metrics.outage_age.largest(clock.monotonic()) is None  # nobody knew yet that the carrier is down
    await rig.look_up()
    age = 2 * DAY + 60
    assert (served("stale"), served("stale_on_error")) == ((1, age), (1, age))
    assert rig.metrics.outage_age.largest(clock.monotonic()) == age


async def test_a_failure_that_nobody_foresaw_is_logged_without_the_number(rig):
    rig.fetcher.answers["acme"] = ValueError(NUMBER)
    with capture_logs() as logs:
        await asyncio.gather(rig.look_up(), return_exceptions=True)
        await rig.landed()
    assert [(entry["event"], entry["error"]) for entry in logs] == [("question failed", "ValueError")]
    assert NUMBER not in str(logs)
