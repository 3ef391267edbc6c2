"""Clocks that jump, differ or skip an hour, and carriers that name no zone: over real HTTP, with a real Redis."""

import re
from datetime import UTC, datetime

import pytest

from doorstep import Shipment
from doorstep.moments import iso
from doorstep.sandbox import sandbox_of
from doorstep.secret import Secret

from ..acme import at, scan
from ..clock import FakeClock
from ..servers import redis_server
from ..shopfront import MOVING, carriers, heading, parsed, shop, store, words
from ..spy import SPY, spy

DAY = 86_400
PLAIN = {"main": store(widgets={})}


def no_negative(answer):
    """That neither a header nor an age on the page is below zero."""
    assert answer.status_code == 200
    ages = [value for name, value in answer.headers.items() if name != "cache-status"]  # there below zero means: stale
    assert not [value for value in ages if re.search(r"(?:^|=)-\d", value)]
    assert not re.search(r"[-−]\d+ (?:second|minute|hour|day)", answer.text)


@pytest.mark.fault(41)
def test_when_the_clock_jumps_a_day_no_age_is_negative_and_days_are_named_as_the_reader_has_them(tmp_path, plugin):
    package = spy(plugin, {"SPY000001": (Shipment("SPY000001", (scan(moment=at(22, 9)), scan(moment=at(21, 9)))),)})
    wanted = {"more": (package,), "accounts": SPY, "stores": PLAIN, "listening": True}
    with shop(tmp_path, sandbox_of([]), "", **wanted) as front:
        named = []
        for jump in (0, DAY, -2 * DAY, DAY):
            front.clock.advance(jump)
            answer = front.get("/track/SPY000001")
            no_negative(answer)
            named.append(
                re.findall("Today|Yesterday|Tomorrow", " ".join(parsed(answer.text).find(".//main").itertext()))
            )
    assert named[0][:2] == ["Today", "Yesterday"]
    assert named[1][:1] == ["Yesterday"]
    assert "Yesterday" not in named[2]
    assert named[3][:2] == named[0][:2]  # behind them stands when it was asked for, which may be the day between


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("ahead", "headline"),  # of a parcel that comes on Monday the 23rd
    [(5, "Arriving tomorrow"), (-5, "Arriving tomorrow"), (DAY, "Arriving today"), (-DAY, "Arriving Monday")],
)
def test_processes_whose_clocks_differ_share_answers_and_ask_the_carrier_once(tmp_path, ahead, headline):
    with redis_server(tmp_path) as redis, carriers() as (sandbox, served):
        wanted = {"stores": PLAIN, "redis": Secret(redis.url), "database": "sqlite://", "listening": True}
        with shop(tmp_path / "a", sandbox, served.url, **wanted) as one:
            assert heading(one.get(f"/track/{MOVING}").text) == "Arriving tomorrow"
            asked = one.asked()
        with shop(tmp_path / "b", sandbox, served.url, clock=FakeClock(other_noon(ahead)), **wanted) as other:
            answer = other.get(f"/track/{MOVING}")
            no_negative(answer)
            assert heading(answer.text) == headline
            if abs(ahead) < DAY:
                assert other.asked() == asked


def other_noon(ahead):
    return datetime.fromtimestamp(FakeClock().now().timestamp() + ahead, UTC)


WALL_CLOCKS = {
    "an hour that is none": "2026-03-29T02:30:00",  # clocks go from 2 to 3 in Berlin
    "an hour that comes twice": "2026-10-25T02:30:00",
    "a country with several clocks": "2026-11-20T02:30:00",
}


@pytest.mark.fault(41)
@pytest.mark.parametrize("written", WALL_CLOCKS.values(), ids=WALL_CLOCKS)
def test_a_time_that_cannot_be_told_is_shown_as_it_was_written(tmp_path, plugin, written):
    several = written.startswith("2026-11")
    moment = iso(written, country="US" if several else "DE")
    assert moment.instant is None
    package = spy(plugin, {"SPY000001": (Shipment("SPY000001", (scan(moment=moment),)),)})
    wanted = {"more": (package,), "accounts": SPY, "stores": PLAIN, "listening": True}
    with shop(tmp_path, sandbox_of([]), "", **wanted) as front:
        page, data = front.get("/track/SPY000001"), front.get("/api/v1/shipments/SPY000001").json()
    assert "2:30" in words(parsed(page.text).find(".//main"))
    assert data["shipments"][0]["events"][0]["moment"].get("instant") is None
