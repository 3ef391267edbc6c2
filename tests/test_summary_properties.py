"""Properties of the summary, over all statuses, flags, pieces and kinds of time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from doorstep import Event, Flag, Moment, Place, Precision, Status
from doorstep.models import Summary
from doorstep.summary import ENDS, PAPERWORK, arrange, by_piece, clearly_later, summarise

from .scans import BERGEN, OSLO, START, at

SCANNED = [status for status in Status if status not in PAPERWORK]
MOVING = [status for status in SCANNED if status not in ENDS]
WALLS = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 20))

minutes = st.integers(0, 10_000)
statuses = st.none() | st.sampled_from(Status)
flags = st.lists(st.sampled_from(Flag), max_size=3, unique=True).map(tuple)
places = st.sampled_from([Place(), Place(country="NO"), BERGEN, OSLO])
pieces = st.sampled_from(["", "", "1", "2"])
codes = st.sampled_from(["", "A", "B"])
moments = st.one_of(
    st.builds(lambda minute, second: at(minute + second / 60, None).moment, minutes, st.integers(0, 59)),
    st.builds(lambda wall: Moment(wall.isoformat(), local=wall), WALLS),
    st.builds(lambda wall: Moment(wall.isoformat(), Precision.DAY, local=wall), WALLS),
    st.builds(lambda wall: Moment("", Precision.DAY, instant=wall.replace(tzinfo=UTC)), WALLS),
    st.builds(Moment, st.sampled_from(["", "monday", "noon"])),
)
exact = st.builds(lambda minute: at(minute, None).moment, minutes)


def scans(
    when: st.SearchStrategy[Moment], status: st.SearchStrategy[Status | None] = statuses
) -> st.SearchStrategy[Event]:
    return st.builds(
        Event, when, status, reason=codes, code=codes, text=codes, place=places, piece=pieces, flags=flags,
        mapped=st.booleans(),
    )  # fmt: skip


anything = st.lists(scans(moments), max_size=10)
dated = st.lists(scans(exact), max_size=10)
apart = st.lists(scans(exact), max_size=10, unique_by=lambda event: event.moment)
numbers = st.sampled_from([(), ("1",), ("1", "2"), ("1", "2", "3")])
notices = scans(moments, st.none())
seconds = st.integers(0, 59)
exact_seconds = st.builds(lambda second: at(second / 60, None).moment, seconds)

BACK = (Status.RETURNING, Status.RETURNED)
OUT = [status for status in Status if status not in BACK]  # while nothing says that it goes back
BESIDE = [status for status in OUT if status is not Status.DELIVERED]
marks_out = flags.map(lambda marks: tuple(flag for flag in marks if flag is not Flag.RETURN))


def journeys(of: list[Status]) -> st.SearchStrategy[list[Event]]:
    """Scans at different minutes, none of them on the way back."""
    scan = st.builds(lambda minute, status, marks: at(minute, status, *marks), minutes, st.sampled_from(of), marks_out)
    return st.lists(scan, max_size=6, unique_by=lambda event: event.moment)


out = journeys(OUT)
moving = journeys([status for status in MOVING if status in OUT])


def of(events: list[Event], pieces: tuple[str, ...] = ()) -> Summary:
    return summarise(arrange(events), pieces)


def position(summary: Summary) -> tuple[object, ...]:
    return (summary.status, summary.final, summary.reason, summary.since)


@given(apart.flatmap(lambda events: st.tuples(st.just(events), st.permutations(events))), numbers)
def test_the_order_in_which_comparable_scans_are_told_does_not_matter(
    told: tuple[list[Event], list[Event]], numbers: tuple[str, ...]
) -> None:
    assert arrange(told[0]) == arrange(told[1])
    assert of(told[0], numbers) == of(told[1], numbers)


@given(anything)
def test_turning_a_list_round_changes_nothing_where_its_times_tell_the_direction(
    events: list[Event],
) -> None:
    newest_first = arrange([at(20_000, Status.IN_TRANSIT), *events, at(-1, Status.ACCEPTED)])
    assert arrange(newest_first[::-1]) == newest_first


@given(anything, numbers)
def test_what_is_arranged_stays_as_it_is(events: list[Event], numbers: tuple[str, ...]) -> None:
    arranged = arrange(events)
    assert arrange(arranged) == arranged
    assert arrange([*events, *events]) == arranged


@given(apart, st.data())
def test_a_scan_told_again_in_other_words_and_seconds_changes_nothing(events: list[Event], data: st.DataObject) -> None:
    known = [structs.replace(event, code=event.code or "C", mapped=True) for event in events]
    told = list(known)
    for event in data.draw(st.lists(st.sampled_from(known), max_size=4) if known else st.just([])):
        assert event.moment.instant
        moment = structs.replace(event.moment, instant=event.moment.instant + timedelta(seconds=data.draw(seconds)))
        told.insert(data.draw(st.integers(0, len(told))), structs.replace(event, text="again", moment=moment))
    before, after = of(known), of(told)
    assert (after.status, after.final, after.reason, after.delayed) == (
        before.status, before.final, before.reason, before.delayed,
    )  # fmt: skip
    assert _minute(after) == _minute(before)


def _minute(summary: Summary) -> datetime | None:
    return summary.since.instant.replace(second=0) if summary.since and summary.since.instant else None


@given(anything, notices, st.data(), numbers)
def test_an_informational_event_moves_nothing(
    events: list[Event], notice: Event, data: st.DataObject, numbers: tuple[str, ...]
) -> None:
    told = list(events)
    told.insert(data.draw(st.integers(0, len(events))), notice)
    assert position(of(told, numbers)) == position(of(events, numbers))


@given(out, minutes, marks_out, st.integers(1, 10_000), st.data())
def test_a_late_entry_from_before_a_delivery_does_not_undo_it(
    events: list[Event], minute: int, marks: tuple[Flag, ...], earlier: int, data: st.DataObject
) -> None:
    told = [*events, at(10_001 + minute, Status.DELIVERED)]
    before = of(told)
    assert before.since
    assert before.since.instant
    decided = (before.since.instant - START).total_seconds() / 60
    late = at(decided - earlier, data.draw(st.sampled_from(OUT)), *marks)
    told.insert(data.draw(st.integers(0, len(told))), late)
    after = of(told)
    assert (after.status, after.final) == (Status.DELIVERED, True)
    assert after.since in (before.since, late.moment)


@given(st.integers(0, 100), st.lists(scans(exact_seconds, st.sampled_from(BESIDE)), max_size=6), st.data())
def test_noise_of_the_same_minute_does_not_undo_a_delivery(
    minute: int, noise: list[Event], data: st.DataObject
) -> None:
    told = [at(minute, Status.DELIVERED, code="D")]
    for event in noise:
        assert event.moment.instant
        moment = at(minute + event.moment.instant.second / 60, None).moment
        marks = tuple(flag for flag in event.flags if flag is not Flag.RETURN)
        beside = structs.replace(event, moment=moment, flags=marks, piece="")
        told.insert(data.draw(st.integers(0, len(told))), beside)
    assert of(told).status is Status.DELIVERED


@given(anything, numbers)
def test_final_is_an_end_without_anything_open(events: list[Event], numbers: tuple[str, ...]) -> None:
    summary = of(events, numbers)
    parts = by_piece(arrange(events), numbers).values()
    assert summary.final == (summary.status in ENDS and all(part.status is summary.status for part in parts))
    assert not (summary.final and (summary.delayed or summary.action_required))
    if summary.status is Status.DELIVERED:
        assert all(part.final for part in parts)


@given(moving, minutes, st.sampled_from([Status.DELIVERED, Status.LOST, Status.CANCELLED]), st.integers(0, 6))
def test_an_end_is_final_exactly_when_nothing_moves_clearly_after_it(
    events: list[Event], minute: int, status: Status, place: int
) -> None:
    end = at(minute, status)
    later = [event for event in events if clearly_later(event, end)]
    assert of([*events[:place], end, *events[place:]]).final == (not later)


@given(dated)
def test_a_last_delivery_is_to_the_sender_when_a_return_marker_stands_before_it(events: list[Event]) -> None:
    # What a sender gives in again goes on another journey: without acceptances there is one only.
    events = [structs.replace(event, piece="") for event in events if event.status is not Status.ACCEPTED]
    marked = any(event.status and (event.status in BACK or Flag.RETURN in event.flags) for event in events)
    told = [*events, at(20_000, Status.DELIVERED)]
    assert of(told).status is (Status.RETURNED if marked else Status.DELIVERED)


@given(anything, st.sampled_from(sorted(ENDS)), st.sampled_from(MOVING), st.sampled_from(["", "noon"]))
def test_what_has_no_time_at_all_reopens_nothing(events: list[Event], end: Status, status: Status, raw: str) -> None:
    told = arrange([*(structs.replace(event, piece="") for event in events), at(40_000, end)])
    assert summarise(told).final
    assert position(summarise((Event(Moment(raw), status), *told))) == position(summarise(told))


@given(anything, scans(moments, st.sampled_from(sorted(PAPERWORK))), numbers)
def test_paperwork_on_top_moves_no_parcel_that_was_scanned(
    events: list[Event], paper: Event, numbers: tuple[str, ...]
) -> None:
    told = arrange([*events, at(-1, Status.ACCEPTED)])
    paper = structs.replace(paper, piece="")
    assert position(summarise((paper, *told), numbers)) == position(summarise(told, numbers))


@given(scans(moments), scans(moments), scans(moments))
def test_clearly_later_is_an_order(one: Event, two: Event, three: Event) -> None:
    one, two, three = (structs.replace(event, place=Place()) for event in (one, two, three))
    assert not (clearly_later(one, two) and clearly_later(two, one))
    if clearly_later(three, two) and clearly_later(two, one):
        assert clearly_later(three, one)
