"""PostNL: the contract, and what is peculiar to Shipping Status v2."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from doorstep import Answer, Basis, Event, Found, NotFound, ProtocolError, Query, Response, Secret, Shipment, Status
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_postnl import PostNL, Settings

NUMBER = "3SDSTP104820960"
NOON = "20-11-2026 12:00:00"


class TestContract(CarrierContract):
    package = "doorstep_postnl"


@cache
def postnl() -> PostNL:
    home = files("doorstep_postnl")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return PostNL(manifest, codes, Settings(Secret("a-key")))


def answer(body: Any, *, status: int = 200, number: str = NUMBER) -> Answer:
    return replay(postnl().track(Query(number)), Response(status, {}, json.dumps(body).encode()))


def parcel(**fields: Any) -> dict[str, Any]:
    return {"MainBarcode": NUMBER, "Barcode": NUMBER, **fields}


def found(*parcels: Any, number: str = NUMBER) -> tuple[Shipment, ...]:
    known = answer({"CompleteStatus": {"Shipment": list(parcels)}}, number=number)
    assert isinstance(known, Found)
    return known.shipments


def status(code: str | None, phase: str | None, at: str | None = NOON, text: str = "") -> dict[str, Any]:
    return {"StatusCode": code, "PhaseCode": phase, "TimeStamp": at, "StatusDescription": text}


def event(*args: Any) -> Event:
    return found(parcel(Status=status(*args)))[0].events[0]


def after(now: dict[str, Any], *old: dict[str, Any]) -> Status:
    return summarise(arrange(found(parcel(Status=now, OldStatus=list(old)))[0].events)).status


@pytest.mark.parametrize(("language", "asked"), [("nl", "NL"), ("nl-BE", "NL"), ("en", "EN"), ("fr", "EN")])
def test_language_is_dutch_or_english(language: str, asked: str) -> None:
    assert next(postnl().track(Query(NUMBER, language))).params == {"detail": "true", "language": asked}


def test_number_stays_in_its_place_in_the_path() -> None:
    assert next(postnl().track(Query("3S/../x?y"))).path == "/shipment/v2/status/barcode/3S%2F..%2Fx%3Fy"


@pytest.mark.parametrize("http", [200, 404])
def test_a_warning_without_a_shipment_is_not_found(http: int) -> None:
    warning = {"Barcode": NUMBER, "Code": "2", "Description": "unknown"}
    assert answer({"Warnings": [warning]}, status=http) == NotFound("2 unknown")
    assert answer({"CurrentStatus": {"Warnings": warning, "Shipment": None}}, status=http) == NotFound("2 unknown")


def test_a_warning_beside_a_shipment_changes_nothing() -> None:
    body = {"Warnings": [{"Code": "1"}], "CompleteStatus": {"Shipment": parcel(Status=status("5", "2"))}}
    assert isinstance(answer(body), Found)


@pytest.mark.parametrize(
    "body", [{}, {"CompleteStatus": {}}, {"CompleteStatus": "x"}, {"fault": {"faultstring": "no"}}]
)
@pytest.mark.parametrize("http", [200, 404])
def test_neither_shipment_nor_warning_is_an_error(http: int, body: Any) -> None:
    with pytest.raises(ProtocolError):
        answer(body, status=http)


def test_an_answer_about_another_barcode_is_an_error() -> None:
    with pytest.raises(ProtocolError):
        found(parcel(Status=status("5", "2")), number="3SDSTP000000000")


def test_time_is_day_first_by_the_dutch_clock() -> None:
    winter, summer = event("5", "2", "03-02-2026 08:09:10").moment, event("5", "2", "03-07-2026 08:09:10").moment
    assert (winter.instant, winter.basis) == (datetime(2026, 2, 3, 7, 9, 10, tzinfo=UTC), Basis.PLACE)
    assert summer.instant == datetime(2026, 7, 3, 6, 9, 10, tzinfo=UTC)
    assert (summer.raw, summer.local) == ("03-07-2026 08:09:10", datetime(2026, 7, 3, 8, 9, 10))


@pytest.mark.parametrize("text", ["01-01-0001 00:00:00", "31-02-2026 10:00:00", "soon", "", "20-11-26 10:00"])
def test_what_is_no_time_is_kept_as_it_is(text: str) -> None:
    moment = event("5", "2", text).moment
    assert (moment.raw, moment.instant, moment.local) == (text, None, None)


@pytest.mark.parametrize(
    ("code", "phase", "text", "meaning", "mapped"),
    [
        ("11", "4", "Shipment delivered", Status.DELIVERED, True),
        ("011", "04", "", Status.DELIVERED, True),
        ("12", "4", "", Status.AVAILABLE_FOR_PICKUP, True),
        ("8", "3", "", Status.DELIVERY_ATTEMPTED, True),
        ("77", "1", "", Status.ACCEPTED, False),
        ("77", "2", "", Status.IN_TRANSIT, False),
        ("77", "3", "", Status.OUT_FOR_DELIVERY, False),
        ("77", "4", "", Status.UNKNOWN, False),
        ("77", "99", "", Status.UNKNOWN, False),
        ("77", None, "", Status.UNKNOWN, False),
        (None, "2", "", Status.IN_TRANSIT, True),
        (None, "4", "", Status.UNKNOWN, False),
        ("1", "1", "Zending voorgemeld", Status.LABEL_CREATED, True),
        ("1", "1", "Shipment is pre-advised", Status.LABEL_CREATED, True),
        ("1", "1", "Shipment accepted", Status.ACCEPTED, True),
        ("21", "4", "Shipment returned to sender", Status.RETURNED, False),
        ("21", "4", "Zending retour", Status.RETURNING, False),
        ("11", "4", "Shipment delivered to sender", Status.RETURNED, True),
        ("77", "3", "Retour afzender", Status.RETURNING, False),
    ],
)
def test_status_code_counts_then_the_phase_then_the_words(
    code: str | None, phase: str | None, text: str, meaning: Status, mapped: bool
) -> None:
    read = event(code, phase, NOON, text)
    assert (read.status, read.mapped) == (meaning, mapped)


def test_what_is_delivered_after_a_return_is_returned() -> None:
    back = status("77", "2", "19-11-2026 12:00:00", "Retour afzender")
    assert after(status("11", "4"), back) is Status.RETURNED


def test_older_statuses_may_run_either_way() -> None:
    sorted_, accepted = status("5", "2", "19-11-2026 03:00:00"), status("3", "1", "18-11-2026 18:00:00")
    for old in ((sorted_, accepted), (accepted, sorted_)):
        events = found(parcel(Status=status("7", "3"), OldStatus=list(old)))[0].events
        assert [one.code for one in events] == ["7", "5", "3"]


def test_a_status_without_a_time_is_the_newest() -> None:
    assert after(status("11", "4", None), status("7", "3")) is Status.DELIVERED


def test_one_object_in_place_of_a_list_is_one() -> None:
    one = parcel(Status=[status("7", "3")], OldStatus=status("5", "2", "19-11-2026 03:00:00"), Event={"Code": "A01"})
    known = answer({"CompleteStatus": {"Shipment": one}})
    assert isinstance(known, Found)
    assert {event.code for event in known.shipments[0].events} == {"7", "5", "A01"}


def test_a_scan_is_left_out_only_where_it_repeats_a_status_to_the_second() -> None:
    scans = [
        {"Code": "A01", "Description": "Sorted", "TimeStamp": NOON},
        {"Code": "A02", "Description": "Sorted", "TimeStamp": "20-11-2026 12:00:01"},
        {"Code": "A03", "Description": "Weighed", "TimeStamp": NOON},
    ]
    events = found(parcel(Status=status("5", "2", NOON, "Sorted"), Event=scans))[0].events
    assert [(one.code, one.mapped) for one in events] == [("A02", False), ("5", True), ("A03", False)]


def test_parcels_of_different_main_barcodes_are_two_shipments() -> None:
    other = parcel(MainBarcode="3SDSTP000000001", Status=status("5", "2"))
    shipments = found(parcel(Status=status("11", "4")), other)
    assert [(one.number, one.events[0].status) for one in shipments] == [
        (NUMBER, Status.DELIVERED),
        (NUMBER, Status.IN_TRANSIT),
    ]
    assert not any(one.pieces for one in shipments)
