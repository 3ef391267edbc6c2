import msgspec
import pytest

from doorstep import TROUBLE, FormProblem, Kind, Status, StoreView
from doorstep.testing import WidgetContract
from doorstep_survey import Settings, Survey

NPS = {"after_delivery": {"kind": "nps"}}
OWN = {
    "after_delivery": {
        "kind": "questions",
        "comment": False,
        "questions": [
            {"id": "fit", "kind": "choice", "text": "How does it fit?", "options": {"small": "Small", "well": "Well"}},
            {
                "id": "why",
                "kind": "choice",
                "several": True,
                "text": {"en": "Why us?", "de": "Warum wir?"},
                "options": {"price": {"en": "Price", "de": "Preis"}, "taste": "Taste"},
            },
            {"id": "packing", "kind": "scale", "top": 3, "text": "And the box?", "low": "Poor", "required": True},
            {"id": "more", "text": "What else?"},
        ],
    }
}
SHARED = {"after_delivery": {"share": True}}
ALL = {"after_checkout": {"kind": "stars"}, "on_the_way": {}, "after_delivery": {"kind": "nps"}}


def survey(**settings):
    return Survey(msgspec.convert(settings, Settings))


@pytest.fixture
def delivered(view):
    return view(Status.DELIVERED)


def answered(data, moment="after_delivery"):
    return {"survey": {moment: data}}


def moments(widget, view, level=1):
    """Which moment it is at each status, where there is one."""
    found = {status: widget.context(view(status, level=level)) for status in (None, *Status)}
    return {status: context.moment for status, context in found.items() if context is not None}


class TestContract(WidgetContract):
    package = "doorstep_survey"
    settings = {"on_the_way": {**OWN["after_delivery"], "kind": "csat", "comment": True, "share": True}}


def test_without_settings_the_delivery_alone_is_asked_about(view):
    assert moments(survey(), view) == {Status.DELIVERED: "after_delivery"}


def test_each_moment_has_its_statuses_and_none_is_one_of_trouble(view):
    before = {None, Status.PENDING, Status.LABEL_CREATED}
    found = moments(survey(**ALL), view)
    assert found.keys() == {None, *Status} - set(TROUBLE)
    assert {status for status, moment in found.items() if moment == "after_checkout"} == before
    assert {status for status, moment in found.items() if moment == "after_delivery"} == {Status.DELIVERED}


def test_who_has_only_the_number_is_not_asked_about_buying(view):
    assert "after_checkout" not in moments(survey(**ALL), view, level=0).values()


def test_the_shop_may_ask_at_other_statuses(view):
    asked = survey(after_delivery={"status": ["available_for_pickup"]})
    assert moments(asked, view) == {Status.AVAILABLE_FOR_PICKUP: "after_delivery"}


@pytest.mark.parametrize(
    ("settings", "status", "heading"),
    [
        ({}, Status.DELIVERED, "How was your delivery?"),
        (NPS, Status.DELIVERED, "How likely are you to recommend Leaf & Loom to a friend?"),
        ({"after_checkout": {}}, None, "How was ordering with us?"),
        ({"on_the_way": {}}, Status.IN_TRANSIT, "How well do we keep you informed?"),
        ({"after_delivery": {"question": "All <well>?"}}, Status.DELIVERED, "All <well>?"),
        ({"after_delivery": {"question": {"de": "Gut?", "en": "Fine?"}}}, Status.DELIVERED, "Fine?"),
    ],
)
def test_the_shops_own_question_replaces_the_translated_one(view, render, settings, status, heading):
    page = render(survey(**settings), view(status, level=1))
    assert "".join(page.find(".//h2[@id='w1-title']").itertext()) == heading


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("csat", ["1 · Very bad", "2 · Bad", "3 · Neither good nor bad", "4 · Good", "5 · Very good"]),
        ("nps", [str(n) for n in range(11)]),
        ("stars", [f"{n} ★" for n in range(1, 6)]),
    ],
)
def test_a_scale_has_its_steps_in_order_none_chosen(delivered, render, kind, labels):
    page = render(survey(after_delivery={"kind": kind}), delivered)
    found = page.findall(".//fieldset[@class='choices']/label")
    assert ["".join(label.itertext()).strip() for label in found] == labels
    radios = [label.find("input") for label in found]
    assert [radio.get("value") for radio in radios] == [label.split()[0] for label in labels]
    assert {(radio.get("type"), radio.get("name")) for radio in radios} == {("radio", "score")}
    assert all(radio.get("checked") is None and radio.get("required") is not None for radio in radios)


