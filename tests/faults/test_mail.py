"""Parcels live through their way, and their orders' customers are told by mail: the whole engine, a real mail server that
refuses, drops the connection, says nothing and takes without saying so, and workers that are killed."""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from sqlalchemy import func, select

from doorstep import Found, Status
from doorstep.engine import Engine
from doorstep.freshness import Entry
from doorstep.message import Reach, Topic
from doorstep.tables import messages, orders

from ..check import ROOT
from ..clock import FakeClock
from ..mail_server import DROP, SILENT, MailServer, in_thread
from ..mailing import NO_QUIET, open_shop, work_off
from ..orders import order
from ..talking import later, shipment
from ..test_messages_life import COUNTRIES, EXPECTED, LANGUAGES, WAY

pytestmark = pytest.mark.anyio
# What the mail server does badly half of the time: it refuses for now, goes away, is silent.
MOODS = [("connect", "421 later"), ("mail", "451 busy"), ("rcpt", "450 greylisted"), ("data", DROP), ("mail", SILENT)]
ORDERS = 25  # that are killed for
SUBJECTS = {
    "de": {
        "on_its_way": "Ihr Paket ist unterwegs", "delayed": "Ihr Paket kommt später als geplant",
        "arrives_today": "Ihr Paket kommt heute an", "attempted": "Der Paketdienst konnte Ihr Paket nicht zustellen",
        "ready_for_pickup": "Ihr Paket liegt zur Abholung bereit", "pickup_reminder": "Ihr Paket wartet noch auf Sie",
        "delivered": "Ihr Paket ist angekommen",
    },
    "ar": {
        "on_its_way": "شحنتك في الطريق", "delayed": "ستتأخر شحنتك عن الموعد المخطط", "arrives_today": "شحنتك تصل اليوم",
        "attempted": "تعذّر على شركة الشحن تسليم شحنتك", "ready_for_pickup": "شحنتك جاهزة للاستلام",
        "pickup_reminder": "شحنتك ما زالت بانتظارك", "delivered": "وصلت شحنتك",
    },
}  # fmt: skip


@pytest.fixture
def post() -> Iterator[MailServer]:
    with in_thread(MailServer()) as server:
        yield server


def moves(engine: Engine, parcel_id: str, status: Status, **fields: object) -> None:
    """The carrier says so now, and the shop hears of it now."""
    now = engine.clock.now()
    with engine.database.writing() as connection:
        said = Found((shipment(status, now, **fields),))
        assert engine.records.record(connection, parcel_id, {"acme": Entry(said, now)})


def place(engine: Engine, number: str, **fields: object) -> str:
    """The id of the parcel of a new order."""
    with engine.database.writing() as connection:
        made = engine.orders.create(
            connection, "main", order(number, f"NW{number}", email=f"{number}@post.example", **fields)
        )
    return made.parcels[0].id


def next_at(engine: Engine) -> object:
    with engine.database.reading() as connection:
        times = [connection.scalar(select(func.min(one))) for one in (orders.c.talk_at, messages.c.due_at)]
    return min((at for at in times if at is not None), default=None)


@pytest.mark.fault(44)
async def test_the_right_mails_arrive_in_the_readers_language_through_a_bad_server(
    database_url: str, post: MailServer, clock: FakeClock
) -> None:
    dice, bad = random.Random(9), 0
    workers = [open_shop(database_url, post.host, clock) for _ in range(2)]
    for engine in workers:
        engine.database.open_now()
    shop = workers[0]
    ids = [
        place(shop, number, language=language, country=COUNTRIES[language], promised={"until": "2026-11-25"})
        for number, language in LANGUAGES.items()
    ]
    for happens_at, status, fields in WAY:
        while (due := next_at(shop)) is not None and due <= happens_at:
            later(clock, max(due, clock.now() + timedelta(seconds=20)))
            phase, answer = dice.choice(MOODS)
            post.answers = {phase: [answer]} if dice.random() < 1 / 2 else {}
            for engine in workers:
                await work_off(engine)
            bad += post.answers == {phase: []}
        later(clock, happens_at)
        for id in ids:
            moves(shop, id, status, **fields)
    later(clock, clock.now() + timedelta(hours=1))
    post.answers = {}
    await asyncio.gather(*(work_off(engine) for engine in workers))

    for number, language in LANGUAGES.items():
        mails = [taken.mail for taken in post.taken if taken.to == f"{number}@post.example"]
        expected = [(SUBJECTS[language][kind], due) for kind, due in EXPECTED[language] if kind != "survey"]
        assert [mail["Subject"].replace("\u2068", "").replace("\u2069", "") for mail in mails] == [
            subject for subject, _ in expected
        ]
        for mail, (_, due) in zip(mails, expected, strict=True):
            assert due <= parsedate_to_datetime(mail["Date"]) < due + timedelta(hours=3)
            html = mail.get_body(("html",)).get_content()
            assert f'lang="{language}"' in html
            assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in html
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    ids_of_mails = Counter(taken.mail["Message-ID"] for taken in post.taken)
    assert set(ids_of_mails.values()) == {1}
    assert bad >= 3, "it was a bad server"
    for engine in workers:
        await engine.close()


