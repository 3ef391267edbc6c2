"""Australia Post: the contract, and what is peculiar to its articles, words and clock."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, Answers, Basis, Event, Flag, Found, Moment, NotFound, Piece, Place, ProtocolError, Query, Response, Secret,
    Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_australia_post import AustraliaPost, Settings

NUMBER = "JVD6310482"
OTHER = "HKT7301946"


class TestContract(CarrierContract):
    package = "doorstep_australia_post"


@cache
def australia_post() -> AustraliaPost:
    home = files("doorstep_australia_post")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return AustraliaPost(manifest, codes, Settings("key", Secret("password"), "0001234567"))


def response(body: Any, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def read(body: Any, *, number: str = NUMBER, status: int = 200) -> Answer:
    answer = replay(australia_post().track(Query(number)), response(body, status))
    return take_in(answer, australia_post().manifest)


def read_many(body: Any, *numbers: str, status: int = 200) -> Answers:
    return replay(australia_post().track_many([Query(number) for number in numbers]), response(body, status))


def scan(text: str, at: Any = "2026-11-20T10:00:00+11:00", location: Any = "KEW VIC") -> dict[str, Any]:
    return {"location": location, "description": text, "date": at}


def article(*scans: Any, number: str = NUMBER, status: str = "") -> dict[str, Any]:
    return {"article_id": number, "product_type": "Parcel Post", "status": status, "events": list(scans)}


def found(*items: Any, **fields: Any) -> Shipment:
    answer = read({"tracking_results": [{"tracking_id": NUMBER, "trackable_items": list(items), **fields}]})
    assert isinstance(answer, Found)
    return answer.shipments[0]


def event(text: str) -> Event:
    return found(article(scan(text))).events[0]


def moment(at: str, location: str | None) -> Moment:
    return found(article(scan("Arrived", at, location))).events[0].moment


# Questions


def test_a_question_names_its_numbers_and_the_account() -> None:
    carrier = australia_post()
    request = next(carrier.track_many([Query(NUMBER), Query(OTHER)]))
    assert (request.path, request.params) == ("/shipping/v1/track", {"tracking_ids": f"{NUMBER},{OTHER}"})
    with pytest.raises(StopIteration) as end:
        next(carrier.auth().login())
    signed = carrier.auth().sign(request, end.value.value)
    assert signed.headers["Account-Number"] == "0001234567"
    assert signed.headers["Authorization"] == "Basic a2V5OnBhc3N3b3Jk"  # key:password


# Words


@pytest.mark.parametrize(
    ("text", "status", "reason", "flags"),
    [
        ("Delivered", Status.DELIVERED, "", ()),
        ("DELIVERED IN FULL", Status.DELIVERED, "", ()),
        ("Delivered - Left with neighbour", Status.DELIVERED, "recipient.neighbour", ()),
        ("Delivered to Parcel Locker", Status.AVAILABLE_FOR_PICKUP, "", (Flag.PICKUP_POINT,)),
        ("Awaiting collection at KEW LPO", Status.AVAILABLE_FOR_PICKUP, "", (Flag.PICKUP_POINT,)),
        ("Collected by customer", Status.DELIVERED, "", ()),
        ("Not delivered - business closed", Status.DELIVERY_ATTEMPTED, "recipient.business_closed", ()),
        ("Could not be delivered, incorrect address", Status.DELIVERY_ATTEMPTED, "address.wrong", ()),
        ("To be re-delivered", Status.DELIVERY_ATTEMPTED, "", ()),
        ("To be delivered tomorrow", None, "", ()),
        ("Delivered to facility", Status.IN_TRANSIT, "", ()),
        ("Onboard  for\n delivery", Status.OUT_FOR_DELIVERY, "", ()),
        ("Cannot be delivered", Status.EXCEPTION, "", ()),
        ("Being returned to sender - refused", Status.RETURNING, "recipient.refused", (Flag.RETURN,)),
        ("Delivered - Returned to sender", Status.RETURNED, "", (Flag.RETURN,)),
        ("Item is in Customs", Status.CUSTOMS, "customs.clearance", ()),
        ("Item cleared by Customs", Status.IN_TRANSIT, "", ()),
        ("Delay due to weather", None, "carrier.delay", (Flag.DELAYED,)),
        ("In transit, possible delay", Status.IN_TRANSIT, "carrier.delay", (Flag.DELAYED,)),
        ("Handed to the drone", Status.UNKNOWN, "", ()),
        ("", Status.UNKNOWN, "", ()),
    ],
)
def test_a_description_says_what_happened(
    text: str, status: Status | None, reason: str, flags: tuple[Flag, ...]
) -> None:
    one = event(text)
    assert (one.status, one.reason, one.flags) == (status, reason, flags)
    assert one.mapped == (status is not Status.UNKNOWN)


def test_a_status_stands_in_for_the_newest_words_alone() -> None:
    words = scan("Beamed up"), scan("Handed on", "2026-11-19T10:00:00+11:00")
    for scans in (words, words[::-1]):
        newest, oldest = found(article(*scans, status="In transit")).events
        assert (newest.text, newest.status, newest.mapped) == ("Beamed up", Status.IN_TRANSIT, False)
        assert oldest.status is Status.UNKNOWN


def test_what_waits_by_its_status_is_not_delivered_by_its_scan() -> None:
    assert found(article(scan("Delivered"), status="Awaiting collection")).status is Status.AVAILABLE_FOR_PICKUP
    assert found(article(scan("Delivered"), status="Delivered")).status is Status.DELIVERED


@pytest.mark.parametrize("status", ["Cancelled", "Article damaged"])
def test_a_status_that_no_scan_tells_is_an_event_once(status: str) -> None:
    shipment = found(article(scan("Received by Australia Post"), status=status), status=status)
    assert [one.text for one in shipment.events] == [status, "Received by Australia Post"]
    assert shipment.status in (Status.CANCELLED, Status.EXCEPTION)


@pytest.mark.parametrize("fields", [{"status": "Delivered"}, {"consignment": {"status": "Delivered"}}])
def test_a_status_is_all_there_is_to_know_where_there_are_no_scans(fields: Any) -> None:
    assert [one.code for one in found(**fields).events] == ["Delivered"]
    assert len(found(article(), **fields).events) == 1


def test_who_signed_is_not_told() -> None:
    assert event("Delivered - Signed by: A. EXAMPLE").text == "Delivered - Signed"
    assert event("Received by Australia Post").text == "Received by Australia Post"


# Articles


def consignment(*articles: Any, **fields: Any) -> dict[str, Any]:
    return {"consignment_id": NUMBER, "number_of_items": len(articles), "items": list(articles), **fields}


def test_articles_are_pieces_and_all_must_be_delivered() -> None:
    one, two = article(scan("Delivered"), number="A1"), article(number="A2")
    shipment = found(consignment(one, two))
    assert shipment.pieces == (Piece("A1", Status.DELIVERED), Piece("A2", Status.PENDING))
    assert (shipment.status, shipment.final) == (Status.OUT_FOR_DELIVERY, False)
    both = found(one, article(scan("Delivered"), number="A2"))
    assert (both.status, both.final, len(both.events)) == (Status.DELIVERED, True, 2)


def test_one_article_is_no_piece_wherever_it_lies() -> None:
    for items in (article(scan("Arrived")), consignment(article(scan("Arrived")))):
        shipment = found(items)
        assert (shipment.pieces, shipment.events[0].piece, shipment.service) == ((), "", "Parcel Post")


def test_scans_of_a_consignment_are_its_articles_too() -> None:
    whole = {"events": [scan("Delivered")]}
    shipment = found(consignment(article(number="A1"), article(number="A2")), consignment=whole)
    assert [piece.status for piece in shipment.pieces] == [Status.DELIVERED, Status.DELIVERED]


# Times and places


@pytest.mark.parametrize(
    ("location", "wall"),
    # 12:00 in Melbourne in summer is 1:00 UTC
    [
        ("KEW VIC", 12),
        ("BRISBANE QLD", 11),
        ("SYDNEY NSW 2000", 12),
        ("BROOME WA", 9),
        ("OSAKA, JAPAN", 10),
        (None, 12),
    ],
)
def test_an_offset_gives_the_instant_and_the_place_its_wall_clock(location: str | None, wall: int) -> None:
    read = moment("2026-11-20T12:00:00+11:00", location)
    assert (read.instant, read.basis) == (datetime(2026, 11, 20, 1, tzinfo=UTC), Basis.OFFSET)
    assert read.local == datetime(2026, 11, 20, wall)


@pytest.mark.parametrize("location", ["NZ", "CHICAGO (US)"])
def test_a_country_of_several_clocks_has_no_wall_clock(location: str) -> None:
    read = moment("2026-11-20T12:00:00+11:00", location)
    assert (read.instant, read.local) == (datetime(2026, 11, 20, 1, tzinfo=UTC), None)


def test_a_time_without_an_offset_has_no_instant() -> None:
    assert (moment("2026-11-20T12:00:00", "KEW VIC").instant, moment("soon", "KEW VIC")) == (None, Moment("soon"))


@pytest.mark.parametrize(
    ("location", "place"),
    [("OAKLEIGH SOUTH VIC", Place("OAKLEIGH SOUTH", "VIC", country="AU")), ("WA", Place(region="WA", country="AU")),
     ("PERTH, WA 6000", Place("PERTH", "WA", "6000", "AU")), ("CHICAGO (US)", Place("CHICAGO", country="US")),
     ("US-60199, UNITED STATES", Place(name="US-60199", country="US")), ("NEW ZEALAND", Place(country="NZ")),
     ("NOWHERE (QQ)", Place(name="NOWHERE (QQ)")), ("Transit Scan", Place(name="Transit Scan")), ("", Place())],
)  # fmt: skip
def test_a_location_is_a_town_or_a_country_or_a_name(location: str, place: Place) -> None:
    assert found(article(scan("Arrived", location=location))).events[0].place == place


# Errors


def errors(code: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "name": "No", "message": None}]}


@pytest.mark.parametrize(
    "body",
    [{"tracking_results": [{"tracking_id": NUMBER, **errors("ESB-10001")}]}, {"tracking_results": []}, errors("ESB-10001"),
     {"tracking_results": [{"tracking_id": NUMBER, "trackable_items": [], "status": None}]}],
)  # fmt: skip
def test_a_number_of_which_nothing_is_known_is_not_found(body: Any) -> None:
    assert isinstance(read(body), NotFound)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"tracking_results": [{"tracking_id": NUMBER, **errors("ESB-20050")}]}), (400, errors("51101")),
     (200, {"tracking_results": [{"tracking_id": OTHER, "status": "Delivered"}]}), (404, {"message": "no such page"}),
     (200, {}), (200, [])],
)  # fmt: skip
def test_any_other_answer_is_an_error(status: int, body: Any) -> None:
    with pytest.raises(ProtocolError):
        read(body, status=status)


def test_an_error_about_the_whole_question_is_nobodys_not_found() -> None:
    with pytest.raises(ProtocolError, match="ESB-10001"):
        read_many(errors("ESB-10001"), NUMBER, OTHER, status=400)


# What was published


@pytest.fixture
def published(specs: Path) -> Path:
    return specs / "samples" / "australiapost"


def test_published_parcels(published: Path) -> None:
    body = json.loads((published / "TrackingResponse.json").read_text("utf-8"))
    answer = read(body, number="")
    assert isinstance(answer, Found)
    told = [(one.number, one.status, len(one.events), one.service) for one in answer.shipments]
    assert told == [
        ("ET123456789AU", Status.IN_TRANSIT, 8, "International Express"),
        ("LX123456789US", Status.DELIVERED, 9, "International"),
        ("00123456789000123400", Status.DELIVERED, 10, "International"),
    ]
    assert all(one.mapped for shipment in answer.shipments for one in shipment.events)
    cleared = answer.shipments[0].events[3]
    assert cleared.moment.instant == datetime(2021, 1, 27, 14, 59, 11, tzinfo=UTC)
    assert cleared.moment.local == datetime(2021, 1, 28, 0, 59, 11)  # Brisbane, without summer time
    asked = read(body, number="LX123456789US")
    assert isinstance(asked, Found)
    assert [one.number for one in asked.shipments] == ["LX123456789US"]


def test_published_errors(published: Path) -> None:
    unknown = json.loads((published / "TrackingErrorResponse.json").read_text("utf-8"))
    assert isinstance(read(unknown, number="7XX1000"), NotFound)
    with pytest.raises(ProtocolError, match="51101"):
        read(json.loads((published / "ErrorResponse.json").read_text("utf-8")), status=400)
