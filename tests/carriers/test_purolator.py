"""Purolator: the contract, and what is peculiar to its SOAP, its depots' clocks and its five kinds of scan."""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import tostring

import pytest

from doorstep import (  # isort: skip
    Answer, Answers, Basis, Flag, Found, Moment, NotFound, Piece, Place, Precision, ProtocolError, Query, Response, Secret,
    Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_purolator import Purolator, Settings

PIN = "318405729605"
OTHER = "205168394718"


class TestContract(CarrierContract):
    package = "doorstep_purolator"


@cache
def purolator() -> Purolator:
    home = files("doorstep_purolator")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Purolator(manifest, codes, Settings("key", Secret("password")))


def scan(
    kind: str = "Other", text: str = "", depot: str = "TORONTO, ON", at: str = "2026-11-19 172300", **more: str
) -> str:
    day, _, time = at.partition(" ")
    fields = {"Description": text, "ScanDate": day, "ScanTime": time, "Comment": more.get("comment", "")}
    told = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    pin = f"<PIN><Value>{more.get('pin', PIN)}</Value></PIN>"
    return f"<Scan><ScanType>{kind}</ScanType>{pin}<Depot><Name>{depot}</Name></Depot>{told}</Scan>"


def parcel(*scans: str, pin: str = PIN, more: str = "") -> str:
    head = f"<PIN><Value>{pin}</Value></PIN><Scans>{''.join(scans)}</Scans>"
    return f"<TrackingInformation>{head}{more}</TrackingInformation>"


def fault(text: str) -> str:
    error = f"<Error><Code>1</Code><Description>{text}</Description><AdditionalInformation/></Error>"
    return f"<ResponseInformation><Errors>{error}</Errors></ResponseInformation>"


def response(*parcels: str, head: str = "<ResponseInformation><Errors/></ResponseInformation>") -> Response:
    found = f"<TrackingInformationList>{''.join(parcels)}</TrackingInformationList>"
    answer = f"<TrackPackagesByPinResponse>{head}{found}</TrackPackagesByPinResponse>"
    return Response(200, {}, f"<s:Envelope xmlns:s='x'><s:Body>{answer}</s:Body></s:Envelope>".encode())


def read(answer: Response, number: str = PIN) -> Answer:
    return take_in(replay(purolator().track(Query(number)), answer), purolator().manifest)


def read_many(answer: Response, *numbers: str) -> Answers:
    return replay(purolator().track_many([Query(number) for number in numbers]), answer)


def of(*scans: str) -> Shipment:
    answer = read(response(parcel(*scans)))
    assert isinstance(answer, Found)
    return answer.shipments[0]


def moment(at: str, depot: str) -> Moment:
    return of(scan(at=at, depot=depot)).events[0].moment


# Questions


def test_a_question_has_the_context_first_and_all_numbers() -> None:
    request = next(purolator().track_many([Query(PIN, "fr-CA"), Query(OTHER)]))
    assert request.xml is not None
    sent = tostring(request.xml, encoding="unicode")
    assert request.headers["SOAPAction"] == '"http://purolator.com/pws/service/v1/TrackPackagesByPin"'
    order = ["RequestContext", "Version>1.2<", "Language>fr<", "GroupID", "RequestReference", "PINs", PIN, OTHER]
    places = [sent.index(part) for part in order]
    assert places == sorted(places)
    assert next(purolator().track(Query(PIN, "de"))).idempotent


# Statuses


@pytest.mark.parametrize(
    ("kind", "text", "status", "reason", "flags"),
    [
        ("ProofOfPickUp", "Shipment picked up", Status.ACCEPTED, "", ()),
        ("Other", "Arrived at sort facility", Status.IN_TRANSIT, "", ()),
        ("Other", "", Status.IN_TRANSIT, "", ()),
        ("OnDelivery", "On vehicle for delivery", Status.OUT_FOR_DELIVERY, "", ()),
        ("Undeliverable", "", Status.DELIVERY_ATTEMPTED, "", ()),
        ("Undeliverable", "Attempted delivery - business closed", Status.DELIVERY_ATTEMPTED,
         "recipient.business_closed", ()),
        ("Undeliverable", "Incorrect address", Status.DELIVERY_ATTEMPTED, "address.wrong", ()),
        ("Undeliverable", "Destinataire absent", Status.DELIVERY_ATTEMPTED, "recipient.not_home", ()),
        ("Undeliverable", "REFUSED - RETURN TO SENDER", Status.RETURNING, "recipient.refused", (Flag.RETURN,)),
        ("Delivery", "Shipment delivered", Status.DELIVERED, "", ()),
        ("Delivery", "Returned to sender", Status.DELIVERED, "", (Flag.RETURN,)),
        ("Delivery", "Held for pickup", Status.DELIVERED, "", (Flag.PICKUP_POINT,)),
        ("Other", "Shipper created a label", Status.LABEL_CREATED, "", ()),
        ("Other", "Held at customs", Status.CUSTOMS, "customs.clearance", ()),
        ("Other", "Released by customs", Status.IN_TRANSIT, "", ()),
        ("Other", "Shipment delayed", Status.IN_TRANSIT, "carrier.delay", (Flag.DELAYED,)),
        ("Other", "Available for pickup", Status.AVAILABLE_FOR_PICKUP, "", (Flag.PICKUP_POINT,)),
        ("Drone", "Available for pickup", Status.UNKNOWN, "", (Flag.PICKUP_POINT,)),
        ("other", "Arrived", Status.UNKNOWN, "", ()),
    ],
)  # fmt: skip
def test_words_say_what_other_and_undeliverable_were(
    kind: str, text: str, status: Status, reason: str, flags: tuple[Flag, ...]
) -> None:
    event = of(scan(kind, text)).events[0]
    assert (event.status, event.reason, event.flags, event.code) == (status, reason, flags, kind)


def test_a_comment_says_why_and_is_not_kept() -> None:
    event = of(scan("Undeliverable", "Attempted delivery", comment="Receiver not available, A. EXAMPLE")).events[0]
    assert (event.reason, event.text) == ("recipient.not_home", "Attempted delivery")


@pytest.mark.parametrize(
    ("told", "kept"),
    [("Shipment delivered to A. EXAMPLE at: RECEPTION", "Shipment delivered"), ("Signed by: A. EXAMPLE", "Signed"),
     ("Envoi livré à : A. EXAMPLE", "Envoi livré"), ("Shipment delivered", "Shipment delivered"),
     ("Left at the door", "Left at the door")],
)  # fmt: skip
def test_who_took_a_parcel_is_not_told(told: str, kept: str) -> None:
    assert of(scan("Delivery", told)).events[0].text == kept


def test_several_scans_of_one_minute_are_all_kept() -> None:
    assert [one.text for one in of(scan(text="Arrived"), scan(text="Sorted"), scan(text="Arrived")).events] == [
        "Arrived", "Sorted"
    ]  # fmt: skip


def test_scans_of_several_numbers_are_pieces() -> None:
    shipment = of(scan("Delivery", "Shipment delivered"), scan("Other", "Arrived", pin=OTHER))
    assert shipment.pieces == (Piece(PIN, Status.DELIVERED), Piece(OTHER, Status.IN_TRANSIT))
    assert (shipment.status, shipment.final) == (Status.IN_TRANSIT, False)
    assert of(scan("Delivery", pin=PIN.lower())).pieces == ()


# Times and places


@pytest.mark.parametrize(
    ("at", "depot", "instant"),
    [
        # winter: 12:00 + 5 h, + 3:30, + 4, + 6, + 7, + 8
        ("2026-01-15 120000", "TORONTO, ON", "2026-01-15 17:00"), ("2026-01-15 120000", "GANDER, NF", "2026-01-15 15:30"),
        ("2026-01-15 120000", "SYDNEY, NS", "2026-01-15 16:00"), ("2026-01-15 120000", "REGINA, SK", "2026-01-15 18:00"),
        ("2026-01-15 120000", "CALGARY, AB", "2026-01-15 19:00"), ("2026-01-15 120000", "BURNABY, BC", "2026-01-15 20:00"),
        # summer: an hour less, but for Saskatchewan
        ("2026-07-15 120000", "MONTREAL SORT CTR/CTR TRIE, PQ", "2026-07-15 16:00"),
        ("2026-07-15 120000", "REGINA, SK", "2026-07-15 18:00"), ("2026-07-15 93000", "TORONTO, ON", "2026-07-15 13:30"),
        ("2026-07-15 0930", "TORONTO, ON", "2026-07-15 13:30"), ("2026-07-15 09:30:00", "TORONTO, ON", "2026-07-15 13:30"),
        ("2026-07-15 930", "TORONTO, ON", "2026-07-15 13:30"),
    ],
)  # fmt: skip
def test_a_time_is_by_the_clock_of_the_depots_province(at: str, depot: str, instant: str) -> None:
    read = moment(at, depot)
    assert (read.instant, read.basis) == (datetime.fromisoformat(instant).replace(tzinfo=UTC), Basis.PLACE)
    assert read.raw == at


@pytest.mark.parametrize("depot", ["KENORA, ON", "Fort St. John, BC", "IQALUIT, NU", "BUFFALO, NY", "ONTARIO", ""])
def test_a_clock_that_nobody_can_be_sure_of_gives_no_instant(depot: str) -> None:
    read = moment("2026-07-15 120000", depot)
    assert (read.instant, read.local) == (None, datetime(2026, 7, 15, 12))


@pytest.mark.parametrize("time", ["", "0", "noon", "999999"])
def test_without_a_time_it_is_the_day(time: str) -> None:
    read = moment(f"2026-07-15 {time}", "TORONTO, ON")
    assert (read.precision, read.local, read.instant) == (Precision.DAY, datetime(2026, 7, 15), None)


@pytest.mark.parametrize(
    ("depot", "place"),
    [("MONTREAL SORT CTR/CTR TRIE, PQ", Place(region="QC", country="CA", name="MONTREAL SORT CTR/CTR TRIE")),
     ("TORONTO, ON", Place(city="TORONTO", region="ON", country="CA")), ("MEMPHIS, TN", Place(name="MEMPHIS, TN")),
     ("DEPOT 41", Place(name="DEPOT 41")), (", ON", Place(region="ON", country="CA")), ("", Place())],
)  # fmt: skip
def test_a_depot_is_a_name_and_a_town_a_city(depot: str, place: Place) -> None:
    assert of(scan(depot=depot)).events[0].place == place


# Errors


@pytest.mark.parametrize("text", ["PIN not found", "No records for this PIN", "Aucun résultat", "Invalid PIN"])
@pytest.mark.parametrize("beside", [True, False])
def test_a_number_that_is_said_to_be_unknown_is_not_found(text: str, beside: bool) -> None:
    answer = response(head=fault(text)) if beside else response(parcel(more=fault(text)))
    assert isinstance(read(answer), NotFound)


@pytest.mark.parametrize("answer", [response(), response(parcel()), response(parcel(), parcel(pin=OTHER))])
def test_a_number_without_scans_and_errors_is_not_found(answer: Response) -> None:
    assert isinstance(read(answer), NotFound)


@pytest.mark.parametrize(
    "answer",
    [response(head=fault("Something failed")), response(parcel(more=fault("Something failed"))),
     response(parcel(scan(), pin=OTHER)), response(head=""), Response(200, {}, b"<a/>"), Response(404, {}, b"<html/>"),
     Response(400, {}, b"{}")],
)  # fmt: skip
def test_any_other_answer_is_an_error(answer: Response) -> None:
    with pytest.raises(ProtocolError):
        read(answer)


def test_one_unknown_number_does_not_make_the_others_unknown() -> None:
    answers = read_many(response(head=fault("PIN not found")), PIN, OTHER)
    assert [type(one) for one in answers.values()] == [ProtocolError, ProtocolError]
    answers = read_many(response(parcel(scan()), head=fault(f"PIN {OTHER} not found")), PIN, OTHER)
    assert [type(one) for one in answers.values()] == [Found, NotFound]


# What was published


def test_published_answer_tells_one_scan_twice(specs: Path) -> None:
    body = (specs / "samples" / "purolator" / "TRACKING_RESPONSE_XML.xml").read_bytes()
    for number in ("M123", ""):
        answer = read(Response(200, {}, body), number)
        assert isinstance(answer, Found)
        (shipment,) = answer.shipments
        (event,) = shipment.events
        assert (shipment.number, shipment.status, event.text) == (
            "M123",
            Status.IN_TRANSIT,
            "New Tracking Number Assigned -",
        )
        assert event.moment.instant == datetime(2004, 1, 13, 22, 23, tzinfo=UTC)
