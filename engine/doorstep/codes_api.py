"""Codes of widgets and referrals over HTTP: pools filled, codes read and redeemed; who brought whom."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from sqlalchemy import Connection, Row, select

from . import payload
from .gate import Call, Gate, Reply
from .openapi import Operation
from .order import Number
from .orderbook import KeptOrder, OrderBook
from .referrals import EARNED, PENDING, Referrals
from .refusals import Refusal
from .tables import codes
from .widget import FriendRule
from .widget_codes import CODE, Codes, Filled, Stock

_CODES, _REFERRALS = "/api/v1/codes", "/api/v1/referrals"
_CODE, _REFERRAL = _CODES + "/{code}", _REFERRALS + "/{referral}"
CodeText = Annotated[str, Meta(pattern=CODE, max_length=64)]


class CodesGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """Codes for a pool of the store, as they are in the shop system."""

    pool: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    codes: Annotated[tuple[CodeText, ...], Meta(min_length=1, max_length=10_000)]


class StockList(Struct, frozen=True):
    """How many codes there are, pool by pool, and of those that were made for a widget."""

    codes: tuple[Stock, ...]


class CodeAnswer(Struct, frozen=True):
    """A code. `state` is free, reserved, redeemed or ended; `order` is the number of the order that has it, `redeemed_by` of
    the one it was used for. `friends` came by it, `earned` of them earned a reward."""

    code: str
    state: str
    pool: str
    widget: str
    order: str
    reserved_at: datetime | None
    expires_at: datetime | None
    redeemed_at: datetime | None
    redeemed_by: str
    link: str
    friends: int
    earned: int


class Redemption(Struct, frozen=True, forbid_unknown_fields=True):
    """`order` is the number of the order for which the code was used."""

    order: Number


class Brought(Struct, frozen=True, forbid_unknown_fields=True):
    """By whose `code` the order of this number came. Without `email` it is that of the order, if Doorstep knows the order."""

    code: CodeText
    order: Number
    email: Annotated[str, Meta(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""


class Settlement(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a referral that was pending; `reason` is the shop's own word for a refusal."""

    state: Literal["earned", "refused"]
    reason: Annotated[str, Meta(max_length=32)] = ""


class ReferralAnswer(Struct, frozen=True):
    """A friend who came by a code. `state` is pending, earned or refused, `order` the number of the friend's order."""

    id: str
    code: str
    order: str
    state: str
    reason: str
    created_at: datetime
    settled_at: datetime | None


