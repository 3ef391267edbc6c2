"""Delhivery: the contract every carrier keeps, and what is peculiar to its package tracking API."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, Basis, CarrierUnavailable, Found, NotFound, Place, Precision, ProtocolError, Query, Response, Secret, Shipment,
    Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_delhivery import Delhivery, Settings

NUMBER = "4829103756120"


class TestContract(CarrierContract):
    package = "doorstep_delhivery"


@cache
def delhivery() -> Delhivery:
    home = files("doorstep_delhivery")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Delhivery(manifest, codes, Settings(Secret("a-token")))


def read(body: Any, *, status: int = 200, number: str = NUMBER) -> Answer:
    return replay(delhivery().track(Query(number)), Response(status, {}, json.dumps(body).encode()))


def shipment_of(**parcel: Any) -> Shipment:
    """One shipment as the engine keeps it: arranged and summarised."""
    answer = take_in(read({"ShipmentData": [{"Shipment": {"AWB": NUMBER, **parcel}}]}), delhivery().manifest)
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


def after(*scans: tuple[str, str], **parcel: Any) -> Shipment:
    """The shipment after these scans (type, name), oldest first, a day between each and the next."""
    listed = [
        {"ScanDetail": {"ScanType": kind, "Scan": name, "ScanDateTime": f"2026-11-{day}T12:00:00"}}
        for day, (kind, name) in enumerate(scans, 10)
    ]
    return shipment_of(Scans=listed, **parcel)


def test_numbers_of_a_batch_are_asked_in_one_call_with_the_token() -> None:
    request = next(delhivery().track_many([Query("4829103756120"), Query("4829103756131")]))
    assert (request.method, request.path) == ("GET", "/api/v1/packages/json/")
    assert request.params == {"waybill": "4829103756120,4829103756131"}
    signed = delhivery().auth().sign(request, replay(delhivery().auth().login()))
    assert signed.headers["Authorization"] == "Token a-token"


@pytest.mark.parametrize("status", [200, 400, 404])
def test_error_that_speaks_of_the_number_is_not_found(status: int) -> None:
    assert read({"Success": False, "Error": "Unheard of"}, status=status) == NotFound("Unheard of")


def test_error_that_speaks_of_trouble_is_none_of_the_numbers() -> None:
    with pytest.raises(CarrierUnavailable):
        read({"Success": False, "Error": "Internal Server Error, please try again"})


@pytest.mark.parametrize("body", [{}, {"Success": False}, {"detail": "Not found."}])
def test_answer_without_shipments_and_error_is_none(body: Any) -> None:
    with pytest.raises(ProtocolError):
        read(body, status=404)


def test_shipment_of_another_waybill_is_not_the_one_asked_for() -> None:
    other = {"Shipment": {"AWB": "4829103756131", "Status": {"Status": "Manifested", "StatusType": "UD"}}}
    assert isinstance(read({"ShipmentData": [other]}), NotFound)
    assert isinstance(read({"ShipmentData": []}), NotFound)
    assert isinstance(read({"ShipmentData": [other]}, number="4829103756131"), Found)


def test_shipment_without_a_number_is_the_one_that_was_asked_alone() -> None:
    body = {"ShipmentData": [{"Shipment": {"Status": {"Status": "Manifested", "StatusType": "UD"}}}]}
    found = read(body)
    assert isinstance(found, Found)
    assert found.shipments[0].number == NUMBER
    exchange = delhivery().track_many([Query(NUMBER), Query("4829103756131")])
    answers = replay(exchange, Response(200, {}, json.dumps(body).encode()))
    assert all(isinstance(answer, NotFound) for answer in answers.values())


def test_number_written_as_a_number_and_a_list_written_as_one_object_are_read() -> None:
    one = {"AWB": int(NUMBER), "Scans": {"ScanDetail": {"ScanType": "UD", "Scan": "Dispatched"}}}
    answer = read({"ShipmentData": {"Shipment": one}})
    assert isinstance(answer, Found)
    assert answer.shipments[0].number == NUMBER
    assert answer.shipments[0].events[0].status is Status.OUT_FOR_DELIVERY


def test_type_and_name_count_together() -> None:
    assert after(("UD", "Pending")).status is Status.IN_TRANSIT
    assert after(("UD", "Pending"), ("RT", "Pending")).status is Status.RETURNING
    assert after(("UD", "Dispatched"), ("RT", "Dispatched")).status is Status.RETURNING


def test_type_of_deliveries_covers_three_ends() -> None:
    assert after(("UD", "Dispatched"), ("DL", "Delivered")).status is Status.DELIVERED
    assert after(("UD", "Dispatched"), ("DL", "RTO")).status is Status.RETURNED
    assert after(("PU", "Dispatched"), ("DL", "DTO")).status is Status.RETURNED


def test_delivery_after_the_way_back_began_is_a_return() -> None:
    assert after(("RT", "In Transit"), ("DL", "Delivered")).status is Status.RETURNED


def test_unknown_name_of_a_delivery_is_no_delivery() -> None:
    shipment = after(("UD", "Dispatched"), ("DL", "Left on the roof"))
    assert shipment.status is Status.OUT_FOR_DELIVERY
    assert not shipment.events[0].mapped


def test_names_are_read_in_any_case() -> None:
    assert after(("ud", "IN TRANSIT")).events[0].mapped


def test_current_status_is_added_where_it_is_none_of_the_scans() -> None:
    now = {"StatusType": "UD", "Status": "Dispatched", "StatusDateTime": "2026-11-20T09:00:00", "Instructions": "Out"}
    added = after(("UD", "Manifested"), Status=now)
    assert [event.code for event in added.events] == ["UD/Dispatched", "UD/Manifested"]
    now |= {"Status": "Manifested", "StatusDateTime": "2026-11-10T12:00:00.000"}
    assert len(after(("UD", "Manifested"), Status=now).events) == 1


def test_times_are_indian() -> None:
    moment = after(("UD", "Manifested")).events[0].moment
    assert (moment.instant, moment.basis) == (datetime(2026, 11, 10, 6, 30, tzinfo=UTC), Basis.PLACE)


def test_names_of_people_do_not_get_into_a_text() -> None:
    status = {
        "StatusType": "DL", "Status": "Delivered", "StatusDateTime": "2026-11-20T09:00:00",
        "Instructions": "Handed to RAVI EXAMPLE", "RecievedBy": "Ravi Example",
    }  # fmt: skip
    shipment = shipment_of(Status=status, Consignee={"Name": "Asha Example", "Telephone1": "0000000000"})
    assert shipment.events[0].text == "Delivered"
    assert "xample" not in repr(shipment)


@pytest.mark.parametrize(
    ("written", "place"),
    [("Pune_Bavdhan_D (Maharashtra)", Place("Pune", "Maharashtra", country="IN", name="Pune_Bavdhan_D")),
     ("HQ (Haryana)", Place("", "Haryana", country="IN", name="HQ")), ("Jaipur", Place("Jaipur", country="IN")),
     ("", Place())],
)  # fmt: skip
def test_centre_is_named_after_its_city(written: str, place: Place) -> None:
    detail = {"ScanType": "UD", "Scan": "In Transit", "ScannedLocation": written}
    assert shipment_of(Scans=[{"ScanDetail": detail}]).events[0].place == place


@pytest.mark.parametrize("written", ["2026-11-21T23:59:59", "2026-11-21T00:00:00.000", "2026-11-21"])
def test_end_of_a_day_is_the_day(written: str) -> None:
    window = after(("UD", "In Transit"), PromisedDeliveryDate=written).window
    assert window
    assert window.start == window.end
    assert window.end
    assert (window.end.precision, window.end.local) == (Precision.DAY, datetime(2026, 11, 21))


def test_expected_day_counts_before_the_promised_one() -> None:
    days = {"PromisedDeliveryDate": "2026-11-21T00:00:00", "ExpectedDeliveryDate": "2026-11-23T00:00:00"}
    window = after(("UD", "In Transit"), **days).window
    assert window
    assert window.end
    assert window.end.local == datetime(2026, 11, 23)
    assert after(("UD", "In Transit"), PromisedDeliveryDate="0001-01-01T00:00:00").window is None
