"""What shoppers answered in a form is kept as they gave it: one answer a question, the last edit wins."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from anyio import to_thread
from sqlalchemy import func, select

from doorstep.answers import Answers, find, listed
from doorstep.clock import Clock
from doorstep.database import Database
from doorstep.order import Order
from doorstep.outbox import Outbox
from doorstep.privacy import erase
from doorstep.tables import answers as table
from doorstep.tables import events

from .bookkeeping import Books

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Desk(Answers):
    """Answers that write down which tags moved."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.tags: list[str] = []
        super().__init__(database, Outbox({}, clock=clock), clock=clock, moved=self.tags.append)


@pytest.fixture
def answers(database, clock):
    return Desk(database, clock)


async def kept(answers, store="main", widget="survey"):
    return [(one.given_to, one.moment, one.data) for one in await answers.of(store, widget)]


async def told(database):
    return await database.read(lambda connection: connection.scalar(select(func.count()).select_from(events)))


async def approved(database, answers, id):
    answer = await database.write(lambda connection: find(connection, "main", str(id)))
    return await database.write(lambda connection: answers.approve(connection, answer))


async def test_an_answer_is_kept_as_it_was_given(answers):
    data = {"score": 5, "comment": "Grüße 👋\n'); DROP TABLE answers; --", "list": [1.5, None, True]}
    await answers.save("main", "survey", "s1", "after_delivery", data)
    [one] = await answers.of("main", "survey")
    assert (one.given_to, one.moment, one.data) == ("s1", "after_delivery", data)
    assert (one.created_at, one.updated_at, one.approved_at, one.order) == (NOON, NOON, None, None)


async def test_the_last_edit_wins_and_is_the_only_one(answers, clock):
    for score in (1, 5, 3):
        await answers.save("main", "survey", "s1", "after_delivery", {"score": score})
        clock.advance(60)
    [one] = await answers.of("main", "survey")
    assert (one.data, one.created_at, one.updated_at) == ({"score": 3}, NOON, NOON + timedelta(minutes=2))


async def test_the_same_answer_sent_again_changes_nothing_and_tells_nobody(answers, database, clock):
    for _ in range(3):
        await answers.save("main", "survey", "s1", "after_delivery", {"score": 4})
        clock.advance(60)
    [one] = await answers.of("main", "survey")
    assert (one.updated_at, await told(database)) == (NOON, 1)


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
    assert await kept(answers) == [("s1", "b", {}), ("s2", "a", {}), ("s1", "a", {})]
    assert [one.moment for one in await answers.of("main", "survey", most=2)] == ["b", "a"]
    assert len(await kept(answers, "other")) == len(await kept(answers, widget="poll")) == 1
    assert await kept(answers, widget="none") == []


async def test_an_answer_is_there_for_the_next_process(answers, database_url, tmp_path, clock):
    await answers.save("main", "survey", "s1", "after_delivery", {"score": 4})
    again = Database(database_url, base=tmp_path)
    await again.open()
    assert await kept(Desk(again, clock)) == [("s1", "after_delivery", {"score": 4})]
    await again.close()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from doorstep.answers import Answers
from doorstep.clock import SystemClock
from doorstep.database import Database
from doorstep.outbox import Outbox

async def main():
    clock = SystemClock()
    answers = Answers(Database(sys.argv[1], base=Path()), Outbox({}, clock=clock), clock=clock)
    await answers.save("main", "survey", "s1", "after_delivery", {"score": 4})
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.fault(42)
async def test_an_answer_that_was_accepted_outlives_kill_9(answers, database_url):
    killed = await to_thread.run_sync(subprocess.run, [sys.executable, "-c", KILLED, database_url])
    assert killed.returncode == -signal.SIGKILL
    assert await kept(answers) == [("s1", "after_delivery", {"score": 4})]


async def test_the_shop_is_told_of_each_answer_and_not_what_it_says(answers, database, clock):
    await answers.save("main", "survey", "s1", "after_delivery", {"comment": "the parrot is dead"})
    clock.advance(1)
    await answers.save("main", "survey", "s2", "now", {"comment": "the parrot is dead"})
    query = select(events.c.type, events.c.data).order_by(events.c.at)
    said = await database.read(lambda connection: connection.execute(query).all())
    assert [(type, msgspec.json.decode(data)) for type, data in said] == [
        ("widget.answered", {"widget": "survey", "moment": "after_delivery"}),
        ("widget.answered", {"widget": "survey", "moment": "now"}),
    ]


