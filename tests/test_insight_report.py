"""The report and the terminal: what is written of figures, in which language, for which reader."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import func, select

from doorstep.cli import main
from doorstep.comparison import LaneFigures
from doorstep.database import Database
from doorstep.demo.month import send_month
from doorstep.i18n import Catalogs
from doorstep.insight_lines import TABLES, as_csv, bar, bars, insight_lines
from doorstep.insight_report import chart, html
from doorstep.insights import Insights, MessageFigures, insights, period
from doorstep.paths import shipped
from doorstep.tables import answers, parcels, tallies
from doorstep.terminal import columns_of

from .shopfront import parsed, words

TODAY = date(2026, 11, 22)
ZONE = ZoneInfo("Europe/Berlin")
WIDGETS = ("cross_sell", "survey", "referral", "offer")
CATALOGS = Catalogs([shipped("locales")])
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database("sqlite:///demo.db", base=tmp_path_factory.mktemp("month"))
    database.open_now()
    with database.writing() as connection:
        assert send_month(connection, "main", today=TODAY, widgets=WIDGETS)
    yield database
    database.close_now()


@pytest.fixture(scope="module")
def found(month: Database) -> Insights:
    with month.reading() as connection:
        return insights(connection, "main", period(None, None, today=TODAY), ZONE, today=TODAY)


def report(found: Insights, language: str = "en", shop: str = "Harbour & Pine") -> str:
    return html(
        found, shop=shop, carriers={"dpd": "DPD"}, localizer=CATALOGS.localizer(language), today=TODAY
    )  # fmt: skip


# The demo's month.


def test_the_figures_of_the_demos_month_are_those_of_its_parcels(month: Database, found: Insights) -> None:
    with month.reading() as connection:
        given = connection.scalar(select(func.count()).select_from(answers))
        counted = connection.scalar(select(func.sum(tallies.c.count)).where(tallies.c.kind == "answered"))
        ended = connection.scalar(
            select(func.count()).where(parcels.c.delivered_at >= datetime(2026, 10, 24, tzinfo=ZONE), parcels.c.final)
        )
        assert not send_month(connection, "main", today=TODAY, widgets=WIDGETS)
    assert given == counted > 100
    assert sum(one.answers for one in found.scores) == sum(one.answered for one in found.days)
    overdue = sum(one.parcels for one in found.lanes) + found.others - ended
    assert 0 <= overdue < 20
    assert {one.carrier for one in found.lanes} == {"dhl", "dpd", "ups"}
    assert len({(one.origin, one.destination) for one in found.lanes}) >= 4
    assert [one.widget for one in found.widgets] == sorted(WIDGETS)


def test_one_day_gives_one_month_and_another_day_another(found: Insights, tmp_path: Path) -> None:
    def of(day: date, name: str) -> Insights:
        database = Database(f"sqlite:///{name}", base=tmp_path)
        database.open_now()
        with database.writing() as connection:
            send_month(connection, "main", today=day, widgets=WIDGETS)
            told = insights(connection, "main", period(None, None, today=TODAY), ZONE, today=TODAY)
        database.close_now()
        return told

    assert of(TODAY, "a.db") == found
    assert of(date(2026, 11, 21), "b.db") != found


# In the terminal.


def test_lines_fit_the_window(found: Insights) -> None:
    for width in (40, 80, 120):
        lines = insight_lines(found, width=width)
        drawn = [line for line in lines if "█" in line]
        assert len(drawn) > 30
        assert max(columns_of(line) for line in drawn) <= width
        assert max(columns_of(line) for line in drawn) > width - 3


def test_a_bar_is_as_long_as_its_value_in_eighths_of_a_column() -> None:
    assert [bar(value, 8, 2) for value in (0, 0.01, 1, 4, 6, 8, 9)] == ["", "▏", "▎", "█", "█▌", "██", "██"]
    assert bars([("日本", 2, "2"), ("de", 1, "1")], width=11) == ["日本 2 ████", "de   1 ██"]
    assert bars([], width=80) == []


@given(st.floats(0, 1e9), st.floats(1e-3, 1e9), st.integers(0, 200))
def test_no_bar_is_longer_than_its_room(value: float, largest: float, width: int) -> None:
    assert len(bar(value, largest, width)) <= width


def test_a_shop_without_counts_is_told_so() -> None:
    nothing = Insights("main", TODAY, TODAY)
    assert insight_lines(nothing, width=80) == [
        "main: 2026-11-22 to 2026-11-22", "", "Pages seen by day", "  nothing was counted yet", "", "Carriers by lane",
        "  no parcel came to its end",
    ]  # fmt: skip
    assert "not enough parcels" in words(parsed(report(nothing)).find(".//main"))


def test_every_table_is_csv_that_no_spreadsheet_takes_for_formulas(found: Insights) -> None:
    lane = LaneFigures("ups", "DE", "FR", '=HYPERLINK("x")', 20, 0, None, 1.5, 2.0, 0.0, None)
    told = (MessageFigures("delivered", 40, 39, 1, 0, 22), MessageFigures("how_to", 7))
    found = structs.replace(found, lanes=(lane,), messages=told)
    tables = {name: list(csv.DictReader(io.StringIO(as_csv(found, name)))) for name in TABLES}
    assert [len(tables[name]) for name in TABLES] == [30, 4, 1, 1, 2]
    assert tables["lanes"][0]["service"] == '\'=HYPERLINK("x")'
    assert tables["lanes"][0]["on_time"] == ""
    assert len(tables["scores"][0]["counts"].split()) == 11
    assert as_csv(Insights("main", TODAY, TODAY), "widgets") == "widget,shown,clicked,answered,referred,redeemed\r\n"


# The report.


def test_the_report_is_one_file_without_script_that_asks_nobody(found: Insights) -> None:
    page = report(found)
    assert not re.search(r"<script|\son\w+=|javascript:|<link|@import|url\(|src=|href=|https?://", page)
    root = parsed(page)
    assert (root.get("lang"), root.get("dir")) == ("en", "ltr")
    assert len(root.findall(".//{http://www.w3.org/2000/svg}svg")) > 10
    assert "DPD" in words(root.find(".//main"))


def test_the_report_says_what_the_figures_say(found: Insights) -> None:
    root = parsed(report(found))
    sums = [words(one) for one in root.findall(".//dd")]
    assert sums[0] == f"{sum(one.views for one in found.days):,}"
    assert sums[3] == f"{found.visits:g}"
    assert sums[4] == f"{found.scores[0].value:g}"
    rows = [
        [words(cell) for cell in row.findall("td")] for row in root.findall(".//tbody/tr") if row.find("td") is not None
    ]
    told = rows[len(found.widgets) :][: len(found.messages)]
    assert [row[0] for row in told] == [f"{one.sent:,}" for one in found.messages]
    lanes = rows[len(found.widgets) + len(found.messages) :]
    assert [lane[0] for lane in lanes] == [str(one.parcels) for one in found.lanes]
    assert [lane[2] for lane in lanes] == [f"{one.on_time:.0f}%" for one in found.lanes]
    assert [lane[3:5] for lane in lanes] == [[f"{one.median_days:g}", f"{one.p90_days:g}"] for one in found.lanes]


def test_the_report_is_written_in_the_shops_language(found: Insights) -> None:
    def headings(language: str) -> list[str]:
        return [words(one) for one in parsed(report(found, language)).findall(".//h2")]

    for language, direction in (("de", "ltr"), ("fr", "ltr"), ("ar", "rtl")):
        root = parsed(report(found, language))
        assert (root.get("lang"), root.get("dir")) == (language, direction)
        assert not {*headings(language)} & {*headings("en")} - {"Widgets"}
    assert headings("de")[0] == "Gesehene Seiten nach Tagen"


def test_what_a_carrier_calls_its_service_cannot_become_markup(found: Insights) -> None:
    lane = LaneFigures(EVIL, "DE", "FR", EVIL, 20, 0, None, None, None, 0.0, None)
    hostile = structs.replace(
        found, lanes=(lane,), widgets=(structs.replace(found.widgets[0], widget=EVIL),),
        scores=(structs.replace(found.scores[0], widget=EVIL, moment=EVIL),),
    )  # fmt: skip
    root = parsed(report(hostile, shop=EVIL))
    assert root.find(".//script") is None
    assert root.find(".//img") is None
    assert words(root.find(".//main")).count("alert(1)") >= 10


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=400))
def test_no_column_leaves_its_chart(values: list[float]) -> None:
    made = chart([("", value) for value in values], largest=100, lowest=-100)
    for column in made.columns:
        assert -0.02 <= column.x <= column.x + column.width <= made.width + 0.02
        assert -0.02 <= column.y <= column.y + column.height <= made.height + 0.02


# The command.


@pytest.fixture
def settings(tmp_path: Path, month: Database) -> Path:
    file = tmp_path / "doorstep.toml"
    place = month._engine.url.database
    file.write_text(
        f'database = "sqlite:///{place}"\n[stores.main]\nname = "Harbour & Pine"\nlanguage = "de"\n', "utf-8"
    )
    return file


def told(settings: Path, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["insights", "--config", str(settings), *arguments])


def test_the_command_shows_prints_and_writes(settings: Path, tmp_path: Path) -> None:
    days = ("--from", "2026-11-01", "--to", "2026-11-20")
    shown = told(settings, *days)
    assert (shown.exit_code, shown.output.splitlines()[0]) == (0, "main: 2026-11-01 to 2026-11-20")
    assert told(settings, *days, "--csv", "days").output.count("\n") == 21
    assert '"from":"2026-11-01","to":"2026-11-20"' in told(settings, *days, "--json").output
    file = tmp_path / "report.html"
    assert told(settings, *days, "--html", str(file)).output == f"{file}: 2026-11-01 to 2026-11-20\n"
    assert parsed(file.read_text("utf-8")).get("lang") == "de"


def test_a_period_that_makes_no_sense_is_wrong_usage(settings: Path) -> None:
    wrong = told(settings, "--from", "2026-11-20", "--to", "2026-11-01")
    assert (wrong.exit_code, "before it begins" in wrong.output) == (2, True)


def test_messages_stand_in_the_report_and_the_terminal_by_what_they_say(found: Insights) -> None:
    told = (MessageFigures("delivered", 1400, 1380, 12, 0, 622), MessageFigures("how_to", 70, followed=9))
    found = structs.replace(found, messages=told, visits=3.4)
    root = parsed(report(found))
    shown = root.find(".//div[@aria-labelledby='messages']")
    rows = [[words(cell).replace("\u2068", "").replace("\u2069", "") for cell in row] for row in shown.iter("tr")]
    assert rows[0][1:] == ["Messages sent", "Reached", "Not reached", "Messages opened", "Links followed"]
    assert rows[1:] == [
        ["Your parcel has arrived", "1,400", "1,380", "12", "0", "622"], ["Good to know: …", "70", "0", "0", "0", "9"],
    ]  # fmt: skip
    assert [words(one) for one in root.findall(".//dl[@class='sums']/div")][3] == "Visits for each parcel3.4"
    lines = [" ".join(one.split()) for one in insight_lines(found, width=80)]
    at = lines.index("Messages")
    assert lines[at + 1 : at + 5] == [
        "message sent delivered not reached opened followed", "delivered 1400 1380 12 0 622", "how_to 70 0 0 0 9",
        "3.4 visits for each parcel",
    ]  # fmt: skip
