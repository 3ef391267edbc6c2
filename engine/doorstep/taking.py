"""What is taken from the waiting messages to be sent now: what is still true, still allowed, and said together. Every function
works inside the caller's transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from msgspec import Struct, structs
from sqlalchemy import Connection

from . import messages
from .clock import Clock
from .config import Messages, Store
from .delivery import again_at
from .gathering import Case, Gathering
from .hours import allowed_from
from .jobs import Job
from .message import Channel, Kind, Reach, Topic
from .messages import SAID, SETTLE, Kept, State
from .metrics import Metrics
from .occasion import Why
from .orderbook import KeptOrder
from .planner import NO_CHANNEL, Allowed, Recipients
from .secret import Secret
from .tallies import Counted

_PRESSING = (
    Kind.NEEDS_ACTION, Kind.PICKUP_REMINDER, Kind.READY_FOR_PICKUP, Kind.ATTEMPTED, Kind.RETURNED, Kind.DELAYED,
    Kind.ARRIVES_TODAY, Kind.DELIVERED, Kind.ON_ITS_WAY,
)  # fmt: skip
QUIET, ONE_A_DAY = "quiet hours", "one a day"


class Unreached(Protocol):
    """Keeps in mind that nothing arrives at an address."""

    def __call__(self, connection: Connection, store: str, reach: Reach, to: Secret, reason: str) -> None: ...


class Errand(Struct, frozen=True):
    """Messages to be sent as one, and to whom; ours until the lease ends."""

    job: Job
    order: KeptOrder
    rows: tuple[Kept, ...]
    to: tuple[Secret, ...]
    leased_until: datetime


class End(Struct, frozen=True):
    """What came of it: a state, or `waiting` for another time. `bounced` are addresses that do not exist."""

    state: State
    reference: str = ""
    error: str = ""
    seconds: float = 0.0
    in_doubt: bool = False
    bounced: tuple[Secret, ...] = ()


class Desk:
    """Takes and settles, for all channels."""

    def __init__(
        self, gathering: Gathering, recipients: Recipients, stores: Mapping[str, Store], unreached: Unreached,
        counted: Counted, *, clock: Clock, metrics: Metrics,
    ) -> None:  # fmt: skip
        self._gathering = gathering
        self._recipients = recipients
        self._stores = stores
        self._unreached = unreached
        self._counted = counted
        self._clock = clock
        self._metrics = metrics

    def take(self, connection: Connection, *, name: str, channel: Channel[Any], most: int) -> tuple[int, list[Errand]]:
        """How many orders were looked at, and what of them is to be sent now."""
        ids = messages.lock_due(connection, self._stores, name, self._clock.now(), most)
        errands: list[Errand] = []
        for case in self._gathering.of(connection, ids):
            taking = _Taking(connection, case, name, channel, self._recipients, self._stores[case.order.store].messages)
            errands += taking.errands()
            self.note(taking.dropped, "dropped")
            self.note(taking.doubted, "in_doubt")
        return len(ids), errands

    def count_due(self, connection: Connection, *, name: str, most: int) -> int:
        """How many messages are due; no more than `most`."""
        return messages.count_due(connection, self._stores, name, self._clock.now(), most)

    def settle(self, connection: Connection, *, errand: Errand, end: End, reach: Reach) -> str:
        """Writes what came of it; the result in a word."""
        now, rows = self._clock.now(), errand.rows
        again = again_at(rows[0].attempts + 1, now, end.seconds) if end.state == "waiting" else None
        if again is not None:
            messages.put_off(connection, rows, errand.leased_until, again, end.error, in_doubt=end.in_doubt)
            self.note(rows, "deferred")
            return "deferred"
        given_up: State = "in_doubt" if end.in_doubt else "failed"
        state: State = given_up if end.state == "waiting" else end.state
        reference = end.reference or errand.job.id
        mine = messages.settle(connection, rows, errand.leased_until, state, now, error=end.error, reference=reference)
        if mine and state in ("sent", "bounced"):
            for row in rows:
                self._counted(connection, row.store, "sent" if state == "sent" else "bounced", row.kind.value)
        for to in end.bounced:
            self._unreached(connection, errand.order.store, reach, to, end.error)
        self.note(rows, state)
        return state

    def note(self, rows: Iterable[Kept], result: str) -> None:
        for row in rows:
            self._metrics.messages.labels(row.kind.value, row.channel, result).inc()


class _Taking:
    """What of one order may be said by one channel now."""

    def __init__(
        self, connection: Connection, case: Case, name: str, channel: Channel[Any], recipients: Recipients, wishes: Messages
    ) -> None:  # fmt: skip
        self.dropped: list[Kept] = []
        self.doubted: list[Kept] = []
        self._connection = connection
        self._case = case
        self._channel = channel
        self._recipients = recipients
        self._wishes = wishes
        self._is_wanted = name in wishes.channels
        self._unasked = name in wishes.unasked
        self._now = case.facts.now
        self._occasions = {one.once: one for one in case.occasions}
        self._mine = [row for row in case.messages if row.channel == name]
        self._said = [row for row in self._mine if row.handed_at is not None and row.kind is not Kind.CONFIRM]

    def errands(self) -> Iterator[Errand]:
        waiting = [row for row in self._mine if row.state == "waiting"]
        under_way = [row.due_at for row in waiting if row.is_under_way(self._now) and row.due_at is not None]
        fresh = [row for row in waiting if row.handed_at is None]
        if not self._is_wanted:
            self._drop(fresh, NO_CHANNEL)
            return
        if under_way:  # what is said of an order is said one after the other
            messages.move(self._connection, [row for row in fresh if row.is_due(self._now)], max(under_way), "")
            return
        doubtful: dict[str, list[Kept]] = {}
        for row in waiting:
            if row.handed_at is not None and row.is_due(self._now):
                doubtful.setdefault(row.reference, []).append(row)
        for rows in doubtful.values():
            yield from self._again(rows)
        for group in _groups(fresh, self._now):
            yield from self._first([row for row in group if self._is_true(row)])

    def _again(self, rows: Sequence[Kept]) -> Iterator[Errand]:
        """It may have been sent: once more by a channel that would notice, while it is true."""
        to, _ = self._to(rows[0])
        if self._channel.repeatable and to and not any(self._why_not(row) for row in rows):
            yield self._leased(rows, rows[0].reference, to)
        else:
            messages.doubt(self._connection, rows, self._now)
            self.doubted += rows

    def _first(self, rows: Sequence[Kept]) -> Iterator[Errand]:
        """Those that may be said now, to who agreed to it; the others wait, or are dropped."""
        times = {row.id: self._allowed_from(row, self._days(row)) for row in rows}
        pressing = [row for row in rows if row.kind.presses and times[row.id] <= self._now]
        taken = [row for row in rows if times[row.id] <= self._now or any(_touch(row, one) for one in pressing)]
        for row in rows:
            if row not in taken:
                self._put_off(row, times[row.id])
        if not taken:
            return
        to, reason = self._to(taken[0])
        if to:
            self._said += [structs.replace(row, handed_at=self._now) for row in taken]
            yield self._leased(taken, taken[0].id, to)
        else:
            self._drop(taken, reason)

    def _leased(self, rows: Sequence[Kept], name: str, to: tuple[Secret, ...]) -> Errand:
        leased_until = messages.lease(self._connection, rows, name, self._now)
        ranked = sorted(rows, key=lambda row: _rank(row.kind))
        order = self._case.order
        parcel_ids = tuple(dict.fromkeys(row.parcel_id for row in ranked if row.parcel_id))
        occasion = self._occasions.get(ranked[0].once)
        kinds = tuple(dict.fromkeys(row.kind for row in ranked))
        job = Job(
            name, order.store, order.id, parcel_ids, kinds, self._channel.reach, item=occasion.item if occasion else ""
        )
        return Errand(job, order, tuple(rows), to, leased_until)

    def _is_true(self, row: Kept) -> bool:
        """What is not any more is dropped; what became true only for later waits for that."""
        occasion = self._occasions.get(row.once)
        if (why := self._why_not(row)) is not None:
            self._drop([row], why)
        elif occasion is not None and occasion.at is not None and occasion.at > self._now:
            messages.move(self._connection, [row], occasion.at, "")
        else:
            return True
        return False

    def _why_not(self, row: Kept) -> Why | None:
        if row.kind is Kind.CONFIRM:
            return Why.STALE if row.until is not None and row.until <= self._now else None
        occasion = self._occasions.get(row.once)
        why = Why.OVERTAKEN if occasion is None else occasion.why
        return Why.OVERTAKEN if why is Why.NOT_YET else why

    def _to(self, row: Kept) -> tuple[tuple[Secret, ...], str]:
        """Who gets it, and why nobody does."""
        order, topic, reach = self._case.order, row.kind.topic, self._channel.reach
        if row.kind is Kind.CONFIRM:
            found: Sequence[Allowed] = [self._recipients.to_ask(self._connection, order, row.once)]
        else:
            found = self._recipients.recipients(self._connection, order, topic, reach, unasked=self._unasked)
        return tuple(one.to for one in found if one.to is not None), next((one.reason for one in found), "no address")

    def _put_off(self, row: Kept, at: datetime) -> None:
        reason = QUIET if self._allowed_from(row, ()) > self._now else ONE_A_DAY
        until = self._occasions[row.once].until if row.once in self._occasions else row.until
        if until is not None and at >= until:
            self._drop([row], reason)
        else:
            messages.move(self._connection, [row], at, reason)

    def _drop(self, rows: Sequence[Kept], reason: str) -> None:
        messages.drop(self._connection, rows, reason, self._now)
        self.dropped += rows

    def _allowed_from(self, row: Kept, days: Collection[date]) -> datetime:
        return allowed_from(row.kind, self._now, self._case.facts.zone, self._wishes.quiet, days)

    def _days(self, row: Kept) -> set[date]:
        """On which days something was said of the same parcel that this does not take back."""
        said = (
            one.handed_at
            for one in self._said
            if _touch(row, one) and one.state in _READ and not _takes_back(row.kind, one.kind)
        )
        return {at.astimezone(self._case.facts.zone).date() for at in said if at is not None}


_READ = SAID | {"waiting"}  # what is taken now waits for its end


def _groups(rows: Sequence[Kept], now: datetime) -> list[list[Kept]]:
    """What is said together: all news of an order that is due, or will be in a moment; all else by itself, what is stale first
    before the others."""
    news = [row for row in rows if row.kind.topic is Topic.ORDER and row.kind is not Kind.CONFIRM]
    together = [row for row in news if row.is_due(now + SETTLE)] if any(row.is_due(now) for row in news) else []
    alone = sorted((row for row in rows if row not in news and row.is_due(now)), key=lambda row: row.until or now)
    return [*([together] if together else []), *([row] for row in alone)]


def _touch(one: Kept, other: Kept) -> bool:
    """Whether both are about the same parcel; what is about the order is about each of them."""
    return not one.parcel_id or not other.parcel_id or one.parcel_id == other.parcel_id


def _takes_back(kind: Kind, said: Kind) -> bool:
    """Whether who was told this waits in vain until they are told that."""
    return kind is Kind.DELAYED and said is Kind.ARRIVES_TODAY


def _rank(kind: Kind) -> int:
    return _PRESSING.index(kind) if kind in _PRESSING else len(_PRESSING)
