"""`doorstep link`: a link that opens the order's page, for as long as said; and none once they are void."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from starlette.testclient import TestClient

from doorstep.app import create_app
from doorstep.cli import main
from doorstep.config import load
from doorstep.engine import create_engine
from doorstep.order import Order

SETTINGS = """\
secret_key = "0123456789abcdef0123456789abcdef"
[stores.main]
name = "Harbour & Pine"
public_url = "https://shop.example/"
path = "/track-me"
link_days = 30
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "doorstep.toml"
    file.write_text(SETTINGS, "utf-8")
    engine = create_engine(load(file, {}), packages=[])
    engine.database.open_now()
    with engine.database.writing() as connection:
        engine.orders.create(connection, "main", Order("1001"))
    engine.database.close_now()
    return file


def link(settings: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["link", "--config", str(settings), *arguments])


def status(settings: Path, url: str) -> int:
    with TestClient(create_app(load(settings, {}), packages=[])) as client:
        return client.get(url.removeprefix("https://shop.example")).status_code


def test_it_prints_a_link_that_opens_the_page(settings: Path) -> None:
    made = link(settings, "1001")
    assert made.exit_code == 0
    assert made.output.startswith("https://shop.example/track-me/o/")
    assert status(settings, made.output.strip()) == 200


@pytest.mark.parametrize(("arguments", "days"), [([], 30), (["--days", "2"], 2)])
def test_as_json_it_says_until_when(settings: Path, arguments: list[str], days: int) -> None:
    told = json.loads(link(settings, "1001", "--json", *arguments).output)
    ends = datetime.fromisoformat(told["expires_at"])
    assert told["number"] == "1001"
    assert abs(ends - datetime.now(UTC) - timedelta(days=days)) < timedelta(minutes=5)


def test_void_ends_every_link_and_later_ones_work(settings: Path) -> None:
    before = link(settings, "1001").output.strip()
    voided = link(settings, "1001", "--void")
    assert (voided.exit_code, voided.output) == (0, "No link to order 1001 works any more.\n")
    assert status(settings, before) == 404
    assert status(settings, link(settings, "1001").output.strip()) == 200


def test_an_order_that_is_not_there_is_a_problem_and_a_contradiction_wrong_usage(settings: Path) -> None:
    missing = link(settings, "1002")
    assert missing.exit_code == 1
    assert "has no order '1002'" in missing.output
    assert link(settings, "1001", "--void", "--days", "3").exit_code == 2


@pytest.mark.parametrize("secret", ["", 'secret_key = ""\n'], ids=["none", "empty"])
@pytest.mark.parametrize(
    "command",
    [["link", "1001"], ["draft", "link", "spring"], ["privacy", "export", "--order", "1001"], ["serve"]],
    ids=lambda command: command[0],
)
def test_without_a_secret_nothing_is_signed_or_opened(settings: Path, command: list[str], secret: str) -> None:
    settings.write_text(secret + SETTINGS.partition("\n")[2], "utf-8")
    told = CliRunner().invoke(main, [*command, "--config", str(settings)])
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == "doorstep: doorstep.toml: secret_key is missing: put in 32 random characters or more\n"


def test_of_several_stores_one_has_to_be_named(settings: Path) -> None:
    settings.write_text(f'{SETTINGS}[stores.outlet]\nname = "Outlet"\npath = "/outlet"\n', "utf-8")
    told = link(settings, "1001")
    assert (told.exit_code, "name a store: --store main | outlet" in told.output) == (2, True)
    assert link(settings, "1001", "--store", "main").exit_code == 0
