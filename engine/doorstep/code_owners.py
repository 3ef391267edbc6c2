"""Codes and referrals of an order that is gone, or tells of nobody any more: they still count, and belong to nobody.

Every function works inside the caller's transaction.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, or_, select, update

from .ids import new_id
from .tables import codes, orders, referrals

UNNAMED = "frd"  # the kind of id that stands where a friend's hash was


def let_go(
    connection: Connection, store: str, order_id: str, number: str, hashes: Collection[str]
) -> None:  # fmt: skip
    """Takes an order's number, and its customer where no other order is the customer's, out of codes and referrals; the
    order's id stands where the number was. The order itself has lost its address, or is deleted, already."""
    connection.execute(update(codes).where(codes.c.order_id == order_id).values(order_id=None))
    connection.execute(_of(codes, store, codes.c.redeemed_by == number).values(redeemed_by=order_id))
    mine = referrals.c.order_number == number
    theirs = (orders.c.store == store) & orders.c.email_hash.in_(hashes)
    if connection.scalar(select(orders.c.id).where(theirs).limit(1)) is None:
        connection.execute(_of(codes, store, codes.c.customer.in_(hashes)).values(customer=None))
        mine = or_(mine, referrals.c.friend.in_(hashes))
    unname(connection, (referrals.c.store == store) & mine)
    rename(connection, store, number, order_id)


def rename(connection: Connection, store: str, before: str, number: str) -> None:
    """The friend's order has another number now."""
    connection.execute(_of(referrals, store, referrals.c.order_number == before).values(order_number=number))


def unname(connection: Connection, matching: Any, *, limit: int | None = None, **others: str) -> int:
    """Takes out of referrals who the friend was; `others` are columns that change with it."""
    query = select(referrals.c.id).where(matching, ~referrals.c.friend.startswith(f"{UNNAMED}_"))
    ids = connection.scalars(query.order_by(referrals.c.id).limit(limit).with_for_update(skip_locked=True)).all()
    for id in ids:
        connection.execute(update(referrals).where(referrals.c.id == id).values(friend=new_id(UNNAMED), **others))
    return len(ids)


def forget_numbers(connection: Connection, matching: Any, *, limit: int) -> int:
    """Takes out of codes for which order they were used."""
    query = select(codes.c.id).where(matching, codes.c.redeemed_by != "").limit(limit)
    ids = connection.scalars(query.with_for_update(skip_locked=True)).all()
    connection.execute(update(codes).where(codes.c.id.in_(ids)).values(redeemed_by=""))
    return len(ids)


def _of(table: Any, store: str, matching: Any) -> Any:
    return update(table).where(table.c.store == store, matching)
