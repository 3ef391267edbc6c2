"""USPS: the contract every carrier keeps, and what is peculiar to USPS."""

import json
import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, AuthRefused, Basis, Event, Flag, Found, Moment, NotFound, PickupPoint, Place, Precision, ProtocolError, Query,
    Request, Response, Secret, Shipment, Status, Tree, Window,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_usps import USPS, Settings

NUMBER = "9400103614820593000102"
NAIVE, GMT = "2026-11-20T08:15:00", "2026-11-20T13:15:00Z"
HERE = datetime.fromisoformat(NAIVE)
INSTANT = datetime.fromisoformat(GMT)


class TestContract(CarrierContract):
    package = "doorstep_usps"


@cache
def usps() -> USPS:
    package = files("doorstep_usps")
    manifest = load_manifest((package / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((package / "codes.toml").read_text("utf-8"), file="codes.toml")
    return USPS(manifest, codes, Settings("id", Secret("secret")))


def asked(query: Query) -> Request:
    return next(usps().track(query))


def answer(body: Any, *, status: int = 200, number: str = NUMBER) -> Answer:
    exchange = usps().track(Query(number))
    next(exchange)
    with pytest.raises(StopIteration) as end:
        exchange.send(Response(status, {}, json.dumps(body).encode()))
    found: Answer = end.value.value
    return found


def read(*events: Any, number: str = NUMBER, **parcel: Any) -> Shipment:
    found = answer({"trackingNumber": NUMBER, **parcel, "trackingEvents": list(events)}, number=number)
    assert isinstance(found, Found)
    return found.shipments[0]


def event(code: str | None, text: str | None = None, category: str | None = None) -> Event:
    return read({"eventCode": code, "eventType": text}, statusCategory=category).events[0]


def moment(**scan: Any) -> Moment:
    return read(scan).events[0].moment


def status_of(*codes: str) -> Status:
    """The status after these scans, oldest first, a day between each and the next."""
    scans = [{"eventCode": code, "GMTTimestamp": f"2026-11-{day}T12:00:00Z"} for day, code in enumerate(codes, 10)]
    return summarise(arrange(read(*scans[::-1]).events)).status


def day(text: str) -> Moment:
    return Moment(text, Precision.DAY, local=datetime.fromisoformat(text))


def clock(raw: str, hour: int) -> Moment:
    return Moment(raw, Precision.MINUTE, local=datetime(2026, 11, 20, hour))


def refusal(parameter: str, code: str = "400") -> Any:
    return {"error": {"code": code, "message": "no", "errors": [{"source": {"parameter": parameter}}]}}


def test_login_sends_the_client_and_the_scope_in_the_form() -> None:
    request = next(usps().auth().login())
    form = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret", "scope": "tracking"}
    assert (request.method, request.path, request.form) == ("POST", "/oauth2/v3/token", form)


def test_order_tells_which_of_several_parcels_with_this_number_is_meant() -> None:
    request = asked(Query(NUMBER, postcode="83702-1142", shipped_on="2026-11-16"))
    assert request.params == {"expand": "DETAIL", "destinationZIPCode": "83702", "mailingDate": "2026-11-16"}


@pytest.mark.parametrize(
    ("number", "postcode"), [(NUMBER, "SW1A 1AA"), (NUMBER, "110001"), (NUMBER, ""), ("LZ482107355US", "10115")]
)
def test_postcode_that_may_be_no_zip_code_is_not_sent(number: str, postcode: str) -> None:
    assert asked(Query(number, postcode=postcode)).params == {"expand": "DETAIL"}


def test_number_cannot_leave_its_place_in_the_path() -> None:
    assert asked(Query("94/../x?y")).path == "/tracking/v3/tracking/94%2F..%2Fx%3Fy"


# By hand, digits in odd places three times: of the number's 3 × 31 + 27 = 120; of 9412…7890 3 × 59 + 44 = 221, so that it
# ends rightly in 9; with 9214 in front of it 221 + 3 × 10 + 6 = 257, so that all of it ends rightly in 3.
@pytest.mark.parametrize(
    ("typed", "bare"),
    [(f"42083702{NUMBER}", NUMBER), (f"420837021142{NUMBER}", NUMBER), (NUMBER, NUMBER), ("", ""),
     ("4208370203611482059300010203", "03611482059300010203"),
     ("4208370292149412345678901234567893", "92149412345678901234567893"),
     ("4208370292149412345678901234567899", "9412345678901234567899"),
     ("4200000000000000000000", "4200000000000000000000"), ("420X370294001036148205930001", "420X370294001036148205930001")],
)  # fmt: skip
def test_zip_code_of_the_barcode_is_left_out(typed: str, bare: str) -> None:
    assert asked(Query(typed)).path == f"/tracking/v3/tracking/{bare}"


def test_unknown_number_is_an_error_message_that_says_404_in_its_status_or_itself() -> None:
    assert answer({"error": {"code": "-2147", "message": "unknown"}}, status=404) == NotFound("-2147 unknown")
    assert isinstance(answer(refusal("", code="404")), NotFound)
    with pytest.raises(ProtocolError, match="503"):
        answer(refusal("", code="503"))


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("body", [{}, {"fault": {"string": "no such path"}}, {"error": "invalid_client"}])
def test_neither_a_parcel_nor_an_error_message_is_no_answer_about_the_number(status: int, body: Any) -> None:
    with pytest.raises(ProtocolError):
        answer(body, status=status)


def test_number_that_usps_does_not_take_is_not_found_and_other_bad_requests_are_errors() -> None:
    assert isinstance(answer(refusal("trackingNumber"), status=400), NotFound)
    with pytest.raises(ProtocolError, match="400 no"):
        answer(refusal("mailingDate"), status=400)
    with pytest.raises(ProtocolError, match="ZIP code"):
        answer({"error": {"code": "400", "message": "choose", "errors": None}}, status=400)


def test_number_does_not_show_in_what_usps_says_about_it() -> None:
    said = {"error": {"code": "404", "message": f"{NUMBER} is unknown"}}
    assert answer(said, status=404, number=f"42083702{NUMBER}") == NotFound("404 … is unknown")


def test_gmt_is_the_instant_and_the_timestamp_the_wall_clock() -> None:
    expected = Moment(NAIVE, Precision.SECOND, Basis.UTC, INSTANT, HERE, "-05:00")
    assert moment(eventTimestamp=NAIVE, GMTTimestamp=GMT, GMTOffset="-05:00") == expected
    assert moment(eventTimestamp=NAIVE, GMTTimestamp=GMT) == expected
    assert moment(eventTimestamp=NAIVE, GMTTimestamp=GMT[:-1]) == expected


def test_offset_gives_the_instant_where_gmt_is_missing() -> None:
    expected = Moment(NAIVE, Precision.SECOND, Basis.OFFSET, INSTANT, HERE, "-05:00")
    for offset in ("-05:00", "-5:00", "-0500", "-05", "-5"):
        assert moment(eventTimestamp=NAIVE, GMTOffset=offset, GMTTimestamp=None) == expected


def test_offset_gives_the_wall_clock_where_the_timestamp_is_missing() -> None:
    known = Moment(GMT, Precision.SECOND, Basis.UTC, INSTANT, HERE, "-05:00")
    assert moment(GMTTimestamp=GMT, GMTOffset="-5:00") == known
    assert moment(GMTTimestamp=GMT) == Moment(GMT, Precision.SECOND, Basis.UTC, INSTANT)


def test_wall_clock_alone_has_an_instant_only_where_the_country_has_one_clock() -> None:
    american = moment(eventTimestamp=NAIVE, eventCity="BOSTON", eventState="MA")
    assert american == Moment(NAIVE, Precision.SECOND, Basis.UNKNOWN, None, HERE)
    japanese = moment(eventTimestamp=NAIVE, eventCity="OSAKA", eventCountry="JAPAN")
    assert (japanese.instant, japanese.offset) == (datetime.fromisoformat("2026-11-19T23:15:00Z"), "+09:00")
    assert moment(eventTimestamp=NAIVE, eventCountry="CANADA").instant is None
    assert moment(eventTimestamp=NAIVE).instant is None


def test_timestamp_that_repeats_gmt_is_no_wall_clock() -> None:
    assert moment(eventTimestamp=GMT, GMTTimestamp=GMT, GMTOffset="-05:00").local == HERE
    assert moment(eventTimestamp=GMT[:-1], GMTTimestamp=GMT, GMTOffset="-05:00").local == HERE
    for repeated in (GMT, GMT[:-1]):
        alone = moment(eventTimestamp=repeated, GMTTimestamp=GMT)
        assert (alone.instant, alone.local, alone.offset) == (INSTANT, None, None)


def test_zone_of_a_wall_clock_and_an_offset_are_not_believed_where_gmt_says_otherwise() -> None:
    stamped = moment(eventTimestamp=f"{NAIVE}Z", GMTTimestamp=GMT)
    assert (stamped.instant, stamped.local, stamped.offset) == (INSTANT, HERE, "-05:00")
    contradicted = moment(eventTimestamp=NAIVE, GMTTimestamp=GMT, GMTOffset="-06:00")
    assert (contradicted.instant, contradicted.local) == (INSTANT, HERE)
    assert moment(eventTimestamp=GMT).instant == INSTANT
    assert moment(eventTimestamp=f"{NAIVE}-05:00").instant == INSTANT


@pytest.mark.parametrize("offset", ["-05:00", None])
def test_gmt_to_the_second_beside_a_wall_clock_to_the_minute_is_the_same_offset(offset: str | None) -> None:
    at = moment(eventTimestamp="2026-11-20T08:15", GMTTimestamp="2026-11-20T13:15:41.250Z", GMTOffset=offset)
    instant = datetime.fromisoformat("2026-11-20T13:15:41Z")
    assert (at.instant, at.offset, at.precision) == (instant, "-05:00", Precision.MINUTE)


@pytest.mark.parametrize("offset", ["", "05:00", "-15:00", "-300", "EST", 5, [], None])
def test_offset_that_cannot_be_one_is_not_used(offset: Any) -> None:
    assert moment(eventTimestamp=NAIVE, GMTOffset=offset) == Moment(NAIVE, Precision.SECOND, local=HERE)


@pytest.mark.parametrize("stamp", ["", "soon", "0001-01-01T00:00:00", "2026-11-31T08:15:00", "9999-12-31T23:59:59"])
def test_timestamp_that_cannot_be_read_keeps_its_text_and_nothing_else(stamp: str) -> None:
    assert moment(eventTimestamp=stamp, GMTOffset="-05:00") == Moment(stamp)
    assert moment(eventTimestamp=NAIVE, GMTTimestamp=stamp).instant is None


def test_date_alone_is_a_whole_day() -> None:
    assert moment(eventTimestamp="2026-11-20", GMTOffset="-05:00") == day("2026-11-20")


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [("01", "Delivered, To Original Sender", Status.RETURNED), ("1", "DELIVERED, TO ORIGINAL SENDER", Status.RETURNED),
     ("01", "Delivered to Agent for Final Delivery", Status.IN_TRANSIT), ("01", "Delivered, To Agent", Status.IN_TRANSIT),
     ("17", "Delivered, To Agent Picked up at USPS", Status.DELIVERED), ("01", "Delivered, PO Box", Status.DELIVERED),
     ("43", "Picked Up by Shipping Partner", Status.IN_TRANSIT), ("01", "Delivered, Parcel Locker", Status.DELIVERED),
     ("01", "Delivered, Front Desk/Reception/Mail Room", Status.DELIVERED), ("01", None, Status.DELIVERED),
     ("01", "Delivered, Individual Picked Up at Post Office", Status.DELIVERED), ("41", "Received by", None),
     ("04", "Refused, Being Returned to Sender", Status.RETURNING)],
)  # fmt: skip
def test_code_is_read_with_its_text(code: str, text: str | None, status: Status | None) -> None:
    scan = event(code, text)
    assert (scan.status, scan.mapped) == (status, True)


def test_agent_is_a_handover_and_lateness_a_flag() -> None:
    assert event("01", "Delivered to Agent for Final Delivery").flags == (Flag.HANDOVER,)
    for late, status in {event("DX"): None, event("08"): None, event("TL", "Arriving Late"): Status.IN_TRANSIT}.items():
        assert (late.status, late.flags) == (status, (Flag.DELAYED,))
    assert event("TL", "In Transit to Next Facility").flags == ()


def test_neighbour_and_business_are_told_by_the_text() -> None:
    assert event("01", "Delivered, Neighbor as Requested").reason == "recipient.neighbour"
    assert event("53", "Notice Left (Business Closed)").reason == "recipient.business_closed"


@pytest.mark.parametrize(
    ("category", "status"),
    [("Delivered to Agent", Status.IN_TRANSIT), ("Return to Sender", Status.RETURNED), ("Delivered", Status.DELIVERED),
     (None, Status.DELIVERED)],
)  # fmt: skip
def test_category_corrects_a_delivery_that_was_none(category: str | None, status: Status) -> None:
    assert event("01", "Delivered", category).status is status


def test_text_is_the_parcels_status_where_the_newest_scan_has_none() -> None:
    newest, older = read({"eventCode": "01"}, {"eventCode": "OF"}, status="Delivered, To Original Sender").events
    assert (newest.status, newest.text) == (Status.RETURNED, "Delivered, To Original Sender")
    assert (older.status, older.text) == (Status.OUT_FOR_DELIVERY, "")


def test_category_stands_in_for_an_unknown_code_of_the_newest_scan_only() -> None:
    scans = {"eventCode": "ZQ"}, {"eventCode": "ZQ"}
    meant = {"In-Transit": Status.IN_TRANSIT, "In Transit": Status.IN_TRANSIT, "Alert": Status.EXCEPTION,
             "Available for Pickup": Status.AVAILABLE_FOR_PICKUP, "Something New": Status.UNKNOWN}  # fmt: skip
    for category, status in meant.items():
        newest, older = read(*scans, statusCategory=category).events
        assert (newest.status, newest.mapped) == (status, False)
        assert (older.status, older.mapped) == (Status.UNKNOWN, False)
    assert event("ZQ", "Delivered, To Original Sender", "Delivered").status is Status.RETURNED


def test_category_says_that_the_parcel_waits_or_that_something_must_be_done() -> None:
    assert event("07", "Arrived at Post Office", "Available for Pickup").status is Status.AVAILABLE_FOR_PICKUP
    assert event("07", "Arrived at Post Office", "In Transit").status is Status.IN_TRANSIT
    assert event("02", "Notice Left", "Delivery Attempt: Action Needed").flags == (Flag.ACTION_REQUIRED,)
    assert event("02", "Notice Left", "Delivery Attempt").flags == ()


def test_delivered_holds_and_what_is_only_generated_does_not_move_it() -> None:
    assert status_of("OF", "01", "DX") is Status.DELIVERED
    assert status_of("OF", "DX") is Status.OUT_FOR_DELIVERY
    assert status_of("27", "OF", "01") is Status.RETURNED
    assert status_of("16", "01") is Status.DELIVERED


def test_city_without_a_state_is_a_facility_at_home_and_a_city_abroad() -> None:
    def place(**scan: Any) -> Place:
        return read(scan).events[0].place

    assert place(eventCity="CHARLOTTE NC DISTRIBUTION CENTER") == Place(name="CHARLOTTE NC DISTRIBUTION CENTER")
    assert place(eventCity="JAMAICA NY", eventCountry="US") == Place(name="JAMAICA NY", country="US")
    assert place(eventCity="TOKYO", eventCountry="JAPAN") == Place("TOKYO", country="JP")
    assert place(eventCity="Wien", eventZIP="1010", eventCountry="at") == Place("Wien", postcode="1010", country="AT")
    assert place(eventCity="SOMEWHERE", eventCountry="A NEW COUNTRY") == Place("SOMEWHERE")
    assert place(eventCity="BOSTON", eventState="MA", eventZIP="02110") == Place("BOSTON", "MA", "02110", "US")
    assert place(eventCity="TORONTO", eventState="ON") == Place("TORONTO", "ON")
    assert place(eventCity=None, eventState="", eventZIP=None) == Place()


@pytest.mark.parametrize(
    ("written", "service"),
    [("USPS Ground Advantage<SUP>&#153;</SUP>", "USPS Ground Advantage™"), ({"code": 1}, ""), (None, ""),
     ("Priority Mail&lt;SUP&gt;&amp;#174;&lt;/SUP&gt;", "Priority Mail®"), ("Media Mail", "Media Mail"),
     ("USPS_RETAIL_GROUND", "USPS Retail Ground"), ("FIRST-CLASS_MAIL", "First-Class Mail")],
)  # fmt: skip
def test_mail_class_is_text_without_html(written: Any, service: str) -> None:
    assert read(mailClass=written).service == service


START, END = "predictedDeliveryWindowStartTime", "predictedDeliveryWindowEndTime"
DATE, EXPECTED = "predictedDeliveryDate", "expectedDeliveryTimeStamp"


@pytest.mark.parametrize(
    ("fields", "start", "end"),
    [
        ({START: "10:00 am", END: "12:00 P.M."}, clock("2026-11-20 10:00 am", 10), clock("2026-11-20 12:00 P.M.", 12)),
        ({START: "10:00:00", END: "2026-11-20T14:00"}, clock("2026-11-20 10:00:00", 10), clock("2026-11-20T14:00", 14)),
        ({START: None, END: "17:00"}, None, clock("2026-11-20 17:00", 17)),
        ({END: "25:00"}, day("2026-11-20"), day("2026-11-20")),
        ({}, day("2026-11-20"), day("2026-11-20")),
        ({DATE: None}, None, clock("2026-11-20T20:00", 20)),
        ({DATE: None, "predictedDeliveryTimeStamp": "2026-11-20T16:00"}, None, clock("2026-11-20T16:00", 16)),
        ({DATE: "", EXPECTED: "2026-11-21T00:00:00"}, day("2026-11-21"), day("2026-11-21")),
        ({DATE: None, EXPECTED: "soon"}, None, None),
    ],
)  # fmt: skip
def test_window_is_predicted_else_expected(fields: dict[str, Any], start: Moment | None, end: Moment | None) -> None:
    assert read(**({DATE: "2026-11-20", EXPECTED: "2026-11-20T20:00"} | fields)).window == (
        Window(start, end) if end else None
    )


def test_pickup_point_is_where_the_parcel_waits_and_until_when() -> None:
    office = {"eventCity": "BOSTON", "eventState": "MA", "eventZIP": "02110"}
    boston = Place("BOSTON", "MA", "02110", "US")
    waiting, notice = {"eventCode": "16", **office}, {"eventCode": "02", **office}
    until = day("2026-12-04")
    assert read(waiting).pickup_point == PickupPoint(place=boston)
    told = read({"eventCode": "19"}, waiting, returnDateNotice="2026-12-04").pickup_point
    assert told == PickupPoint(place=boston, until=until)
    assert read(notice, returnDateNotice="2026-12-04").pickup_point == PickupPoint(until=until)
    assert read(notice).pickup_point is None
    assert read({"eventCode": "01"}, waiting, returnDateNotice="2026-12-04").pickup_point is None


def test_number_is_the_one_usps_writes_and_else_the_one_asked() -> None:
    assert read(number=f"42083702{NUMBER}").number == NUMBER
    assert read(number=f"42083702{NUMBER}", trackingNumber=None, statusCategory="Accepted").number == NUMBER
    assert read(number="").number == NUMBER


def test_parcel_without_scans_says_what_usps_says_of_now() -> None:
    (only,) = read(status="Label Created", statusCategory="Pre-Shipment").events
    assert only == Event(Moment(""), Status.LABEL_CREATED, text="Label Created")
    assert read().events == ()


def test_sentences_of_a_summary_are_kept_and_not_understood() -> None:
    sentences = ["Your item was delivered on November 20, 2026 in BOISE, ID 83702.", "Out for Delivery, 11/20/2026"]
    found = answer({"trackingNumber": NUMBER, "expectedDeliveryDate": "2026-11-20", "eventSummaries": sentences})
    assert isinstance(found, Found)
    assert found.shipments[0].events == tuple(Event(Moment(""), None, text=sentence) for sentence in sentences)
    assert found.shipments[0].window == Window(day("2026-11-20"), day("2026-11-20"))


def test_names_and_firms_are_never_read() -> None:
    assert "PERSON" not in repr(read({"name": "PERSON", "firm": "PERSON"}, statusSummary="PERSON took it"))


def test_one_field_of_the_wrong_type_does_not_lose_the_answer() -> None:
    wrong = {"eventCode": True, "eventCity": {"a": 1}, "eventTimestamp": [], "eventType": False, "eventZIP": [[1]]}
    (only, second) = read(wrong, None, {"eventCode": "OF"}, mailClass=[], destinationCity=4, status=None).events
    assert (only.code, only.text, only.place, only.moment) == ("", "", Place(), Moment(""))
    assert second.status is Status.OUT_FOR_DELIVERY


def test_fields_and_states_are_those_of_the_published_schema(specs: Path) -> None:
    schema = (specs / "usps" / "usps-tracking-v3-3.2.6.yaml").read_text("utf-8")
    names: set[str] = set()

    class Listening(Tree):
        def text(self, path: str = "") -> str:
            names.add(path)
            return super().text(path)

        def at(self, path: str) -> Tree:
            names.add(path)
            return super().at(path)

        def each(self, path: str = "") -> list[Tree]:
            names.add(path)
            return [Listening(one.value) for one in super().each(path)]

    class Answered(Response, frozen=True):
        def tree(self) -> Tree:
            return Listening({"trackingNumber": NUMBER, "trackingEvents": [{}]})

    replay(usps().track(Query(NUMBER)), Answered(200))
    assert names >= {"error", "mailClass", "GMTOffset", "guaranteedDeliveryTimeStamp"}
    assert [name for name in names if f" {name}:\n" not in schema] == []
    states = re.search(r"destinationState:\n(?:.*\n){2,5}?\s+pattern: \^\(([A-Z|]+)\)\$", schema)
    assert states is not None
    assert {read({"eventState": state}).events[0].place.country for state in states[1].split("|")} == {"US"}


def test_published_errors_are_no_answer_about_a_number(specs: Path) -> None:
    for name in ("ErrorResponse.json", "AuthErrorResponse.json"):
        body = json.loads((specs / "samples" / "usps" / name).read_text("utf-8"))
        for status in (200, 400):
            with pytest.raises(ProtocolError):
                answer(body, status=status)


def test_published_answer_to_a_login_that_is_wrong_refuses_the_account(specs: Path) -> None:
    body = (specs / "samples" / "usps" / "AuthErrorResponse.json").read_bytes()
    with pytest.raises(AuthRefused, match="invalid_client"):
        replay(usps().auth().login(), Response(400, {}, body))
