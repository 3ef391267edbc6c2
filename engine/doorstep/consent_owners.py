"""Messages, consents and addresses of somebody whose order is gone, or tells of nobody any more: they go with it.

Every function works inside the caller's transaction.
"""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, or_, select, update

from .errors import StoreError
from .message import Reach
from .order import Contact
from .tables import consents, messages, orders, subscriptions, unreachable
from .vault import Vault

ASKED = "ask"  # the kind of id that an address has which was written on an order's page, and not confirmed for the order yet
GIVEN = "sub"
UNANSWERED = "asked"


def written_for(connection: Connection, order_id: str) -> list[str]:
    """What the addresses are kept as that were written on an order's page."""
    return list(connection.scalars(select(subscriptions.c.contact).where(subscriptions.c.order_id == order_id)))


def hashes_of(vault: Vault, contact: Contact) -> set[str]:
    """What the shop's own addresses are kept as."""
    of_ways = {Reach.EMAIL: contact.email, Reach.PHONE: contact.phone}
    return {hash for reach, one in of_ways.items() if one for hash in vault.contact_hashes(reach, one)}


def let_go(
    connection: Connection, vault: Vault, store: str, order_id: str, contact: Contact, hashes: Collection[str]
) -> None:  # fmt: skip
    """Forgets the messages of an order, the addresses written on its page and, where no other order of the store has them,
    what was agreed to with the shop's own `contact`, or with what is kept as one of these `hashes`. The order has lost its
    contact, or is deleted, already."""
    mails = vault.contact_hashes(Reach.EMAIL, contact.email) if contact.email else []
    connection.execute(delete(messages).where(messages.c.order_id == order_id))
    connection.execute(delete(subscriptions).where(subscriptions.c.order_id == order_id))
    connection.execute(update(consents).where(consents.c.order_id == order_id).values(order_id=None))
    theirs = {*hashes, *hashes_of(vault, contact)}
    theirs -= _of_others(connection, store, theirs) | _phones(connection, vault, store, mails)
    for table in (consents, unreachable):
        connection.execute(delete(table).where(table.c.store == store, table.c.contact.in_(theirs)))


def forget_unanswered(connection: Connection, before: datetime, *, limit: int) -> int:
    """Questions that nobody answered, and the addresses that they were sent to."""
    unanswered = (consents.c.state == UNANSWERED) & (consents.c.asked_at <= before) & consents.c.withdrawn_at.is_(None)
    written = subscriptions.c.id.startswith(f"{ASKED}_") & (subscriptions.c.created_at <= before)
    return _some(connection, consents, unanswered, limit) + _some(connection, subscriptions, written, limit)


def forget_nobodys(connection: Connection, old: Any, *, limit: int) -> int:
    """What was agreed to with an address that no order has any more, where it is `old` as well."""
    return _some(connection, consents, old & ~_has_order(consents) & consents.c.order_id.is_(None), limit)


def forget_unreachable(connection: Connection, old: Any, *, limit: int) -> int:
    """Where nothing arrived, long ago and of nobody's who is still a customer."""
    return _some(connection, unreachable, old & ~_has_order(unreachable), limit)


def _has_order(table: Any) -> Any:
    mailed = select(orders.c.id).where(orders.c.store == table.c.store, orders.c.email_hash == table.c.contact)
    same = (subscriptions.c.store == table.c.store) & (subscriptions.c.contact == table.c.contact)
    return or_(mailed.exists(), select(subscriptions.c.id).where(same).exists())


def _of_others(connection: Connection, store: str, contacts: Collection[str]) -> set[str]:
    """Those of the contacts that orders of the store have."""
    mailed = select(orders.c.email_hash).where(orders.c.store == store, orders.c.email_hash.in_(contacts))
    same = (subscriptions.c.store == store) & subscriptions.c.contact.in_(contacts)
    written = select(subscriptions.c.contact).where(same)
    return {*connection.scalars(mailed), *connection.scalars(written)}


def _phones(connection: Connection, vault: Vault, store: str, mails: Collection[str]) -> set[str]:
    """The numbers that other orders of the same customer have: a number is kept sealed alone."""
    found: set[str] = set()
    same = (orders.c.store == store) & orders.c.email_hash.in_(mails) & orders.c.contact.is_not(None)
    for sealed in connection.scalars(select(orders.c.contact).where(same)):
        with suppress(StoreError):  # sealed with a key that is gone
            phone = msgspec.json.decode(vault.open(sealed), type=Contact).phone
            found.update(vault.contact_hashes(Reach.PHONE, phone) if phone else ())
    return found


def _some(connection: Connection, table: Any, matching: Any, limit: int) -> int:
    key = list(table.primary_key)
    query = select(*key).where(matching).limit(limit).with_for_update(skip_locked=True)
    found = connection.execute(query).all()
    for row in found:
        mine = [column == value for column, value in zip(key, row, strict=True)]
        connection.execute(delete(table).where(*mine))
    return len(found)
