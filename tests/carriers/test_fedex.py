"""FedEx: the contract, and what is peculiar to the Track API v1."""

import base64
import json
import os
from collections.abc import Generator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, Answers, Basis, CarrierUnavailable, Document, Event, File, Flag, Found, Leg, Moment, NotFound, PickupPoint,
    Piece, Place, Precision, ProtocolError, Query, Request, Response, Secret, Shipment, Status, Weight,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.manifest import load_manifest
from doorstep.models import Summary
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_fedex import FedEx, Settings

NUMBER, OTHER, PROOF = "774102873919", "774102873920", Document("proof_of_delivery", "a~1~FX")
MEMPHIS = {"city": "Memphis", "stateOrProvinceCode": "TN", "postalCode": "38118", "countryCode": "US"}
DALLAS = {"city": "Dallas", "stateOrProvinceCode": "TX", "postalCode": "75201", "countryCode": "US"}
LYON = {"city": "Lyon", "countryCode": "fr"}
SHOP = {"deliveryDetails": {"locationType": "FEDEX_LOCATION"}}
NOT_FOUND, DOWN, EMPTY = (
    "TRACKING.TRACKINGNUMBER.NOTFOUND",
    "SERVICE.UNAVAILABLE.ERROR",
    "TRACKING.TRACKINGNUMBER.EMPTY",
)
PDF, PNG = b"%PDF-1.7 a letter", b"\x89PNG\r\n\x1a\n a letter"


class TestContract(CarrierContract):
    package = "doorstep_fedex"


@cache
def fedex(account_number: str = "") -> FedEx:
    home = files("doorstep_fedex")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return FedEx(manifest, codes, Settings("an-id", Secret("a-secret"), account_number))


def played(exchange: Generator[Request, Response, Any], body: Any, status: int = 200) -> Any:
    """What an exchange of one request returns for this answer."""
    next(exchange)
    with pytest.raises(StopIteration) as end:
        exchange.send(Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode()))
    return end.value.value


def answer(body: Any, *, status: int = 200, number: str = NUMBER) -> Answer:
    one: Answer = played(fedex().track(Query(number)), body, status)
    return one


def answers(body: Any, *numbers: str) -> Answers:
    many: Answers = played(fedex().track_many([Query(number) for number in numbers]), body)
    return many


def shipments(body: Any, number: str = NUMBER) -> tuple[Shipment, ...]:
    found = answer(body, number=number)
    assert isinstance(found, Found)
    return found.shipments


def proof(**fields: Any) -> File | NotFound:
    file: File | NotFound = played(fedex().document(Query(NUMBER), PROOF), {"output": fields})
    return file


def entry(*results: Any, number: str = NUMBER) -> dict[str, Any]:
    return {"trackingNumber": number, "trackResults": list(results)}


def output(*entries: Any, **more: Any) -> dict[str, Any]:
    return {"output": {"completeTrackResults": list(entries), **more}}


def error(code: str) -> dict[str, Any]:
    return {"trackingNumberInfo": {"trackingNumber": NUMBER}, "error": {"code": code, "message": "no"}}


def read(*scans: Any, **result: Any) -> Shipment:
    (one,) = shipments(output(entry({"scanEvents": list(scans), **result})))
    return one


def scan(kind: str, date: str = "2026-11-20T10:00:00-06:00", where: Any = MEMPHIS, **more: Any) -> dict[str, Any]:
    return {"eventType": kind, "date": date, "eventDescription": f"{kind}!", "scanLocation": where, **more}


def event(kind: str, **more: Any) -> Event:
    return read(scan(kind, **more)).events[0]


def days(*kinds: str) -> list[dict[str, Any]]:
    """Scans a day apart, written oldest first, given newest first as FedEx does."""
    return [scan(kind, f"2026-11-{day}T12:00:00-06:00") for day, kind in enumerate(kinds, 10)][::-1]


def summary(*kinds: str, **result: Any) -> Summary:
    return summarise(arrange(read(*days(*kinds), **result).events))


