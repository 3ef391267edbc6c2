"""`doorstep codes`: pools are filled from files, as often as one likes with the same end, and counted."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from doorstep.cli import main

SETTINGS = 'secret_key = "{key}"\ndatabase = "sqlite:///shop.db"\n[stores.main]\nname = "Shop"\n'


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("doorstep.toml").write_text(SETTINGS.format(key="k" * 40))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["codes", *arguments])


def test_a_file_of_codes_is_put_into_a_pool_once() -> None:
    Path("codes.txt").write_bytes(b"\xef\xbb\xbfAUT-1\r\n\r\n  AUT-2  \r\nAUT-1\r\n")
    assert run("add", "autumn", "codes.txt").output == "autumn: 2 added, 0 there already\n"
    assert msgspec.json.decode(run("add", "autumn", "codes.txt", "--json").output) == {"added": 0, "known": 2}
    assert run("list").output == "autumn  2 free  0 reserved  0 redeemed\n"
    assert msgspec.json.decode(run("list", "--json").output) == [
        {"pool": "autumn", "widget": "", "free": 2, "reserved": 0, "redeemed": 0}
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"AUT-1\nAUT 2\n", "codes.txt:2: 'AUT 2' is no code"),
        (b"\n \n", "there is no code in it"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_and_nothing_is_kept(text: bytes, said: str) -> None:
    Path("codes.txt").write_bytes(text)
    result = run("add", "autumn", "codes.txt")
    assert (result.exit_code, said in result.output) == (1, True), result.output
    assert run("list").output == "There is no code: no widget of this store asks for one\n"


def test_a_pool_has_a_name_that_settings_can_name() -> None:
    Path("codes.txt").write_text("AUT-1")
    assert run("add", "autumn sale", "codes.txt").exit_code == 2
