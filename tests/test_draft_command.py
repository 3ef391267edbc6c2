"""`doorstep draft link`: a link that shows the draft, for as long as said."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from starlette.testclient import TestClient

from doorstep.app import create_app
from doorstep.appearance import Appearance, Draft
from doorstep.cli import main
from doorstep.config import load
from doorstep.engine import create_engine

SETTINGS = """\
secret_key = "0123456789abcdef0123456789abcdef"
[stores.main]
name = "Harbour & Pine"
public_url = "https://shop.example/"
path = "/track-me"
[stores.main.draft.spring]
settings = { corners = "round" }
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "doorstep.toml"
    file.write_text(SETTINGS, "utf-8")
    return file


def draft(settings: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["draft", "link", "--config", str(settings), *arguments])


def test_it_prints_a_link_that_shows_the_draft(settings: Path) -> None:
    made = draft(settings, "spring")
    assert made.output.startswith("https://shop.example/track-me/?draft=")
    with TestClient(create_app(load(settings, {}), packages=[])) as client:
        assert "“spring”" in client.get(made.output.strip().removeprefix("https://shop.example")).text


def test_it_opens_the_page_that_is_named_and_says_until_when(settings: Path) -> None:
    told = json.loads(draft(settings, "spring", "--page", "/track/1Z9", "--days", "3", "--json").output)
    assert told["url"].startswith("https://shop.example/track-me/track/1Z9?draft=")
    ends = datetime.fromisoformat(told["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=3)) < timedelta(minutes=5)


def test_a_draft_that_the_api_keeps_has_a_link_too(settings: Path) -> None:
    engine = create_engine(load(settings, {}), packages=[])
    engine.database.open_now()
    with engine.database.writing() as connection:
        before = engine.appearances.find(connection, "main")
        engine.appearances.write(connection, "main", before, Appearance(draft={"winter": Draft()}))
    engine.database.close_now()
    made = draft(settings, "winter")
    with TestClient(create_app(load(settings, {}), packages=[])) as client:
        assert "“winter”" in client.get(made.output.strip().removeprefix("https://shop.example")).text


def test_a_draft_that_is_not_there_is_named_with_those_that_are(settings: Path) -> None:
    made = draft(settings, "autumn")
    assert made.exit_code == 1
    assert "no draft 'autumn': add [stores.main.draft.autumn]; there are spring" in made.output
