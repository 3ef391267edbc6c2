"""Numbers of every installed carrier: examples, check digits, and who comes first where several have the same form."""

import random
import re
from collections.abc import Iterator
from importlib.resources import files
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.manifest import Format, Manifest, load_manifests
from doorstep.packages import installed
from doorstep.recognition import Hints, Recognizer, normalise

from ..digits import a_number, holds

HOME = files("doorstep_known_by_number")
FILES = {file.name: file.read_text("utf-8") for file in (HOME / "carriers").iterdir() if file.name.endswith(".toml")}
BY_NUMBER = {name: load_manifests(text, file=name) for name, text in sorted(FILES.items())}
MANIFESTS = {one.slug: one for package in installed() for one in package.manifests()}
FORMATS = [(one.slug, shape) for one in MANIFESTS.values() for shape in one.formats]
RECOGNIZER = Recognizer(MANIFESTS.values())
MOST_TRIES = 16

every_carrier = pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
every_file = pytest.mark.parametrize(("name", "manifests"), BY_NUMBER.items(), ids=BY_NUMBER)


def found(typed: str, hints: Hints = Hints()) -> list[str]:  # noqa: B008
    return [candidate.carrier for candidate in RECOGNIZER.candidates(normalise(typed), hints)]


def wrongly_checked(shape: Format, example: str) -> Iterator[str]:
    """The example with every other character that the pattern allows as its check character."""
    match = re.fullmatch(shape.pattern, example, re.ASCII)
    assert match
    at = match.start("check")
    for char in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        other = example[:at] + char + example[at + 1 :]
        if char != example[at] and re.fullmatch(shape.pattern, other, re.ASCII):
            yield other


# Every manifest.


@every_carrier
def test_every_format_has_two_examples_that_fit_pattern_and_check_digit(manifest: Manifest) -> None:
    for shape in manifest.formats:
        assert len(set(shape.examples)) >= 2, shape.name
        for example in shape.examples:
            match = re.fullmatch(shape.pattern, example, re.ASCII)
            assert match, f"{example} does not fit {shape.name!r}"
            assert shape.checksum is None or holds(shape.checksum, match["serial"], match["check"]), example


@every_carrier
def test_a_number_with_a_wrong_check_digit_is_not_of_its_format(manifest: Manifest) -> None:
    for shape in manifest.formats:
        alone = Recognizer([Manifest(manifest.slug, manifest.name, 1, formats=(shape,))])
        for example in shape.examples if shape.checksum else ():
            wrong = list(wrongly_checked(shape, example))
            assert wrong
            assert not any(alone.candidates(number) for number in wrong), example


@every_carrier
def test_every_example_is_recognised_as_typed_among_all_carriers(manifest: Manifest) -> None:
    used = Hints(carriers=frozenset({manifest.slug} if manifest.part_of else ()))  # else its whole stands for it
    for shape in manifest.formats:
        for example in shape.examples:
            carriers = found(" ".join(re.findall(".{1,4}", example.lower())), used)
            assert manifest.slug in carriers, example
            if shape.rank >= 40:  # below, others with the same form come first
                assert manifest.slug in carriers[:2], f"{example}: {carriers}"
            if shape.rank >= 80:
                assert carriers[0] == manifest.slug, f"{example}: {carriers}"


def test_ranks_follow_one_scale() -> None:
    for slug, shape in FORMATS:
        if shape.checksum is None:
            assert shape.rank <= 88, f"{slug}, {shape.name}: without a check digit nothing is surer"
        digits_alone = not re.search("[A-Z]", shape.pattern.replace("(?P", ""))
        if digits_alone and shape.checksum is None and shape.pattern.startswith("[0-9]{"):
            assert shape.rank <= 10 or "{24}" in shape.pattern, f"{slug}, {shape.name}: so many digits and no more"


def test_only_dhl_and_ups_are_ever_even_at_the_top() -> None:
    for _, shape in FORMATS:
        for example in shape.examples:
            first, *others = RECOGNIZER.candidates(normalise(example))
            even = {first.carrier} | {other.carrier for other in others if other.score == first.score}
            assert even == {first.carrier} or (even == {"dhl", "ups"} and example.startswith("9261290")), example


@given(st.text("0123456789", min_size=4, max_size=64) | st.text("0123456789ABCDJLRSUXYZ", min_size=4, max_size=64))
def test_a_number_costs_few_tries_whatever_it_is(number: str) -> None:
    assert len(list(RECOGNIZER._possible(number))) <= MOST_TRIES


@given(st.sampled_from([number for _, shape in FORMATS for number in shape.examples]), st.data())
def test_a_number_that_is_nearly_a_carriers_costs_few_tries_too(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(number) - 1))
    char = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    assert len(list(RECOGNIZER._possible(number[:at] + char + number[at + 1 :]))) <= MOST_TRIES


