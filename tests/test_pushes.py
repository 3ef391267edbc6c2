"""Pushes and parcels of orders: due at once in the database, asked about once, subscribed to in time."""

import asyncio
import sys
from functools import partial
from itertools import chain

import pytest
from sqlalchemy import select

from doorstep import Pushed
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.errors import PluginFailed
from doorstep.incoming import Incoming, is_any, is_signed
from doorstep.intake import take_in_pushed
from doorstep.tables import parcels
from doorstep.testing import serve
from doorstep.worker import Worker

from .clock import FakeClock
from .orders import KEY, order
from .posting import DELIVERED, FILES, OUT, PICKED_UP, SECRET, Post

pytestmark = pytest.mark.anyio
NUMBER, OTHER = "123456789", "987654321"
DAY = 86_400


@pytest.fixture
async def rig(database_url, tmp_path, clock, plugin):
    """`rig = await rig(**account)`: an engine on this test's database whose carrier can push."""
    package, post, engines = plugin("doorstep_telling_post", FILES), Post(), []
    with serve(post.app) as carrier:

        async def make(**account):
            settings = {"endpoint": carrier.url, "push_secret": SECRET, **account}
            stores = {"main": Store("Shop"), "outlet": Store("Outlet", path="/outlet", language="de")}
            config = Config(
                stores=stores, secret_key=(KEY,), database=database_url, base=tmp_path, carriers={"post": settings}
            )
            engine = create_engine(config, clock=clock, packages=[package])
            await engine.database.open()
            engines.append(engine)
            return Rig(engine, post, clock)

        yield make
        for engine in engines:
            await engine.close()
    sys.modules.pop("doorstep_telling_post", None)


class Rig:
    def __init__(self, engine, post, clock):
        self.engine = engine
        self.post = post
        self.clock = clock
        self.account = engine.plugins.accounts["post"]

    async def ordered(self, *numbers, store="main"):
        for number in numbers:
            named = order(f"order {number}", number)
            await self.engine.database.write(lambda c, named=named: self.engine.orders.create(c, store, named))

    async def worked(self):
        return await Worker(self.engine).refresh()

    async def pushed(self, *numbers, id=""):
        """What a process does that hears a push, and ends before it asks."""
        self.clock.advance(1)
        told = Pushed(numbers, id or f"evt_{self.clock.monotonic()}")
        receive = partial(self.engine.pushes.receive, account=self.account, incoming=Incoming({}, b""), pushed=told)
        return await self.engine.database.write(receive)

    async def parcel(self, number=NUMBER):
        query = select(parcels).where(parcels.c.number == number)
        return await self.engine.database.read(lambda connection: connection.execute(query).one())


async def test_a_parcel_of_an_order_is_due_at_once_and_asked_although_its_answer_is_fresh(rig):
    shop = await rig()
    await shop.ordered(NUMBER, OTHER)
    await shop.worked()
    shop.post.scans = [OUT, PICKED_UP]
    assert await shop.pushed(NUMBER)
    assert await shop.worked() == 1
    assert shop.post.asked == {NUMBER: 2, OTHER: 1}
    assert (await shop.parcel()).status == "out_for_delivery"
    assert await shop.worked() == 0, "it is not due again before its time"


async def test_who_hears_it_asks_and_the_worker_records_without_another_question(rig):
    shop = await rig()
    await shop.ordered(NUMBER)
    await shop.worked()
    shop.post.scans = [DELIVERED, PICKED_UP]
    await shop.pushed(NUMBER)
    shop.engine.pushes.ask(shop.account, [NUMBER])
    await shop.engine.pushes.settled()
    assert await shop.worked() == 1
    assert shop.post.asked == {NUMBER: 2}
    assert (await shop.parcel()).status == "delivered"


async def test_the_same_push_is_kept_once_for_each_account(rig):
    shop = await rig()
    await shop.ordered(NUMBER)
    await shop.worked()
    assert await shop.pushed(NUMBER, id="evt_1")
    await shop.worked()
    due = (await shop.parcel()).due_at
    assert not await shop.pushed(NUMBER, id="evt_1")
    assert (await shop.parcel()).due_at == due


async def test_news_that_come_while_the_carrier_is_asked_are_asked_about_once_more(rig):
    """The question under way may have been answered before they were there."""
    shop = await rig()
    await shop.ordered(NUMBER)
    await shop.worked()
    await shop.pushed(NUMBER)
    claimed = await shop.engine.database.read(
        lambda connection: shop.engine.records.of(connection, [(connection.execute(select(parcels.c.id)).scalar_one())])
    )
    seen = next(iter(claimed.values())).news_at
    await shop.pushed(NUMBER)
    worker = Worker(shop.engine)
    parcel_id = (await shop.parcel()).id
    await shop.engine.database.write(partial(worker._watch.settle, parcel_id=parcel_id, news_at=seen))
    assert (await shop.parcel()).due_at == shop.clock.now()
    latest = (await shop.parcel()).news_at
    await shop.engine.database.write(partial(worker._watch.settle, parcel_id=parcel_id, news_at=latest))
    assert (await shop.parcel()).due_at > shop.clock.now()


