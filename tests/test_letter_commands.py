"""`doorstep messages preview` and `send-test`: messages as files, and one to an address of the merchant's own."""

import json
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from click.testing import CliRunner, Result
from tests.themes_on_disk import write_theme

from doorstep import Bounced, Channel, ChannelSettings, Message, Reach
from doorstep.cli import main
from doorstep.commands import letters
from doorstep.config import Config
from doorstep.engine import create_engine

SETTINGS = """\
secret_key = "0123456789abcdef0123456789abcdef"
[channels.mail]
[stores.main]
name = "Harbour & Pine"
languages = ["en", "de"]
public_url = "https://shop.example/"
[stores.main.messages]
channels = ["mail"]
"""


class Kept(Channel[ChannelSettings]):
    """Keeps what it is given, and does not know `nobody@`."""

    name = "mail"
    reach = Reach.EMAIL

    def __init__(self) -> None:
        super().__init__(ChannelSettings(), httpx2.AsyncClient())
        self.sent: list[Message] = []

    async def send(self, message: Message) -> str:
        if message.to.reveal().startswith("nobody@"):
            raise Bounced("there is no such address")
        self.sent.append(message)
        return "1"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "doorstep.toml").write_text(SETTINGS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mail(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    channel = Kept()

    def opened(config: Config) -> SimpleNamespace:
        engine = create_engine(config)
        parts = {name: getattr(engine, name) for name in ("config", "shops", "plugins", "metrics", "clock", "close")}
        return SimpleNamespace(**parts, channels=SimpleNamespace(accounts={"mail": channel}))

    monkeypatch.setattr(letters, "create_engine", opened)
    return channel


def messages(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["messages", *arguments])


def test_a_kind_is_written_as_mail_text_and_data_in_every_status(shop: Path) -> None:
    made = messages("preview", "delayed", "--lang", "de", "--theme", "bold", "--out", "tried")
    names = [f"tried/delayed{status}.de.{ending}" for status in ("", ".customs") for ending in ("html", "txt", "json")]
    assert made.output.splitlines() == names
    assert [Path(name).is_file() for name in names] == [True] * 6
    assert '<html lang="de" dir="ltr">' in Path(names[0]).read_text("utf-8")
    assert "https://shop.example/o/preview/?m=delayed" in Path(names[1]).read_text("utf-8")
    assert json.loads(Path(names[2]).read_text("utf-8"))["kind"] == "delayed"


def test_without_a_kind_there_are_all(shop: Path) -> None:
    kinds = {name.split("/")[1].split(".")[0] for name in messages("preview").output.splitlines()}
    assert kinds == {
        "on_its_way", "arrives_today", "ready_for_pickup", "pickup_reminder", "delivered", "attempted", "delayed",
        "needs_action", "returned", "survey", "how_to", "replenish", "warranty", "thanks", "confirm", "several", "part",
    }  # fmt: skip


def test_what_cannot_be_shown_is_named(shop: Path) -> None:
    assert "there is no message 'birthday': there are on_its_way, " in messages("preview", "birthday").output
    assert "store 'main' does not speak 'fr': it speaks en, de" in messages("preview", "--lang", "fr").output
    broken = {"templates/mail/delivered.html": "\n{{ letter.nothing }}"}
    write_theme(shop / "themes", "harbour", broken, extends='"classic"')
    failed = messages("preview", "delivered", "--theme", "harbour")
    assert failed.exit_code == 1
    assert "harbour/templates/mail/delivered.html:2" in failed.stderr


def test_a_mail_that_fails_is_told_by_doorstep_check(shop: Path) -> None:
    broken = {"templates/mail/delivered.html": "\n{{ letter.nothing }}"}
    write_theme(shop / "themes", "harbour", broken, extends='"classic"')
    text = SETTINGS.replace('name = "Harbour', 'theme = "harbour"\nname = "Harbour')
    (shop / "doorstep.toml").write_text(text, "utf-8")
    checked = CliRunner().invoke(main, ["check"])
    assert checked.exit_code == 1
    assert "store 'main': harbour/templates/mail/delivered.html:2: " in checked.output
    assert "has no attribute 'nothing'" in checked.output


def test_a_test_goes_to_the_address_by_the_stores_own_channel(mail: Kept) -> None:
    made = messages("send-test", "delivered", "--to", "me@shop.example", "--lang", "de")
    assert made.output == "Delivered: handed to mail for me@shop.example\n"
    (sent,) = mail.sent
    assert (sent.kind, sent.language, sent.to.reveal()) == ("delivered", "de", "me@shop.example")
    assert sent.id.startswith("msg_")
    assert "<h1" in sent.html


def test_a_test_that_is_not_sent_says_why(mail: Kept) -> None:
    for arguments, said in {
        ("--to", "nobody@shop.example"): "it was not sent: there is no such address",
        ("--to", "a@b.example", "--channel", "pigeon"): "there is no channel 'pigeon': there are mail",
    }.items():
        made = messages("send-test", *arguments)
        assert made.exit_code == 1
        assert said in made.output
    assert mail.sent == []
