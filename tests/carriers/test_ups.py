"""UPS: the contract every carrier keeps, and what is peculiar to UPS."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import Answer, Found, NotFound, ProtocolError, Query, Request, Response, Secret, Status, Weight
from doorstep.codes import load_codes
from doorstep.manifest import load_manifest
from doorstep.models import Basis, Event, Flag, Leg, Moment, Precision, Shipment
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_ups import UPS
from doorstep_ups.track_alert import Settings

NUMBER = "1ZD0R5TP6873126032"
OTHER = "1ZD0R5TP6873127406"


class TestContract(CarrierContract):
    package = "doorstep_ups"


@cache
def ups() -> UPS:
    package = files("doorstep_ups")
    manifest = load_manifest((package / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((package / "codes.toml").read_text("utf-8"), file="codes.toml")
    return UPS(manifest, codes, Settings("id", Secret("secret")))


def ask(number: str = NUMBER, language: str = "en") -> Request:
    return next(ups().track(Query(number, language=language)))


def answer(body: Any, *, status: int = 200, number: str = NUMBER) -> Answer:
    exchange = ups().track(Query(number))
    next(exchange)
    with pytest.raises(StopIteration) as end:
        exchange.send(Response(status, {}, json.dumps(body).encode()))
    found: Answer = end.value.value
    return found


def read(package: dict[str, Any]) -> Shipment:
    found = answer({"trackResponse": {"shipment": [{"package": [{"trackingNumber": NUMBER, **package}]}]}})
    assert isinstance(found, Found)
    return found.shipments[0]


def scan(state: dict[str, str], country: str = "FR", **times: str) -> dict[str, Any]:
    return {"status": state, "location": {"address": {"city": "Lyon", "countryCode": country}}, **times}


def event(**state: str) -> Event:
    return read({"activity": [scan(state)]}).events[0]


def moment(country: str = "FR", **times: str) -> Moment:
    return read({"activity": [scan({"type": "I"}, country, **times)]}).events[0].moment


def status_of(*states: tuple[str, str, str]) -> Status:
    """The status after these scans (type, code, statusCode), oldest first, a day between each and the next."""
    activity = [
        scan({"type": kind, "code": code, "statusCode": number}, date=f"202611{day:02}", time="120000")
        for day, (kind, code, number) in enumerate(states, 10)
    ]
    return summarise(arrange(read({"activity": activity[::-1]}).events)).status


def errors(*codes: str) -> dict[str, Any]:
    return {"response": {"errors": [{"code": code, "message": "no"} for code in codes]}}


# What is asked


def test_login_sends_the_client_by_http_basic_and_reads_a_lifetime_written_as_text() -> None:
    login = ups().auth().login()
    request = next(login)
    assert (request.method, request.path) == ("POST", "/security/v1/oauth/token")
    assert request.form == {"grant_type": "client_credentials"}
    assert request.headers["Authorization"] == "Basic aWQ6c2VjcmV0"  # id:secret
    assert "x-merchant-id" not in request.headers
    with pytest.raises(StopIteration) as end:
        login.send(Response(200, {}, b'{"access_token": "t", "expires_in": "14399"}'))
    assert end.value.value.expires_in == 14399


def test_account_number_goes_with_the_login() -> None:
    one = UPS(ups().manifest, ups().codes, Settings("id", Secret("secret"), account_number="1A2B3C"))
    assert next(one.auth().login()).headers["x-merchant-id"] == "1A2B3C"


def test_question_names_its_source_and_the_stores_locale() -> None:
    request = ask(language="fr-CA")
    assert request.path == f"/api/track/v1/details/{NUMBER}"
    assert request.params == {"locale": "fr_FR"}
    assert request.headers["transactionSrc"] == "doorstep"
    assert ask(language="is").params == {"locale": "en_US"}


def test_transaction_id_differs_by_number_and_does_not_show_it() -> None:
    own, other = (ask(number).headers["transId"] for number in (NUMBER, OTHER))
    assert own != other
    assert NUMBER not in own


def test_number_cannot_leave_its_place_in_the_path() -> None:
    assert ask("1Z/../x?y").path == "/api/track/v1/details/1Z%2F..%2Fx%3Fy"


# What is not found


def test_unknown_number_is_a_warning_beside_http_200() -> None:
    body = {"trackResponse": {"shipment": [{"warnings": [{"code": "TW0001", "message": "nothing"}]}]}}
    assert answer(body) == NotFound("TW0001 nothing")


def test_unknown_number_may_be_http_404_with_any_body() -> None:
    assert isinstance(answer("gone", status=404), NotFound)


def test_number_ups_calls_malformed_is_not_found() -> None:
    assert answer(errors("TV1002"), status=400) == NotFound("TV1002 no")


def test_other_refusals_and_warnings_are_no_answer_about_the_number() -> None:
    with pytest.raises(ProtocolError, match="TV9999"):
        answer(errors("TV9999"), status=400)
    with pytest.raises(ProtocolError, match="TW9999"):
        answer({"trackResponse": {"shipment": [{"warnings": [{"code": "TW9999"}]}]}})
    with pytest.raises(ProtocolError, match="no reason"):
        answer({"trackResponse": {}})


def test_warning_beside_a_package_does_not_hide_it() -> None:
    body = {
        "trackResponse": {"shipment": [{"warnings": [{"code": "TW0001"}], "package": [{"trackingNumber": NUMBER}]}]}
    }
    assert isinstance(answer(body), Found)


# Several packages


def test_package_is_the_one_asked_for_and_not_the_first() -> None:
    packages = [
        {"trackingNumber": OTHER, "activity": [scan({"type": "D", "code": "M7", "statusCode": "011"})]},
        {"trackingNumber": f"{NUMBER} ", "activity": [scan({"type": "I", "code": "AR", "statusCode": "005"})]},
    ]
    found = answer({"trackResponse": {"shipment": [{"package": packages}]}})
    assert isinstance(found, Found)
    assert [(one.number, one.events[0].status) for one in found.shipments] == [(NUMBER, Status.IN_TRANSIT)]


def test_number_that_ups_used_again_gives_both_shipments() -> None:
    body = {"trackResponse": {"shipment": [{"package": [{"trackingNumber": NUMBER}]}] * 2}}
    found = answer(body)
    assert isinstance(found, Found)
    assert len(found.shipments) == 2


def test_packages_under_another_number_are_kept_apart_when_none_is_the_one_asked_for() -> None:
    packages = [{"trackingNumber": NUMBER}, {"trackingNumber": OTHER}]
    found = answer({"trackResponse": {"shipment": [{"package": packages}]}}, number="D0R5TP731")
    assert isinstance(found, Found)
    assert [one.number for one in found.shipments] == [NUMBER, OTHER]


def test_recorded_answer_gives_every_package_under_its_own_number() -> None:
    packages = [{"trackingNumber": NUMBER}, {"trackingNumber": OTHER}, {}]
    found = answer({"trackResponse": {"shipment": [{"package": packages}]}}, number="")
    assert isinstance(found, Found)
    assert [one.number for one in found.shipments] == [NUMBER, OTHER, ""]


def test_package_without_scans_says_what_ups_says_of_now() -> None:
    (only,) = read({"currentStatus": {"type": "M", "code": "MP", "statusCode": "003"}}).events
    assert (only.status, only.moment) == (Status.LABEL_CREATED, Moment(""))


# Times


def test_gmt_fields_are_utc_already() -> None:
    at = moment("US", date="20261120", time="024700", gmtDate="20261120", gmtTime="074700", gmtOffset="-05:00")
    assert at.instant == datetime(2026, 11, 20, 7, 47, tzinfo=UTC)
    assert at.local == datetime(2026, 11, 20, 2, 47)
    assert (at.offset, at.basis, at.raw) == ("-05:00", Basis.UTC, "20261120 024700")


@pytest.mark.parametrize("written", ["074700", "74700", "07:47:00", "7:47:00"])
def test_gmt_time_is_read_with_colons_and_without_its_leading_zero(written: str) -> None:
    at = moment(date="20261120", time="084700", gmtDate="20261120", gmtTime=written)
    assert at.instant == datetime(2026, 11, 20, 7, 47, tzinfo=UTC)


def test_gmt_date_may_be_the_next_day() -> None:
    at = moment("US", date="20261117", time="184000", gmtDate="20261118", gmtTime="024000")
    assert at.instant == datetime(2026, 11, 18, 2, 40, tzinfo=UTC)
    assert at.offset == "-08:00"


def test_local_time_alone_has_an_instant_only_where_the_country_has_one_clock() -> None:
    french, american = (moment(country, date="20261120", time="084700") for country in ("FR", "US"))
    assert (french.instant, french.basis) == (datetime(2026, 11, 20, 7, 47, tzinfo=UTC), Basis.COUNTRY)
    assert (american.instant, american.basis) == (None, Basis.UNKNOWN)
    assert american.local == datetime(2026, 11, 20, 8, 47)


@pytest.mark.parametrize("gmt", ["", "4700", "0", "250000", "074760", "noon"])
def test_gmt_time_that_cannot_be_read_leaves_the_local_time(gmt: str) -> None:
    at = moment("US", date="20261120", time="024700", gmtDate="20261120", gmtTime=gmt)
    assert (at.instant, at.local) == (None, datetime(2026, 11, 20, 2, 47))


@pytest.mark.parametrize("date", ["20261320", "00010101", "string", "2026-11-20", "202611200"])
def test_date_that_cannot_be_read_keeps_its_text_and_nothing_else(date: str) -> None:
    assert moment(date=date, time="084700") == Moment(f"{date} 084700")


def test_date_alone_is_a_whole_day() -> None:
    at = moment(date="20261120", time="")
    assert (at.precision, at.instant, at.local) == (Precision.DAY, None, datetime(2026, 11, 20))


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ({"countryCode": "de"}, "DE"),
        ({"country": "FR"}, "FR"),
        ({"country": "Germany"}, "DE"),
        ({"countryCode": "??"}, ""),
    ],
)
def test_country_of_a_place_is_the_code_or_what_a_name_means(address: dict[str, str], meant: str) -> None:
    (only,) = read({"activity": [{"status": {"type": "I"}, "location": {"address": address}}]}).events
    assert only.place.country == meant


# Codes


def test_two_letters_mean_something_else_in_each_table() -> None:
    assert event(type="I", code="OT").status is Status.OUT_FOR_DELIVERY
    assert event(type="X", code="OT").status is Status.CUSTOMS
    assert event(type="I", code="DP").status is Status.IN_TRANSIT
    assert event(type="M", code="DP").status is Status.LABEL_CREATED


def test_status_code_comes_before_the_two_letters() -> None:
    assert event(type="I", code="OT", statusCode="037").status is Status.RETURNING
    assert event(type="X", code="BP", statusCode="014").status is Status.IN_TRANSIT


def test_two_letters_give_the_reason_where_both_speak_of_the_same_position() -> None:
    attempt = event(type="X", code="55", statusCode="022")
    assert (attempt.status, attempt.reason) == (Status.DELIVERY_ATTEMPTED, "recipient.business_closed")
    snow = event(type="X", code="DJ", statusCode="005")
    assert (snow.status, snow.reason, snow.flags) == (Status.IN_TRANSIT, "weather", (Flag.DELAYED,))


def test_vague_status_codes_leave_it_to_the_two_letters() -> None:
    assert event(type="X", code="BP", statusCode="013").status is Status.CUSTOMS
    assert event(type="X", code="99", statusCode="013").status is Status.EXCEPTION
    assert event(type="D", code="2Q", statusCode="011").status is Status.AVAILABLE_FOR_PICKUP
    assert event(type="D", code="ML", statusCode="011").status is Status.DELIVERED


def test_unknown_codes_fall_back_to_the_type_and_are_marked() -> None:
    coarse = event(type="X", code="@@", statusCode="999")
    assert (coarse.status, coarse.mapped, coarse.code) == (Status.EXCEPTION, False, "X/@@/999")
    nothing = event(type="??")
    assert (nothing.status, nothing.mapped) == (Status.UNKNOWN, False)


def test_status_code_without_its_zeros_is_the_same_code() -> None:
    assert event(type="I", statusCode="21").status is Status.OUT_FOR_DELIVERY


def test_text_loses_the_blanks_ups_leaves_at_its_end() -> None:
    assert event(type="D", statusCode="011", description="DELIVERED ").text == "DELIVERED"


# What must not pass for delivered


def test_package_at_an_access_point_or_post_office_waits_and_is_delivered_when_fetched() -> None:
    assert status_of(("I", "OT", "021"), ("D", "2Q", "161")) is Status.AVAILABLE_FOR_PICKUP
    assert status_of(("I", "OT", "021"), ("D", "EP", "144")) is Status.AVAILABLE_FOR_PICKUP
    assert status_of(("D", "2Q", "161"), ("D", "2W", "011")) is Status.DELIVERED


def test_package_given_to_an_agent_is_not_delivered() -> None:
    agent = event(type="D", code="F7", statusCode="143")
    assert (agent.status, agent.flags) == (Status.IN_TRANSIT, (Flag.HANDOVER,))


def test_package_out_for_delivery_on_its_way_back_ends_as_returned() -> None:
    back = ("X", "DL", "035"), ("I", "OT", "037")
    assert status_of(*back) is Status.RETURNING
    assert status_of(*back, ("D", "M7", "011")) is Status.RETURNED
    assert status_of(("D", "B0", "011")) is Status.RETURNED


# Beside the scans


def test_window_is_the_rescheduled_day_by_the_clock_of_the_destination() -> None:
    planned = read(
        {
            "packageAddress": [{"type": "DESTINATION", "address": {"city": "Lyon", "countryCode": "FR"}}],
            "deliveryDate": [{"type": "SDD", "date": "20261120"}, {"type": "RDD", "date": "20261123"}],
            "deliveryTime": {"type": "EDW", "startTime": "90000", "endTime": "130000"},
        }
    ).window
    assert planned is not None
    assert planned.start is not None
    assert planned.end is not None
    assert planned.start.instant == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert planned.end.instant == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_end_of_day_is_a_whole_day_and_a_commitment_has_an_end_only() -> None:
    dates = [{"type": "SDD", "date": "20261120"}]
    day = read({"deliveryDate": dates, "deliveryTime": {"type": "EOD"}}).window
    assert day is not None
    assert day.start == day.end
    assert day.start is not None
    assert (day.start.precision, day.start.instant) == (Precision.DAY, None)
    noon = read({"deliveryDate": dates, "deliveryTime": {"type": "CMT", "endTime": "120000"}}).window
    assert noon is not None
    assert noon.end is not None
    assert (noon.start, noon.end.local, noon.end.instant) == (None, datetime(2026, 11, 20, 12), None)


def test_delivered_package_has_no_window() -> None:
    dates = [{"type": "SDD", "date": "20261120"}, {"type": "DEL", "date": "20261119"}]
    assert read({"deliveryDate": dates, "deliveryTime": {"type": "DEL", "endTime": "140600"}}).window is None


def test_day_until_which_an_access_point_keeps_the_package_is_told() -> None:
    point = read({"accessPointInformation": {"pickupByDate": "20261130"}}).pickup_point
    assert point is not None
    assert point.until is not None
    assert (point.until.local, point.until.precision) == (datetime(2026, 11, 30), Precision.DAY)
    assert read({"accessPointInformation": {"pickupByDate": ""}}).pickup_point is None


def test_number_of_the_post_is_a_leg_and_unknown_kinds_are_left_out() -> None:
    numbers = [{"number": "926129", "type": "USPS_PIC"}, {"number": OTHER}, {"number": "5", "type": "NEW"}]
    assert read({"alternateTrackingNumber": numbers}).legs == (Leg("USPS", "926129"), Leg("UPS", OTHER))


@pytest.mark.parametrize(
    ("written", "unit", "meant"),
    [("7.25", "LBS", Weight(7.25, "lb")), ("1.40", "KGS", Weight(1.4, "kg")), ("0.00", "KGS", None),
     ("nan", "KGS", None), ("string", "LBS", None), ("3", "OZS", None)],
)  # fmt: skip
def test_weight_keeps_its_unit_and_nonsense_is_none(written: str, unit: str, meant: Weight | None) -> None:
    assert read({"weight": {"weight": written, "unitOfMeasurement": unit}}).weight == meant


def test_names_and_signatures_are_never_read() -> None:
    package = {
        "packageAddress": [{"type": "DESTINATION", "name": "PERSON", "attentionName": "PERSON"}],
        "deliveryInformation": {"receivedBy": "PERSON", "signature": {"image": "PERSON"}},
    }
    assert "PERSON" not in repr(read(package))


# What UPS has published


def test_published_answers_are_read(specs: Path) -> None:
    def sample(name: str) -> Any:
        return json.loads((specs / "samples" / "ups" / name).read_text("utf-8"))

    assert isinstance(answer(sample("TrackingNumberNotFoundResponseJSON.json")), NotFound)
    assert isinstance(answer(sample("InvalidTrackingNumberResponseJSON.json"), status=400), NotFound)
    # This one is not coherent (an exception with a label's code and a delivery's text): good for its shape only.
    found = answer(sample("TrackingResponseJSON.json"), number="1Z023E2X0214323462")
    assert isinstance(found, Found)
    (shipment,) = found.shipments
    (only,) = shipment.events
    assert (only.status, only.code, only.mapped) == (Status.LABEL_CREATED, "X/SR/003", True)
    assert (only.moment.local, only.moment.instant) == (datetime(2021, 2, 10, 7, 13, 56), None)
    assert (only.place.city, only.place.region, only.place.country) == ("Wayne", "NJ", "US")
    assert shipment.legs == (Leg("USPS", "92419900000033499522966220"),)
    assert (shipment.service, shipment.window, shipment.pickup_point, shipment.weight) == (
        "UPS Ground",
        None,
        None,
        None,
    )


def test_published_delivery_is_delivered(specs: Path) -> None:
    collection = json.loads((specs / "ups" / "UPS Tracking.postman_collection.json").read_text("utf-8"))
    body = json.loads(collection["item"][0]["response"][0]["body"])
    found = answer(body, number="1Z1442YY7229014688")
    assert isinstance(found, Found)
    (shipment,) = found.shipments
    delivered, label = shipment.events
    assert (delivered.status, delivered.code, delivered.text) == (Status.DELIVERED, "D/F4/011", "DELIVERED")
    assert (delivered.moment.local, delivered.moment.instant) == (datetime(2022, 1, 26, 16, 30), None)
    assert (label.status, label.moment.local) == (Status.LABEL_CREATED, datetime(2022, 1, 26, 15, 16, 41))
    assert summarise(arrange(shipment.events)).final
