"""Recognition: what was typed becomes a number or a refusal, and a number its ranked candidates."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from doorstep import Manifest
from doorstep.errors import NumberError
from doorstep.manifest import Checksum, Format
from doorstep.recognition import Candidate, Hints, Recognizer, carrier_named, normalise


def manifest(slug: str, *formats: Format, countries: tuple[str, ...] = ()) -> Manifest:
    return Manifest(slug, slug.title(), 1, formats=formats, countries=countries)


def form(pattern: str, rank: int = 50, **fields: Any) -> Format:
    return Format(fields.pop("name", "parcel"), pattern, rank, **fields)


def slugs(candidates: list[Candidate]) -> list[str]:
    return [candidate.carrier for candidate in candidates]


# What was typed.


@pytest.mark.parametrize(
    "typed",
    [
        "1Z999AA10123456784",
        "1z999aa10123456784",
        " 1Z 999 AA1 01 2345 6784 ",
        "1Z-999-AA1-0123456784",
        "1Z.999/AA1_0123456784",
        "1Z\u00a0999\u202fAA1\u20090123456784",
        "1Z999AA1\u200b0123456784\u200e",
        "\u202d1Z999AA10123456784\u202c",
        "\ufeff1Z999AA10123456784",
        "1Z\t999AA1\r\n0123456784",
        "１Ｚ９９９ＡＡ１０１２３４５６７８４",
        "1Z٩٩٩AA١٠١٢٣٤٥٦٧٨٤",
        "1Z९९९AA१०१२३४५६७८४",
        "1Z·999AA10123456784",
        "1Z999AA1\u00ad0123456784",
        "1Z‐999‑AA1–0123−456784",
        "1Z999АА10123456784",  # Cyrillic А
        "1z999аа10123456784",
        "1Ζ999ΑΑ10123456784",  # Greek Ζ and Α
        "Tracking number: 1Z 999 AA1 01 2345 6784",
        "Sendungsnr. #1z999aa10123456784",
        "https://www.carrier.example/track?loc=en_US&tracknum=1Z999AA10123456784",
        "HTTPS://carrier.example/2026/1z999aa10123456784/",
        "See https://carrier.example/t/1Z999AA10123456784#1Z999AA10123456784",
    ],
)
def test_a_number_is_read_however_it_is_written(typed: str) -> None:
    assert normalise(typed) == "1Z999AA10123456784"


def test_the_application_identifier_of_an_sscc_is_dropped() -> None:
    assert normalise("(00) 3 7610425002123456 9") == "376104250021234569"


def test_the_postal_code_in_front_stays_without_its_brackets() -> None:
    assert normalise("(420) 10001 (92) 612 90000000000000 25 0") == "420100019261290000000000000250"


@pytest.mark.parametrize(
    "address",
    [
        "https://carrier.example/track/",
        "https://1z999aa10123456784.example/",
        "https://carrier.example/?a=12345678&b=87654321",  # two that may be meant
        "https://carrier.example/en/track?page=home",
        "ftp://carrier.example/12345678",
    ],
)
def test_an_address_without_one_number_is_refused(address: str) -> None:
    with pytest.raises(NumberError):
        normalise(address)


def test_a_part_of_an_address_is_a_number_from_six_digits_on() -> None:
    assert normalise("https://carrier.example/track/AB123456") == "AB123456"
    with pytest.raises(NumberError):
        normalise("https://carrier.example/track/ABC12345")


def test_the_sign_a_scanner_puts_in_front_of_a_barcode_is_not_the_number_s() -> None:
    assert normalise("%0053101 05318801410058 136 276X") == "005310105318801410058136276X"


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "123", "ABCDEFGH", "1Z999ДА10123456784", "1Σ999AA10123456784", "12345é", "12345😀", "1234½5", "12345\x00",
        "12345\u0301", "<b>12345</b>", "{{7*7}}12345", "12345%2e%2e", "12345?x=1", "12345'--", "12345:67", "(01)12345",
        "12 No: 34", ":", "#",
        "12345\u202e#", "ⅠⅡⅢⅣ",
    ],
)  # fmt: skip
def test_what_cannot_be_a_number_is_refused(typed: str) -> None:
    with pytest.raises(NumberError):
        normalise(typed)


def test_sixty_four_characters_are_the_longest() -> None:
    assert normalise("1" * 64) == "1" * 64
    with pytest.raises(NumberError, match="copy it from the shop's message"):
        normalise("1" * 65)


@pytest.mark.parametrize("typed", ["1" * 129, " " * 129, "١" * 1_000_000, "\ufdfa" * 129])
@pytest.mark.fault(35)
def test_what_is_too_long_is_refused_before_it_is_read(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorstep.recognition.unicodedata", None)  # reading it fails
    with pytest.raises(NumberError, match="too long"):
        normalise(typed)


@given(st.text(max_size=140))
@example("\ufdfa" * 128)
@example("1\u1160" * 60)
@pytest.mark.fault(35)
def test_whatever_is_typed_comes_out_plain_or_not_at_all(typed: str) -> None:
    with suppress(NumberError):
        number = normalise(typed)
        assert number.isascii()
        assert number.isalnum()
        assert number == number.upper()
        assert 4 <= len(number) <= 64
        assert any(char in "0123456789" for char in number)
        assert normalise(number) == number


@given(
    st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=30),
    st.lists(st.sampled_from(" -._/·\t\u00a0")),
)
def test_separators_never_change_the_number(text: str, separators: list[str]) -> None:
    number = text + "7"
    spread = "".join(char + (separators[i] if i < len(separators) else "") for i, char in enumerate(number))
    assert normalise(spread) == normalise(number)


def test_what_is_typed_is_read_up_to_128_characters_with_whatever_stands_between() -> None:
    assert normalise("1234" + " " * 120 + "5678") == "12345678"
    with pytest.raises(NumberError, match="too long"):
        normalise("1234" + " " * 121 + "5678")


@pytest.mark.parametrize("name", ["acme", "ACME", "Acme Express", " acme-express", "AcmeExpress."])
def test_a_carrier_is_found_by_whatever_a_shop_calls_it(name: str) -> None:
    acme = Manifest("acme", "Acme Express", 1)
    assert carrier_named({"acme": acme})(name) == "acme"
    assert carrier_named({"acme": acme})("another one") == ""


# Its candidates.


def test_a_number_without_a_format_has_no_candidates() -> None:
    assert Recognizer([manifest("acme", form("[0-9]{8}"))]).candidates("123456789") == []
    assert Recognizer([]).candidates("12345678") == []


def test_the_whole_number_has_to_match() -> None:
    recognizer = Recognizer([manifest("acme", form("A[0-9]{3}"), form("[0-9]{8}|[0-9]{4}"))])
    assert slugs(recognizer.candidates("A123")) == ["acme"]
    assert slugs(recognizer.candidates("1234")) == ["acme"]
    assert recognizer.candidates("1234567") == []


def test_every_length_a_format_allows_is_found() -> None:
    recognizer = Recognizer([manifest("acme", form("[0-9]{8,10}"))])
    assert [bool(recognizer.candidates("1" * length)) for length in range(7, 12)] == [False, True, True, True, False]


def test_only_formats_of_its_length_see_a_number() -> None:
    seen: list[str] = []

    class Spy:
        def fullmatch(self, number: str) -> None:
            seen.append(number)

    recognizer = Recognizer([manifest("acme", form("[0-9]{8}")), manifest("bolt", form("[0-9]{9}"))])
    for shape in recognizer._shapes:
        vars(shape)["pattern"] = Spy()
    recognizer.candidates("12345678")
    assert seen == ["12345678"]


@pytest.mark.parametrize(
    ("pattern", "number", "tried"),
    [
        ("AB[0-9]{6}", "AB123456", True),
        ("AB[0-9]{6}", "AC123456", False),
        ("(?:JD|JJD)[0-9]{6}", "JJD123456", True),
        ("(?:JD|JJD)[0-9]{6}", "JD1234567", False),
        ("A?B[0-9]{4,6}", "AB12345", True),
        ("A?B[0-9]{4,6}", "BA12345", False),
        ("[A-Z]{2}[0-9]{9}KE", "RR000000102KE", True),
        ("[A-Z]{2}[0-9]{9}KE", "RR000000102KG", False),
        ("[0-9]{6}(?:KE|UG)", "123456UG", True),
        ("[0-9]{6}(?:KE|UG)", "123456UE", True),  # both letters are allowed there; the pattern decides
        ("^[0-9]{6}$", "123456", True),
        ("[^0-9][0-9]{5}", "A12345", True),
        (r"\d{6}", "123456", True),
        ("1[^A]2.[0-9]{2}", "1B2C34", True),
        ("([0-9]{2}[A-Z]?){2,3}", "12A3456", True),
        (r"\(?AB[0-9]{4}CD", "AB1234CD", True),
        ("AB[0-9]{4}|[0-9]{4}AB", "1234AB", True),
        ("[0-9]{64}", "1" * 64, True),
        ("ABC[0-9]{5}", "ABD12345", False),
    ],
)
def test_a_pattern_is_tried_where_length_and_looked_at_characters_allow_it(
    pattern: str, number: str, tried: bool
) -> None:
    assert bool(list(Recognizer([manifest("acme", form(pattern))])._possible(number))) is tried


def test_a_pattern_that_several_carriers_have_is_tried_once() -> None:
    same = form("[0-9]{8}")
    recognizer = Recognizer([manifest("acme", same), manifest("bolt", same), manifest("cargo", form("[0-9]{8}", 9))])
    assert len(list(recognizer._possible("12345678"))) == 1
    assert slugs(recognizer.candidates("12345678")) == ["acme", "bolt", "cargo"]


def test_no_pattern_is_compiled_before_a_number_may_fit_it() -> None:
    recognizer = Recognizer([manifest("acme", form("A[0-9]{7}")), manifest("bolt", form("B[0-9]{7}"))])
    recognizer.candidates("A1234567")
    assert ["pattern" in vars(shape) for shape in recognizer._shapes] == [True, False]


def test_no_format_reaches_beyond_sixty_four_characters() -> None:
    recognizer = Recognizer([manifest("acme", form("[0-9]{60,64}[0-9]{60,64}"), form("[0-9]{60}[0-9]{0,9}"))])
    assert max(recognizer._tables) == 64


def test_higher_rank_comes_first() -> None:
    recognizer = Recognizer([manifest("acme", form("[0-9]{8}", 20)), manifest("bolt", form("[0-9]{8}", 90))])
    assert [(one.carrier, one.score) for one in recognizer.candidates("12345678")] == [("bolt", 0.9), ("acme", 0.2)]


def test_equal_ranks_tie_in_an_order_that_does_not_depend_on_loading() -> None:
    two = [manifest("bolt", form("[0-9]{8}")), manifest("acme", form("[0-9]{8}"))]
    for manifests in (two, two[::-1]):
        candidates = Recognizer(manifests).candidates("12345678")
        assert slugs(candidates) == ["acme", "bolt"]
        assert candidates[0].score == candidates[1].score


def test_a_carrier_appears_once_with_its_best_format() -> None:
    formats = (form("[0-9]{8}", 20, name="freight"), form("1[0-9]{7}", 80, name="express"))
    for order in (formats, formats[::-1]):
        (candidate,) = Recognizer([manifest("acme", *order)]).candidates("12345678")
        assert (candidate.format, candidate.score) == ("express", 0.8)


def test_of_formats_that_are_as_good_the_one_that_the_manifest_has_first_is_named() -> None:
    formats = (form("[0-9]{8}", 50, name="freight"), form("1[0-9]{7}", 50, name="express"))
    for order in (formats, formats[::-1]):
        (candidate,) = Recognizer([manifest("acme", *order)]).candidates("12345678")
        assert candidate.format == order[0].name


def test_a_wrong_check_digit_is_no_candidate_and_a_right_one_is_evidence() -> None:
    checked = form("(?P<serial>[0-9]{10})(?P<check>[0-9])", checksum=Checksum("luhn"))
    recognizer = Recognizer([manifest("acme", checked)])
    (candidate,) = recognizer.candidates("79927398713")  # Luhn's own example
    assert candidate.why == ("has the form of parcel", "its check digit is right")
    assert all(not recognizer.candidates(f"7992739871{digit}") for digit in "012456789")


def test_a_checksum_that_cannot_read_a_number_leaves_other_carriers_working() -> None:
    odd = form("(?P<serial>[0-9A-Z]{7})(?P<check>[0-9A-Z])", checksum=Checksum("luhn"))
    recognizer = Recognizer([manifest("acme", odd), manifest("bolt", form("AB[0-9]{6}"))])
    assert slugs(recognizer.candidates("AB123456")) == ["bolt"]


# What else is known.

TWO = [
    manifest("acme", form("[0-9]{8}", 50), countries=("NO",)),
    manifest("bolt", form("[0-9]{8}", 50), countries=("SE",)),
]


def test_the_shops_own_carrier_comes_first() -> None:
    best, other = Recognizer(TWO).candidates("12345678", Hints(carriers=frozenset({"bolt"})))
    assert (best.carrier, best.score, other.score) == ("bolt", 0.65, 0.5)  # 0.5 + 0.5 · 0.3
    assert "the shop uses this carrier" in best.why


def test_a_country_the_shop_ships_to_speaks_for_a_carrier_and_against_another() -> None:
    best, other = Recognizer(TWO).candidates("12345678", Hints(countries=frozenset({"SE", "FI"})))
    assert (best.carrier, best.score) == ("bolt", 0.55)  # 0.5 + 0.5 · 0.1
    assert (other.carrier, other.score) == ("acme", 0.35)  # 0.5 · 0.7
    assert "it works where the shop ships to" in best.why
    assert "it does not work where the shop ships to" in other.why


@pytest.mark.parametrize("hints", [Hints(origin="SE"), Hints(destination="SE"), Hints(origin="SE", destination="FI")])
def test_where_a_parcel_comes_from_or_goes_to_is_weighed_as_well(hints: Hints) -> None:
    best, other = Recognizer(TWO).candidates("12345678", hints)
    assert (best.carrier, best.score, other.score) == ("bolt", 0.55, 0.35)
    assert best.why[1:] == ("it works where the parcel comes from or goes to",)
    assert other.why[1:] == ("it does not work where the parcel comes from or goes to",)


def test_either_end_of_the_way_is_enough() -> None:
    candidates = Recognizer(TWO).candidates("12345678", Hints(origin="SE", destination="NO"))
    assert [one.score for one in candidates] == [0.55, 0.55]


@pytest.mark.parametrize("number", ["1AB2", "AB1CD", "ABCDEF"])
def test_what_repeats_may_be_of_several_lengths(number: str) -> None:
    assert slugs(Recognizer([manifest("acme", form("([0-9]|[A-Z]{2}){3}"))]).candidates(number)) == ["acme"]


def test_a_score_has_three_digits_after_the_point() -> None:
    recognizer = Recognizer([manifest("acme", form("[0-9]{8}", 57), countries=("SE",))])
    hints = Hints(carriers=frozenset({"acme"}), countries=frozenset({"SE"}))
    (candidate,) = recognizer.candidates("12345678", hints)
    assert candidate.score == 0.729  # 0.57 + 0.43 * 0.3 is 0.699, and a tenth of what is left is 0.0301


def test_a_formats_own_countries_count_instead_of_the_carriers() -> None:
    recognizer = Recognizer([manifest("acme", form("[0-9]{8}", 50, countries=("SE",)), countries=("NO",))])
    (candidate,) = recognizer.candidates("12345678", Hints(countries=frozenset({"SE"})))
    assert candidate.score == 0.55


def test_a_carrier_of_the_whole_world_is_neither_here_nor_there() -> None:
    recognizer = Recognizer([manifest("acme", form("[0-9]{8}", 50))])
    (candidate,) = recognizer.candidates("12345678", Hints(countries=frozenset({"SE"})))
    assert (candidate.score, candidate.why) == (0.5, ("has the form of parcel",))


@given(st.integers(1, 99), st.booleans(), st.sets(st.sampled_from(["NO", "SE", "FI"])))
def test_no_hint_takes_a_score_out_of_its_bounds(rank: int, used: bool, countries: set[str]) -> None:
    recognizer = Recognizer([manifest("acme", form("[0-9]{8}", rank), countries=("NO",))])
    hints = Hints(frozenset({"acme"} if used else ()), frozenset(countries))
    (candidate,) = recognizer.candidates("12345678", hints)
    assert 0 < candidate.score <= 1


# A carrier and a further API of it.


@pytest.mark.parametrize(
    ("used", "named"),
    [
        (set(), ["whole", "other"]),
        ({"other"}, ["whole", "other"]),
        ({"whole"}, ["whole", "other"]),
        ({"part"}, ["part", "other"]),
        ({"part", "whole"}, ["part", "whole", "other"]),
    ],
)
def test_a_carrier_and_its_part_are_one_unless_the_shop_uses_both(used: set[str], named: list[str]) -> None:
    whole, other = manifest("whole", form("[0-9]{9}", 80)), manifest("other", form("[0-9]{9}", 20))
    part = Manifest("part", "Part", 1, formats=whole.formats, part_of="whole")
    recognizer = Recognizer([part, other, whole])
    assert slugs(recognizer.candidates("123456789", Hints(carriers=frozenset(used)))) == named


def test_a_part_without_its_whole_stands_for_itself() -> None:
    part = Manifest("part", "Part", 1, formats=(form("[0-9]{9}"),), part_of="whole")
    assert slugs(Recognizer([part]).candidates("123456789")) == ["part"]
