"""WooCommerce: who signed, its ping, what is read of its webhooks, and where its plugins keep tracking numbers."""

import base64
import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from doorstep import Incoming, OrderGone, Parcel, ProtocolError, Secret, Verdict
from doorstep_woocommerce import Settings, WooCommerce

SENT = 1795276800  # 2026-11-21 16:00 UTC: `date -d @1795276800`
TRACKED = {
    "tracking_provider": "dhl-de", "custom_tracking_provider": "", "custom_tracking_link": "",
    "tracking_number": "JD014600001", "date_shipped": str(SENT), "tracking_id": "0" * 32,
}  # fmt: skip
BILLING = {
    "first_name": "Mara", "last_name": "Quill", "address_1": "Seilerweg 4", "postcode": "04109", "country": "DE",
    "email": "mara@post.example", "phone": "+49 341 5550100",
}  # fmt: skip
ORDER = {
    "id": 4711, "number": "HP-1001", "status": "processing", "currency": "EUR", "total": "89.00",
    "date_created": "2026-11-20T09:30:00", "date_created_gmt": "2026-11-20T08:30:00",
    "date_modified_gmt": "2026-11-20T08:31:00", "customer_note": "Please ring at the neighbour's",
    "billing": BILLING, "shipping": {**BILLING, "email": "", "postcode": "1010", "country": "AT"},
    "line_items": [
        {"id": 11, "name": "Boots", "quantity": 2, "sku": "B-42", "price": 44.5,
         "image": {"id": 9, "src": "https://shop.example/boots.jpg"}},
    ],
    "meta_data": [{"id": 1, "key": "_wc_shipment_tracking_items", "value": [TRACKED]}],
}  # fmt: skip


def woo(*secrets: str) -> WooCommerce:
    return WooCommerce(Settings(secret=tuple(map(Secret, secrets or ("secret",)))))


def incoming(topic: str, told: Any, **headers: str) -> Incoming:
    named = {"x-wc-webhook-topic": topic, "x-wc-webhook-source": "https://shop.example/", "x-wc-webhook-id": "3"}
    return Incoming({**named, **headers}, told if isinstance(told, bytes) else json.dumps(told).encode())


def read(topic: str, told: Any) -> list[Any]:
    return list(woo().read(incoming(topic, told)))


def parcels(*meta: tuple[str, Any]) -> list[Parcel]:
    told = {**ORDER, "meta_data": [{"id": n, "key": key, "value": value} for n, (key, value) in enumerate(meta)]}
    return list(read("order.updated", told)[0].parcels)


# The digest was made with `openssl dgst -sha256 -hmac … -binary | base64`.
BODY = b'{"id":4711,"status":"processing"}'
SIGNATURE = "7Ten8oL8lECd/UOR31S0c0Kby84LeXZB2lzm9BPKEWg="


@pytest.mark.parametrize(
    ("secrets", "body", "signature", "verdict"),
    [
        (("secret",), BODY, SIGNATURE, Verdict.GENUINE),
        (("new", "secret"), BODY, SIGNATURE, Verdict.GENUINE),
        (("new",), BODY, SIGNATURE, Verdict.REFUSED),
        (("secret",), BODY + b"\n", SIGNATURE, Verdict.REFUSED),
        (("secret",), BODY, "", Verdict.REFUSED),
    ],
)
def test_the_raw_body_is_signed_with_one_of_the_secrets(secrets: Any, body: bytes, signature: str, verdict: Verdict):
    assert woo(*secrets).verify(Incoming({"x-wc-webhook-signature": signature}, body)) is verdict


@pytest.mark.parametrize(
    ("entered", "keyed"),
    [("a&amp;b", "a&b"), ("a&b", "a&b"), ("&quot;&#039;&lt;&gt;", "\"'<>"), ("&amp;lt;", "&lt;"), ("&euro;", "&euro;")],
)
def test_the_secret_keys_as_wordpress_decodes_it(entered: str, keyed: str) -> None:
    signature = base64.b64encode(hmac.digest(keyed.encode(), BODY, sha256)).decode()
    assert woo(entered).verify(Incoming({"x-wc-webhook-signature": signature}, BODY)) is Verdict.GENUINE


@pytest.mark.parametrize(
    ("body", "headers", "verdict"),
    [
        (b"webhook_id=12", {}, Verdict.PING),
        (b"webhook_id=12&x=1", {}, Verdict.REFUSED),
        (b"webhook_id=", {}, Verdict.REFUSED),
        (b'webhook_id=12\n{"id":1}', {}, Verdict.REFUSED),
        (b"webhook_id=12", {"x-wc-webhook-signature": "wrong"}, Verdict.REFUSED),
    ],
)
def test_the_ping_is_known_by_its_form_alone(body: bytes, headers: dict[str, str], verdict: Verdict) -> None:
    assert woo().verify(Incoming(headers, body)) is verdict


