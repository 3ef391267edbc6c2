"""Links and proofs: who gets in, who does not, and that nobody can tell why not."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update

from doorstep import access
from doorstep.access import Access, second_proofs
from doorstep.calendar import Calendar
from doorstep.clock import Clock
from doorstep.database import Database
from doorstep.links import Links, Proof, Ticket
from doorstep.order import Order
from doorstep.orderbook import KeptOrder, OrderBook
from doorstep.secret import Secret
from doorstep.tables import orders
from doorstep.vault import Vault, same

from .clock import FakeClock

pytestmark = pytest.mark.anyio
SECRET = Secret("0123456789abcdef0123456789abcdef")
NEW_SECRET = Secret("fedcba9876543210fedcba9876543210")
EMAIL, POSTCODE = "ada@post.example", "SW1A 2AA"


class Desk:
    def __init__(self, database: Database, clock: Clock, secrets: tuple[Secret, ...] = (SECRET,)) -> None:
        vault = Vault(secrets)
        calendars = {store: (Calendar(), ZoneInfo("UTC")) for store in ("main", "other")}
        self.book = OrderBook(vault, clock=clock, calendars=calendars, carrier_named=str)
        self.links = Links(secrets)
        self.access = Access(database, self.book, self.links, vault, clock=clock)
        self.database = database
        self.clock = clock

    def order(self, number: str = "1001", store: str = "main", **fields: str) -> KeptOrder:
        with self.database.writing() as connection:
            return self.book.create(connection, store, Order(number, **fields))  # type: ignore[arg-type]

    async def level(self, token: str, store: str = "main") -> int | None:
        found = await self.access.by_token(token, store)
        return found.level if found else None


@pytest.fixture
def desk(database: Database, clock: FakeClock) -> Desk:
    return Desk(database, clock)


async def test_a_link_of_the_shop_is_level_1_until_it_expires(desk: Desk, clock: FakeClock) -> None:
    kept = desk.order()
    token = desk.access.link(kept, timedelta(days=2))
    found = await desk.access.by_token(token, "main")
    assert found is not None
    assert (found.order.id, found.level, found.ticket.proof) == (kept.id, 1, Proof.LINK)
    clock.advance(2 * 86_400 - 1)
    assert await desk.level(token) == 1
    clock.advance(1)
    assert await desk.level(token) is None


async def test_links_given_before_are_void_once_the_shop_says_so(desk: Desk) -> None:
    kept = desk.order()
    token = desk.access.link(kept, timedelta(days=2))
    with desk.database.writing() as connection:
        desk.book.void_links(connection, kept.id)
        renewed = desk.book.one(connection, kept.id)
    assert await desk.level(token) is None
    assert await desk.level(desk.access.link(renewed, timedelta(days=2))) == 1


async def test_a_link_is_of_one_store(desk: Desk) -> None:
    token = desk.access.link(desk.order(), timedelta(days=2))
    assert await desk.level(token, "other") is None


async def test_an_erased_order_has_no_links(desk: Desk) -> None:
    kept = desk.order(email=EMAIL)
    token = desk.access.link(kept, timedelta(days=2))
    with desk.database.writing() as connection:
        connection.execute(update(orders).where(orders.c.id == kept.id).values(erased_at=desk.clock.now()))
    assert await desk.level(token) is None
    assert await desk.access.by_number("main", "1001", EMAIL) is None


@pytest.mark.parametrize("token", ["", "x", "a.b", "WyJvcmRfMSJd.AAAA", "é" * 50, "x" * 10_000])
async def test_what_nobody_signed_is_no_link(desk: Desk, token: str) -> None:
    desk.order()
    assert await desk.level(token) is None


async def test_a_link_signed_with_another_secret_is_none(desk: Desk) -> None:
    kept = desk.order()
    forged = Links((NEW_SECRET,)).token(Ticket(kept.id, Proof.LINK, desk.clock.now() + timedelta(days=1), 0))
    assert await desk.level(forged) is None


async def test_a_changed_link_is_none(desk: Desk) -> None:
    token = desk.access.link(desk.order(), timedelta(days=1))
    for at in range(0, len(token), 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert await desk.level(changed) is None, at


@pytest.mark.parametrize("offered", [EMAIL, " ADA@Post.Example ", POSTCODE, "sw1a2aa", "SW1A-2AA"])
@pytest.mark.parametrize("number", ["1001", "#1001", " 1001 "])
async def test_the_number_with_the_email_or_postcode_is_level_1_for_a_day(
    desk: Desk, clock: FakeClock, number: str, offered: str
) -> None:
    desk.order(email=EMAIL, postcode=POSTCODE)
    token = await desk.access.by_number("main", number, offered)
    assert token is not None
    assert await desk.level(token) == 1
    clock.advance(86_400)
    assert await desk.level(token) is None


async def test_a_number_written_with_its_sign_or_in_capitals_is_found_without(desk: Desk) -> None:
    desk.order("#AB-7", email=EMAIL)
    for typed in ("AB-7", "ab-7", "#ab-7"):
        assert await desk.access.by_number("main", typed, EMAIL) is not None


@pytest.mark.parametrize(
    ("number", "offered"),
    [("1001", "eve@post.example"), ("1001", "99999"), ("1001", ""), ("1002", EMAIL), ("", EMAIL), ("1003", ""), ("1003", "@")],
)  # fmt: skip
async def test_a_wrong_proof_and_no_order_are_one_answer(desk: Desk, number: str, offered: str) -> None:
    desk.order(email=EMAIL, postcode=POSTCODE)
    desk.order("1003")  # has neither
    assert await desk.access.by_number("main", number, offered) is None


@pytest.mark.fault(40)
async def test_a_wrong_proof_and_no_order_are_the_same_work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many statements and as many comparisons, so that no clock tells them apart."""
    desk.order(email=EMAIL, postcode=POSTCODE)
    work: list[str] = []

    def compared(kept: str | None, offered: Sequence[str]) -> bool:
        work.append("compared")
        return same(kept, offered)

    monkeypatch.setattr(access, "same", compared)
    event.listen(desk.database._engine, "before_cursor_execute", lambda *more: work.append("asked"))
    done = []
    for number in ("1001", "1002"):
        for offered in ("eve@post.example", "99999"):
            work.clear()
            assert await desk.access.by_number("main", number, offered) is None
            done.append(list(work))
    assert done[0].count("compared") == 1
    assert done == [done[0]] * 4


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("# \tiıIſsSßẞµμΜ\u2003"), max_size=6), st.data())
async def test_spellings_that_find_one_order_share_their_guesses(written: str, data: st.DataObject) -> None:
    """Else each spelling of an order's number would bring another five guesses at its postcode."""
    mark = st.text("# \t\u2003", max_size=3)
    other = data.draw(mark) + data.draw(st.sampled_from([written, written.lower(), written.upper()])) + data.draw(mark)
    if {*access._spellings(written)} & {*access._spellings(other)}:
        assert access.common_spelling(written) == access.common_spelling(other)


