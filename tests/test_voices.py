"""What customers said is shown once the shop has approved it, and as long."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import update

from doorstep import Voice
from doorstep.tables import answers
from doorstep.voices import FRESH, MOST, Voices, may_be_shown, tag

pytestmark = pytest.mark.anyio
LATE = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
SAID = {"score": 5, "of": 5, "comment": "On time and dry", "name": "Mira", "language": "en", "share": True}


@pytest.fixture
def voices(database, clock):
    zone = ZoneInfo("Europe/Berlin")
    return Voices(database, {"main": zone, "other": zone}, clock=clock)


def keep(database, data, *, store="main", approved_at=LATE, moment="now"):
    row = {"store": store, "widget": "survey", "shipment": f"s{id(data)}{moment}", "moment": moment}
    with database.writing() as connection:
        raw = msgspec.json.encode(data)
        values = {**row, "data": raw, "created_at": LATE, "updated_at": LATE, "approved_at": approved_at}
        connection.execute(answers.insert().values(values))


async def test_an_approved_answer_is_a_voice_with_the_shops_day(database, voices):
    keep(database, SAID)
    assert await voices.of("main") == (Voice("On time and dry", 5, "Mira", "en", date(2026, 11, 22)),)


async def test_what_is_not_approved_not_shared_or_wordless_is_nobodys_to_see(database, voices):
    keep(database, SAID, approved_at=None)
    keep(database, {**SAID, "share": False})
    keep(database, {**SAID, "comment": ""})
    keep(database, {"score": "odd", "share": True, "comment": "?"})
    keep(database, [1])
    keep(database, SAID, store="other")
    assert await voices.of("main") == ()


async def test_a_score_of_another_scale_is_not_shown_as_stars(database, voices):
    keep(database, {**SAID, "score": 9, "of": 10})
    [voice] = await voices.of("main")
    assert voice.score == 0


async def test_the_last_approved_come_first_and_they_are_bounded(database, voices):
    for i in range(MOST + 2):
        keep(database, {**SAID, "comment": f"{i}"}, approved_at=LATE + timedelta(minutes=i), moment=f"{i}")
    assert [one.text for one in await voices.of("main")] == [f"{i}" for i in range(MOST + 1, 1, -1)]


async def test_they_are_kept_until_told_or_half_a_minute(database, voices, clock):
    keep(database, SAID)
    assert len(await voices.of("main")) == 1
    with database.writing() as connection:
        connection.execute(update(answers).values(approved_at=None))
    clock.advance(FRESH - 1)
    assert len(await voices.of("main")) == 1
    clock.advance(1)
    assert await voices.of("main") == ()
    keep(database, SAID, moment="later")
    voices.drop(["banners:main"])
    assert await voices.of("main") == ()
    voices.drop([tag("main")])
    assert len(await voices.of("main")) == 1


@pytest.mark.parametrize(
    ("data", "may"),
    [({"share": True, "comment": "Good"}, True), ({"share": 1, "comment": "Good"}, False), ({"comment": "Good"}, False),
     ({"share": True, "comment": ""}, False), ({"share": True, "score": 5}, False)],
)  # fmt: skip
def test_only_words_with_leave_may_be_shown(data, may):
    assert may_be_shown(data) is may
