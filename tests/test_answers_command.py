"""`doorstep answers`: the shop reads what was answered, in the terminal or a spreadsheet, and says what others may see."""

import asyncio
import csv
import io
import json

import pytest
from click.testing import CliRunner

from doorstep.answers import Answers
from doorstep.cli import main
from doorstep.order import Order
from doorstep.outbox import Outbox

from .bookkeeping import Books

SETTINGS = 'database = "{}"\n[stores.shop]\nname = "Shop"\n'
SHARED = {"score": 5, "of": 5, "comment": "On time,\nand dry", "share": True, "name": "Mira"}


@pytest.fixture
def run(tmp_path, database_url, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doorstep.toml").write_text(SETTINGS.format(database_url))
    return lambda *arguments: CliRunner().invoke(main, ["answers", *arguments])


@pytest.fixture
def given(database, clock):
    """Three answers: of a stranger at noon, of order #7 a day later, and of the stranger again to own questions."""
    kept = Answers(database, Outbox({}, clock=clock), clock=clock)
    with database.writing() as connection:
        order = Books(database, clock).orders.create(connection, "shop", Order("#7"))

    async def fill_in():
        await kept.save(
            "shop", "survey", "shp_1", "after_delivery", {"score": 2, "of": 10, "comment": '=HYPERLINK("x")'}
        )
        clock.advance(86_400)
        await kept.save("shop", "survey", order.id, "after_delivery", SHARED, order=(order.id, "#7"))
        clock.advance(60)
        await kept.save("shop", "survey", "shp_1", "on_the_way", {"why": ["price", "taste"], "wish": "-1"})

    asyncio.run(fill_in())


@pytest.mark.usefixtures("given")
def test_answers_are_listed_the_last_first(run):
    assert run("list").output.splitlines() == [
        "2026-11-23 12:01Z  3     on_the_way      -   -",
        "2026-11-23 12:00Z  2  *  after_delivery  #7  5/5   On time, and dry",
        '2026-11-22 12:00Z  1     after_delivery  -   2/10  =HYPERLINK("x")',
    ]
    assert len(run("list", "--moment", "on_the_way").output.splitlines()) == 1
    assert len(run("list", "--since", "2026-11-23").output.splitlines()) == 2
    assert run("list", "--widget", "poll").output == "no answer\n"
    assert [one["id"] for one in json.loads(run("list", "--json", "--limit", "2").output)] == [3, 2]


@pytest.mark.usefixtures("given")
def test_a_spreadsheet_has_a_column_for_each_question_and_calculates_nothing(run, tmp_path):
    printed = run("export").output
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [(one["score"], one["of"], one["order"], one["share"]) for one in rows] == [
        ("", "", "", ""),
        ("5", "5", "#7", "yes"),
        ("2", "10", "", ""),
    ]
    assert (rows[0]["why"], rows[0]["wish"], rows[0]["updated_at"]) == ("price; taste", "'-1", "2026-11-23T12:01:00Z")
    assert (rows[1]["comment"], rows[2]["comment"]) == ("On time,\nand dry", '\'=HYPERLINK("x")')
    file = tmp_path / "answers.csv"
    assert run("export", "--out", str(file)).exit_code == 0
    assert (file.read_text("utf-8"), file.stat().st_mode & 0o777) == (printed, 0o600)


@pytest.mark.usefixtures("given")
def test_an_answer_is_approved_and_withdrawn(run):
    assert run("approve", "2").output == "answer 2 may be shown\n"
    assert "2  ✓" in run("list").output
    assert run("withdraw", "2").output == "answer 2 is not shown\n"
    assert "2  *" in run("list").output


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize(
    ("id", "problem"), [("1", "answer 1 must not be shown"), ("9", "no answer '9'"), ("x", "no answer")]
)
def test_what_its_customer_does_not_share_or_is_not_there_is_refused(run, id, problem):
    refused = run("approve", id)
    assert refused.exit_code == 1
    assert problem in refused.output
