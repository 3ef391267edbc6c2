"""What was said of parcels over time, as it was recorded: each change of a summary."""

from collections.abc import Iterable
from datetime import date, datetime

from msgspec import Struct
from sqlalchemy import Connection, select

from .models import Status
from .tables import history


class Change(Struct, frozen=True):
    """A parcel's summary from `at` on. `version` counts a parcel's changes; `expected` is the day the carrier named."""

    parcel_id: str
    version: int
    at: datetime
    status: Status
    reason: str
    delayed: bool
    expected: date | None


def changes_of(connection: Connection, parcel_ids: Iterable[str], *, limit: int = 100) -> list[Change]:
    """The changes of these parcels, the newest first, no more than `limit`."""
    query = select(history).where(history.c.parcel_id.in_(list(parcel_ids)))
    newest = query.order_by(history.c.at.desc(), history.c.version.desc(), history.c.parcel_id).limit(limit)
    return [
        Change(row.parcel_id, row.version, row.at, Status(row.status), row.reason, row.delayed, row.expected)
        for row in connection.execute(newest)
    ]
