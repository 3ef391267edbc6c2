"""The way into the API: who may, once, not too often, and what is said to whoever may not."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from doorstep.config import ApiLimit, Server
from doorstep.errors import StoreError
from doorstep.keys import SCOPES, Keys
from doorstep.tables import events, orders, requests

from .clock import FakeClock
from .erp import BANNERS, ORDERS, WHOLE, Shop, selling

# Who may.


def test_without_a_key_that_opens_nothing_is_told(erp: Shop) -> None:
    erp.new_order()
    ended = erp.new_key()
    with erp.engine.database.writing() as connection:
        keys = Keys(clock=erp.clock)
        keys.rotate(connection, ended.split("_")[1], hours=0)
    for key in ("", "ds_000000000000_" + "0" * 32, erp.new_key(store="outlet"), ended):
        for number in ("1001", "none"):
            response = erp.ask("GET", f"{ORDERS}/{number}", key=key)
            assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
            assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    without = erp.front.get(f"{ORDERS}/1001")
    assert (without.status_code, without.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", ORDERS, "orders:read"), ("POST", ORDERS, "orders:write"), ("GET", f"{ORDERS}/1", "orders:read"),
        ("PATCH", f"{ORDERS}/1", "orders:write"), ("DELETE", f"{ORDERS}/1", "orders:write"),
        ("POST", f"{ORDERS}/1/links", "orders:write"), ("DELETE", f"{ORDERS}/1/links", "orders:write"),
        ("GET", f"{ORDERS}/1/reports", "orders:read"), ("GET", BANNERS, "banners:read"),
        ("POST", BANNERS, "banners:write"), ("GET", f"{BANNERS}/1", "banners:read"),
        ("PATCH", f"{BANNERS}/1", "banners:write"), ("DELETE", f"{BANNERS}/1", "banners:write"),
    ],
)  # fmt: skip
def test_a_key_may_what_its_scopes_say(erp: Shop, method: str, path: str, scope: str) -> None:
    others = erp.new_key(*(one for one in SCOPES if one != scope))
    response = erp.ask(method, path, key=others)
    assert (response.status_code, response.json()["code"], response.json()["scope"]) == (403, "forbidden", scope)
    assert f'scope="{scope}"' in response.headers["www-authenticate"]
    assert erp.ask(method, path, key=erp.new_key(scope)).status_code not in (401, 403)


def test_stores_do_not_see_each_others_orders(erp: Shop) -> None:
    order = erp.new_order()
    outlet = erp.new_key(store="outlet")
    assert erp.ask("GET", f"/outlet{ORDERS}/{order['id']}", key=outlet).status_code == 404
    assert erp.ask("GET", f"/outlet{ORDERS}", key=outlet).json() == {"orders": [], "after": None}
    assert erp.ask("POST", f"/outlet{ORDERS}", {"number": "1001"}, key=outlet).status_code == 201


def test_a_refusal_is_a_problem_document_in_the_callers_language(erp: Shop) -> None:
    for path, headers in ((ORDERS, {"Accept_Language": "ar"}), (f"{ORDERS}?lang=ar", {})):
        response = erp.ask("GET", path, key="", **headers)
        body = response.json()
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["content-language"] == "ar"
        assert response.headers["cache-control"] == "private, no-store"
        assert body["title"] != "A key is needed"
        assert (body["type"], body["status"], body["instance"]) == ("urn:doorstep:problem:unauthorized", 401, ORDERS)


def test_that_a_key_was_used_is_noted(erp: Shop) -> None:
    erp.ask("GET", ORDERS)
    with erp.engine.database.reading() as connection:
        (key,) = Keys(clock=erp.clock).all(connection)
    assert key.used_at == erp.clock.now()


# Once, and not too often.


def test_a_request_sent_again_is_answered_again_and_done_once(running: Shop) -> None:
    first = running.ask("POST", ORDERS, WHOLE, Idempotency_Key='"8e03978e"')
    again = running.ask("POST", ORDERS, WHOLE, Idempotency_Key="8e03978e")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == first.headers["etag"]
    other = running.ask("POST", ORDERS, {"number": "1002"}, Idempotency_Key="8e03978e")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert len(running.rows(select(orders))) == 1


def test_the_same_body_for_another_order_is_another_request(erp: Shop) -> None:
    erp.new_order(number="1")
    erp.new_order(number="2")
    assert erp.ask("POST", f"{ORDERS}/1/links", {"days": 1}, Idempotency_Key="k").status_code == 201
    assert erp.ask("POST", f"{ORDERS}/2/links", {"days": 1}, Idempotency_Key="k").status_code == 422


@pytest.mark.parametrize("key", ["", '""', "a" * 129, "caf\xe9"])
def test_a_key_that_cannot_be_one_is_refused(erp: Shop, key: str) -> None:
    response = erp.front.client.post(
        ORDERS,
        content=b'{"number":"1"}',
        headers=[
            (b"authorization", f"Bearer {erp.key}".encode()),
            (b"content-type", b"application/json"),
            (b"idempotency-key", key.encode("latin-1")),
        ],
    )
    assert (response.status_code, response.json()["code"]) == (400, "invalid_key")


def test_a_race_of_the_same_request_makes_one_order_and_one_event(running: Shop) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: running.ask("POST", ORDERS, WHOLE, Idempotency_Key="race"), range(48))
        )  # fmt: skip
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    for table in (orders, events, requests):
        assert running.rows(select(func.count()).select_from(table)) == [(1,)]


def test_a_race_without_keys_makes_one_order_and_tells_the_others(running: Shop) -> None:
    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(lambda _: running.ask("POST", ORDERS, WHOLE).status_code, range(32)))
    assert statuses == [201] + [409] * 31
    assert len(running.rows(select(orders))) == 1


def test_a_key_has_so_many_calls(tmp_path: Path, clock: FakeClock) -> None:
    server = Server(api_limit=ApiLimit(3, 10))
    with selling(tmp_path, "sqlite:///shop.db", clock, server=server) as erp:
        seen = []
        for _ in range(4):
            response = erp.ask("GET", ORDERS)
            seen.append((response.status_code, response.headers["ratelimit"]))
            assert response.headers["ratelimit-policy"] == '"api";q=3;w=10'
            clock.advance(1)
        assert seen == [
            (200, '"api";r=2;t=10'), (200, '"api";r=1;t=9'), (200, '"api";r=0;t=8'), (429, '"api";r=0;t=7'),
        ]  # fmt: skip
        assert (response.headers["retry-after"], response.json()["code"]) == ("7", "rate_limited")
        assert erp.ask("GET", ORDERS, key=erp.new_key()).status_code == 200
        clock.advance(6)
        assert erp.ask("GET", ORDERS).status_code == 200


def test_a_wrong_method_is_told_with_the_right_ones(erp: Shop) -> None:
    resources = (
        (ORDERS, {"GET", "HEAD", "POST"}),
        (f"{ORDERS}/1", {"GET", "HEAD", "PATCH", "DELETE"}),
        (f"{ORDERS}/1/links", {"POST", "DELETE"}),
    )
    for path, allowed in resources:
        response = erp.ask("PUT", path)
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
        assert set(response.headers["allow"].split(", ")) == allowed


def test_when_nothing_can_be_kept_the_caller_is_told_to_come_back(erp: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(work: object) -> None:
        raise StoreError("database or disk is full")

    erp.ask("GET", ORDERS)
    monkeypatch.setattr(erp.engine.database, "write", full)
    response = erp.ask("POST", ORDERS, {"number": "1"})
    assert (response.status_code, response.json()["code"], response.headers["retry-after"]) == (503, "store", "5")
    assert "disk" not in response.text
    erp.clock.advance(60)  # that a key was used cannot be noted now
    assert erp.ask("GET", ORDERS).status_code == 200
