"""`doorstep.toml` and the environment over it."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import Secret
from doorstep.config import Config, load, parse
from doorstep.errors import ConfigError

SMALL = '[stores.main]\nname = "Leaf & Loom"\n'


def config(text: str = SMALL, **environ: str) -> Config:
    return parse(text, file="doorstep.toml", environ=environ)


def refused(text: str, **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        config(text, **environ)
    assert caught.value.next_step
    return caught.value


def two_stores(first: str, second: str) -> str:
    return f'[stores.one]\nname = "One"\n{first}\n[stores.two]\nname = "Two"\n{second}\n'


def test_one_store_with_a_name_is_enough() -> None:
    settings = config()
    store = settings.stores["main"]
    assert (store.name, store.theme, store.language, store.hosts, store.path) == (
        "Leaf & Loom",
        "classic",
        "en",
        (),
        "",
    )
    assert (settings.server.port, settings.database) == (8000, "sqlite:///doorstep.db")


def test_the_file_is_read_from_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(SMALL + '[carriers.acme]\nkey_file = "key"\n')
    settings = load(tmp_path / "shop.toml", {})
    assert (settings.file, settings.base) == ("shop.toml", tmp_path)
    assert settings.carriers == {"acme": {"key_file": "key"}}, "plugin sections stay raw until their plugin reads them"


def test_a_file_that_is_not_there_is_named_with_the_option_that_names_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file.*--config PATH"):
        load(tmp_path / "gone.toml", {})


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_bytes('name = "é"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"old\.toml is not UTF-8 text: save it as UTF-8"):
        load(tmp_path / "old.toml", {})


def test_broken_toml_is_named_with_its_line() -> None:
    assert "line 2" in refused("[stores.main]\nname name\n").message


@pytest.mark.parametrize(
    ("text", "said", "mend"),
    [
        ('nam = "x"\n' + SMALL, "nam is not a setting", "known here"),
        ('databas = "x"\n' + SMALL, "databas is not a setting", "did you mean 'database'?"),
        (SMALL + 'them = "x"', "stores.main.them is not a setting", "did you mean 'theme'?"),
        (SMALL + "[server]\nprot = 1", "server.prot is not a setting", "did you mean 'port'?"),
        (SMALL + "[plugins]\ndisable = []", "plugins.disable is not a setting", "did you mean 'disabled'?"),
        ('[stores.main]\ntheme = "x"', "name", "add name = …"),
        ("[server]\nport = 1", "stores is missing", "add stores = …"),
        ("[stores]", "no store", "add [stores.main]"),
        (SMALL + "[server]\nport = 70000", "server.port: Expected `int` <= 65535", "correct the value"),
        (SMALL + "[server]\ndeadline = 0", "server.deadline: Expected `float` > 0", "correct the value"),
        (SMALL + 'language = "english"', "language", "correct the value"),
        (SMALL + 'languages = ["../x"]', "languages", "correct the value"),
        (SMALL + 'path = "/a/"', "path", "correct the value"),
        (SMALL + 'path = "a"', "path", "correct the value"),
        (SMALL + 'timezone = "Berlin"', "stores.main.timezone: there is no zone 'Berlin'", "see IANA's list"),
        (SMALL + 'carriers = ["ups"]', "stores.main.carriers names 'ups'", "add [carriers.ups] or correct it"),
        ('file = "x"\n' + SMALL, "file is not a setting", "remove it"),
        ('base = "/"\n' + SMALL, "base is not a setting", "remove it"),
    ],
)
def test_a_mistake_is_named_with_file_path_and_mend(text: str, said: str, mend: str) -> None:
    error = refused(text)
    assert error.message.startswith("doorstep.toml: ")
    assert said in error.message
    assert mend in error.next_step


def test_the_environment_wins_over_the_file() -> None:
    settings = config(SMALL + "[server]\nport = 1", DOORSTEP_SERVER__PORT="8443")
    assert settings.server.port == 8443


def test_the_environment_alone_can_make_a_store_and_an_account() -> None:
    settings = config("", DOORSTEP_STORES__MAIN__NAME="Leaf", DOORSTEP_CARRIERS__UPS__CLIENT_ID="a")
    assert settings.stores["main"].name == "Leaf"
    assert settings.carriers == {"ups": {"client_id": "a"}}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"), ("'0042'", "0042"), ('"true"', "true"), ("with = sign", "with = sign"), ("7", 7), ("1.5", 1.5),
        ("true", True), ('["a", "b"]', ["a", "b"]), ("{ a = 1 }", {"a": 1}), ("", ""), ("a\nb = 1", "a\nb = 1"),
        ("https://acme.example/#x", "https://acme.example/#x"),
    ],
)  # fmt: skip
def test_a_variable_is_toml_where_it_is_and_else_its_own_text(written: str, read: object) -> None:
    assert config(SMALL, DOORSTEP_CARRIERS__ACME__VALUE=written).carriers["acme"]["value"] == read


def test_a_misspelt_variable_is_named_as_the_setting_it_would_be() -> None:
    assert "server.prot is not a setting" in refused(SMALL, DOORSTEP_SERVER__PROT="1").message


def test_a_variable_below_something_that_is_no_table_is_refused_by_its_name() -> None:
    error = refused(SMALL + "[server]\nport = 1", DOORSTEP_SERVER__PORT__X="1")
    assert error.message == "DOORSTEP_SERVER__PORT__X: port is not a table"


def test_variables_that_are_no_settings_are_left_alone() -> None:
    assert config(SMALL, DOORSTEP_CONFIG="x.toml", PATH="/bin", OTHER__KEY="1") == config(SMALL)


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ('secret_key = "k1"\n', {}),
        ('secret_key = ["k1"]\n', {}),
        ('secret_key = "old"\n', {"DOORSTEP_SECRET_KEY": "k1"}),
    ],
)
def test_the_secret_key_is_one_or_a_list(text: str, environ: dict[str, str]) -> None:
    assert config(text + SMALL, **environ).secret_key == (Secret("k1"),)


def test_single_settings_need_no_section_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k1\n")
    settings = config(DOORSTEP_SECRET_KEY_FILE=str(tmp_path / "key"), DOORSTEP_DATABASE="sqlite:///x.db")
    assert (settings.secret_key, settings.database) == ((Secret("k1"),), "sqlite:///x.db")


def test_the_first_of_several_secret_keys_stays_first() -> None:
    assert config('secret_key = ["new", "old"]\n' + SMALL).secret_key == (Secret("new"), Secret("old"))


def test_the_redis_url_may_come_from_a_file_and_does_not_print(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("redis://:pa55@cache.example\n")
    settings = parse('redis_file = "redis"\n' + SMALL, file="f", environ={}, base=tmp_path)
    assert settings.redis.reveal() == "redis://:pa55@cache.example"
    assert "pa55" not in repr(settings)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ('hosts = ["a.example"]', 'hosts = ["A.EXAMPLE"]'),
        ('hosts = ["a.example", "b.example"]', 'hosts = ["b.example"]'),
        ('path = "/parcels"', 'path = "/parcels"'),
    ],
)
def test_two_stores_on_one_address_are_refused(first: str, second: str) -> None:
    error = refused(two_stores(first, second))
    assert re.search(r"stores\.two and stores\.one both answer at \S+/$", error.message)
    assert error.next_step == "give them different hosts or paths"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('hosts = ["a.example"]', 'hosts = ["b.example"]'),
        ('hosts = ["a.example"]', ""),
        ('hosts = ["a.example"]\npath = "/de"', 'hosts = ["a.example"]\npath = "/fr"'),
    ],
)
def test_stores_apart_by_host_or_path_live_together(first: str, second: str) -> None:
    assert set(config(two_stores(first, second)).stores) == {"one", "two"}


@given(st.text(max_size=80))
def test_any_text_is_read_or_a_config_error(text: str) -> None:
    with suppress(ConfigError):
        config(text)


@given(st.from_regex(r"DOORSTEP_[A-Z_]{1,20}", fullmatch=True), st.text(max_size=20))
def test_any_variable_is_read_or_a_config_error(name: str, value: str) -> None:
    with suppress(ConfigError):
        config(SMALL, **{name: value})


@pytest.mark.parametrize("field", ["home_url", "logo_url", "contact_url", "return_url"])
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "JAVASCRIPT:a", "shop.example", "data:text/html,x"]
)
def test_an_address_that_pages_cannot_link_is_named(field, url):
    with pytest.raises(ConfigError, match=f"{field} .*cannot be linked"):
        parse(f'[stores.main]\nname = "Shop"\n{field} = "{url}"', file="doorstep.toml", environ={})
    assert parse(f'[stores.main]\nname = "Shop"\n{field} = "/help"', file="x", environ={}).stores["main"].name == "Shop"
