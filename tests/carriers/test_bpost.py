"""bpost: the contract, and what is peculiar to Tracked Mail."""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from doorstep import (
    Answer,
    CarrierUnavailable,
    Event,
    Found,
    NotFound,
    PickupPoint,
    Place,
    ProtocolError,
    Query,
    Response,
    Secret,
    Shipment,
    Status,
    Weight,
)
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_bpost import Bpost, Settings

NUMBER = "323204821395571040604386"
NAMESPACE = 'xmlns="http://schema.post.be/tracking/v1/"'


class TestContract(CarrierContract):
    package = "doorstep_bpost"


@cache
def bpost() -> Bpost:
    home = files("doorstep_bpost")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Bpost(manifest, codes, Settings("104820", Secret("passphrase")))


def answer(body: str | bytes, *, status: int = 200, number: str = NUMBER) -> Answer:
    body = body if isinstance(body, bytes) else body.encode()
    return replay(bpost().track(Query(number)), Response(status, {}, body))


def found(inside: str, *, number: str = NUMBER) -> Shipment:
    known = answer(f"<itemTracking {NAMESPACE}><itemCode>{NUMBER}</itemCode>{inside}</itemTracking>", number=number)
    assert isinstance(known, Found)
    return known.shipments[0]


def state(code: str, text: str = "", at: str = "2026-11-20T10:00:00+01:00") -> str:
    description = f"<stateDescription>{text}</stateDescription>"
    return f"<stateInfo><time>{at}</time><stateCode>{code}</stateCode>{description}</stateInfo>"


def event(code: str, text: str = "") -> Event:
    return found(state(code, text)).events[0]


def after(*states: tuple[str, str]) -> Status:
    """The status after these states, oldest first, a day between each and the next."""
    told = [state(*one, f"2026-11-{day}T10:00:00+01:00") for day, one in enumerate(states, 10)]
    return summarise(arrange(found("".join(told)).events)).status


def test_number_stays_in_its_place_in_the_path() -> None:
    request = next(bpost().track(Query("32/../x?y")))
    assert request.path == "/services/trackedmail/item/32%2F..%2Fx%3Fy/trackingInfo"
    assert request.headers == {"Accept": "application/xml"}


@pytest.mark.parametrize(
    "body", ["", " \n", f"<businessException {NAMESPACE}><message>?</message></businessException>"]
)
def test_http_404_with_nothing_or_a_word_of_bposts_is_not_found(body: str) -> None:
    assert isinstance(answer(body, status=404), NotFound)


@pytest.mark.parametrize("body", ["<html><p>no such page</p></html>", "no such page", '{"fault": "no route"}', "[]"])
@pytest.mark.parametrize("status", [200, 404])
def test_what_is_not_of_bpost_is_an_error(status: int, body: str) -> None:
    with pytest.raises(ProtocolError):
        answer(body, status=status)


@pytest.mark.parametrize("status", [200, 404])
def test_an_error_of_bposts_own_is_no_not_found(status: int) -> None:
    with pytest.raises(CarrierUnavailable):
        answer(f"<systemException {NAMESPACE}><message>?</message></systemException>", status=status)


def test_an_answer_without_items_is_not_found_and_one_about_another_item_an_error() -> None:
    assert isinstance(answer(f"<trackingInfo {NAMESPACE}/>"), NotFound)
    with pytest.raises(ProtocolError):
        found(state("T00"), number="323204821395571099999999")


def test_several_items_below_one_root_are_told_apart_by_their_code() -> None:
    one, other = (f"<itemTracking><itemCode>{code}</itemCode></itemTracking>" for code in (NUMBER, "BD184097661BE"))
    known = answer(f"<trackingInfo {NAMESPACE}>{other}{one}</trackingInfo>")
    assert isinstance(known, Found)
    assert [shipment.number for shipment in known.shipments] == [NUMBER]


def test_item_without_a_code_is_the_one_that_was_asked_for() -> None:
    known = answer(f"<itemTracking {NAMESPACE}>{state('T00')}</itemTracking>")
    assert isinstance(known, Found)
    assert known.shipments[0].number == NUMBER


