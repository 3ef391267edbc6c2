"""Aramex: the contract every carrier keeps, and what is peculiar to its Tracking service."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, Answers, AuthRefused, Basis, CarrierError, Event, Exchange, Flag, Found, Moment, NotFound, Place, Precision,
    ProtocolError, Query, Request, Response, Secret, Shipment, Status, Weight,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_aramex import Aramex, Settings

NUMBER = "46182039571"
OTHER = "46182039583"


class TestContract(CarrierContract):
    package = "doorstep_aramex"


@cache
def aramex() -> Aramex:
    home = files("doorstep_aramex")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Aramex(manifest, codes, Settings("shop", Secret("a-password"), "730164", Secret("a-pin"), "AMM", "JO"))


def played(exchange: Exchange[Any], body: Any, status: int = 200) -> Any:
    next(exchange)
    with pytest.raises(StopIteration) as end:
        exchange.send(Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode()))
    return end.value.value


def answer_to(body: Any, *, number: str = NUMBER, status: int = 200) -> Answer:
    answer: Answer = played(aramex().track(Query(number)), body, status)
    return answer


def answers_to(body: Any, *numbers: str) -> Answers:
    answers: Answers = played(aramex().track_many([Query(number) for number in numbers]), body)
    return answers


def tracking(*results: Any, **more: Any) -> dict[str, Any]:
    empty = {"HasErrors": False, "Notifications": [], "NonExistingWaybills": []}
    return {**empty, "TrackingResults": list(results), **more}


def waybill(*scans: dict[str, Any], key: Any = NUMBER) -> dict[str, Any]:
    return {"Key": key, "Value": list(scans)}


def scan(description: Any = "In Transit", code: Any = "", **more: Any) -> dict[str, Any]:
    return {"WaybillNumber": NUMBER, "UpdateCode": code, "UpdateDescription": description, **more}


def read(*scans: dict[str, Any]) -> Shipment:
    answer = answer_to(tracking(waybill(*scans)))
    assert isinstance(answer, Found)
    return answer.shipments[0]


def event(description: Any = "In Transit", code: Any = "", **more: Any) -> Event:
    return read(scan(description, code, **more)).events[0]


def moment(text: Any, location: str = "") -> Moment:
    return event(UpdateDateTime=text, UpdateLocation=location).moment


def status_of(*descriptions: str) -> Status:
    """The status after these descriptions, oldest first, an hour between each and the next."""
    times = [f"/Date({1795104000000 + hour * 3600000}+0400)/" for hour in range(len(descriptions))]
    scans = [scan(one, UpdateDateTime=time) for one, time in zip(descriptions, times, strict=True)]
    return summarise(arrange(read(*scans).events)).status


class TestAsking:
    def test_the_numbers_are_asked_in_one_call_for_all_their_scans(self) -> None:
        request = next(aramex().track_many([Query(NUMBER), Query(OTHER)]))
        assert request.method == "POST"
        assert request.path.endswith("/Tracking/Service_1_0.svc/json/TrackShipments")
        assert request.json == {"Shipments": [NUMBER, OTHER], "GetLastTrackingUpdateOnly": False}
        assert request.idempotent

    def test_credentials_are_signed_into_the_body_and_nowhere_else(self) -> None:
        auth = aramex().auth()
        with pytest.raises(StopIteration) as end:
            next(auth.login())
        unsigned = next(aramex().track(Query(NUMBER)))
        signed: Request = auth.sign(unsigned, end.value.value)
        assert signed.json["ClientInfo"] == {
            "UserName": "shop", "Password": "a-password", "Version": "1.0", "AccountNumber": "730164",
            "AccountPin": "a-pin", "AccountEntity": "AMM", "AccountCountryCode": "JO",
        }  # fmt: skip
        assert signed.json["Shipments"] == [NUMBER]
        assert (signed.headers, signed.params) == (unsigned.headers, unsigned.params)
        assert "ClientInfo" not in unsigned.json


class TestWhatIsKnown:
    def test_a_number_may_be_text_or_digits(self) -> None:
        assert isinstance(answer_to(tracking(NonExistingWaybills=[NUMBER])), NotFound)
        assert isinstance(answer_to(tracking(NonExistingWaybills=[int(NUMBER)])), NotFound)
        assert isinstance(answer_to(tracking(waybill(key=int(NUMBER)))), Found)

    @pytest.mark.parametrize("key", [None, "", [], {}])
    def test_a_waybill_without_a_number_is_nobodys(self, key: Any) -> None:
        with pytest.raises(ProtocolError):
            answer_to(tracking(waybill(scan("Delivered"), key=key)))

    @pytest.mark.parametrize("has_errors", [None, 17, "true", [], {}])
    def test_no_word_about_any_number_is_an_error_where_it_is_not_said_that_all_is_well(self, has_errors: Any) -> None:
        with pytest.raises(ProtocolError):
            answer_to(tracking(HasErrors=has_errors))

    @pytest.mark.parametrize("nothing", [[], None])
    def test_no_word_about_any_number_and_no_error_is_not_found(self, nothing: Any) -> None:
        fields = ("Notifications", "TrackingResults", "NonExistingWaybills")
        silent = {"HasErrors": False, **dict.fromkeys(fields, nothing)}
        assert isinstance(answer_to(silent), NotFound)

    @pytest.mark.parametrize("scans", [[], None, [None]])
    def test_a_waybill_without_scans_is_known(self, scans: Any) -> None:
        answer = answer_to(tracking({"Key": NUMBER, "Value": scans}))
        assert isinstance(answer, Found)
        assert (answer.shipments[0].number, answer.shipments[0].events) == (NUMBER, ())

    def test_another_waybill_is_not_taken_for_the_one_asked(self) -> None:
        with pytest.raises(ProtocolError):
            answer_to(tracking(waybill(scan("Delivered"), key=OTHER)))
        with pytest.raises(ProtocolError):
            answer_to(tracking(NonExistingWaybills=[OTHER]))

    def test_every_waybill_is_meant_where_no_number_is_named(self) -> None:
        answer = answer_to(tracking(waybill(scan()), waybill(scan(), key=OTHER)), number="")
        assert isinstance(answer, Found)
        assert [one.number for one in answer.shipments] == [NUMBER, OTHER]

    def test_two_results_under_one_number_are_two_shipments(self) -> None:
        answer = answer_to(tracking(waybill(scan()), waybill(scan("Delivered"))))
        assert isinstance(answer, Found)
        assert [one.events[0].status for one in answer.shipments] == [Status.IN_TRANSIT, Status.DELIVERED]


class TestErrors:
    def test_a_refused_user_is_told_apart_although_http_says_200(self) -> None:
        with pytest.raises(AuthRefused, match="not valid"):
            answer_to(tracking(HasErrors=True, Notifications=[{"Code": "ERR01", "Message": "not valid"}]))

    def test_any_other_error_keeps_aramexs_words(self) -> None:
        with pytest.raises(ProtocolError, match=r"ERR77.*some trouble"):
            answer_to(tracking(HasErrors=True, Notifications=[{"Code": "ERR77", "Message": "some trouble"}, None]))
        with pytest.raises(ProtocolError, match="no reason given"):
            answer_to(tracking(HasErrors=True))

    def test_a_warning_beside_a_waybill_does_not_hide_it(self) -> None:
        answer = answer_to(tracking(waybill(scan()), HasErrors=True, Notifications=[{"Code": "ERR77", "Message": ""}]))
        assert isinstance(answer, Found)

    @pytest.mark.parametrize("status", [400, 404])
    def test_other_http_statuses_are_no_answer_about_the_number(self, status: int) -> None:
        with pytest.raises(ProtocolError):
            answer_to(tracking(NonExistingWaybills=[NUMBER]), status=status)


class TestSeveralNumbers:
    def test_each_has_its_own_answer_or_error(self) -> None:
        body = tracking(waybill(scan("Delivered")), NonExistingWaybills=[OTHER])
        answers = answers_to(body, NUMBER, OTHER, "46182039594")
        found = answers[NUMBER]
        assert isinstance(found, Found)
        assert [one.number for one in found.shipments] == [NUMBER]
        assert isinstance(answers[OTHER], NotFound)
        assert isinstance(answers["46182039594"], CarrierError)

    def test_a_refused_user_fails_them_all(self) -> None:
        with pytest.raises(AuthRefused):
            answers_to(tracking(HasErrors=True, Notifications=[{"Code": "ERR01", "Message": ""}]), NUMBER, OTHER)


class TestTimes:
    def test_the_milliseconds_are_utc_and_the_offset_makes_the_wall_clock(self) -> None:
        # 1795159800 s are 20777 days (2026-11-20) and 27000 s (07:30).
        read = moment("/Date(1795159800000+0400)/", "Cairo, Egypt")
        assert (read.instant, read.local) == (datetime(2026, 11, 20, 7, 30, tzinfo=UTC), datetime(2026, 11, 20, 11, 30))
        assert (read.offset, read.basis, read.precision) == ("+04:00", Basis.OFFSET, Precision.SECOND)

    def test_an_offset_may_be_behind_utc_and_hold_minutes(self) -> None:
        read = moment("/Date(1795159800000-0330)/")
        assert (read.local, read.offset) == (datetime(2026, 11, 20, 4, 0), "-03:30")

    def test_without_an_offset_the_wall_clock_is_the_countrys_if_it_has_one_zone(self) -> None:
        read = moment("/Date(1795159800000)/", "Amman, Jordan")
        assert (read.basis, read.local, read.offset) == (Basis.UTC, datetime(2026, 11, 20, 10, 30), "+03:00")
        elsewhere = moment("/Date(1795159800000)/", "Riyadh")
        assert (elsewhere.instant, elsewhere.local) == (read.instant, None)

    @pytest.mark.parametrize(
        "text",
        [
            "/Date(-62135596800000)/", "/Date(253402300799999+0000)/",  # the first and the last day of .NET
            "/Date(0+0400)/", "/Date(-1795159800000+0400)/", "/Date(1795159800000+9900)/", "/Date(1795159800000+0460)/",
            "/Date(1795159800000+1401)/", "/Date(99999999999999999999999999)/", "/Date(+0400)/", "/Date(NaN)/", "Yesterday",
        ],
    )  # fmt: skip
    def test_a_placeholder_is_no_time_and_keeps_its_text(self, text: str) -> None:
        read = moment(text, "Dubai, United Arab Emirates")
        assert (read.raw, read.instant, read.local, read.basis) == (text, None, None, Basis.UNKNOWN)

    @pytest.mark.parametrize("text", [None, "", [], {}, 9**999])
    def test_what_is_no_text_is_no_time(self, text: Any) -> None:
        assert moment(text).instant is None

    def test_a_local_time_as_soap_writes_it_is_the_places(self) -> None:
        read = moment("2026-11-20T11:30:00", "Dubai, United Arab Emirates")
        assert (read.instant, read.basis) == (datetime(2026, 11, 20, 7, 30, tzinfo=UTC), Basis.COUNTRY)

    def test_scans_stand_newest_first_whichever_way_they_are_listed(self) -> None:
        early, late = "/Date(1795145400000+0400)/", "/Date(1795159800000+0400)/"
        times = {"Picked Up": early, "Received at Origin Facility": late, "Out for Delivery": late}
        oldest_first = read(*(scan(text, UpdateDateTime=time) for text, time in times.items()))
        assert [one.text[:8] for one in arrange(oldest_first.events)] == ["Out for ", "Received", "Picked U"]
        newest_first = read(scan("Out for Delivery", UpdateDateTime=late), scan("Picked Up", UpdateDateTime=early))
        assert [one.text for one in arrange(newest_first.events)] == ["Out for Delivery", "Picked Up"]


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Dubai, United Arab Emirates", Place("Dubai", country="AE")),
            ("Riyadh,KSA", Place("Riyadh", country="SA")),
            ("Sharjah - UAE", Place("Sharjah", country="AE")),
            ("Seoul, Korea, Republic of", Place("Seoul", country="KR")),
            ("Hong Kong", Place(country="HK")),
            ("Riyadh", Place("Riyadh")),
            ("Jordan", Place(country="JO")),
            ("RUH", Place(name="RUH")),
            ("RUH, Saudi Arabia", Place(name="RUH", country="SA")),
            ("Atlanta, Georgia", Place(name="Atlanta, Georgia")),
            ("Los Angeles, CA", Place(name="Los Angeles, CA")),  # a state, and the code of Canada
            ("BLR", Place(name="BLR")),  # a station in India, and the code of Belarus
            ("Cargo Village, Dubai, United Arab Emirates", Place(name="Cargo Village, Dubai", country="AE")),
            ("14 Harbour Road, Dubai, UAE", Place(name="14 Harbour Road, Dubai", country="AE")),
            ("Dubai Operations Facility", Place(name="Dubai Operations Facility")),
            (" , ", Place()),
        ],
    )
    def test_city_and_country_are_told_only_where_they_are_sure(self, text: str, expected: Place) -> None:
        assert event(UpdateLocation=text).place == expected


class TestWhatHappened:
    @pytest.mark.parametrize(("field", "more"), [("UpdateDescription", ""), ("beginning", " - behind the blue shelf")])
    def test_every_phrase_of_the_table_can_be_reached(self, field: str, more: str) -> None:
        rows = {key[1]: meaning for key, meaning in aramex().codes.items().items() if key[0] == field}
        events = read(*(scan(phrase + more) for phrase in rows)).events
        read_as = [(event.status, event.reason, event.flags, event.mapped) for event in events]
        assert rows
        assert read_as == [(row.status, row.reason, row.flags, True) for row in rows.values()]

    @pytest.mark.parametrize(
        "written", ["Delivered", "DELIVERED.", "Shipment Delivered", "The parcel has been delivered", "delivered to  customer "]
    )  # fmt: skip
    def test_the_same_words_are_the_same_however_they_are_written(self, written: str) -> None:
        assert (event(written).status, event(written).mapped) == (Status.DELIVERED, True)

    @pytest.mark.parametrize(
        "written", ["Not yet delivered", "To be delivered", "Delivered to the wrong shelf", "Delivery", "", None, 17]
    )
    @pytest.mark.parametrize("code", ["", "SH005", "SH004", "SH006", "SH069"])
    def test_nothing_is_delivered_or_returned_on_a_guess_or_on_a_code_alone(self, written: Any, code: str) -> None:
        read = event(written, code)
        assert (read.status, read.mapped) == (Status.UNKNOWN, False)

    def test_code_and_beginning_together_are_enough(self) -> None:
        assert event("Delivered - at the front desk", "SH005").status is Status.DELIVERED
        assert event("Returned to Shipper (signed)", "SH069").status is Status.RETURNED
        assert event("Delivered - at the front desk", "SH777").status is Status.UNKNOWN

    def test_known_words_go_before_the_code_and_a_known_code_before_unknown_words(self) -> None:
        assert event("Out for Delivery", "SH005").status is Status.OUT_FOR_DELIVERY
        assert event("خرجت للتوصيل", "SH003").status is Status.OUT_FOR_DELIVERY

    @pytest.mark.parametrize(
        ("descriptions", "expected"),
        [
            (["Delivered", "Supporting Document Returned to Shipper"], Status.DELIVERED),  # papers, not the parcel
            (["Delivered", "Shipment charges paid"], Status.DELIVERED),
            (["Out for Delivery", "Delivered to pick-up point"], Status.AVAILABLE_FOR_PICKUP),
            (["Return to Shipper", "Out for Delivery", "Delivered"], Status.RETURNED),
            (["Out for Delivery", "Shipment Returned"], Status.RETURNING),  # nobody says that the sender has it
            (["Out for Delivery", "Returned to Operations Facility"], Status.IN_TRANSIT),  # the van did
            (["Out for Delivery", "Flight delayed"], Status.OUT_FOR_DELIVERY),
        ],
    )
    def test_the_status_follows_from_what_happened(self, descriptions: list[str], expected: Status) -> None:
        assert status_of(*descriptions) is expected

    @pytest.mark.parametrize("dash", ["-", "–", "—"])
    def test_words_behind_a_dash_give_the_reason(self, dash: str) -> None:
        read = event(f"Attempted Delivery {dash} Customer not available", "SH033")
        assert (read.status, read.reason) == (Status.DELIVERY_ATTEMPTED, "recipient.not_home")

    def test_a_comment_gives_the_reason_of_an_attempt(self) -> None:
        read = event("Attempted Delivery", Comments="Incomplete address")
        assert (read.status, read.reason) == (Status.DELIVERY_ATTEMPTED, "address.incomplete")
        assert Flag.ACTION_REQUIRED in read.flags
        assert Flag.RETURN in event("Delivered", Comments="Returned to shipper").flags

    def test_a_comment_says_more_than_a_general_reason(self) -> None:
        assert event("Held at Customs", Comments="Awaiting documents").reason == "customs.documents"

    def test_what_is_on_hold_for_a_known_reason_is_in_that_trouble(self) -> None:
        assert event("On Hold").status is None
        read = event("Shipment on hold: awaiting documents")
        assert (read.status, read.reason) == (Status.CUSTOMS, "customs.documents")
        assert set(read.flags) == {Flag.DELAYED, Flag.ACTION_REQUIRED}

    def test_the_problem_code_stands_behind_the_code(self) -> None:
        assert event("Attempted Delivery", "SH033", ProblemCode="N4").code == "SH033/N4"
        assert event("Attempted Delivery", "SH033", ProblemCode=None).code == "SH033"
        assert event("Attempted Delivery", None, ProblemCode="N4").code == "N4"


class TestWhoReadsIt:
    def test_who_signed_and_telephone_numbers_are_not_kept(self) -> None:
        assert event("Attempted Delivery", Comments="call +971 50 000 0000").text == "Attempted Delivery"
        assert event("Delivered", "SH005", Comments="Somebody").text == "Delivered"

    def test_why_it_failed_is_kept(self) -> None:
        assert event("Attempted Delivery", Comments="Customer not available").text == (
            "Attempted Delivery: Customer not available"
        )
        assert event("Attempted Delivery", Comments="Samira was out").text == "Attempted Delivery"
        assert event("Attempted Delivery", Comments="Attempted Delivery").text == "Attempted Delivery"

    def test_english_is_claimed_for_plain_letters_only(self) -> None:
        assert read(scan("Departed Facility – In Transit")).language == "en"
        assert read(scan("خرجت للتوصيل"), scan("In Transit")).language == ""


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [("1.20", "KG", Weight(1.2, "kg")), (2, "lb", Weight(2.0, "lb")), ("0", "KG", None), ("NaN", "KG", None), ([], "KG", None),
     ("heavy", "KG", None), ("1", "stone", None), ("1", None, None), (None, None, None)],
)  # fmt: skip
def test_weight_is_read_where_it_is_one(value: Any, unit: Any, expected: Weight | None) -> None:
    assert read(scan(), scan(GrossWeight=value, WeightUnit=unit)).weight == expected


SOAP = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<ShipmentTrackingResponse xmlns="http://ws.aramex.net/ShippingAPI/v1/"><HasErrors>false</HasErrors><TrackingResults
 xmlns:a="http://schemas.microsoft.com/2003/10/Serialization/Arrays"><a:Pair><a:Key>46182039571</a:Key><a:Value><TrackingResult>
<UpdateCode>SH003</UpdateCode><UpdateDescription>Out for Delivery</UpdateDescription><Comments/>
<UpdateDateTime>2026-11-20T11:30:00</UpdateDateTime><UpdateLocation>Dubai, United Arab Emirates</UpdateLocation>
</TrackingResult></a:Value></a:Pair></TrackingResults></ShipmentTrackingResponse></s:Body></s:Envelope>"""


