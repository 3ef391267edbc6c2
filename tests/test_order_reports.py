"""What is written on the page of an order, and what becomes of it."""

import json
import re
from datetime import timedelta

import pytest

from doorstep.errors import StoreError
from doorstep.tables import answers, events, reports

from .ordering import (
    DELIVERED,
    EMAIL,
    MOVING,
    order,
    ordering,
    packed,
    page_of,
    placed,
    rows,
)
from .shopfront import parsed, words


@pytest.fixture
def front(tmp_path, plugin):
    with ordering(tmp_path, plugin) as front:
        yield front


def form(front, path, kind):
    """The action of a form and its hidden fields."""
    found = parsed(front.get(path).text).find(f".//details[@id='form-{kind}']//form")
    return found.get("action"), {one.get("name"): one.get("value") for one in found.findall(".//input[@type='hidden']")}


def test_a_problem_is_kept_sealed_with_its_event_and_thanked_for(front):
    path = page_of(front, order("1001", MOVING, email=EMAIL))
    action, hidden = form(front, path, "problem")
    sent = front.post(action, {**hidden, "text": "The left shoe is missing\r\nReally"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}?done=problem#form-problem")
    thanked = parsed(front.get(sent.headers["location"]).text).find(".//details[@id='form-problem']")
    assert (thanked.get("open"), words(thanked.find(".//p[@role='status']"))) == (
        "",
        "Thank you. The shop has your message.",
    )
    [row] = rows(front, reports)
    assert b"shoe" not in row.data
    with front.engine.database.reading() as connection:
        [report] = front.engine.reports.of(connection, row.order_id)
    assert (report.kind, report.data) == ("problem", {"text": "The left shoe is missing\nReally"})
    [told] = [one for one in rows(front, events) if one.type == "order.problem_reported"]
    data = json.loads(told.data)
    assert (data["order"]["number"], data["shipment"]["number"], data["report"]["id"]) == ("1001", MOVING, row.id)
    assert b"shoe" not in told.data
    assert b"ada" not in told.data


def test_a_form_sent_twice_is_one_report(front):
    action, hidden = form(front, page_of(front, order()), "problem")
    for _ in range(3):
        assert front.post(action, {**hidden, "text": "Twice"}).status_code == 303
    assert len(rows(front, reports)) == 1
    assert len([one for one in rows(front, events) if one.type == "order.problem_reported"]) == 1


def test_a_forms_id_is_nobodys_to_make_up(front):
    path = page_of(front, order())
    front.post(f"{path}reports/problem", {"id": "x" * 500, "text": "One"})
    front.post(f"{path}reports/problem", {"id": "'; DROP", "text": "Two"})
    assert all(re.fullmatch("rep_[0-9a-z]{24}", one.id) for one in rows(front, reports))
    assert len(rows(front, reports)) == 2


def test_what_is_missing_is_said_and_what_was_written_stays(front):
    path = page_of(front, order("1001", MOVING))
    refused = front.post(f"{path}reports/call", {"phone": "12", "time": "after five", "text": "<b>hello</b>"})
    shown = parsed(refused.text).find(".//details[@id='form-call']")
    assert (refused.status_code, shown.get("open")) == (422, "")
    assert words(shown.find(".//p[@role='alert']")) == "Please write the number that we should call."
    assert shown.find(".//input[@name='time']").get("value") == "after five"
    assert words(shown.find(".//textarea")) == "<b>hello</b>"
    assert rows(front, reports) == []


def test_a_call_is_asked_for(front):
    path = page_of(front, order())
    assert front.post(f"{path}reports/call", {"phone": "+44 20 7946 0018", "time": "after five"}).status_code == 303
    [told] = [one for one in rows(front, events) if one.type == "order.call_requested"]
    assert b"7946" not in told.data
    with front.engine.database.reading() as connection:
        [report] = front.engine.reports.of(connection, told.order_id)
    assert report.data == {"text": "", "phone": "+44 20 7946 0018", "time": "after five"}


def test_a_parcel_that_did_not_come_is_told_of_the_one_that_was_delivered(front):
    assert (
        parsed(front.get(page_of(front, order("1", MOVING))).text).find(".//details[@id='form-not-received']") is None
    )
    path = page_of(front, order("2", DELIVERED, MOVING))
    action, hidden = form(front, path, "not-received")
    assert front.post(action, hidden).status_code == 303
    [told] = [one for one in rows(front, events) if one.type == "order.not_received"]
    assert json.loads(told.data)["shipment"]["number"] == DELIVERED


def test_a_parcel_of_another_order_cannot_be_reported_on(front):
    other = placed(front, order("2", DELIVERED))
    path = page_of(front, order("1", MOVING))
    front.post(f"{path}reports/problem", {"text": "hello", "parcel": other.parcels[0].id})
    assert [one.parcel_id for one in rows(front, reports)] == [None]


@pytest.mark.parametrize("kind", ["problem", "call", "not_received"])
@pytest.mark.fault(42)
def test_when_the_database_is_away_nothing_that_was_written_is_lost(front, monkeypatch, kind):
    path = page_of(front, order("1001", DELIVERED))
    written = {"text": "Sorry, but …", "phone": "0123456789", "time": "noon", "id": "rep_" + "7" * 24}

    async def broken(work):
        raise StoreError("disk full")

    for method in ("write", "read"):  # first it can be read still, then not even that
        monkeypatch.setattr(front.engine.database, method, broken)
        response = front.post(f"{path}reports/{kind}", written)
        shown = parsed(response.text)
        assert (response.status_code, response.headers["retry-after"]) == (503, "60")
        again = next(one for one in shown.iter("form") if one.get("action") == f"{path}reports/{kind}")
        assert words(again.find(".//textarea")) == "Sorry, but …"
        assert again.find(".//input[@name='id']").get("value") == "rep_" + "7" * 24
        assert "Nothing you wrote is lost" in words(again.find(".//p[@role='alert']"))
    assert front.get(path).status_code == 503


@pytest.mark.fault(38)
def test_a_form_from_another_site_is_refused(front):
    path = page_of(front, order())
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    for target in (f"{path}reports/problem", f"{path}proof", f"{path}widgets/survey", "/"):
        assert front.post(target, {"text": "hello"}, headers=elsewhere).status_code == 403
    assert rows(front, reports) == []


def test_somebody_who_writes_without_end_is_slowed_down_and_keeps_the_text(front):
    path = page_of(front, order())
    for n in range(20):
        assert front.post(f"{path}reports/problem", {"text": f"{n}"}).status_code == 303
    refused = front.post(f"{path}reports/problem", {"text": "once more"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert "once more" in refused.text


def test_a_report_of_no_kind_is_no_page(front):
    assert front.post(f"{page_of(front, order())}reports/praise", {"text": "hello"}).status_code == 404


def test_a_widgets_answer_belongs_to_the_order(front):
    kept = placed(front, order("1001", packed(DELIVERED, shoes=1, socks=3)))
    path = f"/o/{front.engine.access.link(kept, timedelta(days=1))}/"
    action = parsed(front.get(path).text).find(".//section[@id='widget-survey']//form").get("action")
    assert action == f"{path}widgets/survey"
    sent = front.post(action, {"score": "5"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}?done=survey#widget-survey")
    assert [one.shipment for one in rows(front, answers)] == [kept.id]
    [told] = [json.loads(one.data) for one in rows(front, events) if one.type == "widget.answered"]
    assert told["order"] == {"id": kept.id, "number": "1001"}
    assert front.post(action, {"score": ""}).status_code == 422
