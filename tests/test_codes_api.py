"""Codes and referrals over HTTP, and the address that brings friends."""

from typing import Any

import pytest
from sqlalchemy import func, select

from doorstep import CodeRule, FriendRule
from doorstep.errors import StoreError
from doorstep.tables import codes, events, referrals

from .erp import ORDERS, Shop

CODES, REFERRALS = "/api/v1/codes", "/api/v1/referrals"
RULES = {
    "offer": CodeRule(pool="autumn", lasts=30),
    "referral": CodeRule(prefix="F-", per_customer=True, friends=FriendRule("https://shop.example/new?a=1#top")),
}


@pytest.fixture(autouse=True)
def rules(request: Any) -> None:
    """The shop of the test has these widgets."""
    shop: Shop = request.getfixturevalue("running" if "running" in request.fixturenames else "erp")
    shop.engine.codes.rules["main"].update(RULES)


def order(shop: Shop, number: str, widget: str, **fields: Any) -> str:
    """The code of this widget that a new order gets."""
    kept = shop.new_order(number=number, **fields)
    with shop.engine.database.reading() as connection:
        return shop.engine.codes.of_order(connection, shop.engine.orders.one(connection, kept["id"]))[widget].code


def test_a_pool_is_filled_given_and_redeemed(running: Shop) -> None:
    given = {"pool": "autumn", "codes": ["AUT-1", "AUT-2", "AUT-2"]}
    assert running.ask("POST", CODES, given).json() == {"added": 2, "known": 0}
    assert running.ask("POST", CODES, given).json() == {"added": 0, "known": 2}
    assert order(running, "1001", "offer") == "AUT-1"
    read = running.ask("GET", f"{CODES}/AUT-1").json()
    assert (read["state"], read["pool"], read["widget"], read["order"]) == ("reserved", "autumn", "offer", "1001")
    assert (read["expires_at"], read["redeemed_by"]) == ("2026-12-23T00:00:00Z", "")
    assert running.ask("GET", f"{CODES}/AUT-2").json()["state"] == "free"
    used = running.ask("POST", f"{CODES}/AUT-1/redeem", {"order": "1002"})
    assert (used.status_code, used.json()["state"], used.json()["redeemed_by"]) == (200, "redeemed", "1002")
    assert running.ask("GET", CODES).json()["codes"] == [
        {"pool": "", "widget": "referral", "free": 0, "reserved": 1, "redeemed": 0},
        {"pool": "autumn", "widget": "", "free": 1, "reserved": 0, "redeemed": 1},
    ]


def test_redeeming_twice_is_once_and_for_another_order_not_at_all(erp: Shop) -> None:
    erp.ask("POST", CODES, {"pool": "autumn", "codes": ["AUT-1"]})
    id = erp.new_order(number="1001")["id"]
    path = f"{CODES}/AUT-1/redeem"
    answers = [erp.ask("POST", path, {"order": named}) for named in ("1001", id, "1001")]
    assert [one.json()["redeemed_by"] for one in answers] == ["1001"] * 3
    other = erp.ask("POST", path, {"order": "1002"})
    assert (other.status_code, other.json()["code"]) == (409, "code_redeemed")
    count = select(func.count()).where(events.c.type == "code.redeemed")
    assert erp.rows(count) == [(1,)]


def test_a_code_that_has_ended_is_not_redeemed(erp: Shop) -> None:
    erp.ask("POST", CODES, {"pool": "autumn", "codes": ["AUT-1"]})
    erp.new_order(number="1001")
    erp.clock.advance(31 * 86_400)
    refused = erp.ask("POST", f"{CODES}/AUT-1/redeem", {"order": "1002"})
    assert (refused.status_code, refused.json()["code"]) == (409, "code_ended")
    assert erp.ask("GET", f"{CODES}/AUT-1").json()["state"] == "ended"


def test_a_free_code_that_is_redeemed_goes_to_nobody(erp: Shop) -> None:
    erp.ask("POST", CODES, {"pool": "autumn", "codes": ["AUT-1", "AUT-2"]})
    assert erp.ask("POST", f"{CODES}/AUT-1/redeem", {"order": "77"}).status_code == 200
    assert order(erp, "1001", "offer") == "AUT-2"


@pytest.mark.parametrize(
    "body",
    [
        {"pool": "autumn", "codes": []},
        {"pool": "", "codes": ["A"]},
        {"pool": "a b", "codes": ["A"]},
        {"pool": "autumn", "codes": ["with space"]},
        {"pool": "autumn", "codes": ["a/b"]},
        {"pool": "autumn", "codes": ["-"]},
        {"pool": "autumn", "codes": ["x" * 65]},
    ],
)
def test_what_cannot_be_a_code_is_refused(erp: Shop, body: dict[str, Any]) -> None:
    assert erp.ask("POST", CODES, body).status_code == 422
    assert erp.rows(select(codes.c.code)) == []


