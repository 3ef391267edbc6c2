"""Insights over HTTP: counts, answers and carriers of a store, for whoever has a key for them."""

from datetime import date
from zoneinfo import ZoneInfo

from msgspec import field
from sqlalchemy import Connection

from .clock import Clock
from .gate import Call, Gate, Query, Reply
from .insights import Insights, insights, period
from .openapi import Operation
from .refusals import Fault, invalid


class InsightsQuery(Query, frozen=True):
    """`from` and `to` are days of the shop, both counted; thirty up to today where neither is named."""

    first: date | None = field(default=None, name="from")
    last: date | None = field(default=None, name="to")


class InsightsApi:
    """What the API tells of a store's pages. The function is the work of one transaction."""

    def __init__(self, gate: Gate, *, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock

    def operations(self) -> list[Operation]:
        return [
            self._gate.operation(
                self.read_insights, "GET", "/api/v1/insights", "Read what was counted, answered and delivered",
                gives={200: Insights}, scope="insights:read", query=InsightsQuery,
            )
        ]  # fmt: skip

    def read_insights(self, connection: Connection, call: Call) -> Reply:
        zone = ZoneInfo(call.shop.config.timezone)
        today = self._clock.now().astimezone(zone).date()
        try:
            days = period(call.query.first, call.query.last, today=today)
        except ValueError as error:
            raise invalid(Fault("?from", str(error), "correct `from` or `to`")) from None
        return Reply(insights(connection, call.shop.id, days, zone, today=today))