def test_own_questions_are_drawn_in_the_pages_language(view, render):
    page = render(survey(**OWN), view(Status.DELIVERED, language="de"))
    several = page.findall(".//fieldset")[1]
    legend = several.find("legend/bdi")
    assert (legend.text, legend.get("lang")) == ("Warum wir?", "de")
    boxes = several.findall(".//input")
    assert [(box.get("type"), box.get("name")) for box in boxes] == [
        ("checkbox", "q-why-price"),
        ("checkbox", "q-why-taste"),
    ]
    assert [word.text for word in several.findall("label/span/bdi")] == ["Preis", "Taste"]
    assert {one.get("name") for one in page.iter("input") if one.get("required") is not None} == {"q-packing"}


def test_the_form_is_posted_to_the_action_of_the_view(delivered, render):
    form = render(survey(), delivered).find(".//form")
    assert (form.get("method"), form.get("action")) == ("post", "?widget=x")


@pytest.mark.parametrize("settings", [{}, SHARED, OWN])
def test_every_field_has_a_label_and_every_group_a_name(view, render, settings):
    page = render(survey(**settings), view(Status.DELIVERED, level=1))
    labelled = {label.get("for") for label in page.iter("label")} - {None}
    fields = [*page.findall(".//textarea"), *page.findall(".//div/input")]
    assert {field.get("id") for field in fields} == labelled
    assert all("".join(one.find("legend").itertext()).strip() for one in page.iter("fieldset"))


def test_the_trap_is_out_of_sight_and_out_of_the_tab_order(delivered, render):
    trap = render(survey(), delivered).find(".//div[@hidden]/input")
    assert (trap.get("name"), trap.get("tabindex"), trap.get("autocomplete")) == ("website", "-1", "off")


def test_a_refused_form_says_why_and_keeps_what_was_typed(view, render):
    typed = {"score": "4", "comment": "\nBox </textarea> wet", "website": "spam", "share": "1", "name": 'Mi"ra'}
    page = render(survey(**SHARED), view(Status.DELIVERED, level=1, problem="Too many answers.", values=typed))
    alert = page.find(".//p[@role='alert']")
    assert alert.text == "Too many answers."
    assert page.find(".//fieldset").get("aria-describedby") == alert.get("id")
    chosen = [one for one in page.iter("input") if one.get("checked") is not None]
    assert [(one.get("name"), one.get("value")) for one in chosen] == [("score", "4"), ("share", "1")]
    assert page.find(".//textarea").text == "Box </textarea> wet"
    assert page.find(".//input[@name='name']").get("value") == 'Mi"ra'
    assert page.find(".//div[@hidden]/input").get("value") is None


def test_what_was_typed_into_own_questions_comes_back(view, render):
    typed = {"q-fit": "well", "q-why-taste": "1", "q-packing": "2", "q-more": "Nothing <b>", "moment": "after_delivery"}
    page = render(survey(**OWN), view(Status.DELIVERED, problem="No.", values=typed))
    chosen = [one for one in page.iter("input") if one.get("checked") is not None]
    assert {one.get("name"): one.get("value") for one in chosen} == {
        "q-fit": "well", "q-why-taste": "1", "q-packing": "2",
    }  # fmt: skip
    assert page.find(".//textarea").text == "Nothing <b>"


def test_without_a_problem_there_is_no_alert(delivered, render):
    page = render(survey(), delivered)
    assert page.find(".//*[@role='alert']") is None
    assert page.find(".//fieldset").get("aria-describedby") is None


def test_after_sending_there_is_thanks_and_no_form_for_who_has_only_the_number(view, render):
    page = render(survey(), view(Status.DELIVERED, done=True))
    assert page.find(".//p[@class='done']").text == "Thank you. Your answer has arrived."
    assert page.find(".//form") is None


def test_a_kept_answer_is_thanked_for_and_can_be_changed(view, render):
    kept = {"score": 3, "of": 5, "comment": "So <so>", "share": True, "name": "Mira", "language": "en"}
    page = render(survey(**SHARED), view(Status.DELIVERED, level=1, answers=answered(kept)))
    assert page.find(".//p[@class='done']").get("role") is None  # nothing has just happened
    folded = page.find(".//details")
    assert (folded.find("summary").text, folded.get("open")) == ("Change your answer", None)
    chosen = [one.get("value") for one in folded.iter("input") if one.get("checked") is not None]
    assert chosen == ["3", "1"]
    assert folded.find(".//textarea").text == "So <so>"
    assert folded.find(".//input[@name='name']").get("value") == "Mira"


