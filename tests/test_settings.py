"""From raw TOML to typed settings: every mistake with its path, and its mend where that can be guessed."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from doorstep import Secret
from doorstep.errors import ConfigError
from doorstep.settings import convert


class Address(Struct, frozen=True, forbid_unknown_fields=True):
    street: str = ""
    zip: str = ""


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    client_id: str
    client_secret: Secret = Secret("")
    retries: int = 3
    folder: Path = Path()
    address: Address = Address()
    branches: dict[str, Address] = {}
    days: dict[Annotated[str, Meta(pattern="^[a-z]+$")], tuple[int, ...]] = {}


def account(raw: dict[str, Any], base: Path | None = None) -> Account:
    return convert(raw, Account, path="carriers.acme", file="doorstep.toml", base=base)


def refused(raw: dict[str, Any], base: Path | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        account(raw, base)
    assert caught.value.message.startswith("doorstep.toml: carriers.acme")
    return caught.value


def test_values_arrive_typed() -> None:
    settings = account({"client_id": "a", "client_secret": "s", "folder": "x/y", "branches": {"oslo": {"zip": "0150"}}})
    assert settings == Account("a", Secret("s"), 3, Path("x/y"), Address(), {"oslo": Address(zip="0150")})


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"clientid": "a"}, "carriers.acme.clientid"),
        ({"client_id": "a", "address": {"streat": "b"}}, "carriers.acme.address.streat"),
        ({"client_id": "a", "branches": {"oslo": {"stret": "b"}}}, "carriers.acme.branches.oslo.stret"),
    ],
)
def test_a_misspelt_key_is_named_with_its_path_and_the_right_one(raw: dict[str, Any], path: str) -> None:
    error = refused(raw)
    assert error.message == f"doorstep.toml: {path} is not a setting"
    assert error.next_step in ("did you mean 'client_id'?", "did you mean 'street'?")


def test_a_key_like_no_other_is_answered_with_all_known() -> None:
    assert refused({"client_id": "a", "address": {"planet": "Mars"}}).next_step == "known here: street, zip"


def test_a_missing_setting_is_named_with_where_to_add_it() -> None:
    error = refused({})
    assert error.message == "doorstep.toml: carriers.acme.client_id is missing"
    assert error.next_step == "add client_id = … under [carriers.acme]"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"client_id": 7}, "carriers.acme.client_id: Expected `str`, got `int`"),
        ({"client_id": "a", "retries": "3"}, "carriers.acme.retries: Expected `int`, got `str`"),
        ({"client_id": "a", "client_secret": 7}, "carriers.acme.client_secret: Expected `Secret`, got `int`"),
        ({"client_id": "a", "address": "b"}, "carriers.acme.address: Expected `object`, got `str`"),
        ({"client_id": "a", "branches": {"oslo": 1}}, "carriers.acme.branches.oslo: Expected `object`, got `int`"),
        ({"client_id": "a", "days": {"oslo": ["1", 2]}}, "carriers.acme.days.oslo[0]: Expected `int`, got `str`"),
        (
            {"client_id": "a", "days": {"Oslo": [1]}},
            "carriers.acme.days.Oslo: Expected `str` matching regex '^[a-z]+$'",
        ),
    ],
)
def test_a_wrong_type_is_named_with_its_path(raw: dict[str, Any], said: str) -> None:
    assert refused(raw).message == f"doorstep.toml: {said}"


def test_the_value_of_a_refused_secret_is_not_repeated() -> None:
    assert "12345678" not in str(refused({"client_id": "a", "client_secret": 12345678}))


def test_a_secret_comes_from_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "acme.secret").write_text("s3cret\n")
    settings = account({"client_id": "a", "client_secret_file": "acme.secret"}, tmp_path)
    assert settings.client_secret == Secret("s3cret")


def test_an_absolute_file_is_read_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("shop-7")
    assert account({"client_id_file": str(tmp_path / "id")}, Path("/nowhere")).client_id == "shop-7"


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    error = refused({"client_id": "a", "client_secret_file": "gone"}, tmp_path)
    assert "carriers.acme.client_secret_file: cannot read 'gone': No such file" in error.message


def test_a_file_that_is_not_text_is_refused_without_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfesecret")
    error = refused({"client_id_file": "binary"}, tmp_path)
    assert error.message.endswith("cannot read 'binary': not UTF-8 text")


def test_a_file_that_no_system_could_have_is_named_with_its_setting() -> None:
    error = refused({"client_id": "a", "client_secret_file": "a\0b"})
    assert error.message == "doorstep.toml: carriers.acme.client_secret_file: cannot read 'a\\x00b': no path"


def test_a_value_and_its_file_together_are_refused(tmp_path: Path) -> None:
    error = refused({"client_id": "a", "client_id_file": "b"}, tmp_path)
    assert error.message.endswith("carriers.acme.client_id and carriers.acme.client_id_file are both set")
    assert error.next_step == "keep one of them"


def test_file_is_no_way_to_invent_a_setting() -> None:
    assert "carriers.acme.planet_file is not a setting" in refused({"planet_file": "x"}).message


def test_at_the_top_a_path_has_no_dot_in_front() -> None:
    with pytest.raises(ConfigError, match=r"^t\.toml: streat is not a setting"):
        convert({"streat": ""}, Address, path="", file="t.toml")
    with pytest.raises(ConfigError, match=r"^t\.toml: client_id is missing"):
        convert({}, Account, path="", file="t.toml")


def test_where_several_secrets_may_stand_one_needs_no_brackets() -> None:
    class Signer(Struct, frozen=True):
        secret: tuple[Secret, ...] = ()

    for raw in ("s", ["s"]):
        assert convert({"secret": raw}, Signer, path="", file="doorstep.toml").secret == (Secret("s"),)