def window(*kinds: str, **result: Any) -> list[Moment | None]:
    given = read(*days(*kinds or ("AR",)), recipientInformation={"address": LYON}, **result).window
    return [given.start, given.end] if given else []


def hold() -> dict[str, Any]:
    address = {**DALLAS, "streetLines": ["1 Example Street", "", "Suite 2"]}
    contact = {"personName": "PERSON", "companyName": "FedEx Office"}
    return {"locationId": "DALA", "locationContactAndAddress": {"contact": contact, "address": address}}


# What is asked


def test_question_names_the_numbers_and_asks_for_all_scans() -> None:
    request = next(fedex().track_many([Query(NUMBER), Query(OTHER)]))
    assert (request.method, request.path, request.idempotent) == ("POST", "/track/v1/trackingnumbers", True)
    asked = [{"trackingNumberInfo": {"trackingNumber": NUMBER}}, {"trackingNumberInfo": {"trackingNumber": OTHER}}]
    assert request.json == {"includeDetailedScans": True, "trackingInfo": asked}


@pytest.mark.parametrize(
    ("language", "locale"),
    [("en", "en_US"), ("de", "de_DE"), ("fr-CA", "fr_CA"), ("pt_BR", "pt_BR"), ("ja", "ja_JP"), ("zh-Hans", "zh_CN"),
     ("is", "en_US"), ("", "en_US")],
)  # fmt: skip
def test_language_is_the_stores_with_a_country(language: str, locale: str) -> None:
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


@pytest.mark.parametrize("results", [[], None])
def test_number_without_results_is_not_found(results: Any) -> None:
    assert answer(output({"trackingNumber": NUMBER, "trackResults": results})) == NotFound()


def test_other_errors_are_no_answer_about_the_number() -> None:
    with pytest.raises(ProtocolError, match=EMPTY):
        answer(output(entry(error(EMPTY))))
    with pytest.raises(ProtocolError, match="NOT"):
        answer({"errors": [{"code": "NOT.FOUND.ERROR"}]}, status=404)
    with pytest.raises(ProtocolError, match="no reason"):
        answer({"output": {"completeTrackResults": None}})
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
    assert isinstance(answers(body, OTHER)[OTHER], Found)  # by its own number
    assert isinstance(answers(body, NUMBER)[NUMBER], ProtocolError)


def test_recorded_answer_without_a_number_gives_every_shipment_with_its_own() -> None:
    known, named = {"scanEvents": [scan("PU")]}, {"trackingNumberInfo": {"trackingNumber": "33"}}
    body = output(entry(known, number="1"), entry(error(NOT_FOUND), number="2"), entry({**known, **named}, number="3"))
    assert [one.number for one in shipments(body, "")] == ["1", "33"]


def test_number_used_again_gives_each_shipment_the_one_shipped_last_first() -> None:
    def result(ref: str, ship: str) -> dict[str, Any]:
        return {
            "trackingNumberInfo": {"trackingNumber": NUMBER, "trackingNumberUniqueId": ref},
            "scanEvents": [scan("PU")],
            "dateAndTimes": [{"type": "SHIP", "dateTime": f"{ship}T00:00:00-06:00"}],
            "availableImages": [{"type": "SIGNATURE_PROOF_OF_DELIVERY"}],
        }

    found = shipments(output(entry(result("a~1~FX", "2025-11-19"), result("b~1~FX", "2026-11-19"))))
    assert [one.documents for one in found] == [(Document("proof_of_delivery", "b~1~FX"),), (PROOF,)]


# Times


def test_time_without_offset_has_an_instant_only_where_the_country_has_one_clock() -> None:
    french, american = (event("AR", date="2026-11-20T10:00:00", where=where).moment for where in (LYON, MEMPHIS))
    assert (french.instant, french.basis) == (datetime(2026, 11, 20, 9, tzinfo=UTC), Basis.COUNTRY)
    assert (american.instant, american.basis, american.local) == (None, Basis.UNKNOWN, datetime(2026, 11, 20, 10))


