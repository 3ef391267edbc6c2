"""Shopify: who signed, what is read of its webhooks, and what is left alone."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from doorstep import DataRequest, Incoming, OrderChange, PackedItem, Parcel, ProtocolError, Redaction, Secret, Verdict
from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.orderbook import KeptOrder
from doorstep.packages import Package
from doorstep.tables import orders
from doorstep_shopify import Settings, Shopify

SHOP = "harbour-and-pine.myshopify.com"
ADDRESS = {
    "name": "Mara Quill", "address1": "Seilerweg 4", "city": "Leipzig", "zip": "04109", "country": "Germany",
    "country_code": "DE", "phone": "+49 341 5550100",
}  # fmt: skip
FULFILMENT = {
    "id": 700000000000000021, "order_id": 810000000000000042, "name": "#1001.1", "status": "success",
    "tracking_company": "DHL Express", "tracking_number": "JD014600001", "tracking_numbers": ["JD014600001"],
    "line_items": [{"id": 501, "quantity": 2}], "shipment_status": "in_transit",
    "created_at": "2026-11-21T16:00:00+01:00", "updated_at": "2026-11-21T16:05:00+01:00",
}  # fmt: skip
ORDER = {
    "id": 810000000000000042, "name": "#1001", "order_number": 1001, "email": "mara@post.example", "phone": None,
    "customer_locale": "de-DE", "created_at": "2026-11-20T09:30:00+01:00", "updated_at": "2026-11-20T09:31:00+01:00",
    "cancelled_at": None, "currency": "EUR", "total_price": "99.00", "current_total_price": "89.00",
    "tags": "gift, wholesale", "note": "Please ring at the neighbour's", "shipping_address": ADDRESS,
    "line_items": [
        {"id": 501, "name": "Boots - 42", "title": "Boots", "sku": "B-42", "quantity": 3, "current_quantity": 2,
         "price": "44.50", "requires_shipping": True},
        {"id": 502, "name": "Laces", "quantity": 1, "current_quantity": 0, "price": "5.00", "requires_shipping": True},
        {"id": 503, "name": "Gift card", "quantity": 1, "price": "10.00", "requires_shipping": False},
    ],
    "fulfillments": [FULFILMENT],
}  # fmt: skip


def shopify(*secrets: str, shop: str = "") -> Shopify:
    return Shopify(Settings(secret=tuple(map(Secret, secrets or ("hush",))), shop=shop))


def incoming(topic: str, told: Any, **headers: str) -> Incoming:
    named = {"x-shopify-topic": topic, "x-shopify-shop-domain": SHOP, **headers}
    return Incoming(named, told if isinstance(told, bytes) else json.dumps(told).encode())


def read(topic: str, told: Any) -> list[Any]:
    return list(shopify().read(incoming(topic, told)))


# The digest was made with `openssl dgst -sha256 -hmac … -binary | base64`.
BODY = b'{"id":810000000000000042,"name":"#1001"}'
SIGNATURE = "54shCOS4fP8mVMoqagEvWIGB8+POjNKX4AX4kvHPMhI="


@pytest.mark.parametrize(
    ("secrets", "body", "signature", "verdict"),
    [
        (("hush",), BODY, SIGNATURE, Verdict.GENUINE),
        (("new", "hush"), BODY, SIGNATURE, Verdict.GENUINE),
        (("new",), BODY, SIGNATURE, Verdict.REFUSED),
        (("hush",), BODY + b" ", SIGNATURE, Verdict.REFUSED),
        (("hush",), BODY, "", Verdict.REFUSED),
        (("hush",), BODY, "é" * 44, Verdict.REFUSED),
    ],
)
def test_the_raw_body_is_signed_with_one_of_the_secrets(secrets: Any, body: bytes, signature: str, verdict: Verdict):
    assert shopify(*secrets).verify(Incoming({"x-shopify-hmac-sha256": signature}, body)) is verdict


def test_an_app_of_several_shops_is_heard_for_one() -> None:
    signed = incoming("orders/create", BODY, **{"x-shopify-hmac-sha256": SIGNATURE})
    assert shopify(shop=SHOP.upper()).verify(signed) is Verdict.GENUINE
    assert shopify(shop="other.myshopify.com").verify(signed) is Verdict.REFUSED


@pytest.mark.parametrize("secrets", [(), ("",), ("hush", "")])
def test_an_empty_secret_is_refused(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="secret is empty"):
        Settings(secret=tuple(map(Secret, secrets)))


def test_a_repetition_has_the_same_key_and_another_subscription_another() -> None:
    def key(**headers: str) -> str:
        return shopify().key(incoming("orders/create", BODY, **headers))

    first = key(**{"x-shopify-webhook-id": "w-1", "x-shopify-event-id": "e-1"})
    assert key(**{"x-shopify-webhook-id": "w-1", "x-shopify-event-id": "e-1", "x-shopify-triggered-at": "x"}) == first
    assert key(**{"x-shopify-webhook-id": "w-2", "x-shopify-event-id": "e-1"}) != first
    assert key(**{"x-shopify-webhook-id": "w-1", "x-shopify-shop-domain": "other.myshopify.com"}) != first


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated", "orders/fulfilled", "orders/cancelled"])
def test_an_order_and_its_fulfilments_are_read(topic: str) -> None:
    order, fulfilment = read(topic, ORDER)
    assert (order.source, order.number, order.parcels) == ("order/810000000000000042", "1001", None)
    assert order.changed_at == datetime(2026, 11, 20, 8, 31, tzinfo=UTC)
    assert order.fields == {
        "placed_at": datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        "email": "mara@post.example",
        "phone": "+493415550100",
        "language": "de-DE",
        "postcode": "04109",
        "country": "DE",
        "total": {"amount": "89.00", "currency": "EUR"},
        "tags": ["gift", "wholesale"],
        "items": [
            {"id": "501", "name": "Boots - 42", "quantity": 2, "sku": "B-42",
             "price": {"amount": "44.50", "currency": "EUR"}},
        ],
        "cancelled_at": None,
    }  # fmt: skip
    sent = datetime(2026, 11, 21, 15, tzinfo=UTC)
    assert fulfilment == OrderChange(
        "fulfillment/700000000000000021", "1001", {},
        (Parcel("JD014600001", "DHL Express", (PackedItem("501", 2),), sent),), sent.replace(minute=5),
        part_of="order/810000000000000042",
    )  # fmt: skip


def test_nothing_that_is_not_needed_is_read_of_a_person() -> None:
    told = repr(read("orders/create", ORDER))
    for personal in ("Quill", "Seilerweg", "Leipzig", "neighbour"):
        assert personal not in told


def test_what_shopify_withholds_is_not_said_to_be_nothing() -> None:
    withheld = {**ORDER, "email": None, "contact_email": None, "shipping_address": None, "customer_locale": None}
    assert {"email", "postcode", "country", "language"}.isdisjoint(read("orders/updated", withheld)[0].fields)


def test_a_cancelled_order_is_cancelled() -> None:
    (change, _) = read("orders/cancelled", {**ORDER, "cancelled_at": "2026-11-21T08:00:00Z"})
    assert change.fields["cancelled_at"] == datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.mark.parametrize("topic", ["fulfillments/create", "fulfillments/update"])
def test_a_fulfilment_speaks_of_its_order_s_parcels_alone(topic: str) -> None:
    (change,) = read(topic, FULFILMENT)
    assert (change.source, change.number, change.fields) == ("fulfillment/700000000000000021", "1001", {})
    assert [one.number for one in change.parcels] == ["JD014600001"]


@pytest.mark.parametrize("status", ["cancelled", "error", "failure"])
def test_a_fulfilment_that_sends_nothing_has_no_parcels(status: str) -> None:
    assert read("fulfillments/update", {**FULFILMENT, "status": status})[0].parcels == ()


def test_several_numbers_of_one_fulfilment_are_parcels_without_a_list() -> None:
    told = {**FULFILMENT, "tracking_numbers": ["JD014600001", "JD014600002", "JD014600001", ""]}
    (change,) = read("fulfillments/create", told)
    assert [(one.number, one.items) for one in change.parcels] == [("JD014600001", ()), ("JD014600002", ())]


def test_a_fulfilment_without_a_number_yet_has_no_parcels() -> None:
    told = {**FULFILMENT, "tracking_numbers": [], "tracking_number": None, "tracking_company": None}
    assert read("fulfillments/create", told)[0].parcels == ()


def test_what_shopify_s_rules_on_privacy_ask_for_is_read() -> None:
    person = {"id": 1, "email": "mara@post.example", "phone": "+49 341 5550100"}
    assert read("customers/redact", {"customer": person, "orders_to_redact": [810000000000000042]}) == [
        Redaction(("order/810000000000000042",), "mara@post.example")
    ]
    assert read("customers/redact", {"customer": {"email": "mara@post.example"}}) == [
        Redaction((), "mara@post.example")
    ]
    assert read("customers/data_request", {"customer": person, "orders_requested": [1, 2]}) == [
        DataRequest(("order/1", "order/2"), "mara@post.example")
    ]
    assert read("shop/redact", {"shop_id": 1, "shop_domain": SHOP}) == [Redaction(everything=True)]


@pytest.mark.parametrize("topic", ["", "products/update", "fulfillment_events/create", "app/uninstalled"])
def test_other_topics_are_left_alone(topic: str) -> None:
    assert read(topic, b"not even JSON") == []


@pytest.mark.parametrize("told", [b"", b"[]", b"{", b"\xff", {}, {"id": 1}, {"name": "#1"}])
def test_what_is_no_order_is_refused(told: Any) -> None:
    with pytest.raises(ProtocolError):
        read("orders/create", told)


def test_a_digest_of_another_hash_is_no_signature() -> None:
    made = base64.b64encode(hmac.digest(b"hush", BODY, hashlib.sha1)).decode()
    assert shopify().verify(Incoming({"x-shopify-hmac-sha256": made}, BODY)) is Verdict.REFUSED


def test_an_order_s_way_from_a_fulfilment_that_came_first_to_being_forgotten(new_sqlite: Any, tmp_path: Path) -> None:
    stores = {"main": Store("Harbour & Pine", connectors={"shopify": {"secret": ["hush"]}})}
    config = Config(
        stores=stores, secret_key=(Secret("k" * 32),), database=new_sqlite(tmp_path / "shop.db"), base=tmp_path
    )  # fmt: skip
    engine = create_engine(config, packages=[Package("shopify", "doorstep_shopify", "doorstep", "0.1.0")])
    with TestClient(assemble(engine)) as client:

        def send(topic: str, told: Any) -> KeptOrder | None:
            body = json.dumps(told).encode()
            made = base64.b64encode(hmac.digest(b"hush", body, hashlib.sha256)).decode()
            headers = {
                "X-Shopify-Topic": topic, "X-Shopify-Hmac-SHA256": made, "X-Shopify-Shop-Domain": SHOP,
                "X-Shopify-Webhook-Id": hashlib.sha256(topic.encode() + body).hexdigest(),
            }  # fmt: skip
            response = client.post("/connect/shopify", content=body, headers=headers)
            assert (response.status_code, response.json()) == (200, {"outcome": "kept"})
            with engine.database.reading() as connection:
                return engine.orders.find(connection, "main", "1001")

        found = send("fulfillments/create", FULFILMENT)
        assert found is not None
        assert ([one.number for one in found.parcels], found.order.items) == (["JD014600001"], ())

        found = send("orders/create", {**ORDER, "fulfillments": []})
        assert found is not None
        assert ([one.number for one in found.parcels], found.order.items[0].name) == (["JD014600001"], "Boots - 42")
        assert found.placed_at == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

        replaced = {**FULFILMENT, "tracking_numbers": ["JD014600009"], "updated_at": "2026-11-21T17:00:00+01:00"}
        found = send("fulfillments/update", replaced)
        assert found is not None
        assert [one.number for one in found.parcels] == ["JD014600009"]

        person = {"email": "mara@post.example"}
        send("customers/redact", {"shop_domain": SHOP, "customer": person, "orders_to_redact": [ORDER["id"]]})
        with engine.database.reading() as connection:
            assert engine.orders.page(connection, "main", matching=[orders.c.email_hash.is_not(None)]).orders == ()
