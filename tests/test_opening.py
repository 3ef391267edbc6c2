"""Which mails are opened is counted where the shop turned it on, by a picture in the mail; nowhere else is there one."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from doorstep import Status
from doorstep.config import Messages
from doorstep.insights import insights, period
from doorstep.message import Kind, Reach
from doorstep.tables import messages, tallies

from .asking import placed
from .lettering import job, letter_of, ordered, shop_of
from .ordering import EMAIL, MOVING, STORE, order, ordering
from .shopfront import HOST, Front
from .test_subscription import NO_QUIET, moved

POINT = re.compile(r'<img src="([^"]*/opened\.gif)" width="1" height="1" alt=""')


@contextmanager
def mailing(folder: Path, plugin: Any, *, opened: bool) -> Iterator[tuple[Front, str]]:
    """The shop, and the mail that says that a parcel arrives today."""
    wishes = Messages(channels=("file",), unasked=("file",), quiet=NO_QUIET, opened=opened)
    shop = msgspec.structs.replace(STORE, messages=wishes, public_url=HOST)
    with ordering(folder, plugin, stores={"main": shop}, channels={"file": {"folder": "sent"}}) as front:
        moved(front, placed(front, order("1001", MOVING, email=EMAIL)), Status.OUT_FOR_DELIVERY)
        (mail,) = (folder / "sent").glob("*.html")
        yield front, mail.read_text("utf-8")


def opened(front: Front) -> list[tuple[str, str, int]]:
    with front.engine.database.reading() as connection:
        counted = select(tallies.c.store, tallies.c.subject, tallies.c.count).where(tallies.c.kind == "opened")
        return [tuple(row) for row in connection.execute(counted)]


def test_a_mail_that_is_opened_counts_once_and_is_in_the_insights(tmp_path: Path, plugin: Any) -> None:
    with mailing(tmp_path, plugin, opened=True) as (front, mail):
        (address,) = POINT.findall(mail)
        assert opened(front) == []
        for _ in range(2):
            answer = front.get(address.removeprefix(HOST))
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
            assert answer.headers["cache-control"] == "private, no-store"
            head, width, height = struct.unpack("<6sHH", answer.content[:10])
            assert (head, width, height, answer.content[-1:]) == (b"GIF89a", 1, 1, b";")
        assert opened(front) == [("main", "arrives_today", 1)]
        with front.engine.database.reading() as connection:
            today = front.clock.now().date()
            found = insights(
                connection, "main", period(None, None, today=today), front.engine.shops.all[0].zone, today=today
            )
            assert connection.scalar(select(messages.c.state)) == "delivered"
        assert [(one.kind, one.sent, one.opened) for one in found.messages] == [("arrives_today", 1, 1)]


def test_without_the_shops_wish_there_is_no_picture_and_nothing_is_counted(tmp_path: Path, plugin: Any) -> None:
    with mailing(tmp_path, plugin, opened=False) as (front, mail):
        assert "opened.gif" not in mail
        assert not re.search(r"<img[^>]+height=.1", mail)
        with front.engine.database.reading() as connection:
            kept = front.engine.orders.one(connection, connection.scalar(select(messages.c.order_id)))
            id = connection.scalar(select(messages.c.id))
        made_before = front.engine.message_links.opened(kept, id).removeprefix(HOST)  # while it was on
        assert front.get(made_before).status_code == 200
        assert opened(front) == []


def test_whoever_invents_a_link_or_takes_one_that_is_for_something_else_gets_the_same_and_counts_nothing(
    tmp_path: Path, plugin: Any
) -> None:
    with mailing(tmp_path, plugin, opened=True) as (front, mail):
        (address,) = POINT.findall(mail)
        real = address.removeprefix(HOST)
        (stop,) = set(re.findall(r'href="[^"]*(/m/[^"/]+)"', mail))
        for wrong in ("/m/nonsense/opened.gif", f"{stop}/opened.gif"):
            assert front.get(wrong).headers["content-length"] == "43"
        assert opened(front) == []
        assert front.get(real.removesuffix("/opened.gif")).status_code == 404


@pytest.mark.parametrize("reach", list(Reach))
def test_only_mails_have_it_and_no_question_to_an_address_that_nobody_confirmed(tmp_path: Path, reach: Reach) -> None:
    shop = shop_of(tmp_path, messages=Messages(("mail",), opened=True))
    kept, looked = ordered(Status.DELIVERED)
    for kind in (Kind.DELIVERED, Kind.CONFIRM):
        wanted = msgspec.structs.replace(job(kind), reach=reach)
        pixel = letter_of(shop, wanted, kept, looked).context.pixel
        assert bool(pixel) == (reach is Reach.EMAIL and kind is Kind.DELIVERED)
