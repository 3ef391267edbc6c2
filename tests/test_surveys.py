"""Surveys on pages: answered from a signed link without a script, changed, limited, and there for the next process."""

from datetime import timedelta
from urllib.parse import parse_qs, urljoin, urlsplit

import anyio
import pytest

from doorstep.answers import find
from doorstep.invalidation import Invalidation
from doorstep.privacy import erase

from .ordering import DELIVERED, MOVING, STORE, order, ordering, packed, placed
from .shopfront import OWN, parsed, store, words

REVIEWS = "https://reviews.example/harbour"
EVERY = {
    "after_checkout": {"kind": "stars"},
    "on_the_way": {
        "kind": "questions",
        "questions": [
            {
                "id": "why",
                "kind": "choice",
                "several": True,
                "text": "Why us?",
                "options": {"a": "Price", "b": "Taste"},
            },
            {"id": "wish", "text": "What is missing?", "required": True},
        ],
    },
    "after_delivery": {"kind": "nps", "share": True},
    "review_url": REVIEWS,
}
SHOP = store(contact_url=STORE.contact_url, widgets={"survey": EVERY, "review": {}})
FORM = ".//section[@id='widget-survey']//form"


@pytest.fixture
def front(tmp_path, plugin):
    with ordering(tmp_path, plugin, stores={"main": SHOP}) as front:
        yield front


def page_of(front, kept):
    return f"/o/{front.engine.access.link(kept, timedelta(days=30))}/"


def delivered(front, number="1001"):
    kept = placed(front, order(number, packed(DELIVERED, shoes=1, socks=3)))
    return kept, page_of(front, kept)


def fields(form):
    """What a browser without a script would send, as the form stands."""
    sent = {one.get("name"): one.text.strip("\n") if one.text else "" for one in form.iter("textarea")}
    for one in form.iter("input"):
        if one.get("type") not in ("radio", "checkbox") or one.get("checked") is not None:
            sent[one.get("name")] = one.get("value", "")
    return sent


def survey(front, page):
    return parsed(front.get(page).text).find(".//section[@id='widget-survey']")


def fill_in(front, page, **typed):
    """Opens the page, fills its form in and sends it, as a person does."""
    form = parsed(front.get(page).text).find(FORM)
    return front.post(
        urljoin(page, form.get("action")), {**fields(form), **{name.replace("__", "-"): v for name, v in typed.items()}}
    )


def kept(front):
    return [(one.given_to, one.moment, one.data) for one in anyio.run(front.engine.answers.of, "main", "survey")]


def test_each_moment_is_answered_from_a_signed_link_and_the_answer_is_there_to_be_changed(front):
    bought = placed(front, order("1000"))
    moving = placed(front, order("1001", packed(MOVING, shoes=1, socks=3)))
    arrived, page = delivered(front, "1002")
    assert fill_in(front, page_of(front, bought), score="3").status_code == 303
    assert fill_in(front, page_of(front, moving), q__why__b="1", q__wish="A map").status_code == 303
    sent = fill_in(front, page, score="9", comment="Lovely", share="1", name="Mira")
    assert sent.headers["location"] == f"{page}?done=survey#widget-survey"
    assert set(map(repr, kept(front))) == set(map(repr, [
        (bought.id, "after_checkout", {"score": 3, "of": 5, "comment": ""}),
        (moving.id, "on_the_way", {"why": ["b"], "wish": "A map", "comment": ""}),
        (arrived.id, "after_delivery",
         {"score": 9, "of": 10, "comment": "Lovely", "share": True, "name": "Mira", "language": "en"}),
    ]))  # fmt: skip
    assert fields(survey(front, page).find(".//details/form")) == {
        "moment": "after_delivery", "score": "9", "comment": "Lovely", "share": "1", "name": "Mira", "website": "",
    }  # fmt: skip
    fill_in(front, page, comment="Lovely, still")
    assert [data["comment"] for _, moment, data in kept(front) if moment == "after_delivery"] == ["Lovely, still"]


def test_what_comes_next_depends_on_the_score(front):
    _, page = delivered(front)
    fill_in(front, page, score="10")
    led = [parse_qs(urlsplit(one.get("href")).query)["to"] for one in survey(front, page).iter("a")]
    assert led == [[REVIEWS]]
    fill_in(front, page, score="2")
    call, contact = (one.get("href") for one in survey(front, page).iter("a"))
    assert (call, parse_qs(urlsplit(contact).query)["to"]) == ("#form-call", ["https://shop.example/help"])
    assert parsed(front.get(page).text).find(".//*[@id='form-call']") is not None


def test_a_refused_form_brings_everything_back_and_keeps_what_was_kept(front):
    moving = placed(front, order("1001", packed(MOVING, shoes=1, socks=3)))
    page = page_of(front, moving)
    refused = fill_in(front, page, q__why__a="1", comment="Half an hour of <words>")
    form = parsed(refused.text).find(FORM)
    assert (refused.status_code, words(form.find(".//p[@role='alert']"))) == (
        422, "Please answer every question that is not optional.",
    )  # fmt: skip
    assert fields(form) == {
        "moment": "on_the_way", "q-why-a": "1", "q-wish": "", "comment": "Half an hour of <words>", "website": "",
    }  # fmt: skip
    assert kept(front) == []


