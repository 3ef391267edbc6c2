"""Bring: the contract, and what is peculiar to its consignments and packages."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from doorstep import (  # isort: skip
    Answer, CarrierUnavailable, Event, Found, Moment, NotFound, Place, ProtocolError, Query, Response, Secret, Shipment,
    Status, Weight,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_bring import Bring, Settings

# As the documentation's test numbers: letters are allowed.
PACKAGE = "370611829405736185"
OTHER = "370128406593714024"
CONSIGNMENT = "70612945037281640"


class TestContract(CarrierContract):
    package = "doorstep_bring"


def bring() -> Bring:
    home = files("doorstep_bring")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Bring(manifest, codes, Settings("user@shop.example", Secret("a-key"), "https://shop.example"))


def answer(*consignments: Any, number: str = PACKAGE, status: int = 200) -> Answer:
    body = json.dumps({"apiVersion": "2", "consignmentSet": list(consignments)}).encode()
    return replay(bring().track(Query(number)), Response(status, {}, body))


def found(*consignments: Any, number: str = PACKAGE) -> tuple[Shipment, ...]:
    got = answer(*consignments, number=number)
    assert isinstance(got, Found)
    return got.shipments


def scan(status: str, at: str = "2026-11-20T10:00:00+01:00", **fields: Any) -> dict[str, Any]:
    return {"status": status, "description": "…", "dateIso": at, "city": "OSLO", "countryCode": "NO", **fields}


def package(*scans: Any, number: str = PACKAGE, **fields: Any) -> dict[str, Any]:
    return {"packageNumber": number, "eventSet": list(scans), **fields}


def consignment(*packages: Any, **fields: Any) -> dict[str, Any]:
    return {"consignmentId": CONSIGNMENT, "packageSet": list(packages), **fields}


def event(**fields: Any) -> Event:
    (shipment,) = found(consignment(package(scan("TERMINAL", **fields))))
    return shipment.events[0]


def status_of(*codes: str) -> Status:
    """The status after these scans, oldest first, a day between each and the next."""
    scans = [scan(code, f"2026-11-{day}T12:00:00+01:00") for day, code in enumerate(codes, 10)]
    return summarise(arrange(found(consignment(package(*scans[::-1])))[0].events)).status


class TestRequests:
    def test_a_request_names_the_user_and_the_shop(self) -> None:
        request = next(bring().track(Query(PACKAGE, "nb-NO")))
        assert (request.path, request.params) == ("/tracking/api/v2/tracking.json", {"q": PACKAGE, "lang": "no"})
        assert request.headers["X-Mybring-API-Uid"] == "user@shop.example"
        assert request.headers["X-Bring-Client-URL"] == "https://shop.example"

    @pytest.mark.parametrize(
        ("store", "asked"), [("en", "en"), ("nn", "no"), ("no", "no"), ("sv-SE", "sv"), ("da", "da"), ("fr", "en")]
    )
    def test_it_is_asked_in_a_language_that_bring_has(self, store: str, asked: str) -> None:
        assert next(bring().track(Query(PACKAGE, store))).params["lang"] == asked


class TestNumbers:
    def test_blanks_hyphens_and_case_do_not_count(self) -> None:
        one = consignment(package(scan("DELIVERED"), number="TestPackage-At Pickup"))
        assert found(one, number="TESTPACKAGEATPICKUP")[0].number == "TESTPACKAGEATPICKUP"

    def test_a_package_is_answered_without_the_others_of_its_consignment(self) -> None:
        both = consignment(package(scan("TERMINAL")), package(scan("DELIVERED"), number=OTHER))
        (shipment,) = found(both, number=OTHER)
        assert [one.code for one in shipment.events] == ["DELIVERED"]
        assert shipment.pieces == ()

    def test_a_reference_gives_whatever_bring_has_for_it_by_its_own_number(self) -> None:
        alone = consignment(package(scan("TERMINAL")))
        both = {**consignment(package(scan("TERMINAL"), number="A1"), package(number="B2")), "consignmentId": "C3"}
        shipments = found(alone, both, number="ORDER1001")
        assert [(one.number, len(one.pieces)) for one in shipments] == [(PACKAGE, 0), ("C3", 2)]

    def test_a_file_without_a_number_gives_every_consignment(self) -> None:
        assert [one.number for one in found(consignment(package(scan("TERMINAL"))), number="")] == [PACKAGE]

    def test_of_several_consignments_those_that_bear_the_number_are_meant(self) -> None:
        mine, other = (
            consignment(package(scan("TERMINAL"))),
            {"consignmentId": "X1", "packageSet": [package(number="Y")]},
        )
        assert [one.number for one in found(other, {"error": {"code": 404}}, mine)] == [PACKAGE]

    def test_one_object_in_place_of_a_list_is_read(self) -> None:
        one = {"consignmentId": CONSIGNMENT, "packageSet": {"packageNumber": PACKAGE, "eventSet": scan("DELIVERED")}}
        body = json.dumps({"consignmentSet": one}).encode()
        got = replay(bring().track(Query(PACKAGE)), Response(200, {}, body))
        assert isinstance(got, Found)
        assert got.shipments[0].events[0].status is Status.DELIVERED

    @pytest.mark.parametrize("packages", [None, [], [{}], [{"packageNumber": PACKAGE, "eventSet": None}]])
    def test_a_consignment_that_was_not_scanned_is_known(self, packages: Any) -> None:
        (shipment,) = found({"consignmentId": CONSIGNMENT, "packageSet": packages}, number=CONSIGNMENT)
        assert (shipment.number, shipment.events) == (CONSIGNMENT, ())


class TestPieces:
    def test_what_happens_to_the_consignment_happens_to_all_its_packages(self) -> None:
        told = scan("PRE_NOTIFIED", "2026-11-19T10:00:00+01:00", consignmentEvent=True)
        both = consignment(package(scan("DELIVERED"), told), package(told, number=OTHER))
        (shipment,) = found(both, number=CONSIGNMENT)
        events = arrange(shipment.events)
        assert [(one.code, one.piece) for one in events] == [("DELIVERED", PACKAGE), ("PRE_NOTIFIED", "")]
        summary = summarise(events, [one.number for one in shipment.pieces])
        assert (summary.status, summary.final) == (Status.OUT_FOR_DELIVERY, False)

    def test_the_weight_is_that_of_all_packages_or_none(self) -> None:
        both = [package(weightInKgs=1.5), package(weightInKgs="2.25", number=OTHER)]
        assert found(consignment(*both), number=CONSIGNMENT)[0].weight == Weight(3.75)
        assert found(consignment(*both, package(number="Z")), number=CONSIGNMENT)[0].weight is None


class TestErrors:
    @pytest.mark.parametrize("status", [200, 400, 404])
    @pytest.mark.parametrize("code", [400, 404, "400", "404"])
    def test_an_error_in_place_of_the_consignment_says_not_found(self, status: int, code: Any) -> None:
        error = {"error": {"code": code, "message": "No shipments found"}}
        assert answer(error, status=status) == NotFound(f"{code} No shipments found")

    def test_an_empty_set_is_not_found(self) -> None:
        assert answer() == NotFound("")

    def test_an_outage_in_place_of_the_consignment_is_no_unknown_number(self) -> None:
        with pytest.raises(CarrierUnavailable, match="503 busy"):
            answer({"error": {"code": 503, "message": "busy"}})

    @pytest.mark.parametrize("one", [{}, None, 17, "x", {"error": {"code": 401}}, {"error": "no"}, {"packageSet": []}])
    def test_anything_else_is_an_error(self, one: Any) -> None:
        with pytest.raises(ProtocolError):
            answer(one, {"error": {"code": 409, "message": "?"}})

    @pytest.mark.parametrize("status", [200, 400, 404])
    def test_an_answer_of_another_machine_is_no_unknown_number(self, status: int) -> None:
        with pytest.raises(ProtocolError):
            replay(bring().track(Query(PACKAGE)), Response(status, {}, b'{"message": "Not Found"}'))


class TestTimes:
    def test_a_time_without_offset_is_known_where_bring_and_the_place_have_one_clock(self) -> None:
        at = "2026-07-03T10:00:00"
        assert event(dateIso=at).moment.instant == datetime(2026, 7, 3, 8, tzinfo=UTC)
        assert event(dateIso=at, countryCode="SE").moment.instant == datetime(2026, 7, 3, 8, tzinfo=UTC)
        for country in ("FI", "", None, "GB"):
            moment = event(dateIso=at, countryCode=country).moment
            assert (moment.instant, moment.local) == (None, datetime(2026, 7, 3, 10))

    def test_what_is_displayed_stands_in_for_a_missing_time(self) -> None:
        shown = event(dateIso=None, displayDate="03.07.2026", displayTime="10:00").moment
        assert (shown.instant, shown.raw) == (datetime(2026, 7, 3, 8, tzinfo=UTC), "03.07.2026 10:00")

    def test_no_time_at_all_is_unknown(self) -> None:
        assert event(dateIso=None).moment == Moment("")


class TestMeanings:
    @pytest.mark.parametrize(
        ("codes", "status"),
        [
            (["HANDED_IN", "READY_FOR_PICKUP", "DELIVERED"], Status.DELIVERED),
            (["HANDED_IN", "RETURN", "TERMINAL"], Status.RETURNING),
            (["HANDED_IN", "RETURN", "DELIVERED"], Status.RETURNED),
            (["HANDED_IN", "DELIVERED_SENDER"], Status.RETURNED),
            (["HANDED_IN", "TRANSPORT_TO_RECIPIENT", "NOTIFICATION_SENT"], Status.OUT_FOR_DELIVERY),
            (["HANDED_IN", "DELIVERY_CANCELLED"], Status.ACCEPTED),
            (["HANDED_IN", "DELIVERED_NEIGHBOURHOOD"], Status.ACCEPTED),  # no code is known by how it begins
        ],
    )
    def test_the_way_decides(self, codes: list[str], status: Status) -> None:
        assert status_of(*codes) is status

    def test_who_signed_and_the_code_to_collect_with_are_nowhere(self) -> None:
        signed = scan("DELIVERED", recipientSignature={"name": "SOMEBODY"})
        shipments = found(consignment(package(signed, pickupCode="RK41"), recipientName="SOMEBODY"))
        assert not {b"SOMEBODY", b"RK41"} & set(msgspec.json.encode(shipments).split(b'"'))

    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("At <a href='x'>Kiosk</a>", "At Kiosk"),
            ("5 < 6", "5 < 6"),
            ("R&amp;B", "R&B"),
            (None, ""),
            ({}, ""),
            (7, "7"),
        ],
    )
    def test_words_are_shown_without_markup(self, written: Any, shown: str) -> None:
        assert event(description=written).text == shown

    def test_a_code_is_kept_as_it_is_written(self) -> None:
        (shipment,) = found(consignment(package(scan("Delivered"))))
        assert (shipment.events[0].code, shipment.events[0].status) == ("Delivered", Status.DELIVERED)

    def test_a_country_is_read_by_its_code_or_else_its_name(self) -> None:
        assert event(countryCode="", country="Denmark").place == Place("OSLO", country="DK")
