"""What shoppers answered in widgets' forms, in SQL: one answer per store, widget, shipment or order, and moment; the last edit
wins.

An order's own answers stand under its id, which only its signed links lead to; what is answered where only the number is known
stands under the shipment's.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, Select, select, tuple_, update

from . import voices
from .clock import Clock
from .database import Database, insert
from .invalidation import Moved, nobody
from .outbox import Event, Outbox
from .tables import answers, orders
from .tallies import Counted, uncounted

_COLUMNS = (
    answers.c.id, answers.c.widget, answers.c.shipment, answers.c.moment, answers.c.data, answers.c.created_at,
    answers.c.updated_at, answers.c.approved_at, orders.c.number,
)  # fmt: skip
_ID = re.compile(r"[0-9]{1,9}")
OfOrder = Mapping[str, Mapping[str, Mapping[str, Any]]]  # data by widget and moment
_KEPT: Select[Any] = select(*_COLUMNS).outerjoin(orders, orders.c.id == answers.c.shipment)


class Answer(Struct, frozen=True):
    """A kept answer of a widget's form. `given_to` is the id of the order, whose number `order` is, or of the shipment."""

    id: int
    widget: str
    given_to: str
    moment: str
    data: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    approved_at: datetime | None = None
    order: str | None = None


class Listed(Struct, frozen=True):
    """Answers, the last written first; `after` is where the next begin, None at the end."""

    answers: tuple[Answer, ...]
    after: tuple[datetime, int] | None


class Answers:
    """The answers of all stores."""

    def __init__(
        self, database: Database, outbox: Outbox, *, clock: Clock, moved: Moved = nobody, counted: Counted = uncounted
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._moved = moved
        self._counted = counted

    async def save(
        self, store: str, widget: str, given_to: str, moment: str, data: Mapping[str, Any], *,
        order: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Keeps an answer, and tells the shop that there is one; an earlier one to the same question is replaced, and what
        was approved is not what stands there now. The same answer again changes nothing, and to an order that was erased
        meanwhile there is none. `order` is its id and number, when an order's page was answered. Raises StoreError when it is
        not kept."""
        now = self._clock.now()
        values = {
            "store": store, "widget": widget, "shipment": given_to, "moment": moment,
            "data": msgspec.json.encode(data), "created_at": now, "updated_at": now,
        }  # fmt: skip
        told: dict[str, Any] = {"widget": widget, "moment": moment}
        if order is not None:
            told["order"] = {"id": order[0], "number": order[1]}
        once = f"widget.answered:{widget}:{given_to}:{moment}:{now.isoformat()}"
        event = Event(store, "widget.answered", told, once, order[0] if order else None)

        def work(connection: Connection) -> bool:
            """Whether what stood there was approved."""
            if order is not None and not _is_there(connection, order[0]):
                return False
            key = {name: values[name] for name in ("store", "widget", "shipment", "moment")}
            mine = [answers.c[name] == value for name, value in key.items()]
            approved_at = connection.scalar(select(answers.c.approved_at).where(*mine))
            statement = insert(connection, answers).values(values)
            written = statement.on_conflict_do_update(
                index_elements=list(key),
                set_={
                    "data": statement.excluded.data,
                    "updated_at": statement.excluded.updated_at,
                    "approved_at": None,
                },
                where=answers.c.data != statement.excluded.data,
            ).returning(answers.c.created_at)
            created_at = connection.scalar(written)
            if created_at is None:
                return False
            if created_at == now:
                self._counted(connection, store, "answered", widget)
            self._outbox.put(connection, event)
            return approved_at is not None

        if await self._database.write(work):
            self._moved(voices.tag(store))

    async def of(self, store: str, widget: str, *, most: int = 1000) -> list[Answer]:
        """The answers to a widget of a store, newest first. Raises StoreError."""
        found = await self._database.read(lambda connection: listed(connection, store, widget=widget, limit=most))
        return list(found.answers)

    @staticmethod
    def of_order(connection: Connection, store: str, order_id: str, widgets: Collection[str]) -> OfOrder:
        """What an order answered already to some of a store's widgets."""
        query = select(answers.c.widget, answers.c.moment, answers.c.data)
        query = query.where(answers.c.store == store, answers.c.shipment == order_id, answers.c.widget.in_(widgets))
        found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for widget, moment, data in connection.execute(query):
            found[widget][moment] = msgspec.json.decode(data)
        return found

    def approve(self, connection: Connection, answer: Answer) -> Answer:
        """Lets pages show an answer; one that they show already stays where it is. `changed` is to be called after it."""
        approved_at = answer.approved_at or self._clock.now()
        return self._approved(connection, answer, approved_at)

    def withdraw(self, connection: Connection, answer: Answer) -> Answer:
        """Takes an answer from the pages. `changed` is to be called after it."""
        return self._approved(connection, answer, None)

    def changed(self, store: str) -> None:
        """To be called after the transaction that approved or withdrew an answer of this store."""
        self._moved(voices.tag(store))

    @staticmethod
    def _approved(connection: Connection, answer: Answer, at: datetime | None) -> Answer:
        connection.execute(update(answers).where(answers.c.id == answer.id).values(approved_at=at))
        return msgspec.structs.replace(answer, approved_at=at)


def listed(
    connection: Connection, store: str, *, widget: str = "", moment: str = "", since: datetime | None = None,
    after: tuple[datetime, int] | None = None, limit: int = 50,
) -> Listed:  # fmt: skip
    """Answers of a store, the last written first: of a widget, of a moment, written `since` then."""
    query = _KEPT.where(answers.c.store == store)
    if widget:
        query = query.where(answers.c.widget == widget)
    if moment:
        query = query.where(answers.c.moment == moment)
    if since is not None:
        query = query.where(answers.c.updated_at >= since)
    if after is not None:
        query = query.where(tuple_(answers.c.updated_at, answers.c.id) < after)
    query = query.order_by(answers.c.updated_at.desc(), answers.c.id.desc()).limit(limit + 1)
    rows = connection.execute(query).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Listed(tuple(map(_answer, rows[:limit])), (last.updated_at, last.id) if last else None)


def find(connection: Connection, store: str, id: str) -> Answer | None:
    """The answer, held until the end of the transaction: what is approved is what was read."""
    if not _ID.fullmatch(id):
        return None
    held = _KEPT.where(answers.c.store == store, answers.c.id == int(id)).with_for_update(of=answers)
    row = connection.execute(held).one_or_none()
    return None if row is None else _answer(row)


def _is_there(connection: Connection, order_id: str) -> bool:
    """Whether the order is there and was not erased; if so, it stays until the transaction ends."""
    query = select(orders.c.id).where(orders.c.id == order_id, orders.c.erased_at.is_(None))
    return connection.scalar(query.with_for_update(read=True)) is not None


def _answer(row: Row[Any]) -> Answer:
    return Answer(
        row.id, row.widget, row.shipment, row.moment, msgspec.json.decode(row.data), row.created_at, row.updated_at,
        row.approved_at, row.number,
    )  # fmt: skip