@pytest.mark.fault(44)
async def test_a_mail_taken_without_a_word_is_not_sent_again(
    database_url: str, post: MailServer, clock: FakeClock
) -> None:
    """Whether it arrived nobody knows; that it may have is told, and it does not come twice."""
    engine = open_shop(database_url, post.host, clock, quiet=NO_QUIET)
    engine.database.open_now()
    parcel = place(engine, "1001")
    moves(engine, parcel, Status.AVAILABLE_FOR_PICKUP)
    post.takes_first = True
    post.answers["end"] = [DROP]
    for _ in range(20):
        await work_off(engine)
        clock.advance(600)
    assert len(post.taken) == 1
    with engine.database.reading() as connection:
        assert connection.scalars(select(messages.c.state)).all() == ["in_doubt"]
    await engine.close()


@pytest.mark.fault(44)
async def test_an_address_that_does_not_exist_is_written_to_once(
    database_url: str, post: MailServer, clock: FakeClock
) -> None:
    """A hard bounce stops what would follow."""
    engine = open_shop(database_url, post.host, clock, quiet=NO_QUIET)
    engine.database.open_now()
    parcel = place(engine, "1001")
    moves(engine, parcel, Status.AVAILABLE_FOR_PICKUP)
    post.answers["rcpt"] = ["550 5.1.1 no such mailbox"]
    clock.advance(900)
    await work_off(engine)
    clock.advance(86_400)
    moves(engine, parcel, Status.DELIVERED)
    for _ in range(10):
        await work_off(engine)
        clock.advance(600)
    assert post.taken == []
    assert sum(line.startswith("RCPT") for line in post.said) == 1
    with engine.database.reading() as connection:
        assert connection.scalars(select(messages.c.state).order_by(messages.c.created_at)).all()[0] == "bounced"
        kept = engine.orders.find(connection, "main", "1001")
        assert kept is not None
        told = engine.consents.recipients(connection, kept, Topic.ORDER, Reach.EMAIL, unasked=True)
        assert [(one.to, one.reason) for one in told] == [(None, "unreachable")]
    await engine.close()


@pytest.mark.fault(44)
def test_no_mail_comes_twice_and_none_is_lost_by_kill_9(database_url: str, post: MailServer, clock: FakeClock) -> None:
    dice = random.Random(44)
    engine = open_shop(database_url, post.host, clock, quiet=NO_QUIET)
    engine.database.open_now()
    for number in range(1001, 1001 + ORDERS):
        moves(engine, place(engine, str(number)), Status.AVAILABLE_FOR_PICKUP)
    kills = 0
    while unsettled(engine):
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.mailing", database_url, post.host, str(900 + 300 * kills)], cwd=ROOT
        )
        enough, ends = len(post.taken) + dice.randint(1, 6), time.monotonic() + 60
        while len(post.taken) < enough and unsettled(engine) and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.1))
        worker.kill()
        worker.wait()
        kills += 1
        assert kills < 100
    assert kills >= 2, "it was killed while it was at work"
    with engine.database.reading() as connection:
        states = dict(connection.execute(select(messages.c.id, messages.c.state)).all())
    assert len(states) == ORDERS
    assert set(states.values()) <= {"sent", "in_doubt"}
    arrived = Counter(taken.mail["Message-ID"].strip("<>").partition("@")[0] for taken in post.taken)
    assert set(arrived.values()) == {1}
    assert {id for id, state in states.items() if state == "sent"} <= arrived.keys() <= states.keys()
    asyncio.run(engine.close())


def unsettled(engine: Engine) -> int:
    """Orders that may still be told something, and messages that wait."""
    with engine.database.reading() as connection:
        waiting = connection.scalar(select(func.count()).where(messages.c.state == "waiting"))
        made = connection.scalar(select(func.count()).select_from(messages))
    return waiting + (ORDERS - made)
