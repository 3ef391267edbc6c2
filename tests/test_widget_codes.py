"""Codes are given to orders as they come in, to one order each; they end when they should, and are redeemed once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from doorstep import CodeRule, FriendRule
from doorstep.database import Database
from doorstep.secret import Secret
from doorstep.tables import codes

from . import orders as samples
from .clock import FakeClock
from .giving import Giving

POOLED = CodeRule(pool="autumn")
SHARED = CodeRule(per_customer=True, friends=FriendRule("https://shop.example/friends?from=page#top"))


def test_an_order_gets_a_code_of_the_pool_and_keeps_it(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=POOLED)
    assert shop.fill("autumn", "A1", "B2", "A1") == (2, 0)
    assert shop.fill("autumn", "B2", "C3") == (1, 1)
    first, second = shop.enter("1"), shop.enter("2")
    shop.enter("1", note="changed")
    assert (shop.code(first), shop.code(second)) == ("A1", "B2")
    assert shop.stock() == [("autumn", "", 1, 2, 0)]


def test_reading_gives_nothing(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock)
    order = shop.enter()
    shop.codes.rules["main"]["offer"] = POOLED  # type: ignore[index]  # the widget is switched on later
    shop.fill("autumn", "A1")
    assert shop.facts(order) == {}
    assert shop.stock() == [("autumn", "", 1, 0, 0)]


def test_an_empty_pool_gives_none_and_is_counted(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=POOLED)
    assert shop.code(shop.enter("1")) == ""
    assert shop.metrics.registry.get_sample_value(
        "doorstep_codes_missing_total", {"store": "main", "pool": "autumn"}
    ) == 1  # fmt: skip
    assert shop.stock() == [("autumn", "", 0, 0, 0)]
    shop.fill("autumn", "A1")
    assert shop.code(shop.enter("1", note="changed")) == "A1"


def test_no_two_orders_at_once_get_one_code(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=POOLED)
    kept = [shop.enter(str(number)) for number in range(24)]
    shop.fill("autumn", *(f"C{number}" for number in range(20)))

    def give(order):
        """Without the ledger's lock: the database alone keeps them apart."""
        with database.writing() as connection:
            shop.codes.give(connection, order, order.order)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(give, kept))
    given = [shop.code(order) for order in kept]
    assert sorted(filter(None, given)) == sorted(f"C{number}" for number in range(20))
    assert given.count("") == 4


def test_a_code_is_made_of_what_nobody_mistakes(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=CodeRule(prefix="HP-"))
    made = {shop.code(shop.enter(str(number))) for number in range(30)}
    assert len(made) == 30
    assert all(re.fullmatch(r"HP-[ABCDEFGHJKMNPQRSTUVWXYZ23456789]{8}", code) for code in made)
    assert shop.stock() == [("", "offer", 0, 30, 0)]


def test_a_made_code_that_somebody_has_is_made_again(database: Database, clock: FakeClock, monkeypatch) -> None:
    shop = Giving(database, clock, offer=CodeRule())
    letters = iter("A" * 16 + "B" * 8)
    monkeypatch.setattr("secrets.choice", lambda alphabet: next(letters))
    assert [shop.code(shop.enter(number)) for number in "12"] == ["AAAAAAAA", "BBBBBBBB"]


def test_a_customer_s_own_code_is_that_of_all_orders_with_the_address(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, referral=SHARED)
    first = shop.enter("1", email="ida@post.example")
    again = shop.enter("2", email="Ida@POST.example")
    other = shop.enter("3", email="ole@post.example")
    alone = [shop.enter("4"), shop.enter("5")]
    code = shop.code(first, "referral")
    assert shop.code(again, "referral") == code
    assert len({code, shop.code(other, "referral"), *(shop.code(one, "referral") for one in alone)}) == 4
    assert shop.facts(first)["referral"].link == f"https://shop.example/r/{code}"


def test_a_customer_s_code_outlives_a_change_of_the_secret(database: Database, clock: FakeClock) -> None:
    before, after = Secret("the secret that was, of forty letters..."), samples.KEY
    old = Giving(database, clock, before, referral=SHARED)
    first = old.enter("1", email="ida@post.example")
    code = old.code(first, "referral")
    both = Giving(database, clock, after, before, referral=SHARED)
    assert both.code(first, "referral") == code
    again = both.enter("2", email="ida@post.example")
    new = Giving(database, clock, after, referral=SHARED)
    assert new.code(again, "referral") == code


