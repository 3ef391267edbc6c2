"""Friends whom customers bring, in SQL: by whose code each came, whether the reward is earned, or why it is refused.

Every function works inside the caller's transaction, but for `settle_due`.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Row, func, select, update

from .clock import Clock
from .code_owners import UNNAMED
from .database import Database, insert
from .ids import new_id
from .models import Status
from .order import Order
from .orderbook import KeptOrder, OrderBook
from .outbox import Event, Outbox
from .tables import codes, order_parcels, orders, parcels, referrals
from .vault import Vault
from .widget import FriendRule
from .widget_codes import Codes

PENDING, EARNED, REFUSED = "pending", "earned", "refused"
REASONS = (
    "ended",  # the code
    "own",  # the address is that of whose code it is
    "customer",  # there was an order before
    "brought",  # by somebody else, or with another order
    "too_many_today",
    "too_many",
    "cancelled",  # the friend's order
    "not_delivered",
)
_DAY = timedelta(days=1)
_AT_ONCE = 200  # settled in one transaction

log = structlog.get_logger("doorstep.referrals")


class Referrals:
    """Who brought whom, in all stores."""

    def __init__(
        self, database: Database, orders: OrderBook, codes: Codes, outbox: Outbox, vault: Vault, *, clock: Clock
    ) -> None:
        self._database = database
        self._orders = orders
        self._codes = codes
        self._outbox = outbox
        self._vault = vault
        self._clock = clock

    def find(self, connection: Connection, store: str, id: str, *, lock: bool = False) -> Row[Any] | None:
        query = select(referrals).where(referrals.c.store == store, referrals.c.id == id)
        return connection.execute(query.with_for_update() if lock else query).one_or_none()

    def follow(self, connection: Connection, order: KeptOrder, written: Order) -> None:
        """Takes in by whose code an order came, or that it was cancelled."""
        if written.cancelled_at is not None:
            for row in connection.execute(self._of_order(order.store, order.order.number).with_for_update()).all():
                if row.state == PENDING:
                    self.settle(connection, row, REFUSED, "cancelled")
        elif written.referral:
            code = self._codes.find(connection, order.store, written.referral, lock=True)
            rule = self._codes.rule(code) if code is not None else None
            if code is None or rule is None or rule.friends is None:
                log.warning("an order names a code that brings no friends", store=order.store)
                return
            self.attribute(connection, code, rule.friends, order.order.number, written.email, order)

    def attribute(
        self, connection: Connection, code: Row[Any], rule: FriendRule, number: str, email: str, order: KeptOrder | None
    ) -> Row[Any]:
        """Notes by whose code the order of this number came, pending or refused; an order came by one code, the first that
        was named. `order` is that order, where it is known. The caller has locked the code, so that limits hold."""
        there = connection.execute(self._of_order(code.store, number)).first()
        if there is not None:
            return there
        if not email and order is not None:
            email = self._orders.contact(connection, order.id).email
        hashes = self._vault.email_hashes(email) if email else self._vault.fingerprints(f"order {number}".encode())
        reason = self._against(connection, code, rule, hashes, order)
        row = self._new(code, number, hashes[0], reason)
        made = insert(connection, referrals).on_conflict_do_nothing().returning(referrals)
        kept = connection.execute(made, row).one_or_none()
        if kept is None:  # brought by another code a moment ago
            kept = connection.execute(made, self._new(code, number, "", "brought")).one()
        if kept.state == PENDING:
            self._codes.counted(connection, code.store, "referred", code.widget)
        self._tell(connection, kept, code.code)
        return kept

    def settle(self, connection: Connection, referral: Row[Any], state: str, reason: str = "") -> Row[Any]:
        """Ends what was pending, and tells the shop. The caller has locked it."""
        values: dict[str, Any] = {"state": state, "reason": reason, "settled_at": self._clock.now()}
        if state == REFUSED:
            values["friend"] = new_id(UNNAMED)  # whoever comes again may be brought
        change = update(referrals).where(referrals.c.id == referral.id).values(values).returning(referrals)
        settled = connection.execute(change).one()
        code = connection.scalar(select(codes.c.code).where(codes.c.id == referral.code_id))
        self._tell(connection, settled, code or "")
        return settled

    async def settle_due(self) -> int:
        """Settles what is pending where the friend's order has ended long enough ago; how many. Raises StoreError."""
        settled = 0
        for store, rules in self._codes.rules.items():
            for widget, rule in rules.items():
                if rule.friends is not None:
                    work = partial(self._settle_some, store=store, widget=widget, days=rule.friends.days)
                    settled += await self._database.write(work)
        return settled

    def _settle_some(self, connection: Connection, *, store: str, widget: str, days: int) -> int:
        theirs = (orders.c.store == referrals.c.store) & (orders.c.number == referrals.c.order_number)
        query = select(referrals, orders.c.id.label("of")).join(orders, theirs)
        query = query.join(codes, codes.c.id == referrals.c.code_id)
        ended = orders.c.closed_at <= self._clock.now() - timedelta(days=days)
        mine = (referrals.c.store == store) & (codes.c.widget == widget) & (referrals.c.state == PENDING) & ended
        some = query.where(mine).order_by(referrals.c.id).limit(_AT_ONCE)
        rows = connection.execute(some.with_for_update(skip_locked=True, of=referrals)).all()
        there = _arrived(connection, [row.of for row in rows])
        for row in rows:
            arrived = row.of in there
            self.settle(connection, row, EARNED if arrived else REFUSED, "" if arrived else "not_delivered")
        return len(rows)

    def _against(
        self, connection: Connection, code: Row[Any], rule: FriendRule, hashes: Sequence[str], order: KeptOrder | None
    ) -> str:
        """Why a friend does not count; "" for one who does."""
        if self._codes.has_ended(code):
            return "ended"
        if self._is_own(connection, code, hashes, order):
            return "own"
        if self._was_customer(connection, code.store, hashes, order):
            return "customer"
        known = (referrals.c.store == code.store) & referrals.c.friend.in_(hashes)
        if connection.scalar(select(referrals.c.id).where(known).limit(1)) is not None:
            return "brought"
        came = (referrals.c.code_id == code.id) & (referrals.c.state != REFUSED)
        if _count(connection, came & (referrals.c.created_at > self._clock.now() - _DAY)) >= rule.most_a_day:
            return "too_many_today"
        return "too_many" if _count(connection, came) >= rule.most else ""

    def _is_own(
        self, connection: Connection, code: Row[Any], hashes: Sequence[str], order: KeptOrder | None
    ) -> bool:  # fmt: skip
        if code.customer in hashes or (order is not None and code.order_id == order.id):
            return True
        whose = (orders.c.id == code.order_id) & orders.c.email_hash.in_(hashes)
        return connection.scalar(select(orders.c.id).where(whose)) is not None

    def _was_customer(
        self, connection: Connection, store: str, hashes: Sequence[str], order: KeptOrder | None
    ) -> bool:  # fmt: skip
        earlier = (orders.c.store == store) & orders.c.email_hash.in_(hashes)
        if order is not None:
            earlier &= (orders.c.id != order.id) & (orders.c.placed_at < order.placed_at)
        return connection.scalar(select(orders.c.id).where(earlier).limit(1)) is not None

    def _new(self, code: Row[Any], number: str, friend: str, reason: str) -> dict[str, Any]:
        """A referral. Of one that is refused nothing is kept of the friend."""
        now = self._clock.now()
        return {
            "id": new_id("ref"), "store": code.store, "code_id": code.id, "friend": new_id(UNNAMED) if reason else friend,
            "order_number": number, "state": REFUSED if reason else PENDING, "reason": reason, "created_at": now,
            "settled_at": now if reason else None,
        }  # fmt: skip

    def _tell(self, connection: Connection, referral: Row[Any], code: str) -> None:
        number = referral.order_number
        same = (orders.c.store == referral.store) & (orders.c.number == number)
        order_id = connection.scalar(select(orders.c.id).where(same))
        told = {
            "referral": {"id": referral.id, "code": code, "reason": referral.reason},
            "order": {"id": order_id or "", "number": number},
        }
        type = f"referral.{referral.state}"
        self._outbox.put(connection, Event(referral.store, type, told, f"{type}:{referral.id}", order_id))

    @staticmethod
    def _of_order(store: str, number: str) -> Any:
        return select(referrals).where(referrals.c.store == store, referrals.c.order_number == number)


def _arrived(connection: Connection, order_ids: Sequence[str]) -> set[str]:
    """Those of the orders of which a parcel arrived."""
    query = select(order_parcels.c.order_id).join(parcels, parcels.c.id == order_parcels.c.parcel_id)
    mine = order_parcels.c.order_id.in_(order_ids) & (parcels.c.status == Status.DELIVERED.value)
    return set(connection.scalars(query.where(mine)))


def _count(connection: Connection, matching: Any) -> int:
    return connection.scalar(select(func.count()).select_from(referrals).where(matching)) or 0
