"""Messages that wait, are on their way or came to their end, in SQL. Every function works inside the caller's transaction.

What waits has a `due_at`. Whoever sends it has it on lease: then `due_at` is when the lease ends, and `reference` the id it is
sent under, which is one of the rows' that are said together. When it is handed to the channel, `handed_at` says so before;
where that is all that is known when the lease has ended, it is in doubt whether it was sent.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Connection, Row, Subquery, func, select, update

from .database import insert
from .ids import new_id
from .message import Kind
from .occasion import Occasion, Why
from .orderbook import KeptOrder
from .tables import messages, orders

LEASE = timedelta(minutes=2)  # begun anew when a message is handed over, which takes less
SETTLE = timedelta(minutes=10)  # what happens to an order within it is said together
State = Literal["waiting", "sent", "delivered", "bounced", "refused", "dropped", "in_doubt", "failed"]
SAID = frozenset({"sent", "delivered", "in_doubt"})  # as far as the shopper may have read it
_LONGEST_ERROR = 200
_LONGEST_NAME = 128


class Kept(Struct, frozen=True):
    """A message by one channel. `once` is the occasion, `until` when it is stale."""

    id: str
    store: str
    order_id: str
    parcel_id: str
    kind: Kind
    channel: str
    once: str
    state: State
    reason: str
    due_at: datetime | None
    until: datetime | None
    handed_at: datetime | None
    attempts: int
    error: str
    reference: str
    created_at: datetime
    settled_at: datetime | None

    @property
    def is_overtaken(self) -> bool:
        """Whether it was not sent because it was not true any more."""
        return self.state == "dropped" and self.reason == Why.OVERTAKEN

    def is_due(self, now: datetime) -> bool:
        return self.state == "waiting" and self.due_at is not None and self.due_at <= now

    def is_under_way(self, now: datetime) -> bool:
        """Whether somebody is sending it."""
        return self.state == "waiting" and self.reference != "" and self.due_at is not None and self.due_at > now


class Wanted(Struct, frozen=True):
    """What is to be said to an order's customer: by which channel, and not before when."""

    order: KeptOrder
    occasion: Occasion
    channel: str
    due_at: datetime


class Due(Struct, frozen=True):
    """How many messages are due, and for how many seconds the first of them."""

    count: int
    lag: float


def queue(connection: Connection, wanted: Iterable[Wanted], now: datetime) -> None:
    """Writes what is to be said. What was written is not written again, unless it was overtaken before it was sent, and is true
    once more."""
    rows = [_fresh(one, now) for one in wanted]
    if not rows:
        return
    statement = insert(connection, messages)
    again = {name: statement.excluded[name] for name in ("state", "reason", "due_at", "until", "settled_at")}
    overtaken = (messages.c.state == "dropped") & (messages.c.reason == Why.OVERTAKEN.value)
    same = [messages.c.once, messages.c.channel]
    connection.execute(statement.on_conflict_do_update(index_elements=same, set_=again, where=overtaken), rows)


def of_orders(connection: Connection, order_ids: Collection[str]) -> dict[str, list[Kept]]:
    """All messages of these orders, by the order's id, the oldest first."""
    found: dict[str, list[Kept]] = {id: [] for id in order_ids}
    query = select(messages).where(messages.c.order_id.in_(order_ids)).order_by(messages.c.created_at, messages.c.id)
    for row in connection.execute(query):
        found[row.order_id].append(_kept(row))
    return found


def backlog(connection: Connection, channels: Collection[str], now: datetime) -> Due:
    due = (messages.c.channel.in_(channels), messages.c.due_at <= now)
    count, oldest = connection.execute(select(func.count(), func.min(messages.c.due_at)).where(*due)).one()
    return Due(count, (now - oldest).total_seconds() if oldest else 0.0)


def count_due(connection: Connection, stores: Collection[str], channel: str, now: datetime, most: int) -> int:
    """How many messages of a channel are due; no more than `most`."""
    return connection.scalar(select(func.count()).select_from(_first(stores, channel, now, most))) or 0


def lock_due(connection: Connection, stores: Collection[str], channel: str, now: datetime, most: int) -> list[str]:
    """The orders of the messages that are due for longest; nobody else says anything of them in this transaction's time."""
    first = _first(stores, channel, now, most)
    query = select(orders.c.id).where(orders.c.id.in_(select(first.c.order_id))).order_by(orders.c.id)
    return list(connection.scalars(query.with_for_update(skip_locked=True, key_share=True)))


