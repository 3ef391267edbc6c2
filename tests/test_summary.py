"""The summary: what scans say together, by the rule at the head of the module and in docs/design.md."""

from datetime import UTC, date, datetime

import pytest

from doorstep import Basis, Event, Flag, Moment, Place, Precision, Status
from doorstep.models import Summary
from doorstep.moments import whole_day
from doorstep.summary import arrange, by_piece, clearly_later, summarise, turned_back

from .scans import BERGEN, CUSTOMS, MOVING, OSLO, OUT, START, at, wall


def of(*events: Event, pieces: tuple[str, ...] = ()) -> Summary:
    return summarise(arrange(events), pieces)


def outcome(*events: Event) -> Status:
    return of(*events).status


def test_without_events_the_carrier_knows_nothing_yet() -> None:
    assert summarise(()) == Summary(Status.PENDING)


def test_the_newest_scan_decides_and_says_since_when() -> None:
    newest = at(60, OUT, reason="r")
    assert of(at(0, Status.ACCEPTED), newest) == Summary(OUT, reason="r", since=newest.moment)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.LOST])
def test_ends_are_final(status: Status) -> None:
    assert of(at(0, status)).final


# Called delivered by carriers, and what it is.

FALSE_DELIVERIES = {
    "waits at an access point": ([at(0, Status.DELIVERED, Flag.PICKUP_POINT)], Status.AVAILABLE_FOR_PICKUP),
    "waits, in the carrier's own words": ([at(0, Status.AVAILABLE_FOR_PICKUP)], Status.AVAILABLE_FOR_PICKUP),
    "handed to another carrier": ([at(0, Status.DELIVERED, Flag.HANDOVER)], MOVING),
    "moving under another carrier": ([at(0, MOVING, Flag.HANDOVER)], MOVING),
    "handed over at a counter": ([at(0, Status.DELIVERED, Flag.PICKUP_POINT, Flag.HANDOVER)], MOVING),
    "out for delivery on the way back": ([at(0, OUT, Flag.RETURN)], Status.RETURNING),
    "out for delivery after a refusal": (
        [at(0, Status.EXCEPTION, Flag.RETURN), at(60, OUT)],
        Status.RETURNING,
    ),
    "handed over on the way back": ([at(0, Status.DELIVERED, Flag.RETURN, Flag.HANDOVER)], Status.RETURNING),
    "some pieces": ([at(0, Status.DELIVERED, Flag.PARTIAL)], OUT),
    "some pieces, back at the sender": ([at(0, Status.DELIVERED, Flag.PARTIAL, Flag.RETURN)], Status.RETURNING),
    "out for delivery afterwards": ([at(0, Status.DELIVERED), at(30, OUT)], OUT),
    "movement afterwards": ([at(0, Status.DELIVERED), at(300, MOVING)], MOVING),
    "a scanning error, said afterwards": ([at(0, Status.DELIVERED), at(5, Status.EXCEPTION)], Status.EXCEPTION),
    "brought to a shop afterwards": (
        [at(0, Status.DELIVERED), at(9, Status.DELIVERED, Flag.PICKUP_POINT)],
        Status.AVAILABLE_FOR_PICKUP,
    ),
    "sent back afterwards": ([at(0, Status.DELIVERED), at(99, Status.RETURNING)], Status.RETURNING),
}


@pytest.mark.parametrize(("events", "status"), FALSE_DELIVERIES.values(), ids=FALSE_DELIVERIES)
def test_what_is_no_delivery_is_never_final(events: list[Event], status: Status) -> None:
    summary = of(*events)
    assert (summary.status, summary.final, summary.since) == (status, False, events[-1].moment)


