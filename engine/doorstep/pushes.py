"""A carrier pushes that there is news of a number: then it is asked, through the ordinary way and within its limits.

What a push says beside the number is not believed, so one that comes late, twice or out of turn changes nothing. Parcels of
orders are due at once, in the database: a worker asks, also when this process ends. Beside that this process asks by itself,
about numbers too that somebody only looked up; never about one that nobody here has asked for.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from sqlalchemy import Connection, case, func, or_, select, update

from .clock import Clock
from .config import Store
from .database import insert
from .idempotency import LASTS
from .incoming import Incoming, Pushed
from .patience import apart
from .plugins import Account
from .tables import parcels, requests
from .tracker import Tracker

AHEAD = timedelta(minutes=5)  # by which a sender's clock may be wrong
_SCOPE = "push"
_AT_ONCE = 8
_MOST_WAITING = 1000  # numbers; what is more, and belongs to an order, is the worker's

log = structlog.get_logger("doorstep.pushes")


class Pushes:
    """Takes in what carriers push."""

    def __init__(self, tracker: Tracker, stores: Mapping[str, Store], *, clock: Clock) -> None:
        self._tracker = tracker
        self._stores = stores
        self._clock = clock
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._asking: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Lets nothing outlive the process."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def settled(self) -> None:
        """Comes back when nothing is asked any more."""
        while self._asking:
            await asyncio.wait(list(self._asking))

    def in_time(self, pushed: Pushed) -> bool:
        """Whether it was sent in the time of which is known what came before, and not later than now."""
        now = self._clock.now()
        return pushed.sent_at is None or now - LASTS < pushed.sent_at < now + AHEAD

    def receive(self, connection: Connection, account: Account, incoming: Incoming, pushed: Pushed) -> bool:
        """Has parcels of orders asked about again; False when the same came before."""
        told = pushed.id.encode() or incoming.body
        digest = sha256(b"\x1f".join((account.name.encode(), told))).hexdigest()
        now = self._clock.now()
        row = {"scope": _SCOPE, "key": digest, "fingerprint": digest, "status": 200, "created_at": now}
        first = insert(connection, requests).on_conflict_do_nothing().returning(requests.c.key)
        if connection.scalar(first, row) is None:
            return False
        self._mark(connection, account, pushed.numbers, now)
        return True

    def ask(self, account: Account, numbers: Sequence[str]) -> None:
        """Asks about these numbers behind what goes on."""
        since = self._clock.now()
        for number in numbers:
            for store in self._languages(account):
                if len(self._asking) >= _MOST_WAITING:
                    log.warning("more pushes than can be asked for at once", account=account.name)
                    return
                task = apart(self._renew(number, store, since))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)

    async def _renew(self, number: str, store: Store, since: datetime) -> None:
        async with self._slots:
            try:
                await self._tracker.renew(number, store, since)
            except Exception as error:
                log.error("asking for pushed news failed", error=type(error).__name__)

    def _mark(self, connection: Connection, account: Account, numbers: Collection[str], now: datetime) -> None:
        """What was said before is old, and parcels are due: those that are still asked about, and the last of their number."""
        another = parcels.alias()
        same = (another.c.store == parcels.c.store) & (another.c.number == parcels.c.number)
        last = parcels.c.era == select(func.max(another.c.era)).where(same).scalar_subquery()
        stores = [id for id, store in self._stores.items() if _asks(store, account)]
        mine = parcels.c.number.in_(numbers) & parcels.c.store.in_(stores)
        due_at = case((parcels.c.due_at < now, parcels.c.due_at), else_=now)
        due = update(parcels).where(mine, or_(parcels.c.due_at.is_not(None), last))
        connection.execute(due.values(news_at=now, due_at=due_at))

    def _languages(self, account: Account) -> Iterator[Store]:
        """A store for each way in which the number may be asked for: by language, and by accounts."""
        seen = {(store.language, store.carriers): store for store in self._stores.values() if _asks(store, account)}
        yield from seen.values()


def _asks(store: Store, account: Account) -> bool:
    return not store.carriers or account.name in store.carriers