def test_another_store_s_key_and_scope_do_not_open_codes(erp: Shop) -> None:
    erp.ask("POST", CODES, {"pool": "autumn", "codes": ["AUT-1"]})
    assert erp.ask("GET", f"{CODES}/AUT-1", key=erp.new_key("orders:read")).status_code == 403
    outlet = erp.new_key(store="outlet")
    assert erp.ask("GET", f"/outlet{CODES}/AUT-1", key=outlet).json()["code"] == "code_not_found"
    for method, path, body in (("GET", f"{CODES}/NO", None), ("POST", f"{CODES}/NO/redeem", {"order": "1"})):
        assert erp.ask(method, path, body).json()["code"] == "code_not_found"


def test_a_referral_is_noted_read_and_settled(running: Shop) -> None:
    code = order(running, "1001", "referral", email="ida@post.example")
    made = running.ask("POST", REFERRALS, {"code": code, "order": "2001", "email": "ole@post.example"})
    body = made.json()
    assert (made.status_code, body["state"], body["order"], body["code"]) == (200, "pending", "2001", code)
    assert running.ask("POST", REFERRALS, {"code": code, "order": "2001", "email": "ole@post.example"}).json() == body
    path = f"{REFERRALS}/{body['id']}"
    assert running.ask("GET", path).json() == body
    for _ in range(2):
        settled = running.ask("POST", f"{path}/settle", {"state": "earned"}).json()
        assert (settled["state"], settled["settled_at"]) == ("earned", "2026-11-22T12:00:00Z")
    other = running.ask("POST", f"{path}/settle", {"state": "refused", "reason": "sent back"})
    assert (other.status_code, other.json()["code"]) == (409, "referral_settled")
    read = running.ask("GET", f"{CODES}/{code}").json()
    assert (read["friends"], read["earned"], read["link"]) == (1, 1, f"https://shop.example/r/{code}")
    assert sorted(type for (type,) in running.rows(select(events.c.type))) == [
        "order.created", "referral.earned", "referral.pending",
    ]  # fmt: skip


def test_the_shop_may_refuse_in_its_own_words(erp: Shop) -> None:
    code = order(erp, "1001", "referral", email="ida@post.example")
    friend = erp.ask("POST", ORDERS, {"number": "2001", "referral": code})
    assert friend.json()["referral"] == code
    ((id,),) = erp.rows(select(referrals.c.id))
    refused = erp.ask("POST", f"{REFERRALS}/{id}/settle", {"state": "refused", "reason": "fraud"}).json()
    assert (refused["state"], refused["reason"]) == ("refused", "fraud")


def test_a_code_that_brings_nobody_is_none_here_and_one_that_does_is_not_redeemed(erp: Shop) -> None:
    erp.ask("POST", CODES, {"pool": "autumn", "codes": ["AUT-1"]})
    own = order(erp, "1001", "referral")
    for code in ("AUT-1", "NOSUCH"):
        assert erp.ask("POST", REFERRALS, {"code": code, "order": "2001"}).json()["code"] == "code_not_found"
    assert erp.ask("POST", f"{CODES}/{own}/redeem", {"order": "2001"}).json()["code"] == "code_shared"
    assert erp.ask("GET", f"{REFERRALS}/ref_0").json()["code"] == "referral_not_found"


def test_a_friend_s_link_leads_to_the_shop_with_the_code_and_an_unknown_one_without(erp: Shop) -> None:
    erp.ask("POST", CODES, {"pool": "autumn", "codes": ["AUT-1"]})
    code = order(erp, "1001", "referral")
    for given, leads in {
        code: f"https://shop.example/new?a=1&ref={code}#top",
        "NOSUCH": "https://shop.example/new?a=1#top",
        "AUT-1": "https://shop.example/new?a=1#top",  # an offer's
        "%00": "https://shop.example/new?a=1#top",
        "%0d%0aSet-Cookie:x": "https://shop.example/new?a=1#top",
        "https:%5C%5Cevil.example": "https://shop.example/new?a=1#top",
    }.items():
        response = erp.front.get(f"/r/{given}")
        assert (response.status_code, response.headers["location"]) == (303, leads), given
        assert response.headers["cache-control"] == "no-store"
        assert "set-cookie" not in response.headers
    assert erp.rows(select(referrals.c.id)) == []


def test_while_the_database_is_away_the_friend_arrives_all_the_same(erp: Shop, monkeypatch: Any) -> None:
    async def away(work: Any) -> None:
        raise StoreError("no connection")

    monkeypatch.setattr(erp.engine.database, "read", away)
    assert erp.front.get("/r/F-ABCDEFGH").headers["location"] == "https://shop.example/new?a=1&ref=F-ABCDEFGH#top"


def test_the_link_has_a_qr_code(erp: Shop) -> None:
    response = erp.front.get("/r/F-ABCDEFGH/qr.svg", "de")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/svg+xml")
    assert 'lang="de"' in response.text
    assert erp.front.get("/r/%3Cscript%3E/qr.svg").status_code == 404


def test_a_shop_without_friends_has_no_such_address(erp: Shop) -> None:
    assert erp.front.get("/outlet/r/F-ABCDEFGH").status_code == 404
    assert erp.front.get("/outlet/r/F-ABCDEFGH/qr.svg").status_code == 404
