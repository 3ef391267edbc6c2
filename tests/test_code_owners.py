"""A customer's code is the customer's as long as there is an order of theirs; then it counts, and is nobody's."""

import pytest
from sqlalchemy import select

from doorstep import CodeRule, FriendRule
from doorstep.database import Database
from doorstep.privacy import erase
from doorstep.tables import codes, referrals
from doorstep.vault import Vault

from .clock import FakeClock
from .giving import Giving
from .orders import KEY, NOON

pytestmark = pytest.mark.anyio
RULE = FriendRule("https://shop.example/friends")


@pytest.fixture
def shop(database: Database, clock: FakeClock) -> Giving:
    return Giving(database, clock, referral=CodeRule(per_customer=True, friends=RULE))


def forget(shop: Giving, *order_ids: str) -> None:
    with shop.database.writing() as connection:
        erase(connection, order_ids, vault=Vault([KEY]), now=shop.clock.now())


def owners(shop: Giving) -> list[bool]:
    """Of each code, whether it is somebody's."""
    return [one.customer is not None or one.order_id is not None for one in shop.rows()]


def friends(shop: Giving) -> list[bool]:
    """Of each referral, whether its friend is known."""
    with shop.database.reading() as connection:
        return [not one.startswith("frd_") for one in connection.scalars(select(referrals.c.friend))]


def test_the_last_order_takes_the_owner_with_it(shop: Giving) -> None:
    first, second = shop.enter("1", email="ida@post.example"), shop.enter("2", email="ida@post.example")
    code = shop.code(first, "referral")
    forget(shop, first.id)
    assert shop.code(second, "referral") == code
    assert owners(shop) == [True]
    forget(shop, second.id)
    assert owners(shop) == [False]
    with shop.database.reading() as connection:
        assert connection.scalar(select(codes.c.code)) == code  # it may still be used


async def test_a_friend_who_is_forgotten_counts_all_the_same(shop: Giving) -> None:
    code = shop.code(shop.enter("1", email="ida@post.example"), "referral")
    order = shop.enter("2", email="ole@post.example", referral=code, shipments=[{"number": "JD014600"}])
    shop.arrive(order, NOON)
    forget(shop, order.id)
    assert friends(shop) == [False]
    assert shop.brought() == [(order.id, "pending", "")]
    shop.later(days=14)
    assert await shop.referrals.settle_due() == 1
    assert shop.brought() == [(order.id, "earned", "")]


def test_an_order_that_is_deleted_leaves_no_owner_and_no_friend(shop: Giving) -> None:
    first = shop.enter("1", email="ida@post.example")
    second = shop.enter("2", email="ole@post.example", referral=shop.code(first, "referral"))
    with shop.database.writing() as connection:
        for one in (first, second):
            assert shop.book.remove(connection, one.id)
        assert not shop.book.remove(connection, first.id)
    assert owners(shop) == [False, False]
    assert friends(shop) == [False]
    assert shop.brought() == [(second.id, "pending", "")]
