"""Signed links: what was put in comes out, for whoever has a key, and nothing else is ever a link of ours."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from doorstep.ids import new_id
from doorstep.links import LONGEST_TOKEN, Links, Proof, Ticket
from doorstep.secret import Secret

KEY, FORMER = Secret("the secret that signs now"), Secret("the secret that signed before")
MAY = datetime(2027, 5, 1, 8, 30, tzinfo=UTC)
TICKET = Ticket(new_id("ord"), Proof.LINK, MAY, 3)


@pytest.mark.parametrize(
    ("proof", "second", "level"),
    [(Proof.LINK, None, 1), (Proof.EMAIL, None, 1), (Proof.LINK, Proof.POSTCODE, 2), (Proof.POSTCODE, Proof.EMAIL, 2)],
)
def test_a_token_says_what_the_ticket_said(proof, second, level):
    ticket = Ticket(TICKET.order_id, proof, MAY, 3, second)
    links = Links([KEY])
    assert links.read(links.token(ticket)) == ticket
    assert ticket.level == level


def test_a_token_stands_in_an_address_as_it_is_and_is_short_enough_for_any_order():
    token = Links([KEY]).token(Ticket(new_id("ord"), Proof.EMAIL, MAY, 2**31, Proof.POSTCODE))
    assert len(token) < LONGEST_TOKEN
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_token_of_400_signs_is_read_and_a_longer_one_is_not():
    links = Links([KEY])
    mixed = "".join(sha512(bytes([n])).hexdigest() for n in range(4))  # which cannot be packed into much less
    tokens = [links.token(Ticket(mixed[:n], Proof.LINK, MAY, 3)) for n in range(400, 512)]
    assert {len(one) for one in tokens} >= {400, 401}
    assert [links.read(one) is not None for one in tokens] == [len(one) <= 400 for one in tokens]


def test_a_link_given_before_the_secret_was_changed_still_works_and_new_ones_have_the_new_secret():
    old = Links([FORMER]).token(TICKET)
    new = Links([KEY, FORMER]).token(TICKET)
    assert Links([KEY, FORMER]).read(old) == Links([KEY]).read(new) == TICKET
    assert Links([FORMER]).read(new) is None
    assert Links([KEY]).read(old) is None


def test_a_token_with_any_one_sign_changed_is_none_of_ours():
    links = Links([KEY])
    token = links.token(TICKET)
    others = [token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(len(token))]
    # The last sign of 27 carries four bits of a signature of 160: two of its signs may mean the same.
    assert [links.read(one) for one in others[:-1]] == [None] * (len(token) - 1)


def test_what_is_signed_with_the_same_secret_for_another_purpose_is_no_link():
    other = URLSafeSerializer(KEY.reveal(), salt="something else")
    assert Links([KEY]).read(other.dumps([TICKET.order_id, "l", int(MAY.timestamp()), 3])) is None


@given(
    st.one_of(st.text(max_size=500), st.binary(max_size=200).map(lambda raw: urlsafe_b64encode(raw).decode() + ".x"))
)
def test_nothing_that_somebody_makes_up_is_a_link(text):
    assert Links([KEY]).read(text) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a" * 100_000, "\ud800", "é.é"])
def test_an_impossible_token_is_no_link_and_no_failure(text):
    assert Links([KEY]).read(text) is None
