"""What is forgotten by itself: personal data of orders that ended, and what was only kept to do things once.

Each step is a small transaction, so nobody waits for it, and it is done again until nothing is left. Several workers share it:
what one of them has locked the others pass over.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, or_, select, tuple_

from .clock import Clock
from .code_owners import forget_numbers, unname
from .config import Config
from .consent_owners import forget_nobodys, forget_unanswered, forget_unreachable
from .database import Database
from .idempotency import LASTS
from .message_links import CONFIRMS
from .privacy import erase, forget_answers
from .tables import answers, codes, consents, deliveries, events, keys, orders, referrals, requests, unreachable
from .vault import Vault

NEVER_ENDED = timedelta(days=365)  # an order that nobody changed for so long counts as ended
_EXPIRED = timedelta(days=30)  # how long a key is listed after its end
_ORDERS = 50  # in one transaction
_ROWS = 500

Step = Callable[[Connection], int]


async def forget_old(database: Database, config: Config, clock: Clock) -> int:
    """Does a step of each kind. How much was forgotten; as long as it is not 0, there may be more. Raises StoreError."""
    return sum([await database.write(step) for step in _steps(config, clock.now())])


def _steps(config: Config, now: datetime) -> Iterator[Step]:
    """What is kept for how long is each store's own; a store that the settings do not name is somebody else's."""
    vault = Vault(config.secret_key)
    ends = {store: now - timedelta(days=settings.retention_days) for store, settings in config.stores.items()}
    yield lambda connection: _forget_orders(connection, ends, vault, now)
    yield lambda connection: forget_answers(
        connection, _before(answers.c.store, answers.c.updated_at, ends), limit=_ROWS
    )
    old = {store: end - NEVER_ENDED for store, end in ends.items()}
    of_friends = or_(
        _before(referrals.c.store, referrals.c.settled_at, ends),
        _before(referrals.c.store, referrals.c.created_at, old),
    )
    yield lambda connection: unname(connection, of_friends, limit=_ROWS, order_number="")
    used = _before(codes.c.store, codes.c.redeemed_at, ends)
    yield lambda connection: forget_numbers(connection, used, limit=_ROWS)
    yield lambda connection: forget_unanswered(connection, now - CONFIRMS, limit=_ROWS)
    last = func.coalesce(consents.c.withdrawn_at, consents.c.given_at, consents.c.asked_at)
    nobodys = _before(consents.c.store, last, ends)
    yield lambda connection: forget_nobodys(connection, nobodys, limit=_ROWS)
    bounced = _before(unreachable.c.store, unreachable.c.at, ends)
    yield lambda connection: forget_unreachable(connection, bounced, limit=_ROWS)
    # What still waits to be delivered is told, however old it is.
    waits = select(deliveries.c.id).where(deliveries.c.event_id == events.c.id, deliveries.c.next_at.is_not(None))
    yield _cleared(events, and_(_before(events.c.store, events.c.at, ends), ~waits.exists()))
    yield _cleared(requests, requests.c.created_at <= now - LASTS)
    yield _cleared(keys, keys.c.expires_at <= now - _EXPIRED)


def _forget_orders(connection: Connection, ends: dict[str, datetime], vault: Vault, now: datetime) -> int:
    idle = {store: end - NEVER_ENDED for store, end in ends.items()}
    ended = _before(orders.c.store, orders.c.closed_at, ends)
    never = and_(
        orders.c.closed_at.is_(None),
        _before(orders.c.store, orders.c.placed_at, idle),
        _before(orders.c.store, orders.c.updated_at, idle),
    )
    query = select(orders.c.id).where(orders.c.erased_at.is_(None), or_(ended, never)).order_by(orders.c.id)
    found = connection.scalars(query.limit(_ORDERS).with_for_update(skip_locked=True)).all()
    return erase(connection, found, vault=vault, now=now).orders


def _cleared(table: Table, matching: Any) -> Step:
    """Deletes some of the rows that match."""

    def step(connection: Connection) -> int:
        key = list(table.primary_key)
        query = select(*key).where(matching).limit(_ROWS).with_for_update(skip_locked=True)
        found = [tuple(row) for row in connection.execute(query)]
        if found:
            connection.execute(delete(table).where(tuple_(*key).in_(found)))
        return len(found)

    return step


def _before(store: Any, at: Any, ends: dict[str, datetime]) -> Any:
    """Whether a time lies before the end of its store."""
    return or_(*(and_(store == name, at <= end) for name, end in ends.items()))
