"""GLS: the contract, and what is peculiar to Track And Trace v1."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (
    Answer,
    CarrierError,
    CarrierUnavailable,
    Flag,
    Found,
    NotFound,
    ProtocolError,
    Query,
    Request,
    Response,
    Secret,
    Shipment,
    Status,
)
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_gls import GLS, Settings

NUMBER = "46120538862"


class TestContract(CarrierContract):
    package = "doorstep_gls"


@cache
def gls() -> GLS:
    home = files("doorstep_gls")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return GLS(manifest, codes, Settings("id", Secret("secret")))


def answer(body: Any, *, status: int = 200, number: str = NUMBER) -> Answer:
    return replay(gls().track(Query(number)), Response(status, {}, json.dumps(body).encode()))


def found(*parcels: Any, number: str = NUMBER) -> tuple[Shipment, ...]:
    known = answer({"parcels": list(parcels)}, number=number)
    assert isinstance(known, Found)
    return known.shipments


def parcel(*scans: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """A parcel with scans of the 20th of November at these times, by a German clock."""
    events = [{"code": code, "country": "DE", "eventDateTime": f"2026-11-20T{at}+0100"} for code, at in scans]
    fields = {name: f"2026-11-20T{text}+0100" if name == "statusDateTime" else text for name, text in fields.items()}
    return {"requested": NUMBER, "unitno": NUMBER, "events": events, **fields}


def said(*scans: tuple[str, str], **fields: Any) -> list[tuple[str, Status | None]]:
    (shipment,) = found(parcel(*scans, **fields))
    return [(event.code, event.status) for event in shipment.events]


def status(*scans: tuple[str, str], **fields: Any) -> Status:
    return summarise(arrange(found(parcel(*scans, **fields))[0].events)).status


def test_login_asks_for_a_token_with_the_client_in_the_header() -> None:
    request = next(gls().auth().login())
    assert (request.method, request.path) == ("POST", "/oauth2/v2/token")
    assert request.form == {"grant_type": "client_credentials"}
    assert request.headers["Authorization"] == "Basic aWQ6c2VjcmV0"


@pytest.mark.parametrize(("language", "asked"), [("en", "EN"), ("de-AT", "DE"), ("pt-BR", "PT")])
def test_language_is_asked_by_its_first_part(language: str, asked: str) -> None:
    request = next(gls().track(Query(NUMBER, language)))
    assert isinstance(request, Request)
    assert request.headers["Accept-Language"] == asked


def test_number_cannot_ask_for_several_or_leave_its_path() -> None:
    request = next(gls().track(Query("1,../2?x")))
    assert request.path == "/track-and-trace-v1/tracking/simple/trackids/1%2C..%2F2%3Fx"


@pytest.mark.parametrize(
    ("code", "error"),
    [("E_500_01", CarrierUnavailable), ("E_400_01", ProtocolError), (None, ProtocolError), (7, ProtocolError)],
)
def test_an_error_of_a_parcel_is_no_not_found_unless_it_says_so(code: Any, error: type[CarrierError]) -> None:
    with pytest.raises(error):
        answer({"parcels": [{"requested": NUMBER, "errorCode": code}]})


@pytest.mark.parametrize("http", [200, 404])
def test_not_found_is_said_of_the_parcel_whatever_the_http_status(http: int) -> None:
    body = {"parcels": [{"requested": NUMBER, "errorCode": "E_404_01", "errorMessage": "Resource Not Found"}]}
    assert answer(body, status=http) == NotFound("E_404_01 Resource Not Found")
    assert isinstance(answer({"parcels": []}, status=http), NotFound)


def test_a_wrong_call_is_no_not_found() -> None:
    with pytest.raises(ProtocolError):
        answer({"type": "about:blank", "title": "Not Found", "status": 404, "detail": "No static resource"}, status=404)


def test_a_parcel_that_was_not_asked_for_is_not_given() -> None:
    with pytest.raises(ProtocolError):
        found(parcel(requested="46120538999", unitno="46120538999"))


def test_what_was_asked_for_is_found_by_either_number() -> None:
    (by_unit,) = found(parcel(requested=None), number=NUMBER)
    (by_track_id,) = found(parcel(requested="zk3mtys0"), number="ZK3MTYS0")
    assert (by_unit.number, by_track_id.number) == (NUMBER, "ZK3MTYS0")


def test_one_object_in_place_of_a_list_is_one() -> None:
    body = parcel(status="INTRANSIT", statusDateTime="10:00:00")
    body["events"] = {"code": "INTIAL.NORMAL", "eventDateTime": "2026-11-20T10:00:00+0100"}
    known = answer({"parcels": body})
    assert isinstance(known, Found)
    assert [event.code for event in known.shipments[0].events] == ["INTIAL.NORMAL"]


def test_status_alone_is_an_event_of_its_own() -> None:
    assert said(status="DELIVERED", statusDateTime="10:00:00") == [("DELIVERED", Status.DELIVERED)]
    assert said(status="INCUSTOMS", statusDateTime="10:00:00") == [("INCUSTOMS", Status.UNKNOWN)]
    assert said() == []


def test_status_of_the_same_minute_is_the_scans_own_in_other_words() -> None:
    scan = ("INTIAL.NORMAL", "10:00:00")
    assert said(scan, status="INTRANSIT", statusDateTime="10:00:05") == [("INTIAL.NORMAL", Status.ACCEPTED)]
    shop = ("DELIVD.PARCELSHOP", "10:00:00")
    assert status(shop, status="DELIVERED", statusDateTime="10:00:05") is Status.AVAILABLE_FOR_PICKUP
    assert status(shop, status="DELIVERED", statusDateTime="16:00:00") is Status.DELIVERED


def test_status_that_came_later_stands_before_the_scans() -> None:
    assert said(("INTIAL.NORMAL", "10:00:00"), status="INDELIVERY", statusDateTime="14:00:00") == [
        ("INDELIVERY", Status.OUT_FOR_DELIVERY),
        ("INTIAL.NORMAL", Status.ACCEPTED),
    ]


def test_status_that_came_earlier_stands_where_it_belongs() -> None:
    scans = (("INFO.MAIL", "18:00:00"), ("X.Y", "12:00:00"), ("INTIAL.NORMAL", "08:00:00"))
    assert said(*scans, status="DELIVERED", statusDateTime="12:00:20") == [
        ("INFO.MAIL", Status.UNKNOWN),
        ("X.Y", Status.DELIVERED),
        ("INTIAL.NORMAL", Status.ACCEPTED),
    ]


def test_a_list_that_runs_oldest_first_is_read_the_same() -> None:
    scans = (("X.Y", "12:00:00"), ("INTIAL.NORMAL", "08:00:00"))
    told = {"status": "NOTDELIVERED", "statusDateTime": "12:00:00"}
    assert said(*scans[::-1], **told) == said(*scans, **told)


def test_a_locker_that_no_table_knows_is_what_the_status_says() -> None:
    locker = ("DELIVD.LOCKER", "10:00:00")
    assert status(locker, status="DELIVEREDPS", statusDateTime="10:00:00") is Status.AVAILABLE_FOR_PICKUP
    assert status(locker, status="DELIVEREDPS", statusDateTime="10:04:00") is Status.AVAILABLE_FOR_PICKUP


def test_what_comes_back_never_looks_delivered() -> None:
    back = ("NOTDEL.RETURN", "10:00:00")
    assert status(back, status="INTRANSIT", statusDateTime="10:00:00") is Status.RETURNING
    assert status(back, status="DELIVERED", statusDateTime="10:00:00") is Status.RETURNED
    assert status(("DELIVD.NORMAL", "18:00:00"), back, status="FINAL", statusDateTime="19:00:00") is Status.RETURNED
    (shipment,) = found(parcel(back, status="INTRANSIT", statusDateTime="10:00:00"))
    assert (shipment.events[0].flags, shipment.events[0].mapped) == ((Flag.RETURN,), False)


def test_published_parcel_is_read(specs: Path) -> None:
    body = json.loads((specs / "samples" / "gls" / "TrackingResponse.json").read_text("utf-8"))
    known = answer(body, number="36301917596")
    assert isinstance(known, Found)
    status, handed_over, announced = known.shipments[0].events
    assert (status.code, status.status) == ("INTRANSIT", Status.IN_TRANSIT)
    assert status.moment.instant == datetime(2024, 10, 11, 13, 24, 57, tzinfo=UTC)
    assert (handed_over.status, handed_over.place.city, handed_over.place.postcode) == (
        Status.ACCEPTED, "Berlin", "10437",
    )  # fmt: skip
    assert handed_over.moment.instant == datetime(2024, 10, 7, 8, 46, 14, tzinfo=UTC)
    assert announced.moment.local == datetime(2024, 10, 7, 9, 30)
    assert isinstance(
        answer(json.loads((specs / "samples" / "gls" / "ErrorResponse.json").read_text("utf-8")), number="36301917596"),
        NotFound,
    )


def test_published_examples_are_read(specs: Path) -> None:
    yaml = pytest.importorskip("yaml")
    description = yaml.safe_load((specs / "gls" / "ecitrackandtrace.yaml").read_text("utf-8"))
    examples = description["components"]["responses"]["Response200"]["content"]["application/json"]["examples"]

    def statuses(name: str, number: str) -> list[tuple[str, Status]]:
        known = answer(examples[name]["value"], number=number)
        assert isinstance(known, Found)
        return [(one.number, summarise(arrange(one.events)).status) for one in known.shipments]

    assert isinstance(answer(examples["200WithErrors"]["value"], number="42249018928"), NotFound)
    assert statuses("200WithErrors", "36301917596") == [("36301917596", Status.LABEL_CREATED)]
    assert statuses("200Reference2Parcels", "747N6K") == [
        ("93835330599", Status.ACCEPTED),
        ("93835330600", Status.ACCEPTED),
    ]
    assert statuses("200WithLinks", "42249028960") == [("42249028960", Status.AVAILABLE_FOR_PICKUP)]
