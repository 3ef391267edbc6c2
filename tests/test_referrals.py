"""Friends are brought once, by somebody else, and the reward is earned when their order has arrived and stayed."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from doorstep import CodeRule, FriendRule
from doorstep.database import Database
from doorstep.tables import referrals

from .clock import FakeClock
from .giving import Giving
from .orders import NOON

pytestmark = pytest.mark.anyio
RULE = FriendRule("https://shop.example/friends", days=14, most_a_day=2, most=3)


@pytest.fixture
def shop(database: Database, clock: FakeClock) -> Giving:
    return Giving(database, clock, referral=CodeRule(per_customer=True, friends=RULE), offer=CodeRule())


@pytest.fixture
def code(shop: Giving) -> str:
    """Ida's, who ordered a day ago."""
    placed = (NOON - timedelta(days=1)).isoformat()
    return shop.code(shop.enter("1001", email="ida@post.example", placed_at=placed), "referral")


def bring(shop: Giving, code: str, number: str, friend: str = "") -> tuple[str, str]:
    """As the API does for an order that Doorstep does not know."""
    with shop.database.writing() as connection:
        row = shop.codes.find(connection, "main", code, lock=True)
        kept = shop.referrals.attribute(connection, row, RULE, number, friend, None)
    return kept.state, kept.reason


async def test_an_order_that_names_a_code_is_pending_until_it_arrived_and_the_days_are_over(
    shop: Giving, code: str
) -> None:  # fmt: skip
    order = shop.enter("2001", email="ole@post.example", referral=code, shipments=[{"number": "JD014600"}])
    assert shop.brought() == [("2001", "pending", "")]
    assert await shop.referrals.settle_due() == 0
    shop.arrive(order, NOON + timedelta(days=2))
    shop.later(days=15, hours=23)
    assert await shop.referrals.settle_due() == 0
    shop.later(hours=1)
    assert await shop.referrals.settle_due() == 1
    assert await shop.referrals.settle_due() == 0
    assert shop.brought() == [("2001", "earned", "")]
    told = shop.told("referral.")
    assert [type for type, _ in told] == ["referral.pending", "referral.earned"]
    assert told[1][1]["order"] == {"id": order.id, "number": "2001"}
    assert (told[1][1]["referral"]["code"], told[1][1]["referral"]["reason"]) == (code, "")


async def test_the_customer_sees_how_many_came_and_how_many_count(shop: Giving, code: str) -> None:
    order = shop.enter("2001", email="ole@post.example", referral=code, shipments=[{"number": "JD014600"}])
    shop.enter("2002", email="una@post.example", referral=code)
    shop.enter("2003", email="ida@post.example", referral=code)
    shop.arrive(order, NOON)
    shop.later(days=14)
    await shop.referrals.settle_due()
    with shop.database.reading() as connection:
        facts = shop.codes.of_order(connection, shop.book.find(connection, "main", "1001"))["referral"]
    assert (facts.friends, facts.earned) == (2, 1)


async def test_what_came_back_earns_nothing(shop: Giving, code: str) -> None:
    order = shop.enter("2001", referral=code, shipments=[{"number": "JD014600"}])
    shop.arrive(order, NOON, status="returned")
    shop.later(days=14)
    assert await shop.referrals.settle_due() == 1
    assert shop.brought() == [("2001", "refused", "not_delivered")]


async def test_a_cancelled_order_earns_nothing(shop: Giving, code: str) -> None:
    shop.enter("2001", email="ole@post.example", referral=code)
    shop.enter("2001", email="ole@post.example", referral=code, cancelled_at=NOON.isoformat())
    assert shop.brought() == [("2001", "refused", "cancelled")]
    assert [type for type, _ in shop.told("referral.")] == ["referral.pending", "referral.refused"]


async def test_nobody_brings_themselves(shop: Giving, code: str) -> None:
    assert bring(shop, code, "2001", " IDA@post.example") == ("refused", "own")
    alone = shop.enter("3001")
    own = shop.code(alone, "referral")
    shop.enter("3001", referral=own)
    assert shop.brought() == [("2001", "refused", "own"), ("3001", "refused", "own")]


