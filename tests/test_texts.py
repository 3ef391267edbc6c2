import pytest

from doorstep import Phrase, in_language

TEXTS = {"en": "colour", "pt": "cor", "pt_BR": "tom", "zh-Hant": "顏色"}


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("en", Phrase("colour", "en")),
        ("en-GB", Phrase("colour", "en")),
        ("pt-PT", Phrase("cor", "pt")),
        ("pt-BR", Phrase("tom", "pt-BR")),
        ("pt_br", Phrase("tom", "pt-BR")),
        ("zh-Hant-TW", Phrase("顏色", "zh-Hant")),
        ("zh-Hans", Phrase("colour", "en")),
        ("de", Phrase("colour", "en")),
    ],
)
def test_the_nearest_language_is_taken_and_said(language, phrase):
    assert in_language(TEXTS, language) == phrase


def test_one_text_is_for_every_language_and_stands_under_none():
    assert in_language("colour", "de") == Phrase("colour", "")


@pytest.mark.parametrize("nothing", ["", {}, {"en": ""}])
def test_no_text_is_false(nothing):
    assert not in_language(nothing, "en")