BACK_AT_THE_SENDER = {
    "says so itself": [at(0, Status.RETURNED)],
    "delivered with a return flag": [at(0, Status.DELIVERED, Flag.RETURN)],
    "delivered after going back": [at(0, Status.RETURNING), at(99, Status.DELIVERED)],
    "delivered after a refusal": [at(0, Status.EXCEPTION, Flag.RETURN), at(50, MOVING), at(99, Status.DELIVERED)],
    "delivered after each scan of the way back": [at(0, MOVING, Flag.RETURN), at(99, Status.DELIVERED, Flag.RETURN)],
    "at the sender's post office": [at(0, Status.RETURNING), at(9, Status.DELIVERED, Flag.PICKUP_POINT)],
    "delivered, sent back, delivered": [
        at(0, Status.DELIVERED),
        at(99, Status.RETURNING),
        at(999, Status.DELIVERED),
    ],
    "without instants, in the carrier's order": [
        wall("2026-11-03T16:00", Status.DELIVERED),
        wall("2026-11-03T09:00", Status.RETURNING),
        wall("2026-11-02T15:00", MOVING),
    ],
}


@pytest.mark.parametrize("events", BACK_AT_THE_SENDER.values(), ids=BACK_AT_THE_SENDER)
def test_what_is_delivered_to_the_sender_is_returned(events: list[Event]) -> None:
    summary = of(*events)
    assert (summary.status, summary.final) == (Status.RETURNED, True)


def test_a_neighbour_has_it_is_delivered_with_its_reason() -> None:
    there = at(0, Status.DELIVERED, reason="recipient.neighbour")
    assert of(there) == Summary(Status.DELIVERED, "recipient.neighbour", final=True, since=there.moment)


def test_collected_from_the_pickup_point_is_delivered() -> None:
    assert outcome(at(0, Status.DELIVERED, Flag.PICKUP_POINT), at(90, Status.DELIVERED)) is Status.DELIVERED


UNDER_WAY = [
    Status.ACCEPTED,
    MOVING,
    CUSTOMS,
    OUT,
    Status.DELIVERY_ATTEMPTED,
    Status.AVAILABLE_FOR_PICKUP,
]


@pytest.mark.parametrize("status", UNDER_WAY)
def test_what_moves_after_a_return_marker_is_on_its_way_back(status: Status) -> None:
    assert outcome(at(0, Status.EXCEPTION, Flag.RETURN), at(60, status)) is Status.RETURNING


# What moves nothing.


@pytest.mark.parametrize("flag", Flag)
def test_an_informational_event_moves_nothing_whatever_its_flags(flag: Flag) -> None:
    delivered = of(at(0, MOVING), at(10, None, flag), at(99, Status.DELIVERED))
    assert (delivered.status, delivered.final) == (Status.DELIVERED, True)
    assert of(at(0, Status.DELIVERED), at(10, None, flag)) == of(at(0, Status.DELIVERED))


@pytest.mark.parametrize("paper", [Status.LABEL_CREATED, Status.PENDING, Status.UNKNOWN])
def test_paperwork_moves_no_parcel_that_was_scanned(paper: Status) -> None:
    assert outcome(at(0, Status.DELIVERED), at(600, paper)) is Status.DELIVERED
    assert outcome(at(0, Status.ACCEPTED), at(600, paper)) is Status.ACCEPTED
    assert outcome(wall("2026-11-09", paper), at(0, Status.ACCEPTED)) is Status.ACCEPTED


def test_among_paperwork_the_newest_speaks() -> None:
    assert outcome(at(0, Status.PENDING), at(9, Status.LABEL_CREATED)) is Status.LABEL_CREATED


@pytest.mark.parametrize("end", [Status.DELIVERED, Status.RETURNED])
def test_what_arrived_is_not_cancelled_any_more(end: Status) -> None:
    assert outcome(at(0, end), at(6000, Status.CANCELLED)) is end
    assert outcome(at(0, MOVING), at(60, Status.CANCELLED)) is Status.CANCELLED


# When a later scan counts.

ENDS = [Status.DELIVERED, Status.RETURNED, Status.CANCELLED, Status.LOST]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("seconds", "reopened"), [(0, False), (59, False), (60, True)])
def test_a_minute_is_the_least_that_reopens_an_end(end: Status, seconds: int, reopened: bool) -> None:
    ended, later = at(0, end), at(seconds / 60, Status.EXCEPTION, reason="r")
    closed = Summary(end, final=True, since=ended.moment)
    assert of(later, ended) == (Summary(Status.EXCEPTION, "r", since=later.moment) if reopened else closed)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("unclear", ["2026-11-02T21:59", "2026-11-02", "2026-11-01", "noon"])