def test_pickup_whose_clock_runs_ahead_goes_before_the_first_scan_on_the_way() -> None:
    hours = {"PU": 18, "DP": 14, "AR": 12, "OC": 8}
    events = read(*(scan(kind, f"2026-11-20T{hour:02}:00:00-06:00") for kind, hour in hours.items())).events
    assert [one.code for one in events] == ["DP", "AR", "PU", "OC"]
    assert events[2].moment == Moment("2026-11-20T18:00:00-06:00", Precision.SECOND, local=datetime(2026, 11, 20, 18))
    assert summarise(arrange(events)).status is Status.IN_TRANSIT


def test_pickup_that_is_later_than_another_pickup_keeps_its_time() -> None:
    events = read(*days("PU", "AR", "PU")).events
    assert [(one.code, one.moment.instant is None) for one in events] == [("PU", False), ("AR", False), ("PU", False)]


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


def test_promise_counts_without_an_estimate_and_neither_late_nor_delivered() -> None:
    ends = "2026-11-24T00:00:00-06:00"
    promise = {"standardTransitTimeWindow": {"window": {"ends": ends}}, "estimatedDeliveryTimeWindow": {"window": {}}}
    day = Moment(ends, Precision.DAY, local=datetime(2026, 11, 24))
    assert window(**promise) == [day, day]
    assert window(**promise, latestStatusDetail={"code": "AR", "delayDetail": {"status": "DELAYED"}}) == []
    assert window("PU", "DL", **promise) == []
    assert window("PU", "DL", **promise, **SHOP) == [day, day]


# Codes


@pytest.mark.parametrize(
    ("code", "status"),
    [("Ow", Status.IN_TRANSIT), ("EA", Status.IN_TRANSIT), ("CA", Status.CANCELLED), ("RC", None), ("AO", None),
     ("OX", Status.LABEL_CREATED), ("AX", Status.IN_TRANSIT), ("CC", Status.IN_TRANSIT), ("HA", None), ("DD", None)],
)  # fmt: skip
def test_codes_that_are_easily_misread(code: str, status: Status | None) -> None:
    assert (event(code).status, event(code).mapped) == (status, True)


def test_unknown_code_falls_back_to_the_derived_one_and_is_marked() -> None:
    coarse = event("@@", derivedStatusCode="OD")
    assert (coarse.status, coarse.code, coarse.mapped) == (Status.OUT_FOR_DELIVERY, "@@", False)
    nothing = event("OW", derivedStatusCode="##")  # codes are case sensitive
    assert (nothing.status, nothing.mapped) == (Status.UNKNOWN, False)
    missing = event("", derivedStatusCode="IT")
    assert (missing.status, missing.code, missing.mapped) == (Status.IN_TRANSIT, "IT", True)


@pytest.mark.parametrize(
    ("kind", "why", "status", "reason"),
    [("DE", "", Status.DELIVERY_ATTEMPTED, ""), ("DE", "83", Status.DELIVERY_ATTEMPTED, ""),
     ("DE", "08", Status.DELIVERY_ATTEMPTED, "recipient.not_home"),
     ("DE", "015", Status.DELIVERY_ATTEMPTED, "recipient.not_home"),
     ("DE", "7", Status.EXCEPTION, "recipient.refused"), ("DE", "007", Status.EXCEPTION, "recipient.refused"),
     ("SE", "03", Status.EXCEPTION, "address.wrong"), ("SE", "099", Status.EXCEPTION, ""),
     ("SE", "84", None, "carrier.delay"), ("SE", "A25", Status.CUSTOMS, "customs.clearance"),
     ("AR", "A25", Status.IN_TRANSIT, "customs.clearance"), ("DY", "71", None, "address.changed")],
)  # fmt: skip
def test_exception_gives_the_reason_and_the_position_only_of_what_is_an_exception(
    kind: str, why: str, status: Status | None, reason: str
) -> None:
    given = event(kind, exceptionCode=why)
    assert (given.status, given.reason, given.code) == (status, reason, f"{kind}/{why}" if why else kind)


