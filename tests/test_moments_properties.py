"""Any local time, zone and offset: what is known of a moment is true, and what is not known is not made up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from doorstep import Basis, Moment, Precision, moments
from doorstep.moments import elsewhere, iso, local, zoned

WALLS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 12, 30)).map(lambda at: at.replace(microsecond=0))
ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"}))
AWAY = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))
READERS = [moments.iso, moments.estimate, moments.day_first, moments.at_place, moments.doubtful]


def written_offset(away: timedelta, form: str) -> str:
    hours, minutes = divmod(abs(away) // timedelta(minutes=1), 60)
    return ("-" if away < timedelta() else "+") + form.format(hours, minutes)


@given(WALLS, ZONES)
@example(datetime(2026, 11, 1, 1, fold=1), "America/Toronto")  # the second time that clocks show it
def test_a_wall_clock_of_a_zone_is_the_instant_at_which_the_zone_s_clocks_show_it_or_none(
    wall: datetime, zone: str
) -> None:
    there = ZoneInfo(zone)
    shown = [wall.replace(tzinfo=there, fold=fold).astimezone(UTC) for fold in (0, 1)]
    moment = local(wall, raw="r", zone=zone)
    assert (moment.raw, moment.local) == ("r", wall)
    if shown[0] != shown[1]:  # in the hour that a clock is put forward or back (PEP 495)
        assert (moment.instant, moment.basis) == (None, Basis.UNKNOWN)
    else:
        assert (moment.instant, moment.basis) == (shown[0], Basis.PLACE)
        assert elsewhere(moment, zone=zone).local == shown[0].astimezone(there).replace(tzinfo=None)


@given(WALLS, AWAY, ZONES)
def test_an_instant_is_the_same_whichever_clock_it_is_read_from(wall: datetime, away: timedelta, zone: str) -> None:
    instant = (wall - away).replace(tzinfo=UTC)
    read = [
        iso(wall.isoformat() + written_offset(away, "{:02}:{:02}")),
        zoned(instant, written_offset(away, "{:02}{:02}"), raw=""),
        moments.utc(instant, raw="", wall=wall),
    ]
    for moment in read:
        assert (moment.instant, moment.local, moment.offset) == (instant, wall, written_offset(away, "{:02}:{:02}"))
        there = elsewhere(moment, zone=zone)
        assert (there.instant, there.local) == (instant, instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None))


# ISO 8601 as carriers write it: basic and extended, seconds and their parts or not, offsets short and long.
DATES, CLOCKS = ["%Y-%m-%d", "%Y%m%d"], ["%H:%M:%S", "%H%M%S", "%H:%M", "%H%M"]
PARTS, OFFSETS = ["", ".5", ",123456789"], ["", "Z", "{:02}:{:02}", "{:02}{:02}", " {:02}:{:02}"]


@given(
    WALLS, AWAY, st.sampled_from(DATES), st.sampled_from("T "), st.sampled_from(CLOCKS), st.sampled_from(PARTS),
    st.sampled_from(OFFSETS), st.sampled_from(["", " "]),
)  # fmt: skip
def test_every_way_of_writing_a_time_says_the_same(
    wall: datetime, away: timedelta, day: str, between: str, clock: str, part: str, offset: str, around: str
) -> None:
    shown = wall if "%S" in clock else wall.replace(second=0)
    behind = (
        {"": "", "Z": "Z"}.get(offset)
        if offset in ("", "Z")
        else " " * offset.count(" ") + written_offset(away, offset.strip())
    )
    text = f"{around}{wall:{day}{between}{clock}}{part}{behind}{around}"
    moment = iso(text)
    assert moment.raw == text
    assert moment.precision is (Precision.SECOND if "%S" in clock else Precision.MINUTE)
    if not behind:
        assert (moment.local, moment.instant, moment.basis) == (shown, None, Basis.UNKNOWN)
    elif behind == "Z":
        assert (moment.local, moment.instant, moment.basis) == (None, shown.replace(tzinfo=UTC), Basis.UTC)
    else:
        assert (moment.local, moment.instant, moment.basis) == (shown, (shown - away).replace(tzinfo=UTC), Basis.OFFSET)


@given(
    WALLS,
    st.sampled_from(["%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y"]),
    st.sampled_from(["", " %H:%M", "T%H:%M:%S"]),
    st.sampled_from(["", "DE"]),
)
def test_a_date_with_its_day_first_is_read_as_any_other(wall: datetime, day: str, clock: str, country: str) -> None:
    text = wall.strftime(day + clock)
    moment = moments.day_first(text, country=country)
    assert moment == structs.replace(iso(wall.strftime("%Y-%m-%d" + clock), country=country), raw=text)
    assert moment.local == (
        wall.replace(hour=0, minute=0, second=0) if not clock else wall.replace(second=0) if "S" not in clock else wall
    )


PIECES = st.lists(
    st.sampled_from(
        [
            "2026",
            "-",
            "11",
            "20",
            "T",
            " ",
            "12",
            ":",
            "30",
            "59",
            "00",
            ".",
            "/",
            "Z",
            "+",
            "01",
            "-05:75",
            "24",
            "é",
            "٣",
        ]
    ),
    max_size=14,
).map("".join)


@given(st.sampled_from(READERS), PIECES | st.text(max_size=40), st.sampled_from(["", "DE", "US", "NZ", "??"]))
def test_whatever_stands_where_a_time_should_keeps_its_text(
    read: Callable[..., Moment], text: str, country: str
) -> None:
    moment = read(text, country=country)
    assert moment.raw == text
    if moment.instant is not None and moment.local is not None and moment.offset is not None:
        shown = datetime.fromisoformat(f"{moment.local.isoformat()}{moment.offset}")
        assert abs(shown - moment.instant) <= timedelta(minutes=1)
    window = moments.window(text, "", country=country)
    assert window is None or window.end is None
