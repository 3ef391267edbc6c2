"""The order of scans: newest first, each once, whichever way a carrier's list runs."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from doorstep import Basis, Event, Flag, Moment, Place, Precision, Status
from doorstep.summary import arrange, summarise

from .scans import BERGEN, CUSTOMS, MOVING, OUT, at, wall

NOON = "2026-11-02T12:00"


@pytest.mark.parametrize("turned", [False, True])
def test_a_list_of_either_direction_comes_out_newest_first(turned: bool) -> None:
    newest_first = (at(60, OUT), at(30, MOVING), at(0, Status.ACCEPTED))
    assert arrange(newest_first[::-1] if turned else newest_first) == newest_first


@pytest.mark.parametrize("turned", [False, True])
def test_within_a_minute_the_carriers_order_holds_in_either_direction(turned: bool) -> None:
    newest_first = (at(60, OUT), at(30.9, CUSTOMS), at(30, MOVING), at(30.5, Status.EXCEPTION), at(0, Status.ACCEPTED))
    assert arrange(newest_first[::-1] if turned else newest_first) == newest_first


@pytest.mark.parametrize("turned", [False, True])
def test_without_an_instant_a_scan_stays_beside_its_older_neighbour(turned: bool) -> None:
    newest_first = (wall(NOON, OUT), at(60, CUSTOMS), wall("noon", MOVING), at(0, Status.ACCEPTED), wall(NOON, CUSTOMS))
    assert arrange(newest_first[::-1] if turned else newest_first) == newest_first


@pytest.mark.parametrize("turned", [False, True])
def test_wall_clocks_that_are_clearly_apart_tell_the_direction(turned: bool) -> None:
    newest_first = (wall("2026-11-04T09:00", OUT), wall("2026-11-03T20:00", MOVING), wall(NOON, Status.ACCEPTED))
    assert arrange(newest_first[::-1] if turned else newest_first) == newest_first


def test_where_times_say_nothing_the_order_is_the_carriers() -> None:
    for events in permutations([wall(NOON, OUT), wall("2026-11-02T10:00", MOVING), wall("noon", CUSTOMS)]):
        assert arrange(events) == events
    for events in permutations([at(0, OUT), at(0.5, MOVING), at(0, CUSTOMS)]):
        assert arrange(events) == events


def test_one_late_entry_does_not_turn_a_list_round() -> None:
    oldest_first = [at(0, Status.ACCEPTED), at(20, MOVING), wall(NOON, CUSTOMS), at(40, OUT), at(60, MOVING)]
    late = at(10, MOVING, code="late")
    expected = (at(60, MOVING), at(40, OUT), wall(NOON, CUSTOMS), at(20, MOVING), late, at(0, Status.ACCEPTED))
    assert arrange([*oldest_first, late]) == expected


def test_a_list_of_which_a_third_runs_the_other_way_is_shuffled() -> None:
    one, other = at(0, MOVING), at(0, OUT)
    three_of_four = [at(10, Status.ACCEPTED), one, other, at(20, MOVING), at(30, MOVING), at(40, MOVING)]
    assert arrange(three_of_four)[-2:] == (other, one)  # oldest first: the carrier has `other` as newer
    assert arrange([at(10, Status.ACCEPTED), other, one, *three_of_four[3:]])[-2:] == (one, other)
    two_of_three = [at(10, Status.ACCEPTED), other, one, at(20, MOVING), at(30, MOVING)]
    assert arrange(two_of_three)[-2:] == (other, one)


def test_notices_do_not_tell_the_direction_of_the_scans() -> None:
    scans = (at(30, OUT), at(30, MOVING))
    told = [at(0, None), *scans, at(60, None)]
    assert tuple(event for event in arrange(told) if event.status) == scans


def test_a_date_has_no_instant_even_where_a_plugin_gives_it_one() -> None:
    midnight = Moment("", Precision.DAY, Basis.UTC, datetime(2026, 11, 2, tzinfo=UTC))
    told = (Event(midnight, Status.DELIVERED), at(60, OUT), at(0, MOVING))
    assert arrange(told) == told


def test_of_equals_in_a_shuffled_list_the_one_further_on_is_newer() -> None:
    # Steps up and down alternate, so the list runs neither way.
    ends, middle = [at(90, Status.EXCEPTION), at(0, Status.ACCEPTED)], [at(30, MOVING), at(30, OUT)]
    for one, other in (middle, middle[::-1]):
        shuffled = [one, ends[0], other, at(60, CUSTOMS), ends[1]]
        assert arrange(shuffled) == (ends[0], at(60, CUSTOMS), at(30, OUT), at(30, MOVING), ends[1])


def test_a_notice_carries_no_scan_away() -> None:
    scans = (at(60, OUT), wall(NOON, MOVING), at(0, Status.ACCEPTED))
    notice = at(90, None, code="N")
    for place in range(4):
        told = [*scans[:place], notice, *scans[place:]]
        assert tuple(event for event in arrange(told) if event.status) == scans
        assert summarise(arrange(told)).status is OUT


def test_a_notice_without_an_instant_stays_beside_a_notice() -> None:
    told = (at(60, OUT), wall(NOON, None), at(30, None), at(0, Status.ACCEPTED))
    assert arrange(told) == told


# Identity.


def test_the_same_scan_in_another_language_and_second_is_one() -> None:
    german = at(0, Status.DELIVERED, code="DL", text="Zugestellt")
    english = at(0.5, Status.DELIVERED, code="DL", text="Delivered")
    assert arrange([german, english]) == (german,)


OTHERS: list[dict[str, Any]] = [
    {"code": "OK"},
    {"place": Place(city="Oslo")},
    {"piece": "2"},
    {"status": OUT},
    {"status": None},
    {"flags": (Flag.PICKUP_POINT,)},
    {"reason": "recipient.neighbour"},
    {"moment": at(1, None).moment},
    {"moment": wall(NOON, None).moment},
]


@pytest.mark.parametrize("change", OTHERS, ids=str)
def test_another_meaning_minute_place_or_piece_is_another_scan(change: dict[str, Any]) -> None:
    common: dict[str, Any] = {"moment": at(0, None).moment, "status": Status.DELIVERED, "code": "DL", "place": BERGEN}
    assert len(arrange([Event(**common), Event(**{**common, **change})])) == 2


@pytest.mark.parametrize("fields", [{"code": ""}, {"code": "?", "mapped": False}])
def test_where_no_table_knows_the_code_the_text_tells_scans_apart(fields: dict[str, Any]) -> None:
    told = (at(0, MOVING, text="Sorted", **fields), at(0, MOVING, text="Loaded", **fields))
    assert arrange(told) == told
    assert arrange([*told, told[0]]) == told


def test_without_any_readable_time_the_raw_text_tells_scans_apart() -> None:
    assert len(arrange([Event(Moment("monday"), None), Event(Moment("tuesday"), None)])) == 2


def test_the_same_wall_clock_is_the_same_scan_and_another_is_not() -> None:
    same, again = wall("2026-11-02T12:00:10", MOVING, code="M"), wall("2026-11-02T12:00:50", MOVING, code="M")
    other = wall("2026-11-02T12:01", MOVING, code="M")
    assert arrange([other, same, again]) == (other, same)


def test_with_coarse_codes_the_text_tells_scans_apart() -> None:
    told = (
        at(0, MOVING, code="InTransit_Other", text="Export cleared"),
        at(0, MOVING, code="InTransit_Other", text="Loaded"),
    )
    assert len(arrange(told)) == 1
    assert arrange([*told, told[0]], coarse=True) == told
