import msgspec
import pytest

from doorstep import FormProblem, Status, When
from doorstep.testing import WidgetContract
from doorstep_survey import Settings, Survey


def survey(**settings):
    return Survey(msgspec.convert(settings, Settings))


@pytest.fixture
def delivered(view):
    return view(Status.DELIVERED)


class TestContract(WidgetContract):
    package = "doorstep_survey"
    settings = {"question": "Did everything arrive well?", "when": {"status": ["delivered", "available_for_pickup"]}}


def test_the_question_is_asked_after_delivery_unless_the_shop_says_otherwise():
    assert Survey.when == When(status=(Status.DELIVERED,))


@pytest.mark.parametrize(("question", "heading"), [("", "How was your delivery?"), ("All <well>?", "All <well>?")])
def test_the_shops_own_question_replaces_the_translated_one(delivered, render, question, heading):
    page = render(survey(question=question), delivered)
    assert "".join(page.find(".//h2[@id='w1-title']").itertext()) == heading


def test_five_answers_in_words_and_numbers_none_chosen(delivered, render):
    page = render(survey(), delivered)
    labels = page.findall(".//fieldset[@class='choices']/label")
    assert [label.find("span").text for label in labels] == [
        "1 · Very bad",
        "2 · Bad",
        "3 · Neither good nor bad",
        "4 · Good",
        "5 · Very good",
    ]
    radios = [label.find("input") for label in labels]
    assert [radio.get("value") for radio in radios] == ["1", "2", "3", "4", "5"]
    assert {(radio.get("type"), radio.get("name")) for radio in radios} == {("radio", "score")}
    assert all(radio.get("checked") is None for radio in radios)


def test_the_form_is_posted_to_the_action_of_the_view(delivered, render):
    form = render(survey(), delivered).find(".//form")
    assert (form.get("method"), form.get("action")) == ("post", "/track/1/widgets/x")


def test_every_field_has_a_label(delivered, render):
    page = render(survey(), delivered)
    labelled = {label.get("for") for label in page.iter("label")} - {None}
    fields = [*page.findall(".//textarea"), *page.findall(".//div/input")]
    assert {field.get("id") for field in fields} == labelled


def test_the_trap_is_out_of_sight_and_out_of_the_tab_order(delivered, render):
    trap = render(survey(), delivered).find(".//div[@hidden]/input")
    assert (trap.get("name"), trap.get("tabindex"), trap.get("autocomplete")) == ("website", "-1", "off")


def test_a_refused_form_says_why_and_keeps_what_was_typed(view, render):
    typed = {"score": "4", "comment": "\nBox </textarea> wet", "website": "spam"}
    page = render(survey(), view(Status.DELIVERED, problem="Too many answers.", values=typed))
    alert = page.find(".//p[@role='alert']")
    assert alert.text == "Too many answers."
    assert page.find(".//fieldset").get("aria-describedby") == alert.get("id")
    [chosen] = [radio for radio in page.iter("input") if radio.get("checked") is not None]
    assert chosen.get("value") == "4"
    assert page.find(".//textarea").text == "Box </textarea> wet"
    assert page.find(".//div[@hidden]/input").get("value") is None


def test_without_a_problem_there_is_no_alert(delivered, render):
    page = render(survey(), delivered)
    assert page.find(".//*[@role='alert']") is None
    assert page.find(".//fieldset").get("aria-describedby") is None


def test_after_sending_there_is_thanks_and_no_form(view, render):
    page = render(survey(), view(Status.DELIVERED, done=True))
    assert page.find(".//p[@class='done']").text == "Thank you. Your answer has arrived."
    assert page.find(".//form") is None


@pytest.mark.parametrize("score", [1, 2, 3, 4, 5])
def test_an_answer_is_score_comment_and_moment(delivered, score):
    submission = survey().submit({"score": str(score), "comment": "  On time. \r\n", "website": ""}, delivered)
    assert submission.data == {"score": score, "comment": "On time."}
    assert submission.moment == "after_delivery"


def test_the_comment_may_be_left_out(delivered):
    assert survey().submit({"score": "3"}, delivered).data == {"score": 3, "comment": ""}


@pytest.mark.parametrize("score", [None, "", "0", "6", "-1", "5.0", " 5", "55", "five", "٥", "²", "1\n"])
def test_a_score_outside_one_to_five_is_refused(delivered, score):
    form = {"comment": "Fine"} if score is None else {"score": score}
    with pytest.raises(FormProblem, match="choose one of the five"):
        survey().submit(form, delivered)


def test_a_filled_trap_is_refused(delivered):
    with pytest.raises(FormProblem, match="was not sent"):
        survey().submit({"score": "5", "website": "https://spam.example"}, delivered)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("nul\x00 bell\x07 csi\x9b half\ud800", "nul bell csi half"),
        ("می\u200cخواهم 👩\u200d🔧", "می\u200cخواهم 👩\u200d🔧"),
        ("x" * 1000, "x" * 1000),
        ("x" * 100_000, "x" * 1000),
        (" \n\t ", ""),
    ],
)
def test_a_comment_is_kept_plain_and_within_a_thousand_characters(delivered, typed, kept):
    assert survey().submit({"score": "1", "comment": typed}, delivered).data["comment"] == kept


@pytest.mark.parametrize("settings", [{"question": 7}, {"qestion": "?"}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(msgspec.ValidationError):
        survey(**settings)
