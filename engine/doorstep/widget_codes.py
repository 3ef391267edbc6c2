"""Codes of widgets in SQL: put into pools by the shop, given to orders as they come in, redeemed once.

Every function works inside the caller's transaction. A page reads what an order has; nothing is given by reading.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from sqlalchemy import Connection, Row, and_, case, func, or_, select, update

from .clock import Clock
from .database import insert
from .metrics import Metrics
from .models import Status
from .order import Order
from .orderbook import KeptOrder, OrderBook
from .outbox import Event, Outbox
from .tables import codes, order_parcels, orders, parcels, referrals
from .tallies import Counted, uncounted
from .vault import Vault
from .widget import CodeFacts, CodeRule, FriendRule

CODE = r"^[A-Za-z0-9][!-.0-~]{0,63}$"  # printable, and a part of a path
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without 0 and O, 1, I and L
_LENGTH = 8  # forty bits

log = structlog.get_logger("doorstep.codes")


class Stock(Struct, frozen=True):
    """How many codes there are of a pool, or of those that the engine made for a widget (`pool` is empty then)."""

    pool: str
    widget: str
    free: int
    reserved: int
    redeemed: int


class Filled(Struct, frozen=True):
    """How many codes are new, and how many were there already."""

    added: int
    known: int


class Codes:
    """`rules` are those of the stores' widgets, by store and widget; `zones` and `addresses` (empty where they are not known)
    the stores' clocks and what their links begin with."""

    def __init__(
        self, rules: Mapping[str, Mapping[str, CodeRule]], orders: OrderBook, outbox: Outbox, vault: Vault,
        metrics: Metrics, *, clock: Clock, zones: Mapping[str, ZoneInfo], addresses: Mapping[str, str],
        counted: Counted = uncounted,
    ) -> None:  # fmt: skip
        self.rules = rules
        self._orders = orders
        self._outbox = outbox
        self._vault = vault
        self._metrics = metrics
        self._clock = clock
        self._zones = zones
        self._addresses = addresses
        self.counted = counted

    def rule(self, code: Row[Any]) -> CodeRule | None:
        """What the settings say of a code that somebody has."""
        return self.rules.get(code.store, {}).get(code.widget)

    def has_ended(self, code: Row[Any]) -> bool:
        return code.expires_at is not None and code.expires_at <= self._clock.now()

    def fill(self, connection: Connection, store: str, pool: str, listed: Iterable[str]) -> Filled:
        """Puts codes into a pool; one that the store has already stays as it is."""
        wanted = list(dict.fromkeys(listed))
        blank = {"store": store, "pool": pool, "widget": "", "redeemed_by": "", "created_at": self._clock.now()}
        rows = [{**blank, "code": one} for one in wanted]
        made = insert(connection, codes).on_conflict_do_nothing().returning(codes.c.id)
        added = len(connection.scalars(made, rows).all()) if rows else 0
        return Filled(added, len(wanted) - added)

    def stock(self, connection: Connection, store: str) -> list[Stock]:
        """How many are left, pool by pool; a pool that a widget asks for is named though nobody filled it."""
        widget = case((codes.c.pool == "", codes.c.widget), else_="").label("of")
        reserved, redeemed = codes.c.reserved_at.is_not(None), codes.c.redeemed_at.is_not(None)
        counts = (func.count().filter(matching) for matching in (~reserved, reserved & ~redeemed, redeemed))
        query = select(codes.c.pool, widget, *counts).where(codes.c.store == store).group_by(codes.c.pool, widget)
        found = [Stock(*row) for row in connection.execute(query)]
        named = {one.pool for one in found}
        asked = {rule.pool for rule in self.rules.get(store, {}).values()} - named - {""}
        found += [Stock(pool, "", 0, 0, 0) for pool in asked]
        return sorted(found, key=lambda one: (one.pool, one.widget))

    def find(self, connection: Connection, store: str, code: str, *, lock: bool = False) -> Row[Any] | None:
        query = select(codes).where(codes.c.store == store, codes.c.code == code)
        return connection.execute(query.with_for_update() if lock else query).one_or_none()

    def of_order(self, connection: Connection, order: KeptOrder) -> dict[str, CodeFacts]:
        """The codes that an order has, by widget. Nothing is written."""
        if not (rules := self.rules.get(order.store)):
            return {}
        rows = connection.execute(self._of(connection, order).where(codes.c.widget.in_(rules)).order_by(codes.c.id))
        newest = {row.widget: row for row in rows}
        came = self.friends(connection, [row.id for row in newest.values()])
        return {
            widget: CodeFacts(
                code=row.code,
                ends=self._last_day(row),
                redeemed=row.redeemed_at is not None,
                friends=sum(came.get(row.id, {}).values()),
                earned=came.get(row.id, {}).get("earned", 0),
                link=self.link(row),
            )
            for widget, row in newest.items()
        }

    def link(self, code: Row[Any]) -> str:
        """The address that brings friends, on the shop's own domain where the settings know it; "" where it brings none."""
        rule, own = self.rule(code), self._addresses[code.store]
        if rule is None or rule.friends is None:
            return ""
        return f"{own}/r/{quote(code.code, safe='')}" if own else landing(rule.friends, code.code)

    def friends(self, connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """How many friends came by these codes, by the state of their referral; those that were refused did not."""
        if not ids:
            return {}
        mine = referrals.c.code_id.in_(ids) & (referrals.c.state != "refused")
        query = select(referrals.c.code_id, referrals.c.state, func.count()).where(mine)
        found: dict[int, dict[str, int]] = {}
        for code_id, state, count in connection.execute(query.group_by(referrals.c.code_id, referrals.c.state)):
            found.setdefault(code_id, {})[state] = count
        return found

    def give(self, connection: Connection, order: KeptOrder, written: Order) -> None:
        """Gives an order that came in, or was changed, the codes that it has not got. `written` has the e-mail address."""
        if written.cancelled_at is not None:
            return
        for widget, rule in self.rules.get(order.store, {}).items():
            hashes = self._vault.email_hashes(written.email) if rule.per_customer and written.email else []
            if not self._has(connection, order, widget, hashes):
                self._give(connection, order, widget, rule, hashes[0] if hashes else None)
        self.arrived(connection, [order.id])

    def arrived(self, connection: Connection, order_ids: Sequence[str]) -> None:
        """Sets the end of codes that begin to run when the order is there: counted from the last parcel that arrived."""
        lasts = {
            (store, widget): rule.lasts
            for store, rules in self.rules.items()
            for widget, rule in rules.items()
            if rule.start == "delivered" and rule.lasts is not None
        }
        if not lasts:
            return
        last = func.max(func.coalesce(parcels.c.delivered_at, parcels.c.changed_at))
        query = select(codes.c.id, codes.c.store, codes.c.widget, last.label("at"))
        query = query.join(order_parcels, order_parcels.c.order_id == codes.c.order_id)
        query = query.join(parcels, parcels.c.id == order_parcels.c.parcel_id)
        mine = codes.c.order_id.in_(order_ids) & (parcels.c.status == Status.DELIVERED.value)
        for row in connection.execute(query.where(mine).group_by(codes.c.id, codes.c.store, codes.c.widget)).all():
            days = lasts.get((row.store, row.widget))
            if days is not None and row.at is not None:
                ends = self._end(row.store, row.at, days)
                connection.execute(update(codes).where(codes.c.id == row.id).values(expires_at=ends))

    def redeem(self, connection: Connection, code: Row[Any], number: str, order: KeptOrder | None) -> None:
        """Notes that a code was used for the order of this number, and tells the shop. The caller has locked the code."""
        now = self._clock.now()
        values = {"redeemed_at": now, "redeemed_by": number, "reserved_at": code.reserved_at or now}
        connection.execute(update(codes).where(codes.c.id == code.id).values(values))
        told = {
            "code": {"code": code.code, "widget": code.widget},
            "order": {"id": order.id if order else "", "number": number},
        }
        if code.widget:  # one that was given away by other means has none
            self.counted(connection, code.store, "redeemed", code.widget)
        event = Event(code.store, "code.redeemed", told, f"code.redeemed:{code.id}", order.id if order else None)
        self._outbox.put(connection, event)

    def _has(self, connection: Connection, order: KeptOrder, widget: str, hashes: Sequence[str]) -> bool:
        """Whether the order has a code of this widget that can still be used; a customer's own is used again."""
        if not hashes:
            mine = (codes.c.order_id == order.id) & codes.c.customer.is_(None) & (codes.c.widget == widget)
            return connection.scalar(select(codes.c.id).where(mine).limit(1)) is not None
        theirs = or_(codes.c.customer.in_(hashes), self._of_nobody_else(order))
        usable = and_(
            codes.c.redeemed_at.is_(None),
            or_(codes.c.expires_at.is_(None), codes.c.expires_at > self._clock.now()),
        )
        mine = (codes.c.store == order.store) & (codes.c.widget == widget) & theirs & usable
        row = connection.execute(select(codes.c.id, codes.c.customer).where(mine).order_by(codes.c.id)).first()
        if row is not None and row.customer != hashes[0]:  # the secret has changed, or the order's address
            connection.execute(update(codes).where(codes.c.id == row.id).values(customer=hashes[0]))
        return row is not None

    @staticmethod
    def _of_nobody_else(order: KeptOrder) -> Any:
        """Made for this order under an address that was corrected since: no order has that one."""
        others = select(orders.c.id).where(orders.c.store == order.store, orders.c.email_hash == codes.c.customer)
        return (codes.c.order_id == order.id) & codes.c.customer.is_not(None) & ~others.exists()

    def _give(
        self, connection: Connection, order: KeptOrder, widget: str, rule: CodeRule, customer: str | None
    ) -> None:
        now = self._clock.now()
        ends = None
        if rule.start == "placed" and rule.lasts is not None:
            ends = self._end(order.store, order.placed_at, rule.lasts)
            if ends <= now:
                return  # an old order: the code would have ended before anybody saw it
        values = {
            "widget": widget, "order_id": order.id, "customer": customer, "reserved_at": now, "expires_at": ends,
        }  # fmt: skip
        if rule.pool:
            self._take(connection, order.store, rule.pool, values)
        else:
            self._make(connection, order.store, rule.prefix, values)

    def _take(self, connection: Connection, store: str, pool: str, values: Mapping[str, Any]) -> None:
        """The next free code of a pool; of two who take at once each gets another."""
        free = (codes.c.store == store) & (codes.c.pool == pool) & codes.c.reserved_at.is_(None)
        query = select(codes.c.id).where(free).order_by(codes.c.id).limit(1).with_for_update(skip_locked=True)
        id = connection.scalar(query)
        if id is None:
            self._metrics.codes_missing.labels(store, pool).inc()
            log.error("an order got no code: the pool is empty", store=store, pool=pool)
            return
        connection.execute(update(codes).where(codes.c.id == id).values(values))

    def _make(self, connection: Connection, store: str, prefix: str, values: Mapping[str, Any]) -> None:
        row = {**values, "store": store, "pool": "", "redeemed_by": "", "created_at": self._clock.now()}
        made = insert(connection, codes).on_conflict_do_nothing().returning(codes.c.id)
        while connection.scalar(made, {**row, "code": prefix + _random()}) is None:
            pass  # somebody has this one

    def _of(self, connection: Connection, order: KeptOrder) -> Any:
        """The codes of an order, its customer's with them. One that was made for another address is not among them."""
        hashes = self._orders.email_hashes(connection, order) if order.email_hash else set()
        own = (codes.c.order_id == order.id) & codes.c.customer.is_(None)
        return select(codes).where(codes.c.store == order.store, or_(own, codes.c.customer.in_(hashes)))

    def _end(self, store: str, start: datetime, days: int) -> datetime:
        """The end of the last day, by the shop's clock."""
        zone = self._zones[store]
        return datetime.combine(start.astimezone(zone).date() + timedelta(days=days + 1), time.min, zone)

    def _last_day(self, code: Row[Any]) -> Any:
        if code.expires_at is None:
            return None
        return (code.expires_at - timedelta(seconds=1)).astimezone(self._zones[code.store]).date()


def landing(rule: FriendRule, code: str) -> str:
    """The shop's address for friends; with the code they came by, where there is one."""
    if not code:
        return rule.landing
    parts = urlsplit(rule.landing)
    query = "&".join(filter(None, (parts.query, urlencode({rule.parameter: code}))))
    return parts._replace(query=query).geturl()


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
