"""The pages of an order while its database is away: each says so, asks for patience, and gives back what was typed."""

import json

import pytest
from structlog.testing import capture_logs

from doorstep.errors import StoreError
from doorstep.tables import answers

from .asking import choosing, confirming, placed, telling, unsubscribing
from .ordering import DELIVERED, EMAIL, STORE, order, ordering, page_of, rows
from .shopfront import heading, parsed

pytestmark = pytest.mark.fault(42)
AWAY = "We cannot show your order just now"
TYPED = {"moment": "after_delivery", "score": "3", "comment": 'An hour & "more" <b>to write</b>'}


def away(front, monkeypatch):
    async def fails(*_):
        raise StoreError("away")

    for method in ("read", "write"):
        monkeypatch.setattr(front.engine.database, method, fails)


def sent_again(front, response, action):
    """The form of a page, as a browser sends it."""
    posting = [one for one in parsed(response.text).iter("form") if one.get("method") == "post"]
    [form] = [one for one in posting if one.get("action", "").startswith(action)]
    fields = {one.get("name"): one.get("value") for one in form.iter("input")}
    return fields, front.post(form.get("action"), fields)


def refused(response):
    assert (response.status_code, response.headers["retry-after"], heading(response.text)) == (503, "60", AWAY)
    assert response.headers["cache-control"] == "private, no-store"


@pytest.fixture
def front(tmp_path, plugin):
    with ordering(tmp_path, plugin, stores={"main": STORE}) as front:
        yield front


def test_every_page_of_an_order_says_so(front, monkeypatch):
    path = page_of(front, order("1001", DELIVERED, email=EMAIL))
    away(front, monkeypatch)
    refused(front.get(path))
    refused(front.post(f"{path}proof", {"proof": EMAIL}))
    model = front.get(path.replace("/o/", "/api/v1/pages/orders/").rstrip("/"))
    assert (model.status_code, model.headers["retry-after"]) == (503, "60")
    assert AWAY in model.text


def test_a_widget_s_form_can_be_sent_again_when_the_database_is_back(front, monkeypatch):
    path = page_of(front, order("1001", DELIVERED, email=EMAIL))
    with monkeypatch.context() as patch, capture_logs() as logs:
        away(front, patch)
        response = front.post(f"{path}widgets/survey", TYPED)
        refused(response)
        assert "Your answer could not be saved just now. Please send it again in a minute." in response.text
    assert "An hour" not in json.dumps(logs)
    fields, sent = sent_again(front, response, f"{path}widgets/survey")
    assert fields == TYPED
    assert sent.status_code == 303
    [row] = rows(front, answers)
    assert json.loads(row.data)["score"] == 3


def test_an_order_is_looked_up_again_with_what_was_typed(front, monkeypatch):
    page_of(front, order("1001", DELIVERED, email=EMAIL))
    with monkeypatch.context() as patch:
        away(front, patch)
        response = front.post("/", {"order": "1001", "proof": EMAIL})
    assert (response.status_code, response.headers["retry-after"]) == (503, "60")
    assert "We cannot look your order up just now. Please try again in a minute." in response.text
    fields, sent = sent_again(front, response, "/")
    assert fields == {"order": "1001", "proof": EMAIL}
    assert sent.status_code == 303


def test_wishes_about_messages_are_kept_in_the_page(tmp_path, plugin, monkeypatch):
    with telling(tmp_path, plugin) as front:
        kept = placed(front, order(email=EMAIL))
        path, links = choosing(front, kept), [confirming, unsubscribing]
        with monkeypatch.context() as patch:
            away(front, patch)
            refused(front.get(path))
            response = front.post(path, {"email.order": "1"})
            refused(response)
        fields, sent = sent_again(front, response, path)
        assert fields == {"email.order": "1"}
        assert sent.status_code == 303
        addresses = [link(front, kept) for link in links]
        away(front, monkeypatch)
        for address in addresses:
            refused(front.get(address))
            refused(front.post(address, {"topics.order": "1"}))
