"""The summary: what scans say together, by the rules at the head of the module."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import Basis, Event, Flag, Moment, Place, Precision, Status
from doorstep.moments import iso, whole_day
from doorstep.summary import ENDS, PAPERWORK, arrange, coarse, comparably_later, identity, summarise

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
PHYSICAL = [status for status in Status if status not in PAPERWORK]


def at(minutes: float, status: Status | None, *flags: Flag, **fields: Any) -> Event:
    """A scan so many minutes after the start."""
    instant = START + timedelta(minutes=minutes)
    return Event(Moment(instant.isoformat(), Precision.SECOND, Basis.UTC, instant), status, flags=flags, **fields)


def undated(status: Status | None, *flags: Flag, wall: datetime | None = None, **fields: Any) -> Event:
    """A scan whose instant nobody knows."""
    return Event(Moment("?", local=wall), status, flags=flags, **fields)


def outcome(*events: Event) -> Status:
    return summarise(arrange(events)).status


def test_without_events_the_carrier_knows_nothing_yet() -> None:
    summary = summarise(())
    assert (summary.status, summary.final, summary.since) == (Status.PENDING, False, None)


def test_the_newest_scan_decides_and_says_since_when() -> None:
    scans = (at(0, Status.ACCEPTED), at(60, Status.OUT_FOR_DELIVERY, reason="r"))
    summary = summarise(arrange(scans))
    assert (summary.status, summary.reason, summary.since) == (Status.OUT_FOR_DELIVERY, "r", scans[1].moment)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.LOST])
def test_ends_are_final(status: Status) -> None:
    assert summarise([at(0, status)]).final


# False deliveries: what carriers call delivered and what it is.


def test_delivered_to_a_pickup_point_waits_there() -> None:
    summary = summarise([at(0, Status.DELIVERED, Flag.PICKUP_POINT)])
    assert (summary.status, summary.final, summary.action_required) == (Status.AVAILABLE_FOR_PICKUP, False, True)


def test_collected_from_the_pickup_point_is_delivered() -> None:
    assert outcome(at(0, Status.DELIVERED, Flag.PICKUP_POINT), at(90, Status.DELIVERED)) is Status.DELIVERED


def test_handed_to_another_carrier_is_on_its_way() -> None:
    summary = summarise([at(0, Status.IN_TRANSIT, Flag.HANDOVER)])
    assert (summary.status, summary.final) == (Status.IN_TRANSIT, False)


@pytest.mark.parametrize(
    "marker", [at(10, Status.RETURNING), at(10, Status.EXCEPTION, Flag.RETURN), at(10, None, Flag.RETURN)]
)
def test_delivered_after_a_return_marker_went_back_to_the_sender(marker: Event) -> None:
    summary = summarise(arrange([at(0, Status.IN_TRANSIT), marker, at(99, Status.DELIVERED)]))
    assert (summary.status, summary.final) == (Status.RETURNED, True)


def test_delivered_with_a_return_marker_of_its_own_went_back() -> None:
    assert outcome(at(0, Status.DELIVERED, Flag.RETURN)) is Status.RETURNED


def test_a_return_reaches_the_sender_even_at_a_pickup_point() -> None:
    assert outcome(at(0, Status.RETURNING), at(9, Status.DELIVERED, Flag.PICKUP_POINT)) is Status.RETURNED


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY])
def test_movement_after_a_return_marker_is_the_way_back(status: Status) -> None:
    assert outcome(at(0, Status.EXCEPTION, Flag.RETURN), at(60, status)) is Status.RETURNING


def test_a_neighbour_has_it_is_delivered_with_its_reason() -> None:
    summary = summarise([at(0, Status.DELIVERED, reason="recipient.neighbour")])
    assert (summary.status, summary.reason, summary.final) == (Status.DELIVERED, "recipient.neighbour", True)


def test_movement_after_delivery_reopens() -> None:
    summary = summarise(arrange([at(0, Status.DELIVERED), at(30, Status.OUT_FOR_DELIVERY)]))
    assert (summary.status, summary.final) == (Status.OUT_FOR_DELIVERY, False)


def test_a_partial_delivery_leaves_the_rest_with_the_driver() -> None:
    assert outcome(at(0, Status.DELIVERED, Flag.PARTIAL)) is Status.OUT_FOR_DELIVERY


@pytest.mark.parametrize("after", [at(600, None, code="20", text="Signature on file"), at(600, Status.LABEL_CREATED)])
def test_notices_and_paperwork_after_delivery_change_nothing(after: Event) -> None:
    assert outcome(at(0, Status.DELIVERED), after) is Status.DELIVERED


# When a later scan counts.


@pytest.mark.parametrize(("seconds", "status"), [(0, Status.DELIVERED), (59, Status.DELIVERED), (60, Status.EXCEPTION)])
def test_a_minute_is_the_least_that_reopens(seconds: int, status: Status) -> None:
    assert outcome(at(0, Status.DELIVERED), at(seconds / 60, Status.EXCEPTION)) is status


def test_in_one_minute_the_delivery_wins_whatever_the_carriers_order() -> None:
    events = (at(0, Status.DELIVERED), at(0, Status.OUT_FOR_DELIVERY))
    assert outcome(*events) is outcome(*reversed(events)) is Status.DELIVERED


def test_a_scan_without_an_instant_never_reopens() -> None:
    later = undated(Status.IN_TRANSIT, wall=datetime(2026, 11, 2, 23, 0))
    assert summarise([later, at(0, Status.DELIVERED)]).status is Status.DELIVERED


def test_a_date_reopens_only_when_a_full_day_lies_between() -> None:
    delivered = Event(iso("2026-11-02T23:50"), Status.DELIVERED)
    for day, status in ((3, Status.DELIVERED), (4, Status.RETURNING)):
        later = Event(whole_day(datetime(2026, 11, day).date(), raw=""), Status.RETURNING)
        assert summarise([later, delivered]).status is status


def test_two_wall_clocks_of_unknown_zones_cannot_be_compared() -> None:
    assert not comparably_later(iso("2026-11-30T10:00"), iso("2026-11-02T10:00"))


def test_a_second_delivery_scan_does_not_move_the_first() -> None:
    first = at(0, Status.DELIVERED)
    assert summarise(arrange([first, at(45, Status.DELIVERED)])).since == first.moment


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.LOST])
def test_a_parcel_that_turns_up_again_is_on_its_way(status: Status) -> None:
    assert outcome(at(0, status), at(60, Status.IN_TRANSIT)) is Status.IN_TRANSIT


# What stands beside the status.


def test_delayed_stays_until_the_parcel_arrives() -> None:
    late = [at(0, Status.IN_TRANSIT, Flag.DELAYED), at(60, Status.IN_TRANSIT)]
    assert summarise(arrange(late)).delayed
    assert not summarise(arrange([*late, at(90, Status.OUT_FOR_DELIVERY)])).delayed
    assert summarise(arrange([*late, at(90, Status.OUT_FOR_DELIVERY, Flag.DELAYED)])).delayed


def test_an_informational_scan_may_say_delayed_but_not_once_delivered() -> None:
    notice = at(60, None, Flag.DELAYED)
    assert summarise(arrange([at(0, Status.IN_TRANSIT), notice])).delayed
    assert summarise([notice]).delayed
    assert not summarise(arrange([at(0, Status.DELIVERED), notice])).delayed


def test_action_is_required_as_long_as_its_scan_decides() -> None:
    asked = at(0, Status.CUSTOMS, Flag.ACTION_REQUIRED)
    assert summarise([asked]).action_required
    assert not summarise(arrange([asked, at(60, Status.IN_TRANSIT)])).action_required


# Several pieces.


def test_pieces_are_delivered_when_all_are() -> None:
    one, two = at(60, Status.DELIVERED, piece="1"), at(0, Status.OUT_FOR_DELIVERY, piece="2")
    assert summarise(arrange([one, two]), ("1", "2")).status is Status.OUT_FOR_DELIVERY
    last = at(90, Status.DELIVERED, piece="2")
    summary = summarise(arrange([one, two, last]), ("1", "2"))
    assert (summary.status, summary.since) == (Status.DELIVERED, last.moment)


def test_of_open_pieces_the_one_that_moved_last_speaks() -> None:
    events = arrange([at(0, Status.CUSTOMS, piece="1"), at(60, Status.OUT_FOR_DELIVERY, piece="2")])
    assert summarise(events, ("1", "2")).status is Status.OUT_FOR_DELIVERY


def test_an_event_of_the_whole_consignment_counts_for_every_piece() -> None:
    assert summarise([at(0, Status.DELIVERED)], ("1", "2")).status is Status.DELIVERED


# Order and identity.


def test_an_event_without_an_instant_stays_beside_its_neighbour() -> None:
    newest, middle, oldest = at(60, Status.CUSTOMS), undated(Status.IN_TRANSIT), at(0, Status.ACCEPTED)
    assert arrange([newest, middle, oldest]) == (newest, middle, oldest)


def test_the_same_scan_in_another_language_is_one() -> None:
    german, english = (at(0, Status.DELIVERED, code="DL", text=text) for text in ("Zugestellt", "Delivered"))
    assert arrange([german, english]) == (german,)


@pytest.mark.parametrize("change", [{"code": "OK"}, {"place": Place(city="Oslo")}, {"piece": "2"}])
def test_another_code_place_or_piece_is_another_scan(change: dict[str, Any]) -> None:
    common: dict[str, Any] = {"code": "DL", "place": Place(city="Bergen"), "piece": "1"}
    assert identity(at(0, Status.DELIVERED, **common)) != identity(at(0, Status.DELIVERED, **{**common, **change}))


def test_without_any_readable_time_the_raw_text_tells_scans_apart() -> None:
    assert len(arrange([Event(Moment("monday"), None), Event(Moment("tuesday"), None)])) == 2


def test_a_stranger_sees_city_and_country_of_a_place() -> None:
    whole = Place("Bergen", "Vestland", "5003", "NO", "Depot 3")
    assert coarse(whole) == Place(city="Bergen", country="NO")


# Properties.

minutes = st.integers(0, 10_000)
marks = st.sets(st.sampled_from(Flag), max_size=2).map(tuple)
scans = st.builds(lambda m, s, f: at(m, s, *f), minutes, st.sampled_from(Status), marks)
notices = st.builds(lambda m, code: at(m, None, code=code), minutes, st.text("abc", max_size=3))
journeys = st.lists(scans, max_size=8)
distinct = st.lists(scans, max_size=8, unique_by=lambda event: event.moment.raw)


@given(journeys, st.lists(notices, max_size=4))
def test_informational_events_never_change_the_summary(events: list[Event], told: list[Event]) -> None:
    assert summarise(arrange([*events, *told])) == summarise(arrange(events))


@given(distinct.flatmap(lambda events: st.tuples(st.just(events), st.permutations(events))))
def test_the_order_of_comparable_events_does_not_matter(pair: tuple[list[Event], list[Event]]) -> None:
    assert arrange(pair[0]) == arrange(pair[1])


@given(journeys)
def test_told_twice_is_told_once(events: list[Event]) -> None:
    assert arrange([*events, *events]) == arrange(events)
    assert arrange(arrange(events)) == arrange(events)


@given(minutes, st.lists(st.tuples(st.sampled_from(PHYSICAL), st.integers(0, 59)), max_size=5), st.randoms())
def test_events_of_the_same_minute_never_reopen(minute: int, others: list[tuple[Status, int]], random: Any) -> None:
    events = [at(minute, Status.DELIVERED, code="D")]
    events += [at(minute + second / 60, status) for status, second in others if status not in ENDS | {Status.RETURNING}]
    random.shuffle(events)
    assert outcome(*events) is Status.DELIVERED


@given(journeys, st.sampled_from(PHYSICAL))
def test_an_event_that_cannot_be_compared_never_reopens_a_delivery(events: list[Event], status: Status) -> None:
    delivered = summarise(arrange(events))
    if delivered.status in (Status.DELIVERED, Status.RETURNED):
        assert summarise((undated(status), *arrange(events))).status is delivered.status


@given(journeys, st.sampled_from(sorted(PAPERWORK)))
def test_paperwork_never_moves_a_parcel_that_was_scanned(events: list[Event], paper: Status) -> None:
    before = summarise(arrange(events))
    if before.status not in PAPERWORK:
        assert summarise((at(20_000, paper), *arrange(events))).status is before.status


@given(journeys)
def test_final_is_an_end_and_an_end_is_never_delayed(events: list[Event]) -> None:
    summary = summarise(arrange(events))
    assert summary.final == (summary.status in ENDS)
    assert not (summary.final and summary.delayed)