@given(st.sampled_from([shape for _, shape in FORMATS]), st.integers(0, 2**32))
def test_no_number_that_fits_is_left_untried(shape: Format, seed: int) -> None:
    number = a_number(shape.pattern, random.Random(seed))
    if 4 <= len(number) <= 64:
        tried = [one for one in RECOGNIZER._possible(number) if one.pattern.pattern == shape.pattern]
        assert len(tried) >= 1


# The package of those that are known by number.


def test_package_is_data_without_code() -> None:
    assert not (HOME / "__init__.py").is_file()
    assert not (HOME / "py.typed").is_file()


@every_file
def test_a_file_is_named_after_its_carrier_or_holds_several(name: str, manifests: list[Manifest]) -> None:
    assert name == f"{manifests[0].slug}.toml" or len(manifests) > 1


@every_file
def test_carriers_known_by_number_are_not_asked_and_have_a_page(name: str, manifests: list[Manifest]) -> None:
    for one in manifests:
        assert not one.asks
        assert one.formats
        assert one.docs == "docs/carriers/known_by_number.md"


@every_file
def test_a_link_leads_to_the_number(name: str, manifests: list[Manifest]) -> None:
    for one in manifests:
        for link in filter(None, (one.link, *one.links.values())):
            assert link.count("{number}") == 1
            assert urlsplit(link).hostname


def test_the_posts_of_the_world_are_known() -> None:
    posts = {one.slug: one for several in BY_NUMBER.values() for one in several if one.slug.startswith("post_")}
    assert len(posts) > 180
    assert posts["post_ke"].name == "Posta Kenya"
    for slug, post in posts.items():
        assert post.countries == (slug.removeprefix("post_").upper(),)


# S10: the serial 00000010 adds up to 1·9 = 9, so its check digit is 11 − 9 = 2.


ISSUERS = {
    "AT": "austrian_post", "AU": "australia_post", "BE": "bpost", "BR": "correios", "CA": "canada_post", "CH": "swiss_post",
    "DE": "dhl", "DK": "postnord", "FR": "la_poste", "GB": "royal_mail", "JP": "japan_post", "NL": "postnl", "NO": "bring",
    "SE": "postnord", "US": "usps",
}  # fmt: skip
OTHERS = ("CN", "ES", "FI", "HK", "IN", "IT", "KE", "PL", "SG", "TW", "UA", "ZW")


def issuer(country: str) -> str:
    return ISSUERS.get(country, f"post_{country.lower()}")


@pytest.mark.parametrize("country", [*ISSUERS, *OTHERS])
@pytest.mark.parametrize("indicator", ["RR", "CP", "EE", "LX", "UV"])
def test_a_postal_number_is_the_issuing_posts(indicator: str, country: str) -> None:
    best, *others = RECOGNIZER.candidates(f"{indicator}000000102{country}")
    assert best.carrier == issuer(country)
    assert 0.85 <= best.score <= 0.92
    assert all(other.score <= 0.12 for other in others)


@pytest.mark.parametrize("country", [*ISSUERS, *OTHERS])
@pytest.mark.parametrize("indicator", ["RR", "LX"])
def test_a_postal_number_with_a_wrong_check_digit_is_nobodys(indicator: str, country: str) -> None:
    assert all(found(f"{indicator}00000010{digit}{country}") == [] for digit in "013456789")


def test_a_postal_number_of_no_known_post_is_nobodys() -> None:
    assert found("RR000000102QQ") == []


def test_one_post_in_two_hundred_is_tried() -> None:
    assert len(list(RECOGNIZER._possible("RR000000102KE"))) == 1


# Where several carriers have the same form. The check digits are worked out beside the numbers.


