"""Evri: the contract, and what is peculiar to Hermes Germany and to Evri in the United Kingdom."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from doorstep import (  # isort: skip
    Answer, Event, Found, NotFound, Place, ProtocolError, Query, Response, Secret, Shipment, Status,
)  # fmt: skip
from doorstep.codes import CodeTable, load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.recognition import Recognizer
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_evri import Evri, Settings

NUMBER = "H3058217460914728350"
BRITISH = Settings("id", Secret("secret"))
GERMAN = Settings("id", Secret("secret"), country="DE", user="shop", password=Secret("word"))
HOME = files("doorstep_evri")


class TestContract(CarrierContract):
    package = "doorstep_evri"


def codes() -> CodeTable:
    return load_codes((HOME / "codes.toml").read_text("utf-8"), file="codes.toml")


def evri(settings: Settings = GERMAN) -> Evri:
    manifest = load_manifest((HOME / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    return Evri(manifest, codes(), settings)


def answered(body: Any, number: str = NUMBER, settings: Settings = GERMAN, status: int = 200) -> Answer:
    return replay(evri(settings).track(Query(number)), Response(status, {}, json.dumps(body).encode()))


def found(body: Any, number: str = NUMBER, settings: Settings = GERMAN) -> tuple[Shipment, ...]:
    got = answered(body, number, settings)
    assert isinstance(got, Found)
    return got.shipments


def scan(code: Any, day: int = 20) -> dict[str, Any]:
    unit = {"name": "Depot", "city": "Ulm", "countryCode": "DEU"}
    at = f"2026-11-{day:02}T12:00:00+01:00"
    return {"timestamp": at, "code": code, "description": "…", "scanningUnit": unit}


def info(*scans: Any, number: str = NUMBER, **fields: Any) -> dict[str, Any]:
    return {"shipmentID": number, "status": list(scans), **fields}


def of(*scans: Any, **fields: Any) -> Shipment:
    return found({"shipmentinfo": [info(*scans, **fields)]})[0]


def status_of(*told: str) -> Status:
    """The status after these codes, oldest first, a day between each and the next."""
    return summarise(arrange(of(*(scan(code, day) for day, code in enumerate(told, 10))).events)).status


class TestRequests:
    def test_germany_is_asked_below_the_endpoint(self) -> None:
        request = next(evri().track(Query(NUMBER, "de")))
        assert (request.path, request.params) == ("/services/hsi/shipmentinfo", {"shipmentID": NUMBER})
        assert request.headers["Accept-Language"] == "de"

    def test_germany_wants_the_password_grant(self) -> None:
        request = next(evri().auth().login())
        assert request.path == "https://authme.myhermes.de/authorization-facade/oauth2/access_token"
        assert request.form == {
            "grant_type": "password", "username": "shop", "password": "word", "client_id": "id", "client_secret": "secret",
        }  # fmt: skip

    def test_the_united_kingdom_is_asked_at_its_own_host(self) -> None:
        carrier = evri(BRITISH)
        request, login = next(carrier.track(Query("T00C4A0173926485"))), next(carrier.auth().login())
        assert request.path == "https://api.hermesworld.co.uk/client-tracking-api/v1/events"
        assert request.params == {"barcode": "T00C4A0173926485", "descriptionType": "CLIENT"}
        assert login.path == "https://hermes-client-integration-prod.eu.auth0.com/oauth/token"
        assert login.form == {
            "grant_type": "client_credentials", "audience": "client-tracking-api", "client_id": "id", "client_secret": "secret",
        }  # fmt: skip

    def test_every_host_is_in_the_manifest(self) -> None:
        carrier = evri(BRITISH)
        for request in (next(carrier.track(Query("T"))), next(carrier.auth().login()), next(evri().auth().login())):
            assert request.path.split("/")[2] in carrier.manifest.hosts

    @pytest.mark.parametrize("missing", [{}, {"user": "shop"}, {"password": "word"}])
    def test_an_account_of_germany_without_user_or_password_is_refused(self, missing: dict[str, str]) -> None:
        raw = {"client_id": "id", "client_secret": "secret", "country": "DE", **missing}
        with pytest.raises(msgspec.ValidationError, match="wants user and password"):
            msgspec.convert(raw, Settings, dec_hook=lambda kind, value: Secret(value))


class TestGermany:
    @pytest.mark.parametrize(
        ("told", "status"),
        [
            (["0000", "2000", "3000", "3500"], Status.DELIVERED),
            (["3000", "4031", "3410", "3530"], Status.DELIVERED),
            (["3000", "4031"], Status.DELIVERY_ATTEMPTED),  # "returned" to the depot
            (["3000", "4034"], Status.RETURNING),
            (["3410", "4035", "1520", "2000"], Status.RETURNING),
            (["3410", "4035", "7500"], Status.RETURNED),
            (["3500", "4062", "7500"], Status.RETURNED),  # the recipient sends it back
            (["3000", "3750"], Status.IN_TRANSIT),
            (["3000", "9324"], Status.OUT_FOR_DELIVERY),
            (["3000", "3599"], Status.OUT_FOR_DELIVERY),  # no code is known by how it begins
            (["2000", "3000", "4070"], Status.IN_TRANSIT),
            (["2000", "6081", "9327", "4072", "3500"], Status.DELIVERED),
            (["2000", "3410", "4690"], Status.IN_TRANSIT),
            (["2000", "9340", "9399"], Status.IN_TRANSIT),
            (["045001002", "050001000", "050090003"], Status.IN_TRANSIT),
        ],
    )
    def test_the_way_decides(self, told: list[str], status: Status) -> None:
        assert status_of(*told) is status

    def test_a_code_that_came_as_a_number_has_its_zeros_again(self) -> None:
        assert [event.code for event in of(scan(0, 10), scan(45001002, 11)).events] == ["045001002", "0000"]

    def test_a_short_code_and_its_long_ones_mean_the_same(self) -> None:
        table = codes()
        for short, long in (("3000", "050001003"), ("3710", "060001004"), ("4010", "060001008"), ("2400", "045001008")):
            one, other = table.find(short), table.find(long)
            assert one
            assert other
            assert (one.status, one.reason, one.flags) == (other.status, other.reason, other.flags)

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (
                {"shipmentinfo": [{"shipmentID": NUMBER, "result": {"code": "e001", "message": "no"}}]},
                NotFound("e001: no"),
            ),
            ({"shipmentinfo": []}, NotFound("")),
        ],
    )
    def test_not_found_is_told(self, body: Any, expected: NotFound) -> None:
        assert answered(body) == expected

    @pytest.mark.parametrize(
        "one", [{"result": {"code": "e002", "message": "busy"}}, {"result": "e001"}, {}, 17, "x", {"status": None}]
    )
    def test_another_word_in_its_place_is_an_error(self, one: Any) -> None:
        with pytest.raises(ProtocolError):
            answered({"shipmentinfo": [one]})

    def test_a_parcel_without_scans_is_known(self) -> None:
        assert of() == Shipment(NUMBER)
        assert found({"shipmentinfo": info(scan("3500"))})[0].events[0].status is Status.DELIVERED

    def test_of_several_parcels_that_with_the_number_is_meant(self) -> None:
        both = {"shipmentinfo": [info(number="H1"), info(scan("3500"))]}
        assert [one.number for one in found(both)] == [NUMBER]
        assert [one.number for one in found(both, number="")] == ["H1", NUMBER]

    @pytest.mark.parametrize(
        ("slot", "start", "end"),
        [
            ({"from": "10:00", "to": "18:00"}, 9, 17),
            ({"from": None, "to": "18:00"}, None, 17),
            ({"from": "10:00", "to": "24:00"}, 9, None),
        ],
    )
    def test_a_window_joins_its_day_and_its_times(self, slot: Any, start: int | None, end: int | None) -> None:
        forecast = {"fixed": True, "date": "2026-11-20", "timeSlot": slot}
        window = of(receiverAddress={"countryCode": "DEU"}, deliveryForecast=forecast).window
        assert window
        ends = [one.instant.hour if one and one.instant else None for one in (window.start, window.end)]
        assert ends == [start, end]

    def test_a_forecast_without_a_day_is_none(self) -> None:
        assert of(deliveryForecast={"date": "soon", "timeSlot": {"from": "10:00"}}).window is None
        assert of(deliveryForecast=None).window is None

    def test_who_receives_it_is_not_kept(self) -> None:
        shipment = of(scan("3500"), receiverAddress={"city": "Ulm", "name": "SOMEBODY", "street": "SOMEBODY"})
        assert shipment.destination == Place("Ulm")
        assert b"SOMEBODY" not in msgspec.json.encode(shipment)


class TestUnitedKingdom:
    EVENT = {"dateTime": "2026-11-20T10:00:00Z", "trackingPoint": {"trackingPointId": 16, "description": "Delivered"}}

    @pytest.mark.parametrize(
        "around", [lambda e: [e], lambda e: {"events": [e]}, lambda e: {"results": [{"trackingEvents": [e]}]}]
    )
    def test_events_are_shown_and_mean_nothing(self, around: Any) -> None:
        (shipment,) = found(around(self.EVENT), number="T00C4A0173926485", settings=BRITISH)
        (only,) = shipment.events
        assert (only.status, only.mapped, only.code, only.text) == (Status.UNKNOWN, False, "16", "Delivered")
        assert only.moment.instant == datetime(2026, 11, 20, 10, tzinfo=UTC)
        assert (shipment.number, summarise(shipment.events).final) == ("T00C4A0173926485", False)

    def test_a_code_of_germany_has_no_meaning_there(self) -> None:
        event = {"timestamp": "2026-11-20T10:00:00", "code": "3500", "description": "Delivered"}
        only: Event = found([event], settings=BRITISH)[0].events[0]
        assert (only.status, only.moment.instant, only.moment.local) == (
            Status.UNKNOWN,
            None,
            datetime(2026, 11, 20, 10),
        )

    @pytest.mark.parametrize("body", [[], {}, {"events": []}, {"message": "Not found"}, [17], [{"code": "1"}]])
    def test_anything_else_is_an_error_and_no_unknown_number(self, body: Any) -> None:
        for status in (200, 400, 404):
            with pytest.raises(ProtocolError):
                answered(body, settings=BRITISH, status=status)


def test_either_country_has_its_numbers() -> None:
    recognizer = Recognizer([evri().manifest])
    assert [one.format for one in recognizer.candidates(NUMBER)] == ["Hermes Germany, H and 19 digits"]
    assert [one.format for one in recognizer.candidates("H02RT60041938527")] == ["Evri H"]


def test_published_answers_are_read(specs: Path) -> None:
    def sample(name: str) -> Any:
        return json.loads((specs / "samples" / "hermes" / name).read_text("utf-8"))

    number = "H1234567890123456789"
    assert isinstance(answered(sample("TrackingErrorResponse.json"), number), NotFound)
    (shipment,) = found(sample("TrackingResponse.json"), number)
    assert [event.code for event in shipment.events] == ["3500", "3000", "2000", "0000"]
    assert (shipment.number, shipment.destination) == (number, Place("Hamburg", postcode="22419", country="DE"))
    assert shipment.events[0].moment.instant == datetime(2024, 1, 20, 13, 30, tzinfo=UTC)
    assert shipment.window
    assert shipment.window.start
    assert shipment.window.start.instant == datetime(2024, 1, 20, 9, tzinfo=UTC)
    assert summarise(arrange(shipment.events)).final


def test_every_published_code_is_known(specs: Path) -> None:
    rows = (specs / "hermes_de" / "Hermes Germany Eventcodes.csv").read_text("latin-1").splitlines()[1:]
    table = codes()
    unknown = [code for row in rows for code in row.split(";")[:2] if table.find(code) is None]
    assert (len(rows), unknown) == (294, [])