async def test_who_has_ordered_before_is_no_friend(shop: Giving, code: str) -> None:
    shop.enter("2001", email="ole@post.example", placed_at=(NOON - timedelta(days=9)).isoformat())
    shop.enter("2002", email="ole@post.example", referral=code)
    assert shop.brought() == [("2002", "refused", "customer")]


async def test_a_later_order_takes_nothing_from_the_first(shop: Giving, code: str) -> None:
    """Orders of a file may come in any order."""
    shop.enter("2002", email="ole@post.example")
    shop.enter("2001", email="ole@post.example", referral=code, placed_at=(NOON - timedelta(days=9)).isoformat())
    assert shop.brought() == [("2001", "pending", "")]


async def test_a_friend_is_brought_once(shop: Giving, code: str) -> None:
    other = shop.code(shop.enter("1002", email="una@post.example"), "referral")
    assert bring(shop, code, "2001", "ole@post.example") == ("pending", "")
    assert bring(shop, other, "2002", "ole@post.example") == ("refused", "brought")
    assert bring(shop, other, "2001", "ole@post.example") == ("pending", "")  # the same order is the same referral
    assert [state for _, state, _ in shop.brought()] == ["pending", "refused"]


async def test_a_code_brings_so_many_a_day_and_so_many_in_all(shop: Giving, code: str) -> None:
    brought = [bring(shop, code, f"20{n}", f"friend{n}@post.example")[1] for n in range(3)]
    shop.later(days=1)
    brought += [bring(shop, code, f"21{n}", f"friend{n}{n}@post.example")[1] for n in range(2)]
    assert brought == ["", "", "too_many_today", "", "too_many"]
    shop.later(days=1)
    assert bring(shop, shop.code(shop.enter("1002"), "referral"), "22", "friend2@post.example")[0] == "pending"


async def test_without_an_address_an_order_counts_once(shop: Giving, code: str) -> None:
    assert [bring(shop, code, number) for number in ("2001", "2001", "2002")] == [("pending", "")] * 3
    assert len(shop.brought()) == 2


async def test_a_code_that_has_ended_brings_nobody(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, referral=CodeRule(lasts=10, friends=RULE))
    code = shop.code(shop.enter("1001"), "referral")
    shop.later(days=12)
    assert bring(shop, code, "2001", "ole@post.example") == ("refused", "ended")


async def test_a_code_that_nobody_has_or_that_is_no_friend_s_is_left_aside(shop: Giving, code: str) -> None:
    shop.enter("2001", referral="NOSUCHCODE")
    shop.enter("2002", referral=shop.code(shop.enter("1002")))
    assert shop.brought() == []


async def test_friends_are_counted_once_for_the_widget_and_whoever_is_refused_is_not(shop: Giving, code: str) -> None:
    for number, friend in (("2001", "ole"), ("2001", "ole"), ("2002", "ida"), ("2003", "una"), ("2004", "ole")):
        bring(shop, code, number, f"{friend}@post.example")
    shop.later(days=20)
    await shop.referrals.settle_due()
    assert shop.counts == {("main", "referred", "referral"): 2}


async def test_of_who_is_refused_nothing_is_kept(shop: Giving, code: str) -> None:
    bring(shop, code, "2001", "ida@post.example")
    with shop.database.reading() as connection:
        assert connection.scalar(select(referrals.c.friend)).startswith("frd_")


async def test_a_new_number_of_the_friend_s_order_is_followed(shop: Giving, code: str) -> None:
    order = shop.enter("2001", referral=code, shipments=[{"number": "JD014600"}])
    with shop.database.writing() as connection:
        wanted = shop.book.written(connection, order)
        shop.book.change(connection, order, type(wanted)("2001-B", shipments=wanted.shipments))
    shop.arrive(order, NOON)
    shop.later(days=14)
    await shop.referrals.settle_due()
    assert shop.brought() == [("2001-B", "earned", "")]