def test_a_stranger_with_the_number_neither_sees_nor_replaces_the_orders_answer(front):
    _, page = delivered(front)
    stranger = f"/track/{DELIVERED}"
    fill_in(front, stranger, score="0", comment="A stranger was here")
    assert "A stranger" not in front.get(page).text
    assert survey(front, page).find(".//details") is None
    fill_in(front, page, score="9", comment="The buyer was here", share="1")
    fill_in(front, stranger, score="1")
    assert "The buyer" in front.get(page).text
    assert "The buyer" not in front.get(stranger).text
    assert sorted(data["score"] for _, _, data in kept(front)) == [1, 9]


@pytest.mark.fault(38)
def test_a_form_from_elsewhere_is_refused(front):
    _, page = delivered(front)
    for headers in ({}, {"Origin": "https://evil.example"}, {**OWN, "Sec-Fetch-Site": "cross-site"}):
        assert front.post(f"{page}widgets/survey", {"score": "5"}, headers).status_code == 403
    assert kept(front) == []


@pytest.mark.fault(38)
def test_the_form_of_one_order_does_not_answer_another(front):
    (_, page), (other, _) = delivered(front), delivered(front, "1002")
    token = page.split("/")[2]
    forged = f"/o/{token[:-4]}AAAA/widgets/survey"
    assert front.post(forged, {"score": "5"}).status_code == 404
    fill_in(front, page, score="5")
    assert other.id not in {given_to for given_to, _, _ in kept(front)}


@pytest.mark.parametrize("by", ["link", "number"])
@pytest.mark.fault(43)
def test_spam_is_limited_to_one_answer_and_ten_edits_and_nothing_typed_is_lost(front, by):
    _, page = delivered(front)
    page = page if by == "link" else f"/track/{DELIVERED}"
    for score in range(10):
        assert fill_in(front, page, score=f"{score}").status_code == 303
    refused = fill_in(front, page, score="10", comment="One too many")
    form = parsed(refused.text).find(FORM)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert fields(form)["comment"] == "One too many"
    assert words(form.find(".//p[@role='alert']")).startswith("You have answered often enough for now.")
    assert [data["score"] for _, _, data in kept(front)] == [9]
    front.clock.advance(3601)
    assert fill_in(front, page, score="10").status_code == 303


@pytest.mark.fault(43)
def test_who_answers_for_many_parcels_is_stopped_by_the_network(front):
    limits = front.engine.limits

    async def spam():
        return [await limits.answer("survey", f"shp_{n}", "203.0.113.0/24") for n in range(1000)]

    assert [after > 0 for after in anyio.run(spam)] == [False] * 200 + [True] * 800
    assert fill_in(front, delivered(front)[1], score="5").status_code == 303  # from another


@pytest.mark.parametrize("typed", [{"website": "https://spam.example"}, {"comment": "x" * 100_000}])
@pytest.mark.fault(43)
def test_a_trap_that_is_filled_in_and_a_form_too_large_keep_nothing(front, typed):
    _, page = delivered(front)
    assert fill_in(front, page, score="5", **typed).status_code == 422
    assert kept(front) == []


def test_answers_are_there_for_the_next_process(tmp_path, plugin):
    with ordering(tmp_path, plugin, stores={"main": SHOP}) as front:
        order_kept, page = delivered(front)
        fill_in(front, page, score="9", comment="Still here")
    with ordering(tmp_path, plugin, stores={"main": SHOP}) as front:
        assert kept(front) == [(order_kept.id, "after_delivery", {"score": 9, "of": 10, "comment": "Still here"})]
        assert "Still here" in front.get(page).text


def test_an_approved_answer_is_a_voice_on_every_page_until_it_is_edited_or_erased(front, monkeypatch):
    monkeypatch.setattr(Invalidation, "reaches_others", True)  # finished pages are kept for longer, then
    order_kept, page = delivered(front)
    fill_in(front, page, score="9", comment="Dry and on time", share="1", name="Mira")
    number = f"/track/{MOVING}"
    assert "Dry and on time" not in front.get(number).text
    [answer] = anyio.run(front.engine.answers.of, "main", "survey")

    def approve():
        with front.engine.database.writing() as connection:
            front.engine.answers.approve(connection, find(connection, "main", str(answer.id)))
        front.engine.answers.changed("main")

    approve()
    shown = parsed(front.get(number).text).find(".//section[@id='widget-review']")
    assert words(shown.find(".//li")) == "Dry and on time Mira"
    fill_in(front, page, comment="Wet and late")
    for words_of in ("Dry and on time", "Wet and late"):
        assert words_of not in front.get(number).text
    approve()
    assert "Wet and late" in front.get(number).text
    with front.engine.database.writing() as connection:
        erase(connection, [order_kept.id], vault=front.engine.vault, now=front.clock.now())
    front.clock.advance(30)  # another process may have erased it, of which this one is not told
    assert "Wet and late" not in front.get(number).text
