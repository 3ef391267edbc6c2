"""What shoppers tell the shop from an order's page: a problem, a wish to be called, a parcel that did not come.

The words are sealed. What is kept and the event that tells the shop are one transaction; neither carries the words in clear.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from .clock import Clock
from .database import insert
from .orderbook import KeptOrder, KeptParcel
from .outbox import Event, Outbox
from .tables import reports
from .vault import Vault


class Kind(StrEnum):
    PROBLEM = "problem"
    CALL = "call"
    NOT_RECEIVED = "not_received"


EVENTS = {
    Kind.PROBLEM: "order.problem_reported",
    Kind.CALL: "order.call_requested",
    Kind.NOT_RECEIVED: "order.not_received",
}


class Report(Struct, frozen=True):
    """A kept report, opened. `data` are the form's fields: `text`, `contact`, `time`."""

    id: str
    kind: Kind
    parcel_id: str | None
    data: dict[str, str]
    created_at: datetime


class Reports:
    """Keeps and reads reports, inside the caller's transaction."""

    def __init__(self, vault: Vault, outbox: Outbox, *, clock: Clock) -> None:
        self._vault = vault
        self._outbox = outbox
        self._clock = clock

    def keep(
        self, connection: Connection, order: KeptOrder, kind: Kind, data: Mapping[str, str], *, id: str,
        parcel: KeptParcel | None = None,
    ) -> None:  # fmt: skip
        """Keeps a report and tells the shop. The page gives each form an id, so that one sent twice is one report."""
        row = {
            "id": id, "store": order.store, "order_id": order.id, "parcel_id": parcel.id if parcel else None,
            "kind": kind.value, "data": self._vault.seal(msgspec.json.encode(data)), "created_at": self._clock.now(),
        }  # fmt: skip
        written = insert(connection, reports).values(row).on_conflict_do_nothing().returning(reports.c.id)
        if connection.scalar(written) is None:
            return
        told: dict[str, object] = {
            "order": {"id": order.id, "number": order.order.number},
            "report": {"id": id, "kind": kind.value},
        }
        if parcel is not None:
            told["shipment"] = _shipment(parcel)
        parcel_id = parcel.id if parcel else None
        event = Event(order.store, EVENTS[kind], told, once=f"report:{id}", order_id=order.id, parcel_id=parcel_id)
        self._outbox.put(connection, event)

    def of(self, connection: Connection, order_id: str) -> list[Report]:
        """What was told about an order, newest first. Raises StoreError when it cannot be opened."""
        query = (
            select(reports).where(reports.c.order_id == order_id).order_by(reports.c.created_at.desc(), reports.c.id)
        )
        return [
            Report(row.id, Kind(row.kind), row.parcel_id, self._read(row.data), row.created_at)
            for row in connection.execute(query)
        ]

    def _read(self, sealed: bytes) -> dict[str, str]:
        return msgspec.json.decode(self._vault.open(sealed), type=dict[str, str])


def _shipment(parcel: KeptParcel) -> dict[str, object]:
    known = parcel.shipment
    return {
        "number": parcel.number, "carrier": parcel.carrier, "status": parcel.status, "final": parcel.final,
        "reason": known.reason if known else "", "delayed": bool(known and known.delayed), "expected": parcel.expected,
    }  # fmt: skip