class CodesApi:
    """What the API does with codes and referrals. Every function is the work of one transaction."""

    def __init__(self, gate: Gate, book: OrderBook, codes: Codes, referrals: Referrals) -> None:
        self._gate = gate
        self._book = book
        self._codes = codes
        self._referrals = referrals

    def operations(self) -> list[Operation]:
        of, read, write = self._gate.operation, {"scope": "codes:read"}, {"scope": "codes:write"}
        see, note = {"scope": "referrals:read"}, {"scope": "referrals:write"}
        return [
            of(
                self.add_codes, "POST", _CODES, "Put codes into a pool; those that are there already stay as they are",
                takes=CodesGiven, gives={200: Filled}, **write,
            ),
            of(self.list_codes, "GET", _CODES, "Count the codes of each pool", gives={200: StockList}, **read),
            of(self.read_code, "GET", _CODE, "Read a code", gives={200: CodeAnswer}, refuses=(404,), **read),
            of(
                self.redeem_code, "POST", _CODE + "/redeem", "Note that a code was used",
                takes=Redemption, gives={200: CodeAnswer}, refuses=(404, 409), **write,
            ),
            of(
                self.create_referral, "POST", _REFERRALS, "Note by whose code an order came",
                takes=Brought, gives={200: ReferralAnswer}, refuses=(404,), **note,
            ),
            of(
                self.read_referral, "GET", _REFERRAL, "Read a referral",
                gives={200: ReferralAnswer}, refuses=(404,), **see,
            ),
            of(
                self.settle_referral, "POST", _REFERRAL + "/settle", "Say whether a reward is earned",
                takes=Settlement, gives={200: ReferralAnswer}, refuses=(404, 409), **note,
            ),
        ]  # fmt: skip

    def add_codes(self, connection: Connection, call: Call) -> Reply:
        given = payload.convert(call.body, CodesGiven)
        return Reply(self._codes.fill(connection, call.shop.id, given.pool, given.codes))

    def list_codes(self, connection: Connection, call: Call) -> Reply:
        return Reply(StockList(tuple(self._codes.stock(connection, call.shop.id))))

    def read_code(self, connection: Connection, call: Call) -> Reply:
        return self._one(connection, self._found(connection, call))

    def redeem_code(self, connection: Connection, call: Call) -> Reply:
        named = payload.convert(call.body, Redemption).order
        code = self._found(connection, call, lock=True)
        order = self._order(connection, call, named)
        number = order.order.number if order else named
        if self._friends(code) is not None:
            raise Refusal("code_shared")
        if code.redeemed_at is None:
            if self._codes.has_ended(code):
                raise Refusal("code_ended")
            self._codes.redeem(connection, code, number, order)
        elif code.redeemed_by != number:
            raise Refusal("code_redeemed")
        return self._one(connection, self._found(connection, call))

    def create_referral(self, connection: Connection, call: Call) -> Reply:
        brought = payload.convert(call.body, Brought)
        code = self._codes.find(connection, call.shop.id, brought.code, lock=True)
        rule = self._friends(code) if code is not None else None
        if code is None or rule is None:
            raise Refusal("code_not_found")
        order = self._order(connection, call, brought.order)
        number = order.order.number if order else brought.order
        return self._referral(
            connection, self._referrals.attribute(connection, code, rule, number, brought.email, order)
        )

    def read_referral(self, connection: Connection, call: Call) -> Reply:
        return self._referral(connection, self._brought(connection, call))

    def settle_referral(self, connection: Connection, call: Call) -> Reply:
        wanted = payload.convert(call.body, Settlement)
        referral = self._brought(connection, call, lock=True)
        if referral.state == PENDING:
            reason = "" if wanted.state == EARNED else wanted.reason
            referral = self._referrals.settle(connection, referral, wanted.state, reason)
        elif referral.state != wanted.state:
            raise Refusal("referral_settled")
        return self._referral(connection, referral)

    def _found(self, connection: Connection, call: Call, *, lock: bool = False) -> Row[Any]:
        name = call.names["code"]
        code = self._codes.find(connection, call.shop.id, name, lock=lock) if "\0" not in name else None
        if code is None:
            raise Refusal("code_not_found")
        return code

    def _brought(self, connection: Connection, call: Call, *, lock: bool = False) -> Row[Any]:
        name = call.names["referral"]
        referral = self._referrals.find(connection, call.shop.id, name, lock=lock) if "\0" not in name else None
        if referral is None:
            raise Refusal("referral_not_found")
        return referral

    def _order(self, connection: Connection, call: Call, number: str) -> KeptOrder | None:
        return self._book.find(connection, call.shop.id, number)

    def _friends(self, code: Row[Any]) -> FriendRule | None:
        rule = self._codes.rule(code)
        return rule.friends if rule else None

    def _one(self, connection: Connection, code: Row[Any]) -> Reply:
        order = self._book.by_id(connection, code.order_id) if code.order_id else None
        came = self._codes.friends(connection, [code.id]).get(code.id, {})
        answer = CodeAnswer(
            code=code.code, state=self._state(code), pool=code.pool, widget=code.widget,
            order=order.order.number if order else "", reserved_at=code.reserved_at, expires_at=code.expires_at,
            redeemed_at=code.redeemed_at, redeemed_by=code.redeemed_by, link=self._codes.link(code),
            friends=sum(came.values()), earned=came.get(EARNED, 0),
        )  # fmt: skip
        return Reply(answer)

    def _state(self, code: Row[Any]) -> str:
        if code.redeemed_at is not None:
            return "redeemed"
        if self._codes.has_ended(code):
            return "ended"
        return "reserved" if code.reserved_at is not None else "free"

    @staticmethod
    def _referral(connection: Connection, one: Row[Any]) -> Reply:
        code = connection.scalar(select(codes.c.code).where(codes.c.id == one.code_id)) or ""
        return Reply(
            ReferralAnswer(one.id, code, one.order_number, one.state, one.reason, one.created_at, one.settled_at)
        )
