"""Corrections: what they take back stays in the list, and moves nothing."""

from collections.abc import Collection

from doorstep import Event, Flag, Status, moments
from doorstep.corrections import sent_back, taken_back
from doorstep.summary import arrange, summarise

POSITIONS: dict[str, Collection[Status]] = {"undo": frozenset(Status), "no return": {Status.RETURNING}}


def scan(code: str, status: Status | None, day: int, *flags: Flag) -> Event:
    return Event(moments.iso(f"2026-11-{day:02}T12:00:00Z"), status, code=code, flags=flags, reason="carrier.delay")


def corrected(*events: Event) -> list[tuple[str, Status | None]]:
    """Code and status of the events, oldest first, whichever way they were given."""
    said = taken_back(events, lambda event: POSITIONS.get(event.code, ()))
    assert said == taken_back(events[::-1], lambda event: POSITIONS.get(event.code, ()))
    return [(event.code, event.status) for event in said][::-1]


SORTED = scan("sorted", Status.IN_TRANSIT, 1)
LOADED = scan("loaded", Status.OUT_FOR_DELIVERY, 2, Flag.DELAYED)
NOTICE = scan("notice", None, 3)


def test_the_nearest_scan_that_moved_it_moves_nothing_any_more() -> None:
    assert corrected(SORTED, LOADED, NOTICE, scan("undo", None, 4)) == [
        ("sorted", Status.IN_TRANSIT), ("loaded", None), ("notice", None), ("undo", None),
    ]  # fmt: skip


def test_what_was_taken_back_has_neither_reason_nor_flags_and_keeps_its_words() -> None:
    wrong = taken_back([SORTED, LOADED, scan("undo", None, 4)], lambda event: POSITIONS.get(event.code, ()))[1]
    assert (wrong.code, wrong.moment, wrong.reason, wrong.flags) == ("loaded", LOADED.moment, "", ())


def test_two_corrections_take_back_two_scans() -> None:
    undone = corrected(SORTED, LOADED, scan("undo", None, 4), scan("undo", None, 5))
    assert [status for _, status in undone] == [None, None, None, None]


def test_a_correction_takes_back_what_it_is_about() -> None:
    back = scan("back", Status.RETURNING, 2, Flag.RETURN)
    on, end = scan("sorted", Status.IN_TRANSIT, 3), scan("delivered", Status.DELIVERED, 5)
    events = (SORTED, back, on, scan("no return", None, 4), end)
    assert corrected(*events)[1:3] == [("back", None), ("sorted", Status.IN_TRANSIT)]
    said = taken_back(events, lambda event: POSITIONS.get(event.code, ()))
    assert summarise(arrange(said)).status is Status.DELIVERED


def test_a_correction_of_nothing_changes_nothing() -> None:
    assert corrected(SORTED, scan("no return", None, 4)) == [("sorted", Status.IN_TRANSIT), ("no return", None)]
    assert taken_back([LOADED, SORTED], lambda event: ()) == (LOADED, SORTED)


DELIVERED = scan("delivered", Status.DELIVERED, 5)


def status_of(*events: Event) -> Status:
    said = sent_back(events)
    assert said == sent_back(events[::-1])
    assert [event.code for event in said[::-1]] == [event.code for event in events]
    return summarise(said).status


def test_a_delivery_of_what_went_back_was_the_senders() -> None:
    assert status_of(SORTED, DELIVERED) is Status.RETURNED
    assert status_of(SORTED, DELIVERED, scan("notice", None, 6)) is Status.RETURNED
    assert status_of(SORTED, DELIVERED, scan("odd", Status.UNKNOWN, 6)) is Status.RETURNED


def test_what_goes_back_is_on_its_way_back_since_its_latest_scan() -> None:
    assert status_of(SORTED, LOADED, NOTICE) is Status.RETURNING
    assert [event.flags for event in sent_back([SORTED, LOADED])] == [(Flag.DELAYED, Flag.RETURN), ()]


def test_where_scans_tell_the_way_back_they_are_believed() -> None:
    events = (DELIVERED, scan("back", Status.RETURNING, 4), LOADED)
    assert sent_back(events) == events
    flagged = (scan("sorted", Status.IN_TRANSIT, 4, Flag.RETURN), LOADED)
    assert sent_back(flagged) == flagged
    assert sent_back([]) == ()