@pytest.mark.parametrize(
    ("number", "first"),
    [
        # FedEx 3·3 + 1·2 = 11, mod 11 = 0; Luhn 2·2 + 2·3 = 10, 0 to the next ten
        ("300000000020", ["fedex", "purolator"]),
        # Luhn 2·2 + 3 + 7 + 5 + 7 = 26, 4 to the next ten; 7770000032 mod 7 = 32 mod 7 = 4
        ("77700000324", ["old_dominion", "dhl"]),
        # 10 mod 7 = 3, 10² mod 7 = 2, 10⁴ mod 7 = 4, 10⁸ mod 7 = 16 mod 7 = 2
        ("1000000002", ["dhl"]),
        # Weights 1, 3: 3·5 + 1 + 3 + 3·8 = 43, 7 to the next ten; MOD 37,36 is 7 as well
        ("050000000010387", ["fedex", "dpd"]),
        ("JFV000000000", ["purolator", "dhl"]),
        ("JD0000000000000000", ["yodel", "dhl"]),
        ("JJD000000000000000000", ["dhl"]),
        # 3·9 + 2 + 3·6 + 1 + 3·2 + 9 + 2 + 3·5 = 80; the last fourteen digits are FedEx's, too: 3·2 + 5 = 11, mod 11 = 0
        ("4201000100009261290000000000000250", ["usps", "dhl"]),
        # The same serial with its last 5: 3·9 + 2 + 3·6 + 1 + 3·2 + 9 + 3·5 = 78, 2 to the next ten
        ("9261290000000000000052", ["dhl", "ups"]),
        # 3·9 + 2 + 3·6 + 1 + 3·2 + 9 + 3·9 = 90
        ("9261299000000000000000", ["fedex", "usps"]),
        # 3·9 + 2 + 3·7 + 4 + 3·8 + 9 = 87, 3 to the next ten
        ("9274890000000000000003", ["fedex", "usps"]),
        # 3·9 + 4 + 3·7 + 4 + 3·8 = 80
        ("9474800000000000000000", ["dhl", "usps"]),
        # 3·9 + 3 + 3·6 + 1 = 49, 1 to the next ten
        ("9361000000000000000001", ["dhl", "usps"]),
        # 3·9 + 4 = 31, 9 to the next ten
        ("9400000000000000000009", ["usps"]),
        # 3·9 + 5 = 32, 8 to the next ten
        ("9500000000000000000008", ["usps"]),
        # 3·9 + 2 + 9 (the mailer's) = 38, 2 to the next ten
        ("9200090000000000000002", ["usps", "ups"]),
        # 92 in front counts: 3·9 + 2 + 3·6 + 1 = 48, 2 to the next ten
        ("61000000000000000002", ["fedex"]),
        # 3·0 + 3 = 3, 7 to the next ten; with 91 in front 28 more: 31, 9
        ("03000000000000000007", ["usps"]),
        ("03000000000000000009", ["usps"]),
        # 3·3 + 4 + 3·0 + 4 + 3·3 + 4 = 30
        ("00340434000000000000", ["dhl", "sscc"]),
        ("(00) 340434 000000 00000 0", ["dhl", "sscc"]),
        # 3·3 + 7 + 3·3 = 25, 5 to the next ten
        ("00373000000000000005", ["postnord", "sscc"]),
        ("373000000000000005", ["postnord", "sscc"]),
        # GS1's own example
        ("376104250021234569", ["sscc"]),
        ("997000000000000000", ["swiss_post"]),
        # The first seven digits do not count
        ("9600000000000000000000", ["fedex"]),
        # 3·1 = 3, 7 to the next ten
        ("1000000000000007", ["canada_post", "evri"]),
        ("1000000000000008", ["evri"]),
        ("00000000000000", ["dpd", "dhl"]),
        ("10000000000000", ["dpd", "dhl"]),
        ("323200000000000000000000", ["bpost", "inpost"]),
        ("323280000000000000000000", ["postnl", "bpost"]),
        ("600000000000000000000000", ["inpost"]),
        ("3SABCD000000001", ["postnl"]),
        ("TBA000000000001", ["amazon_shipping"]),
        ("ZK00AB12", ["gls"]),
        ("SF0000000000001", ["sf_express"]),
        # The C counts as a 4: 4 + 2·1 = 6, 4 to the next ten
        ("C10000000000004", ["ontrac"]),
        # 4 stands there: 4, 6 to the next ten
        ("C40000000000006", ["ontrac"]),
        # A is 2: 1·2 = 2, 8 to the next ten
        ("1za000000000000008", ["ups"]),
    ],
)
def test_the_likelier_carrier_comes_first(number: str, first: list[str]) -> None:
    assert found(number)[: len(first)] == first


def test_nothing_tells_dhl_from_ups_in_the_range_that_both_have() -> None:
    first, second, third, *_ = RECOGNIZER.candidates("9261290000000000000052")
    assert [first.carrier, second.carrier, first.score] == ["dhl", "ups", second.score]
    assert third.score <= first.score - 0.15, "the US post is asked when neither of them knows the number"


def test_what_the_shop_uses_decides_between_carriers_with_one_form() -> None:
    assert found("300000000020", Hints(carriers=frozenset({"purolator"})))[0] == "fedex"
    assert (
        found("300000000020", Hints(carriers=frozenset({"purolator"}), countries=frozenset({"CA"})))[0] == "purolator"
    )
    assert found("050000000010387", Hints(carriers=frozenset({"dpd"}), destination="DE"))[0] == "dpd"
    assert found("9261290000000000000052", Hints(carriers=frozenset({"ups"})))[0] == "ups"
