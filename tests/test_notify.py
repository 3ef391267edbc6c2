"""The widget that asks whether somebody wants messages, on real pages: what it sends becomes a question, no answer is kept."""

import pytest
from sqlalchemy import select

from doorstep.tables import answers

from .asking import confirming, placed, questions, recipient, states, telling
from .ordering import EMAIL, MOVING, order
from .shopfront import HOST, parsed, words


@pytest.fixture
def front(tmp_path, plugin):
    with telling(tmp_path, plugin) as front:
        yield front


def page_of(front, kept):
    return front.engine.message_links.preferences(kept).removeprefix(HOST).removesuffix("messages")


def widget_on(front, page):
    return parsed(front.get(page).text).find(".//section[@id='widget-notify']")


def test_a_shopper_asks_confirms_and_is_told(front):
    kept = placed(front, order("1001", MOVING, email=EMAIL))
    page = page_of(front, kept)
    asking = widget_on(front, page)
    assert "a•••@p•••.example" in words(asking)
    sent = front.post(asking.find("form").get("action"), {"order": "1", "by_email": "1"})
    assert sent.headers["location"].endswith("#widget-notify")
    assert "We have sent you a message." in words(widget_on(front, page))
    assert recipient(front, kept) == "no: not asked"
    front.post(confirming(front, kept), {"topics.order": "1"})
    assert "You are told about this order." in words(widget_on(front, page))
    assert recipient(front, kept) == EMAIL
    with front.engine.database.reading() as connection:
        assert connection.execute(select(answers)).all() == []


def test_a_refused_address_stays_typed_and_asks_nobody(front):
    page = page_of(front, placed(front, order()))
    refused = front.post(f"{page}widgets/notify", {"order": "1", "email_address": "grace@"})
    assert refused.status_code == 422
    assert parsed(refused.text).find(".//input[@name='email_address']").get("value") == "grace@"
    assert not questions(front)


def test_what_is_typed_into_a_form_that_lay_open_while_something_else_was_asked_for_stays_typed(front):
    page = page_of(front, placed(front, order("1001", MOVING, email=EMAIL)))
    front.post(f"{page}widgets/notify", {"order": "1", "by_email": "1"})
    refused = front.post(f"{page}widgets/notify", {"order": "1", "phone_address": "my phone"})
    shown = parsed(refused.text)
    assert refused.status_code == 422
    assert shown.find(".//input[@name='phone_address']").get("value") == "my phone"
    assert words(shown.find(".//section[@id='widget-notify']//p[@role='alert']"))
    assert widget_on(front, page).find("form") is None, "nobody is asked for more while an answer is awaited"


def test_where_only_a_number_is_known_it_is_not_there_and_takes_nothing(front):
    placed(front, order("1001", MOVING, email=EMAIL))
    assert widget_on(front, f"/track/{MOVING}") is None
    sent = front.post(f"/track/{MOVING}?widget=notify", {"order": "1", "email_address": "grace@letters.example"})
    assert sent.status_code == 422
    assert (states(front), questions(front)) == ({}, [])


def test_no_widget_asks_for_messages_where_only_a_number_is_known(tmp_path, plugin):
    """Not even one that would like to."""
    code = """
from doorstep import ConsentRequest, Reach, Submission, Topic, Widget, hookimpl

class Eager(Widget):
    name = "eager"

    def context(self, view):
        return None

    def submit(self, form, view):
        return Submission(consents=(ConsentRequest(Reach.EMAIL, (Topic.ORDER,), "grace@letters.example"),))

@hookimpl
def register_widgets(register):
    register(Eager)
"""
    files = {"__init__.py": code, "templates/widgets/eager.html": "<p>x</p>"}
    with telling(tmp_path, plugin, more=(plugin("doorstep_eager", files),), widgets={"eager": {}}) as front:
        placed(front, order("1001", MOVING, email=EMAIL))
        assert front.post(f"/track/{MOVING}?widget=eager", {}).status_code == 422
        assert questions(front) == []
