"""FedEx: what its scans mean, and when they were."""

from datetime import UTC, datetime
from typing import Any

import pytest

from doorstep import Basis, Flag, Moment, Precision, Status

from .fedex import DALLAS, MEMPHIS, SHOP, days, event, hold, read, scan, summary

# Times


def test_time_without_offset_has_an_instant_only_where_the_country_has_one_clock() -> None:
    french, american = (
        event("AR", date="2026-11-20T10:00:00", where=where).moment
        for where in ({"city": "Lyon", "countryCode": "fr"}, MEMPHIS)
    )
    assert (french.instant, french.basis) == (datetime(2026, 11, 20, 9, tzinfo=UTC), Basis.COUNTRY)
    assert (american.instant, american.basis, american.local) == (None, Basis.UNKNOWN, datetime(2026, 11, 20, 10))


@pytest.mark.parametrize("kind", ["PU", "PX"])
def test_pickup_whose_clock_runs_ahead_moves_nothing(kind: str) -> None:
    hours = {kind: 18, "DP": 14, "AR": 12, "OC": 8}
    events = read(*(scan(kind, f"2026-11-20T{hour:02}:00:00-06:00") for kind, hour in hours.items())).events
    assert [(one.code, one.status) for one in events[:2]] == [(kind, None), ("DP", Status.IN_TRANSIT)]
    assert events[0].moment.instant == datetime(2026, 11, 21, tzinfo=UTC)  # as FedEx wrote it
    assert summary("OC", "DP", "DL", kind).status is Status.DELIVERED


def test_pickup_after_a_failed_one_is_a_pickup() -> None:
    assert summary("OC", "SE", "PU").status is Status.ACCEPTED


# Codes


@pytest.mark.parametrize(
    ("code", "status"),
    [("Ow", Status.IN_TRANSIT), ("EA", Status.IN_TRANSIT), ("CA", Status.CANCELLED), ("RC", None), ("AO", None),
     ("OX", Status.LABEL_CREATED), ("AX", Status.IN_TRANSIT), ("CC", Status.IN_TRANSIT), ("HA", None), ("DD", None)],
)  # fmt: skip
def test_codes_that_are_easily_misread(code: str, status: Status | None) -> None:
    assert (event(code).status, event(code).mapped) == (status, True)


def test_unknown_code_falls_back_to_the_derived_one_and_is_marked() -> None:
    coarse = event("@@", derivedStatusCode="OD")
    assert (coarse.status, coarse.code, coarse.mapped) == (Status.OUT_FOR_DELIVERY, "@@", False)
    nothing = event("OW", derivedStatusCode="##")  # codes are case sensitive
    assert (nothing.status, nothing.mapped) == (Status.UNKNOWN, False)
    missing = event("", derivedStatusCode="IT")
    assert (missing.status, missing.code, missing.mapped) == (Status.IN_TRANSIT, "IT", True)


@pytest.mark.parametrize(
    ("kind", "why", "status", "reason"),
    [("DE", "", Status.DELIVERY_ATTEMPTED, ""), ("DE", "83", Status.DELIVERY_ATTEMPTED, ""),
     ("DE", "08", Status.DELIVERY_ATTEMPTED, "recipient.not_home"),
     ("DE", "015", Status.DELIVERY_ATTEMPTED, "recipient.not_home"),
     ("DE", "7", Status.EXCEPTION, "recipient.refused"), ("DE", "007", Status.EXCEPTION, "recipient.refused"),
     ("SE", "03", Status.EXCEPTION, "address.wrong"), ("SE", "099", Status.EXCEPTION, ""),
     ("SE", "84", None, "carrier.delay"), ("SE", "A25", Status.CUSTOMS, "customs.clearance"),
     ("AR", "A25", Status.IN_TRANSIT, "customs.clearance"), ("DY", "71", None, "address.changed")],
)  # fmt: skip
def test_exception_gives_the_reason_and_the_position_only_of_what_is_an_exception(
    kind: str, why: str, status: Status | None, reason: str
) -> None:
    given = event(kind, exceptionCode=why)
    assert (given.status, given.reason, given.code) == (status, reason, f"{kind}/{why}" if why else kind)


def test_delay_is_a_flag_and_leaves_the_position() -> None:
    late = event("AR", delayDetail={"type": "OPERATIONAL", "subType": "", "status": "DELAYED"})
    assert (late.status, late.flags, late.reason) == (Status.IN_TRANSIT, (Flag.DELAYED,), "")
    assert event("AR", delayDetail={"status": "ON_TIME"}).flags == ()
    assert (summary("PU", "AR", "DY").status, summary("PU", "AR", "DY").delayed) == (Status.IN_TRANSIT, True)


def test_weather_says_more_than_a_delay_beyond_control() -> None:
    snow = event("DY", exceptionCode="84", delayDetail={"type": "WEATHER", "status": "DELAYED"})
    assert (snow.reason, snow.flags) == ("weather", (Flag.DELAYED,))


