"""What customers said is shown once the shop has approved it, and as long."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import update

from doorstep import Voice, brief_reads
from doorstep.brief_reads import PAUSE, BriefReads
from doorstep.errors import StoreError
from doorstep.tables import answers
from doorstep.voices import FRESH, MOST, Voices, may_be_shown, tag

pytestmark = pytest.mark.anyio
LATE = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
SAID = {"score": 5, "of": 5, "comment": "On time and dry", "name": "Mira", "language": "en", "share": True}


@pytest.fixture
def voices(database, clock):
    zone = ZoneInfo("Europe/Berlin")
    return Voices(BriefReads(database, clock=clock), {"main": zone, "other": zone}, clock=clock)


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


class Frozen:
    """A database that answers when it is told to."""

    def __init__(self):
        self.asked = 0
        self.thawed = asyncio.Event()

    async def read(self, work):
        self.asked += 1
        await self.thawed.wait()
        return (Voice("On time", 5),)


@pytest.fixture
async def frozen():
    return Frozen()


def reading(frozen, clock):
    return Voices(BriefReads(frozen, clock=clock), {"main": UTC, "other": UTC}, clock=clock)


async def test_a_database_that_does_not_answer_costs_one_wait_and_then_none(frozen, clock, monkeypatch):
    monkeypatch.setattr(brief_reads, "PATIENCE", 0.01)
    voices = reading(frozen, clock)
    with pytest.raises(StoreError):
        await voices.of("main")
    for store in ("main", "other"):
        with pytest.raises(StoreError):
            voices.of(store).send(None)  # before it has waited for anything
    assert frozen.asked == 1


async def test_a_silent_database_is_asked_again_after_a_pause_and_keeps_one_thread(frozen, clock, monkeypatch):
    monkeypatch.setattr(brief_reads, "PATIENCE", 0.01)
    voices = reading(frozen, clock)
    for _ in range(3):
        with pytest.raises(StoreError):
            await voices.of("main")
        clock.advance(PAUSE)
    assert frozen.asked == 1  # which has never come back
    frozen.thawed.set()
    await asyncio.sleep(0)
    assert await voices.of("main") == (Voice("On time", 5),)


async def test_many_readers_at_once_ask_once(frozen, clock):
    voices = reading(frozen, clock)
    readers = [asyncio.create_task(voices.of("main")) for _ in range(50)]
    await asyncio.sleep(0)
    readers[0].cancel()  # whose page is not wanted any more
    frozen.thawed.set()
    assert await asyncio.gather(*readers[1:]) == [(Voice("On time", 5),)] * 49
    assert frozen.asked == 1


async def test_who_asks_after_a_change_does_not_share_what_was_asked_before_it(frozen, clock):
    voices = reading(frozen, clock)
    readers = [asyncio.create_task(voices.of("main"))]
    await asyncio.sleep(0)
    voices.drop([tag("main")])
    readers.append(asyncio.create_task(voices.of("main")))
    await asyncio.sleep(0)
    frozen.thawed.set()
    await asyncio.gather(*readers)
    assert frozen.asked == 2


@pytest.mark.parametrize(
    ("data", "may"),
    [({"share": True, "comment": "Good"}, True), ({"share": 1, "comment": "Good"}, False), ({"comment": "Good"}, False),
     ({"share": True, "comment": ""}, False), ({"share": True, "score": 5}, False)],
)  # fmt: skip
def test_only_words_with_leave_may_be_shown(data, may):
    assert may_be_shown(data) is may
