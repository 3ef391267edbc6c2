"""Business days, by hand on the calendar of November 2026: the 22nd is a Sunday."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.calendar import Calendar
from doorstep.order import Promise

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Calendar()
HOLIDAY = Calendar(holidays=(date(2026, 11, 24),))  # a Tuesday


def november(day):
    return date(2026, 11, day)


@pytest.mark.parametrize(
    ("calendar", "day", "count", "expected"),
    [
        (WEEK, 23, 1, 24),
        (WEEK, 23, 4, 27),
        (WEEK, 23, 5, 30),  # over a weekend
        (WEEK, 27, 1, 30),
        (WEEK, 22, 1, 23),  # from a Sunday
        (WEEK, 23, 0, 23),
        (WEEK, 21, 0, 23),  # a Saturday is no business day
        (HOLIDAY, 23, 1, 25),
        (HOLIDAY, 24, 0, 25),
        (HOLIDAY, 22, 3, 26),  # Monday, Wednesday, Thursday
        (Calendar(business_days=("sat",)), 23, 1, 28),
        (Calendar(business_days=("sun", "mon")), 22, 1, 23),
    ],
)
def test_the_business_day_after_so_many_others(calendar, day, count, expected):
    assert calendar.after(november(day), count) == november(expected)


def test_a_calendar_without_a_business_day_counts_days_and_ends():
    assert Calendar(business_days=()).after(november(23), 3) == november(26)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "expected"),
    [
        (WEEK, 23, 23, 0),
        (WEEK, 25, 23, 0),
        (WEEK, 23, 24, 1),
        (WEEK, 20, 23, 1),  # Friday to Monday
        (WEEK, 20, 22, 0),
        (WEEK, 16, 30, 10),
        (HOLIDAY, 23, 27, 3),
    ],
)
def test_how_many_business_days_lie_between(calendar, start, end, expected):
    assert calendar.between(november(start), november(end)) == expected


@given(
    days=st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, unique=True),
    start=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    count=st.integers(1, 60),
)
def test_as_many_business_days_lie_between_as_were_counted(days, start, count):
    calendar = Calendar(business_days=tuple(days))
    end = calendar.after(start, count)
    assert calendar.is_business_day(end)
    assert calendar.between(start, end) == count


@pytest.mark.parametrize(
    ("placed", "expected"),
    [
        (datetime(2026, 11, 23, 12, 59, tzinfo=UTC), 25),  # Monday, a minute before two in Berlin
        (datetime(2026, 11, 23, 13, 0, tzinfo=UTC), 26),  # two o'clock: counts from Tuesday
        (datetime(2026, 11, 23, 23, 30, tzinfo=UTC), 26),  # in Berlin it is Tuesday, half past midnight
        (datetime(2026, 11, 27, 14, 0, tzinfo=UTC), 2),  # Friday afternoon: from Monday to Wednesday, in December
        (datetime(2026, 11, 22, 9, 0, tzinfo=UTC), 24),  # on a Sunday the hour makes no difference
        (datetime(2026, 11, 22, 15, 0, tzinfo=UTC), 24),
    ],
)
def test_what_is_placed_from_the_shops_own_cutoff_on_counts_from_the_next_business_day(placed, expected):
    promised = Calendar(cutoff=time(14), promise=2).promised(None, placed, BERLIN)
    day = november(expected) if expected > 20 else date(2026, 12, expected)
    assert promised == Promise(None, day, 2)


MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, Promise(None, november(26), 3)),  # the calendar's own three days
        (Promise(business_days=1), Promise(None, november(24), 1)),
        (Promise(business_days=0), Promise(None, november(23), 0)),
        (Promise(november(24), business_days=2), Promise(november(24), november(25), 2)),
        (Promise(until=november(30)), Promise(until=november(30))),
        (Promise(until=november(30), business_days=1), Promise(until=november(30), business_days=1)),
        (Promise(november(24)), Promise(november(24))),
        (Promise(), None),
    ],
)
def test_what_an_order_says_of_its_promise_goes_before_the_calendar(said, expected):
    assert Calendar(promise=3).promised(said, MONDAY, BERLIN) == expected


def test_a_shop_that_promises_nothing_promises_nothing():
    assert WEEK.promised(None, MONDAY, BERLIN) is None


@pytest.mark.parametrize(
    "text", ['{"business_days": ["monday"]}', '{"promise": -1}', '{"holidays": ["24.12."]}', '{"cutof": "14:00"}']
)
def test_a_mistake_in_the_calendar_is_refused(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Calendar)
