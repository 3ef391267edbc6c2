"""Messages in the preview: all kinds in all looks, with what a telephone and a reader of plain text get beside them."""

from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.themes_on_disk import write_theme

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.message import Kind
from doorstep.preview.gallery import Preview
from doorstep.preview.letters import LETTERS
from doorstep.secret import Secret

Opened = Callable[..., Any]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    config = Config(
        stores={"main": Store(name="Harbour & Pine")}, secret_key=(Secret("k" * 32),), base=tmp_path,
        database=f"sqlite:///{tmp_path / 'shop.db'}",
    )  # fmt: skip
    engine = create_engine(config, packages=[])
    client = TestClient(Preview(assemble(engine), engine))
    return lambda path, **params: client.get(f"/_preview/{path}", params=params)


def test_every_kind_there_is_can_be_seen() -> None:
    assert {kind for case in LETTERS.values() for kind in case.kinds} == set(Kind)


def test_a_message_is_shown_as_a_mail_program_would_and_runs_nothing(opened: Opened) -> None:
    for theme in ("classic", "bold", "minimal"):
        shown = opened("page", case="message.delivered", theme=theme, lang="ar", scheme="dark")
        assert shown.status_code == 200
        assert '<html lang="ar" dir="rtl">' in shown.text
        assert "script-src" not in shown.headers["content-security-policy"]
        assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
        assert "prefers-color-scheme" not in shown.text  # the dark is on, whatever the device says
    assert '<html lang="en" dir="rtl">' in opened("page", case="message.delivered", lang="en", dir="rtl").text


def test_what_is_no_html_stands_beside(opened: Opened) -> None:
    desk = unescape(opened("", case="message.ready_for_pickup", lang="en").text)
    for text in (
        "Your parcel is ready for pickup",
        "Harbour & Pine: Your parcel is ready for pickup",
        "Pickup point\n  Tabac du Pont\n  12 rue du Pont\n  69003 Lyon",
    ):
        assert text in desk
    assert '<pre class="text"' not in opened("", case="delivered").text


def test_all_messages_stand_there_at_once_apart_from_the_pages(opened: Opened) -> None:
    desk = opened("", case="messages").text
    assert desk.count("<iframe") == len(LETTERS) == desk.count('<pre class="text"')
    assert "case=in_transit" in desk
    assert "<iframe" not in opened("", case="message.birthday").text


def test_its_values_are_those_of_the_template(opened: Opened) -> None:
    values = opened("context", case="message.on_its_way", lang="en").json()
    assert values["letter"]["subject"] == "Your parcel is on its way"
    assert [one["number"] for one in values["parcels"]] == ["NW4482170931"]


def test_a_template_with_a_mistake_says_where(opened: Opened, tmp_path: Path) -> None:
    broken = {"templates/mail/letter.html": "\n\n{{ letter.nothing }}"}
    write_theme(tmp_path / "themes", "harbour", broken, extends='"classic"')
    shown = opened("page", case="message.delivered", theme="harbour")
    assert shown.status_code == 500
    assert "harbour/templates/mail/letter.html:3" in shown.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"case": "nowhere"}, "there is no page 'nowhere'"), ({"store": "outlet"}, "there is no store 'outlet'")],
)
def test_what_is_not_there_is_named_in_place_of_the_page(opened: Opened, asked: dict[str, str], said: str) -> None:
    shown = opened("page", **asked)
    assert shown.text.startswith(said)


def test_a_file_that_no_look_has_is_not_there(opened: Opened) -> None:
    assert opened("static/0000000000000000/theme.css").status_code == 404
