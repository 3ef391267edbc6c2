"""What happened, written in the transaction in which it happened, with a delivery to each endpoint that wants to hear it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, select, update

from .clock import Clock
from .config import Webhook
from .database import insert
from .ids import new_id
from .tables import deliveries, events, troubles

TYPES = (
    "order.created", "order.updated", "order.promise_at_risk", "order.promise_missed", "order.problem_reported",
    "order.call_requested", "order.not_received", "shipment.status_changed", "shipment.delivered", "shipment.problem",
    "shipment.stalled", "widget.answered", "code.redeemed", "referral.pending", "referral.earned", "referral.refused",
    "privacy.data_requested", "privacy.erased",
)  # fmt: skip
State = Literal["pending", "delivered", "dead"]
LEASE = timedelta(seconds=60)  # how long a delivery is somebody's who took it: an attempt takes a third of it at most
_LONGEST_ERROR = 200
_LARGEST = 19_000  # bytes of an event's data; a webhook should be smaller than 20 kB


class Event(Struct, frozen=True):
    """`type` is dotted (`shipment.delivered`), `data` what a webhook carries. Two with the same `once` are one event."""

    store: str
    type: str
    data: Mapping[str, Any]
    once: str
    order_id: str | None = None
    parcel_id: str | None = None


class Outbox:
    """Writes events. `endpoints` are the stores' webhooks, by store and name."""

    def __init__(self, endpoints: Mapping[str, Mapping[str, Webhook]], *, clock: Clock) -> None:
        self._endpoints = endpoints
        self._clock = clock

    def put(self, connection: Connection, event: Event) -> str | None:
        """Writes the event with its deliveries; its id, or None when it happened before."""
        now = self._clock.now()
        row = {
            "id": new_id("evt"), "store": event.store, "type": event.type, "order_id": event.order_id,
            "parcel_id": event.parcel_id, "data": _fitting(event.data), "once": event.once, "at": now,
        }  # fmt: skip
        written = insert(connection, events).on_conflict_do_nothing().returning(events.c.id)
        if connection.scalar(written, row) is None:
            return None
        id = str(row["id"])
        self._queue(connection, event.store, id, self._wanting(event.store, event.type))
        return id

    def replay(self, connection: Connection, event_id: str, endpoint: str = "") -> int:
        """Sends an event again, from its first attempt on: to `endpoint`, else to all that want it. To how many."""
        event = connection.execute(select(events).where(events.c.id == event_id)).one_or_none()
        if event is None:
            return 0
        names = [endpoint] if endpoint else self._wanting(event.store, event.type)
        _reopen(connection, troubles.c.store == event.store, troubles.c.endpoint.in_(names))
        self._queue(connection, event.store, event.id, names)
        return len(names)

    def replay_dead(self, connection: Connection, store: str, endpoint: str = "") -> int:
        """Sends again what was given up: of one endpoint, or of all the store's. How many deliveries."""
        names = [endpoint] if endpoint else list(self._endpoints[store])
        _reopen(connection, troubles.c.store == store, troubles.c.endpoint.in_(names))
        mine = (deliveries.c.store == store, deliveries.c.endpoint.in_(names), deliveries.c.state == "dead")
        again = update(deliveries).where(*mine).values(_fresh(self._clock.now())).returning(deliveries.c.id)
        return len(connection.scalars(again).all())

    def _wanting(self, store: str, type: str) -> list[str]:
        webhooks = self._endpoints.get(store, {})
        return [name for name, webhook in webhooks.items() if not webhook.events or type in webhook.events]

    def _queue(self, connection: Connection, store: str, event_id: str, names: Sequence[str]) -> None:
        fresh = _fresh(self._clock.now())
        rows = [{"event_id": event_id, "store": store, "endpoint": name, **fresh} for name in names]
        if rows:
            same = [deliveries.c.event_id, deliveries.c.endpoint]
            queued = insert(connection, deliveries).on_conflict_do_update(index_elements=same, set_=fresh)
            connection.execute(queued, rows)


class Delivery(Struct, frozen=True):
    """An event that is somebody's to send to an endpoint, until `leased_until`. `attempts` were made before."""

    id: int
    attempts: int
    leased_until: datetime
    event_id: str
    type: str
    at: datetime
    data: bytes


