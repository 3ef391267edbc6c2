"""Carriers by lane: what is counted, on which day, and how shares and days are reckoned."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from doorstep.comparison import Comparison, Grouped, Lane, LaneFigures, compare, figures, quantile
from doorstep.database import Database
from doorstep.privacy import erase
from doorstep.secret import Secret
from doorstep.vault import Vault

from .journeys import FIRST_SCAN, journey

FIRST, LAST, TODAY = date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)
BERLIN = ZoneInfo("Europe/Berlin")
UPS = Lane("ups", "DE", "FR", "Standard")


def compared(database: Database, zone: ZoneInfo = BERLIN, *, today: date = TODAY) -> list[LaneFigures]:
    with database.reading() as connection:
        found = compare(connection, "main", FIRST, LAST, zone, today=today)
    return [
        *found.lanes,
        *([LaneFigures("others", "", "", "", found.others, 0, None, None, None, 0.0, None)] if found.others else []),
    ]


def group(tenths: int | None, count: int = 1, lane: Lane = UPS, **more: int) -> Grouped:
    return Grouped(
        lane, tenths, count, *(more.get(name, 0) for name in ("promised", "on_time", "troubled", "attempted"))
    )


# Figures, from groups.


@given(st.lists(st.integers(0, 500), min_size=1, max_size=80), st.floats(0, 1))
def test_at_least_the_share_lies_up_to_a_quantile_and_less_below_it(values: list[int], share: float) -> None:
    found = quantile({value: values.count(value) for value in values}, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < max(share * len(values), 1)


@given(st.lists(st.tuples(st.integers(0, 300) | st.none(), st.integers(1, 40)), min_size=1, max_size=30))
def test_figures_are_those_of_each_parcel_alone(taken: list[tuple[int | None, int]]) -> None:
    [lane] = figures([group(tenths, count) for tenths, count in taken], least=1).lanes
    days = sorted(tenths for tenths, count in taken for _ in range(count) if tenths is not None)
    assert lane.parcels == sum(count for _, count in taken)
    if days:
        assert lane.median_days == days[(len(days) - 1) // 2] / 10
        assert lane.p90_days == days[-(-9 * len(days) // 10) - 1] / 10
    else:
        assert (lane.median_days, lane.p90_days, lane.first_attempt) == (None, None, None)


def test_a_lane_with_few_parcels_is_not_shown_but_counted() -> None:
    few = Lane("dhl", "DE", "AT", "")
    assert figures([group(10, 19), group(20, 19, few)]) == Comparison((), 38)
    found = figures([group(10, 20), group(20, 19, few)])
    assert ([one.carrier for one in found.lanes], found.others) == (["ups"], 19)


def test_on_a_lane_the_carrier_that_keeps_its_promises_comes_first() -> None:
    lanes = [Lane(carrier, "DE", country, "") for country in ("FR", "AT") for carrier in ("a", "b")]
    kept = {"a": 10, "b": 15}
    found = figures(group(10, 20, lane, promised=20, on_time=kept[lane.carrier]) for lane in lanes)
    told = [(one.destination, one.carrier, one.on_time) for one in found.lanes]
    assert told == [("AT", "b", 75.0), ("AT", "a", 50.0), ("FR", "b", 75.0), ("FR", "a", 50.0)]


def test_a_clock_that_runs_before_the_first_scan_took_no_time() -> None:
    [lane] = figures([group(-3, 20)]).lanes
    assert lane.median_days == 0


# From the tables.


def test_a_lane_has_shares_and_days_of_its_parcels(database: Database) -> None:
    with database.writing() as connection:
        for n in range(10):  # two days, a day before the promise
            journey(connection, f"good{n}", delivered_at=FIRST_SCAN + timedelta(days=2), promised=date(2026, 11, 4))
        for n in range(6):  # five days, a day late, after a failed attempt
            late = FIRST_SCAN + timedelta(days=5)
            journey(connection, f"late{n}", delivered_at=late, promised=date(2026, 11, 5), had=["delivery_attempted"])
        for n in range(2):  # nine days, nothing promised, after a problem
            journey(connection, f"bad{n}", delivered_at=FIRST_SCAN + timedelta(days=9), had=["exception", "in_transit"])
        for n in range(2):  # came back
            ended = FIRST_SCAN + timedelta(days=12)
            gone = {"status": "returned", "had": ["delivery_attempted", "returning"], "last_scan_at": ended}
            journey(connection, f"back{n}", promised=date(2026, 11, 5), **gone)
    # Of 18 with a promise 10 were on time; of 18 that arrived 12 at the first attempt; 4 of 20 met a problem.
    # The 9th of 18 took two days, the 17th (90 % of 18 are 16.2) nine.
    assert compared(database) == [LaneFigures(*UPS, 20, 18, 55.6, 2.0, 9.0, 20.0, 66.7)]


def test_the_promised_day_ends_at_the_shops_midnight_in_summer_and_winter(database: Database) -> None:
    def on_time(zone: str) -> float | None:
        return compared(database, ZoneInfo(zone))[0].on_time

    with database.writing() as connection:
        for n in range(20):  # 23:30 in Berlin, 22:30 UTC, 07:30 of the next day in Tokyo
            at = datetime(2026, 11, 10, 22, 30, tzinfo=UTC)
            journey(connection, f"w{n}", delivered_at=at, promised=date(2026, 11, 10))
    assert (on_time("Europe/Berlin"), on_time("UTC"), on_time("Asia/Tokyo")) == (100.0, 100.0, 0.0)
    with database.writing() as connection:
        for n in range(20):  # promised in summer: 21:59 UTC is 23:59 there, 22:01 the next day
            at = datetime(2026, 10, 20, 21, 59 if n < 5 else 58, tzinfo=UTC) + timedelta(
                minutes=2 * (n >= 5) + (n >= 5)
            )
            journey(
                connection, f"s{n}", delivered_at=at, promised=date(2026, 10, 20), service="Summer", first_scan_at=at
            )
    with database.reading() as connection:
        october = compare(connection, "main", date(2026, 10, 1), date(2026, 10, 31), BERLIN, today=TODAY)
    assert [one.on_time for one in october.lanes] == [25.0]


def test_a_parcel_counts_in_the_period_in_which_it_ended(database: Database) -> None:
    with database.writing() as connection:
        inside = [datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 22, 59, tzinfo=UTC)]
        outside = [datetime(2026, 10, 31, 22, 59, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC)]
        for n, at in enumerate(inside + outside):
            journey(connection, f"{n}", delivered_at=at)
        journey(connection, "other", store="outlet", delivered_at=inside[0])
        journey(connection, "void", status="cancelled")
        journey(connection, "never", first_scan_at=None, delivered_at=inside[0])
    [others] = compared(database)
    assert others.parcels == 2


def test_a_parcel_that_is_still_under_way_counts_when_its_promise_is_missed(database: Database) -> None:
    with database.writing() as connection:
        for n in range(20):
            journey(connection, f"{n}", status="in_transit", final=False, promised=date(2026, 11, 20))
        journey(connection, "due", status="in_transit", final=False, promised=date(2026, 11, 22))
        journey(connection, "free", status="in_transit", final=False)
    today = date(2026, 11, 22)
    assert compared(database, today=today) == [LaneFigures(*UPS, 20, 20, 0.0, None, None, 0.0, None)]


def test_erased_orders_leave_what_is_compared(database: Database) -> None:
    with database.writing() as connection:
        for n in range(20):
            late = FIRST_SCAN + timedelta(days=5)
            journey(connection, f"{n}", delivered_at=late, promised=date(2026, 11, 5), had=["delivery_attempted"])
    before = compared(database)
    with database.writing() as connection:
        erased = erase(
            connection,
            [f"ord_{n}" for n in range(20)],
            vault=Vault([Secret("x" * 32)]),
            now=datetime(2026, 12, 1, tzinfo=UTC),
        )
    assert erased.orders == 20
    assert compared(database) == before != []