def test_delay_is_a_flag_and_leaves_the_position() -> None:
    late = event("AR", delayDetail={"type": "OPERATIONAL", "subType": "", "status": "DELAYED"})
    assert (late.status, late.flags, late.reason) == (Status.IN_TRANSIT, (Flag.DELAYED,), "")
    assert event("AR", delayDetail={"status": "ON_TIME"}).flags == ()
    assert (summary("PU", "AR", "DY").status, summary("PU", "AR", "DY").delayed) == (Status.IN_TRANSIT, True)


def test_weather_says_more_than_a_delay_beyond_control() -> None:
    snow = event("DY", exceptionCode="84", delayDetail={"type": "WEATHER", "status": "DELAYED"})
    assert (snow.reason, snow.flags) == ("weather", (Flag.DELAYED,))


@pytest.mark.parametrize("more", [{"delayDetail": {"type": "LOCAL", "status": "DELAYED"}}, {"derivedCode": "RL"}])
@pytest.mark.parametrize("step", [1, -1])
def test_delay_that_only_the_latest_status_tells_belongs_to_the_newest_scan(more: dict[str, Any], step: int) -> None:
    scans = days("PU", "AR")[::step]  # newest first, or turned round
    newest, older = read(*scans, latestStatusDetail={"code": "AR", **more}).events
    assert (newest.code, newest.flags, older.flags) == ("AR", (Flag.DELAYED,), ())


def test_reason_that_only_the_latest_status_tells_belongs_to_the_scan_it_is_about() -> None:
    latest = {"code": "DE", "ancillaryDetails": [{"reason": "08", "reasonDescription": "Nobody there"}]}
    newest = read(*days("OD", "DE"), latestStatusDetail=latest).events[0]
    assert (newest.code, newest.reason, newest.text) == ("DE/08", "recipient.not_home", "DE!: Nobody there")
    assert [one.code for one in read(*days("OD", "AR"), latestStatusDetail=latest).events] == ["DE/08", "AR", "OD"]


def test_latest_status_stands_for_missing_scans() -> None:
    latest = {"code": "DL", "derivedCode": "DL", "statusByLocale": "Delivered", "scanLocation": DALLAS}
    (only,) = read(
        latestStatusDetail=latest, dateAndTimes={"type": "ACTUAL_DELIVERY", "dateTime": "2026-11-20T10:00:00-06:00"}
    ).events
    assert (only.status, only.text, only.place.city) == (Status.DELIVERED, "Delivered", "Dallas")
    assert only.moment.instant == datetime(2026, 11, 20, 16, tzinfo=UTC)
    (bare,) = read(latestStatusDetail={"code": "IT"}).events
    assert (bare.status, bare.moment) == (Status.IN_TRANSIT, Moment(""))


@pytest.mark.parametrize(("derived", "codes"), [("HL", ["HL", "AR", "PU"]), ("IT", ["AR", "PU"]), ("??", ["AR", "PU"])])
def test_derived_status_stands_before_the_scans_where_the_parcel_waits(derived: str, codes: list[str]) -> None:
    given = read(*days("PU", "AR"), latestStatusDetail={"code": "AR", "derivedCode": derived})
    assert [one.code for one in given.events] == codes


# What must not pass for delivered


@pytest.mark.parametrize(
    ("kinds", "result", "status"),
    [("PU OD DL", {}, Status.DELIVERED), ("PU OD DL", SHOP, Status.AVAILABLE_FOR_PICKUP),
     ("PU OD DL", {"deliveryDetails": {"locationType": "FEDEX_SHIP_AND_GET"}}, Status.AVAILABLE_FOR_PICKUP),
     ("PU OD DL", {"deliveryDetails": {"locationType": "RESIDENCE"}}, Status.DELIVERED),
     ("PU HL DL", SHOP, Status.DELIVERED),  # it waited there, so it has been collected
     ("PU DE RS AR", {}, Status.RETURNING), ("PU DE RS AR DL", {}, Status.RETURNED), ("PU RS DL", SHOP, Status.RETURNED),
     ("PU DL", {"returnDetail": {"authorizationName": "X"}}, Status.RETURNED),
     ("PU DL", {"returnDetail": {"reasonDetail": [{"type": "REJECTED"}]}}, Status.RETURNED),
     ("PU DL", {"returnDetail": {"authorizationName": "", "reasonDetail": [{"type": ""}]}}, Status.DELIVERED),
     ("PU OD DL", {"latestStatusDetail": {"code": "SP", "derivedCode": "SP"}}, Status.IN_TRANSIT),
     ("PU OD DL AR", {}, Status.IN_TRANSIT), ("PU AR AX", {}, Status.IN_TRANSIT), ("PU AR OX", {}, Status.IN_TRANSIT)],
)  # fmt: skip
def test_delivered_is_what_the_recipient_has(kinds: str, result: dict[str, Any], status: Status) -> None:
    assert summary(*kinds.split(), **result).status is status