async def test_an_order_sees_its_own_answers_and_nobody_elses(answers, database):
    await answers.save("main", "survey", "ord_1", "after_delivery", {"score": 5})
    await answers.save("main", "survey", "ord_1", "on_the_way", {"score": 4})
    await answers.save("main", "poll", "ord_1", "", {"colour": "red"})
    await answers.save("main", "survey", "shp_1", "after_delivery", {"score": 1})
    await answers.save("other", "survey", "ord_1", "after_delivery", {"score": 2})
    seen = await database.read(lambda connection: answers.of_order(connection, "main", "ord_1", ["survey"]))
    assert seen == {"survey": {"after_delivery": {"score": 5}, "on_the_way": {"score": 4}}}


async def test_they_are_listed_in_pages_by_widget_moment_and_time(answers, database, clock):
    for i in range(5):
        await answers.save("main", "survey", f"s{i}", "a" if i % 2 else "b", {"score": i})
        clock.advance(0 if i == 2 else 60)  # two of the same time

    def scores(**which):
        with database.reading() as connection:
            found = listed(connection, "main", **which)
        return [one.data["score"] for one in found.answers], found.after

    first, after = scores(limit=2)
    second, following = scores(limit=2, after=after)
    assert (first, second, scores(limit=2, after=following)) == ([4, 3], [2, 1], ([0], None))
    assert scores(moment="a")[0] == [3, 1]
    assert scores(since=NOON + timedelta(minutes=2))[0] == [4, 3, 2]
    assert scores(widget="poll") == ([], None)


async def test_what_was_approved_is_not_what_stands_there_after_an_edit(answers, database):
    words = {"comment": "Lovely", "share": True}
    await answers.save("main", "survey", "s1", "now", words)
    [one] = await answers.of("main", "survey")
    assert (await approved(database, answers, one.id)).approved_at == NOON
    await answers.save("main", "survey", "s1", "now", words)
    [same] = await answers.of("main", "survey")
    assert (same.approved_at, answers.tags) == (NOON, [])
    await answers.save("main", "survey", "s1", "now", {"comment": "Rubbish", "share": True})
    [edited] = await answers.of("main", "survey")
    assert (edited.approved_at, answers.tags) == (None, ["voices:main"])


async def test_an_answer_is_found_by_its_id_in_its_own_store(answers, database):
    await answers.save("main", "survey", "s1", "now", {})
    [one] = await answers.of("main", "survey")
    with database.reading() as connection:
        assert find(connection, "main", str(one.id)) == one
        for store, id in (("other", str(one.id)), ("main", "0"), ("main", "٣"), ("main", "1" * 30), ("main", "")):
            assert find(connection, store, id) is None


async def test_to_an_order_that_was_erased_meanwhile_there_is_no_answer(database, clock):
    books = Books(database, clock)
    desk = Desk(database, clock)
    with database.writing() as connection:
        order = books.orders.create(connection, "shop", Order("1001"))
    await desk.save("shop", "survey", order.id, "now", {"score": 3, "comment": "Mine"}, order=(order.id, "1001"))
    [one] = await desk.of("shop", "survey")
    assert one.order == "1001"
    await approved_in_shop(database, desk, one)
    with database.writing() as connection:
        assert erase(connection, [order.id], vault=books.orders._vault, now=NOON).answers == 1
    [forgotten] = await desk.of("shop", "survey")
    assert (forgotten.data, forgotten.approved_at, forgotten.order) == ({"score": 3}, None, None)
    await desk.save("shop", "survey", order.id, "now", {"comment": "Odd Quillfeather"}, order=(order.id, "1001"))
    assert await kept(desk, "shop") == [(forgotten.given_to, "now", {"score": 3})]


async def approved_in_shop(database, desk, answer):
    await database.write(lambda connection: desk.approve(connection, answer))


async def test_with_an_order_that_is_deleted_its_answers_go(database, clock):
    books = Books(database, clock)
    desk = Desk(database, clock)
    with database.writing() as connection:
        orders = [books.orders.create(connection, "shop", Order(number)) for number in ("1", "2")]
    for one in orders:
        await desk.save("shop", "survey", one.id, "now", {"comment": "Mine"}, order=(one.id, one.order.number))
    with database.writing() as connection:
        books.orders.remove(connection, orders[0].id)
    with database.reading() as connection:
        assert list(connection.scalars(select(table.c.shipment))) == [orders[1].id]
