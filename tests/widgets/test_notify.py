import msgspec
import pytest

from doorstep import Agreed, ConsentRequest, FormProblem, MessageFacts, Need, Reach, Topic, Way, When
from doorstep.testing import WidgetContract
from doorstep_notify import Notify, Settings

OFF = dict.fromkeys(Topic, Agreed.OFF)
KNOWN = Way(Reach.EMAIL, "a•••@p•••.example", OFF, settled=True)
MAIL, PHONE = Way(Reach.EMAIL), Way(Reach.PHONE)


def notify(**settings):
    return Notify(msgspec.convert(settings, Settings))


@pytest.fixture
def page(view):
    return lambda *ways, **fields: view(level=1, messages=MessageFacts(ways, "/o/t/messages"), **fields)


class TestContract(WidgetContract):
    package = "doorstep_notify"


class TestWithATitleOfItsOwn(WidgetContract):
    package = "doorstep_notify"
    settings = {"title": {"en": "Keep me posted", "de": "Haltet mich auf dem Laufenden"}, "more": False}


def test_it_is_on_the_page_of_an_order_alone_and_silent_where_the_shop_sends_nothing(view):
    assert (Notify.when, Notify.needs) == (When(level=1), {Need.MESSAGES})
    assert notify().context(view(level=1)) is None


def test_where_the_address_is_known_a_box_is_enough(page, render):
    shown = render(notify(), page(KNOWN))
    assert [(one.get("name"), one.get("checked") is not None) for one in shown.findall(".//fieldset//input")] == [
        ("order", True), ("more", False), ("by_email", True),
    ]  # fmt: skip
    assert shown.find(".//input[@type='email']") is None
    sent = notify().submit({"order": "1", "by_email": "1"}, page(KNOWN))
    assert (sent.data, sent.consents) == ({}, (ConsentRequest(Reach.EMAIL, (Topic.ORDER,)),))


def test_where_none_is_known_it_is_written(page, render):
    shown = render(notify(), page(MAIL, PHONE))
    assert [one.get("name") for one in shown.findall(".//div[@class='field']/input")] == [
        "email_address",
        "phone_address",
    ]
    form = {"order": "1", "more": "1", "email_address": " ada@post.example ", "phone_address": "+44 20 7946 0000"}
    assert notify().submit(form, page(MAIL, PHONE)).consents == (
        ConsentRequest(Reach.EMAIL, (Topic.ORDER, Topic.MORE), "ada@post.example"),
        ConsentRequest(Reach.PHONE, (Topic.ORDER, Topic.MORE), "+442079460000"),
    )


def test_more_than_the_order_is_asked_for_only_where_the_shop_wants_it(page):
    assert [name for name, _ in notify(more=False).context(page(KNOWN)).topics] == ["order"]
    with pytest.raises(FormProblem):
        notify(more=False).submit({"more": "1", "by_email": "1"}, page(KNOWN))


def test_what_waits_for_its_confirmation_is_said_and_not_asked_again(page, render):
    waiting = msgspec.structs.replace(KNOWN, states={Topic.ORDER: Agreed.ASKED, Topic.MORE: Agreed.OFF})
    shown = render(notify(), page(waiting, done=True))
    assert "Please confirm in it" in shown.find(".//p[@role='status']").text
    assert shown.find(".//form") is None
    assert shown.find(".//p[@class='note']/a").get("href") == "/o/t/messages"


def test_what_is_on_is_said_and_the_rest_can_be_asked_for(page, render):
    on = msgspec.structs.replace(KNOWN, states={Topic.ORDER: Agreed.ON, Topic.MORE: Agreed.OFF})
    shown = render(notify(), page(on))
    assert shown.find(".//p[@class='done']").text == "You are told about this order."
    assert [one.get("name") for one in shown.findall(".//fieldset//input")] == ["more", "by_email"]
    whole = msgspec.structs.replace(KNOWN, states=dict.fromkeys(Topic, Agreed.ON))
    assert render(notify(), page(whole)).find(".//form") is None


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"email_address": "ada@post.example"}, "What shall we tell you?"),
        ({"order": "1"}, "Please write the whole email address, such as name@shop.example."),
        (
            {"order": "1", "email_address": "ada@post"},
            "Please write the whole email address, such as name@shop.example.",
        ),
        ({"order": "1", "phone_address": "020"}, "Please write the number with the code of the country, such as +33."),
        (
            {"order": "1", "email_address": "a@b.example", "website": "x"},
            "Your answer was not sent. Please send it again.",
        ),
    ],
)
def test_what_is_missing_is_said(page, form, said):
    with pytest.raises(FormProblem, match=said[:20]):
        notify().submit(form, page(MAIL, PHONE))


def test_a_refused_form_comes_back_as_it_was(page, render):
    typed = {"more": "1", "email_address": "ada@post"}
    shown = render(notify(), page(MAIL, problem="No.", values=typed))
    assert shown.find(".//p[@role='alert']").text == "No."
    assert shown.find(".//input[@name='email_address']").get("value") == "ada@post"
    assert [one.get("name") for one in shown.findall(".//input[@checked]")] == ["more"]