def test_two_deliveries_of_one_second_have_keys_of_their_own() -> None:
    same = {"x-wc-webhook-delivery-id": "abc"}
    first = woo().key(incoming("order.updated", {"id": 1}, **same))
    assert woo().key(incoming("order.updated", {"id": 1}, **{"x-wc-webhook-delivery-id": "xyz"})) == first
    assert woo().key(incoming("order.updated", {"id": 2}, **same)) != first
    assert woo().key(incoming("order.created", {"id": 1}, **same)) != first


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored"])
def test_an_order_is_read_with_its_parcels(topic: str) -> None:
    (order,) = read(topic, ORDER)
    assert (order.source, order.number) == ("order/4711", "HP-1001")
    assert order.changed_at == datetime(2026, 11, 20, 8, 31, tzinfo=UTC)
    assert order.fields == {
        "placed_at": datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        "email": "mara@post.example",
        "phone": "+493415550100",
        "postcode": "1010",
        "country": "AT",
        "total": {"amount": "89.00", "currency": "EUR"},
        "items": [
            {"id": "11", "name": "Boots", "quantity": 2, "sku": "B-42", "image": "https://shop.example/boots.jpg",
             "price": {"amount": "44.5", "currency": "EUR"}},
        ],
        "cancelled_at": None,
    }  # fmt: skip
    assert order.parcels == (Parcel("JD014600001", "dhl-de", (), datetime(2026, 11, 21, 16, tzinfo=UTC)),)
    for personal in ("Quill", "Seilerweg", "neighbour"):
        assert personal not in repr(order)


def test_without_an_address_of_its_own_it_goes_where_the_bill_goes() -> None:
    (order,) = read("order.created", {**ORDER, "shipping": {"postcode": "", "country": ""}})
    assert (order.fields["postcode"], order.fields["country"]) == ("04109", "DE")


@pytest.mark.parametrize("status", ["cancelled", "failed", "trash"])
def test_an_order_that_will_not_be_sent_is_cancelled_since_its_last_change(status: str) -> None:
    (order,) = read("order.updated", {**ORDER, "status": status})
    assert order.fields["cancelled_at"] == datetime(2026, 11, 20, 8, 31, tzinfo=UTC)


def test_a_basket_is_no_order() -> None:
    assert read("order.created", {**ORDER, "status": "checkout-draft"}) == []


def test_a_deleted_order_is_gone() -> None:
    assert read("order.deleted", {"id": 4711}) == [OrderGone("order/4711")]


ITEMS = "_wc_shipment_tracking_items"


@pytest.mark.parametrize("value", [[TRACKED], {"3": TRACKED}, TRACKED], ids=["list", "gaps", "one"])
def test_php_writes_a_list_in_three_ways(value: Any) -> None:
    assert [one.number for one in parcels((ITEMS, value))] == ["JD014600001"]


@pytest.mark.parametrize("value", ["", {}, [], None, "a:0:{}", 7])
def test_php_writes_an_empty_list_in_many_ways(value: Any) -> None:
    assert parcels((ITEMS, value)) == []


def test_a_carrier_of_the_shop_s_own_is_named_in_another_field() -> None:
    own = {**TRACKED, "tracking_provider": "", "custom_tracking_provider": "Harbour Couriers", "date_shipped": SENT}
    (parcel,) = parcels((ITEMS, [own]))
    assert (parcel.carrier, parcel.shipped_at) == ("Harbour Couriers", datetime(2026, 11, 21, 16, tzinfo=UTC))


@pytest.mark.parametrize("when", ["", None, "soon", "1e30", -5, "nan"])
def test_a_day_that_is_none_is_not_read(when: Any) -> None:
    assert parcels((ITEMS, [{**TRACKED, "date_shipped": when}]))[0].shipped_at is None


def test_aftership_s_plugin_keeps_them_elsewhere() -> None:
    item = {"slug": "dpd", "tracking_number": "01234567890123", "additional_fields": {}, "tracking_id": "0" * 32}
    assert parcels(("_aftership_tracking_items", [item]), ("_aftership_tracking_number", "01234567890123")) == [
        Parcel("01234567890123", "dpd")
    ]


def test_very_old_plugins_keep_the_only_one_by_itself() -> None:
    found = parcels(("_tracking_provider", "ups"), ("_tracking_number", "JD014600001"), ("_date_shipped", str(SENT)))
    assert found == [Parcel("JD014600001", "ups", (), datetime(2026, 11, 21, 16, tzinfo=UTC))]


@pytest.mark.parametrize("topic", ["", "product.updated", "customer.created", "action.woocommerce_x"])
def test_other_topics_are_left_alone(topic: str) -> None:
    assert read(topic, b"not even JSON") == []


@pytest.mark.parametrize(
    "told", [b"", b"[]", {}, {"code": "woocommerce_rest_cannot_view", "message": "no", "data": {"status": 401}}]
)
def test_what_is_no_order_is_refused(told: Any) -> None:
    with pytest.raises(ProtocolError):
        read("order.created", told)
