"""Sees what there is to tell to orders' customers, and writes it down: when something of an order changed, and when its time
has come.

An order's `talk_at` is when to look. Whoever changes something of an order sets it to now, in the same transaction; the
planner sets it to when something may become due by itself. An order is looked at, and what is to be said written, in one
transaction which holds the order: what happens meanwhile comes after it, and is looked at then.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, update

from .clock import Clock
from .config import Messages, Store
from .database import Database
from .gathering import Case, Gathering, is_due
from .hours import allowed_from
from .message import Channel, Reach, Topic
from .messages import SETTLE, Kept, Wanted, queue
from .occasion import Occasion
from .orderbook import KeptOrder
from .secret import Secret
from .tables import orders

_AT_ONCE = 50  # orders looked at in one transaction
_LATER = update(orders).where(orders.c.id == bindparam("order")).values(talk_at=bindparam("at"))
NO_CHANNEL = "the shop has no such channel"


class Allowed(Protocol):
    """Whether something may be sent to a contact: `to`, or the `reason` why not."""

    @property
    def to(self) -> Secret | None: ...

    @property
    def reason(self) -> str: ...


class Recipients(Protocol):
    """Knows who agreed to what."""

    def recipients(
        self, connection: Connection, order: KeptOrder, topic: Topic, reach: Reach, *, unasked: bool
    ) -> Sequence[Allowed]:
        """One for each contact of the order that such a channel reaches."""
        ...

    def to_ask(self, connection: Connection, order: KeptOrder, once: str) -> Allowed:
        """Whom a question goes to whether they want messages, by the occasion it was written down under."""
        ...


class Answer(Struct, frozen=True):
    """Why something was, or was not, said by a channel; `message` is what was written of it, if it was."""

    occasion: Occasion
    channel: str
    reason: str
    message: Kept | None


class Planner:
    """`channels` are the accounts there are; a store without any of them is silent."""

    def __init__(
        self, database: Database, gathering: Gathering, recipients: Recipients, channels: Mapping[str, Channel[Any]],
        stores: Mapping[str, Store], *, clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._gathering = gathering
        self._recipients = recipients
        self._channels = channels
        self._stores = stores
        self._clock = clock
        self._talking = frozenset(id for id, store in stores.items() if store.messages.channels)

    async def run_once(self) -> int:
        """Looks at orders whose time has come; how many there were. Raises StoreError."""
        if not self._talking or not await self._database.read(self._is_due):
            return 0
        return await self._database.write(self._plan)

    def answers(self, connection: Connection, order_id: str) -> list[Answer]:
        """Why an order's customer was told, or was not, of each occasion there is, as things are now."""
        found: list[Answer] = []
        for case in self._gathering.of(connection, [order_id]):
            written = {(row.once, row.channel): row for row in case.messages}
            wishes = self._stores[case.order.store].messages
            for one in case.occasions:
                for channel in wishes.channels:
                    row = written.get((one.once, channel))
                    found.append(Answer(one, channel, self._reason(connection, case, one, channel, wishes), row))
        return found

    def _reason(self, connection: Connection, case: Case, one: Occasion, channel: str, wishes: Messages) -> str:
        if one.why is not None:
            return one.why.value
        reason = self._refusal(connection, case.order, one.kind.topic, channel, wishes)
        return reason or ("to be said" if is_due(one, case.facts.now) else "not yet")

    def _is_due(self, connection: Connection) -> bool:
        return connection.scalar(self._due().limit(1)) is not None

    def _due(self) -> Any:
        """Of all stores, in the order of the index; those that are silent are then out of the way."""
        due = select(orders.c.id, orders.c.store).where(orders.c.talk_at <= self._clock.now())
        return due.order_by(orders.c.talk_at)

    def _plan(self, connection: Connection) -> int:
        claimed = self._due().limit(_AT_ONCE).with_for_update(skip_locked=True, key_share=True)
        claims = connection.execute(claimed).all()
        cases = self._gathering.of(connection, [row.id for row in claims if row.store in self._talking])
        queue(connection, [one for case in cases for one in self._wanted(connection, case)], self._clock.now())
        later = {row.id: None for row in claims} | {one.order.id: _next(one) for one in cases}
        if later:
            connection.execute(_LATER, [{"order": id, "at": at} for id, at in later.items()])
        return len(claims)

    def _wanted(self, connection: Connection, case: Case) -> Iterable[Wanted]:
        """What is to be said now and is not written yet."""
        written = {(row.once, row.channel) for row in case.messages if not row.is_overtaken}
        facts, wishes = case.facts, self._stores[case.order.store].messages
        refusals: dict[tuple[Topic, str], str] = {}
        for one in case.occasions:
            if not is_due(one, facts.now):
                continue
            for channel in wishes.channels:
                asked = (one.kind.topic, channel)
                if (one.once, channel) in written:
                    continue
                if asked not in refusals:
                    refusals[asked] = self._refusal(connection, case.order, *asked, wishes)
                if not refusals[asked]:
                    at = max(_settled(one), facts.now)
                    due_at = allowed_from(one.kind, at, facts.zone, wishes.quiet)
                    yield Wanted(case.order, one, channel, due_at)

    def _refusal(
        self, connection: Connection, order: KeptOrder, topic: Topic, channel: str, wishes: Messages
    ) -> str:  # fmt: skip
        """Why the customer may not be told by this channel, or ""."""
        account = self._channels.get(channel)
        if account is None:
            return NO_CHANNEL
        unasked = channel in wishes.unasked
        found = self._recipients.recipients(connection, order, topic, account.reach, unasked=unasked)
        if any(one.to is not None for one in found):
            return ""
        return next((one.reason for one in found), "no address")


def _settled(occasion: Occasion) -> datetime:
    """What happened on the way may be followed at once by more, which is said together with it."""
    assert occasion.at is not None  # noqa: S101  # it is due
    return occasion.at + SETTLE if occasion.kind.topic is Topic.ORDER else occasion.at


def _next(case: Case) -> datetime | None:
    """When something may be due by itself."""
    times = (one.at for one in case.occasions if one.why is None and one.at is not None)
    return min((at for at in times if at > case.facts.now), default=None)