def test_a_kept_answer_to_questions_the_shop_asks_differently_by_now_is_no_error(view, render):
    kept = {"fit": "huge", "why": ["taste", "weather"], "packing": 9, "more": ["x"], "gone": 1}
    page = render(survey(**OWN), view(Status.DELIVERED, level=1, answers=answered(kept)))
    chosen = [one.get("name") for one in page.iter("input") if one.get("checked") is not None]
    assert chosen == ["q-why-taste"]


def test_an_answer_of_another_moment_is_not_this_ones(view, render):
    kept = answered({"score": 5, "of": 5}, "on_the_way")
    page = render(survey(), view(Status.DELIVERED, level=1, answers=kept))
    assert page.find(".//details") is None


def test_who_is_unhappy_is_helped_and_not_asked_to_tell_others(view, render):
    shop = StoreView("main", "Leaf & Loom", contact_url="https://shop.example/help")
    widget = survey(review_url="https://reviews.example/leaf")
    page = render(widget, view(Status.DELIVERED, level=1, store=shop, answers=answered({"score": 2, "of": 5})))
    assert [one.get("href") for one in page.iter("a")] == ["#form-call", "https://shop.example/help"]


@pytest.mark.parametrize(
    ("settings", "score", "asked"),
    [({}, 4, True), ({}, 3, False), (NPS, 9, True), (NPS, 8, False), (NPS, 6, False),
     ({"after_delivery": {"happy_from": 5}}, 4, False), ({"after_delivery": {"unhappy_to": 3}}, 5, True)],
)  # fmt: skip
def test_who_is_happy_is_asked_to_tell_others_in_their_language(view, render, settings, score, asked):
    widget = survey(review_url={"en": "https://reviews.example/en", "de": "https://reviews.example/de"}, **settings)
    page = render(widget, view(Status.DELIVERED, level=1, language="de", answers=answered({"score": score})))
    happy = [one.get("href") for one in page.iter("a") if "reviews" in one.get("href")]
    assert happy == (["https://reviews.example/de"] if asked else [])


@pytest.mark.parametrize(("kind", "best"), [("csat", 5), ("stars", 5), ("nps", 10)])
def test_an_answer_is_score_scale_comment_and_moment(delivered, kind, best):
    widget = survey(after_delivery={"kind": kind})
    submission = widget.submit({"score": "4", "comment": "  On time. \r\n", "website": ""}, delivered)
    assert submission.data == {"score": 4, "of": best, "comment": "On time."}
    assert submission.moment == "after_delivery"


def test_own_questions_are_kept_by_their_ids(delivered):
    form = {"q-fit": "well", "q-why-taste": "1", "q-why-price": "", "q-packing": "3", "q-more": " - "}
    data = survey(**OWN).submit(form, delivered).data
    assert data == {"fit": "well", "why": ["taste"], "packing": 3, "more": "-"}


@pytest.mark.parametrize(
    ("form", "problem"),
    [({}, "every question that is not optional"), ({"q-packing": "4", "q-fit": "well"}, "every question"),
     ({"q-packing": "²"}, "every question")],
)  # fmt: skip
def test_a_question_that_is_required_must_be_answered(delivered, form, problem):
    with pytest.raises(FormProblem, match=problem):
        survey(**OWN).submit(form, delivered)


def test_an_empty_form_of_optional_questions_is_no_answer(delivered):
    widget = survey(after_delivery={"kind": "questions", "questions": [{"id": "more", "text": "What else?"}]})
    with pytest.raises(FormProblem, match="at least one"):
        widget.submit({"q-more": " \n", "q-other": "x"}, delivered)


@pytest.mark.parametrize("score", [None, "", "0", "6", "-1", "5.0", " 5", "55", "five", "٥", "²", "1\n"])
def test_a_score_outside_the_scale_is_refused(delivered, score):
    form = {"comment": "Fine"} if score is None else {"score": score}
    with pytest.raises(FormProblem, match="choose one of the answers"):
        survey().submit(form, delivered)


def test_a_filled_trap_is_refused(delivered):
    with pytest.raises(FormProblem, match="was not sent"):
        survey().submit({"score": "5", "website": "https://spam.example"}, delivered)


