"""Keys of the API: what opens, for how long, what is kept of them; and the commands that make them."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from doorstep.cli import main
from doorstep.config import load
from doorstep.database import Database
from doorstep.keys import SCOPES, Key, Keys
from doorstep.tables import keys as table

from .clock import FakeClock

SETTINGS = 'secret_key = "a secret of thirty-two characters or more"\n\n[stores.main]\nname = "Harbour & Pine"\n'


@pytest.fixture
def known(clock: FakeClock) -> Keys:
    return Keys(clock=clock)


def test_a_key_names_itself_and_has_160_random_bits(database: Database, known: Keys) -> None:
    with database.writing() as connection:
        key, text = known.new(connection, "main", "checkout", ["orders:write"])
        _, other = known.new(connection, "main", "checkout", ["orders:write"])
    # 32 characters of an alphabet of 32: 5 bits each.
    assert re.fullmatch(rf"ds_{key.id}_[0-9a-hjkmnp-tv-z]{{32}}", text.reveal())
    assert text != other


def test_a_key_is_found_by_its_text_and_by_nothing_like_it(database: Database, known: Keys) -> None:
    with database.writing() as connection:
        key, text = known.new(connection, "main", "checkout", ["orders:write", "orders:read", "orders:read"])
        _, other = known.new(connection, "main", "other", ["orders:read"])
        whole, secret = text.reveal(), other.reveal().rpartition("_")[2]
        assert known.find(connection, whole) == key
        assert key.scopes == ("orders:read", "orders:write")
        flipped = whole[:-1] + ("0" if whole[-1] != "0" else "1")
        for wrong in ("", "ds_", key.id, whole[:-1], whole + "0", flipped, f"ds_{key.id}_{secret}", whole.upper()):
            assert known.find(connection, wrong) is None, wrong
        assert known.find(connection, f"ds_{'0' * 12}_{secret}") is None


def test_nothing_of_a_secret_is_in_the_table(database: Database, known: Keys) -> None:
    with database.writing() as connection:
        _, text = known.new(connection, "main", "checkout", SCOPES)
        row = connection.execute(select(table)).one()
    assert text.reveal().rpartition("_")[2] not in repr(tuple(row))


def test_a_key_ends_when_it_says(database: Database, known: Keys, clock: FakeClock) -> None:
    with database.writing() as connection:
        _, text = known.new(
            connection, "main", "sale", ["orders:read"], expires_at=clock.now() + timedelta(days=1)
        )  # fmt: skip
        clock.advance(86_399)
        assert known.find(connection, text.reveal()) is not None
        clock.advance(1)
        assert known.find(connection, text.reveal()) is None


def test_while_a_key_is_changed_both_work_and_then_the_new_one(
    database: Database, known: Keys, clock: FakeClock
) -> None:
    with database.writing() as connection:
        old, before = known.new(connection, "main", "checkout", ["orders:write"])
        made = known.rotate(connection, old.id, hours=2)
        assert made is not None
        new, after = made
        assert (new.store, new.name, new.scopes, new.expires_at) == ("main", "checkout", ("orders:write",), None)
        assert new.id != old.id
        clock.advance(2 * 3600 - 1)
        assert known.find(connection, before.reveal()) is not None
        clock.advance(1)
        assert known.find(connection, before.reveal()) is None
        assert known.find(connection, after.reveal()) == new


def test_changing_a_key_does_not_make_an_old_one_last_longer(database: Database, known: Keys, clock: FakeClock) -> None:
    with database.writing() as connection:
        ends = clock.now() + timedelta(hours=1)
        old, _ = known.new(connection, "main", "checkout", ["orders:write"], expires_at=ends)
        made = known.rotate(connection, old.id, hours=24)
        assert made is not None
        assert {one.id: one.expires_at for one in known.all(connection)}[old.id] == ends
        assert made[0].expires_at == clock.now() + timedelta(hours=1)  # it lasts as long as the old one was to
        assert known.rotate(connection, "nothing", hours=1) is None


def test_a_revoked_key_is_gone(database: Database, known: Keys) -> None:
    with database.writing() as connection:
        key, text = known.new(connection, "main", "checkout", ["orders:write"])
        assert known.revoke(connection, key.id)
        assert known.find(connection, text.reveal()) is None
        assert not known.revoke(connection, key.id)


def test_use_is_noted_once_a_minute(database: Database, known: Keys, clock: FakeClock) -> None:
    def used(connection: object) -> Key:
        found = known.find(connection, text.reveal())  # type: ignore[arg-type]
        assert found is not None
        return found

    with database.writing() as connection:
        _, text = known.new(connection, "main", "checkout", ["orders:write"])
        assert not known.is_noted(used(connection))
        first = clock.now()
        known.note(connection, used(connection))
        clock.advance(59)
        assert known.is_noted(used(connection))
        known.note(connection, used(connection))  # another process, which has read it before
        assert used(connection).used_at == first
        clock.advance(1)
        assert not known.is_noted(used(connection))


def test_keys_are_listed_by_store(database: Database, known: Keys, clock: FakeClock) -> None:
    with database.writing() as connection:
        for store, name in (("outlet", "a"), ("main", "b"), ("main", "c")):
            known.new(connection, store, name, ["orders:read"])
            clock.advance(1)
        assert [(one.store, one.name) for one in known.all(connection)] == [
            ("main", "b"), ("main", "c"), ("outlet", "a"),
        ]  # fmt: skip
        assert [one.name for one in known.all(connection, "outlet")] == ["a"]


# The commands.


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings."""
    monkeypatch.chdir(tmp_path)
    Path("doorstep.toml").write_text(SETTINGS, "utf-8")
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["keys", *arguments], prog_name="doorstep")
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def test_a_key_made_by_the_command_opens(desk: Path) -> None:
    text = run("new", "checkout", "--scope", "orders:write", "--scope", "orders:read", "--days", "30").strip()
    (listed,) = json.loads(run("list", "--json"))
    assert (listed["name"], listed["store"], listed["scopes"]) == ("checkout", "main", ["orders:read", "orders:write"])
    assert text not in run("list")
    made = json.loads(run("rotate", listed["id"], "--json"))
    config = load(Path("doorstep.toml"), {})
    database = Database(config.database, base=config.base)
    with database.reading() as connection:
        for opens in (text, made["key"]):
            found = Keys(clock=FakeClock()).find(connection, opens)
            assert found is not None
            assert found.expires_at is not None
    database.close_now()
    assert "is void" in run("revoke", listed["id"])
    assert [one["id"] for one in json.loads(run("list", "--json"))] == [made["id"]]


def test_wrong_usage_is_told_with_what_is_there(desk: Path) -> None:
    assert "there is no store 'outlet'; there are main" in run(
        "new", "x", "--scope", "orders:read", "--store", "outlet", code=2
    )  # fmt: skip
    assert "orders:write" in run("new", "x", "--scope", "orders:writes", code=2)
    assert "--scope" in run("new", "x", code=2)
    for name in ("", "x" * 101, "two\nlines"):
        assert "a name has 1 to 100 characters" in run("new", name, "--scope", "orders:read", code=2)
    assert "there is no key 'abc'" in run("revoke", "abc", code=2)
    assert "there is no key 'abc'" in run("rotate", "abc", code=2)
    assert "There is no key" in run("list")
