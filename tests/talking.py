"""A shop that talks to its customers: orders, parcels that move when a test says so, and doubles of what writes and sends.

A `Life` is a process: its planner and its sender. It dies when a test wants it to, at a transaction or at the provider's;
nothing of it is left but the database.
"""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx2
from msgspec import Struct
from sqlalchemy import Connection, func, select

from doorstep import Found, Status
from doorstep.calendar import Calendar
from doorstep.config import ApiLimit, Messages, Store
from doorstep.database import Database
from doorstep.freshness import Entry
from doorstep.gathering import Gathering
from doorstep.jobs import Job
from doorstep.message import Channel, ChannelSettings, Message, Reach, Topic
from doorstep.messages import Kept, of_orders
from doorstep.metrics import Metrics
from doorstep.models import Event, Moment, PickupPoint, Place, Precision, Shipment, Window
from doorstep.moments import whole_day
from doorstep.order import Order
from doorstep.order_views import Looked
from doorstep.orderbook import KeptOrder, OrderBook
from doorstep.outbox import Outbox
from doorstep.planner import Planner
from doorstep.ratelimits import RateLimits
from doorstep.records import Records
from doorstep.secret import Secret
from doorstep.sender import Sender
from doorstep.shelf_life import ShelfLife
from doorstep.tables import messages, orders
from doorstep.taking import Desk
from doorstep.vault import Vault
from doorstep.watch import Watch

from .clock import FakeClock

T = TypeVar("T")
_KEY = Secret("a secret that nobody knows, of 40 letters")
POST = Messages(channels=("post",), unasked=("post",))


class Killed(BaseException):
    """What a process feels when it is killed: nothing after it is done."""


class Fate:
    """When a life ends: at one of the next so many steps, by the dice; never without dice."""

    def __init__(self, dice: random.Random | None = None, most: int = 0) -> None:
        self._left = dice.randint(1, most) if dice else None
        self.dead = False

    def step(self) -> None:
        """Between any two of these a process may die."""
        if self._left is not None:
            self._left -= 1
            self.dead = self.dead or self._left <= 0
        if self.dead:
            raise Killed


class Mortal:
    """A database in the hands of somebody who may die before a transaction is kept, or right after it was."""

    def __init__(self, database: Database, fate: Fate) -> None:
        self._database = database
        self._fate = fate

    async def read(self, work: Callable[[Connection], T]) -> T:
        self._fate.step()
        return await self._database.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        self._fate.step()
        done = await self._database.write(work)
        self._fate.step()
        return done


class Letter(Struct, frozen=True):
    id: str
    at: datetime
    order: str
    kinds: tuple[str, ...]
    language: str
    to: str


