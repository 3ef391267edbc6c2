"""Moments: every class of time a carrier writes, read for what it says and for nothing more."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import Basis, Moment, Precision, moments
from doorstep.moments import day_first, elsewhere, iso, local, single_zone, utc, whole_day, zoned

NOON = datetime(2026, 11, 22, 12, 0)


def test_an_offset_gives_instant_and_wall_clock() -> None:
    moment = iso("2026-07-03T14:05:09+02:00")
    assert moment.basis is Basis.OFFSET
    assert moment.precision is Precision.SECOND
    assert moment.local == datetime(2026, 7, 3, 14, 5, 9)
    assert moment.instant == datetime(2026, 7, 3, 12, 5, 9, tzinfo=UTC)
    assert moment.offset == "+02:00"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2026-07-03T14:05:09+0200", "+02:00"),
        ("2026-07-03T14:05:09+02", "+02:00"),
        ("20260703T140509-0330", "-03:30"),
        ("2026-07-03 14:05:09 +05:45", "+05:45"),
        ("2026-07-03T14:05:09.123456789+14:00", "+14:00"),
        ("2026-07-03T14:05:09,5-12:00", "-12:00"),
    ],
)
def test_offsets_are_read_however_carriers_write_them(text: str, offset: str) -> None:
    moment = iso(text)
    assert moment.offset == offset
    assert moment.local == datetime(2026, 7, 3, 14, 5, 9), "nanoseconds are cut, the second stays"
    sign = -1 if offset[0] == "-" else 1
    away = sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    assert moment.instant == (datetime(2026, 7, 3, 14, 5, 9) - away).replace(tzinfo=UTC)


def test_z_is_utc_and_the_wall_clock_stays_unknown_without_a_place() -> None:
    moment = iso("2026-07-03T12:05:09Z")
    assert (moment.basis, moment.local, moment.offset) == (Basis.UTC, None, None)
    assert moment.instant == datetime(2026, 7, 3, 12, 5, 9, tzinfo=UTC)


def test_z_with_a_country_of_one_zone_shows_that_wall_clock() -> None:
    moment = iso("2026-07-03T12:05Z", country="PL")  # Warsaw in summer: UTC+2
    assert (moment.basis, moment.local, moment.offset) == (Basis.UTC, datetime(2026, 7, 3, 14, 5), "+02:00")
    assert moment.precision is Precision.MINUTE


def test_utc_beside_a_local_time_keeps_both() -> None:
    moment = utc(datetime(2026, 7, 3, 18, 0), wall=datetime(2026, 7, 3, 14, 0), raw="140000")
    assert moment.basis is Basis.UTC
    assert moment.instant == datetime(2026, 7, 3, 18, 0, tzinfo=UTC)
    assert (moment.local, moment.offset) == (datetime(2026, 7, 3, 14, 0), "-04:00")


def test_utc_takes_an_aware_time_of_any_zone() -> None:
    aware = datetime.fromisoformat("2026-07-03T14:00:00+02:00")
    assert utc(aware, raw="").instant == datetime(2026, 7, 3, 12, 0, tzinfo=UTC)


def test_a_wall_clock_days_away_from_utc_has_no_offset() -> None:
    moment = utc(NOON, wall=NOON + timedelta(days=2), raw="")
    assert moment.offset is None


@pytest.mark.fault(41)
def test_a_local_time_alone_is_never_stamped_with_a_zone() -> None:
    moment = iso("2026-07-03T14:05:09")
    assert moment == Moment(
        "2026-07-03T14:05:09", Precision.SECOND, Basis.UNKNOWN, None, datetime(2026, 7, 3, 14, 5, 9), None
    )


def test_a_country_of_one_zone_gives_a_local_time_its_instant() -> None:
    moment = iso("2026-01-15T09:30", country="IN")
    assert (moment.basis, moment.offset) == (Basis.COUNTRY, "+05:30")
    assert moment.instant == datetime(2026, 1, 15, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("country", ["US", "BR", "AU", "", "XX", "GERMANY"])
def test_a_country_of_several_zones_or_none_gives_nothing(country: str) -> None:
    moment = iso("2026-01-15T09:30", country=country)
    assert (moment.basis, moment.instant, moment.local) == (Basis.UNKNOWN, None, datetime(2026, 1, 15, 9, 30))


def test_a_zone_the_carrier_documents_wins_over_the_country() -> None:
    moment = iso("2026-01-15T09:30", country="US", zone="America/New_York")
    assert (moment.basis, moment.offset) == (Basis.PLACE, "-05:00")
    assert moment.instant == datetime(2026, 1, 15, 14, 30, tzinfo=UTC)


@pytest.mark.fault(41)
def test_an_hour_the_clock_skips_is_honestly_unknown() -> None:
    # Berlin, 29 March 2026: 02:00 to 02:59 did not happen.
    moment = iso("2026-03-29T02:30", country="DE")
    assert (moment.basis, moment.instant, moment.local) == (Basis.UNKNOWN, None, datetime(2026, 3, 29, 2, 30))


@pytest.mark.fault(41)
def test_an_hour_that_comes_twice_is_honestly_unknown() -> None:
    # Berlin, 25 October 2026: 02:00 to 02:59 happened twice.
    moment = iso("2026-10-25T02:30", country="DE")
    assert (moment.basis, moment.instant) == (Basis.UNKNOWN, None)


@pytest.mark.parametrize(("text", "hour"), [("2026-03-29T03:00", 1), ("2026-10-25T01:59", 23), ("2026-10-25T03:00", 2)])
def test_the_hours_beside_a_change_of_clocks_are_known(text: str, hour: int) -> None:
    moment = iso(text, country="DE")
    assert moment.basis is Basis.COUNTRY
    assert moment.instant is not None
    assert moment.instant.hour == hour


# Beside Berlin: changes at midnight (Cairo, Beirut), four in a year (Casablanca), a day that was left out (Apia, 2011).
@pytest.mark.parametrize("country", ["DE", "EG", "LB", "MA", "WS"])
def test_a_decade_is_read_as_zoneinfo_reads_it(country: str) -> None:
    zone = ZoneInfo(*single_zone(country))
    days = [datetime(2010, 1, 1) + timedelta(days=day) for day in range(3653)]
    for wall in [day + timedelta(minutes=minutes) for day in days for minutes in (0, 30, 90, 150, 750, 1430)]:
        there = wall.replace(tzinfo=zone)
        only = there.utcoffset() == there.replace(fold=1).utcoffset()  # else it never was, or was twice (PEP 495)
        assert local(wall, raw="", country=country).instant == (there.astimezone(UTC) if only else None)
        there = wall.replace(tzinfo=UTC).astimezone(zone)
        moment = utc(wall, raw="", country=country)
        assert (moment.local, moment.offset) == (there.replace(tzinfo=None), there.isoformat()[-6:])


def test_a_date_alone_gets_no_midnight() -> None:
    moment = iso("2026-07-03", country="DE")
    assert (moment.precision, moment.basis, moment.instant) == (Precision.DAY, Basis.UNKNOWN, None)
    assert moment.local is not None
    assert moment.local.date() == date(2026, 7, 3)
    assert whole_day(date(2026, 7, 3), raw="2026-07-03") == moment


@pytest.mark.parametrize("text", ["20.11.2026 10:02", "20-11-2026 10:02", "20/11/2026T10:02", " 20.11.2026 10:02:00"])
def test_a_day_that_comes_first_is_read_with_its_time(text: str) -> None:
    moment = day_first(text, country="DE")
    assert (moment.local, moment.raw) == (datetime(2026, 11, 20, 10, 2), text)
    assert (moment.instant, moment.basis) == (datetime(2026, 11, 20, 9, 2, tzinfo=UTC), Basis.COUNTRY)
    assert day_first(text).instant is None
    assert day_first(text, zone="Asia/Tokyo").instant == datetime(2026, 11, 20, 1, 2, tzinfo=UTC)


def test_a_day_that_comes_first_and_alone_gets_no_midnight() -> None:
    moment = day_first("03.07.2026", country="DE")
    assert (moment.precision, moment.local, moment.instant) == (Precision.DAY, datetime(2026, 7, 3), None)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "31.02.2026", "20.13.2026 10:02", "20.11.26", "20.11-2026", "20.11.2026 25:00", "1.1.2026 10:00"],
)
def test_a_day_that_cannot_come_first_keeps_its_raw_text_and_nothing_else(text: str) -> None:
    assert day_first(text, country="DE") == Moment(text)


def test_what_is_written_the_other_way_round_is_read_all_the_same() -> None:
    assert day_first("2026-07-03T14:05:09+02:00") == iso("2026-07-03T14:05:09+02:00")


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026-13-01", "2026-02-30T10:00", "2026-07-03T25:00", "2026-07-03T10:61Z", "2026-07-03T10:00+15:00",
        "03.07.2026", "2026-07-03T10:00 CET", "٢٠٢٦-٠٧-٠٣", "2026-07-03T10:00Z\x00", "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-07-03_10:00:00", "2026-07-03T10:00:0",
        "2026-07-03T10:00:Z",
    ],
)  # fmt: skip
@pytest.mark.parametrize("country", ["", "DE"])
def test_what_cannot_be_read_keeps_its_raw_text_and_nothing_else(text: str, country: str) -> None:
    assert iso(text, country=country) == Moment(text)


def test_a_placeholder_year_does_not_overflow_with_a_zone() -> None:
    assert local(datetime(1, 1, 1), raw="0001", country="JP").instant is None
    assert local(datetime.max, raw="9999", country="DE").instant is None
    assert utc(datetime.max, raw="9999", country="JP").local is None


def test_elsewhere_moves_the_wall_clock_to_the_place_and_keeps_the_instant() -> None:
    french = iso("2026-07-03T14:00:00+02:00")
    tokyo = elsewhere(french, "JP")
    assert (tokyo.instant, tokyo.basis, tokyo.raw) == (french.instant, Basis.OFFSET, french.raw)
    assert (tokyo.local, tokyo.offset) == (datetime(2026, 7, 3, 21, 0), "+09:00")


def test_elsewhere_in_a_country_of_several_zones_forgets_the_wall_clock() -> None:
    moment = elsewhere(iso("2026-07-03T14:00:00+02:00"), "US")
    assert (moment.local, moment.offset) == (None, None)
    assert moment.instant == datetime(2026, 7, 3, 12, 0, tzinfo=UTC)


def test_elsewhere_takes_the_zone_of_the_very_place_before_the_country() -> None:
    perth = elsewhere(iso("2026-07-03T14:00:00+10:00"), "AU", zone="Australia/Perth")
    assert (perth.instant, perth.basis) == (datetime(2026, 7, 3, 4, 0, tzinfo=UTC), Basis.OFFSET)
    assert (perth.local, perth.offset) == (datetime(2026, 7, 3, 12, 0), "+08:00")


def test_elsewhere_leaves_a_moment_without_an_instant_alone() -> None:
    day = iso("2026-07-03")
    assert elsewhere(day, "JP") is day


def test_single_zone_follows_zone_tab() -> None:
    assert single_zone("FR") == single_zone("fr") == ("Europe/Paris",)
    assert single_zone("DE") == ("Europe/Berlin",), "Büsingen keeps Berlin's clock"
    assert single_zone("RU") == ()


@given(st.text(max_size=40), st.sampled_from(["", "DE", "US", "NZ", "??"]))
def test_any_text_is_read_or_kept(text: str, country: str) -> None:
    assert iso(text, country=country).raw == text


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30)).map(lambda at: at.replace(microsecond=0)),
    st.integers(-12 * 60, 14 * 60).map(lambda minutes: timedelta(minutes=minutes)),
)
def test_an_offset_time_is_read_as_the_standard_library_writes_it(wall: datetime, away: timedelta) -> None:
    sign = "-" if away < timedelta() else "+"
    hours, minutes = divmod(abs(away) // timedelta(minutes=1), 60)
    moment = iso(f"{wall.isoformat()}{sign}{hours:02}:{minutes:02}")
    assert moment.instant == (wall - away).replace(tzinfo=UTC)
    assert moment.local == wall


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), st.sampled_from(["DE", "IN", "GB", "EG", "JP"]))
def test_a_known_instant_always_leads_back_to_the_wall_clock(wall: datetime, country: str) -> None:
    moment = local(wall, raw="", country=country)
    if moment.instant is not None:
        assert elsewhere(moment, country).local == wall


def test_an_instant_beside_an_offset_keeps_both() -> None:
    moment = zoned(datetime(2026, 11, 20, 9, 30, tzinfo=UTC), "+0400", raw="r")
    assert (moment.instant, moment.local) == (datetime(2026, 11, 20, 9, 30, tzinfo=UTC), datetime(2026, 11, 20, 13, 30))
    assert (moment.offset, moment.basis, moment.raw) == ("+04:00", Basis.OFFSET, "r")


@pytest.mark.parametrize("offset", ["+9900", "x", "+4", "-05:75"])
def test_an_offset_that_is_none_leaves_the_instant(offset: str) -> None:
    moment = zoned(datetime(2026, 11, 20, 9, 30, tzinfo=UTC), offset, raw="r")
    assert (moment.instant, moment.local, moment.basis) == (datetime(2026, 11, 20, 9, 30, tzinfo=UTC), None, Basis.UTC)


@pytest.mark.parametrize("text", ["2026-11-20T00:00:00", "2026-11-20T23:59:59Z", "2026-11-20 23:59", "2026-11-20"])
def test_the_first_and_the_last_minute_of_a_day_announce_the_day(text: str) -> None:
    moment = moments.estimate(text, country="US")
    assert (moment.precision, moment.instant, moment.raw) == (Precision.DAY, None, text)
    assert moment.local == datetime(2026, 11, 20)


def test_an_announced_time_of_day_is_kept() -> None:
    assert moments.estimate("2026-11-20T16:00:00", country="DE").instant == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_a_window_has_the_ends_that_can_be_read() -> None:
    window = moments.window("2026-11-20", "soon")
    assert window is not None
    assert (window.start, window.end) == (moments.iso("2026-11-20"), None)
    assert moments.window("", "0001-01-01T00:00:00") is None


def test_an_offset_of_another_country_is_no_clock_of_the_place() -> None:
    moment = moments.at_place("2026-11-20T16:00:00+08:00", country="DE")
    assert (moment.instant, moment.local) == (datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 9))
    many = moments.at_place("2026-11-20T16:00:00+08:00", country="US")
    assert (many.local, many.offset) == (datetime(2026, 11, 20, 16), "+08:00")


@pytest.mark.parametrize("text", ["2026-11-20T16:00:00Z", "2026-11-20T16:00:00.123Z"])
def test_a_z_in_doubt_is_a_wall_clock_of_no_known_zone(text: str) -> None:
    moment = moments.doubtful(text, country="DE")
    assert (moment.instant, moment.basis, moment.raw) == (None, Basis.UNKNOWN, text)
    assert moment.local == datetime(2026, 11, 20, 16)


def test_what_is_written_without_a_z_is_not_in_doubt() -> None:
    assert moments.doubtful("2026-11-20T16:00:00", country="DE").instant == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert moments.doubtful("2026-11-20T16:00:00-05:00", country="US").instant == datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert moments.doubtful("2026-11-20T00:00:00Z", country="DE").precision is Precision.DAY
    assert moments.doubtful("", country="DE") == Moment("")


@pytest.mark.parametrize("clock", ["T00:00:00", " 00:00", "T00:00:00.000"])
def test_a_midnight_that_is_passed_on_without_an_offset_is_a_day(clock: str) -> None:
    moment = moments.at_place(f"2026-11-20{clock}", country="DE")
    assert (moment.precision, moment.local, moment.instant) == (Precision.DAY, datetime(2026, 11, 20), None)
    assert moments.at_place("2026-11-20T00:00:00+01:00", country="DE").instant is not None