def lease(connection: Connection, rows: Sequence[Kept], name: str, now: datetime) -> datetime:
    """Takes messages to be sent together under this name; when the lease ends."""
    _set(connection, _ids(rows), due_at=now + LEASE, reference=name)
    return now + LEASE


def hand(connection: Connection, rows: Sequence[Kept], leased_until: datetime, now: datetime) -> datetime | None:
    """Notes that they are given to the channel now, and leases them anew; None where they are somebody else's by now."""
    mine = update(messages).where(messages.c.id.in_(_ids(rows)), messages.c.due_at == leased_until)
    noted = mine.values(handed_at=now, due_at=now + LEASE).returning(messages.c.id)
    return now + LEASE if len(connection.scalars(noted).all()) == len(rows) else None


def settle(
    connection: Connection, rows: Sequence[Kept], leased_until: datetime, state: State, now: datetime, *,
    error: str = "", reference: str = "",
) -> bool:  # fmt: skip
    """Writes how they ended. False where the lease had ended, and they are somebody else's."""
    values: dict[str, Any] = {"state": state, "due_at": None, "settled_at": now, "error": error[:_LONGEST_ERROR]}
    if reference:
        values["reference"] = reference[:_LONGEST_NAME]
    return _leased(connection, rows, leased_until, {**values, "attempts": messages.c.attempts + 1})


def put_off(
    connection: Connection, rows: Sequence[Kept], leased_until: datetime, due_at: datetime, error: str, *, in_doubt: bool
) -> bool:  # fmt: skip
    """Not now. What is in doubt keeps the name it was sent under."""
    values: dict[str, Any] = {"due_at": due_at, "error": error[:_LONGEST_ERROR], "attempts": messages.c.attempts + 1}
    if not in_doubt:
        values |= {"handed_at": None, "reference": ""}
    return _leased(connection, rows, leased_until, values)


def drop(connection: Connection, rows: Iterable[Kept], reason: str, now: datetime) -> None:
    """They are not sent."""
    _set(connection, _ids(rows), state="dropped", reason=reason[:64], due_at=None, reference="", settled_at=now)


def move(connection: Connection, rows: Iterable[Kept], due_at: datetime, reason: str) -> None:
    """They wait until then."""
    _set(connection, _ids(rows), due_at=due_at, reason=reason, reference="")


def doubt(connection: Connection, rows: Iterable[Kept], now: datetime) -> None:
    """They may have been sent, and are not sent again."""
    _set(connection, _ids(rows), state="in_doubt", due_at=None, settled_at=now)


def _fresh(wanted: Wanted, now: datetime) -> dict[str, Any]:
    one = wanted.occasion
    return {
        "id": new_id("msg"), "store": wanted.order.store, "order_id": wanted.order.id, "parcel_id": one.parcel_id or None,
        "kind": one.kind.value, "channel": wanted.channel, "once": one.once, "state": "waiting", "reason": "",
        "due_at": wanted.due_at, "until": one.until, "handed_at": None, "attempts": 0, "error": "", "reference": "",
        "created_at": now, "settled_at": None,
    }  # fmt: skip


def _first(stores: Collection[str], channel: str, now: datetime, most: int) -> Subquery:
    """Read in the order of the index, however many wait."""
    due = select(messages.c.order_id).where(messages.c.channel == channel, messages.c.due_at <= now)
    due = due.where(messages.c.store.in_(stores)).order_by(messages.c.due_at, messages.c.id)
    return due.limit(most).subquery()


def _leased(connection: Connection, rows: Sequence[Kept], until: datetime, values: Mapping[str, Any]) -> bool:
    mine = update(messages).where(messages.c.id.in_(_ids(rows)), messages.c.due_at == until)
    return bool(connection.scalars(mine.values(values).returning(messages.c.id)).all())


def _set(connection: Connection, ids: list[str], **values: Any) -> None:
    connection.execute(update(messages).where(messages.c.id.in_(ids)).values(values))


def _ids(rows: Iterable[Kept]) -> list[str]:
    return [row.id for row in rows]


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        row.id, row.store, row.order_id, row.parcel_id or "", Kind(row.kind), row.channel, row.once, row.state, row.reason,
        row.due_at, row.until, row.handed_at, row.attempts, row.error, row.reference, row.created_at, row.settled_at,
    )  # fmt: skip
