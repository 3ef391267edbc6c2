"""Insights: what was counted, answered and delivered, over the API and as figures."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import Connection

from doorstep.database import Database
from doorstep.insights import Day, MessageFigures, Period, WidgetFigures, insights, period
from doorstep.tables import answers, tallies

from .erp import Shop
from .journeys import FIRST_SCAN, journey

TODAY = date(2026, 11, 22)
PATH = "/api/v1/insights"


def count(connection: Connection, day: date, kind: str, subject: str, number: int, store: str = "main") -> None:
    row = {"store": store, "day": day, "kind": kind, "subject": subject, "count": number}
    connection.execute(tallies.insert().values(row))


def answer(connection: Connection, n: int, at: datetime, data: Any, store: str = "main") -> None:
    row = {
        "store": store, "widget": "survey", "shipment": f"s{n}", "moment": "after_delivery", "created_at": at, "updated_at": at,
        "data": msgspec.json.encode(data),
    }  # fmt: skip
    connection.execute(answers.insert().values(row))


def test_a_period_is_thirty_days_up_to_today_unless_said_otherwise() -> None:
    assert period(None, None, today=TODAY) == Period(date(2026, 10, 24), TODAY)
    assert period(None, date(2026, 3, 30), today=TODAY) == Period(date(2026, 3, 1), date(2026, 3, 30))
    assert period(date(2026, 11, 1), None, today=TODAY) == Period(date(2026, 11, 1), TODAY)
    assert period(TODAY, TODAY, today=TODAY) == Period(TODAY, TODAY)
    with pytest.raises(ValueError, match=r"ends \(2026-11-21\) before it begins"):
        period(TODAY, TODAY - timedelta(days=1), today=TODAY)
    with pytest.raises(ValueError, match="longer than 400 days"):
        period(TODAY - timedelta(days=400), TODAY, today=TODAY)


def test_counts_are_told_by_day_and_by_widget(database: Database) -> None:
    with database.writing() as connection:
        for day, times in ((TODAY, 1), (TODAY - timedelta(days=1), 10), (TODAY - timedelta(days=2), 100)):
            for kind, subject, number in (
                ("viewed", "tracking", 5), ("viewed", "order", 3), ("shown", "offer", 4), ("shown", "survey", 2),
                ("clicked", "offer", 1), ("answered", "survey", 2), ("referred", "referral", 1), ("redeemed", "offer", 1),
            ):  # fmt: skip
                count(connection, day, kind, subject, number * times)
        count(connection, TODAY, "viewed", "tracking", 999, store="other")
    days = Period(TODAY - timedelta(days=1), TODAY)
    with database.reading() as connection:
        found = insights(connection, "main", days, ZoneInfo("UTC"), today=TODAY)
    assert found.days == (Day(days.first, 50, 30, 60, 10, 20, 10, 10), Day(TODAY, 5, 3, 6, 1, 2, 1, 1))
    assert found.days[1].views == 8
    assert found.widgets == (
        WidgetFigures("offer", shown=44, clicked=11, redeemed=11),
        WidgetFigures("referral", referred=11),
        WidgetFigures("survey", shown=22, answered=22),
    )


def test_messages_are_told_by_kind_and_not_as_widgets(database: Database) -> None:
    counted = (
        ("sent", "delivered", 9), ("delivered", "delivered", 7), ("bounced", "delivered", 1), ("followed", "delivered", 4),
        ("sent", "delayed", 2), ("opened", "delayed", 1),
    )  # fmt: skip
    with database.writing() as connection:
        for kind, subject, number in counted:
            count(connection, TODAY, kind, subject, number)
            count(connection, TODAY - timedelta(days=1), kind, subject, number)
    with database.reading() as connection:
        found = insights(connection, "main", Period(TODAY - timedelta(days=1), TODAY), ZoneInfo("UTC"), today=TODAY)
    assert found.messages == (MessageFigures("delayed", 4, opened=2), MessageFigures("delivered", 18, 14, 2, 0, 8))
    assert (found.widgets, found.visits) == ((), None)


def test_scores_come_to_figures_of_the_whole_and_of_each_week(database: Database) -> None:
    first = datetime(2026, 11, 9, 12, tzinfo=UTC)
    given = [(0, 10), (1, 9), (2, 6), (6, 8), (7, 0), (13, 10)]
    with database.writing() as connection:
        for n, (day, score) in enumerate(given):
            answer(connection, n, first + timedelta(days=day), {"score": score, "of": 10})
        answer(connection, 20, first, {"score": 4, "of": 5})
        for n, odd in enumerate(
            [{}, {"text": "hello"}, {"score": "ten"}, [1], {"score": 1, "of": 10**9}, {"score": 3}], 30
        ):
            answer(connection, n, first, odd)
    with database.reading() as connection:
        found = insights(connection, "main", Period(first.date(), TODAY), ZoneInfo("UTC"), today=TODAY)
    csat, nps = found.scores
    assert (csat.of, csat.value, csat.answers) == (5, 100.0, 1)
    # Three promoters and two detractors of six.
    assert (nps.moment, nps.value, nps.mean, nps.answers) == ("after_delivery", 16.7, 7.2, 6)
    assert nps.counts == (1, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2)
    weeks = [(week.first, week.answers, week.value) for week in nps.weeks]
    assert weeks == [(date(2026, 11, 9), 4, 25.0), (date(2026, 11, 16), 2, 0.0)]


def test_the_api_tells_a_shop_its_own_figures(running: Shop) -> None:
    with running.engine.database.writing() as connection:
        count(connection, TODAY, "viewed", "tracking", 7)
        count(connection, TODAY, "viewed", "tracking", 9, store="outlet")
        for n in range(20):
            journey(connection, f"{n}", delivered_at=FIRST_SCAN + timedelta(days=2), promised=date(2026, 11, 4))
    told = running.ask("GET", PATH)
    assert told.status_code == 200
    found = told.json()
    assert (found["store"], found["from"], found["to"], len(found["days"])) == ("main", "2026-10-24", "2026-11-22", 30)
    assert found["days"][-1]["tracking"] == 7
    assert found["lanes"] == [
        {
            "carrier": "ups", "origin": "DE", "destination": "FR", "service": "Standard", "parcels": 20, "promised": 20,
            "on_time": 100.0, "median_days": 2.0, "p90_days": 2.0, "exceptions": 0.0, "first_attempt": 100.0,
        }
    ]  # fmt: skip
    narrow = running.ask("GET", f"{PATH}?from=2026-11-22&to=2026-11-22").json()
    assert (len(narrow["days"]), narrow["lanes"]) == (1, [])


def test_the_api_wants_a_key_for_insights_and_days_that_make_sense(erp: Shop) -> None:
    assert erp.ask("GET", PATH, key="").status_code == 401
    assert erp.ask("GET", PATH, key=erp.new_key("orders:read")).status_code == 403
    assert erp.ask("GET", PATH, key=erp.new_key("insights:read")).status_code == 200
    for query, place in (
        ("from=2026-11-22&to=2026-11-01", "?from"), ("from=soon", "?from"), ("to=2026-13-01", "?to"),
        ("from=1026-11-22", "?from"), ("from=9999-12-31", "?from"), ("to=0001-01-01", "?from"), ("since=2026-11-01", "?since"),
    ):  # fmt: skip
        refused = erp.ask("GET", f"{PATH}?{query}")
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, place), query
