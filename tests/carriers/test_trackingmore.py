"""TrackingMore: the contract, several numbers at once, registration, the two meanings of "pickup", two carriers' scans."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from doorstep import (
    AuthRefused,
    CarrierError,
    CarrierUnavailable,
    Event,
    Flag,
    Found,
    Leg,
    NotFound,
    Precision,
    ProtocolError,
    Query,
    RateLimited,
    Response,
    Secret,
    Shipment,
    Status,
)
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_trackingmore import Settings, TrackingMore

NUMBER, OTHER = "TM5500048201", "TM5500048219"


class TestContract(CarrierContract):
    package = "doorstep_trackingmore"


def trackingmore(**settings: str) -> TrackingMore:
    home = files("doorstep_trackingmore")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return TrackingMore(manifest, codes, Settings(Secret("a-key"), **settings))


def response(body: Any, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def answer_to(body: Any, query: Query = Query(NUMBER), status: int = 200) -> Any:  # noqa: B008
    carrier = trackingmore()
    return take_in(replay(carrier.track(query), response(body, status)), carrier.manifest)


def tracking(*scans: Any, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    return {"tracking_number": number, "courier_code": "gls", "origin_info": {"trackinfo": scans}, **more}


def listed(*trackings: Any, code: int = 200) -> dict[str, Any]:
    return {"meta": {"code": code, "message": "said"}, "data": trackings}


def scan(
    status: str | None = "transit", sub: str | None = None, at: str | None = "2026-11-20 10:00:00", **more: Any
) -> dict[str, Any]:
    told = {"checkpoint_delivery_status": status, "checkpoint_delivery_substatus": sub, "checkpoint_date": at}
    return {**told, "tracking_detail": "text", **more}


def shipment_of(*scans: Any, **more: Any) -> Shipment:
    answer = answer_to(listed(tracking(*scans, **more)))
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


def event_of(*arguments: Any, **more: Any) -> Event:
    (event,) = shipment_of(scan(*arguments, **more)).events
    return event


class TestAsking:
    def test_several_numbers_are_one_call_that_registers_nothing(self) -> None:
        request = next(trackingmore().track_many([Query(NUMBER), Query(OTHER)]))
        assert (request.method, request.path) == ("GET", "/trackings/get")
        assert request.params == {"tracking_numbers": f"{NUMBER},{OTHER}"}

    @pytest.mark.parametrize(
        ("carriers", "setting", "told"),
        [
            ((), "", None),
            ((), "gls", "gls"),
            (("royal_mail",), "gls", "royal-mail"),
            (("ups", "usps"), "", None),
            (("dhl",), "gls", None),
        ],
    )
    def test_a_carrier_is_told_where_it_is_certain(
        self, carriers: tuple[str, ...], setting: str, told: str | None
    ) -> None:
        request = next(trackingmore(courier=setting).register([Query(NUMBER, carriers=carriers), Query(OTHER)]))
        assert (request.method, request.path, request.idempotent) == ("POST", "/trackings/batch", False)
        assert request.json[0] == {"tracking_number": NUMBER} | ({"courier_code": told} if told else {})

    @pytest.mark.parametrize(
        "data",
        [
            [{"tracking_number": NUMBER}],
            {"success": [{"tracking_number": NUMBER}], "error": []},
            {"success": None, "error": [{"tracking_number": NUMBER, "errorCode": 4101}]},
        ],
    )
    def test_what_is_taken_or_was_counts_as_registered(self, data: Any) -> None:
        results = replay(trackingmore().register([Query(NUMBER)]), response({"meta": {"code": 203}, "data": data}))
        assert results == {NUMBER: None}

    def test_a_refusal_is_that_number_s_error(self) -> None:
        data = {"success": [{"tracking_number": OTHER}], "error": [{"tracking_number": NUMBER, "errorCode": 4120}]}
        queries = [Query(NUMBER), Query(OTHER)]
        results = replay(trackingmore().register(queries), response({"meta": {"code": 203}, "data": data}))
        assert results[OTHER] is None
        error = results[NUMBER]
        assert isinstance(error, ProtocolError)
        assert error.next_step


class TestNotFoundAndErrors:
    @pytest.mark.parametrize(
        "body",
        [
            listed(),
            listed(code=4102),
            listed(tracking(delivery_status="pending")),
            listed(tracking(scan(), number=OTHER)),
        ],
    )
    def test_not_registered_and_no_news_are_not_found(self, body: Any) -> None:
        assert isinstance(answer_to(body), NotFound)

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (401, AuthRefused),
            (402, RateLimited),
            (403, AuthRefused),
            (429, RateLimited),
            (500, CarrierUnavailable),
            (4110, ProtocolError),
        ],
    )
    def test_the_code_counts_where_http_is_fine(self, code: int, kind: type[CarrierError]) -> None:
        with pytest.raises(CarrierError) as error:
            answer_to(listed(code=code))
        assert type(error.value) is kind
        assert error.value.retry_after == (3600 if code == 402 else None)

    @pytest.mark.parametrize("body", [{}, {"meta": {"code": 200}}, {"meta": {"code": 200}, "data": None}])
    def test_an_answer_without_data_is_an_error(self, body: Any) -> None:
        with pytest.raises(ProtocolError):
            answer_to(body)

    def test_the_order_s_carrier_is_preferred_where_two_have_the_number(self) -> None:
        body = listed(tracking(scan()), tracking(scan(), courier_code="ups"))
        assert len(answer_to(body).shipments) == 2
        (one,) = answer_to(body, Query(NUMBER, carriers=("ups",))).shipments
        assert one.carrier_name == "UPS"


class TestStatuses:
    @pytest.mark.parametrize(
        ("sub", "text", "expected"),
        [
            (None, "Out for delivery", Status.OUT_FOR_DELIVERY),
            (None, "With the courier", Status.OUT_FOR_DELIVERY),
            (None, "Ready for collection at the post office", Status.AVAILABLE_FOR_PICKUP),
            (None, "Available for pickup", Status.AVAILABLE_FOR_PICKUP),
            (None, "In the LOCKER", Status.AVAILABLE_FOR_PICKUP),
            (None, "Out for delivery to a pickup point", Status.OUT_FOR_DELIVERY),
            (None, "", Status.OUT_FOR_DELIVERY),
            ("pickup002", "Out for delivery", Status.AVAILABLE_FOR_PICKUP),
            ("pickup077", "In the locker", Status.AVAILABLE_FOR_PICKUP),
        ],
    )
    def test_pickup_is_either_of_two_things(self, sub: str | None, text: str, expected: Status) -> None:
        assert event_of("pickup", sub, tracking_detail=text).status is expected

    def test_a_substatus_of_the_future_leaves_the_status_and_is_counted(self) -> None:
        event = event_of("delivered", "delivered099")
        assert (event.status, event.code, event.mapped) == (Status.DELIVERED, "delivered099", False)
        assert event_of(None, "transit099").status is Status.IN_TRANSIT
        assert not event_of("sunk").mapped

    def test_info_received_is_no_unknown_parcel(self) -> None:
        assert shipment_of(delivery_status="notfound", substatus="notfound001").status is Status.LABEL_CREATED

    def test_what_goes_back_is_never_delivered(self) -> None:
        scans = [scan("delivered", at="2026-11-20 10:00:00"), scan(at="2026-11-18 10:00:00")]
        back = shipment_of(*scans, delivery_status="exception", substatus="exception011")
        assert (back.status, back.events[0].flags) == (Status.RETURNED, (Flag.RETURN,))
        turned = [scans[0], scan("exception", "exception011", at="2026-11-18 10:00:00")]
        assert shipment_of(*turned).status is Status.RETURNED
        assert shipment_of(*scans, delivery_status="delivered").status is Status.DELIVERED


class TestTimes:
    def test_a_naive_time_needs_a_country_with_one_zone(self) -> None:
        assert event_of(country_iso2="AT").moment.instant == datetime(2026, 11, 20, 9, tzinfo=UTC)
        for country in ("US", None):
            moment = event_of(country_iso2=country).moment
            assert (moment.local, moment.instant) == (datetime(2026, 11, 20, 10), None)

    @pytest.mark.parametrize("at", ["2026-11-20", "2026-11-20 00:00:00", "2026-11-20T00:00:00"])
    def test_a_midnight_is_a_day(self, at: str) -> None:
        moment = event_of(at=at, country_iso2="AT").moment
        assert (moment.precision, moment.instant, moment.raw) == (Precision.DAY, None, at)


def test_two_carriers_scans_are_one_timeline_in_which_each_order_holds() -> None:
    first = [scan(at="2026-11-16 10:00:00", tracking_detail="a"), scan(at="2026-11-18 10:00:00", tracking_detail="b")]
    second = [scan(at="2026-11-20 10:00:00", tracking_detail="d"), scan(at="2026-11-17 10:00:00", tracking_detail="c")]
    shipment = shipment_of(*first, destination_info={"courier_code": "royal-mail", "trackinfo": second})
    assert [event.text for event in shipment.events] == ["d", "b", "c", "a"]
    assert (shipment.carrier_name, shipment.legs) == ("GLS", (Leg("Royal Mail"),))
    silent = shipment_of(*first, destination_info={"courier_code": "royal-mail", "trackinfo": None})
    assert silent.legs == ()
