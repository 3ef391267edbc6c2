"""Personal data at rest: opened again through every change of the secret, compared as people write it, and never in clear."""

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.errors import StoreError
from doorstep.secret import Secret
from doorstep.vault import Vault, same

KEY, FORMER = Secret("the secret that seals now"), Secret("the secret that sealed before")


@given(st.binary(max_size=2000))
def test_what_is_sealed_is_opened_as_it_was(data):
    vault = Vault([KEY])
    assert vault.open(vault.seal(data)) == data


def test_the_same_is_sealed_differently_each_time_and_never_in_clear():
    vault = Vault([KEY])
    one, other = vault.seal(b"mara@post.example"), vault.seal(b"mara@post.example")
    assert one != other
    assert b"mara" not in one


def test_what_a_former_key_sealed_is_opened_and_the_first_key_seals():
    both = Vault([KEY, FORMER])
    assert both.open(Vault([FORMER]).seal(b"old")) == b"old"
    assert Vault([KEY]).open(both.seal(b"new")) == b"new"


@pytest.mark.parametrize("spoil", [lambda sealed: sealed[:-1], lambda sealed: b"", lambda sealed: b"x" + sealed])
def test_what_is_damaged_is_told_with_the_next_step(spoil):
    with pytest.raises(StoreError, match="cannot be read: put the former key back behind the first of secret_key"):
        Vault([KEY]).open(spoil(Vault([KEY]).seal(b"mara@post.example")))


def test_what_a_key_that_is_gone_sealed_is_told():
    with pytest.raises(StoreError):
        Vault([KEY]).open(Vault([FORMER]).seal(b"old"))


@pytest.mark.parametrize("written", ["MARA@Post.example", " mara@post.example\n", "ｍａｒａ＠post.example"])
def test_an_address_is_the_same_however_it_is_written(written):
    vault = Vault([KEY])
    assert same(vault.email_hash("mara@post.example"), vault.email_hashes(written))


@pytest.mark.parametrize("other", ["mara@post.example.org", "m.ara@post.example", "mara+1@post.example", ""])
def test_another_address_is_another(other):
    vault = Vault([KEY])
    assert not same(vault.email_hash("mara@post.example"), vault.email_hashes(other))


@pytest.mark.parametrize("written", ["SW1A 1AA", "sw1a1aa", "SW1A-1AA", " sw1a 1aa "])
def test_a_postcode_is_the_same_with_any_case_blanks_and_hyphens(written):
    vault = Vault([KEY])
    assert same(vault.postcode_hash("SW1A1AA"), vault.postcode_hashes(written))


@pytest.mark.parametrize("other", ["SW1A 1AB", "SW1A 1A", ""])
def test_another_postcode_is_another(other):
    vault = Vault([KEY])
    assert not same(vault.postcode_hash("SW1A1AA"), vault.postcode_hashes(other))


def test_an_address_is_no_postcode_though_it_reads_the_same():
    vault = Vault([KEY])
    assert not same(vault.email_hash("10115"), vault.postcode_hashes("10115"))


def test_what_a_former_key_hashed_is_still_compared():
    kept = Vault([FORMER]).email_hash("mara@post.example")
    assert same(kept, Vault([KEY, FORMER]).email_hashes("mara@post.example"))
    assert not same(kept, Vault([KEY]).email_hashes("mara@post.example"))


def test_where_nothing_is_kept_nothing_is_the_same():
    assert not same(None, Vault([KEY]).email_hashes("mara@post.example"))
    assert not same(None, ["\0" * 64])


def hkdf(secret, info):
    """RFC 5869 with SHA-256, no salt and one block: 32 bytes."""
    extracted = hmac.new(bytes(32), secret, sha256).digest()
    return hmac.new(extracted, info + b"\x01", sha256).digest()


def test_a_hash_is_hmac_under_a_key_derived_for_this_alone_so_that_kept_ones_are_compared_for_ever():
    pepper = hkdf(b"the secret that seals now", b"doorstep compare")
    expected = hmac.new(pepper, b"email\x1fmara@post.example", sha256).hexdigest()
    assert Vault([KEY]).email_hash("Mara@post.example") == expected
