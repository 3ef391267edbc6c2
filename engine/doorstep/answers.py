"""What shoppers answered in widgets' forms, in SQL: one answer per store, widget, shipment and moment; the last edit wins."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from .clock import Clock
from .database import Database, insert
from .outbox import Event, Outbox
from .tables import answers

OfOrder = Mapping[str, Mapping[str, Mapping[str, Any]]]  # data by widget and moment


class Answer(Struct, frozen=True):
    """A kept answer of a widget's form."""

    widget: str
    shipment: str
    moment: str
    data: dict[str, Any]
    updated_at: datetime


class Answers:
    """The answers of all stores."""

    def __init__(self, database: Database, outbox: Outbox, *, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def save(
        self, store: str, widget: str, shipment: str, moment: str, data: Mapping[str, Any], *,
        order: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Keeps an answer, and tells the shop that there is one; an earlier one to the same question is replaced. `order` is
        its id and number, when an order's page was answered. Raises StoreError when it is not kept."""
        now = self._clock.now()
        values = {
            "store": store, "widget": widget, "shipment": shipment, "moment": moment,
            "data": msgspec.json.encode(data), "created_at": now, "updated_at": now,
        }  # fmt: skip
        told: dict[str, Any] = {"widget": widget, "moment": moment}
        if order is not None:
            told["order"] = {"id": order[0], "number": order[1]}
        once = f"widget.answered:{widget}:{shipment}:{moment}:{now.isoformat()}"
        event = Event(store, "widget.answered", told, once, order[0] if order else None)

        def work(connection: Connection) -> None:
            statement = insert(connection, answers).values(values)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["store", "widget", "shipment", "moment"],
                    set_={"data": statement.excluded.data, "updated_at": statement.excluded.updated_at},
                )
            )
            self._outbox.put(connection, event)

        await self._database.write(work)

    async def of(self, store: str, widget: str, *, most: int = 1000) -> list[Answer]:
        """The answers to a widget of a store, newest first. Raises StoreError."""
        columns = (answers.c.widget, answers.c.shipment, answers.c.moment, answers.c.data, answers.c.updated_at)
        query = select(*columns).where(answers.c.store == store, answers.c.widget == widget)
        query = query.order_by(answers.c.updated_at.desc(), answers.c.id.desc()).limit(most)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Answer(*row[:3], msgspec.json.decode(row[3]), row[4]) for row in rows]

    @staticmethod
    def of_order(connection: Connection, store: str, order_id: str, widgets: Collection[str]) -> OfOrder:
        """What an order answered already to some of a store's widgets."""
        query = select(answers.c.widget, answers.c.moment, answers.c.data)
        query = query.where(answers.c.store == store, answers.c.shipment == order_id, answers.c.widget.in_(widgets))
        found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for widget, moment, data in connection.execute(query):
            found[widget][moment] = msgspec.json.decode(data)
        return found