def test_a_scan_whose_time_cannot_be_compared_reopens_no_end(end: Status, unclear: str) -> None:
    assert summarise([wall(unclear, MOVING), at(0, end)]).status is end


def test_in_one_minute_the_delivery_wins_in_whichever_order() -> None:
    for other in (OUT, MOVING, Status.EXCEPTION, Status.LOST, Status.CANCELLED):
        events = (at(0, Status.DELIVERED), at(0, other))
        assert outcome(*events) is outcome(*reversed(events)) is Status.DELIVERED


def test_found_again_is_delivered_even_where_times_cannot_be_compared() -> None:
    lost, there = wall("2026-11-02T10:00", Status.LOST), wall("2026-11-02T15:00", Status.DELIVERED)
    assert summarise([there, lost]).status is Status.DELIVERED


@pytest.mark.parametrize("end", ENDS)
def test_the_same_end_told_again_does_not_move_its_time(end: Status) -> None:
    assert of(at(0, end), at(45, end)).since == at(0, end).moment


def test_a_day_and_a_minute_of_the_same_day_never_reopen_each_other() -> None:
    day, minute = "2026-11-02", "2026-11-02T16:30:00+01:00"
    for end, scan in ((day, minute), (minute, day)):
        for place in (Place(), BERGEN):
            events = [wall(scan, MOVING, place=place), wall(end, Status.DELIVERED, place=place)]
            assert summarise(events).status is Status.DELIVERED


def test_of_a_clock_that_runs_ahead_the_carriers_order_is_believed() -> None:
    pickup, out = wall("2026-11-09T18:00", Status.ACCEPTED, place=BERGEN), wall("2026-11-09T08:00", OUT, place=BERGEN)
    assert summarise([out, pickup]).status is OUT


def test_after_the_return_a_movement_is_the_rest_of_the_way_back() -> None:
    back, moving = at(0, Status.RETURNED), at(99, MOVING)
    assert outcome(back, moving) is Status.RETURNING
    assert outcome(back, moving, at(999, Status.DELIVERED)) is Status.RETURNED


def test_a_parcel_that_its_sender_gives_in_again_begins_a_new_journey() -> None:
    back, accepted, there = at(0, Status.RETURNED), at(600, Status.ACCEPTED), at(999, Status.DELIVERED)
    assert outcome(back, accepted) is Status.ACCEPTED
    assert outcome(back, accepted, there) is Status.DELIVERED
    assert outcome(back, at(600, Status.ACCEPTED, Flag.RETURN), there) is Status.RETURNED
    assert outcome(back, at(0, Status.ACCEPTED), there) is Status.RETURNED


# Which times can be compared: clocks stand between twelve hours behind UTC and fourteen ahead.

CLEARLY_LATER = [
    ("2026-11-03T10:01:00Z", "2026-11-03T10:00:00Z", True),
    ("2026-11-03T10:00:59Z", "2026-11-03T10:00:00Z", False),
    ("2026-11-03T12:01", "2026-11-02T10:00", True),  # 26 hours and a minute
    ("2026-11-03T12:00", "2026-11-02T10:00", False),
    ("2026-11-03T00:01", "2026-11-02T10:00:00Z", True),  # 00:01, fourteen hours ahead of UTC, is 10:01
    ("2026-11-03T00:00", "2026-11-02T10:00:00Z", False),
    ("2026-11-02T22:01:00Z", "2026-11-02T10:00", True),  # 10:00, twelve hours behind, is 22:00
    ("2026-11-02T22:00:00Z", "2026-11-02T10:00", False),
    ("2026-11-05", "2026-11-02", True),  # 2 November ends at 12:00 of the 3rd, the 5th begins at 10:00 of the 4th
    ("2026-11-04", "2026-11-02", False),
    ("2026-11-04T02:01", "2026-11-02", True),  # not before 12:01 UTC of the 3rd
    ("2026-11-04T02:00", "2026-11-02", False),
    ("soon", "2026-11-02T10:00:00Z", False),
    ("2026-11-02T10:00:00Z", "soon", False),
]