def test_place_of_the_scan_tells_a_shop_too() -> None:
    assert event("DL", locationType="FEDEX_OFFICE_LOCATION").flags == (Flag.PICKUP_POINT,)


@pytest.mark.parametrize(
    ("where", "notice", "status"),
    [(DALLAS, "", Status.AVAILABLE_FOR_PICKUP), (MEMPHIS, "", Status.IN_TRANSIT),
     ({**DALLAS, "city": "DALLAS"}, "", Status.AVAILABLE_FOR_PICKUP),
     ({**DALLAS, "city": "Dallas Downtown"}, "", Status.AVAILABLE_FOR_PICKUP),  # the postcode is the same
     ({"countryCode": "US"}, "", Status.AVAILABLE_FOR_PICKUP),
     (MEMPHIS, "HELD_PACKAGE_AVAILABLE_FOR_RECIPIENT_PICKUP", Status.AVAILABLE_FOR_PICKUP),
     (DALLAS, "HELD_PACKAGE_NOT_AVAILABLE_FOR_RECIPIENT_PICKUP", Status.IN_TRANSIT)],
)  # fmt: skip
def test_parcel_to_be_held_waits_only_when_it_has_come_there(where: Any, notice: str, status: Status) -> None:
    given = read(scan("HL", where=where), holdAtLocation=hold(), serviceCommitMessage={"type": notice})
    assert given.events[0].status is status


# Beside the scans


def test_location_that_holds_it_is_the_pickup_point() -> None:
    dallas = Place("Dallas", "TX", "75201", "US")
    point = PickupPoint("FedEx Office", "1 Example Street, Suite 2", dallas, code="DALA")
    assert read(scan("HL", where=DALLAS), holdAtLocation=hold()).pickup_point == point
    assert read(scan("AR"), holdAtLocation={}).pickup_point is None
    assert read(scan("DL"), holdAtLocation=hold()).pickup_point is None


@pytest.mark.parametrize(("kind", "waits"), [("FEDEX_LOCATION", True), ("RESIDENCE", False)])
def test_shop_is_the_pickup_point_of_what_was_handed_to_it(kind: str, waits: bool) -> None:
    details = {"locationType": kind, "actualDeliveryAddress": {**DALLAS, "streetLines": ["2 Example Street"]}}
    shop = PickupPoint(street="2 Example Street", place=Place("Dallas", "TX", "75201", "US"))
    assert read(*days("PU", "DL"), deliveryDetails=details).pickup_point == (shop if waits else None)


def test_destination_is_the_last_address_known() -> None:
    recipient = {"recipientInformation": {"address": MEMPHIS}}
    assert read(scan("AR"), **recipient, destinationLocation=hold()).destination.city == "Memphis"
    assert read(scan("AR"), **recipient, lastUpdatedDestinationAddress=DALLAS).destination.city == "Dallas"
    assert read(scan("AR"), originLocation=hold()).origin.city == "Dallas"


@pytest.mark.parametrize("key", ["value", "values"])
@pytest.mark.parametrize("alone", [True, False])
def test_post_and_further_numbers_are_legs(key: str, alone: bool) -> None:
    numbers = {"PARTNER_CARRIER_NUMBER": "926129", "REROUTE_TRACKING_NUMBER": OTHER, "INVOICE": "7"}
    listed = [{"type": kind, key: number if alone else [number]} for kind, number in numbers.items()]
    more = {"additionalTrackingInfo": {"packageIdentifiers": listed}}
    assert read(*days("PU", "AX"), **more).legs == (Leg("USPS", "926129"), Leg("FedEx", OTHER))
    assert read(scan("AC", exceptionCode="29")).legs == (Leg("Canada Post"),)


