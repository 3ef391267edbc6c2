"""Messages as a shopper chooses them, without JavaScript: asked for on a page, confirmed from the mail, switched, stopped."""

import re

import msgspec
import pytest
from sqlalchemy import select, update

from doorstep.config import Messages
from doorstep.message import Reach, Topic
from doorstep.tables import consents, messages, orders, subscriptions

from .asking import (
    UNASKED,
    choosing,
    confirming,
    placed,
    questions,
    recipient,
    states,
    telling,
    unsubscribing,
)
from .ordering import EMAIL, STORE, order
from .shopfront import HOST, heading, parsed, words

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
YES = {"topics.order": "1", "topics.more": "1"}
STRANGER = "grace@letters.example"


@pytest.fixture
def front(tmp_path, plugin):
    with telling(tmp_path, plugin) as front:
        yield front


def said(response):
    return words(parsed(response.text).find(".//main"))


def ticked(html):
    return [one.get("name") for one in parsed(html).iter("input") if one.get("checked") is not None]


def subscribe(front, kept, **form):
    return front.post(choosing(front, kept), {"email.order": "1", **form})


def on(front, kept):
    """Turns what belongs to the order on, as a shopper would."""
    assert subscribe(front, kept).status_code == 303
    assert front.post(confirming(front, kept), YES).status_code == 200


# Asked for, confirmed


def test_nothing_is_sent_before_the_address_itself_has_confirmed(front):
    kept = placed(front, order(email=EMAIL))
    assert recipient(front, kept) == "no: not asked"
    sent = subscribe(front, kept)
    assert sent.status_code == 303
    assert "Please confirm in it that the address is yours." in said(front.get(sent.headers["location"]))
    assert recipient(front, kept) == "no: not asked"
    [question] = questions(front, kept)
    assert (question.channel, question.state) == ("mail", "waiting")
    link = confirming(front, kept)
    assert heading(front.get(link).text) == "Please confirm that you want our messages"
    assert front.get(link).status_code == 200
    assert recipient(front, kept) == "no: not asked"  # looking at a link changes nothing
    assert "You will hear from us" in said(front.post(link, YES))
    assert recipient(front, kept) == EMAIL
    assert recipient(front, kept, Topic.MORE) == "no: not asked"