async def test_another_stores_order_is_not_found(desk: Desk) -> None:
    desk.order(store="other", email=EMAIL)
    assert await desk.access.by_number("main", "1001", EMAIL) is None


@pytest.mark.parametrize(
    ("first", "offered", "level"),
    [
        ("link", EMAIL, 2),
        ("link", POSTCODE, 2),
        (POSTCODE, EMAIL, 2),
        (EMAIL, POSTCODE, 2),
        (EMAIL, EMAIL, None),
        (POSTCODE, POSTCODE, None),
        ("link", "eve@post.example", None),
        ("link", "", None),
    ],
)
async def test_level_2_takes_a_second_proof_of_another_kind_and_half_an_hour(
    desk: Desk, clock: FakeClock, first: str, offered: str, level: int | None
) -> None:
    kept = desk.order(email=EMAIL, postcode=POSTCODE)
    token = (
        desk.access.link(kept, timedelta(days=9))
        if first == "link"
        else await desk.access.by_number("main", "1001", first)
    )
    found = await desk.access.by_token(token or "", "main")
    assert found is not None
    second = desk.access.second(found, offered)
    assert (await desk.level(second) if second else None) == level
    clock.advance(1800)
    assert second is None or await desk.level(second) is None


async def test_level_2_never_outlives_the_link_it_came_from(desk: Desk, clock: FakeClock) -> None:
    token = desk.access.link(desk.order(email=EMAIL), timedelta(minutes=5))
    found = await desk.access.by_token(token, "main")
    second = desk.access.second(found, EMAIL) if found else None
    assert second is not None
    clock.advance(300)
    assert await desk.level(second) is None


async def test_only_what_is_kept_can_be_a_second_proof(desk: Desk) -> None:
    token = desk.access.link(desk.order(postcode=POSTCODE), timedelta(days=1))
    found = await desk.access.by_token(token, "main")
    assert found is not None
    assert second_proofs(found) == (Proof.POSTCODE,)


async def test_links_and_proofs_hold_when_the_secret_is_changed(desk: Desk) -> None:
    token = desk.access.link(desk.order(email=EMAIL), timedelta(days=1))
    later = Desk(desk.database, desk.clock, (NEW_SECRET, SECRET))
    assert await later.level(token) == 1
    assert await later.access.by_number("main", "1001", EMAIL) is not None
