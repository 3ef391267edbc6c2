import pytest

from doorstep import in_language

TEXTS = {"en": "colour", "pt": "cor", "pt_BR": "tom", "zh-Hant": "顏色"}


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("en", ("colour", "en")),
        ("en-GB", ("colour", "en")),
        ("pt-PT", ("cor", "pt")),
        ("pt-BR", ("tom", "pt-BR")),
        ("pt_br", ("tom", "pt-BR")),
        ("zh-Hant-TW", ("顏色", "zh-Hant")),
        ("zh-Hans", ("colour", "en")),
        ("de", ("colour", "en")),
    ],
)
def test_the_nearest_language_is_taken_and_said(language, phrase):
    assert in_language(TEXTS, language) == phrase


def test_one_text_is_for_every_language_and_stands_under_none():
    assert in_language("colour", "de") == ("colour", "")


@pytest.mark.parametrize("nothing", ["", {}, {"en": ""}])
def test_no_text_is_none(nothing):
    assert in_language(nothing, "en")[0] == ""
