"""The wire log shows what was asked and answered, and never a secret."""

from urllib.parse import quote, quote_plus
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from doorstep import Secret
from doorstep.wire import Wire, secrets_of


def log(wire):
    return "\n".join(wire.lines())


def test_a_question_and_its_answer_stand_there_line_by_line():
    wire = Wire()
    wire.asked("POST", "https://api.acme.example/track", {"Accept": "application/json"}, b'{"n": 1}')
    wire.answered(200, 0.0123, b"line one\nline two")
    assert wire.lines() == [
        "> POST https://api.acme.example/track",
        ">   Accept: application/json",
        '>   {"n": 1}',
        "< HTTP 200 after 12 ms, 17 bytes",
        "<   line one",
        "<   line two",
    ]


def test_a_failure_stands_where_the_answer_would():
    wire = Wire()
    wire.failed("before anything was asked")
    wire.asked("GET", "https://api.acme.example/", {}, b"")
    wire.failed("ConnectTimeout")
    wire.failed("a later one")
    assert wire.lines() == ["> GET https://api.acme.example/", "< ConnectTimeout"]


@pytest.mark.parametrize(
    "name", ["Authorization", "authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-API-Key"]
)
def test_headers_that_are_made_for_secrets_are_never_shown(name):
    wire = Wire()
    wire.asked("GET", "https://api.acme.example/", {name: "Bearer never-told-to-us"}, b"")
    assert "never-told" not in log(wire)
    assert f"{name}: ***" in log(wire)


def test_a_secret_named_later_is_hidden_in_what_was_logged_before():
    wire = Wire()
    wire.asked("GET", "https://api.acme.example/?key=s3cret-key", {"X-Own": "s3cret-key"}, b"s3cret-key")
    wire.answered(200, 0, b"your key is s3cret-key")
    wire.hide([Secret("Bearer s3cret-key")])
    assert "s3cret-key" not in log(wire)


def test_a_long_body_is_cut_and_says_how_much_is_missing():
    wire = Wire()
    wire.asked("GET", "https://api.acme.example/", {}, b"")
    wire.answered(200, 0, b"x" * 2500)
    assert wire.lines()[-1] == "<   " + "x" * 2000 + "… (500 characters more)"


def test_a_secret_across_the_cut_shows_nothing_of_itself():
    wire = Wire()
    wire.asked("GET", "https://api.acme.example/", {}, b"")
    wire.answered(200, 0, b"x" * 1990 + b"s3cret-key-of-thirty-characters")
    wire.hide([Secret("s3cret-key-of-thirty-characters")])
    assert "s3cret" not in log(wire)


@given(secret=st.text(min_size=4, max_size=40).filter(lambda text: len(text.split()) == 1 and text.strip() == text))
def test_no_secret_survives_in_a_url_a_form_or_json(secret):
    from json import dumps
    from urllib.parse import quote, urlencode

    form = urlencode({"k": secret}, errors="replace")
    wire = Wire()
    wire.hide([Secret(secret)])
    wire.asked("POST", "https://x.example/?" + form, {}, form.encode())
    wire.answered(
        200, 0, dumps({"": secret}).encode() + dumps({"": secret}, ensure_ascii=False).encode("utf-8", "replace")
    )
    shown = [line for line in wire.lines() if not line.startswith("< HTTP")]
    for form in (quote(secret, errors="replace"), dumps(secret)[1:-1]):
        if len(form) > 12:  # shorter ones may be there by chance
            assert all(form not in line for line in shown)


class Settings(Struct):
    name: str
    key: Secret
    spare: Secret | None = None


def test_the_secrets_of_settings_are_found():
    assert secrets_of(Settings("me", Secret("one"))) == [Secret("one")]
    assert secrets_of(Settings("me", Secret("one"), Secret("two"))) == [Secret("one"), Secret("two")]


def test_a_secret_inside_xml_inside_an_address_is_hidden():
    """As a carrier asks that takes an element with the password in a parameter."""
    wire, password = Wire(), 'p&ss"wörd <1>'
    element = tostring(Element("data", {"password": password}), "UTF-8").decode()
    for written in (quote(element), quote_plus(element), quote(element, safe="")):
        wire.asked("GET", f"https://api.acme.example/?xml={written}", {}, element.encode())
    wire.hide([Secret(password)])
    assert log(wire).count("***") == 6
    assert not [part for part in ("p&", "p%26", "wörd", "w%C3%B6rd") if part in log(wire)]


def test_secrets_are_found_where_several_stand_in_one_setting():
    class Settings(Struct):
        user: str
        key: Secret
        push_secret: tuple[Secret, ...]

    settings = Settings("ida", Secret("one"), (Secret("two"), Secret("three")))
    assert [one.reveal() for one in secrets_of(settings)] == ["one", "two", "three"]