@pytest.mark.parametrize(("count", "named"), [("2", 2), (2, 2), ("3", 0), ("1", 0), (None, 0)])
def test_pieces_are_given_when_the_answer_names_them_all(count: Any, named: int) -> None:
    master = {"packageIdentifiers": [{"type": "STANDARD_MPS", "values": [OTHER]}]}
    given = read(scan("AR"), additionalTrackingInfo=master, packageDetails={"count": count})
    assert given.pieces == (Piece(NUMBER), Piece(OTHER))[:named]


@pytest.mark.parametrize(
    ("weights", "meant"),
    [([{"unit": "LB", "value": "21.5"}, {"unit": "KG", "value": "9.75"}], Weight(21.5, "lb")),
     ([{"unit": "KG", "value": 3}], Weight(3.0, "kg")), ([{"unit": "", "value": "3"}], None), ([], None), (None, None),
     ([{"unit": "KG", "value": "nan"}], None), ([{"unit": "KG", "value": "0"}], None), ({"unit": "KG"}, None)],
)  # fmt: skip
def test_weight_keeps_its_unit_and_nonsense_is_none(weights: Any, meant: Weight | None) -> None:
    assert read(scan("AR"), packageDetails={"weightAndDimensions": {"weight": weights}}).weight == meant
    assert read(scan("AR"), shipmentDetails={"weight": weights}).weight == meant


def test_who_took_it_in_is_in_no_text() -> None:
    given = read(
        scan("DL", eventDescription="Delivered to A.PERSON", derivedStatus="Delivered"),
        scan("DL", eventDescription="Left there", exceptionDescription="Signed for by ANOTHER PERSON"),
        scan("OD", exceptionDescription="Will be given to a.person"),
        deliveryDetails={"receivedByName": "A.PERSON", "signedByName": "A.Person", "locationType": "RESIDENCE"},
        recipientInformation={"contact": {"personName": "A.PERSON"}, "address": MEMPHIS},
    )
    assert [one.text for one in given.events] == ["Delivered", "Left there", "OD!"]
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
    without = next(fedex().document(Query(NUMBER), Document("proof_of_delivery", "")))
    assert without.json["trackDocumentSpecification"] == [{"trackingNumberInfo": {"trackingNumber": NUMBER}}]


@pytest.mark.parametrize("key", ["document", "documents"])
def test_proof_is_what_its_bytes_are(key: str) -> None:
    pdf, png = (base64.b64encode(content).decode() for content in (PDF, PNG))
    assert proof(**{key: [pdf], "documentFormat": "PNG"}) == File("application/pdf", PDF, f"{NUMBER}.pdf")
    assert proof(**{key: png}) == File("image/png", PNG, f"{NUMBER}.png")


def test_letter_that_fedex_does_not_have_is_not_found() -> None:
    assert proof(alerts=[{"code": NOT_FOUND, "message": "nothing"}]) == NotFound(f"{NOT_FOUND} nothing")
    refused = played(fedex().document(Query(NUMBER), PROOF), {"errors": [{"code": NOT_FOUND}]}, 400)
    assert isinstance(refused, NotFound)
    with pytest.raises(ProtocolError, match="no reason"):
        proof(documents=[])


@pytest.mark.parametrize("written", ["abcde", "PGh0bWw+", 17])  # not base64, <html>, neither
def test_what_is_no_letter_is_an_error(written: Any) -> None:
    with pytest.raises(ProtocolError, match="neither a PDF nor a PNG"):
        proof(documents=[written])


# What FedEx has published


@pytest.fixture
def published() -> Path:
    shared = os.environ.get("DOORSTEP_SHARED")
    if not shared:
        pytest.skip("DOORSTEP_SHARED is not set: it names the folder that holds carriers/specs with published files")
    return Path(shared) / "carriers" / "specs" / "samples" / "fedex"


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
