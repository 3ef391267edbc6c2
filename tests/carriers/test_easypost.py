"""EasyPost: the contract, trackers, statuses and their details, times nobody believes, what was published."""

import json
import os
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (
    Basis,
    CarrierError,
    Flag,
    Found,
    NotFound,
    Place,
    Precision,
    ProtocolError,
    Query,
    Response,
    Secret,
    Shipment,
    Status,
    Weight,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_easypost import EasyPost, Settings

NUMBER, OTHER = "9400100208303109500782", "EZ1000000001"


class TestContract(CarrierContract):
    package = "doorstep_easypost"


def easypost(**settings: str) -> EasyPost:
    home = files("doorstep_easypost")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return EasyPost(manifest, codes, Settings(Secret("a-key"), **settings))


def answer_to(body: Any, query: Query = Query(NUMBER), status: int = 200) -> Any:  # noqa: B008
    carrier = easypost()
    response = Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
    return take_in(replay(carrier.track(query), response), carrier.manifest)


def tracker(*details: Any, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    return {"tracking_code": number, "carrier": "USPS", "tracking_details": details, **more}


def listed(*trackers: Any, **more: Any) -> dict[str, Any]:
    return {"trackers": trackers, "has_more": False, **more}


def detail(
    status: str | None = "in_transit", fine: str | None = None, at: str | None = "2026-11-20T10:00:00Z", **more: Any
) -> dict[str, Any]:
    return {"status": status, "status_detail": fine, "datetime": at, "message": "text", **more}


def shipment_of(*details: Any, **more: Any) -> Shipment:
    answer = answer_to(listed(tracker(*details, **more)))
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


class TestAsking:
    def test_one_number_is_a_look_up_that_makes_no_tracker(self) -> None:
        request = next(easypost().track(Query(NUMBER, carriers=("usps",))))
        assert (request.method, request.path, request.params) == ("GET", "/trackers", {"tracking_code": NUMBER})

    def test_several_numbers_are_one_call(self) -> None:
        request = next(easypost().track_many([Query(NUMBER), Query(OTHER)]))
        assert (request.method, request.path, request.idempotent) == ("POST", "/trackers/batch", True)
        assert request.json == {"tracking_codes": [NUMBER, OTHER]}

    @pytest.mark.parametrize(
        ("carriers", "setting", "told"),
        [
            ((), "", None),
            ((), "GLS", "GLS"),
            (("royal_mail",), "GLS", "RoyalMail"),
            (("ups", "usps"), "", None),
            (("dhl",), "GLS", None),
        ],
    )
    def test_a_tracker_is_told_the_carrier_where_it_is_certain(
        self, carriers: tuple[str, ...], setting: str, told: str | None
    ) -> None:
        request = next(easypost(courier=setting).register([Query(NUMBER, carriers=carriers)]))
        assert (request.method, request.path, request.idempotent) == ("POST", "/trackers", False)
        assert request.json == {"tracker": {"tracking_code": NUMBER} | ({"carrier": told} if told else {})}

    def test_a_tracker_that_is_refused_is_that_number_s_error(self) -> None:
        error = {"error": {"code": "TRACKER.CREATE.ERROR", "message": "no"}}
        exchange = easypost().register([Query(NUMBER), Query(OTHER)])
        results = replay(exchange, Response(422, {}, json.dumps(error).encode()), Response(201, {}, b"{}"))
        assert isinstance(results[NUMBER], ProtocolError)
        assert results[OTHER] is None


class TestNotFoundAndErrors:
    @pytest.mark.parametrize(
        ("status", "body"),
        [(200, listed()), (404, {"error": {"code": "NOT_FOUND"}}), (200, listed(tracker(status="unknown")))],
    )
    def test_no_tracker_and_no_news_are_not_found(self, status: int, body: Any) -> None:
        assert isinstance(answer_to(body, status=status), NotFound)

    @pytest.mark.parametrize("body", [{}, {"trackers": None}, {"error": {"code": "X"}}, listed(has_more=True)])
    def test_anything_else_is_an_error(self, body: Any) -> None:
        with pytest.raises(CarrierError):
            answer_to(body)

    def test_two_trackers_that_say_the_same_are_one_parcel(self) -> None:
        twice = [tracker(detail(), id="trk_1"), tracker(detail(), id="trk_2", shipment_id="shp_1")]
        assert len(answer_to(listed(*twice)).shipments) == 1
        other = tracker(detail(), carrier="UPS")
        assert len(answer_to(listed(*twice, other)).shipments) == 2
        (one,) = answer_to(listed(*twice, other), Query(NUMBER, carriers=("ups",))).shipments
        assert one.carrier_name == "UPS"


class TestStatuses:
    @pytest.mark.parametrize(
        ("status", "fine", "expected", "summary"),
        [
            ("delivered", "arrived_at_destination", Status.DELIVERED, Status.DELIVERED),
            ("delivered", "arrived_at_pickup_location", Status.DELIVERED, Status.AVAILABLE_FOR_PICKUP),
            ("delivered", "return", Status.DELIVERED, Status.RETURNED),
            ("delivered", "transferred_to_destination_carrier", Status.DELIVERED, Status.IN_TRANSIT),
            ("in_transit", "arrived_at_destination", Status.IN_TRANSIT, Status.IN_TRANSIT),
            ("in_transit", "received_at_origin_facility", Status.ACCEPTED, Status.ACCEPTED),
            ("in_transit", "status_update", Status.IN_TRANSIT, Status.IN_TRANSIT),
            ("in_transit", "return", Status.RETURNING, Status.RETURNING),
            ("out_for_delivery", "arrived_at_facility", Status.OUT_FOR_DELIVERY, Status.OUT_FOR_DELIVERY),
            ("pre_transit", "status_update", Status.LABEL_CREATED, Status.LABEL_CREATED),
            ("failure", "arrived_at_facility", Status.EXCEPTION, Status.EXCEPTION),
            ("failure", "delayed", Status.EXCEPTION, Status.EXCEPTION),
            ("failure", "lost", Status.LOST, Status.LOST),
            ("error", None, Status.EXCEPTION, Status.EXCEPTION),
            ("unknown", "out_for_delivery", Status.OUT_FOR_DELIVERY, Status.OUT_FOR_DELIVERY),
            ("unknown", "unknown", Status.UNKNOWN, Status.UNKNOWN),
            ("in_transit", "delayed", None, Status.PENDING),
        ],
    )
    def test_status_and_detail_together(
        self, status: str, fine: str | None, expected: Status | None, summary: Status
    ) -> None:
        shipment = shipment_of(detail(status, fine))
        assert (shipment.events[0].status, shipment.status) == (expected, summary)
        assert shipment.events[0].mapped

    def test_the_reason_stays_with_any_status(self) -> None:
        event = shipment_of(detail("failure", "weather_delay")).events[0]
        assert (event.status, event.reason, event.flags) == (Status.EXCEPTION, "weather", (Flag.DELAYED,))

    def test_a_word_of_the_future_is_counted(self) -> None:
        for status, fine, expected in (
            ("in_transit", "by_drone", Status.IN_TRANSIT),
            ("sunk", "lost", Status.LOST),
            ("sunk", None, Status.UNKNOWN),
        ):
            event = shipment_of(detail(status, fine)).events[0]
            assert (event.status, event.mapped) == (expected, False)

    def test_a_return_is_never_delivered(self) -> None:
        scans = [detail(at="2026-11-18T10:00:00Z"), detail("delivered", at="2026-11-19T10:00:00Z")]
        assert shipment_of(*scans, is_return=True).status is Status.RETURNED
        assert shipment_of(*scans, status="return_to_sender").status is Status.RETURNED
        assert shipment_of(*scans, status="delivered").status is Status.DELIVERED
        assert shipment_of(detail(), is_return=True).status is Status.RETURNING


class TestTimes:
    @pytest.mark.parametrize("country", ["DE", "US", None])
    def test_a_z_is_not_believed(self, country: str | None) -> None:
        moment = shipment_of(detail(tracking_location={"country": country})).events[0].moment
        assert (moment.local, moment.instant, moment.basis) == (datetime(2026, 11, 20, 10), None, Basis.UNKNOWN)
        assert moment.raw == "2026-11-20T10:00:00Z"

    def test_an_offset_is(self) -> None:
        moment = shipment_of(detail(at="2026-11-20T10:00:00-05:00")).events[0].moment
        assert (moment.instant, moment.basis) == (datetime(2026, 11, 20, 15, tzinfo=UTC), Basis.OFFSET)

    def test_scans_of_one_day_keep_their_order(self) -> None:
        scans = [detail("in_transit", at="2026-11-20T03:00:00Z"), detail("out_for_delivery", at="2026-11-20T08:00:00Z")]
        for run in (scans, scans[::-1]):
            assert shipment_of(*run).status is Status.OUT_FOR_DELIVERY
        same = [detail("in_transit"), detail("delivered")]
        assert shipment_of(*same).status is Status.DELIVERED

    def test_the_hour_of_an_estimate_needs_the_clock_of_the_place(self) -> None:
        there = {
            "est_delivery_date_local": "2026-11-24", "est_delivery_time_local": "16:00:00",
            "destination_tracking_location": {"city": "Bonn", "country": "DE"},
        }  # fmt: skip
        window = shipment_of(detail(), est_delivery_date="2026-11-24T16:00:00Z", carrier_detail=there).window
        assert window is not None
        assert window.end is not None
        assert window.end.instant == datetime(2026, 11, 24, 15, tzinfo=UTC)
        window = shipment_of(detail(), est_delivery_date="2026-11-24T16:00:00Z").window
        assert window is not None
        assert window.end is not None
        assert (window.end.precision, window.end.instant) == (Precision.DAY, None)


def test_ounces_are_told_in_pounds() -> None:
    assert shipment_of(detail(), weight=24.0).weight == Weight(1.5, "lb")
    assert shipment_of(detail(), weight=None).weight is None


class TestPublished:
    """What EasyPost's own client for Python has recorded of the service in test mode."""

    @pytest.fixture
    def bodies(self) -> list[bytes]:
        shared = os.environ.get("DOORSTEP_SHARED")
        if not shared:
            pytest.skip("DOORSTEP_SHARED does not name the folder with the published samples")
        yaml = pytest.importorskip("yaml")
        found = []
        for file in sorted((Path(shared) / "carriers/specs/aggregators/easypost").glob("*.yaml")):
            recorded = yaml.safe_load(file.read_text("utf-8"))["interactions"]
            found += [one["response"]["body"]["string"] for one in recorded]
        return [body.encode() for body in found if "tracking_code" in body]

    def test_every_recorded_tracker_is_read(self, bodies: list[bytes]) -> None:
        assert len(bodies) == 9
        shipments = [one for body in bodies for one in answer_to(body, Query("")).shipments]
        assert {one.carrier_name for one in shipments} == {"USPS"}
        for one in shipments:
            created, announced = one.events
            assert (created.text, announced.text) == ("Shipping Label Created", "Pre-Shipment Info Sent to USPS")
            assert created.place == Place(city="HOUSTON", region="TX", postcode="77063")
            assert (created.status, created.moment.instant) == (Status.LABEL_CREATED, None)
            assert one.service == "First-Class Package Service"
            assert (one.origin.city, one.destination.city) == ("HOUSTON", "CHARLESTON SC")
            assert one.status is Status.LABEL_CREATED

    def test_a_number_that_is_not_on_the_first_page_is_no_unknown_parcel(self, bodies: list[bytes]) -> None:
        pages = [body for body in bodies if b'"has_more": true' in body]
        assert pages
        for body in pages:
            with pytest.raises(ProtocolError):
                answer_to(body, Query("EZ9999999999"))
