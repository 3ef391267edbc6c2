"""Manifests: every refusal names the file, the place in it and the mend."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep import Manifest
from doorstep.errors import ManifestError
from doorstep.manifest import (
    CONTRACT,
    AuthKind,
    Certainty,
    Checksum,
    Courier,
    Limit,
    Sureness,
    load_manifest,
    load_manifests,
)

SMALL = 'slug = "acme"\nname = "Acme"\ncontract = 1\n'


def formatted(pattern: str, extra: str = "") -> str:
    return f"{SMALL}[[formats]]\nname = \"parcel\"\npattern = '{pattern}'\nrank = 50\n{extra}"


def refused(text: str) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        load_manifest(text, file="acme/carrier.toml")
    assert caught.value.message.startswith("acme/carrier.toml")
    return caught.value


def test_slug_name_and_contract_are_enough_for_a_carrier_known_by_number() -> None:
    manifest = load_manifest(SMALL, file="f")
    assert (manifest.slug, manifest.asks, manifest.auth, manifest.batch) == ("acme", False, AuthKind.NONE, 1)


def test_an_endpoint_means_that_it_can_be_asked() -> None:
    assert load_manifest(SMALL + 'endpoint = "https://api.acme.example"', file="f").asks


def test_everything_a_manifest_can_say_is_read() -> None:
    manifest = load_manifest(
        SMALL
        + 'link="https://acme.example/{number}"\nlinks={fr="https://acme.example/fr/{number}"}\nendpoint="https://api.acme.example"\nhosts=["login.acme.example"]\n'
        + 'auth="login_token"\nbatch=10\ncan=["track_many"]\naggregator=true\ncountries=["NO"]\nnotice="n"\ndocs="d"\n'
        + "limits=[{calls=500, seconds=86400}]\nconcurrent=2\ncertainty={answers='high', codes='low'}\n"
        + "couriers=[{code='gls-de', name='GLS', carrier='gls'}]\n"
        + "[[formats]]\nname='parcel'\npattern='[0-9]{8}'\nrank=9\nexamples=['12345678']\ncountries=['SE']",
        file="f",
    )
    assert manifest.auth is AuthKind.TOKEN
    assert (manifest.limits, manifest.concurrent) == ((Limit(calls=500, seconds=86400),), 2)
    assert manifest.formats[0].examples == ("12345678",)
    assert manifest.couriers == (Courier("gls-de", "GLS", "gls"),)
    assert manifest.certainty == Certainty(Sureness.HIGH, Sureness.LOW)


def test_an_aggregator_is_told_its_own_codes_and_tells_names() -> None:
    couriers = (
        Courier("royal-mail", "Royal Mail", "royal_mail"),
        Courier("4px", "4PX"),
        Courier("USPS", "USPS", "usps"),
    )
    manifest = Manifest("many", "Many", CONTRACT, couriers=couriers)
    assert manifest.codes_of(("usps", "gls", "royal_mail")) == ("USPS", "royal-mail")
    watched = {("usps",): "USPS", ("gls",): "", ("usps", "royal_mail"): "4px", (): "4px"}
    assert {carriers: manifest.code_of(carriers, otherwise="4px") for carriers in watched} == watched
    assert [manifest.courier_name(code) for code in ("royal-mail", "4px")] == ["Royal Mail", "4PX"]
    assert [manifest.courier_name(code) for code in ("new-post_of-x", "NewPost", "")] == [
        "New Post Of X",
        "NewPost",
        "",
    ]


def test_the_link_takes_number_and_language() -> None:
    manifest = Manifest("acme", "Acme", CONTRACT, link="https://acme.example/{language}/{number}")
    assert manifest.link_for("A1", "pt_BR") == "https://acme.example/pt-BR/A1"


@pytest.mark.parametrize(
    ("language", "page"),
    [("de", "de"), ("de_AT", "de-AT"), ("de-CH", "CH"), ("fr-CH", "CH"), ("de-DE", "de"), ("zh-Hant", "zh-Hant"),
     ("zh-Hans", "all/zh-Hans"), ("en", "all/en"), ("nds-NL", "all/nds-NL")],
)  # fmt: skip
def test_a_language_or_a_country_may_have_a_page_of_its_own(language: str, page: str) -> None:
    own = {name: f"https://acme.example/{name}/{{number}}" for name in ("de", "de-AT", "CH", "zh-Hant")}
    manifest = Manifest("acme", "Acme", CONTRACT, link="https://acme.example/all/{language}/{number}", links=own)
    assert manifest.link_for("A1", language) == f"https://acme.example/{page}/A1"


def test_a_page_in_a_language_is_an_https_address() -> None:
    assert "'http://acme.example'" in refused(SMALL + 'links = { de = "http://acme.example" }').message


def test_a_number_with_braces_is_not_filled_in_again() -> None:
    manifest = Manifest("acme", "Acme", CONTRACT, link="https://acme.example/{number}")
    assert manifest.link_for("{number}", "en") == "https://acme.example/{number}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slug =", "Invalid value"),
        ('name = "Acme"\ncontract = 1', "slug"),
        (SMALL.replace("acme", "Acme"), r"\$\.slug"),
        (SMALL.replace("acme", "a-c"), r"\$\.slug"),
        (SMALL + "limit = 1", "`limit`"),
        (SMALL + 'auth = "magic"', r"magic.*\$\.auth"),
        (SMALL + "batch = 0", r"\$\.batch"),
        (SMALL + "limits = [{ calls = 1, seconds = 0 }]", r"\$\.limits\[0\]\.seconds"),
        (SMALL + "limits = [{ calls = 0, seconds = 1 }]", r"\$\.limits\[0\]\.calls"),
        (SMALL + "concurrent = 0", r"\$\.concurrent"),
        (SMALL + 'links = { german = "https://acme.example/{number}" }', r"\$\.links"),
        (SMALL + 'certainty = { answers = "high" }', r"codes.*\$\.certainty"),
        (SMALL + 'certainty = { answers = "high", codes = "some" }', r"some.*\$\.certainty\.codes"),
        (formatted("[0-9]{8}").replace("rank = 50", "rank = 100"), r"\$\.formats\[0\]\.rank"),
        (formatted("[0-9]{8}", "length = 8"), "`length`"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_path(text: str, said: str) -> None:
    error = refused(text)
    assert re.search(said, error.message)
    assert error.next_step == "docs/manifest.md lists every key"


@pytest.mark.parametrize(("contract", "word", "mend"), [(2, "newer", "Doorstep"), (0, "older", "the plugin")])
def test_another_contract_says_who_has_to_be_updated(contract: int, word: str, mend: str) -> None:
    error = refused(SMALL.replace("contract = 1", f"contract = {contract}"))
    assert word in error.message
    assert error.next_step.startswith(f"update {mend}")


@pytest.mark.parametrize("key", ["endpoint", "link"])
@pytest.mark.parametrize(
    "url", ["http://acme.example", "acme.example", "https://", "file:///etc/passwd", "javascript:1"]
)
def test_addresses_are_whole_https_urls(key: str, url: str) -> None:
    error = refused(f'{SMALL}{key} = "{url}"')
    assert repr(url) in error.message
    assert "https://" in error.next_step


@pytest.mark.parametrize("pattern", ["[0-9", "(", "[[0-9]", "[0-9]{2,1}", "(?P<a>0)(?P<a>0)"])
def test_a_pattern_that_does_not_compile_is_named(pattern: str) -> None:
    assert "format 'parcel': the pattern does not compile" in refused(formatted(pattern)).message


@pytest.mark.parametrize("pattern", ["[0-9]+", "[0-9]*A", "(?:[0-9]+)+", "(a|aa)+", "[0-9]{8,}", "[0-9]{1,65}"])
@pytest.mark.fault(29)
def test_unbounded_repeats_are_refused(pattern: str) -> None:
    error = refused(formatted(pattern))
    assert "unbounded repeat" in error.message
    assert "[0-9]{8,12}" in error.next_step


@pytest.mark.parametrize(
    "pattern",
    [
        "([0-9]{1,9}){1,9}",  # 9 + 9² + … + 9⁹ ways
        "(?:[0-9]{1,9}){9}",  # 9⁹
        "(?:(?:[0-9]{1,3}){2}){1,9}",
        "([0-9]{1,11})([0-9]{1,11})([0-9]{1,11})",  # 11³ = 1331
        "(?:B|BB){1,30}",
        "(?:B|BB){10}",  # 2¹⁰ = 1024
        "(?:[0-9]{1,64}){64}",
    ],
)
@pytest.mark.fault(29)
def test_repeats_and_alternatives_that_multiply_are_refused(pattern: str) -> None:
    assert "too many ways" in refused(formatted(pattern)).message


@pytest.mark.parametrize(
    "pattern",
    [r"(?P<a>[0-9])(?P=a)", "(?=[0-9])[0-9]{8}", "(?<!A)[0-9]{8}", "[0-9]{2,8}?", "(?>[0-9]{8})", "([0-9])?(?(1)A|B)"],
)
def test_what_recognition_does_not_need_is_refused_by_name(pattern: str) -> None:
    assert re.search(r"uses [a-z ]+, which recognition does not need", refused(formatted(pattern)).message)


@pytest.mark.parametrize("pattern", ["(?i)AB[0-9]{6}", "(?i:AB)[0-9]{6}", "(?-i:AB)[0-9]{6}", "(?x)AB [0-9]{6}"])
def test_flags_are_refused(pattern: str) -> None:
    assert "flags" in refused(formatted(pattern)).message


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{8}", "[0-9]{1,64}", "1Z[A-Z0-9]{16}", "(?:JD|JJD)[0-9]{16,18}", "(?P<serial>[0-9]{7})(?P<check>[0-9])",
        "A?B[0-9]{9}C?", "([0-9]{4}){3}", "[0-9]{1,10}([0-9]{1,10})[0-9]{1,10}",
    ],
)  # fmt: skip
def test_plain_bounded_patterns_are_accepted(pattern: str) -> None:
    assert load_manifest(formatted(pattern), file="f").formats[0].pattern == pattern


def test_an_unknown_checksum_is_answered_with_the_known_ones() -> None:
    error = refused(formatted("(?P<serial>[0-9]{7})(?P<check>[0-9])", 'checksum = { kind = "mod9" }'))
    assert "'mod9'" in error.message
    assert "mod10" in error.next_step
    assert "s10" in error.next_step


@pytest.mark.parametrize("pattern", ["[0-9]{8}", "(?P<serial>[0-9]{7})[0-9]", "[0-9]{7}(?P<check>[0-9])"])
def test_a_checksum_needs_to_know_serial_and_check(pattern: str) -> None:
    assert "(?P<serial>…) and (?P<check>…)" in refused(formatted(pattern, 'checksum = { kind = "luhn" }')).message


@pytest.mark.parametrize("kind", ["mod10", "mod11"])
def test_a_weighted_checksum_without_weights_is_refused(kind: str) -> None:
    error = refused(formatted("(?P<serial>[0-9]{7})(?P<check>[0-9])", f'checksum = {{ kind = "{kind}" }}'))
    assert "weights" in error.message
    assert error.next_step


@pytest.mark.parametrize(
    ("kind", "serial"),
    [("luhn", "ABCDEFG"), ("mod7", "ABCDEFG"), ("s10", "1234567"), ("mod37_36", "Ä"), ("mod7", None)],
)
def test_a_checksum_that_cannot_read_its_serial_does_not_hold(kind: str, serial: str | None) -> None:
    assert not any(Checksum(kind).holds(serial, check) for check in "0123456789")


def test_a_checksum_holds_for_its_own_digit_only() -> None:
    checksum = Checksum("mod10", (3, 1))
    assert [check for check in "0123456789" if checksum.holds("37610425002123456", check)] == ["9"]


def test_digits_that_are_not_written_count_for_the_check_digit() -> None:
    checksum = Checksum("mod10", (3, 1), before="92")
    # 3·9 + 2 + 3·6 + 1 = 48, 2 to the next ten
    assert [check for check in "0123456789" if checksum.holds("61", check)] == ["2"]


# Several carriers in a file.

SEVERAL = """
contract = 1
docs = "docs/posts.md"
[[formats]]
name = "S10 of {name}"
pattern = "[A-Z]{2}(?P<serial>[0-9]{8})(?P<check>[0-9]){country}"
rank = 88
checksum = { kind = "s10" }
examples = ["RR000000102{country}"]
[[carrier]]
slug = "post_no"
name = "Post"
countries = ["NO", "SJ"]
[[carrier]]
slug = "post_se"
name = "Posten"
countries = ["SE"]
docs = "docs/se.md"
"""


def test_a_file_with_one_carrier_has_one() -> None:
    assert [one.slug for one in load_manifests(SMALL, file="f")] == ["acme"]


def test_carriers_of_one_file_share_what_they_do_not_say_themselves() -> None:
    first, second = load_manifests(SEVERAL, file="f")
    assert (first.slug, first.docs, second.slug, second.docs) == ("post_no", "docs/posts.md", "post_se", "docs/se.md")
    assert first.formats[0].pattern == "[A-Z]{2}(?P<serial>[0-9]{8})(?P<check>[0-9])NO"
    assert second.formats[0].examples == ("RR000000102SE",)
    assert second.formats[0].name == "S10 of Posten"


@pytest.mark.parametrize("countries", ["", "countries = []\n", 'countries = ["(.*"]\n', 'countries = ["no"]\n'])
def test_a_format_with_a_country_needs_one(countries: str) -> None:
    with pytest.raises(ManifestError, match=r"^f: carrier 'post_se': a format says \{country\}"):
        load_manifests(SEVERAL.replace('countries = ["SE"]\n', countries), file="f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SEVERAL.replace('name = "Posten"\n', ""), "^f: carrier 'post_se': .*name"),
        (SEVERAL.replace('slug = "post_se"\n', ""), r"^f: carrier '\?': .*slug"),
        (SEVERAL.replace('docs = "docs/se.md"', "colour = 1"), "^f: carrier 'post_se': .*colour"),
        ("carrier = 1", "^f: .*carrier"),
        ("carrier = [1]", "^f: .*carrier"),
        ("[carrier]\nslug = 'acme'", "^f: .*carrier"),
    ],
)
def test_a_wrong_carrier_of_several_is_named(text: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        load_manifests(text, file="f")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ManifestError):
        load_manifest(text, file="f")
    with suppress(ManifestError):
        load_manifests(text, file="f")


@given(st.text("[]{}()0-9,|?*+\\AZ.^$:<>P=!", max_size=14))
def test_any_pattern_is_accepted_or_refused(pattern: str) -> None:
    with suppress(ManifestError):
        load_manifest(formatted(pattern), file="f")
