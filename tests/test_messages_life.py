"""A parcel lives through its whole way in simulated days: the right messages go out, none twice and none late, also while the
processes that send them are killed at random and the provider refuses, drops and delays. On both databases."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta

import pytest

from doorstep.database import Database
from doorstep.message import Deferred, InDoubt, Kind, Message, Topic
from doorstep.models import Status

from .clock import FakeClock
from .orders import order
from .talking import Fate, Killed, Post, SurePost, Talk, later

pytestmark = pytest.mark.anyio
SURVEYED = frozenset({(Kind.SURVEY, "")})


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# It is Sunday the 22nd, noon. What happens to the parcel, told by UTC.
WAY = [
    (at(22, 13), Status.LABEL_CREATED, {}),
    (at(23, 20, 30), Status.IN_TRANSIT, {"expected": date(2026, 11, 25)}),  # at night, in Berlin and in Riyadh
    (at(24, 10), Status.IN_TRANSIT, {"expected": date(2026, 11, 26)}),  # a day later than promised
    (at(26, 9), Status.OUT_FOR_DELIVERY, {"expected": date(2026, 11, 26)}),
    (at(26, 12), Status.DELIVERY_ATTEMPTED, {}),
    (at(27, 9), Status.AVAILABLE_FOR_PICKUP, {"until": date(2026, 12, 4)}),
    (at(3, 10, month=12), Status.DELIVERED, {}),
]
# When its messages are due: 8:00 is 7:00 UTC in Berlin and 5:00 in Riyadh, where the clock stays; news settle for ten minutes.
# That it is late waits for the day after that on which it was said to be on its way.
EXPECTED = {
    language: [
        ("on_its_way", at(24, morning)),
        ("delayed", at(25, morning)),
        ("arrives_today", at(26, morning)),
        ("attempted", at(26, 12, 10)),
        ("ready_for_pickup", at(27, 9, 10)),
        ("pickup_reminder", at(2, morning, month=12)),
        ("delivered", at(3, 10, 10, month=12)),
        ("survey", at(6, 10, month=12)),
    ]
    for language, morning in {"de": 7, "ar": 5}.items()
}
LANGUAGES = {"1001": "de", "1002": "ar"}
COUNTRIES = {"de": "DE", "ar": "SA"}


def placed(talk: Talk) -> list[str]:
    """An order to Germany and one to Arabia; the ids of their parcels."""
    found = []
    for number, language in LANGUAGES.items():
        told = {"language": language, "country": COUNTRIES[language], "promised": {"until": "2026-11-25"}}
        found.append(talk.place(order(number, f"NW{number}", email=f"{number}@post.example", **told)).parcels[0].id)
    return found


async def test_the_right_messages_go_out_at_their_time_and_none_twice(database: Database, clock: FakeClock) -> None:
    talk = Talk(database, clock, leads=SURVEYED)
    lives = [talk.life(), talk.life()]  # two workers
    ids = placed(talk)
    for happens_at, status, fields in [*WAY, (at(9, 0, month=12), None, {})]:
        while (due := talk.next_at()) is not None and due <= happens_at:
            later(clock, due)
            while sum(await asyncio.gather(*(life.work() for life in lives))):
                pass
        later(clock, happens_at)
        for id in ids if status else ():
            talk.moves(id, status, **fields)
    for number, language in LANGUAGES.items():
        mine = [letter for letter in talk.provider.taken if letter.order == number]
        assert [(letter.kinds, letter.at) for letter in mine] == [((kind,), due) for kind, due in EXPECTED[language]]
        assert {letter.language for letter in mine} == {language}
    assert talk.provider.asked == len(talk.provider.taken)
    assert {row.state for row in talk.messages()} == {"sent"}
    assert sorted(talk.counted) == sorted(("sent", kind) for kind, _ in EXPECTED["de"] * 2)


@pytest.mark.parametrize("channel", [pytest.param(Post, marks=pytest.mark.exhaustive), SurePost])
async def test_nothing_is_sent_twice_or_lost_by_kills_and_a_bad_provider(
    database: Database, clock: FakeClock, channel: type[Post]
) -> None:
    dice = random.Random(44)
    talk = Talk(database, clock, leads=SURVEYED, channel=channel)
    talk.provider.mood = Moody(dice).meets
    ids = placed(talk)
    lives = [talk.life(Fate(dice, 60)), talk.life(Fate(dice, 60))]
    kills = 0
    for happens_at, status, fields in [*WAY, (at(9, 0, month=12), None, {})]:
        while (due := talk.next_at()) is not None and due <= happens_at:
            later(clock, max(due, clock.now() + timedelta(seconds=20)))
            results = await asyncio.gather(*(life.work_off() for life in lives), return_exceptions=True)
            for nth, result in enumerate(results):
                if isinstance(result, Killed):
                    kills += 1
                    lives[nth] = talk.life(Fate(dice, 60))
                else:
                    assert result is None
        later(clock, happens_at)
        for id in ids if status else ():
            talk.moves(id, status, **fields)
    assert kills > 5
    assert talk.provider.asked > len(talk.provider.taken)
    rows = talk.messages()
    assert {row.state for row in rows} <= {"sent", "in_doubt", "dropped"}
    for number, language in LANGUAGES.items():
        mine = [letter for letter in talk.provider.taken if letter.order == number]
        said = [kind for letter in mine for kind in letter.kinds]
        assert len(said) == len(set(said))
        order_id = next(row.order_id for row in rows if row.id in {letter.id for letter in mine})
        ends = {row.kind.value: row for row in rows if row.order_id == order_id}
        assert ends.keys() == {kind for kind, _ in EXPECTED[language]}
        for kind, due in EXPECTED[language]:
            row = ends[kind]
            letters = [letter for letter in mine if kind in letter.kinds]
            # What did not arrive is either in doubt, which a provider that knows what it had before rules out, or it could
            # not be said while it was true.
            assert letters or row.state == "dropped" or (row.state == "in_doubt" and channel is Post)
            assert row.until is not None
            assert all(due <= letter.at < row.until for letter in letters)
            assert row.state != "sent" or letters
    # It was bad, but where nothing is in doubt for long, most did get through.
    assert channel is Post or len(talk.kinds()) >= 12


class Moody:
    """A provider that has had enough one time in six, and one time in ten takes a message without saying so."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def meets(self, message: Message, taken: bool) -> None:
        if not taken and self._dice.random() < 1 / 6:
            raise Deferred("later, please", seconds=self._dice.choice([None, 90.0]))
        if taken and self._dice.random() < 1 / 10:
            raise InDoubt("the connection ended")


async def test_of_what_nobody_agreed_to_nothing_is_said_until_somebody_does(
    database: Database, clock: FakeClock
) -> None:
    talk = Talk(database, clock)
    talk.agreed.refused[Topic.ORDER] = "withdrawn"
    life = talk.life()
    kept = talk.place(order("1001", "NW11"))
    talk.moves(kept.parcels[0].id, Status.AVAILABLE_FOR_PICKUP)
    await life.work_off()
    assert talk.messages() == []
    with database.reading() as connection:
        reasons = {one.occasion.kind: one.reason for one in life.planner.answers(connection, kept.id)}
    assert reasons[Kind.READY_FOR_PICKUP] == "withdrawn"
    assert reasons[Kind.ON_ITS_WAY] == "overtaken"