@pytest.mark.parametrize(
    ("code", "text", "status", "mapped"),
    [
        ("U01", "DistributedNormally - regular", Status.DELIVERED, True),
        ("u01", "", Status.DELIVERED, True),
        ("U08", "Delivered - return_to_sender", Status.RETURNED, True),
        ("U03", "Delivered - at_pickup_point", Status.AVAILABLE_FOR_PICKUP, True),
        ("U03", "PickedUp - at_pickup_point", Status.DELIVERED, True),
        ("N74", "", Status.AVAILABLE_FOR_PICKUP, True),
        ("B12", "NotDelivered - returned_to_depot", Status.DELIVERY_ATTEMPTED, True),
        ("B12", "ReturnedToSender - refused", Status.RETURNING, True),
        ("N01", "", None, True),
        ("Z99", "BoundToRound - out_for_distribution", Status.OUT_FOR_DELIVERY, False),
        ("Z99", "DistributedNormally - to_sender", Status.RETURNED, False),
        ("Z99", "Sent to sender", Status.RETURNING, False),
        ("Z99", "", Status.UNKNOWN, False),
        ("", "Sorted - sorted_out", Status.IN_TRANSIT, False),
    ],
)
def test_code_counts_then_the_state_then_the_words(code: str, text: str, status: Status | None, mapped: bool) -> None:
    read = event(code, text)
    assert (read.status, read.mapped, read.code, read.text) == (status, mapped, code, text)


def test_neighbour_has_a_reason() -> None:
    assert event("U02", "Distributed - to_neighbour").reason == "recipient.neighbour"


def test_what_is_delivered_after_a_return_is_returned() -> None:
    assert after(("B12", "ReturnToSender - refused"), ("T00", "Sorted"), ("U01", "")) is Status.RETURNED


def test_a_delay_moves_nothing_and_an_empty_state_is_left_out() -> None:
    shipment = found(state("T00") + state("N05", at="2026-11-21T10:00:00+01:00") + state(""))
    summary = summarise(arrange(shipment.events))
    assert (len(shipment.events), summary.status, summary.delayed) == (2, Status.IN_TRANSIT, True)


def test_place_is_the_address_else_the_line() -> None:
    address = "<address><city>MONS</city><postalCode>7000</postalCode><countryCode>BE</countryCode></address>"
    lines = "<cityOrCountryOfdeparture>GENT</cityOrCountryOfdeparture>"
    assert found(lines + f"<sender>{address}</sender>").origin == Place("MONS", postcode="7000", country="BE")
    assert found(lines).origin == Place("GENT")
    assert found("<cityOrCountryOfDestination>Norway</cityOrCountryOfDestination>").destination == Place(country="NO")


@pytest.mark.parametrize("grams", ["0", "-5", "heavy", ""])
def test_weight_that_is_none_is_left_out(grams: str) -> None:
    assert found(f"<itemDetail><weightInGrams>{grams}</weightInGrams></itemDetail>").weight is None


def test_published_item_is_read(specs: Path) -> None:
    known = answer(
        (specs / "samples" / "bpost" / "TrackingResponse.xml").read_bytes(), number="323212345659900040669030"
    )
    assert isinstance(known, Found)
    (item,) = known.shipments
    assert [(event.code, event.status, event.mapped) for event in item.events] == [
        ("T00", Status.IN_TRANSIT, True),
        ("L00", Status.OUT_FOR_DELIVERY, True),
        ("U01", Status.DELIVERED, True),
    ]
    assert item.events[1].moment.instant == datetime(2012, 11, 23, 6, 11, 18, tzinfo=UTC)
    assert summarise(arrange(item.events)).status is Status.DELIVERED
    assert item.weight == Weight(0.38)
    assert item.origin == item.destination == Place("BRUSSELS", postcode="1000", country="BE")
    assert item.pickup_point == PickupPoint(
        "LIBRAIRIE WILSON",
        "RUE WASHINGTON / WASHINGTONSTRAAT 66",
        Place("IXELLES / ELSENE", postcode="1050"),
        code="805140",
    )


def test_published_error_is_one_of_bposts_own(specs: Path) -> None:
    with pytest.raises(CarrierUnavailable):
        answer((specs / "samples" / "bpost" / "ErrorResponse.xml").read_bytes())
