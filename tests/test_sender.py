"""What is sent: still true, allowed, together, once; and what becomes of it when a channel fails."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from doorstep.config import ApiLimit, Messages
from doorstep.message import Bounced, Deferred, InDoubt, Kind, Message, Refused, Topic
from doorstep.models import Status
from doorstep.ratelimits import RateLimits

from .clock import FakeClock
from .databases import Database
from .orders import order
from .talking import Fate, Killed, Life, Post, SurePost, Talk, Writer, later

pytestmark = pytest.mark.anyio
MINUTE = 60.0


@pytest.fixture
def database(tmp_path: Path, new_sqlite: Any) -> Any:
    found = Database(new_sqlite(tmp_path / "shop.db"), base=tmp_path)
    found.open_now()
    yield found
    found.close_now()


@pytest.fixture
def talk(database: Database, clock: FakeClock) -> Talk:
    return Talk(database, clock)


async def goes_on(talk: Talk, life: Life, seconds: float) -> None:
    """The clock goes on, and what is due meanwhile is done when it is."""
    end = talk.clock.now() + timedelta(seconds=seconds)
    await life.work_off()
    while (due := talk.next_at()) is not None and due <= end:
        later(talk.clock, max(due, talk.clock.now() + timedelta(seconds=1)))
        await life.work_off()
    later(talk.clock, end)


def raising(error: Callable[[], Exception], *, after: bool = False) -> Callable[[Message, bool], None]:
    def mood(message: Message, taken: bool) -> None:
        if taken is after:
            raise error()

    return mood


async def test_parcels_of_one_order_that_move_together_are_one_message(talk: Talk) -> None:
    life = talk.life()
    first, second = talk.place(order("1001", "NW11", "NW12")).parcels
    talk.moves(first.id, Status.IN_TRANSIT)
    await goes_on(talk, life, 9 * MINUTE)
    talk.moves(second.id, Status.AVAILABLE_FOR_PICKUP)
    await goes_on(talk, life, 30 * MINUTE)
    assert [letter.kinds for letter in talk.provider.taken] == [("ready_for_pickup", "on_its_way")]
    assert [row.reference for row in talk.messages()] == [f"ref-{talk.provider.taken[0].id}"] * 2


async def test_what_is_overtaken_while_it_waits_is_not_sent_and_is_when_it_is_true_again(talk: Talk) -> None:
    life = talk.life()
    parcel = talk.place(order("1001", "NW11")).parcels[0]
    talk.moves(parcel.id, Status.IN_TRANSIT)
    await goes_on(talk, life, 5 * MINUTE)
    talk.moves(parcel.id, Status.EXCEPTION)
    await goes_on(talk, life, 30 * MINUTE)
    assert talk.provider.taken == []
    assert [(row.state, row.reason) for row in talk.messages()] == [("dropped", "overtaken")]
    talk.moves(parcel.id, Status.IN_TRANSIT)
    await goes_on(talk, life, 30 * MINUTE)
    assert talk.kinds() == ["on_its_way"]


async def test_of_a_parcel_something_is_said_once_a_day_unless_it_presses(talk: Talk) -> None:
    life = talk.life()
    parcel = talk.place(order("1001", "NW11", promised={"until": "2026-11-23"})).parcels[0]
    talk.moves(parcel.id, Status.IN_TRANSIT, expected=date(2026, 11, 23))
    await goes_on(talk, life, 60 * MINUTE)
    talk.moves(parcel.id, Status.IN_TRANSIT, expected=date(2026, 11, 25))
    await goes_on(talk, life, 60 * MINUTE)
    assert talk.kinds() == ["on_its_way"]
    assert [row.reason for row in talk.messages() if row.state == "waiting"] == ["one a day"]
    await goes_on(talk, life, 18 * 60 * MINUTE)
    assert talk.kinds() == ["on_its_way", "delayed"]
    assert f"{talk.provider.taken[-1].at:%d %H:%M}" == "23 07:00"  # the next morning in Berlin


async def test_who_waits_for_a_parcel_today_is_told_the_same_day_how_that_ends(talk: Talk) -> None:
    life = talk.life()
    arrived, late = talk.place(order("1001", "NW11", "NW12")).parcels
    for one in (arrived, late):
        talk.moves(one.id, Status.OUT_FOR_DELIVERY, expected=date(2026, 11, 22))
    await goes_on(talk, life, 60 * MINUTE)
    talk.moves(arrived.id, Status.DELIVERED)
    talk.moves(late.id, Status.IN_TRANSIT, expected=date(2026, 11, 24), delayed=True)
    await goes_on(talk, life, 60 * MINUTE)
    assert [letter.kinds for letter in talk.provider.taken] == [("arrives_today",), ("delayed", "delivered")]
    assert {f"{letter.at:%d}" for letter in talk.provider.taken} == {"22"}


async def test_who_withdrew_meanwhile_gets_nothing(talk: Talk) -> None:
    life = talk.life()
    parcel = talk.place(order("1001", "NW11")).parcels[0]
    talk.moves(parcel.id, Status.IN_TRANSIT)
    await goes_on(talk, life, 5 * MINUTE)
    talk.agreed.refused[Topic.ORDER] = "withdrawn"
    await goes_on(talk, life, 30 * MINUTE)
    assert [(row.state, row.reason) for row in talk.messages()] == [("dropped", "withdrawn")]
    assert talk.provider.asked == 0


async def test_a_channel_that_takes_nothing_is_left_alone_for_a_while_and_then_everything_is_sent(talk: Talk) -> None:
    life = talk.life()
    parcels = [talk.place(order(f"{number}", f"NW{number}")).parcels[0] for number in range(1001, 1031)]
    for parcel in parcels:
        talk.moves(parcel.id, Status.IN_TRANSIT)
    tries: list[float] = []

    def mood(message: Message, taken: bool) -> None:
        tries.append(talk.clock.monotonic())
        raise Deferred("too many connections")

    talk.provider.mood = mood
    await goes_on(talk, life, 11 * MINUTE)
    # Ten at once, and then one at a time: five seconds later, ten, twenty and forty.
    began = tries[0]
    assert [at - began for at in tries[:14]] == [0] * 10 + [5, 15, 35, 75]
    talk.provider.mood = lambda message, taken: None
    await goes_on(talk, life, 60 * MINUTE)
    assert sorted(letter.order for letter in talk.provider.taken) == [f"{number}" for number in range(1001, 1031)]


async def test_an_address_that_is_none_is_not_written_to_again(talk: Talk) -> None:
    life = talk.life()
    talk.provider.mood = raising(lambda: Bounced("no such user"))
    parcel = talk.place(order("1001", "NW11")).parcels[0]
    talk.moves(parcel.id, Status.IN_TRANSIT)
    await goes_on(talk, life, 60 * MINUTE)
    assert [(row.state, row.error) for row in talk.messages()] == [("bounced", "no such user")]
    assert talk.unreached == ["1001@post.example"]
    assert talk.counted == [("bounced", "on_its_way")]
    assert talk.provider.asked == 1


async def test_what_is_refused_is_not_sent_again(talk: Talk) -> None:
    life = talk.life()
    talk.provider.mood = raising(lambda: Refused("spam"))
    parcel = talk.place(order("1001", "NW11")).parcels[0]
    talk.moves(parcel.id, Status.IN_TRANSIT)
    await goes_on(talk, life, 60 * MINUTE)
    assert [(row.state, row.error) for row in talk.messages()] == [("refused", "spam")]
    assert talk.provider.asked == 1
    assert talk.unreached == []


@pytest.mark.parametrize("error", [lambda: InDoubt("no answer"), lambda: RuntimeError("a slip of the plugin")])
async def test_what_may_have_been_sent_is_sent_again_only_where_that_cannot_be_twice(
    database: Database, clock: FakeClock, error: Callable[[], Exception]
) -> None:
    for channel, asked, state in ((Post, 1, "in_doubt"), (SurePost, 2, "sent")):
        talk = Talk(database, clock, channel=channel)
        life = talk.life()
        kept = talk.place(order(channel.__name__, "NW11" if channel is Post else "NW12"))
        talk.moves(kept.parcels[0].id, Status.IN_TRANSIT)
        talk.provider.mood = raising(error, after=True)
        await goes_on(talk, life, 10 * MINUTE)
        talk.provider.mood = lambda message, taken: None
        await goes_on(talk, life, 60 * MINUTE)
        assert (talk.provider.asked, len(talk.provider.taken)) == (asked, 1)
        assert [row.state for row in talk.messages(kept.id)] == [state]


async def test_a_message_whose_sender_was_killed_before_it_gave_it_away_is_sent_by_another(talk: Talk) -> None:
    parcel = talk.place(order("1001", "NW11")).parcels[0]
    talk.moves(parcel.id, Status.IN_TRANSIT)
    await goes_on(talk, talk.life(), 9 * MINUTE)
    later(talk.clock, talk.clock.now() + timedelta(minutes=1))
    # The transactions of a life in which one message is due, and the provider: the fate decides after which it ends.
    for last in range(1, 30):
        fate = Fate()
        fate._left = last
        try:
            await talk.life(fate).work_off()
        except Killed:
            row = talk.messages()[0]
            if row.handed_at is not None:
                break
            later(talk.clock, talk.clock.now() + timedelta(minutes=3))
    assert talk.provider.asked == 0
    later(talk.clock, talk.clock.now() + timedelta(minutes=3))
    await talk.life().work_off()
    assert [row.state for row in talk.messages()] == ["in_doubt"]  # it was noted that it is given away


async def test_two_workers_that_race_for_the_same_messages_send_each_once(talk: Talk) -> None:
    for number in range(1001, 1041):
        parcel = talk.place(order(f"{number}", f"NW{number}")).parcels[0]
        talk.moves(parcel.id, Status.IN_TRANSIT)
    lives = [talk.life() for _ in range(3)]
    await goes_on(talk, lives[0], 9 * MINUTE)
    later(talk.clock, talk.clock.now() + timedelta(minutes=1))
    await asyncio.gather(*(life.work_off() for life in lives))
    assert sorted(letter.order for letter in talk.provider.taken) == [f"{number}" for number in range(1001, 1041)]


async def test_no_more_is_sent_in_a_minute_than_the_provider_allows(talk: Talk, clock: FakeClock) -> None:
    life = talk.life()
    life.sender._lines[0]._limit = RateLimits(ApiLimit(calls=7, seconds=60), clock=clock)
    for number in range(1001, 1021):
        talk.moves(talk.place(order(f"{number}", f"NW{number}")).parcels[0].id, Status.IN_TRANSIT)
    await goes_on(talk, life, 9 * MINUTE)
    later(clock, clock.now() + timedelta(minutes=1))
    sent = []
    for _ in range(4):
        await life.work_off()
        sent.append(len(talk.provider.taken))
        clock.advance(MINUTE)
    assert sent == [7, 14, 20, 20]


async def test_what_cannot_be_composed_waits_and_holds_up_nobody_else(talk: Talk) -> None:
    life = talk.life()

    class Poor(Writer):
        async def compose(self, job: Any, order: Any, *others: Any) -> Message:
            if order.order.number == "1001":
                raise LookupError("no such template")
            return await super().compose(job, order, *others)

    life.sender._lines[0]._composer = Poor()
    for number in ("1001", "1002"):
        talk.moves(talk.place(order(number, f"NW{number}")).parcels[0].id, Status.IN_TRANSIT)
    await goes_on(talk, life, 11 * MINUTE)
    assert [letter.order for letter in talk.provider.taken] == ["1002"]
    assert {(row.state, row.error) for row in talk.messages()} == {
        ("waiting", "cannot be composed: LookupError"), ("sent", ""),
    }  # fmt: skip


async def test_a_message_by_a_channel_that_the_shop_no_longer_names_is_dropped(talk: Talk) -> None:
    life = talk.life()
    talk.moves(talk.place(order("1001", "NW11")).parcels[0].id, Status.IN_TRANSIT)
    await goes_on(talk, life, 5 * MINUTE)
    talk.stores["main"] = structs.replace(talk.stores["main"], messages=Messages())
    await goes_on(talk, life, 30 * MINUTE)
    assert [(row.state, row.reason) for row in talk.messages()] == [("dropped", "the shop has no such channel")]


async def test_what_is_about_more_than_the_order_needs_consent_and_is_sent_by_itself(
    database: Database, clock: FakeClock
) -> None:
    talk = Talk(database, clock, leads=frozenset({(Kind.SURVEY, ""), (Kind.HOW_TO, "pan")}))
    talk.agreed.refused[Topic.MORE] = "not asked"
    life = talk.life()
    kept = talk.place(order("1001", "NW11", items=[{"name": "Pan", "id": "pan"}]))
    talk.moves(kept.parcels[0].id, Status.DELIVERED)
    await goes_on(talk, life, 3 * 24 * 60 * MINUTE)
    assert talk.kinds() == ["delivered"]
    talk.agreed.refused = {Topic.ORDER: "withdrawn"}
    with database.writing() as connection:
        found = talk.book.one(connection, kept.id)
        talk.book.change(connection, found, structs.replace(talk.book.written(connection, found), note="thank you"))
    await goes_on(talk, life, 24 * 60 * MINUTE)
    # Both are due; of one order one is said a day.
    assert [(letter.kinds, f"{letter.at:%d}") for letter in talk.provider.taken] == [
        (("delivered",), "22"), (("how_to",), "25"), (("survey",), "26"),
    ]  # fmt: skip


async def test_the_metrics_say_what_is_due_and_what_came_of_it(talk: Talk) -> None:
    life = talk.life()
    talk.moves(talk.place(order("1001", "NW11")).parcels[0].id, Status.AVAILABLE_FOR_PICKUP, until=date(2026, 12, 1))
    await life.work_off()
    later(talk.clock, talk.clock.now() + timedelta(minutes=12))
    await life.work_off()
    told = talk.metrics.render().decode()
    assert 'doorstep_messages_total{channel="post",kind="ready_for_pickup",result="sent"} 1.0' in told
    assert "doorstep_messages_due 0.0" in told


async def test_orders_of_a_store_that_is_silent_are_out_of_the_way(database: Database, clock: FakeClock) -> None:
    talk = Talk(database, clock, stores=("main", "outlet"))
    talk.stores["outlet"] = structs.replace(talk.stores["outlet"], messages=Messages())
    kept = talk.place(order("1001", "NW11"), "outlet")
    await talk.life().work_off()
    assert talk.next_at() is None
    assert talk.messages(kept.id) == []