def test_delay_that_only_the_latest_status_tells_belongs_to_the_newest_scan() -> None:
    latest = {"code": "AR", "derivedCode": "IT", "delayDetail": {"type": "WEATHER", "status": "DELAYED"}}
    newest, older = read(*days("PU", "AR"), latestStatusDetail=latest).events
    assert (newest.code, newest.flags, newest.reason) == ("AR", (Flag.DELAYED,), "weather")
    assert (older.flags, older.reason) == ((), "")


def test_running_late_is_told_by_the_derived_code_alone() -> None:
    late = summary("PU", "AR", latestStatusDetail={"code": "AR", "derivedCode": "RL"})
    assert (late.status, late.delayed) == (Status.IN_TRANSIT, True)


def test_latest_status_stands_for_missing_scans() -> None:
    latest = {"code": "DL", "derivedCode": "DL", "statusByLocale": "Delivered", "scanLocation": DALLAS}
    (only,) = read(
        latestStatusDetail=latest, dateAndTimes={"type": "ACTUAL_DELIVERY", "dateTime": "2026-11-20T10:00:00-06:00"}
    ).events
    assert (only.status, only.text, only.place.city) == (Status.DELIVERED, "Delivered", "Dallas")
    assert only.moment.instant == datetime(2026, 11, 20, 16, tzinfo=UTC)
    (day,) = read(
        latestStatusDetail={"code": "OC"},
        dateAndTimes=[{"type": "SHIPMENT_DATA_RECEIVED", "dateTime": "2026-11-20T00:00:00-06:00"}],
    ).events
    assert (day.moment.precision, day.moment.local) == (Precision.DAY, datetime(2026, 11, 20))
    (bare,) = read(latestStatusDetail={"code": "IT"}).events
    assert (bare.status, bare.moment) == (Status.IN_TRANSIT, Moment(""))


@pytest.mark.parametrize(("derived", "codes"), [("HL", ["HL", "AR", "PU"]), ("IT", ["AR", "PU"]), ("??", ["AR", "PU"])])
def test_derived_status_stands_before_the_scans_where_the_parcel_waits(derived: str, codes: list[str]) -> None:
    given = read(*days("PU", "AR"), latestStatusDetail={"code": "AR", "derivedCode": derived})
    assert [one.code for one in given.events] == codes


# What must not pass for delivered


@pytest.mark.parametrize(
    ("kinds", "result", "status"),
    [("PU OD DL", {}, Status.DELIVERED), ("PU OD DL", SHOP, Status.AVAILABLE_FOR_PICKUP),
     ("PU OD DL", {"deliveryDetails": {"locationType": "FEDEX_SHIP_AND_GET"}}, Status.AVAILABLE_FOR_PICKUP),
     ("PU OD DL", {"deliveryDetails": {"locationType": "RESIDENCE"}}, Status.DELIVERED),
     ("PU HL DL", SHOP, Status.DELIVERED),  # it waited there, so it has been collected
     ("PU DE RS AR", {}, Status.RETURNING), ("PU DE RS AR DL", {}, Status.RETURNED), ("PU RS DL", SHOP, Status.RETURNED),
     ("PU DL", {"returnDetail": {"authorizationName": "X"}}, Status.RETURNED),
     ("PU DL", {"returnDetail": {"reasonDetail": [{"type": "REJECTED"}]}}, Status.RETURNED),
     ("PU DL", {"returnDetail": {"authorizationName": "", "reasonDetail": [{"type": ""}]}}, Status.DELIVERED),
     ("PU OD DL", {"latestStatusDetail": {"code": "SP", "derivedCode": "SP"}}, Status.IN_TRANSIT),
     ("PU AR", {"latestStatusDetail": {"code": "AR", "derivedCode": "RS"}}, Status.RETURNING),
     ("PU OD DL AR", {}, Status.IN_TRANSIT), ("PU AR AX", {}, Status.IN_TRANSIT), ("PU AR OX", {}, Status.IN_TRANSIT)],
)  # fmt: skip
def test_delivered_is_what_the_recipient_has(kinds: str, result: dict[str, Any], status: Status) -> None:
    assert summary(*kinds.split(), **result).status is status


def test_place_of_the_scan_tells_a_shop_too() -> None:
    assert event("DL", locationType="FEDEX_OFFICE_LOCATION").flags == (Flag.PICKUP_POINT,)


@pytest.mark.parametrize(
    ("where", "notice", "status"),
    [(DALLAS, "", Status.AVAILABLE_FOR_PICKUP), (MEMPHIS, "", Status.IN_TRANSIT),
     ({**DALLAS, "city": "DALLAS"}, "", Status.AVAILABLE_FOR_PICKUP),
     ({"countryCode": "US"}, "", Status.AVAILABLE_FOR_PICKUP),
     (MEMPHIS, "HELD_PACKAGE_AVAILABLE_FOR_RECIPIENT_PICKUP", Status.AVAILABLE_FOR_PICKUP),
     (DALLAS, "HELD_PACKAGE_NOT_AVAILABLE_FOR_RECIPIENT_PICKUP", Status.IN_TRANSIT)],
)  # fmt: skip
def test_parcel_to_be_held_waits_only_when_it_has_come_there(where: Any, notice: str, status: Status) -> None:
    given = read(scan("HL", where=where), holdAtLocation=hold(), serviceCommitMessage={"type": notice})
    assert given.events[0].status is status
