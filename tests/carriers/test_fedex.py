"""FedEx: the contract, and what is peculiar to the Track API v1."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from doorstep import (  # isort: skip
    CarrierUnavailable, Document, File, Flag, Found, Leg, Moment, NotFound, PickupPoint, Place, Precision, ProtocolError,
    Query, Status, Weight,
)  # fmt: skip
from doorstep.testing import CarrierContract

from .fedex import (  # isort: skip
    DALLAS, DOWN, EMPTY, MEMPHIS, NOT_FOUND, NUMBER, OTHER, PROOF, answer, answers, days, entry, error, fedex, hold, output,
    played, proof, read, scan, shipments,
)  # fmt: skip

PDF = b"%PDF-1.7 a letter"


class TestContract(CarrierContract):
    package = "doorstep_fedex"


def window(*kinds: str, **result: Any) -> list[Moment | None]:
    given = read(
        *days(*kinds or ("AR",)), recipientInformation={"address": {"city": "Lyon", "countryCode": "fr"}}, **result
    ).window
    return [given.start, given.end] if given else []


# What is asked


def test_question_names_the_numbers_and_asks_for_all_scans() -> None:
    request = next(fedex().track_many([Query(NUMBER), Query(OTHER)]))
    assert (request.method, request.path, request.idempotent) == ("POST", "/track/v1/trackingnumbers", True)
    asked = [{"trackingNumberInfo": {"trackingNumber": NUMBER}}, {"trackingNumberInfo": {"trackingNumber": OTHER}}]
    assert request.json == {"includeDetailedScans": True, "trackingInfo": asked}


@pytest.mark.parametrize(
    ("language", "locale"),
    [("en", "en_US"), ("de", "de_DE"), ("fr-CA", "fr_FR"), ("NL", "nl_NL"), ("is", "en_US"), ("", "en_US")],
)
def test_language_is_the_stores_where_fedex_is_known_to_have_it(language: str, locale: str) -> None:
    assert next(fedex().track(Query(NUMBER, language=language))).headers["x-locale"] == locale


def test_login_sends_the_client_in_the_form() -> None:
    request = next(fedex().auth().login())
    assert (request.method, request.path) == ("POST", "/oauth/token")
    assert request.form == {"grant_type": "client_credentials", "client_id": "an-id", "client_secret": "a-secret"}
    assert "Authorization" not in request.headers


# What is not found, and what is no answer


@pytest.mark.parametrize("code", [NOT_FOUND, "TRACKING.TRACKINGNUMBER.INVALID"])
def test_unknown_number_is_an_error_of_the_number_or_of_the_question(code: str) -> None:
    assert answer(output(entry(error(code)))) == NotFound(f"{code} no")
    assert answer({"errors": [{"code": code, "message": "no"}]}, status=400) == NotFound(f"{code} no")


@pytest.mark.parametrize("alert", ["TRACKING.DATA.NOTFOUND -  nothing", {"code": "TRACKING.DATA.NOTFOUND"}])
def test_alert_is_a_text_or_an_object_or_a_list_of_either(alert: Any) -> None:
    assert isinstance(answer(output(alerts=alert)), NotFound)
    assert isinstance(answer(output(alerts=[alert])), NotFound)


def test_other_errors_are_no_answer_about_the_number() -> None:
    with pytest.raises(ProtocolError, match=EMPTY):
        answer(output(entry(error(EMPTY))))
    with pytest.raises(ProtocolError, match="NOT"):
        answer({"errors": [{"code": "NOT.FOUND.ERROR"}]}, status=404)
    for results in ({"completeTrackResults": None}, {"completeTrackResults": [{"trackingNumber": NUMBER}]}):
        with pytest.raises(ProtocolError, match="no reason"):
            answer({"output": results})
    for code in (DOWN, "INTERNAL.SERVER.ERROR"):
        with pytest.raises(CarrierUnavailable):
            answer(output(entry(error(code))))


def test_error_beside_scans_does_not_hide_them() -> None:
    assert [one.status for one in read(scan("PU"), **error(EMPTY)).events] == [Status.ACCEPTED]


# Which shipments


def test_every_number_of_a_batch_has_its_own_answer_or_error() -> None:
    results = {"1": {"scanEvents": [scan("OD")]}, "2": error(NOT_FOUND), "3": error(DOWN), "4": {"scanEvents": [17]}}
    given = answers(output(*(entry(one, number=number) for number, one in results.items()), alerts=NOT_FOUND), *"1234")
    assert isinstance(given["1"], Found)
    assert given["1"].shipments[0].number == "1"
    assert isinstance(given["2"], NotFound)
    assert isinstance(given["3"], CarrierUnavailable)
    assert isinstance(given["4"], ProtocolError)
    assert isinstance(answers(output(entry(results["1"], number="1")), "1", "5")["5"], ProtocolError)


def test_shipment_under_another_number_is_believed_when_it_alone_was_asked_for() -> None:
    body = output(entry({"trackingNumberInfo": {"trackingNumber": OTHER}, "scanEvents": [scan("PU")]}, number="DT1"))
    assert [one.number for one in shipments(body, "DT2")] == [OTHER]
    assert isinstance(answers(body, NUMBER)[NUMBER], ProtocolError)


def test_recorded_answer_without_a_number_gives_every_shipment_with_its_own() -> None:
    known, named = {"scanEvents": [scan("PU")]}, {"trackingNumberInfo": {"trackingNumber": "33"}}
    body = output(entry(known, number="1"), entry(error(NOT_FOUND), number="2"), entry({**known, **named}, number="3"))
    assert [one.number for one in shipments(body, "")] == ["1", "33"]


def test_number_used_again_gives_each_shipment_the_one_scanned_last_first() -> None:
    def result(ref: str, date: str) -> dict[str, Any]:
        return {
            "trackingNumberInfo": {"trackingNumber": NUMBER, "trackingNumberUniqueId": ref},
            "scanEvents": [scan("DL", f"{date}T10:00:00-06:00"), scan("PU", "2025-11-18T10:00:00-06:00")],
            "availableImages": [{"type": "SIGNATURE_PROOF_OF_DELIVERY"}],
        }

    found = shipments(output(entry(result("a~1~FX", "2025-11-19"), result("b~1~FX", "2026-11-19"))))
    assert [one.documents for one in found] == [(Document("proof_of_delivery", "b~1~FX"),), (PROOF,)]


# When it is expected


def test_window_without_offset_is_by_the_clock_of_the_destination() -> None:
    begins, ends = "2026-11-23T09:00:00", "2026-11-23T13:00:00"
    given = window(estimatedDeliveryTimeWindow={"window": {"begins": begins, "ends": ends}})
    assert [one and one.instant for one in given] == [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (8, 12)]


@pytest.mark.parametrize("kind", ["ESTIMATED_DELIVERY", "COMMITMENT", "APPOINTMENT_DELIVERY"])
def test_midnight_of_a_plan_is_a_day_and_a_time_the_latest(kind: str) -> None:
    midnight, evening = "2026-11-23T00:00:00-06:00", "2026-11-23T20:00:00-06:00"
    day = Moment(midnight, Precision.DAY, local=datetime(2026, 11, 23))
    assert window(dateAndTimes=[{"type": kind, "dateTime": midnight}]) == [day, day]
    start, end = window(dateAndTimes=[{"type": kind, "dateTime": evening}])
    assert (start, end and end.instant) == (None, datetime(2026, 11, 24, 2, tzinfo=UTC))


def test_promise_counts_without_an_estimate_and_unless_it_is_late() -> None:
    promise = {"dateAndTimes": [{"type": "COMMITMENT", "dateTime": "2026-11-24T00:00:00-06:00"}]}
    day = Moment("2026-11-24T00:00:00-06:00", Precision.DAY, local=datetime(2026, 11, 24))
    assert window(estimatedDeliveryTimeWindow={"window": {}}, **promise) == [day, day]
    assert window(latestStatusDetail={"code": "AR", "delayDetail": {"status": "DELAYED"}}, **promise) == []
    begins = window(estimatedDeliveryTimeWindow={"window": {"begins": "2026-11-23T09:00:00"}}, **promise)
    assert [one and one.local for one in begins] == [datetime(2026, 11, 23, 9), None]


# Beside the scans


def test_location_that_holds_it_is_the_pickup_point() -> None:
    dallas = Place("Dallas", "TX", "75201", "US")
    point = PickupPoint("FedEx Office", "1 Example Street, Suite 2", dallas, code="DALA")
    assert read(scan("HL", where=DALLAS), holdAtLocation=hold()).pickup_point == point
    nowhere = {"locationContactAndAddress": {"address": {"streetLines": [""], "residential": False}}}
    assert read(scan("AR"), holdAtLocation=nowhere).pickup_point is None
    assert read(scan("DL"), holdAtLocation=hold()).pickup_point is None


@pytest.mark.parametrize(("kind", "waits"), [("FEDEX_LOCATION", True), ("RESIDENCE", False)])
def test_shop_is_the_pickup_point_of_what_was_handed_to_it(kind: str, waits: bool) -> None:
    details = {"locationType": kind, "actualDeliveryAddress": {**DALLAS, "streetLines": ["2 Example Street"]}}
    shop = PickupPoint(street="2 Example Street", place=Place("Dallas", "TX", "75201", "US"))
    assert read(*days("PU", "DL"), deliveryDetails=details).pickup_point == (shop if waits else None)


def test_destination_is_the_last_address_known() -> None:
    recipient = {"recipientInformation": {"address": MEMPHIS}, "lastUpdatedDestinationAddress": {}}
    assert read(scan("AR"), **recipient).destination.city == "Memphis"
    assert read(scan("AR"), **{**recipient, "lastUpdatedDestinationAddress": DALLAS}).destination.city == "Dallas"


@pytest.mark.parametrize("key", ["value", "values"])
@pytest.mark.parametrize("alone", [True, False])
def test_post_that_brings_it_is_a_leg(key: str, alone: bool) -> None:
    numbers = {"PARTNER_CARRIER_NUMBER": "926129", "INVOICE": "7"}
    listed = [{"type": kind, key: number if alone else [number]} for kind, number in numbers.items()]
    more = {"additionalTrackingInfo": {"packageIdentifiers": listed}}
    assert read(*days("PU", "AX"), **more).legs == (Leg("USPS", "926129"),)
    assert read(scan("AC", exceptionCode="29")).legs == (Leg("Canada Post"),)


def test_who_took_it_in_is_in_no_text() -> None:
    given = read(
        scan("DL", eventDescription="Delivered to A.PERSON", derivedStatus="Delivered"),
        scan("DL", eventDescription="Left there", exceptionDescription="Signed for by ANOTHER PERSON"),
        scan("OD", exceptionDescription="Will be given to a.person"),
        deliveryDetails={"receivedByName": "A.PERSON", "signedByName": "A.Person", "locationType": "RESIDENCE"},
        recipientInformation={"contact": {"personName": "A.PERSON"}, "address": MEMPHIS},
    )
    assert [one.text for one in given.events] == ["", "Left there", ""]
    assert "PERSON" not in repr(given).upper()


@pytest.mark.parametrize("wrong", [17, "x", [], {}, None, [None], [[]], True])
def test_part_of_a_wrong_type_costs_no_other_part(wrong: Any) -> None:
    parts = dict.fromkeys(
        ("additionalTrackingInfo", "dateAndTimes", "estimatedDeliveryTimeWindow", "standardTransitTimeWindow",
         "deliveryDetails", "holdAtLocation", "returnDetail", "packageDetails", "shipmentDetails", "serviceDetail",
         "serviceCommitMessage", "availableImages", "shipperInformation", "recipientInformation", "originLocation",
         "destinationLocation", "lastUpdatedDestinationAddress", "latestStatusDetail", "trackingNumberInfo", "error"),
        wrong,
    )  # fmt: skip
    given = read(scan("OD", where=wrong, delayDetail=wrong, exceptionCode=wrong), None, **parts)
    assert (given.number, [one.status for one in given.events]) == (NUMBER, [Status.OUT_FOR_DELIVERY])
    assert given.events[0].text == "OD!"


# The proof of delivery


def test_proof_is_asked_for_by_number_unique_id_and_account() -> None:
    request = next(fedex("123450000").document(Query(NUMBER, "de"), PROOF))
    assert (request.method, request.path) == ("POST", "/track/v1/trackingdocuments")
    assert request.headers["x-locale"] == "de_DE"
    info = {"trackingNumber": NUMBER, "trackingNumberUniqueId": "a~1~FX"}
    assert request.json == {
        "trackDocumentDetail": {"documentType": "SIGNATURE_PROOF_OF_DELIVERY", "documentFormat": "PDF"},
        "trackDocumentSpecification": [{"trackingNumberInfo": info, "accountNumber": "123450000"}],
    }
    without = next(fedex().document(Query(NUMBER), PROOF))
    assert without.json["trackDocumentSpecification"] == [
        {"trackingNumberInfo": {"trackingNumber": NUMBER, "trackingNumberUniqueId": "a~1~FX"}}
    ]


@pytest.mark.parametrize("key", ["document", "documents"])
@pytest.mark.parametrize("alone", [True, False])
def test_proof_is_the_pdf_that_was_asked_for(key: str, alone: bool) -> None:
    letter = base64.b64encode(PDF).decode()
    assert proof(**{key: letter if alone else [letter]}) == File("application/pdf", PDF, f"{NUMBER}.pdf")


def test_letter_that_fedex_does_not_have_is_not_found() -> None:
    assert proof(alerts=[{"code": NOT_FOUND, "message": "nothing"}]) == NotFound(f"{NOT_FOUND} nothing")
    refused = played(fedex().document(Query(NUMBER), PROOF), {"errors": [{"code": NOT_FOUND}]}, 400)
    assert isinstance(refused, NotFound)
    with pytest.raises(ProtocolError, match="no reason"):
        proof(documents=[])


@pytest.mark.parametrize("written", ["abcde", "PGh0bWw+", 17])  # not base64, <html>, neither
def test_what_is_no_letter_is_an_error(written: Any) -> None:
    with pytest.raises(ProtocolError, match="no document"):
        proof(documents=[written])


# What FedEx has published


@pytest.fixture
def published(specs: Path) -> Path:
    return specs / "samples/fedex"


@pytest.mark.parametrize(
    ("weights", "meant"),
    [
        ([{"unit": "LB", "value": "21.5"}, {"unit": "KG", "value": "9.75"}], Weight(21.5, "lb")),
        ([{"unit": "KG", "value": 3}], Weight(3.0, "kg")), ([{"unit": "", "value": "3"}], None), ([], None),
        (None, None), ([{"unit": "KG", "value": "nan"}], None), ([{"unit": "KG", "value": "0"}], None),
    ],
)  # fmt: skip
def test_weight_keeps_its_unit_and_nonsense_is_none(weights: Any, meant: Weight | None) -> None:
    assert read(scan("AR"), packageDetails={"weightAndDimensions": {"weight": weights}}).weight == meant
    assert read(scan("AR"), shipmentDetails={"weight": weights}).weight == meant


def test_published_answer_is_read(published: Path) -> None:
    given = answers((published / "TrackingResponse.json").read_bytes(), "123456789012", "39936862321")
    assert isinstance(given["39936862321"], NotFound)
    assert isinstance(given["123456789012"], Found)
    (shipment,) = given["123456789012"].shipments
    (only,) = shipment.events
    # The sample fills every field, and contradicts itself (picked up, not there, delayed): good for its shape.
    assert (only.status, only.code, only.flags) == (Status.ACCEPTED, "PU/A25", (Flag.DELAYED,))
    assert only.text == "Picked Up: Package available for clearance"
    assert only.moment.instant == datetime(2018, 2, 2, 19, 1, tzinfo=UTC)
    seattle = Place("SEATTLE", "WA", "98101", "US")
    assert (only.place, shipment.origin, shipment.destination) == (seattle, seattle, seattle)
    assert (shipment.number, shipment.service) == ("128667043726", "FedEx Freight Economy.")
    assert shipment.weight == Weight(22222.0, "lb")
    assert shipment.pickup_point == PickupPoint("Fedex", "1043 North Easy Street, Suite 999", seattle, code="SEA")
    # No offset in a country with several clocks, beside a day written as its midnight.
    assert shipment.window is not None
    assert shipment.window.start == Moment("2021-10-01T08:00:00", Precision.SECOND, local=datetime(2021, 10, 1, 8))
    assert shipment.window.end == Moment("2021-10-15T00:00:00-06:00", Precision.DAY, local=datetime(2021, 10, 15))


def test_published_refusal_is_no_answer_about_the_number(published: Path) -> None:
    with pytest.raises(ProtocolError, match=EMPTY):
        answer((published / "ErrorResponse.json").read_bytes(), status=400)


def test_published_proof_of_delivery_is_a_pdf(published: Path) -> None:
    body = json.loads((published / "ProofOfDeliveryResponse.json").read_text("utf-8"))
    file = proof(**body["output"])
    assert isinstance(file, File)
    assert (file.media_type, file.body.rstrip()[-5:]) == ("application/pdf", b"%%EOF")
