"""InPost: the contract, and what is peculiar to ShipX."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from doorstep import (
    Answer,
    Found,
    NoSettings,
    NotFound,
    PickupPoint,
    Place,
    ProtocolError,
    Query,
    Response,
    Shipment,
    Status,
)
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_inpost import InPost

NUMBER = "648203915577140062918373"


class TestContract(CarrierContract):
    package = "doorstep_inpost"


@cache
def inpost() -> InPost:
    home = files("doorstep_inpost")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return InPost(manifest, codes, NoSettings())


def answer(body: Any, *, status: int = 200) -> Answer:
    return replay(inpost().track(Query(NUMBER)), Response(status, {}, json.dumps(body).encode()))


def found(*statuses: str | None, **fields: Any) -> Shipment:
    """A parcel with these statuses, newest first, a day between each and the next."""
    details = [
        {"status": status, "datetime": f"2026-11-{20 - i}T10:00:00.000+01:00"} for i, status in enumerate(statuses)
    ]
    known = answer({"tracking_number": NUMBER, "tracking_details": details, **fields})
    assert isinstance(known, Found)
    return known.shipments[0]


def after(*statuses: str, **fields: Any) -> Status:
    return summarise(arrange(found(*statuses, **fields).events)).status


def point(**detail: Any) -> PickupPoint | None:
    return found(custom_attributes={"target_machine_id": "KRA914X", "target_machine_detail": detail}).pickup_point


def test_number_stays_in_its_place_in_the_path() -> None:
    assert next(inpost().track(Query("6/../x?y"))).path == "/v1/tracking/6%2F..%2Fx%3Fy"


def test_not_found_is_said_in_so_many_words() -> None:
    assert isinstance(answer({"status": 404, "error": "resource_not_found"}, status=404), NotFound)
    for body in ({"status": 404, "error": "route_not_found"}, {}, {"message": "no Route matched"}):
        with pytest.raises(ProtocolError):
            answer(body, status=404)


@pytest.mark.parametrize("body", [{}, {"status": 400, "error": "validation_failed"}, {"status": "delivered"}])
def test_what_is_no_parcel_is_an_error(body: Any) -> None:
    with pytest.raises(ProtocolError):
        answer(body)


def test_delivered_to_a_locker_is_collected_and_before_that_it_waits() -> None:
    assert after("ready_to_pickup", "out_for_delivery") is Status.AVAILABLE_FOR_PICKUP
    assert after("delivered", "ready_to_pickup", "out_for_delivery") is Status.DELIVERED


@pytest.mark.parametrize("marker", ["returned_to_sender", "taken_by_courier_from_customer_service_point"])
def test_what_goes_back_is_never_delivered(marker: str) -> None:
    assert after(marker, "avizo", "ready_to_pickup") is Status.RETURNING
    assert after("adopted_at_sorting_center", marker, "ready_to_pickup") is Status.RETURNING
    assert after("delivered", "adopted_at_sorting_center", marker, "ready_to_pickup") is Status.RETURNED


def test_documents_that_go_back_leave_the_parcel_delivered() -> None:
    assert after("return_pickup_confirmation_to_sender", "delivered") is Status.DELIVERED


def test_in_the_depot_again_is_not_with_the_sender() -> None:
    shipment = found("avizo", "out_for_delivery")
    summary = summarise(arrange(shipment.events))
    assert (summary.status, summary.delayed, summary.final) == (Status.IN_TRANSIT, True, False)


def test_a_delay_moves_nothing() -> None:
    summary = summarise(arrange(found("delay_in_delivery", "adopted_at_sorting_center").events))
    assert (summary.status, summary.delayed) == (Status.IN_TRANSIT, True)


def test_status_of_the_parcel_counts_where_no_scan_has_it() -> None:
    assert after(status="created") is Status.LABEL_CREATED
    assert after("out_for_delivery", status="delivered") is Status.DELIVERED
    assert [event.code for event in found("delivered", "confirmed", status="delivered").events] == [
        "delivered",
        "confirmed",
    ]


def test_status_of_the_parcel_is_the_newest_of_a_list_that_runs_oldest_first() -> None:
    details = [
        {"status": "confirmed", "datetime": "2026-11-18T10:00:00.000+01:00"},
        {"status": "out_for_delivery", "datetime": "2026-11-20T10:00:00.000+01:00"},
    ]
    assert after(status="delivered", tracking_details=details) is Status.DELIVERED


def test_unknown_status_is_kept_with_the_code_behind_it() -> None:
    details = [{"status": "by_balloon", "origin_status": "BLN", "datetime": None}, {"origin_status": "XYZ"}, {}]
    events = found(tracking_details=details).events
    assert [(event.code, event.text, event.mapped) for event in events] == [
        ("by_balloon", "BLN", False),
        ("XYZ", "XYZ", False),
    ]


def test_locker_is_where_the_parcel_waits() -> None:
    kept = point(name="KRA914X", opening_hours="24/7", address={"line1": "Przykładowa 14", "line2": "30-999 Nowy Targ"})
    place = Place("Nowy Targ", postcode="30-999", country="PL")
    assert kept == PickupPoint("KRA914X", "Przykładowa 14", place, ("24/7",), code="KRA914X")


@pytest.mark.parametrize(
    ("line", "place"),
    [("00187 Roma", Place("Roma", postcode="00187")), ("Nowy Targ", Place("Nowy Targ")), (None, Place())],
)
def test_country_of_a_locker_is_told_by_a_polish_postcode_only(line: Any, place: Place) -> None:
    kept = point(address={"line2": line})
    assert kept is not None
    assert kept.place == place


def test_no_locker_is_no_pickup_point() -> None:
    nothing = {"target_machine_id": None, "target_machine_detail": None}
    assert found(custom_attributes=nothing).pickup_point is None
    assert point() == PickupPoint("KRA914X", code="KRA914X")


def test_service_reads_like_a_name() -> None:
    assert found(service="inpost_locker_standard").service == "InPost Locker Standard"
    assert found(type="inpost_courier_c2c").service == "InPost Courier C2C"
