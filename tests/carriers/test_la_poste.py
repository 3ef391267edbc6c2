"""La Poste: the contract, and what is peculiar to Suivi v2."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (
    Answer,
    AuthRefused,
    CarrierUnavailable,
    Event,
    Found,
    Leg,
    NotFound,
    Precision,
    ProtocolError,
    Query,
    Request,
    Response,
    Secret,
    Shipment,
    Status,
)
from doorstep.codes import load_codes
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_la_poste import LaPoste, Settings

NUMBER = "6A18427093365"


class TestContract(CarrierContract):
    package = "doorstep_la_poste"


def la_poste() -> LaPoste:
    home = files("doorstep_la_poste")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return LaPoste(manifest, codes, Settings(Secret("a-key")))


def ask(body: Any, status: int = 200, query: Query = Query(NUMBER)) -> tuple[Request, Answer]:  # noqa: B008
    exchange = la_poste().track(query)
    request = next(exchange)
    with pytest.raises(StopIteration) as end:
        exchange.send(Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode()))
    return request, end.value.value


def found(body: Any, status: int = 200) -> Shipment:
    answer = ask(body, status)[1]
    assert isinstance(answer, Found)
    return answer.shipments[0]


def item(*codes: str, origin: str = "FR", arrival: str = "FR", **fields: Any) -> dict[str, Any]:
    """An answer with these codes, newest first, each at noon by the French clock, a day apart."""
    scans = [
        {"code": code, "label": "…", "date": f"2026-11-{20 - i:02}T12:00:00+01:00"} for i, code in enumerate(codes)
    ]
    context = {"originCountry": origin, "arrivalCountry": arrival}
    return {"returnCode": 200, "shipment": {"idShip": NUMBER, "event": scans, "contextData": context, **fields}}


def wall(event: Event) -> str:
    local = event.moment.local
    return f"{event.place.country or '?'} {local:%H:%M}" if local else f"{event.place.country or '?'} -"


def test_key_goes_into_the_okapi_header() -> None:
    auth = la_poste().auth()
    with pytest.raises(StopIteration) as end:
        next(auth.login())
    assert auth.sign(Request("GET", "/"), end.value.value).headers == {"X-Okapi-Key": "a-key"}


@pytest.mark.parametrize(
    ("language", "asked"),
    [("fr", "fr_FR"), ("fr-CA", "fr_FR"), ("de-AT", "de_DE"), ("es", "es_ES"), ("it", "it_IT"), ("nl-BE", "nl_NL"),
     ("en", "en_GB"), ("en-US", "en_GB"), ("pl", "en_GB")],
)  # fmt: skip
def test_language_is_one_of_six_and_english_otherwise(language: str, asked: str) -> None:
    request, _ = ask(item("PC1"), query=Query(NUMBER, language))
    assert request.params == {"lang": asked}


def test_number_cannot_ask_for_several_or_leave_its_path() -> None:
    request, _ = ask(item("PC1"), query=Query("6A,../8L?x"))
    assert request.path == "/suivi/v2/idships/6A%2C..%2F8L%3Fx"


def test_answer_in_a_list_is_read_like_the_object() -> None:
    assert found([item("MD2", "PC1")], 207) == found(item("MD2", "PC1")) == found([item("MD2", "PC1")])


def test_list_about_several_numbers_is_refused() -> None:
    with pytest.raises(ProtocolError):
        ask([item("MD2"), item("PC1")], 207)


@pytest.mark.parametrize("code", [400, 404])
@pytest.mark.parametrize("status", [200, 207, 400, 404])
def test_return_code_tells_not_found_whatever_the_http_status(status: int, code: int) -> None:
    body = {"returnCode": code, "returnMessage": "Inconnu", "idShip": NUMBER}
    answer = ask([body] if status == 207 else body, status)[1]
    assert isinstance(answer, NotFound)
    assert "Inconnu" in answer.detail


def test_http_404_without_json_is_not_found() -> None:
    assert isinstance(ask(b"<html>no route</html>", 404)[1], NotFound)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (401, AuthRefused),
        (500, CarrierUnavailable),
        (504, CarrierUnavailable),
        (0, ProtocolError),
        (200, ProtocolError),
    ],
)
def test_return_code_in_a_good_answer_is_an_error_of_its_own(code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask({"returnCode": code, "returnMessage": "…"})


def test_domestic_wall_clock_is_kept() -> None:
    assert {wall(event) for event in found(item("DI1", "MD2", "ET1", "PC1", "DR1")).events} == {"FR 12:00"}


def test_foreign_events_keep_the_instant_and_lose_the_french_wall_clock() -> None:
    events = found(item("DI1", "ET1", "ET3", "ET1", "ET2", "ET1", "PC1", "DR1", arrival="BR")).events
    assert [wall(event) for event in events] == [
        "BR -", "BR -", "BR -", "? -", "FR 12:00", "FR 12:00", "FR 12:00", "FR 12:00",
    ]  # fmt: skip
    assert events[0].moment.instant == datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
    assert events[0].moment.offset is None


def test_country_with_one_zone_gives_its_own_wall_clock() -> None:
    assert [wall(event) for event in found(item("DO1", "ET3", "PC1", arrival="JP")).events] == [
        "JP 20:00", "JP 20:00", "FR 12:00",
    ]  # fmt: skip


def test_import_is_abroad_only_where_the_code_says_so() -> None:
    events = found(item("DI1", "ET3", "ET2", "PC1", origin="DE")).events
    assert [wall(event) for event in events] == ["FR 12:00", "FR 12:00", "DE 12:00", "DE 12:00"]
    assert [wall(event) for event in found(item("ET1", "PC1", origin="DE")).events] == ["? -", "? -"]


def test_way_back_from_abroad_claims_no_place() -> None:
    events = found(item("DI2", "ET2", "RE1", "AG1", "ET3", "PC1", arrival="BE")).events
    assert [wall(event) for event in events] == ["? -", "? -", "? -", "BE 12:00", "BE 12:00", "FR 12:00"]


def test_countries_that_are_missing_claim_no_place() -> None:
    events = found(item("DI1", "PC1", contextData=None)).events
    assert [wall(event) for event in events] == ["? -", "? -"]


def test_delivered_to_the_sender_is_returned_although_the_carrier_calls_it_final() -> None:
    events = arrange(found(item("DI2", "ET1", "RE1", "ND1", "PC1", isFinal=True)).events)
    assert summarise(events).status is Status.RETURNED
    assert summarise(events[1:]).status is Status.RETURNING


def test_collected_from_a_pickup_point_is_delivered() -> None:
    events = found(item("DI1", "AG1", "MD2", "PC1")).events
    assert (summarise(events).status, summarise(events).final) == (Status.DELIVERED, True)


def test_is_final_alone_decides_nothing() -> None:
    assert summarise(found(item("ET1", "PC1", isFinal=True)).events).status is Status.IN_TRANSIT


@pytest.mark.parametrize(
    ("step", "status"),
    [(0, "unknown"), (1, "accepted"), (2, "in_transit"), (3, "in_transit"), (4, "out_for_delivery"), (5, "unknown")],
)
def test_timeline_stands_in_for_an_unknown_code_of_the_newest_event_only(step: int, status: str) -> None:
    timeline = [{"id": i, "status": i <= step} for i in range(1, 6)]
    newest, older, _ = found(item("ZZ9", "ZZ8", "PC1", timeline=timeline)).events
    assert (newest.status, newest.mapped, newest.code) == (Status(status), False, "ZZ9")
    assert (older.status, older.mapped) == (Status.UNKNOWN, False)


def test_estimate_is_a_day_and_no_time() -> None:
    window = found(item("PC1", estimDate="2026-11-21T09:38:00+01:00")).window
    assert window is not None
    assert window.start is not None
    assert window.start == window.end
    assert (window.start.local, window.start.instant) == (datetime(2026, 11, 21), None)
    assert window.start.precision is Precision.DAY


def test_partner_is_a_leg_and_removal_point_a_pickup_point() -> None:
    body = item("AG1")
    body["shipment"]["contextData"] |= {
        "partner": {"name": " Correios ", "network": "POST", "reference": "CB417329587FR"},
        "removalPoint": {"name": "RELAIS DES  HALLES", "type": "RELAIS"},
    }
    shipment = found(body)
    assert shipment.legs == (Leg("Correios", "CB417329587FR"),)
    assert shipment.pickup_point is not None
    assert shipment.pickup_point.name == "RELAIS DES HALLES"


def test_published_sample_from_france_to_brazil(specs: Path) -> None:
    sample = specs / "samples" / "laposte" / "TrackingResponse.json"
    shipment = found(sample.read_bytes())
    assert (shipment.number, shipment.service, shipment.language) == ("EW112720413FR", "Colissimo", "fr-FR")
    assert [(e.code, f"{e.moment.instant:%m-%d %H:%M:%S}", wall(e)) for e in shipment.events] == [
        ("DI1", "03-09 08:38:00", "BR -"),
        ("MD2", "03-09 08:01:00", "BR -"),
        ("ET1", "03-08 15:25:00", "BR -"),
        ("ET3", "02-22 15:23:00", "BR -"),
        ("ET2", "02-18 11:27:00", "FR 12:27"),
        ("ET1", "02-18 06:34:12", "FR 07:34"),
        ("ET1", "02-17 22:13:12", "FR 23:13"),
        ("PC1", "02-17 13:43:00", "FR 14:43"),
        ("DR1", "02-17 13:41:00", "FR 14:41"),
    ]
    summary = summarise(arrange(shipment.events))
    assert (summary.status, summary.final) == (Status.DELIVERED, True)


def test_published_error_is_not_found(specs: Path) -> None:
    sample = specs / "samples" / "laposte" / "ErrorResponse.json"
    assert isinstance(ask(sample.read_bytes(), 400)[1], NotFound)