def test_words_are_shared_only_with_leave_and_only_by_who_has_the_orders_link(view):
    form = {"score": "5", "comment": "Lovely", "share": "1", "name": " Mira \n M. "}
    customer = view(Status.DELIVERED, level=1, language="de")
    assert survey(**SHARED).submit(form, customer).data == {
        "score": 5, "of": 5, "comment": "Lovely", "share": True, "name": "Mira M.", "language": "de",
    }  # fmt: skip
    plain = {"score": 5, "of": 5, "comment": "Lovely"}
    assert survey(**SHARED).submit(form, view(Status.DELIVERED)).data == plain
    assert survey().submit(form, customer).data == plain
    assert survey(**SHARED).submit({**form, "share": ""}, customer).data == plain
    assert "share" not in survey(**SHARED).submit({**form, "comment": " "}, customer).data


def test_leave_is_asked_for_only_where_the_shop_wants_it_and_the_customer_is_known(view, render):
    for widget, level, asked in ((survey(**SHARED), 1, True), (survey(**SHARED), 0, False), (survey(), 1, False)):
        page = render(widget, view(Status.DELIVERED, level=level))
        assert (page.find(".//input[@name='share']") is not None) is asked


@pytest.mark.parametrize("status", [Status.IN_TRANSIT, Status.LOST])
def test_nobody_answers_before_being_asked(view, status):
    for form in ({"score": "5"}, {"score": "5", "moment": "after_delivery"}):
        with pytest.raises(FormProblem, match="cannot be answered"):
            survey().submit(form, view(status))


def test_a_form_that_lay_open_while_the_parcel_moved_on_answers_what_it_asked(view):
    form = {"score": "5", "moment": "on_the_way"}
    for status in (Status.IN_TRANSIT, Status.DELIVERED, Status.EXCEPTION):
        assert survey(**ALL).submit(form, view(status)).moment == "on_the_way"
    with pytest.raises(FormProblem):
        survey(**ALL).submit({**form, "moment": "after_checkout"}, view(Status.DELIVERED))
    bought = survey(**ALL).submit({**form, "moment": "after_checkout"}, view(Status.DELIVERED, level=1))
    assert bought.moment == "after_checkout"


def test_a_moment_nobody_asks_at_is_the_present_one(view):
    assert survey().submit({"score": "5", "moment": "../x"}, view(Status.DELIVERED)).moment == "after_delivery"


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


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"status": ["arrived"]}, "arrived"),
        ({"kind": "smileys"}, "smileys"),
        ({"qestion": "?"}, "qestion"),
        ({"kind": "questions"}, "needs questions"),
        ({"unhappy_to": 4}, "unhappy_to 4 is not less than happy_from 4"),
        ({"share": True, "comment": False}, "leave comment = true"),
        ({"questions": [{"id": "score", "text": "?"}]}, "id 'score' cannot be kept"),
        ({"questions": [{"id": "Bad id", "text": "?"}]}, "id 'Bad id' cannot be kept"),
        ({"questions": [{"id": "a", "text": ""}]}, "'a' has no text"),
        ({"questions": [{"id": "a", "text": "?"}] * 2}, "two questions have the id 'a'"),
        ({"questions": [{"id": "a", "text": "?", "kind": "choice", "options": {"x": "X"}}]}, "needs 2 to 12 options"),
        ({"questions": [{"id": "a", "text": "?", "options": {"x": "X"}}]}, 'write kind = "choice"'),
        ({"questions": [{"id": "a", "text": "?", "kind": "choice", "options": {"x": "X", "-": "Y"}}]}, "option '-'"),
        ({"questions": [{"id": f"q{i}", "text": "?"} for i in range(9)]}, "length <= 8"),
    ],
)
def test_impossible_settings_are_refused_with_what_is_wrong(settings, reason):
    with pytest.raises(msgspec.ValidationError) as refused:
        survey(after_delivery=settings)
    assert reason in str(refused.value)


def test_only_a_web_address_or_a_path_is_linked_for_reviews():
    for url in ("javascript:alert(1)", "//evil.example", {"de": "https:evil.example"}):
        with pytest.raises(msgspec.ValidationError, match=r"review_url .* cannot be linked"):
            survey(review_url=url)


def test_a_message_leads_to_what_is_asked_after_the_delivery():
    assert survey(**NPS).follows(Kind.SURVEY)
    assert not survey(on_the_way={}).follows(Kind.SURVEY)
    assert not survey(**NPS).follows(Kind.THANKS)