@pytest.mark.parametrize(("later", "earlier", "expected"), CLEARLY_LATER)
def test_later_is_what_is_later_in_every_zone(later: str, earlier: str, expected: bool) -> None:
    assert clearly_later(wall(later, None), wall(earlier, None)) is expected
    assert not clearly_later(wall(earlier, None), wall(later, None))


@pytest.mark.parametrize(
    ("later", "earlier", "expected"),
    [
        ("2026-11-02T11:01", "2026-11-02T10:00", True),
        ("2026-11-02T11:00", "2026-11-02T10:00", False),  # the clock may have been put back
        ("2026-11-03", "2026-11-02T23:59", True),
        ("2026-11-02T23:59", "2026-11-02", False),
        ("2026-11-03T00:00", "2026-11-02", True),
        ("2026-11-02T11:01:00+01:00", "2026-11-02T10:00", True),  # one with an offset, one without
        ("2026-11-02T11:01", "2026-11-02T10:00:00+01:00", True),
    ],
)
def test_the_clocks_of_one_city_are_one_clock(later: str, earlier: str, expected: bool) -> None:
    assert clearly_later(wall(later, None, place=BERGEN), wall(earlier, None, place=BERGEN)) is expected
    assert not clearly_later(wall(later, None, place=BERGEN), wall(earlier, None, place=OSLO))
    nowhere = Place(country="NO")
    assert not clearly_later(wall(later, None, place=nowhere), wall(earlier, None, place=nowhere))


@pytest.mark.parametrize("precision", Precision)
def test_the_ends_of_the_calendar_are_compared_too(precision: Precision) -> None:
    for last, first in ((datetime.max, datetime.min), (datetime.max, START.replace(tzinfo=None))):
        late, early = (Event(Moment("", precision, local=wall), None) for wall in (last, first))
        assert clearly_later(late, early)
        assert not clearly_later(early, late)


# What stands beside the status.


def test_delayed_stays_while_the_parcel_is_on_its_way() -> None:
    late = [at(0, MOVING, Flag.DELAYED), at(60, MOVING), at(70, CUSTOMS), at(80, Status.EXCEPTION)]
    for number in range(1, 5):
        assert of(*late[:number]).delayed


@pytest.mark.parametrize(
    "status", [OUT, Status.DELIVERY_ATTEMPTED, Status.AVAILABLE_FOR_PICKUP, Status.RETURNING, *ENDS]
)
def test_a_delay_is_over_when_the_parcel_came_waits_turned_back_or_ended(status: Status) -> None:
    late = at(0, MOVING, Flag.DELAYED)
    assert not of(late, at(90, status)).delayed
    assert of(late, at(90, status), at(99, None, Flag.DELAYED)).delayed == (status not in ENDS)


def test_an_informational_scan_may_say_delayed_before_anything_else() -> None:
    assert of(at(0, None, Flag.DELAYED)) == Summary(delayed=True)


@pytest.mark.parametrize("status", [CUSTOMS, None])
def test_action_is_required_until_the_parcel_moves_on(status: Status | None) -> None:
    asked = [at(0, Status.ACCEPTED), at(10, status, Flag.ACTION_REQUIRED)]
    assert of(*asked).action_required
    assert of(*asked, at(20, None)).action_required
    assert not of(*asked, at(60, MOVING)).action_required
    assert not of(*asked, at(60, Status.DELIVERED), at(99, None, Flag.ACTION_REQUIRED)).action_required


def test_a_parcel_that_waits_asks_for_somebody_to_come() -> None:
    assert of(at(0, Status.AVAILABLE_FOR_PICKUP)).action_required
    assert of(at(0, Status.DELIVERED, Flag.PICKUP_POINT)).action_required


# Several pieces.


def test_pieces_are_delivered_when_all_are() -> None:
    one, two = at(60, Status.DELIVERED, piece="1"), at(0, OUT, piece="2")
    assert of(one, two, pieces=("1", "2")) == Summary(OUT, since=two.moment)
    last = at(90, Status.DELIVERED, piece="2")
    assert of(one, two, last, pieces=("1", "2")) == Summary(Status.DELIVERED, final=True, since=last.moment)


