"""Shippo: the contract, which carrier is told, statuses and substatuses, times in doubt."""

import json
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from typing import Any

import pytest

from doorstep import (
    Basis,
    CarrierError,
    Flag,
    Found,
    NotFound,
    ProtocolError,
    Query,
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
from doorstep_shippo import Settings, Shippo

NUMBER = "9400111899224820193377"


class TestContract(CarrierContract):
    package = "doorstep_shippo"


def shippo(**settings: str) -> Shippo:
    home = files("doorstep_shippo")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Shippo(manifest, codes, Settings(Secret("a-token"), **settings))


def response(body: Any, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def answer_to(body: Any, number: str = NUMBER, status: int = 200) -> Any:
    carrier = shippo(courier="usps")
    return take_in(replay(carrier.track(Query(number)), response(body, status)), carrier.manifest)


def track(*history: Any, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    return {"carrier": "usps", "tracking_number": number, "tracking_status": None, "tracking_history": history, **more}


def scan(
    status: str | None = "TRANSIT", code: str | None = None, at: str | None = "2026-11-20T10:00:00Z", **more: Any
) -> dict[str, Any]:
    return {
        "status": status,
        "substatus": {"code": code} if code else None,
        "status_date": at,
        "status_details": "text",
        **more,
    }


def shipment_of(*history: Any, **more: Any) -> Shipment:
    answer = answer_to(track(*history, **more))
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


class TestWhichCarrier:
    def asked(self, *carriers: str, setting: str = "", number: str = NUMBER) -> list[str]:
        exchange = shippo(courier=setting).track(Query(number, carriers=carriers))
        paths: list[str] = []
        with suppress(StopIteration):
            paths.append(next(exchange).path)
            while True:
                paths.append(exchange.send(response(track(number=number))).path)
        return [path.removesuffix(f"/{number}").removeprefix("/tracks/") for path in paths]

    def test_the_order_s_carrier_is_told_by_shippo_s_name(self) -> None:
        assert self.asked("evri", setting="usps") == ["hermes_uk"]

    def test_of_several_each_is_asked_until_one_knows_it_and_three_at_most(self) -> None:
        assert self.asked("fedex", "post_fo", "ups", "usps", "ontrac") == ["fedex", "ups", "usps"]
        assert self.asked("dhl") == ["dhl_express", "dhl_ecommerce", "dhl_germany"]

    def test_one_that_knows_it_is_the_last_that_is_asked(self) -> None:
        exchange = shippo().track(Query(NUMBER, carriers=("fedex", "usps", "ups")))
        answer = replay(exchange, response(track()), response(track(scan())), response(track()))
        assert isinstance(answer, Found)

    def test_where_nobody_is_known_the_setting_is(self) -> None:
        assert self.asked(setting="ontrac") == ["ontrac"]

    def test_nobody_is_asked_about_a_carrier_without_a_name(self) -> None:
        assert self.asked("post_fo", setting="usps") == []
        assert self.asked() == []

    def test_a_number_is_one_part_of_the_path(self) -> None:
        request = next(shippo().track(Query("A/../B?c", carriers=("ups",))))
        assert request.path == "/tracks/ups/A%2F..%2FB%3Fc"


class TestNotFoundAndErrors:
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (200, track()),
            (200, track(tracking_status={"status": "UNKNOWN"})),
            (404, {"detail": "no"}),
            (200, track(scan(), number="X")),
        ],
    )
    def test_nothing_known_is_not_found(self, status: int, body: Any) -> None:
        assert isinstance(answer_to(body, status=status), NotFound)

    @pytest.mark.parametrize(
        ("status", "body"), [(400, {"detail": "no such carrier"}), (200, {}), (200, {"tracking_number": None})]
    )
    def test_anything_else_is_an_error(self, status: int, body: Any) -> None:
        with pytest.raises(CarrierError) as error:
            answer_to(body, status=status)
        assert isinstance(error.value, ProtocolError)

    def test_a_text_that_shippo_cannot_sort_is_not_lost(self) -> None:
        (event,) = shipment_of(scan("UNKNOWN")).events
        assert (event.status, event.text, event.mapped) == (Status.UNKNOWN, "text", True)


class TestStatuses:
    @pytest.mark.parametrize(
        ("status", "code", "expected", "summary"),
        [
            ("DELIVERED", "delivered", Status.DELIVERED, Status.DELIVERED),
            ("DELIVERED", "pickup_available", Status.AVAILABLE_FOR_PICKUP, Status.AVAILABLE_FOR_PICKUP),
            ("DELIVERED", "package_arrived", Status.DELIVERED, Status.DELIVERED),
            ("DELIVERED", "return_to_sender", Status.RETURNING, Status.RETURNING),
            ("TRANSIT", "delivered", Status.IN_TRANSIT, Status.IN_TRANSIT),
            ("TRANSIT", "package_accepted", Status.ACCEPTED, Status.ACCEPTED),
            ("TRANSIT", "other", Status.IN_TRANSIT, Status.IN_TRANSIT),
            ("TRANSIT", "delivery_scheduled", None, Status.PENDING),
            ("RETURNED", None, Status.RETURNED, Status.RETURNED),
            ("RETURNED", "return_to_sender", Status.RETURNING, Status.RETURNING),
            ("RETURNED", "delivered", Status.RETURNED, Status.RETURNED),
            ("FAILURE", "package_lost", Status.LOST, Status.LOST),
            ("FAILURE", "delayed", Status.EXCEPTION, Status.EXCEPTION),
            ("PRE_TRANSIT", None, Status.LABEL_CREATED, Status.LABEL_CREATED),
        ],
    )  # fmt: skip
    def test_status_and_substatus_together(
        self, status: str, code: str | None, expected: Status | None, summary: Status
    ) -> None:
        shipment = shipment_of(scan(status, code))
        assert (shipment.events[0].status, shipment.status) == (expected, summary)
        assert shipment.events[0].mapped

    def test_a_word_of_the_future_is_counted(self) -> None:
        for status, code, expected in (
            ("TRANSIT", "by_drone", Status.IN_TRANSIT),
            ("SUNK", "package_lost", Status.LOST),
        ):
            event = shipment_of(scan(status, code)).events[0]
            assert (event.status, event.mapped) == (expected, False)

    def test_what_the_shopper_has_to_do_is_told(self) -> None:
        asked = {"code": "package_held", "action_required": True}
        assert Flag.ACTION_REQUIRED in shipment_of(scan(substatus=asked)).events[0].flags

    def test_the_present_status_is_told_once(self) -> None:
        assert len(shipment_of(scan(), tracking_status=scan()).events) == 1
        newer = scan("DELIVERED", at="2026-11-21T10:00:00Z")
        assert shipment_of(scan(), tracking_status=newer).status is Status.DELIVERED
        assert shipment_of(tracking_status=newer).status is Status.DELIVERED

    def test_scans_of_one_day_keep_their_order(self) -> None:
        run = [scan(at="2026-11-20T03:00:00Z"), scan("DELIVERED", at="2026-11-20T09:00:00Z")]
        assert shipment_of(*run).status is shipment_of(*reversed(run)).status is Status.DELIVERED


def test_a_z_is_not_believed() -> None:
    moment = shipment_of(scan(location={"country": "DE"})).events[0].moment
    assert (moment.local, moment.instant, moment.basis) == (datetime(2026, 11, 20, 10), None, Basis.UNKNOWN)


def test_a_pushed_message_is_read_as_well() -> None:
    assert answer_to({"event": "track_updated", "data": track(scan())}, number="").shipments[0].number == NUMBER
