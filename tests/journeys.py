"""Parcels that went their way, as they stand in the tables."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection

from doorstep.tables import history, order_parcels, orders, parcels

FIRST_SCAN = datetime(2026, 11, 1, 12, tzinfo=UTC)


def journey(
    connection: Connection, id: str, *, store: str = "main", delivered_at: datetime | None = None,
    promised: date | None = None, status: str = "delivered", final: bool = True, had: Iterable[str] = (),
    last_scan_at: datetime | None = None, **lane: Any,
) -> None:  # fmt: skip
    """A parcel of an order of its own; `had` are the statuses it had on its way."""
    at = FIRST_SCAN
    order = {
        "id": f"ord_{id}", "store": store, "number": id, "version": 1, "document": b'{"number":"1"}', "placed_at": at,
        "promise": "",
        "promised_until": promised, "link_generation": 1, "created_at": at, "updated_at": at,
    }  # fmt: skip
    parcel = {
        "id": f"pcl_{id}", "store": store, "number": id, "carrier": "ups", "era": 0, "version": 1, "status": status,
        "reason": "", "delayed": False, "action_required": False, "final": final, "first_scan_at": at,
        "last_scan_at": last_scan_at or delivered_at or at, "delivered_at": delivered_at, "origin_country": "DE",
        "destination_country": "FR", "service": "Standard", "failures": 0, "error": "", "created_at": at, "updated_at": at,
        **lane,
    }  # fmt: skip
    connection.execute(orders.insert().values(order))
    connection.execute(parcels.insert().values(parcel))
    packed = {"order_id": order["id"], "parcel_id": parcel["id"], "position": 0, "contents": b"[]"}
    connection.execute(order_parcels.insert().values(packed))
    for version, one in enumerate((*had, status), 1):
        row = {"parcel_id": parcel["id"], "version": version, "at": at, "status": one, "reason": "", "delayed": False}
        connection.execute(history.insert().values(row))
