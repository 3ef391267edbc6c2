"""JSON that comes in: what is no order and what is no JSON is refused, each mistake with its place."""

import pytest

from .erp import ORDERS, Shop


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b'{"number":""}', b'{"number":7}', b'{"number":"1","total":{"amount":"NaN","currency":"EUR"}}',
        b'{"number":"1","placed_at":"0001-01-01T00:00:00+14:00"}', b'{"number":"1","placed_at":"2026-11-22T10:00:00"}',
        b'{"number":"a\\u0000b"}', b'{"number":"1","version":2}', b"[]", b"null",
    ],
)  # fmt: skip
def test_a_body_that_is_no_order_is_refused(running: Shop, body: bytes) -> None:
    response = running.ask("POST", ORDERS, body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert all(one["problem"] and one["next_step"] for one in response.json()["errors"])


@pytest.mark.parametrize(
    "body",
    [
        b"", b'{"number":"1"', b'{"number":"1","number":"2"}', b'{"a":{"b":1,"b":1}}', b'{"number":NaN}', b"\xff",
        b'{"number":"\\ud800"}', b"[" * 100_000, b"9" * 5000, b'{"number":"1"} x',
    ],
)  # fmt: skip
def test_what_is_not_plain_json_is_refused(erp: Shop, body: bytes) -> None:
    response = erp.ask("POST", ORDERS, body)
    assert (response.status_code, response.json()["code"]) == (400, "unreadable")


def test_every_mistake_is_named_with_its_place(erp: Shop) -> None:
    body = {
        "numbr": "1", "items": [{"name": "Boots"}, {"name": "Shoes", "quantity": 0}],
        "shipments": [{"number": "SPY123456", "carier": "ups"}], "email": "ida",
    }  # fmt: skip
    faults = {one["path"]: one for one in erp.ask("POST", ORDERS, body).json()["errors"]}
    assert set(faults) == {"numbr", "number", "items[1].quantity", "shipments[0].carier", "email"}
    assert faults["numbr"]["next_step"] == "did you mean 'number'?"
    assert faults["number"]["problem"] == "it is missing"
    assert faults["items[1].quantity"]["problem"] == "Expected `int` >= 1"
    assert faults["shipments[0].carier"]["problem"] == "there is no such field"


def test_a_parcels_number_that_is_none_is_named(erp: Shop) -> None:
    response = erp.ask("POST", ORDERS, {"number": "1", "shipments": [{"number": "?"}]})
    (fault,) = response.json()["errors"]
    assert response.status_code == 422
    assert fault["path"].startswith("shipments")


def test_a_body_too_large_and_one_of_another_type_are_refused(erp: Shop) -> None:
    large = erp.ask("POST", ORDERS, b'{"note":"' + b"x" * 1_000_000 + b'"}')
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    for headers in (
        {"Content_Type": "text/plain"}, {"Content_Type": "application/x-www-form-urlencoded"}, {"Content_Encoding": "gzip"},
    ):  # fmt: skip
        other = erp.ask("POST", ORDERS, b'{"number":"1"}', **headers)
        assert (other.status_code, other.json()["code"]) == (415, "unsupported_type")
    assert erp.ask("POST", ORDERS, b'{"number":"1"}', Content_Type="application/json; charset=utf-8").status_code == 201