def test_a_corrected_address_keeps_the_code_and_leaves_no_trace_of_the_wrong_one(
    database: Database, clock: FakeClock
) -> None:
    shop = Giving(database, clock, referral=SHARED)
    order = shop.enter("1", email="ida@pots.example")
    code = shop.code(order, "referral")
    (wrong,) = shop.rows()
    shop.enter("1", email="ida@post.example")
    (right,) = shop.rows()
    assert (right.code, shop.code(order, "referral")) == (code, code)
    assert right.customer != wrong.customer


def test_another_s_address_gets_another_s_code(database: Database, clock: FakeClock) -> None:
    """The order is Ole's now; Ida has another with her code."""
    shop = Giving(database, clock, referral=SHARED)
    first, second = shop.enter("1", email="ida@post.example"), shop.enter("2", email="ida@post.example")
    shop.enter("1", email="ole@post.example")
    assert shop.code(first, "referral") not in ("", shop.code(second, "referral"))


def test_a_code_ends_with_a_day_of_the_shop_after_the_order_was_placed(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=CodeRule(lasts=30))
    # 23:30 in London is half past midnight in Berlin: the 21st.
    order = shop.enter("1", placed_at="2026-11-20T23:30:00Z")
    assert shop.facts(order)["offer"].ends == date(2026, 12, 21)
    assert shop.rows()[0].expires_at == datetime(2026, 12, 21, 23, tzinfo=UTC)  # midnight in Berlin


def test_an_order_so_old_that_its_code_would_have_ended_gets_none(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=CodeRule(pool="autumn", lasts=30))
    shop.fill("autumn", "A1")
    shop.enter("1", placed_at="2026-10-01T12:00:00Z")
    shop.enter("2", cancelled_at="2026-11-22T10:00:00Z")
    assert shop.stock() == [("autumn", "", 1, 0, 0)]


def test_a_code_may_begin_to_run_with_the_last_parcel_that_arrives(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=CodeRule(lasts=14, start="delivered"))
    order = shop.enter("1", shipments=[{"number": samples.UPS}, {"number": "JD014600"}])
    assert shop.facts(order)["offer"].ends is None
    shop.arrive(order, datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert shop.facts(order)["offer"].ends == date(2026, 12, 7)
    # Another order takes one of them in, which has arrived.
    late = shop.enter("2", shipments=[{"number": "JD014600"}])
    assert shop.facts(late)["offer"].ends == date(2026, 12, 7)


def test_a_customer_whose_code_has_ended_gets_another(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=CodeRule(per_customer=True, lasts=10))
    first = shop.code(shop.enter("1", email="ida@post.example"))
    shop.later(days=11)
    order = shop.enter("2", email="ida@post.example")
    assert shop.code(order) not in ("", first)
    assert len(shop.rows()) == 2


def test_a_code_is_redeemed_with_its_event(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=POOLED)
    shop.fill("autumn", "A1")
    order = shop.enter("1")
    shop.redeem("A1", "2002")
    assert shop.facts(order)["offer"].redeemed
    assert shop.stock() == [("autumn", "", 0, 0, 1)]
    assert shop.told("code.") == [
        ("code.redeemed", {"code": {"code": "A1", "widget": "offer"}, "order": {"id": "", "number": "2002"}})
    ]


def test_what_is_redeemed_is_counted_for_its_widget_and_a_code_of_no_widget_for_none(
    database: Database, clock: FakeClock
) -> None:
    shop = Giving(database, clock, offer=POOLED)
    shop.fill("autumn", "A1", "A2", "A3")
    for number in "12":
        shop.enter(number)
    for code in ("A1", "A2", "A3"):  # nobody's order has the last one
        shop.redeem(code, f"used {code}")
    assert shop.counts == {("main", "redeemed", "offer"): 2}
    assert len(shop.told("code.redeemed")) == 3


def test_what_is_rolled_back_gives_the_code_back(database: Database, clock: FakeClock) -> None:
    shop = Giving(database, clock, offer=POOLED)
    shop.fill("autumn", "A1")
    with database.writing() as connection:
        shop.ledger.enter(connection, "main", "1", lambda order: order)
        connection.get_transaction().rollback()
    assert shop.stock() == [("autumn", "", 1, 0, 0)]
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(codes)) == 1
