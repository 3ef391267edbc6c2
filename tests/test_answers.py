"""What shoppers answered in a form is kept as they gave it: one answer a question, the last edit wins."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from doorstep.answers import Answer, Answers
from doorstep.database import Database
from doorstep.outbox import Outbox
from doorstep.tables import events

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def answers(database, clock):
    return Answers(database, Outbox({}, clock=clock), clock=clock)


def answer(data, moment="after_delivery", shipment="s1", at=NOON):
    return Answer("survey", shipment, moment, data, at)


async def test_an_answer_is_kept_as_it_was_given(answers):
    data = {"score": 5, "comment": "Grüße 👋\n'); DROP TABLE answers; --", "list": [1.5, None, True]}
    await answers.save("main", "survey", "s1", "after_delivery", data)
    assert await answers.of("main", "survey") == [answer(data)]


async def test_the_last_edit_wins_and_is_the_only_one(answers, clock):
    for score in (1, 5, 3):
        await answers.save("main", "survey", "s1", "after_delivery", {"score": score})
        clock.advance(60)
    assert await answers.of("main", "survey") == [answer({"score": 3}, at=NOON + timedelta(minutes=2))]


async def test_another_store_widget_shipment_or_moment_is_another_answer_and_newest_come_first(answers, clock):
    for store, widget, shipment, moment in (
        ("main", "survey", "s1", "a"),
        ("main", "survey", "s2", "a"),
        ("main", "survey", "s1", "b"),
        ("other", "survey", "s1", "a"),
        ("main", "poll", "s1", "a"),
    ):
        await answers.save(store, widget, shipment, moment, {})
        clock.advance(1)
    kept = await answers.of("main", "survey")
    assert [(one.shipment, one.moment) for one in kept] == [("s1", "b"), ("s2", "a"), ("s1", "a")]
    assert [one.moment for one in await answers.of("main", "survey", most=2)] == ["b", "a"]
    assert len(await answers.of("other", "survey")) == len(await answers.of("main", "poll")) == 1
    assert await answers.of("main", "none") == []


async def test_an_answer_is_there_for_the_next_process(answers, database_url, tmp_path, clock):
    await answers.save("main", "survey", "s1", "after_delivery", {"score": 4})
    again = Database(database_url, base=tmp_path)
    await again.open()
    assert await Answers(again, Outbox({}, clock=clock), clock=clock).of("main", "survey") == [answer({"score": 4})]
    await again.close()


async def test_the_shop_is_told_of_each_answer_and_not_what_it_says(answers, database, clock):
    await answers.save("main", "survey", "s1", "after_delivery", {"comment": "the parrot is dead"})
    clock.advance(1)
    await answers.save("main", "survey", "s2", "now", {"comment": "the parrot is dead"})
    query = select(events.c.type, events.c.data).order_by(events.c.at)
    told = await database.read(lambda connection: connection.execute(query).all())
    assert [(type, msgspec.json.decode(data)) for type, data in told] == [
        ("widget.answered", {"widget": "survey", "moment": "after_delivery"}),
        ("widget.answered", {"widget": "survey", "moment": "now"}),
    ]