@pytest.mark.parametrize("newest", ["1", "2"])
def test_of_pieces_under_way_the_one_most_behind_speaks_whichever_moved_last(newest: str) -> None:
    held = at(30 if newest == "2" else 90, CUSTOMS, reason="customs.duties", piece="1")
    driven = at(60, OUT, piece="2")
    assert of(held, driven) == Summary(CUSTOMS, "customs.duties", since=held.moment)


def test_of_pieces_at_the_same_point_the_one_that_moved_last_speaks() -> None:
    first, last = wall("2026-11-02T10:00", MOVING, piece="1"), wall("2026-11-02T18:00", MOVING, piece="2")
    assert of(last, first).since == last.moment


def test_a_piece_in_trouble_is_not_silenced_by_one_with_the_driver() -> None:
    trouble = at(0, Status.EXCEPTION, reason="carrier.damaged", piece="1")
    assert of(trouble, at(60, OUT, piece="2")).reason == "carrier.damaged"


def test_a_piece_that_is_only_announced_keeps_the_rest_from_being_final() -> None:
    there = at(60, Status.DELIVERED, piece="1")
    assert of(there, at(0, MOVING, piece="1"), pieces=("1", "2")) == Summary(OUT, since=there.moment)
    label = at(0, Status.LABEL_CREATED, piece="2")
    assert of(there, label) == Summary(OUT, since=there.moment)
    assert outcome(label, at(30, MOVING, piece="1")) is MOVING


def test_pieces_that_nobody_scanned_are_as_far_as_the_best_of_them() -> None:
    assert of(at(0, Status.LABEL_CREATED, piece="1"), pieces=("1", "2")).status is Status.LABEL_CREATED


@pytest.mark.parametrize("other", [Status.LOST, Status.RETURNED, Status.CANCELLED])
def test_pieces_that_came_to_different_ends_are_not_final(other: Status) -> None:
    summary = of(at(0, Status.DELIVERED, piece="1"), at(9, other, piece="2"))
    assert (summary.status, summary.final) == (other, False)


def test_what_is_asked_of_any_piece_is_asked() -> None:
    summary = of(at(0, MOVING, piece="1"), at(9, CUSTOMS, Flag.ACTION_REQUIRED, Flag.DELAYED, piece="2"))
    assert (summary.status, summary.action_required, summary.delayed) == (MOVING, True, True)


def test_an_event_of_the_whole_consignment_counts_for_every_piece() -> None:
    assert of(at(0, Status.DELIVERED), pieces=("1", "2")).final
    summaries = by_piece(arrange([at(0, MOVING), at(60, Status.DELIVERED, piece="1")]), ("1", "2"))
    assert {number: summary.status for number, summary in summaries.items()} == {"1": Status.DELIVERED, "2": MOVING}


def test_a_notice_makes_no_piece() -> None:
    assert of(at(0, Status.DELIVERED, piece="1"), at(9, None, piece="2")).final


def test_one_piece_is_the_consignment() -> None:
    assert of(at(0, MOVING), at(60, Status.DELIVERED, piece="1"), pieces=("1",)).final


def test_a_date_stands_for_its_whole_day_even_where_a_plugin_gives_it_an_instant() -> None:
    midnight = Moment("", Precision.DAY, Basis.UTC, datetime(2026, 11, 2, tzinfo=UTC))
    for day in (whole_day(date(2026, 11, 2), raw=""), midnight):
        assert summarise([at(0, MOVING), Event(day, Status.DELIVERED)]).final


@pytest.mark.parametrize(
    ("newest", "status"), [(Status.DELIVERED, Status.RETURNED), (MOVING, Status.RETURNING), (OUT, Status.RETURNING)]
)
def test_a_parcel_that_is_said_to_go_back_does_with_its_newest_scan(newest: Status, status: Status) -> None:
    events = turned_back((at(90, None), at(60, newest), at(0, MOVING)))
    assert [event.flags for event in events] == [(), (Flag.RETURN,), ()]
    assert outcome(*events) is status
    assert turned_back(events) == events
    assert turned_back(()) == ()
    assert turned_back((at(0, None),)) == (at(0, None),)
