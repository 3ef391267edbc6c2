"""Amazon Shipping: the contract every carrier keeps, and what is peculiar to the Selling Partner API."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, AuthExpired, Credential, Flag, Found, NotFound, Place, ProtocolError, Query, Request, Response, Secret,
    Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_amazon_shipping import AmazonShipping, Business, Settings

NUMBER = "A4820917365"


class TestContract(CarrierContract):
    package = "doorstep_amazon_shipping"


@cache
def amazon(business: Business = "AmazonShipping_UK", carrier_id: str = "") -> AmazonShipping:
    home = files("doorstep_amazon_shipping")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return AmazonShipping(
        manifest, codes, Settings("id", Secret("a-secret"), Secret("a-refresh-token"), business, carrier_id)
    )


def asked(business: Business = "AmazonShipping_UK", carrier_id: str = "") -> Request:
    return next(amazon(business, carrier_id).track(Query(NUMBER)))


def read(body: Any, *, status: int = 200) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return replay(amazon().track(Query(NUMBER)), Response(status, {}, text))


def shipment_of(body: Any) -> Shipment:
    """One shipment as the engine keeps it: arranged and summarised."""
    answer = take_in(read(body), amazon().manifest)
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


def after(*scans: tuple[str, str], status: str = "", forward: Any = (), returns: Any = ()) -> Shipment:
    """The shipment after these scans (code, leg), oldest first, a day between each and the next."""
    events = [
        {"eventCode": code, "shipmentType": leg, "eventTime": f"2026-11-{day}T12:00:00Z"}
        for day, (code, leg) in enumerate(scans, 10)
    ]
    summary = {"status": status, "trackingDetailCodes": {"forward": forward, "returns": returns}}
    return shipment_of({"payload": {"trackingId": NUMBER, "eventHistory": events, "summary": summary}})


# Asking


def test_login_is_by_the_merchants_refresh_token_at_amazons_own_host() -> None:
    request = next(amazon().auth().login())
    form = {
        "grant_type": "refresh_token", "refresh_token": "a-refresh-token", "client_id": "id", "client_secret": "a-secret",
    }  # fmt: skip
    assert (request.method, request.path, request.form) == ("POST", "https://api.amazon.com/auth/o2/token", form)


def test_token_travels_in_a_header_of_amazons_own() -> None:
    signed = amazon().auth().sign(asked(), Credential(Secret("a-token")))
    assert signed.headers["x-amz-access-token"] == "a-token"
    assert "Authorization" not in signed.headers


@pytest.mark.parametrize(
    ("business", "path", "carrier"),
    [("AmazonShipping_UK", "/shipping/v2/tracking", "AMZN_UK"), ("AmazonShipping_IN", "/shipping/v2/tracking", "AMZN_IN"),
     ("AmazonShipping_US", "https://sellingpartnerapi-na.amazon.com/shipping/v2/tracking", "AMZN_US"),
     ("AmazonShipping_JP", "https://sellingpartnerapi-fe.amazon.com/shipping/v2/tracking", "AMZN_JP")],
)  # fmt: skip
def test_business_says_which_host_is_asked_and_who_carries(business: Business, path: str, carrier: str) -> None:
    request = asked(business)
    assert (request.method, request.path) == ("GET", path)
    assert request.params == {"trackingId": NUMBER, "carrierId": carrier}
    assert request.headers["x-amzn-shipping-business-id"] == business


def test_carrier_id_of_the_account_is_sent_as_it_is() -> None:
    assert asked(carrier_id="AMZN_UK_PRIME").params["carrierId"] == "AMZN_UK_PRIME"


# Refusals


def errors(code: str) -> Any:
    return {"errors": [{"code": code, "message": "no"}]}


@pytest.mark.parametrize(
    ("status", "code"), [(404, "NotFound"), (400, "InvalidTrackingId"), (200, "InvalidTrackingId")]
)
def test_unknown_number_is_not_found(status: int, code: str) -> None:
    assert read(errors(code), status=status) == NotFound(f"{code}: no")


@pytest.mark.parametrize("body", [errors("InvalidRequest"), {}, {"payload": {}}, {"payload": None}])
@pytest.mark.parametrize("status", [200, 400, 404])
def test_any_other_refusal_says_nothing_about_the_number(body: Any, status: int) -> None:
    with pytest.raises(ProtocolError):
        read(body, status=status)


def test_http_403_is_a_token_that_may_have_expired() -> None:
    with pytest.raises(AuthExpired):
        read(errors("Unauthorized"), status=403)


# Two legs


def test_delivery_of_the_way_back_is_no_delivery() -> None:
    shipment = after(("Undeliverable", "FORWARD"), ("Delivered", "RETURNS"), status="Delivered")
    assert (shipment.status, shipment.final) == (Status.RETURNED, True)


def test_delivery_after_a_return_began_is_none_even_without_its_leg() -> None:
    assert after(("ReturnInitiated", ""), ("Delivered", "")).status is Status.RETURNED


def test_label_for_the_way_back_in_the_box_leaves_the_delivery() -> None:
    scans = ("PickupDone", "FORWARD"), ("ReadyForReceive", "RETURNS"), ("Delivered", "FORWARD")
    assert after(*scans).status is Status.DELIVERED


def test_cancelled_collection_of_a_return_leaves_the_parcel_where_it_is() -> None:
    assert after(("Delivered", "FORWARD"), ("PickupCancelled", "RETURNS")).status is Status.DELIVERED


def test_every_movement_on_the_way_back_is_a_return() -> None:
    codes = amazon().codes
    for leg, code in codes.items():
        if leg == "RETURNS" and code not in (
            "ReadyForReceive",
            "PickupCancelled",
            "RecipientRequestedAlternateDeliveryTiming",
        ):
            meaning = codes.read((leg, code))
            assert Flag.RETURN in meaning.flags, code
            assert meaning.status is not Status.DELIVERED, code


def test_unknown_code_of_the_way_back_makes_no_delivery_of_the_summary() -> None:
    shipment = after(("LaidDown", "RETURNS"), status="Delivered")
    assert shipment.status is Status.RETURNED
    assert not shipment.events[0].mapped


def test_without_scans_the_summary_speaks_for_the_leg_that_has_detail_codes() -> None:
    assert after(status="Delivered").status is Status.DELIVERED
    assert after(status="Delivered", forward=["Rejected"], returns=["Signed"]).status is Status.RETURNED
    assert after(status="Teleported").events[0].mapped is False


def test_summary_stands_in_for_an_unknown_code_of_the_newest_scan_only() -> None:
    newest, older = after(("New", "FORWARD"), ("Newer", "FORWARD"), status="OutForDelivery").events
    assert (newest.status, older.status) == (Status.OUT_FOR_DELIVERY, Status.UNKNOWN)
    assert not newest.mapped


# Detail codes


def test_detail_codes_belong_to_the_newest_scan_that_means_the_same() -> None:
    shipment = after(
        ("DeliveryAttempted", "FORWARD"), ("DeliveryAttempted", "FORWARD"), ("Departed", "FORWARD"),
        forward=["BusinessClosed"],
    )  # fmt: skip
    departed, second, first = shipment.events
    assert (second.text, second.reason) == ("Business Closed", "recipient.business_closed")
    assert (departed.text, first.text) == ("", "")


def test_detail_codes_of_the_way_back_stay_on_it() -> None:
    rejected = ("Rejected", "FORWARD")
    shipment = after(rejected, ("Delivered", "RETURNS"), forward="Damaged", returns=["DeliveredToNeighbor"])
    back, out = shipment.events
    assert (back.text, back.reason) == ("Delivered To Neighbor", "")
    assert (out.text, out.reason) == ("Damaged", "recipient.refused")


def test_whoever_signed_is_not_read() -> None:
    body = {"trackingId": NUMBER, "summary": {"status": "Delivered", "proofOfDelivery": {"receivedBy": "Ann Example"}}}
    assert "Ann" not in repr(shipment_of(body))


# Published


def test_published_answers_are_read(specs: Path) -> None:
    shipment = shipment_of((specs / "samples/amazon_shipping/TrackingResponseJSON.json").read_bytes())
    assert (shipment.number, shipment.status, shipment.final) == ("89108749065090", Status.DELIVERED, True)
    assert [event.status for event in shipment.events] == [
        Status.DELIVERED, Status.OUT_FOR_DELIVERY, Status.IN_TRANSIT,
    ]  # fmt: skip
    assert shipment.events[0].moment.instant == datetime(2024, 1, 17, 14, 30, tzinfo=UTC)
    assert shipment.events[0].place == Place("Seattle", "WA", "98101", "US")
    assert shipment.window
    assert shipment.window.end
    assert shipment.window.end.instant == datetime(2024, 1, 17, 20, tzinfo=UTC)
    unknown = (specs / "samples/amazon_shipping/ErrorResponseJSON.json").read_bytes()
    assert isinstance(read(unknown, status=400), NotFound)


def test_example_of_the_specification_is_a_return(specs: Path) -> None:
    spec = json.loads((specs / "amazon/shippingV2.json").read_bytes())
    example = spec["paths"]["/shipping/v2/tracking"]["get"]["responses"]["200"]["examples"]["application/json"]
    shipment = shipment_of(example)
    assert (shipment.number, shipment.status, shipment.final) == ("23AA47DE2B3B6", Status.RETURNED, True)
    assert [event.code for event in shipment.events] == ["Delivered", "ReturnInitiated", "Undeliverable"]
    assert shipment.events[2].reason == "recipient.refused"


def test_every_code_of_the_specification_is_in_the_table(specs: Path) -> None:
    named = json.loads((specs / "amazon/shippingV2.json").read_bytes())["definitions"]
    tables = {"FORWARD": "EventCode", "RETURNS": "EventCode", "status": "Status", "detail": "DetailCodes"}
    for table, name in tables.items():
        assert all(amazon().codes.find(table, code) for code in named[name]["enum"]), table
