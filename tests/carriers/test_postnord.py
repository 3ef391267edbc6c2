"""PostNord: the contract, and what is peculiar to its shipments and items."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from doorstep import (  # isort: skip
    Answer, Event, Found, NotFound, PickupPoint, Place, ProtocolError, Query, Response, Secret, Shipment, Status, Weight,
    Window,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_postnord import PostNord, Settings

ITEM = "00373582094173602847"
OTHER = "CV730582641DK"
SHIPMENT = "373582094173602847"  # the same, as PostNord also writes it


class TestContract(CarrierContract):
    package = "doorstep_postnord"


def postnord() -> PostNord:
    home = files("doorstep_postnord")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return PostNord(manifest, codes, Settings(Secret("a-key")))


def answered(body: Any, number: str = ITEM, status: int = 200) -> Answer:
    return replay(postnord().track(Query(number)), Response(status, {}, json.dumps(body).encode()))


def found(*shipments: Any, number: str = ITEM) -> tuple[Shipment, ...]:
    got = answered({"TrackingInformationResponse": {"shipments": list(shipments)}}, number)
    assert isinstance(got, Found)
    return got.shipments


def scan(
    status: str | None, at: str | None = "2026-11-20T10:00:00", country: str = "SE", **fields: Any
) -> dict[str, Any]:
    where = {"city": "Lund", "countryCode": country} if country else None
    return {"status": status, "eventCode": "10", "eventTime": at, "eventDescription": "…", "location": where, **fields}


def item(*scans: Any, number: str = ITEM, **fields: Any) -> dict[str, Any]:
    return {"itemId": number, "events": list(scans), **fields}


def shipment(*items: Any, frm: str = "SE", to: str = "SE", **fields: Any) -> dict[str, Any]:
    ends = {"consignor": {"address": {"countryCode": frm}}, "consignee": {"address": {"countryCode": to}}}
    return {"shipmentId": SHIPMENT, "items": list(items), **ends, **fields}


def event(*scans: Any, **fields: Any) -> Event:
    return found(shipment(item(*scans), **fields))[0].events[0]


def status_of(*statuses: str, item_says: str = "", shipment_says: str = "") -> Status:
    """The status after these scans, oldest first, a day between each and the next."""
    scans = [scan(status, f"2026-11-{day}T12:00:00") for day, status in enumerate(statuses, 10)]
    (one,) = found(shipment(item(*scans, status=item_says), status=shipment_says))
    return summarise(arrange(one.events)).status


class TestRequests:
    def test_the_key_stands_in_the_address_and_nowhere_else(self) -> None:
        carrier = postnord()
        auth, request = carrier.auth(), next(carrier.track(Query(ITEM, "nn-NO")))
        with pytest.raises(StopIteration) as end:
            next(auth.login())
        signed = auth.sign(request, end.value.value)
        assert signed.path == "/rest/shipment/v5/trackandtrace/findByIdentifier.json"
        assert signed.params == {"id": ITEM, "locale": "no", "apikey": "a-key"}
        assert signed.headers == {"Accept": "application/json"}


class TestNumbers:
    @pytest.mark.parametrize("number", [ITEM, SHIPMENT])
    def test_zeros_in_front_do_not_count(self, number: str) -> None:
        assert found(shipment(item(scan("EN_ROUTE"))), number=number)[0].number == number

    def test_an_item_is_answered_without_the_others_of_its_shipment(self) -> None:
        both = shipment(item(scan("EN_ROUTE")), item(scan("DELIVERED"), number=OTHER))
        (one,) = found(both, number=OTHER)
        assert ([event.status for event in one.events], one.pieces) == ([Status.DELIVERED], ())

    def test_a_shipment_is_answered_with_its_pieces(self) -> None:
        both = {**shipment(item(scan("EN_ROUTE")), item(scan("DELIVERED"), number=OTHER)), "shipmentId": "S1"}
        (one,) = found(both, number="S1")
        assert [piece.number for piece in one.pieces] == [ITEM, OTHER]
        summary = summarise(arrange(one.events), [piece.number for piece in one.pieces])
        assert (summary.status, summary.final) == (Status.IN_TRANSIT, False)

    def test_a_file_without_a_number_gives_every_shipment(self) -> None:
        other = {**shipment(item(number="A"), item(number="B")), "shipmentId": "S1"}
        assert [one.number for one in found(shipment(item(scan("EN_ROUTE"))), other, number="")] == [ITEM, "S1"]

    def test_of_several_shipments_those_that_bear_the_number_are_meant(self) -> None:
        other = {"shipmentId": "S2", "items": [item(number="X")]}
        assert [one.number for one in found(other, shipment(item()))] == [ITEM]

    def test_one_object_in_place_of_a_list_is_read(self) -> None:
        one = {**shipment(), "items": {"itemId": ITEM, "events": scan("DELIVERED")}}
        got = answered({"TrackingInformationResponse": {"shipments": one}})
        assert isinstance(got, Found)
        assert got.shipments[0].events[0].status is Status.DELIVERED


class TestErrors:
    @pytest.mark.parametrize("inner", [{"shipments": []}, {"shipments": None}, {}, {"compositeFault": None}])
    def test_no_shipment_and_no_fault_is_not_found(self, inner: Any) -> None:
        assert answered({"TrackingInformationResponse": inner}) == NotFound("")
        with pytest.raises(ProtocolError):
            answered({"TrackingInformationResponse": inner}, status=404)

    @pytest.mark.parametrize("status", [200, 400, 404])
    @pytest.mark.parametrize("inside", [True, False])
    def test_an_invalid_identifier_is_not_found_wherever_it_stands(self, status: int, inside: bool) -> None:
        fault = {"compositeFault": {"faults": [{"faultCode": "invalidIdentifier", "explanationText": "no"}]}}
        body = {"TrackingInformationResponse": fault} if inside else fault
        assert answered(body, status=status) == NotFound("invalidIdentifier: no")

    def test_another_fault_is_no_unknown_number(self) -> None:
        fault = {"compositeFault": {"faults": {"faultCode": "invalidLocale", "explanationText": "xx"}}, "shipments": []}
        with pytest.raises(ProtocolError, match="invalidLocale: xx"):
            answered({"TrackingInformationResponse": fault})

    @pytest.mark.parametrize(
        "body", [{}, [], {"message": "?"}, {"TrackingInformationResponse": {"shipments": [17, {}]}}]
    )
    def test_an_answer_about_nothing_is_an_error(self, body: Any) -> None:
        with pytest.raises(ProtocolError):
            answered(body)


class TestTimes:
    @pytest.mark.parametrize(("country", "hour"), [("SE", 8), ("DK", 8), ("FI", 7), ("GB", 9)])
    def test_a_time_is_by_the_clock_of_the_place(self, country: str, hour: int) -> None:
        moment = event(scan("EN_ROUTE", "2026-07-03T10:00:00", country)).moment
        assert moment.instant == datetime(2026, 7, 3, hour, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("frm", "to", "hour"), [("SE", "SE", 9), ("SE", "NO", 9), ("FI", "FI", 8), ("SE", "FI", None), ("", "SE", None)]
    )
    def test_without_a_place_it_is_known_where_both_ends_have_one_clock(
        self, frm: str, to: str, hour: int | None
    ) -> None:
        moment = event(scan("INFORMED", country=""), frm=frm, to=to).moment
        assert (moment.instant and moment.instant.hour, moment.local) == (hour, datetime(2026, 11, 20, 10))

    def test_the_public_is_told_first(self) -> None:
        times = {"publicTimeOfArrival": "2026-11-21T15:00:00", "estimatedTimeOfArrival": "2026-11-22T12:00:00"}
        (one,) = found(shipment(item(), **times))
        assert isinstance(one.window, Window)
        assert one.window.end
        assert (one.window.start, one.window.end.instant) == (None, datetime(2026, 11, 21, 14, tzinfo=UTC))
        assert found(shipment(item(), publicTimeOfArrival=None, estimatedTimeOfArrival="soon"))[0].window is None


class TestMeanings:
    @pytest.mark.parametrize(
        ("statuses", "status"),
        [
            (["INFORMED", "EN_ROUTE", "DELIVERED"], Status.DELIVERED),
            (["INFORMED", "EN_ROUTE", "RETURNED", "EN_ROUTE"], Status.RETURNING),
            (["INFORMED", "EN_ROUTE", "RETURNED", "DELIVERED"], Status.RETURNED),
            (["EN_ROUTE", "AVAILABLE_FOR_DELIVERY", "DELIVERED"], Status.DELIVERED),
            (["EN_ROUTE", "EXPECTED_DELAY"], Status.IN_TRANSIT),
            (["EN_ROUTE", "DELIVERED_SOMEHOW"], Status.IN_TRANSIT),
        ],
    )
    def test_the_way_decides(self, statuses: list[str], status: Status) -> None:
        assert status_of(*statuses) is status

    @pytest.mark.parametrize("says", [{"item_says": "RETURNED"}, {"shipment_says": "RETURNED"}])
    def test_what_went_back_in_silence_is_not_delivered(self, says: dict[str, str]) -> None:
        assert status_of("EN_ROUTE", "DELIVERED", **says) is Status.RETURNED
        assert status_of("EN_ROUTE", "DELIVERED", "OTHER", **says) is Status.RETURNED
        assert status_of("EN_ROUTE", "EN_ROUTE", **says) is Status.RETURNING

    @pytest.mark.parametrize(
        ("status", "number", "means", "code"),
        [
            ("EN_ROUTE", "113", Status.OUT_FOR_DELIVERY, "EN_ROUTE/113"),
            ("EN_ROUTE", 113, Status.OUT_FOR_DELIVERY, "EN_ROUTE/113"),
            ("en_route", "34", Status.IN_TRANSIT, "en_route/34"),
            ("DELIVERED", "113", Status.DELIVERED, "DELIVERED/113"),
            (None, "113", Status.OUT_FOR_DELIVERY, "113"),
            ("DELIVERED", None, Status.DELIVERED, "DELIVERED"),
        ],
    )
    def test_a_known_number_is_finer_than_its_status(self, status: Any, number: Any, means: Status, code: str) -> None:
        one = event(scan(status, eventCode=number))
        assert (one.status, one.code, one.mapped) == (means, code, True)

    def test_an_unknown_status_is_kept_and_not_guessed(self) -> None:
        one = event(scan("DELIVERED_SOMEHOW"))
        assert (one.status, one.code, one.text, one.mapped) == (Status.UNKNOWN, "DELIVERED_SOMEHOW/10", "…", False)

    def test_an_item_without_events_has_its_status_or_else_the_shipments(self) -> None:
        assert event(status="INFORMED").code == "INFORMED"
        assert found(shipment(item(status="DELIVERED"), status="SPLIT"))[0].events[0].status is Status.DELIVERED
        assert found(shipment(status="EN_ROUTE"))[0].events[0].status is Status.IN_TRANSIT


class TestFields:
    def test_a_point_that_the_shipment_names_comes_before_the_place_of_the_scan(self) -> None:
        waiting = item(scan("AVAILABLE_FOR_DELIVERY", location={"displayName": "Kiosk", "city": "Lund"}))
        assert found(shipment(waiting))[0].pickup_point == PickupPoint("Kiosk", place=Place("Lund", name="Kiosk"))
        named = found(shipment(waiting, deliveryPoint={"name": "Shop", "address": {"street1": "A 1", "city": "Lund"}}))
        assert named[0].pickup_point == PickupPoint("Shop", "A 1", Place("Lund"))
        assert found(shipment(item(scan("EN_ROUTE"))))[0].pickup_point is None

    @pytest.mark.parametrize(
        ("weights", "weight"),
        [
            ([("1.5", "kg"), (250, "g")], Weight(1.75)),
            ([("1.5", "kg"), None], None),
            ([("1.5", "lb")], None),
            ([("-1", "kg")], None),
        ],
    )
    def test_the_weight_is_that_of_all_items_or_none(self, weights: list[Any], weight: Weight | None) -> None:
        items = [
            item(number=f"I{at}", statedMeasurement={"weight": {"value": one[0], "unit": one[1]}} if one else None)
            for at, one in enumerate(weights)
        ]
        assert found({**shipment(*items), "shipmentId": "S1"}, number="S1")[0].weight == weight

    def test_nobody_is_named(self) -> None:
        person = {"name": "SOMEBODY", "address": {"city": "Lund", "name": "SOMEBODY", "street1": "SOMEBODY"}}
        shipments = found({**shipment(item(scan("DELIVERED"))), "consignee": person})
        assert b"SOMEBODY" not in msgspec.json.encode(shipments)
