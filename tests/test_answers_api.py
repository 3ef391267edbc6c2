"""Answers over HTTP: the shop reads them, and says which ones others may see."""

from typing import Any

import anyio
import pytest

from .erp import Shop

ANSWERS = "/api/v1/answers"
SHARED = {"score": 5, "of": 5, "comment": "On time", "share": True, "name": "Mira"}


def answered(shop: Shop, given_to: str, data: Any, moment: str = "now", **more: Any) -> None:
    anyio.run(lambda: shop.engine.answers.save("main", "survey", given_to, moment, data, **more))
    shop.clock.advance(60)


def test_answers_are_listed_in_pages_with_their_orders(running: Shop) -> None:
    order = running.new_order()["id"]
    answered(running, "shp_1", {"score": 1})
    answered(running, order, SHARED, order=(order, "1001"))
    first = running.ask("GET", f"{ANSWERS}?limit=1")
    [newest] = first.json()["answers"]
    assert newest["order"] == {"id": order, "number": "1001"}
    assert (newest["data"], newest["may_be_shown"], newest["approved_at"]) == (SHARED, True, None)
    assert first.links["next"]["url"].startswith(f"https://shop.example{ANSWERS}?limit=1&after=")
    second = running.ask("GET", first.links["next"]["url"].removeprefix("https://shop.example"))
    [oldest] = second.json()["answers"]
    assert (oldest["order"], oldest["data"], oldest["may_be_shown"]) == (None, {"score": 1}, False)
    assert (second.json()["after"], "next" in second.links) == (None, False)


def test_a_list_is_narrowed_by_widget_moment_and_time(running: Shop) -> None:
    answered(running, "s1", {"score": 1}, "on_the_way")  # at 12:00
    answered(running, "s2", {"score": 2})  # at 12:01

    def scores(query: str) -> list[int]:
        return [one["data"]["score"] for one in running.ask("GET", f"{ANSWERS}?{query}").json()["answers"]]

    assert scores("moment=on_the_way") == [1]
    assert scores("widget=survey&since=2026-11-22T12:01:00Z") == [2]
    assert scores("widget=poll") == []
    for wrong in ("since=yesterday", "after=x", "limit=0", "moment=%00", "colour=red"):
        assert running.ask("GET", f"{ANSWERS}?{wrong}").status_code == 422


def test_an_answer_is_approved_withdrawn_and_shown_as_long(running: Shop) -> None:
    answered(running, "s1", SHARED)
    [one] = running.ask("GET", ANSWERS).json()["answers"]
    path = f"{ANSWERS}/{one['id']}"
    approved = running.ask("POST", f"{path}/approve").json()
    assert approved["approved_at"] == "2026-11-22T12:01:00Z"
    assert [voice.text for voice in anyio.run(running.engine.voices.of, "main")] == ["On time"]
    running.clock.advance(1)
    assert running.ask("POST", f"{path}/approve").json() == approved == running.ask("GET", path).json()
    assert running.ask("POST", f"{path}/withdraw").json() == {**approved, "approved_at": None}
    assert anyio.run(running.engine.voices.of, "main") == ()


@pytest.mark.parametrize("data", [{"score": 5}, {**SHARED, "share": False}, {**SHARED, "comment": ""}])
def test_what_the_customer_did_not_share_is_not_approved(running: Shop, data: dict[str, Any]) -> None:
    answered(running, "s1", data)
    [one] = running.ask("GET", ANSWERS).json()["answers"]
    refused = running.ask("POST", f"{ANSWERS}/{one['id']}/approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "answer_not_shared")


def test_an_answer_that_is_not_there_is_not_found_and_each_scope_does_its_own(running: Shop) -> None:
    for path in ("999", "x", "%00"):
        assert running.ask("GET", f"{ANSWERS}/{path}").json()["code"] == "answer_not_found"
        assert running.ask("POST", f"{ANSWERS}/{path}/approve").json()["code"] == "answer_not_found"
    reader = running.new_key("answers:read")
    assert running.ask("GET", ANSWERS, key=reader).status_code == 200
    assert running.ask("POST", f"{ANSWERS}/1/withdraw", key=reader).status_code == 403
    assert running.ask("GET", ANSWERS, key=running.new_key("orders:read")).status_code == 403
