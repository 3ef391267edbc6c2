"""When something may be said, by the shopper's clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from doorstep.config import Quiet
from doorstep.hours import allowed_from, zone_of
from doorstep.message import Kind

BERLIN, RIYADH = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Riyadh")
NIGHT = Quiet()


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_the_clock_is_that_of_the_country_where_it_has_one() -> None:
    assert zone_of("SA", BERLIN) == RIYADH
    assert zone_of("US", BERLIN) == BERLIN  # has many
    assert zone_of("", BERLIN) == BERLIN


def test_nothing_is_said_at_night_by_the_shoppers_clock() -> None:
    # 21:00 and 08:00 in Berlin are 20:00 and 07:00 UTC in winter; in Riyadh 18:00 and 05:00.
    assert allowed_from(Kind.DELIVERED, at(22, 19, 59), BERLIN, NIGHT) == at(22, 19, 59)
    assert allowed_from(Kind.DELIVERED, at(22, 20), BERLIN, NIGHT) == at(23, 7)
    assert allowed_from(Kind.DELIVERED, at(23, 2), BERLIN, NIGHT) == at(23, 7)
    assert allowed_from(Kind.DELIVERED, at(22, 19, 59), RIYADH, NIGHT) == at(23, 5)
    assert allowed_from(Kind.NEEDS_ACTION, at(22, 20), BERLIN, NIGHT) == at(23, 7)


def test_hours_may_be_of_the_day_or_none() -> None:
    noon = Quiet(time(12), time(14))
    assert allowed_from(Kind.DELIVERED, at(22, 12), BERLIN, noon) == at(22, 13)  # 13:00 in Berlin
    assert allowed_from(Kind.DELIVERED, at(22, 22), BERLIN, noon) == at(22, 22)
    assert allowed_from(Kind.DELIVERED, at(22, 2), BERLIN, Quiet(time(8), time(8))) == at(22, 2)


def test_who_has_just_asked_for_messages_is_answered_at_night() -> None:
    assert allowed_from(Kind.CONFIRM, at(22, 23), BERLIN, NIGHT, {date(2026, 11, 23)}) == at(22, 23)


def test_of_a_parcel_something_is_said_once_a_day_unless_it_presses() -> None:
    said = {date(2026, 11, 22), date(2026, 11, 23)}
    assert allowed_from(Kind.DELAYED, at(22, 12), BERLIN, NIGHT, said) == at(24, 7)
    for pressing in (Kind.ATTEMPTED, Kind.DELIVERED):
        assert allowed_from(pressing, at(22, 12), BERLIN, NIGHT, said) == at(22, 12)
        assert allowed_from(pressing, at(22, 20), BERLIN, NIGHT, said) == at(23, 7)  # it is night all the same
    # Without quiet hours the next day begins at midnight in Berlin.
    assert allowed_from(Kind.DELAYED, at(22, 12), BERLIN, Quiet(time(0), time(0)), said) == at(23, 23)


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), start=st.times(), end=st.times(),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Riyadh", "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu"]),
)  # fmt: skip
def test_it_is_never_before_never_much_later_and_never_in_quiet_hours(
    moment: datetime, start: time, end: time, zone: str
) -> None:  # fmt: skip
    asked, clock = moment.replace(tzinfo=UTC), ZoneInfo(zone)
    allowed = allowed_from(Kind.DELIVERED, asked, clock, Quiet(start, end))
    assert asked <= allowed <= asked + timedelta(days=2, hours=1)
    assert allowed_from(Kind.DELIVERED, allowed, clock, Quiet(start, end)) == allowed
