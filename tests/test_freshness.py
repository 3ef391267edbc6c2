"""How long an answer is fresh, and how long it serves."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import Found, NotFound, Shipment, Status
from doorstep.freshness import FRESH, KEPT, NOT_FOUND, Entry, fresh_for

from .clock import FakeClock

EARLIEST, LATEST = "ffff" + "0" * 28, "0" * 32  # seeds with the whole jitter and with none


def found(*statuses: Status) -> Found:
    return Found(tuple(Shipment(str(n), status=status) for n, status in enumerate(statuses)))


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_time(status: Status) -> None:
    assert fresh_for(found(status), seed=LATEST) == FRESH[status] > 0


def test_what_is_about_to_happen_is_asked_most_often_and_what_is_over_most_seldom() -> None:
    assert min(FRESH, key=FRESH.__getitem__) is Status.OUT_FOR_DELIVERY
    over = {Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.LOST}
    assert min(FRESH[status] for status in over) > max(FRESH[status] for status in set(Status) - over)


def test_of_several_shipments_the_most_urgent_decides() -> None:
    assert fresh_for(found(Status.DELIVERED, Status.OUT_FOR_DELIVERY), seed=LATEST) == 5 * 60


def test_a_number_not_found_is_asked_again_soon() -> None:
    assert fresh_for(NotFound(), seed=LATEST) == NOT_FOUND == 120


def test_the_jitter_takes_at_most_fifteen_per_cent() -> None:
    assert fresh_for(found(Status.IN_TRANSIT), seed=EARLIEST) == pytest.approx(15 * 60 * 0.85)


@given(st.binary(min_size=2, max_size=32).map(bytes.hex), st.sampled_from(Status))
def test_the_jitter_stays_within_its_bounds_and_is_the_same_for_a_seed(seed: str, status: Status) -> None:
    seconds = fresh_for(found(status), seed=seed)
    assert FRESH[status] * 0.849 < seconds <= FRESH[status]
    assert seconds == fresh_for(found(status), seed=seed)


def test_an_entry_is_fresh_until_its_time_is_over(clock: FakeClock) -> None:
    entry = Entry(found(Status.OUT_FOR_DELIVERY), clock.now())
    assert entry.fresh_until(seed=LATEST) == clock.now() + timedelta(minutes=5)
    clock.advance(299)
    assert entry.fresh(clock.now(), seed=LATEST)
    clock.advance(1)
    assert not entry.fresh(clock.now(), seed=LATEST)


def test_a_parcel_once_known_serves_for_a_week(clock: FakeClock) -> None:
    entry = Entry(found(Status.IN_TRANSIT), clock.now())
    clock.advance(KEPT - 1)
    assert entry.usable(clock.now())
    clock.advance(1)
    assert not entry.usable(clock.now())


def test_a_parcel_at_its_end_serves_for_as_long_as_it_is_kept(clock: FakeClock) -> None:
    ended, moving = Shipment("1", status=Status.DELIVERED, final=True), Shipment("2", status=Status.IN_TRANSIT)
    entries = [Entry(Found((ended,)), clock.now()), Entry(Found((ended, moving)), clock.now())]
    clock.advance(60 * KEPT)
    assert [entry.usable(clock.now()) for entry in entries] == [True, False]


def test_not_found_is_never_shown_as_the_last_that_was_known(clock: FakeClock) -> None:
    assert not Entry(NotFound(), clock.now()).usable(clock.now())


def test_an_age_is_never_negative_whatever_the_clocks_do(clock: FakeClock) -> None:
    entry = Entry(found(Status.IN_TRANSIT), clock.now() + timedelta(days=1))
    assert entry.age(clock.now()) == 0
    assert entry.fresh(clock.now(), seed=LATEST)
