"""How the data of a number stand, how long an answer is fresh, and how long it serves."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import CarrierUnavailable, Found, NotFound, Shipment, Status
from doorstep.freshness import KEPT, Entry, Freshness, State, fresh_for, standing
from doorstep.shelf_life import ShelfLife

from .clock import FakeClock

EARLIEST, LATEST = "0" * 32, "ffff" + "0" * 28  # seeds with no jitter and with the whole
LIFE = ShelfLife()
DOWN = CarrierUnavailable("down")
NOON = FakeClock().now()


def found(*statuses: Status, final: bool = False) -> Found:
    return Found(tuple(Shipment(str(n), status=status, final=final) for n, status in enumerate(statuses)))


def seconds(answer: Found | NotFound, life: ShelfLife = LIFE, *, seed: str = EARLIEST, times: int = 1) -> float:
    return fresh_for(Entry(answer, NOON, times), life, seed=seed)


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_time_which_a_shop_may_set(status: Status) -> None:
    assert seconds(found(status)) == LIFE.of(status)
    assert seconds(found(status), ShelfLife(**{status: 77})) == 77


def test_of_several_shipments_the_most_urgent_decides() -> None:
    assert seconds(found(Status.DELIVERED, Status.OUT_FOR_DELIVERY)) == 5 * 60


def test_not_found_is_short_at_first_and_doubles_up_to_an_hour() -> None:
    minutes = [seconds(NotFound(), times=times) / 60 for times in (1, 2, 3, 4, 5, 6, 7, 10**9)]
    assert minutes == [2, 4, 8, 16, 32, 60, 60, 60]


def test_the_jitter_adds_at_most_fifteen_per_cent() -> None:
    assert seconds(found(Status.IN_TRANSIT), seed=LATEST) == pytest.approx(15 * 60 * 1.15)


@given(st.binary(min_size=2, max_size=32).map(bytes.hex), st.sampled_from(Status))
def test_the_jitter_never_shortens_and_is_the_same_for_a_seed(seed: str, status: Status) -> None:
    whole = seconds(found(status), seed=seed)
    assert LIFE.of(status) <= whole < LIFE.of(status) * 1.151
    assert whole == seconds(found(status), seed=seed)


KNOWN, UNKNOWN, ENDED = found(Status.IN_TRANSIT), NotFound(), found(Status.DELIVERED, final=True)
MINUTE, DAY = 60, 86400
S = State


@pytest.mark.parametrize(
    ("answer", "age", "asking", "failure", "state", "shown", "served"),
    [
        (None, 0, False, None, S.MISSING, False, None),
        (None, 0, True, None, S.REFRESHING, False, None),
        (None, 0, False, DOWN, S.FAILING, False, None),
        (KNOWN, 0, False, None, S.FRESH, True, "fresh"),
        (KNOWN, 15 * MINUTE - 1, True, DOWN, S.FRESH, True, "fresh"),  # pushed while the carrier fails
        (KNOWN, 15 * MINUTE, False, None, S.STALE, True, "stale"),
        (KNOWN, 15 * MINUTE, True, None, S.REFRESHING, True, "stale"),
        (KNOWN, 15 * MINUTE, False, DOWN, S.FAILING, True, "stale_on_error"),
        (KNOWN, 7 * DAY - 1, False, DOWN, S.FAILING, True, "stale_on_error"),
        (KNOWN, 7 * DAY, False, DOWN, S.FAILING, False, None),
        (KNOWN, 7 * DAY, True, None, S.REFRESHING, False, None),
        (KNOWN, 7 * DAY, False, None, S.MISSING, False, None),
        (ENDED, DAY / 2 - 1, False, None, S.FINAL, True, "fresh"),
        (ENDED, DAY / 2, False, None, S.STALE, True, "stale"),
        (ENDED, 60 * DAY, False, DOWN, S.FAILING, True, "stale_on_error"),
        (UNKNOWN, 2 * MINUTE - 1, False, DOWN, S.NOT_FOUND, True, "fresh"),
        (UNKNOWN, 2 * MINUTE, False, None, S.MISSING, False, None),
        (UNKNOWN, 2 * MINUTE, False, DOWN, S.FAILING, False, None),
        (UNKNOWN, 2 * MINUTE, True, None, S.REFRESHING, False, None),
    ],
)
def test_where_the_data_of_a_number_stand(answer, age, asking, failure, state, shown, served) -> None:
    entry = Entry(answer, NOON) if answer is not None else None
    now = NOON + timedelta(seconds=age)
    stands = standing(entry, now, LIFE, seed=EARLIEST, asking=asking, failure=failure)
    failed = failure if state is S.FAILING else None
    assert (stands.state, stands.shown, stands.failure) == (state, entry if shown else None, failed)
    assert not shown or stands.state.served == Freshness(served)


def test_a_question_begins_where_data_are_missing_or_stale_and_nowhere_else() -> None:
    assert {state for state in State if state.begins} == {S.MISSING, S.STALE}
    assert {state for state in State if state.settled} == {S.NOT_FOUND, S.FRESH, S.FINAL}


def test_two_shops_read_one_answer_each_with_its_own_shelf_life() -> None:
    entry, now = Entry(KNOWN, NOON), NOON + timedelta(minutes=10)
    hasty = ShelfLife(in_transit=60)
    assert standing(entry, now, hasty, seed=EARLIEST).state is State.STALE
    assert standing(entry, now, LIFE, seed=EARLIEST).state is State.FRESH


def test_a_parcel_at_its_end_is_one_whose_every_shipment_ended(clock: FakeClock) -> None:
    ended, moving = Shipment("1", status=Status.DELIVERED, final=True), Shipment("2", status=Status.IN_TRANSIT)
    entries = [Entry(Found((ended,)), clock.now()), Entry(Found((ended, moving)), clock.now())]
    clock.advance(60 * KEPT)
    assert [(entry.final, entry.usable(clock.now())) for entry in entries] == [(True, True), (False, False)]


@pytest.mark.fault(41)
def test_an_age_is_never_negative_whatever_the_clocks_do(clock: FakeClock) -> None:
    entry = Entry(found(Status.IN_TRANSIT), clock.now() + timedelta(days=1))
    assert entry.age(clock.now()) == 0
    assert standing(entry, clock.now(), LIFE, seed=LATEST).state is State.FRESH