def test_what_was_agreed_to_is_kept_with_words_language_times_and_place(front):
    kept = placed(front, order(email=EMAIL))
    front.client.post(
        choosing(front, kept) + "?lang=de", data={"email.order": "1"},
        headers={"Origin": HOST, "Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    front.clock.advance(60)
    front.post(confirming(front, kept), YES)
    with front.engine.database.reading() as connection:
        row = connection.execute(select(consents)).one()
    assert (row.state, row.language, row.source, row.order_id) == ("given", "de", "preferences", kept.id)
    assert (row.given_at - row.asked_at).total_seconds() == 60
    assert row.wording.decode().endswith(")")
    assert EMAIL.encode() not in row.wording


def test_a_consent_makes_the_planner_look_at_the_order(front):
    kept = placed(front, order(email=EMAIL))
    with front.engine.database.writing() as connection:
        connection.execute(update(orders).values(talk_at=None))
    on(front, kept)
    with front.engine.database.reading() as connection:
        assert connection.scalar(select(orders.c.talk_at)) == front.clock.now()


def test_who_agreed_once_is_not_asked_again_for_the_next_order(front):
    on(front, placed(front, order(email=EMAIL)))
    later = placed(front, order("1002", email=EMAIL.upper()))
    assert recipient(front, later) == EMAIL.upper()
    assert "email.order" in ticked(front.get(choosing(front, later)).text)


def test_a_confirming_link_is_over_after_a_week_and_says_what_to_do(front):
    kept = placed(front, order(email=EMAIL))
    subscribe(front, kept)
    link = confirming(front, kept)
    front.clock.advance(7 * 86_400)
    answer = front.post(link, YES)
    assert (answer.status_code, heading(answer.text)) == (404, "This link does not work any more")
    assert states(front) == {("email", "order"): "asked"}


def test_a_link_pressed_again_says_what_holds_and_gives_nothing_back_that_was_withdrawn(front):
    kept = placed(front, order(email=EMAIL))
    subscribe(front, kept)
    link = confirming(front, kept)
    front.post(link, YES)
    assert "You are told about this order." in said(front.get(link))
    front.post(unsubscribing(front, kept), ONE_CLICK, {})
    assert front.post(link, YES).status_code == 404
    assert recipient(front, kept) == "no: withdrawn"


def test_of_what_is_asked_the_reader_may_leave_some(front):
    kept = placed(front, order(email=EMAIL))
    subscribe(front, kept, **{"email.more": "1"})
    link = confirming(front, kept)
    assert ticked(front.get(link).text) == ["topics.order", "topics.more"]
    front.post(link, {"topics.more": "1"})
    assert states(front) == {("email", "order"): "asked", ("email", "more"): "given"}


# Addresses


def test_a_page_on_which_nothing_was_chosen_yet_says_nothing_before_its_question(front):
    shown = said(front.get(choosing(front, placed(front, order(email=EMAIL)))))
    assert shown.startswith("Messages about your order What shall we tell you?")


def test_an_address_written_on_the_page_is_confirmed_for_this_order(front):
    kept = placed(front, order())
    subscribe(front, kept, **{"email.address": f" {STRANGER} "})
    assert recipient(front, kept) == "no: not asked"
    front.post(confirming(front, kept), YES)
    assert recipient(front, kept) == STRANGER
    assert "g•••@l•••.example" in front.get(choosing(front, kept)).text


def test_a_telephone_number_is_written_with_its_country_in_whichever_way(front):
    kept = placed(front, order(email=EMAIL))
    refused = front.post(choosing(front, kept), {"phone.order": "1", "phone.address": "030 1234567"})
    assert refused.status_code == 422
    assert "Please write the number with the code of the country, such as +33." in said(refused)
    assert 'value="030 1234567"' in refused.text
    front.post(choosing(front, kept), {"phone.order": "1", "phone.address": "0049 (30) 123-45 67"})
    [question] = questions(front, kept)
    assert question.channel == "text"
    front.post(confirming(front, kept, Reach.PHONE), YES)
    assert recipient(front, kept, reach=Reach.PHONE) == "+49301234567"


@pytest.mark.parametrize(
    "written",
    ["grace", "grace@letters", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", "<a@b.example>", ""],
)
def test_what_is_no_whole_address_is_refused_with_what_was_typed(front, written):
    kept = placed(front, order())
    refused = subscribe(front, kept, **{"email.address": written})
    assert refused.status_code == 422
    assert "Please write the whole email address" in said(refused)
    assert not questions(front)
    assert ticked(refused.text) == ["email.order"]


def test_the_page_shows_of_an_address_only_what_its_owner_needs(front):
    page = front.get(choosing(front, placed(front, order(email=EMAIL, phone="+4915112345678"))))
    assert "a•••@p•••.example" in page.text
    assert "+49•••78" in page.text
    assert EMAIL not in page.text
    assert "15112345678" not in page.text


def test_nobody_learns_whether_an_address_is_known(front):
    """An address that agreed to everything elsewhere, and one that nobody ever heard of: the same answers and the same page."""
    known = placed(front, order(email=EMAIL))
    subscribe(front, known, **{"email.more": "1"})
    front.post(confirming(front, known), YES)
    pages = []
    for number, address in (("1002", EMAIL), ("1003", "anna@plain.example")):
        kept = placed(front, order(number))
        sent = subscribe(front, kept, **{"email.address": address})
        location = sent.headers["location"]
        shown = front.get(location).text
        assert len(questions(front, kept)) == 1  # also who agreed for another order is asked for this one
        assert recipient(front, kept) == "no: not asked"
        pages.append((sent.status_code, re.sub(r"/o/[^/]+/", "/o/", shown)))
    assert pages[0] == pages[1]


def test_a_link_confirms_the_address_that_it_was_sent_to_and_no_other(front):
    """Somebody has the link of a question to their own address, then writes a stranger's."""
    kept = placed(front, order())
    subscribe(front, kept, **{"email.address": "me@mine.example"})
    mine = confirming(front, kept)
    subscribe(front, kept, **{"email.address": STRANGER})
    assert front.post(mine, YES).status_code == 404
    assert recipient(front, kept) == "no: not asked"


def test_who_writes_a_strangers_address_cannot_withdraw_what_the_stranger_agreed_to(front):
    theirs = placed(front, order(email=STRANGER))
    on(front, theirs)
    kept = placed(front, order("1002"))
    subscribe(front, kept, **{"email.address": STRANGER})
    front.post(choosing(front, kept), {"stop": "1"})
    front.post(unsubscribing(front, kept), ONE_CLICK, {})
    assert recipient(front, theirs) == STRANGER


# No mail bombs


def test_an_address_is_asked_three_times_a_day_and_the_answer_stays_the_same(front):
    answers = set()
    for number in range(5):
        kept = placed(front, order(f"100{number}"))
        answer = subscribe(front, kept, **{"email.address": STRANGER})
        answers.add((answer.status_code, answer.headers["location"].rpartition("?")[2]))
    assert len(questions(front)) == 3
    assert answers == {(303, "done=asked")}
    front.clock.advance(86_401)
    subscribe(front, placed(front, order("2000")), **{"email.address": STRANGER})
    assert len(questions(front)) == 4


def test_of_an_orders_page_five_questions_go_out_and_no_more(front):
    kept = placed(front, order())
    for number in range(8):
        subscribe(front, kept, **{"email.address": f"reader{number}@letters.example"})
    assert len(questions(front)) == 5
    with front.engine.database.reading() as connection:
        assert (
            len(connection.execute(select(subscriptions)).all()) == 1
        )  # of addresses never confirmed the last one stays


def test_a_question_that_still_waits_is_not_asked_twice(front):
    kept = placed(front, order())
    for _ in range(2):
        subscribe(front, kept, **{"email.address": STRANGER})
    assert len(questions(front)) == 1
    with front.engine.database.writing() as connection:
        connection.execute(update(messages).values(state="sent"))
    subscribe(front, kept, **{"email.address": STRANGER})
    first, second = (one.once.rpartition(":") for one in questions(front))
    assert (first[2], second[2]) == ("1", "2")
    assert first[0] == second[0]


def test_the_page_is_written_to_ten_times_an_hour(front):
    kept = placed(front, order(email=EMAIL))
    codes = [front.post(choosing(front, kept), {}).status_code for _ in range(11)]
    assert codes == [303] * 10 + [429]


# Switched and stopped


def test_what_belongs_to_the_order_may_go_unasked_until_it_is_withdrawn(tmp_path, plugin):
    with telling(tmp_path, plugin, UNASKED) as front:
        kept = placed(front, order(email=EMAIL))
        assert recipient(front, kept, unasked=True) == EMAIL
        assert recipient(front, kept, Topic.MORE, unasked=True) == "no: not asked"
        assert ticked(front.get(choosing(front, kept)).text) == ["email.order"]
        saved = front.post(choosing(front, kept), {})
        assert "Saved. We will keep to it." in said(front.get(saved.headers["location"]))
        assert recipient(front, kept, unasked=True) == "no: withdrawn"
        subscribe(front, kept)
        assert recipient(front, kept, unasked=True) == EMAIL
        assert not questions(front)


def test_an_address_that_somebody_wrote_is_never_told_unasked(tmp_path, plugin):
    with telling(tmp_path, plugin, UNASKED) as front:
        kept = placed(front, order())
        subscribe(front, kept, **{"email.address": STRANGER})
        assert recipient(front, kept, unasked=True) == "no: not asked"


def test_all_of_it_stops_with_one_press(tmp_path, plugin):
    with telling(tmp_path, plugin, UNASKED) as front:
        kept = placed(front, order(email=EMAIL))
        subscribe(front, kept, **{"email.more": "1"})
        front.post(confirming(front, kept), YES)
        assert recipient(front, kept, Topic.MORE) == EMAIL
        stopped = front.post(choosing(front, kept), {"stop": "1"})
        shown = front.get(stopped.headers["location"])
        assert "You will get no more messages like this." in said(shown)
        assert ticked(shown.text) == []
        assert [recipient(front, kept, one, unasked=True) for one in Topic] == ["no: withdrawn"] * 2


def test_a_shop_that_sends_nothing_has_nothing_to_choose(tmp_path, plugin):
    with telling(tmp_path, plugin, Messages()) as front:
        kept = placed(front, order(email=EMAIL))
        shown = front.get(choosing(front, kept))
        assert parsed(shown.text).find(".//form[@method='post']") is None
        assert subscribe(front, kept).status_code == 303
        assert states(front) == {}


def test_without_a_link_that_holds_there_is_no_page(front):
    kept = placed(front, order(email=EMAIL))
    path = choosing(front, kept)
    with front.engine.database.writing() as connection:
        front.engine.orders.void_links(connection, kept.id)
    answers = [front.get(path), front.get("/o/nonsense/messages"), front.post(path, {"email.order": "1"})]
    assert [one.status_code for one in answers] == [404] * 3
    assert {heading(one.text) for one in answers} == {"This link does not work any more"}
    assert states(front) == {}


# In every theme


@pytest.mark.parametrize("theme", ["classic", "minimal", "bold"])
def test_the_page_is_whole_in_every_theme_and_direction(tmp_path, plugin, theme):
    store = msgspec.structs.replace(STORE, messages=UNASKED, theme=theme, path="/b", public_url=HOST)
    with telling(tmp_path, plugin, bold=store) as front:
        kept = placed(front, order(email=EMAIL), "bold")
        shown = front.get(choosing(front, kept) + "?lang=ar")
        assert parsed(shown.text).get("dir") == "rtl"
        assert ticked(shown.text) == ["email.order"]
        form = parsed(shown.text).find(".//form[@method='post']")
        sent = front.post(form.get("action"), {"email.order": "1", "email.more": "1"})
        assert sent.headers["location"].startswith("/b/o/")
        assert len(questions(front, kept)) == 1
