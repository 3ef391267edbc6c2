"""The shop's orders over HTTP: what is kept, read, changed, listed and told."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from doorstep.ids import new_id
from doorstep.links import Proof
from doorstep.order import Order
from doorstep.reports import Kind
from doorstep.tables import deliveries, events, orders, parcels

from .erp import ORDERS, WHOLE, Shop


def test_what_was_written_is_read_again(running: Shop) -> None:
    response = running.ask("POST", ORDERS, WHOLE)
    body = response.json()
    assert response.status_code == 201
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["location"] == f"https://shop.example{ORDERS}/{body['id']}" == body["links"]["self"]
    for name in ("number", "placed_at", "language", "email", "postcode", "country", "total", "tags", "note"):
        assert body[name] == WHOLE[name], name
    assert body["promised"] == {"from": "2026-11-25", "until": "2026-11-27", "business_days": None}
    assert body["items"][0]["price"] == {"amount": "49.90", "currency": "EUR"}
    assert (body["version"], body["promise"], body["closed_at"]) == (1, "", None)
    assert body["created_at"] == body["updated_at"] == "2026-11-22T12:00:00Z"
    (parcel,) = body["shipments"]
    assert (parcel["number"], parcel["carrier"]) == ("1ZD0R5TP0373116441", "ups")
    assert (parcel["items"], parcel["status"], parcel["final"]) == ([{"id": "b", "quantity": 1}], "pending", False)
    for name in ("1001", body["id"]):
        assert running.ask("GET", f"{ORDERS}/{name}").json() == body


def test_the_promise_is_counted_in_the_shops_business_days(erp: Shop) -> None:
    # Placed on a Friday: Monday, Tuesday, Wednesday.
    order = erp.new_order(placed_at="2026-11-20T09:30:00Z", promised={"business_days": 3})
    assert order["promised"] == {"from": None, "until": "2026-11-25", "business_days": 3}
    changed = erp.ask("PATCH", f"{ORDERS}/1001", {"promised": {"business_days": 5}}).json()
    assert changed["promised"]["until"] == "2026-11-27"
    noted = erp.ask("PATCH", f"{ORDERS}/1001", {"note": "soon"}).json()
    assert noted["promised"] == changed["promised"]


def test_a_parcels_summary_is_told(erp: Shop) -> None:
    order = erp.new_order(shipments=[{"number": "SPY123456"}])
    with erp.engine.database.writing() as connection:
        told = {"status": "delivered", "final": True, "expected": None, "fetched_at": erp.clock.now()}
        connection.execute(update(parcels).values(told))
    (parcel,) = erp.ask("GET", f"{ORDERS}/{order['id']}").json()["shipments"]
    assert (parcel["status"], parcel["final"], parcel["fetched_at"]) == ("delivered", True, "2026-11-22T12:00:00Z")


def test_customers_are_counted_from_orders_with_their_address(erp: Shop) -> None:
    money = {"amount": "10.50", "currency": "EUR"}
    erp.new_order(number="1", email="ida@shop.example", total=money, placed_at="2026-11-01T10:00:00Z")
    erp.new_order(number="2", email="IDA@shop.example", total=money, placed_at="2026-11-02T10:00:00Z")
    erp.new_order(number="3", email="ole@shop.example", total=money)
    facts = erp.ask("GET", f"{ORDERS}/2").json()["customer"]
    assert facts == {
        "orders": 2, "value": {"amount": "21.00", "currency": "EUR"}, "last_order_at": "2026-11-01T10:00:00Z",
        "tags": [], "points": None, "tier": "",
    }  # fmt: skip


def test_a_number_with_a_slash_is_a_number(erp: Shop) -> None:
    erp.new_order(number="2026/11 #7")
    path = f"{ORDERS}/{quote('2026/11 #7', safe='')}"
    assert erp.ask("GET", path).json()["number"] == "2026/11 #7"
    assert erp.ask("POST", f"{path}/links").status_code == 201
    assert erp.ask("DELETE", path).status_code == 204


def test_a_link_opens_the_order_and_void_links_do_not(erp: Shop) -> None:
    order = erp.new_order()
    response = erp.ask("POST", f"{ORDERS}/1001/links", {"days": 3})
    assert response.status_code == 201
    assert response.json()["expires_at"] == "2026-11-25T12:00:00Z"
    for url in (response.json()["url"], order["links"]["order"]):
        token = url.removeprefix("https://shop.example/o/").removesuffix("/")
        ticket = erp.engine.links.read(token)
        assert (ticket.order_id, ticket.proof, ticket.level, ticket.generation) == (order["id"], Proof.LINK, 1, 0)
    # 180 days after today; a link in an answer lasts until midnight.
    assert ticket.expires_at.isoformat() == "2027-05-22T00:00:00+00:00"
    assert erp.ask("DELETE", f"{ORDERS}/1001/links").status_code == 204
    fresh = erp.ask("GET", f"{ORDERS}/1001").json()["links"]["order"]
    assert erp.engine.links.read(fresh.split("/")[-2]).generation == 1


def test_an_erased_order_is_not_written_again(erp: Shop) -> None:
    erp.new_order()
    with erp.engine.database.writing() as connection:
        connection.execute(update(orders).values(erased_at=erp.clock.now()))
    body = erp.ask("GET", f"{ORDERS}/1001").json()
    assert (body["erased_at"], body["links"]["order"]) == ("2026-11-22T12:00:00Z", "")
    for method, path in (("PATCH", f"{ORDERS}/1001"), ("POST", f"{ORDERS}/1001/links")):
        response = erp.ask(method, path, {})
        assert (response.status_code, response.json()["code"]) == (410, "order_erased")
    assert erp.ask("DELETE", f"{ORDERS}/1001").status_code == 204


def test_reports_are_opened_for_the_shop(erp: Shop) -> None:
    order = erp.new_order()
    with erp.engine.database.writing() as connection:
        kept = erp.engine.orders.one(connection, order["id"])
        erp.engine.reports.keep(connection, kept, Kind.PROBLEM, {"text": "The box is open"}, id=new_id("rep"))
    (report,) = erp.ask("GET", f"{ORDERS}/1001/reports").json()["reports"]
    assert (report["kind"], report["data"], report["parcel_id"]) == ("problem", {"text": "The box is open"}, None)


# Events: one transaction with the change, without anything personal.


def told(erp: Shop) -> list[tuple[str, Any]]:
    return [(row.type, json.loads(row.data)) for row in erp.rows(select(events).order_by(events.c.at, events.c.id))]


def test_each_change_is_one_event_for_each_endpoint(running: Shop) -> None:
    order = running.new_order(**{**WHOLE, "number": "1001"})
    running.clock.advance(1)
    for _ in range(2):  # what changes nothing is nothing new
        assert running.ask("PATCH", f"{ORDERS}/1001", {"note": "soon"}).json()["version"] == 2
    data = {"order": {"id": order["id"], "number": "1001"}}
    assert told(running) == [("order.created", data), ("order.updated", data)]
    assert len(running.rows(select(deliveries))) == 2


def test_what_is_refused_is_told_to_nobody(running: Shop) -> None:
    running.new_order()
    assert running.ask("POST", ORDERS, {"number": "1001"}).status_code == 409
    assert running.ask("POST", ORDERS, {"number": "1002", "shipments": [{"number": "?"}]}).status_code == 422
    assert running.ask("PATCH", f"{ORDERS}/1001", {"shipments": [{"number": "?"}]}).status_code == 422
    assert [kind for kind, _ in told(running)] == ["order.created"]
    assert [row.number for row in running.rows(select(orders.c.number))] == ["1001"]


# Changes.


def test_a_merge_patch_changes_what_it_names_and_null_takes_away(running: Shop) -> None:
    running.ask("POST", ORDERS, WHOLE)
    patch = {"note": None, "postcode": "20099", "total": {"amount": "89.80"}, "items": [{"name": "Shoes"}]}
    body = running.ask("PATCH", f"{ORDERS}/1001", patch).json()
    assert (body["note"], body["postcode"], body["email"]) == ("", "20099", "ida@shop.example")
    assert body["total"] == {"amount": "89.80", "currency": "EUR"}
    assert [item["name"] for item in body["items"]] == ["Shoes"]
    assert [parcel["number"] for parcel in body["shipments"]] == ["1ZD0R5TP0373116441"]
    assert body["placed_at"] == "2026-11-20T09:30:00Z"


def test_a_patch_may_come_as_what_it_is(erp: Shop) -> None:
    erp.new_order()
    patched = erp.ask("PATCH", f"{ORDERS}/1001", b'{"note":"x"}', Content_Type="application/merge-patch+json")
    assert (patched.status_code, patched.json()["note"]) == (200, "x")


@pytest.mark.parametrize("patch", [[], "text", None, 7])
def test_a_patch_that_is_no_object_is_no_order(erp: Shop, patch: Any) -> None:
    erp.new_order()
    response = erp.ask("PATCH", f"{ORDERS}/1001", json.dumps(patch).encode())
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert response.json()["errors"][0]["problem"].startswith("Expected `object`")


def test_a_number_that_another_order_has_is_refused(erp: Shop) -> None:
    erp.new_order(number="1")
    erp.new_order(number="2")
    response = erp.ask("PATCH", f"{ORDERS}/2", {"number": "1"})
    assert (response.status_code, response.json()["code"]) == (409, "order_exists")
    assert erp.ask("PATCH", f"{ORDERS}/2", {"number": "3"}).json()["number"] == "3"


def test_a_change_of_what_was_changed_meanwhile_is_refused(running: Shop) -> None:
    running.new_order()
    etag = running.ask("GET", f"{ORDERS}/1001").headers["etag"]
    assert running.ask("PATCH", f"{ORDERS}/1001", {"note": "one"}, If_Match=etag).status_code == 200
    late = running.ask("PATCH", f"{ORDERS}/1001", {"note": "two"}, If_Match=etag)
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (412, "changed", 2)
    assert running.ask("DELETE", f"{ORDERS}/1001", If_Match=etag).status_code == 412
    assert running.ask("PATCH", f"{ORDERS}/1001", {"note": "two"}, If_Match="*").status_code == 200


def test_a_parcel_that_moves_on_changes_the_etag_and_is_in_no_changes_way(erp: Shop) -> None:
    erp.new_order(shipments=[{"number": "SPY123456"}])
    before = erp.ask("GET", f"{ORDERS}/1001").headers["etag"]
    with erp.engine.database.writing() as connection:
        connection.execute(update(parcels).values(status="in_transit"))
    after = erp.ask("GET", f"{ORDERS}/1001").headers["etag"]
    assert before != after
    assert erp.ask("PATCH", f"{ORDERS}/1001", {"note": "x"}, If_Match=before).status_code == 200


def test_what_is_as_it_was_is_not_sent_again(erp: Shop) -> None:
    erp.new_order()
    etag = erp.ask("GET", f"{ORDERS}/1001").headers["etag"]
    for given in (etag, f'"x", {etag}', f"W/{etag}"):
        again = erp.ask("GET", f"{ORDERS}/1001", If_None_Match=given)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert erp.ask("GET", f"{ORDERS}/1001", If_None_Match='"1.x"').status_code == 200


def test_a_deleted_order_is_gone_with_its_parcels(running: Shop) -> None:
    running.ask("POST", ORDERS, WHOLE)
    assert running.ask("DELETE", f"{ORDERS}/1001").status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        response = running.ask(method, f"{ORDERS}/1001", {} if method == "PATCH" else None)
        assert (response.status_code, response.json()["code"]) == (404, "order_not_found")
    assert running.rows(select(parcels)) == []


def test_of_changes_at_once_none_is_lost(running: Shop) -> None:
    running.new_order()
    with ThreadPoolExecutor(8) as pool:
        statuses = pool.map(
            lambda n: running.ask("PATCH", f"{ORDERS}/1001", {"customer": {"orders": n}}).status_code, range(1, 17)
        )
        assert set(statuses) == {200}
    assert running.ask("GET", f"{ORDERS}/1001").json()["version"] == 17


# Lists.


def test_pages_follow_each_other_without_a_gap_or_a_repetition(running: Shop) -> None:
    for n in range(7):  # two at each moment
        running.new_order(number=str(n), placed_at=f"2026-11-{10 + n // 2}T10:00:00Z")
    found, path = [], f"{ORDERS}?limit=3&status=open"
    pages = 0
    while path:
        response = running.ask("GET", path)
        found += [order["number"] for order in response.json()["orders"]]
        following = response.links.get("next", {}).get("url", "")
        assert bool(following) is (response.json()["after"] is not None)
        path = following.removeprefix("https://shop.example")
        pages += 1
    assert pages == 3
    assert sorted(found) == [str(n) for n in range(7)]
    assert [int(number) // 2 for number in found] == [3, 2, 2, 1, 1, 0, 0]


def test_lists_are_narrowed(erp: Shop) -> None:
    erp.new_order(number="1", shipments=[{"number": "SPY123456"}])
    erp.clock.advance(60)
    erp.new_order(number="2")
    with erp.engine.database.writing() as connection:
        connection.execute(update(orders).where(orders.c.number == "1").values(closed_at=erp.clock.now()))

    def listed(query: str) -> list[str]:
        return [order["number"] for order in erp.ask("GET", f"{ORDERS}?{query}").json()["orders"]]

    assert listed("number=1") == ["1"]
    assert listed("number=3") == []
    assert listed("status=open") == ["2"]
    assert listed("status=closed&lang=de") == ["1"]
    assert listed("updated_since=2026-11-22T12:00:30Z") == ["2"]
    assert listed("updated_since=2026-11-22T12:00:00Z") == ["2", "1"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "?limit"), ("limit=101", "?limit"), ("limit=many", "?limit"), ("status=lost", "?status"),
        ("update_since=2026-11-22T10:00:00Z", "?update_since"), ("email=ida@shop.example", "?email"),
        ("updated_since=2026-11-22", "?updated_since"), ("updated_since=0.5", "?updated_since"),
        ("updated_since=0001-01-01T00:00:00%2B14:00", "?updated_since"), ("after=abc", "?after"), ("after=%00", "?after"),
        ("number=%00", "?number"), ("after=" + "a" * 201, "?after"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(erp: Shop, query: str, path: str) -> None:
    response = erp.ask("GET", f"{ORDERS}?{query}")
    assert (response.status_code, [one["path"] for one in response.json()["errors"]]) == (422, [path])


def test_links_are_below_the_stores_own_path(erp: Shop) -> None:
    body = erp.ask("POST", f"/outlet{ORDERS}", {"number": "1"}, key=erp.new_key(store="outlet")).json()
    assert body["links"]["self"] == f"http://shop.example/outlet{ORDERS}/{body['id']}"
    assert body["links"]["order"].startswith("http://shop.example/outlet/o/")


def test_the_order_of_these_tests_has_every_field_that_a_shop_writes() -> None:
    assert {*WHOLE, "customer", "cancelled_at", "referral"} == set(Order.__struct_fields__)
