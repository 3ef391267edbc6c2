"""Countries as carriers write them."""

import pytest

from doorstep.countries import alpha2, named


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"), ("de", "DE"), ("DEU", "DE"), ("Germany", "DE"), (" GERMANY ", "DE"), ("GBR", "GB"), ("UK", "GB"),
        ("United Kingdom", "GB"), ("USA", "US"), ("United States of America", "US"), ("UAE", "AE"), ("ARE", "AE"),
        ("United Arab Emirates", "AE"), ("KSA", "SA"), ("Türkiye", "TR"), ("Turkey", "TR"), ("GEO", "GE"), ("GE", "GE"),
        ("TURKIYE", "TR"), ("Bosnia and Herzegovina", "BA"), ("BOSNIA & HERZEGOVINA", "BA"), ("Saint Lucia", "LC"),
        ("St. Lucia", "LC"), ("REUNION", "RE"), ("Cote d’Ivoire", "CI"),
        ("Korea, Republic of", "KR"), ("The Netherlands", "NL"),
    ],
)  # fmt: skip
def test_codes_and_english_names_are_known(text: str, code: str) -> None:
    assert alpha2(text) == code


@pytest.mark.parametrize("text", ["", "EU", "European Union", "XX", "ZZ", "Georgia", "Lyon", "D", "DEUT", "12"])
def test_what_is_no_country_or_not_surely_one_is_nothing(text: str) -> None:
    assert alpha2(text) == ""


@pytest.mark.parametrize(("text", "code"), [("Germany", "DE"), ("UAE", "AE"), ("CA", ""), ("BLR", ""), ("Georgia", "")])
def test_in_free_text_only_names_count(text: str, code: str) -> None:
    assert named(text) == code


@pytest.mark.parametrize(
    ("text", "language", "country"),
    [
        ("Deutschland", "de", "DE"), ("Österreich", "de-AT", "AT"), ("Germany", "de", ""), ("Allemagne", "fr", "DE"),
        ("Germany", "en", "DE"), ("Deutschland", "xx", ""), ("Deutschland", "no language", ""), ("", "de", ""),
    ],
)  # fmt: skip
def test_a_name_is_read_in_the_language_it_was_asked_in(text: str, language: str, country: str) -> None:
    assert named(text, language) == country
