"""The shop's orders over HTTP: written, read, changed by merge patch, deleted; links to their pages, and what was reported."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct
from sqlalchemy import Connection

from . import payload
from .clock import Clock
from .errors import OrderExists
from .gate import Call, Gate, Query, Reply
from .ledger import Ledger
from .links import Links, Proof, Ticket
from .openapi import Operation
from .order import Order, Parcel
from .orderbook import KeptOrder, KeptParcel, OrderBook
from .paging import cursor, instant, next_link, place
from .refusals import Refusal
from .reports import Report, Reports
from .tables import orders
from .widget_codes import Codes

_ORDERS = "/api/v1/orders"
_ORDER = _ORDERS + "/{order:path}"  # a shop's number may have a slash in it


class ShipmentAnswer(Parcel, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A parcel as the shop named it, and what its carrier last said."""

    id: str
    status: str
    reason: str
    delayed: bool
    action_required: bool
    final: bool
    expected: date | None
    fetched_at: datetime | None


class OrderLinks(Struct, frozen=True):
    """`self` is the order here, `order` its page, for its recipient only (proof level 1); empty once it was erased."""

    own: str = msgspec.field(name="self")
    order: str


class OrderAnswer(Order, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """An order as it is kept: what the shop wrote, with the days promised and the customer's facts filled in.

    `version` counts the shop's changes. `promise` is "", at_risk or missed; `codes` are those it has, by widget;
    `closed_at` is when the last parcel came to its end, `erased_at` when personal data were erased.
    """

    id: str
    version: int
    shipments: tuple[ShipmentAnswer, ...] = ()
    promise: str
    codes: dict[str, str]
    links: OrderLinks
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    erased_at: datetime | None


class OrderList(Struct, frozen=True):
    """A page of orders, the newest first; `after` is the parameter of the next page, null on the last."""

    orders: tuple[OrderAnswer, ...]
    after: str | None


class OrdersQuery(Query, frozen=True):
    """Which orders; `updated_since` is when the shop last wrote them, `after` comes from the page before."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    after: Annotated[str, Meta(max_length=200)] = ""
    number: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    updated_since: Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})] | None = None
    status: Literal["", "open", "closed"] = ""


class LinkWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """`days` is how long the link works; the store's `link_days`, when missing."""

    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class LinkAnswer(Struct, frozen=True):
    """A signed link to the order's page."""

    url: str
    expires_at: datetime


class ReportList(Struct, frozen=True):
    """What shoppers told about an order, the newest first."""

    reports: tuple[Report, ...]


class OrdersApi:
    """What the API does with orders. Every function is the work of one transaction."""

    def __init__(
        self, gate: Gate, book: OrderBook, ledger: Ledger, links: Links, reports: Reports, codes: Codes, *,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._gate = gate
        self._codes = codes
        self._book = book
        self._ledger = ledger
        self._links = links
        self._reports = reports
        self._clock = clock

    def operations(self) -> list[Operation]:
        """What is mounted; a longer path before the one it would also fit."""
        of, links, reports = self._gate.operation, _ORDER + "/links", _ORDER + "/reports"
        read, write = {"scope": "orders:read"}, {"scope": "orders:write"}
        one, changed = {200: OrderAnswer, 304: None}, {200: OrderAnswer}
        return [
            of(
                self.create_order, "POST", _ORDERS, "Write an order down",
                takes=Order, gives={201: OrderAnswer}, refuses=(409,), **write,
            ),
            of(
                self.list_orders, "GET", _ORDERS, "List orders, the newest first",
                query=OrdersQuery, gives={200: OrderList}, refuses=(422,), **read,
            ),
            of(
                self.create_link, "POST", links, "Make a signed link to the order's page",
                takes=LinkWanted, gives={201: LinkAnswer}, refuses=(404, 410), optional=True, **write,
            ),
            of(
                self.void_links, "DELETE", links, "Make every link to the order's page void",
                gives={204: None}, refuses=(404, 412), **write,
            ),
            of(
                self.list_reports, "GET", reports, "Read what shoppers told about an order",
                gives={200: ReportList}, refuses=(404,), **read,
            ),
            of(self.read_order, "GET", _ORDER, "Read an order", gives=one, refuses=(404,), **read),
            of(
                self.change_order, "PATCH", _ORDER, "Change an order, by JSON merge patch",
                takes=Order, gives=changed, refuses=(404, 409, 410, 412), **write,
            ),
            of(
                self.delete_order, "DELETE", _ORDER, "Delete an order with all that is kept of it",
                gives={204: None}, refuses=(404, 412), **write,
            ),
        ]  # fmt: skip

    def create_order(self, connection: Connection, call: Call) -> Reply:
        order, store = payload.convert(call.body, Order), call.shop.id
        self._ledger.begin(connection, store)
        if self._book.find(connection, store, order.number) is not None:
            raise OrderExists(f"there is an order {order.number!r} already", next_step="change it with PATCH")
        entry = self._ledger.enter(connection, store, order.number, lambda _: order)
        return self._one(connection, call, entry.order, status=201)

    def list_orders(self, connection: Connection, call: Call) -> Reply:
        query: OrdersQuery = call.query
        after = place(query.after) if query.after else None
        page = self._book.page(
            connection, call.shop.id, after=after, limit=query.limit, matching=_conditions(query)
        )  # fmt: skip
        following = cursor(page.after) if page.after else None
        listed = tuple(self._answer(connection, call, kept) for kept in page.orders)
        return Reply(OrderList(listed, following), headers=next_link(call, _ORDERS, following))

    def read_order(self, connection: Connection, call: Call) -> Reply:
        return self._one(connection, call, self._found(connection, call))

    def change_order(self, connection: Connection, call: Call) -> Reply:
        self._ledger.begin(connection, call.shop.id)
        kept = _living(self._expected(connection, call))
        entry = self._ledger.amend(connection, kept, lambda written: _patched(written, call.body))
        return self._one(connection, call, entry.order)

    def delete_order(self, connection: Connection, call: Call) -> Reply:
        self._ledger.begin(connection, call.shop.id)
        self._book.remove(connection, self._expected(connection, call).id)
        return Reply(status=204)

    def create_link(self, connection: Connection, call: Call) -> Reply:
        days = payload.convert(call.body, LinkWanted).days or call.shop.config.link_days
        kept = _living(self._found(connection, call))
        expires_at = self._clock.now().replace(microsecond=0) + timedelta(days=days)
        return Reply(LinkAnswer(self._link(call, kept, expires_at), expires_at), 201)

    def void_links(self, connection: Connection, call: Call) -> Reply:
        self._book.void_links(connection, self._expected(connection, call).id)
        return Reply(status=204)

    def list_reports(self, connection: Connection, call: Call) -> Reply:
        return Reply(ReportList(tuple(self._reports.of(connection, self._found(connection, call).id))))

    def _found(self, connection: Connection, call: Call, *, lock: bool = False) -> KeptOrder:
        name = call.names["order"]
        kept = self._book.find(connection, call.shop.id, name, lock=lock) if "\0" not in name else None
        if kept is None:
            raise Refusal("order_not_found")
        return kept

    def _expected(self, connection: Connection, call: Call) -> KeptOrder:
        """The order, if it is as the caller knows it: `If-Match` is about what the shop wrote, so that a parcel that moved on
        meanwhile is in nobody's way."""
        kept = self._found(connection, call, lock=True)
        known = [tag.strip().strip('"').partition(".")[0] for tag in call.if_match.split(",")]
        if call.if_match and not {"*", str(kept.version)} & set(known):
            raise Refusal("changed", version=kept.version)
        return kept

    def _one(self, connection: Connection, call: Call, kept: KeptOrder, *, status: int = 200) -> Reply:
        answer = self._answer(connection, call, kept)
        body = msgspec.json.encode(answer)
        headers = {"ETag": f'"{kept.version}.{blake2b(body, digest_size=8).hexdigest()}"'}
        if status == 201:
            headers["Location"] = answer.links.own
        return Reply(Raw(body), status, headers)

    def _answer(self, connection: Connection, call: Call, kept: KeptOrder) -> OrderAnswer:
        written = self._book.written(connection, kept)
        own = f"{call.base}{_ORDERS}/{kept.id}"
        given = {widget: one.code for widget, one in self._codes.of_order(connection, kept).items()}
        fields: dict[str, Any] = {
            **{name: getattr(written, name) for name in Order.__struct_fields__},
            "shipments": tuple(map(_shipment, kept.parcels)),
            "customer": self._book.facts(connection, kept),
        }
        return OrderAnswer(
            **fields, id=kept.id, version=kept.version, promise=kept.promise, codes=given,
            links=OrderLinks(own, self._page(call, kept)), created_at=kept.created_at, updated_at=kept.updated_at,
            closed_at=kept.closed_at, erased_at=kept.erased_at,
        )  # fmt: skip

    def _page(self, call: Call, kept: KeptOrder) -> str:
        """A link that is the same all day, so that the answer is, too."""
        if kept.erased_at is not None:
            return ""
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return self._link(call, kept, today + timedelta(days=call.shop.config.link_days + 1))

    def _link(self, call: Call, kept: KeptOrder, expires_at: datetime) -> str:
        token = self._links.token(Ticket(kept.id, Proof.LINK, expires_at, kept.link_generation))
        return f"{call.base}/o/{token}/"


def _living(kept: KeptOrder) -> KeptOrder:
    """The order, unless it was erased: what was erased stays erased."""
    if kept.erased_at is not None:
        raise Refusal("order_erased")
    return kept


def _shipment(kept: KeptParcel) -> ShipmentAnswer:
    known = kept.shipment
    return ShipmentAnswer(
        number=kept.number, carrier=kept.carrier, items=kept.items, shipped_at=kept.shipped_at,
        id=kept.id, status=kept.status, reason=known.reason if known else "", delayed=bool(known and known.delayed),
        action_required=bool(known and known.action_required), final=kept.final, expected=kept.expected,
        fetched_at=kept.fetched_at,
    )  # fmt: skip


def _patched(written: Order, patch: Any) -> Order:
    """The order with a merge patch laid over it. New business days make a new day, which the old one must not outlive."""
    target = msgspec.to_builtins(written)
    promised = patch.get("promised") if isinstance(patch, Mapping) else None
    if isinstance(promised, Mapping) and promised.get("business_days") is not None and target.get("promised"):
        target["promised"].pop("until", None)
    return payload.convert(payload.merged(target, patch), Order)


def _conditions(query: OrdersQuery) -> list[Any]:
    found: list[Any] = []
    if query.number:
        found.append(orders.c.number == query.number)
    if query.updated_since is not None:
        found.append(orders.c.updated_at >= instant(query.updated_since, "?updated_since"))
    if query.status:
        is_open = orders.c.closed_at.is_(None)
        found.append(is_open if query.status == "open" else ~is_open)
    return found