async def test_a_parcel_that_had_come_to_its_end_is_asked_about_again(rig):
    shop = await rig()
    shop.post.scans = [DELIVERED, PICKED_UP]
    await shop.ordered(NUMBER)
    await shop.worked()
    shop.clock.advance(4 * DAY)
    await shop.worked()
    assert (await shop.parcel()).due_at is None
    await shop.pushed(NUMBER)
    assert await shop.worked() == 1
    assert (await shop.parcel()).due_at is None


async def test_an_order_of_a_store_that_does_not_use_the_account_is_let_be(rig, database_url):
    shop = await rig()
    config = shop.engine.config
    await shop.ordered(NUMBER)
    await shop.worked()
    due = (await shop.parcel()).due_at
    shop.engine.pushes._stores = {"main": Store("Shop", carriers=("other",)), "outlet": config.stores["outlet"]}
    await shop.pushed(NUMBER)
    assert (await shop.parcel()).due_at == due


async def test_a_number_that_two_stores_ask_for_in_two_languages_is_asked_about_in_both(rig):
    shop = await rig()
    for store in ("main", "outlet"):
        await shop.engine.tracker.look_up(NUMBER, shop.engine.config.stores[store], wait=5)
    shop.clock.advance(1)
    shop.engine.pushes.ask(shop.account, [NUMBER, OTHER])
    await shop.engine.pushes.settled()
    assert shop.post.asked == {NUMBER: 4}


async def test_a_subscription_is_made_for_many_at_once_and_renewed_before_it_ends(rig):
    """They last fourteen days, and four numbers go in one call."""
    shop = await rig()
    numbers = [f"{n:09}" for n in range(1, 7)]
    await shop.ordered(*numbers)
    await shop.worked()
    assert sorted(map(len, shop.post.registered)) == [2, 4]
    assert sorted(chain(*shop.post.registered)) == numbers
    for _ in range(11):
        shop.clock.advance(DAY)
        await shop.worked()
    assert len(shop.post.registered) == 2, "eleven days later it still lasts for three"
    shop.clock.advance(DAY)
    await shop.worked()
    assert sorted(chain(*shop.post.registered[2:])) == numbers


async def test_two_workers_subscribe_to_no_parcel_twice(rig):
    one, other = await rig(), await rig()
    numbers = [f"{n:09}" for n in range(1, 9)]
    await one.ordered(*numbers)
    await asyncio.gather(one.worked(), other.worked())
    assert sorted(chain(*one.post.registered)) == numbers


async def test_what_has_arrived_is_not_subscribed_to_again(rig):
    shop = await rig()
    shop.post.scans = [DELIVERED]
    await shop.ordered(NUMBER)
    await shop.worked()
    assert shop.post.registered == [[NUMBER]]
    shop.clock.advance(30 * DAY)
    await shop.pushed(NUMBER)
    await shop.worked()
    assert shop.post.registered == [[NUMBER]]


async def test_without_a_secret_nothing_is_subscribed(rig):
    shop = await rig(push_secret=[])
    await shop.ordered(NUMBER)
    await shop.worked()
    assert shop.post.registered == []
    assert shop.post.asked == {NUMBER: 1}


async def test_a_push_is_taken_in_with_each_number_once_and_those_that_can_be_none_left_out():
    pushed = take_in_pushed(Pushed(("1z 999 aa1", "1Z999AA1", "", "?", "x" * 100)))
    assert pushed.numbers == ("1Z999AA1",)
    assert len(take_in_pushed(Pushed(tuple(f"{n:09}" for n in range(5000)))).numbers) == 1000
    for wrong in (
        None,
        ("1",),
        Pushed(1),
        Pushed((1,)),
        Pushed(("1",), 7),
        Pushed(("1",), "", FakeClock().now().replace(tzinfo=None)),
    ):
        with pytest.raises(PluginFailed):
            take_in_pushed(wrong)


async def test_signatures_and_secrets_are_compared_whole():
    """The HMAC-SHA256 of RFC 4231, test case 2."""
    hexadecimal = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    base64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
    body = b"what do ya want for nothing?"
    assert is_signed(body, ["other", "Jefe"], hexadecimal, hex=True)
    assert is_signed(body, ["other", "Jefe"], base64)
    assert not is_signed(body, ["Jefe"], hexadecimal)
    assert not is_signed(body, ["other"], base64)
    assert not is_signed(body, [], base64)
    assert is_any(["one", "two"], "two")
    for given in ("", "tw", "two ", "TWO", "one, two", "\udcff"):
        assert not is_any(["one", "two"], given)
    assert not is_any([""], "")
