"""Ship24: the contract, trackers, status codes and milestones, offsets, places."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from doorstep import (
    Basis,
    CarrierError,
    Event,
    Flag,
    Found,
    Leg,
    NotFound,
    Place,
    Precision,
    ProtocolError,
    Query,
    Response,
    Secret,
    Shipment,
    Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_ship24 import Settings, Ship24

NUMBER, OTHER = "S24500048201", "S24500048219"


class TestContract(CarrierContract):
    package = "doorstep_ship24"


def ship24(**settings: str) -> Ship24:
    home = files("doorstep_ship24")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Ship24(manifest, codes, Settings(Secret("a-key"), **settings))


def answer_to(body: Any, query: Query = Query(NUMBER), status: int = 200) -> Any:  # noqa: B008
    carrier = ship24()
    return take_in(replay(carrier.track(query), Response(status, {}, json.dumps(body).encode())), carrier.manifest)


def tracking(*events: Any, number: str = NUMBER, **shipment: Any) -> dict[str, Any]:
    return {"tracker": {"trackingNumber": number}, "shipment": shipment, "events": events}


def listed(*trackings: Any) -> dict[str, Any]:
    return {"errors": None, "data": {"trackings": trackings}}


def scan(code: str | None = None, at: str | None = "2026-11-20T10:00:00", **more: Any) -> dict[str, Any]:
    fields = {
        "statusMilestone": "in_transit",
        "courierCode": "gls",
        "status": "text",
        "hasNoTime": False,
        "utcOffset": None,
    }
    return {**fields, "statusCode": code, "occurrenceDatetime": at, **more}


def shipment_of(*events: Any, **shipment: Any) -> Shipment:
    answer = answer_to(listed(tracking(*events, **shipment)))
    assert isinstance(answer, Found)
    (one,) = answer.shipments
    return one


def event_of(*arguments: Any, **more: Any) -> Event:
    (event,) = shipment_of(scan(*arguments, **more)).events
    return event


class TestAsking:
    def test_a_look_up_makes_no_tracker(self) -> None:
        request = next(ship24().track(Query("A/B")))
        assert (request.method, request.path) == ("GET", "/trackers/search/A%2FB/results")

    @pytest.mark.parametrize(
        ("carriers", "setting", "told"),
        [
            ((), "", None),
            ((), "gls", ["gls"]),
            (("usps",), "gls", ["us-post"]),
            (("ups", "usps"), "", None),
            (("evri",), "gls", None),
        ],
    )
    def test_a_tracker_is_told_the_carrier_where_it_is_certain(
        self, carriers: tuple[str, ...], setting: str, told: list[str] | None
    ) -> None:
        query = Query(NUMBER, postcode="60601", shipped_on="2026-11-14", carriers=carriers)
        request = next(ship24(courier=setting).register([query]))
        assert (request.method, request.path, request.idempotent) == ("POST", "/trackers", False)
        known = {"trackingNumber": NUMBER, "destinationPostCode": "60601", "shippingDate": "2026-11-14"}
        assert request.json == known | ({"courierCode": told} if told else {})

    def test_a_refusal_is_that_number_s_error(self) -> None:
        refused = {"errors": [{"code": "validation_error", "message": "no"}], "data": None}
        exchange = ship24().register([Query(NUMBER), Query(OTHER)])
        results = replay(exchange, Response(400, {}, json.dumps(refused).encode()), Response(201, {}, b'{"data": {}}'))
        assert isinstance(results[NUMBER], ProtocolError)
        assert results[OTHER] is None


class TestNotFoundAndErrors:
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (404, {"errors": [{"code": "tracker_not_found"}], "data": None}),
            (200, listed()),
            (200, listed(tracking(statusMilestone="pending"))),
            (200, listed(tracking(scan(), number=OTHER))),
        ],
    )
    def test_no_tracker_and_no_news_are_not_found(self, status: int, body: Any) -> None:
        assert isinstance(answer_to(body, status=status), NotFound)

    @pytest.mark.parametrize(
        ("status", "body"),
        [(400, {"errors": [{"code": "x"}]}), (200, {}), (200, {"data": None}), (400, {"errors": None})],
    )
    def test_anything_else_is_an_error(self, status: int, body: Any) -> None:
        with pytest.raises(CarrierError):
            answer_to(body, status=status)

    def test_a_parcel_is_found_under_each_of_its_numbers(self) -> None:
        body = listed(tracking(scan(), number=OTHER, trackingNumbers=[{"tn": OTHER}, {"tn": NUMBER.lower()}]))
        assert answer_to(body).shipments[0].number == OTHER

    def test_trackers_that_say_the_same_are_one_parcel(self) -> None:
        assert len(answer_to(listed(tracking(scan()), tracking(scan()))).shipments) == 1
        assert len(answer_to(listed(tracking(scan()), tracking(scan(courierCode="dpd")))).shipments) == 2


class TestScans:
    @pytest.mark.parametrize(
        ("at", "offset", "location", "local", "instant"),
        [
            ("2026-11-20T10:00:00", "-08:00", "Reno, NV, US", datetime(2026, 11, 20, 10),
             datetime(2026, 11, 20, 18, tzinfo=UTC)),
            ("2026-11-20T10:00:00", None, "Reno, NV, US", datetime(2026, 11, 20, 10), None),
            ("2026-11-20T10:00:00", None, None, datetime(2026, 11, 20, 10), None),
            ("2026-11-20T10:00:00", None, "Graz, Austria", datetime(2026, 11, 20, 10), datetime(2026, 11, 20, 9, tzinfo=UTC)),
            ("2026-11-20T10:00:00", "+08:00", "Austria", datetime(2026, 11, 20, 3), datetime(2026, 11, 20, 2, tzinfo=UTC)),
            ("2026-11-20T10:00:00", "local", None, datetime(2026, 11, 20, 10), None),
        ],
    )  # fmt: skip
    def test_an_offset_is_known_or_not(
        self, at: str, offset: str | None, location: str | None, local: datetime, instant: datetime | None
    ) -> None:
        moment = event_of(at=at, utcOffset=offset, location=location).moment
        assert (moment.local, moment.instant) == (local, instant)

    def test_a_date_alone_is_no_midnight(self) -> None:
        moment = event_of(at="2026-11-20T00:00:00", hasNoTime=True, utcOffset="+01:00", location="Graz, Austria").moment
        assert (moment.precision, moment.instant, moment.basis) == (Precision.DAY, None, Basis.UNKNOWN)
        assert event_of(at="2026-11-20T00:00:00", utcOffset="+01:00").moment.precision is Precision.SECOND

    @pytest.mark.parametrize(
        ("line", "place"),
        [
            ("Reno, NV, US", Place("Reno", "NV", country="US")),
            ("Oakland, CA", Place("Oakland", "CA")),
            ("Graz, Austria", Place("Graz", country="AT")),
            ("Austria", Place(country="AT")),
            ("GRAZ", Place("GRAZ")),
            ("Depot 7, Graz, Austria", Place("Graz", country="AT", name="Depot 7, Graz, Austria")),
            ("CN", Place(name="CN")),
            (None, Place()),
        ],
    )
    def test_a_line_is_taken_apart_as_far_as_that_is_certain(self, line: str | None, place: Place) -> None:
        assert event_of(location=line).place == place

    def test_a_code_of_the_future_leaves_the_milestone_and_is_counted(self) -> None:
        event = event_of("transit_by_drone", statusMilestone="out_for_delivery")
        assert (event.status, event.code, event.mapped) == (Status.OUT_FOR_DELIVERY, "transit_by_drone", False)
        minor = event_of(None)
        assert (minor.status, minor.code, minor.mapped) == (Status.IN_TRANSIT, "in_transit", True)

    def test_what_goes_back_is_never_delivered(self) -> None:
        home = scan("delivery_delivered", at="2026-11-21T10:00:00")
        assert shipment_of(home, scan("exception_return")).status is Status.RETURNED
        turned = shipment_of(home, statusCode="exception_return")
        assert (turned.status, turned.events[0].flags) == (Status.RETURNED, (Flag.RETURN,))
        assert shipment_of(home, scan()).status is Status.DELIVERED

    def test_the_first_carrier_gives_the_name_and_others_are_legs(self) -> None:
        shipment = shipment_of(
            scan(at="2026-11-20T10:00:00", courierCode="us-post"), scan(at="2026-11-18T10:00:00", courierCode="xy-post")
        )
        assert (shipment.carrier_name, shipment.legs) == ("Xy Post", (Leg("USPS"),))
