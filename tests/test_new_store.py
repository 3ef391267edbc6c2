"""`doorstep new store`: what is written works at once, and nothing is ever written over."""

import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import structlog
from click.testing import CliRunner, Result
from starlette.testclient import TestClient

from doorstep.app import create_app
from doorstep.cli import main
from doorstep.config import Config, load
from doorstep.errors import ConfigError
from doorstep.order import Order
from doorstep.scaffold.store import new_store

FILES = [".gitignore", "doorstep.toml", "orders.jsonl", "secrets/secret_key"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, with nothing set from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DOORSTEP_")]:
        monkeypatch.delenv(name)
    yield tmp_path
    structlog.reset_defaults()


@pytest.fixture
def doorstep(folder: Path) -> Callable[..., Result]:
    """`doorstep("check")` runs a command that must end well."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, [*arguments], prog_name="doorstep")
        assert result.exit_code == 0, result.output
        return result

    return run


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_it_writes_settings_a_secret_and_two_orders_and_says_what_comes_next(doorstep: Callable[..., Result]) -> None:
    result = doorstep("new", "store")
    assert sorted(result.stdout.split()) == FILES == files_in(Path())
    for step in ("doorstep check", "doorstep orders import orders.jsonl", "doorstep link 1001", "doorstep serve"):
        assert step in result.stderr


def test_the_settings_are_fine(doorstep: Callable[..., Result]) -> None:
    doorstep("new", "store")
    assert doorstep("check").stdout == "doorstep.toml: fine\n"


def test_the_secret_is_new_each_time_and_its_owners_only(folder: Path) -> None:
    secrets = []
    for name in ("one", "two"):
        new_store(folder / name, "Shop")
        file = folder / name / "secrets" / "secret_key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        secrets.append(load(folder / name / "doorstep.toml", {}).secret_key[0].reveal())
    assert secrets[0] != secrets[1]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in secrets)  # 32 octets as base64


def test_version_control_gets_neither_the_secret_nor_the_data(folder: Path) -> None:
    new_store(folder, "Shop")
    ignored = (folder / ".gitignore").read_text().splitlines()
    assert {"secrets/", "*.db", "*.db-shm", "*.db-wal"} <= set(ignored)
    assert load(folder / "doorstep.toml", {}).database == "sqlite:///doorstep.db"
    assert "secret_key =" not in (folder / "doorstep.toml").read_text()


@pytest.mark.parametrize("name", ["Harbour & Pine", 'Käse "& Co"', "C:\\shop", "متجر", "[stores.x]"])
def test_a_store_has_the_name_it_was_given(folder: Path, name: str) -> None:
    new_store(folder, name)
    assert load(folder / "doorstep.toml", {}).stores["main"].name == name


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x7fb"])
def test_a_name_that_cannot_be_written_is_refused_before_anything_is(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a store"):
        new_store(folder / "shop", name)
    assert not (folder / "shop").exists()


@pytest.mark.parametrize("there", FILES)
def test_what_is_there_already_stays_as_it_is_and_nothing_is_added(folder: Path, there: str) -> None:
    file = folder / there
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    result = CliRunner().invoke(main, ["new", "store"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{there} is there already" in result.stderr
    assert files_in(folder) == [there]
    assert file.read_text() == "mine"


def test_a_folder_that_is_no_folder_is_named(folder: Path) -> None:
    (folder / "shop").write_text("")
    with pytest.raises(ConfigError, match="shop"):
        new_store(folder / "shop", "Shop")


def test_every_setting_in_a_comment_is_one(folder: Path) -> None:
    """The comments' settings, switched on, are read: a comment that teaches must not teach what is not there."""
    new_store(folder, "Shop")
    text = (folder / "doorstep.toml").read_text()
    switched = re.sub(r"^# (?=\[[a-z_.]+\]$|[a-z_]+ = )", "", text, flags=re.MULTILINE)
    raw = tomllib.loads(_without_repetitions(switched))
    assert {"redis", "carriers"} <= raw.keys()
    assert {"theme", "settings", "webhooks", "allowed_origins"} <= raw["stores"]["main"].keys()
    for name in ("dhl", "la_poste", "webhook"):
        (folder / "secrets" / name).write_text("whsec_" + "a" * 32)
    (folder / "doorstep.toml").write_text(_without_repetitions(switched))
    config: Config = load(folder / "doorstep.toml", {})
    assert config.server.trusted_proxies == ("127.0.0.1",)
    assert sorted(config.carriers) == ["dhl", "la_poste"]


def _without_repetitions(text: str) -> str:
    """The comment shows another database: of the two the one that is in force stays."""
    return re.sub(r"^database = \"postgresql.*\n", "", text, flags=re.MULTILINE)


def test_the_two_orders_are_orders(folder: Path) -> None:
    new_store(folder, "Shop")
    lines = (folder / "orders.jsonl").read_text("utf-8").splitlines()
    orders = [msgspec.json.decode(line, type=Order) for line in lines]
    assert [order.number for order in orders] == ["1001", "1002"]
    for order in orders:
        known = {item.id for item in order.items}
        assert {item.id for parcel in order.shipments for item in parcel.items} <= known
        assert order.email.endswith(".example")


def test_from_an_empty_folder_to_an_orders_page(doorstep: Callable[..., Result]) -> None:
    doorstep("new", "store")
    doorstep("check")
    doorstep("keys", "new", "shop", "--scope", "orders:write")
    doorstep("orders", "import", "orders.jsonl")
    address = doorstep("link", "1001").stdout.strip()
    assert address.startswith("http://127.0.0.1:8000/o/")
    with TestClient(create_app(load(Path("doorstep.toml"), {})), base_url="http://127.0.0.1:8000") as shop:
        page = shop.get(address.removeprefix("http://127.0.0.1:8000"), headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "Cast iron pan, 26 cm" in page.text
