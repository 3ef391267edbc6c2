"""Finished pages: found by what they show, gone when what they were made from moves or their time is up, bounded in bytes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doorstep.near import NearPages, Page, Span, variant

from .clock import FakeClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG = Span(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
KEY = ("main en", "/track/A1")


class Told:
    """Somebody who is told of what changes, or not."""

    def __init__(self, *, reaches_others: bool = True) -> None:
        self.reaches_others = reaches_others
        self.trusted = True


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def near(clock: FakeClock, told: Told) -> NearPages:
    return NearPages(clock, told, most_bytes=20_000)


def page(body: bytes = b"a page", *tags: str, span: Span = LONG) -> Page:
    return Page(body, b'"1"', (), (), span, span.since, span.until, tags)


def test_a_page_that_was_kept_is_found_and_no_other(near: NearPages) -> None:
    near.keep(KEY, page(), near.begin())
    assert near.get(KEY, NOON) == page()
    assert near.get(("main de", "/track/A1"), NOON) is None
    assert near.get(("main en", "/track/A2"), NOON) is None


@pytest.mark.parametrize(
    ("now", "found"),
    [(LONG.since, True), (LONG.since - timedelta(seconds=1), False), (LONG.until, False)],
    ids=["from its first moment", "not when the clock went back", "not at its end"],
)
def test_a_page_is_found_only_in_its_time(near: NearPages, now: datetime, found: bool) -> None:
    near.keep(KEY, page(), near.begin())
    assert (near.get(KEY, now) is not None) == found
    assert (near.size > 0) == found


def test_what_a_page_was_made_from_takes_it_away_when_it_moves(near: NearPages) -> None:
    other = ("main en", "/track/A2")
    near.keep(KEY, page(b"one", "answer 1", "banners:main"), near.begin())
    near.keep(other, page(b"two", "answer 2", "banners:main"), near.begin())
    near.drop(["answer 1", "answer 9"])
    assert near.get(KEY, NOON) is None
    assert near.get(other, NOON) is not None
    near.drop(["banners:main"])
    assert (near.get(other, NOON), near.size, len(near)) == (None, 0, 0)


def test_a_page_whose_tag_moved_while_it_was_made_is_not_kept(near: NearPages) -> None:
    near.drop(["answer"])
    began = near.begin()
    near.drop(["another"])
    near.keep(KEY, page(b"whole", "answer"), began)
    assert near.get(KEY, NOON) is not None
    near.drop(["answer"])
    near.keep(KEY, page(b"from before", "answer"), began)
    assert near.get(KEY, NOON) is None


def test_a_page_begun_before_everything_was_given_up_is_not_kept(near: NearPages) -> None:
    began = near.begin()
    near.clear()
    near.keep(KEY, page(), began)
    assert near.get(KEY, NOON) is None
    near.keep(KEY, page(), near.begin())
    assert near.get(KEY, NOON) is not None


def test_moves_are_forgotten_only_together_with_the_pages_they_could_spoil(near: NearPages) -> None:
    began = near.begin()
    near.drop(["answer"])
    for n in range(30_000):
        near.drop([f"other {n}"])
    near.keep(KEY, page(b"from before", "answer"), began)
    assert near.get(KEY, NOON) is None


def test_while_nobody_tells_nothing_is_given_and_nothing_kept(near: NearPages, told: Told) -> None:
    near.keep(KEY, page(), near.begin())
    told.trusted = False
    assert near.get(KEY, NOON) is None
    near.keep(KEY, page(), near.begin())
    told.trusted = True
    assert near.get(KEY, NOON) is None


def test_bytes_are_bounded_and_the_page_longest_not_asked_for_goes_first(near: NearPages) -> None:
    keys = [("main en", f"/track/A{n}") for n in range(3)]  # 8,072 bytes each: two fit
    for key in keys[:2]:
        near.keep(key, page(bytes(5000)), near.begin())
    near.get(keys[0], NOON)
    near.keep(keys[2], page(bytes(5000)), near.begin())
    assert [near.get(key, NOON) is not None for key in keys] == [True, False, True]
    assert (near.size, near.evicted) == (2 * 8072, 1)
    near.keep(KEY, page(bytes(30_000)), near.begin())
    assert near.get(KEY, NOON) is None


def test_a_page_that_is_kept_again_counts_once(near: NearPages) -> None:
    for _ in range(5):
        near.keep(KEY, page(b"", "answer"), near.begin())
    assert (near.size, len(near)) == (3072, 1)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


FAR = when("2026-12-31T00:00")


@pytest.mark.parametrize(
    ("now", "zone", "fresh_until", "edges", "since", "until"),
    [
        # Midnight in Berlin is 23:00 UTC in winter, 22:00 in summer.
        ("2026-11-22T12:00", "Europe/Berlin", FAR, [], "2026-11-21T23:00", "2026-11-22T23:00"),
        ("2026-06-22T12:00", "Europe/Berlin", FAR, [], "2026-06-21T22:00", "2026-06-22T22:00"),
        # The day on which summer ends has 25 hours.
        ("2026-10-25T12:00", "Europe/Berlin", FAR, [], "2026-10-24T22:00", "2026-10-25T23:00"),
        # In Cairo clocks go from 24:00 to 1:00 on 24 April 2026: that day begins at 22:00 UTC.
        ("2026-04-23T12:00", "Africa/Cairo", FAR, [], "2026-04-22T22:00", "2026-04-23T22:00"),
        ("2026-11-22T12:00", "UTC", when("2026-11-22T12:07"), [], "2026-11-22T00:00", "2026-11-22T12:07"),
        # A banner that began at nine and ends at six; one that begins tomorrow.
        ("2026-11-22T12:00", "UTC", FAR, ["09:00", "18:00"], "2026-11-22T09:00", "2026-11-22T18:00"),
        ("2026-11-22T12:00", "UTC", FAR, ["12:00"], "2026-11-22T12:00", "2026-11-23T00:00"),
    ],
)  # fmt: skip
def test_a_page_is_true_until_the_first_thing_it_says_changes(
    near: NearPages, now: str, zone: str, fresh_until: datetime, edges: list[str], since: str, until: str
) -> None:
    turns = [when(f"{now[:10]}T{edge}") for edge in edges]
    span = near.span(when(now), ZoneInfo(zone), fresh_until, turns)
    assert span == Span(when(since), when(until))


def test_where_others_cannot_tell_a_page_stays_half_a_minute(clock: FakeClock) -> None:
    alone = NearPages(clock, Told(reaches_others=False))
    assert alone.span(NOON, ZoneInfo("UTC"), FAR, []).until == NOON + timedelta(seconds=30)


ASKED: list[tuple[Any, ...]] = [
    ("main", "en", {}, False),
    ("main", "en", {}, True),
    ("main", "de", {}, False),
    ("other", "en", {}, False),
    ("main", "en", {"lang": "en"}, False),
    ("main", "en", {"carrier": "ups"}, False),
    ("main", "en", {"parcel": "ups"}, False),
    ("main", "en", {"lang": "en', 'parcel', 'x"}, False),
    ("main", "en", {"lang": "en", "parcel": "x"}, False),
]


def test_whatever_decides_on_a_page_makes_another_variant() -> None:
    made = {variant(store, language, carried, packed=packed) for store, language, carried, packed in ASKED}
    assert len(made) == len(ASKED)
    assert variant("main", "en", {"lang": "en", "parcel": "x"}, packed=False) in made
