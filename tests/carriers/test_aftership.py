"""AfterShip: the contract, several numbers at once, registration, times, returns."""

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
    NotFound,
    Place,
    Precision,
    ProtocolError,
    Query,
    Request,
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
from doorstep_aftership import AfterShip, Settings

NUMBER, OTHER = "RR482019378CN", "LX573918465LV"


class TestContract(CarrierContract):
    package = "doorstep_aftership"


def aftership(**settings: str) -> AfterShip:
    home = files("doorstep_aftership")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return AfterShip(manifest, codes, Settings(Secret("a-key"), **settings))


def response(body: Any, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def tracking(*checkpoints: Any, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    return {"tracking_number": number, "slug": "usps", "checkpoints": checkpoints, **more}


def listed(*trackings: Any) -> dict[str, Any]:
    return {"meta": {"code": 200}, "data": {"trackings": trackings}}


def refused(code: int) -> dict[str, Any]:
    return {"meta": {"code": code, "message": "no"}, "data": {}}


def answer_to(body: Any, query: Query = Query(NUMBER), status: int = 200) -> Any:  # noqa: B008
    carrier = aftership()
    return take_in(replay(carrier.track(query), response(body, status)), carrier.manifest)


def shipment_of(*checkpoints: Any, **more: Any) -> Shipment:
    answer = answer_to(listed(tracking(*checkpoints, **more)))
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


def checkpoint(
    subtag: str | None = "InTransit_001", time: str | None = "2026-11-20T10:00:00", **more: Any
) -> dict[str, Any]:
    return {"subtag": subtag, "checkpoint_time": time, "message": "text", **more}


def event_of(*arguments: Any, **more: Any) -> Event:
    (event,) = shipment_of(checkpoint(*arguments, **more)).events
    return event


class TestAsking:
    def test_several_numbers_are_one_call_that_registers_nothing(self) -> None:
        request = next(aftership().track_many([Query(NUMBER), Query(OTHER)]))
        assert (request.method, request.path) == ("GET", "/trackings")
        assert request.params == {"tracking_numbers": f"{NUMBER},{OTHER}"}

    def test_a_number_left_out_is_unknown_and_the_others_are_not(self) -> None:
        exchange = aftership().track_many([Query(NUMBER), Query(OTHER)])
        answers = replay(exchange, response(listed(tracking(checkpoint()))))
        assert isinstance(answers[NUMBER], Found)
        assert isinstance(answers[OTHER], NotFound)


class TestRegistration:
    def requests(self, *queries: Query, **settings: str) -> list[Request]:
        exchange = aftership(**settings).register(queries)
        asked = [next(exchange)]
        while len(asked) < len(queries):
            asked.append(exchange.send(response({"meta": {"code": 201}, "data": {}}, 201)))
        exchange.close()
        return asked

    def test_what_an_order_knows_goes_along(self) -> None:
        query = Query(NUMBER, postcode="60601", shipped_on="2026-11-14", carriers=("royal_mail",))
        (request,) = self.requests(query)
        assert (request.method, request.path, request.idempotent) == ("POST", "/trackings", False)
        assert request.json == {
            "tracking_number": NUMBER, "slug": "royal-mail", "postal_code": "60601", "ship_date": "20261114",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("carriers", "slug", "told"),
        [
            ((), "", None),
            ((), "postnl", "postnl"),
            (("ups",), "postnl", "ups"),
            (("ups", "usps"), "", None),
            (("ups", "usps"), "postnl", "postnl"),
            (("dhl",), "postnl", None),
        ],
    )
    def test_a_carrier_is_told_where_it_is_certain(
        self, carriers: tuple[str, ...], slug: str, told: str | None
    ) -> None:
        (request,) = self.requests(Query(NUMBER, carriers=carriers), slug=slug)
        assert request.json.get("slug") == told

    def test_each_number_has_its_own_result(self) -> None:
        exchange = aftership().register([Query(NUMBER), Query(OTHER), Query("X1")])
        results = replay(
            exchange,
            response({"meta": {"code": 201}, "data": {}}, 201),
            response(refused(4003), 400),
            response(refused(4012), 400),
        )
        assert (results[NUMBER], results[OTHER]) == (None, None)
        error = results["X1"]
        assert isinstance(error, ProtocolError)
        assert "slug" in error.next_step


class TestNotFoundAndErrors:
    @pytest.mark.parametrize("body", [listed(), refused(4004), refused(4005), listed(tracking(tag="Pending"))])
    def test_nothing_known_and_no_news_are_not_found(self, body: Any) -> None:
        assert isinstance(answer_to(body), NotFound)

    @pytest.mark.parametrize(
        "body", [refused(4008), refused(4011), {"meta": {"code": 200}}, {}, {"data": {"trackings": None}}]
    )
    def test_anything_else_is_an_error(self, body: Any) -> None:
        with pytest.raises(CarrierError):
            answer_to(body)

    def test_the_order_s_carrier_is_preferred_where_two_have_the_number(self) -> None:
        body = listed(tracking(checkpoint()), tracking(checkpoint(), slug="ups"))
        assert len(answer_to(body).shipments) == 2
        (one,) = answer_to(body, Query(NUMBER, carriers=("ups",))).shipments
        assert one.carrier_name == "UPS"


class TestScans:
    @pytest.mark.parametrize(
        ("time", "country", "local", "instant", "basis"),
        [
            ("2026-11-20T10:00:00", "DEU", datetime(2026, 11, 20, 10), datetime(2026, 11, 20, 9, tzinfo=UTC), Basis.COUNTRY),
            ("2026-11-20T10:00:00", "USA", datetime(2026, 11, 20, 10), None, Basis.UNKNOWN),
            ("2026-11-20T10:00:00", None, datetime(2026, 11, 20, 10), None, Basis.UNKNOWN),
            (
                "2026-11-20T10:00:00-06:00", "USA", datetime(2026, 11, 20, 10), datetime(2026, 11, 20, 16, tzinfo=UTC),
                Basis.OFFSET,
            ),
            (
                "2026-11-20T10:00:00+08:00", "DEU", datetime(2026, 11, 20, 3), datetime(2026, 11, 20, 2, tzinfo=UTC),
                Basis.OFFSET,
            ),
        ],
    )  # fmt: skip
    def test_a_time_has_an_offset_only_if_the_carrier_gave_one(
        self, time: str, country: str | None, local: datetime, instant: datetime | None, basis: Basis
    ) -> None:
        moment = event_of(time=time, country_region=country).moment
        assert (moment.local, moment.instant, moment.basis) == (local, instant, basis)

    def test_a_midnight_without_an_offset_is_a_day(self) -> None:
        moment = event_of(time="2026-11-20T00:00:00", country_region="DEU").moment
        assert (moment.precision, moment.instant, moment.raw) == (Precision.DAY, None, "2026-11-20T00:00:00")

    def test_older_versions_name_the_country_otherwise(self) -> None:
        event = event_of(country_iso3="NLD", city="Utrecht", zip="3511")
        assert event.place == Place(city="Utrecht", postcode="3511", country="NL")

    def test_a_sub_tag_of_the_future_keeps_its_tag_s_meaning_and_is_counted(self) -> None:
        event = event_of("Delivered_099")
        assert (event.status, event.code, event.mapped) == (Status.DELIVERED, "Delivered_099", False)
        assert event_of(None, tag="AttemptFail").mapped

    @pytest.mark.parametrize("turned", [False, True])
    def test_either_order_is_read(self, turned: bool) -> None:
        scans = [checkpoint("InTransit_002", "2026-11-18T10:00:00"), checkpoint("InTransit_003", "2026-11-19T10:00:00")]
        shipment = shipment_of(*(reversed(scans) if turned else scans), return_to_sender=True)
        assert [event.code for event in shipment.events] == ["InTransit_003", "InTransit_002"]
        assert shipment.events[0].flags == (Flag.RETURN,)
        assert shipment.status is Status.RETURNING

    def test_what_goes_back_is_never_delivered(self) -> None:
        scans = [checkpoint("Exception_003", "2026-11-18T10:00:00"), checkpoint("Delivered_001", "2026-11-19T10:00:00")]
        assert shipment_of(*scans, return_to_sender=True).status is Status.RETURNED
        assert shipment_of(*scans, tag="Exception", subtag="Exception_011").status is Status.RETURNED
        assert shipment_of(*scans).status is Status.DELIVERED

    def test_a_single_tracking_and_a_pushed_one_are_read_as_well(self) -> None:
        for body in (
            {"meta": {"code": 200}, "data": tracking(checkpoint())},
            {"event": "tracking_update", "msg": tracking(checkpoint())},
        ):
            assert answer_to(body, Query("")).shipments[0].number == NUMBER


def test_the_window_is_the_carrier_s_own_before_aftership_s_guess() -> None:
    own = {"estimated_delivery_date": "2026-11-24T00:00:00", "estimated_delivery_date_min": None}
    guess = {"estimated_delivery_date": "2026-11-26"}
    both = shipment_of(checkpoint(), courier_estimated_delivery_date=own, aftership_estimated_delivery_date=guess)
    assert both.window is not None
    assert both.window.end is not None
    assert (both.window.end.local, both.window.end.precision) == (datetime(2026, 11, 24), Precision.DAY)
    guessed = shipment_of(checkpoint(), courier_estimated_delivery_date=None, aftership_estimated_delivery_date=guess)
    assert guessed.window is not None
    assert shipment_of(checkpoint(), expected_delivery="2026-11-25").window is not None