def test_soap_is_read_as_json_is() -> None:
    answer = answer_to(SOAP.encode())
    assert isinstance(answer, Found)
    (one,) = answer.shipments[0].events
    assert (one.status, one.code, one.text) == (Status.OUT_FOR_DELIVERY, "SH003", "Out for Delivery")
    assert one.place == Place("Dubai", country="AE")
    assert one.moment.instant == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("body", [SOAP.encode()[:300], SOAP.replace("s:Body", "s:Trunk").encode(), b"<html/>"])
def test_other_xml_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        answer_to(body)


@pytest.fixture
def published(specs: Path) -> Path:
    return specs / "samples/aramex"


def test_published_answer_about_an_unknown_waybill_is_not_found(published: Path) -> None:
    body = (published / "TrackingNonExistentResponseXML.xml").read_bytes()
    assert isinstance(answer_to(body, number="1Z12345E6205277936"), NotFound)
    assert isinstance(answer_to(body, number=""), NotFound)
    with pytest.raises(ProtocolError):
        answer_to(body, number=NUMBER)


def test_published_error_is_a_refused_user(published: Path) -> None:
    with pytest.raises(AuthRefused, match="Invalid username or password"):
        answer_to((published / "ErrorResponseXML.xml").read_bytes())


def test_published_answer_without_content_is_no_answer(published: Path) -> None:
    with pytest.raises(ProtocolError):
        answer_to((published / "TrackingResponseXML.xml").read_bytes())