class Provider:
    """What takes messages. `mood` may raise what a channel raises, before it takes one (False) and after (True)."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.taken: list[Letter] = []  # as its readers have them
        self.asked = 0
        self.mood: Callable[[Message, bool], None] = lambda message, taken: None

    def take(self, message: Message, *, drops_known: bool) -> str:
        self.asked += 1
        self.mood(message, False)
        event = message.event
        letter = Letter(
            message.id, self.clock.now(), event["order"], event["kinds"], message.language, message.to.reveal()
        )
        known = {(one.id, one.to) for one in self.taken}
        if not (drops_known and (letter.id, letter.to) in known):
            self.taken.append(letter)
        self.mood(message, True)
        return f"ref-{message.id}"


class Post(Channel[ChannelSettings]):
    name = "post"
    reach = Reach.EMAIL

    def __init__(self, provider: Provider, fate: Fate) -> None:
        super().__init__(ChannelSettings(), httpx2.AsyncClient())
        self.provider = provider
        self.fate = fate

    async def send(self, message: Message) -> str:
        self.fate.step()
        reference = self.provider.take(message, drops_known=self.repeatable)
        self.fate.step()
        return reference


class SurePost(Post):
    repeatable = True


class Writer:
    """Writes nothing but what it is about."""

    async def compose(self, job: Job, order: KeptOrder, looked: Sequence[Looked], to: Secret, at: datetime) -> Message:
        event = {"order": order.order.number, "kinds": tuple(one.value for one in job.kinds), "parcels": job.parcel_ids}
        language = job.language or order.order.language
        subject = ", ".join(event["kinds"])
        return Message(
            job.id, job.store, job.kinds[0], to, language, subject, "", "", subject, subject, "", "", "", event, at
        )


class Allowed(Struct, frozen=True):
    to: Secret | None
    reason: str = ""


class Agreed:
    """Who agreed to what: `refused` says why nobody gets what is about a topic."""

    def __init__(self) -> None:
        self.refused: dict[Topic, str] = {}

    def recipients(
        self, connection: Connection, order: KeptOrder, topic: Topic, reach: Reach, *, unasked: bool
    ) -> list[Allowed]:  # fmt: skip
        reason = self.refused.get(topic, "" if unasked else "not asked")
        return [Allowed(None, reason) if reason else Allowed(Secret(f"{order.order.number}@post.example"))]

    def to_ask(self, connection: Connection, order: KeptOrder, once: str) -> Allowed:
        return Allowed(Secret("asked@post.example"))


class Talk:
    """The shop. It works on Berlin's clock."""

    def __init__(
        self, database: Database, clock: FakeClock, *, wishes: Messages = POST, leads: frozenset[Any] = frozenset(),
        channel: type[Post] = Post, stores: Sequence[str] = ("main",),
    ) -> None:  # fmt: skip
        self.database = database
        self.clock = clock
        self.provider = Provider(clock)
        self.agreed = Agreed()
        self.metrics = Metrics()
        self.unreached: list[str] = []
        self.counted: list[tuple[str, str]] = []
        shop = Store(name="Harbour & Pine", timezone="Europe/Berlin", messages=wishes)
        self.stores = dict.fromkeys(stores, shop)
        zone = ZoneInfo("Europe/Berlin")
        calendars = {store: (Calendar(), zone) for store in stores}
        vault = Vault([_KEY])
        outbox = Outbox({}, clock=clock)
        self.book = OrderBook(vault, clock=clock, calendars=calendars, carrier_named=lambda name: name)
        self.records = Records(database, outbox, vault, clock=clock, languages={"main": "de"}, zones={"main": zone})
        self.watch = Watch(database, outbox, clock=clock, calendars=calendars, lives={"main": ShelfLife()})
        self.gathering = Gathering(self.book, self.stores, clock=clock, leads=lambda store, items: leads)
        self._channel = channel

    def life(self, fate: Fate | None = None) -> "Life":
        return Life(self, fate or Fate(), self._channel)

    def place(self, order: Order, store: str = "main") -> KeptOrder:
        with self.database.writing() as connection:
            return self.book.create(connection, store, order)

    def moves(self, parcel_id: str, status: Status, **fields: Any) -> None:
        """The carrier says so now, and the shop hears of it now."""
        said = shipment(status, self.clock.now(), **fields)
        with self.database.writing() as connection:
            assert self.records.record(connection, parcel_id, {"acme": Entry(Found((said,)), self.clock.now())})

    def messages(self, *order_ids: str) -> list[Kept]:
        with self.database.reading() as connection:
            ids = order_ids or tuple(connection.scalars(select(orders.c.id)))
            return [row for rows in of_orders(connection, ids).values() for row in rows]

    def next_at(self) -> datetime | None:
        """When something is due next."""
        with self.database.reading() as connection:
            times = [connection.scalar(select(func.min(one))) for one in (orders.c.talk_at, messages.c.due_at)]
        return min((at for at in times if at is not None), default=None)

    def kinds(self) -> list[str]:
        return [kind for letter in self.provider.taken for kind in letter.kinds]


class Life:
    """A process of the shop's that talks."""

    def __init__(self, talk: Talk, fate: Fate, channel: type[Post]) -> None:
        database: Any = Mortal(talk.database, fate)
        channels = {"post": channel(talk.provider, fate)}
        self.fate = fate
        self.planner = Planner(database, talk.gathering, talk.agreed, channels, talk.stores, clock=talk.clock)
        desk = Desk(
            talk.gathering, talk.agreed, talk.stores,
            lambda connection, store, reach, to, reason: talk.unreached.append(to.reveal()),
            lambda connection, store, kind, subject: talk.counted.append((kind, subject)),
            clock=talk.clock, metrics=talk.metrics,
        )  # fmt: skip
        limit = RateLimits(ApiLimit(calls=600, seconds=60), clock=talk.clock)
        self.sender = Sender(
            database, desk, Writer(), channels, limits={"post": limit}, manifests={}, clock=talk.clock, metrics=talk.metrics
        )  # fmt: skip

    async def work(self) -> int:
        """What is to be done now. Raises Killed."""
        return await self.planner.run_once() + await self.sender.run_once(wait=60)

    async def work_off(self) -> None:
        while await self.work():
            pass


def shipment(
    status: Status, at: datetime, *, expected: Any = None, until: Any = None, country: str = "", **fields: Any
) -> Shipment:
    """What a carrier says of a parcel that came to this state just now."""
    moment = Moment(at.isoformat(), Precision.MINUTE, instant=at, local=at.replace(tzinfo=None))
    ends = status in (Status.DELIVERED, Status.RETURNED)
    return Shipment(
        "NW1", (Event(moment, status),), id="s1", carrier="acme", status=status, final=ends, since=moment,
        destination=Place(country=country), window=Window(None, whole_day(expected, raw="")) if expected else None,
        pickup_point=PickupPoint("Kiosk", until=whole_day(until, raw="")) if until else None, **fields,
    )  # fmt: skip


def later(clock: FakeClock, moment: datetime) -> None:
    clock.advance(max(0.0, (moment - clock.now()) / timedelta(seconds=1)))