class Trouble(Struct, frozen=True):
    """An endpoint is left alone until `paused_until`, or for good; it failed that often in a row."""

    failures: int
    paused_until: datetime | None


class Queue:
    """What waits for one endpoint, the oldest first. Several may take from it: none gets what another has."""

    def __init__(self, store: str, endpoint: str, url: str) -> None:
        self._mine = (deliveries.c.store == store) & (deliveries.c.endpoint == endpoint)
        self._key = {"store": store, "endpoint": endpoint}
        self._address = sha256(url.encode()).hexdigest()

    def is_due(self, connection: Connection, now: datetime) -> bool:
        """Whether something can be done now. Writes nothing."""
        found = connection.scalar(select(deliveries.c.id).where(self._mine, deliveries.c.next_at <= now).limit(1))
        trouble = self.trouble(connection) if found is not None else None
        paused = trouble is not None and trouble.paused_until is not None and trouble.paused_until > now
        return found is not None and not paused

    def take(self, connection: Connection, now: datetime) -> Delivery | None:
        """The next delivery that is due, leased; it is due again when the lease ends before it is settled."""
        columns = (deliveries.c.id, deliveries.c.attempts, events.c.type, events.c.at, events.c.data, events.c.id)
        due = select(*columns).join(events, events.c.id == deliveries.c.event_id)
        due = due.where(self._mine, deliveries.c.next_at <= now).order_by(deliveries.c.next_at, deliveries.c.id)
        row = connection.execute(due.limit(1).with_for_update(skip_locked=True, of=deliveries)).one_or_none()
        if row is None:
            return None
        id, attempts, type, at, data, event_id = row
        connection.execute(update(deliveries).where(deliveries.c.id == id).values(next_at=now + LEASE))
        return Delivery(id, attempts, now + LEASE, event_id, type, at, data)

    def settle(
        self, connection: Connection, delivery: Delivery, state: State, now: datetime, *,
        next_at: datetime | None = None, error: str = "",
    ) -> None:  # fmt: skip
        """Writes what came of an attempt, unless the lease has ended and the delivery is another's by now."""
        values = {
            "state": state,
            "attempts": delivery.attempts + 1,
            "next_at": next_at,
            "error": error[:_LONGEST_ERROR],
        }
        values["delivered_at"] = now if state == "delivered" else None
        still_mine = (deliveries.c.id == delivery.id) & (deliveries.c.next_at == delivery.leased_until)
        connection.execute(update(deliveries).where(still_mine).values(values))

    def trouble(self, connection: Connection) -> Trouble | None:
        """What the endpoint's present address is in trouble for."""
        same = (troubles.c[name] == value for name, value in {**self._key, "address": self._address}.items())
        row = connection.execute(select(troubles.c.failures, troubles.c.paused_until).where(*same)).one_or_none()
        return Trouble(*row) if row is not None else None

    def leave_alone(self, connection: Connection, trouble: Trouble) -> None:
        values = {"address": self._address, "failures": trouble.failures, "paused_until": trouble.paused_until}
        noted = insert(connection, troubles).values(**self._key, **values)
        connection.execute(noted.on_conflict_do_update(index_elements=list(self._key), set_=values))

    def reopen(self, connection: Connection) -> None:
        _reopen(connection, *(troubles.c[name] == value for name, value in self._key.items()))

    def give_up(self, connection: Connection, error: str) -> int:
        """Gives up whatever waits. How many deliveries."""
        waiting = update(deliveries).where(self._mine, deliveries.c.next_at.is_not(None))
        given_up = waiting.values(state="dead", next_at=None, error=error).returning(deliveries.c.id)
        return len(connection.scalars(given_up).all())


def _fresh(now: datetime) -> dict[str, Any]:
    return {"state": "pending", "attempts": 0, "next_at": now, "error": "", "delivered_at": None}


def _reopen(connection: Connection, *which: Any) -> None:
    connection.execute(delete(troubles).where(*which))


def _fitting(data: Mapping[str, Any]) -> bytes:
    """As JSON. Where that is too large for a webhook, the largest members are left out, and named."""
    kept, omitted = dict(data), list[str]()
    while len(encoded := msgspec.json.encode(kept)) > _LARGEST:
        kept.pop("omitted", None)
        omitted.append(max(kept, key=lambda name: len(msgspec.json.encode(kept[name]))))
        del kept[omitted[-1]]
        kept["omitted"] = omitted
    return encoded
