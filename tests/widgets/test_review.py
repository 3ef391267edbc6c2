import msgspec
import pytest

from doorstep import OrderFacts, Status, Voice, When
from doorstep.testing import WidgetContract
from doorstep_review import LONGEST, Review, Settings

URL = "https://reviews.example/leaf"
MIRA = Voice("On time and <b>dry</b>", 5, "Mira", "en")
JONAS = Voice("Alles gut", 0, "", "de")


def review(**settings):
    return Review(msgspec.convert({"url": URL, **settings}, Settings))


def answered(score, of=5, moment="after_delivery"):
    return {"survey": {moment: {"score": score, "of": of}}}


class TestContract(WidgetContract):
    package = "doorstep_review"
    settings = {"url": {"en": URL, "de": f"{URL}/de"}, "markets": {"AT": f"{URL}/at"}}


@pytest.mark.parametrize(
    ("settings", "answers", "asked"),
    [
        ({}, {}, False),
        ({}, {"survey": {}}, False),
        ({}, answered(4), True),
        ({}, answered(3), False),
        ({"from_score": 5}, answered(4), False),
        ({}, answered(9, 10), True),
        ({}, answered(8, 10), False),
        ({"from_nps": 8}, answered(8, 10), True),
        ({}, {"survey": {"after_delivery": {"fit": "well"}}}, False),
        ({}, {"survey": {"on_the_way": {"score": 5, "of": 5}}}, True),
    ],
)
def test_only_a_good_answer_of_this_order_leads_to_the_review_page(view, render, settings, answers, asked):
    page = view(Status.DELIVERED, level=1, answers=answers)
    if asked:
        [link] = render(review(**settings), page).findall(".//a")
        assert link.get("href") == URL
    else:
        assert review(**settings).context(page) is None


def test_the_last_moment_counts(view):
    spoilt = {"survey": {"on_the_way": {"score": 5, "of": 5}, "after_delivery": {"score": 1, "of": 5}}}
    assert review().context(view(Status.DELIVERED, level=1, answers=spoilt)) is None


@pytest.mark.parametrize(
    ("country", "language", "url"),
    [("DE", "en", URL), ("AT", "en", f"{URL}/at"), ("AT", "de", f"{URL}/at/de"), ("", "de", URL)],
)
def test_the_page_is_the_markets_in_the_readers_language(view, country, language, url):
    widget = review(markets={"AT": {"en": f"{URL}/at", "de": f"{URL}/at/de"}})
    page = view(None, level=1, language=language, answers=answered(5))
    order = OrderFacts("ord_1", page.today, country=country)
    assert widget.context(msgspec.structs.replace(page, order=order)).url == url


def test_voices_are_shown_to_everybody_those_of_the_pages_language_first(view, render):
    page = render(review(), view(Status.IN_TRANSIT, language="de-AT", voices=(MIRA, JONAS)))
    quotes = page.findall(".//blockquote")
    assert [(one.get("lang"), one.text) for one in quotes] == [("de", "Alles gut"), ("en", "On time and <b>dry</b>")]
    [note] = page.findall(".//li/p")
    assert "".join(note.itertext()).split() == ["★★★★★5", "of", "5", "Mira"]
    assert page.find(".//a") is None


def test_as_many_voices_are_shown_as_the_shop_wants(view):
    page = view(Status.IN_TRANSIT, voices=(MIRA,) * 9)
    assert len(review().context(page).voices) == 3
    assert len(review(count=6).context(page).voices) == 6
    assert review(count=0).context(page) is None


def test_without_a_voice_and_a_good_answer_there_is_nothing(view):
    assert review().context(view(Status.DELIVERED)) is None


def test_a_long_voice_is_cut_between_words(view):
    words = ("word " * 80).strip()  # 399 characters
    [said] = review().context(view(voices=(Voice(words, 5),))).voices
    assert (said.text, said.cut) == (("word " * 56).strip(), True)  # 279 characters
    [whole] = review().context(view(voices=(Voice("x" * 2 * LONGEST, 5),))).voices
    assert (whole.text, whole.cut) == ("x" * LONGEST, True)
    [short] = review().context(view(voices=(Voice("Two\n\nlines", 5),))).voices
    assert (short.text, short.cut) == ("Two lines", False)


def test_it_declares_what_it_sees_and_is_silent_in_trouble():
    assert Review.answers_of == ("survey",)
    assert set(Review.needs) == {"shipment", "order", "voices"}
    assert Status.LOST in Review.when.except_status
    assert isinstance(Review.when, When)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"url": "javascript:alert(1)"}, "cannot be linked"),
        ({"url": {"de": "//evil.example"}}, "cannot be linked"),
        ({"markets": {"DE": "https://a@evil.example"}}, "cannot be linked"),
        ({"markets": {"Germany": URL}}, "markets.Germany"),
        ({"from_score": 6}, "<= 5"),
        ({"count": 7}, "<= 6"),
    ],
)
def test_impossible_settings_are_refused(settings, reason):
    with pytest.raises(msgspec.ValidationError) as refused:
        review(**settings)
    assert reason in str(refused.value)
