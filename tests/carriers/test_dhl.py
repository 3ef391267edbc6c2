"""DHL: the contract, and what is peculiar to Shipment Tracking Unified."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from doorstep import (
    Answer,
    Basis,
    Document,
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
    Weight,
)
from doorstep.codes import load_codes
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_dhl import DHL, Settings

NUMBER = "7301649283"


class TestContract(CarrierContract):
    package = "doorstep_dhl"


def dhl(**settings: str) -> DHL:
    home = files("doorstep_dhl")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return DHL(manifest, codes, Settings(Secret("a-key"), **settings))


def request_of(query: Query, **settings: str) -> Request:
    return next(dhl(**settings).track(query))


def answer_to(body: Any, status: int = 200, number: str = NUMBER, headers: dict[str, str] | None = None) -> Answer:
    exchange = dhl().track(Query(number))
    next(exchange)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(StopIteration) as end:
        exchange.send(Response(status, headers or {}, raw))
    answer: Answer = end.value.value
    return answer


def shipments_of(*shipments: dict[str, Any], number: str = NUMBER) -> tuple[Shipment, ...]:
    answer = answer_to({"shipments": shipments}, number=number)
    assert isinstance(answer, Found)
    return answer.shipments


def scan(
    status: str, coarse: str = "transit", description: str = "", at: str = "2026-11-20T10:00:00"
) -> dict[str, Any]:
    return {"timestamp": at, "statusCode": coarse, "status": status, "description": description}


def event_of(service: str, status: str, coarse: str = "transit", description: str = "") -> Event:
    (shipment,) = shipments_of({"id": NUMBER, "service": service, "events": [scan(status, coarse, description)]})
    return shipment.events[0]


def event_at(timestamp: str, country: str) -> Event:
    located = {**scan("PL", at=timestamp), "location": {"address": {"countryCode": country}}}
    (shipment,) = shipments_of({"id": NUMBER, "service": "express", "events": [located]})
    return shipment.events[0]


def place_of(locality: str) -> Place:
    address = {"address": {"countryCode": "NL", "addressLocality": locality}}
    (shipment,) = shipments_of({"id": NUMBER, "origin": address})
    return shipment.origin


class TestAsking:
    def test_the_number_the_language_and_nothing_empty_is_asked(self) -> None:
        request = request_of(Query(NUMBER, language="de-AT"))
        assert (request.method, request.path) == ("GET", "/track/shipments")
        assert request.params == {"trackingNumber": NUMBER, "language": "de"}

    def test_the_postcode_of_an_order_is_passed_on(self) -> None:
        assert request_of(Query(NUMBER, postcode="1012 AB")).params["recipientPostalCode"] == "1012 AB"

    def test_an_account_may_ask_one_division_only(self) -> None:
        assert request_of(Query(NUMBER), service="parcel-de").params["service"] == "parcel-de"

    def test_the_key_goes_into_a_header_and_not_into_the_address(self) -> None:
        auth = dhl().auth()
        with pytest.raises(StopIteration) as end:
            next(auth.login())
        signed = auth.sign(request_of(Query(NUMBER)), end.value.value)
        assert signed.headers["DHL-API-Key"] == "a-key"
        assert "a-key" not in signed.params.values()


class TestNotFound:
    def test_a_problem_document_with_404_is_not_found(self) -> None:
        problem = {"title": "No result found", "detail": "nothing here", "status": 404}
        assert answer_to(problem, 404) == NotFound("nothing here")

    def test_no_shipment_in_a_good_answer_is_not_found(self) -> None:
        assert answer_to({"shipments": []}) == NotFound()

    @pytest.mark.parametrize("body", [b"<h1>404</h1>", b"{}", b'{"fault": {"faultstring": "no proxy"}}'])
    def test_a_404_of_another_machine_is_an_error_and_not_an_unknown_parcel(self, body: bytes) -> None:
        exchange = dhl().track(Query(NUMBER))
        next(exchange)
        with pytest.raises(ProtocolError):
            exchange.send(Response(404, {}, body))


class TestWhichShipments:
    def test_an_id_sent_as_a_number_is_found_without_its_zeros(self) -> None:
        (shipment,) = shipments_of({"id": 340434520607182935}, number="00340434520607182935")
        assert shipment.number == "00340434520607182935"

    def test_a_piece_leads_to_its_waybill(self) -> None:
        piece = "JD014600012845079316"
        shipments = shipments_of({"id": NUMBER, "details": {"pieceIds": [piece]}}, {"id": "1"}, number=piece)
        assert [shipment.number for shipment in shipments] == [piece]

    def test_a_shipment_of_another_number_is_left_out(self) -> None:
        assert len(shipments_of({"id": NUMBER}, {"id": NUMBER + "0"}, {"id": NUMBER, "service": "freight"})) == 2

    def test_where_no_id_is_the_number_dhl_is_believed(self) -> None:
        assert [shipment.number for shipment in shipments_of({"id": "JVGL1", "service": "parcel-nl"})] == ["JVGL1"]

    def test_without_a_number_every_shipment_is_found_by_its_own(self) -> None:
        piece_alone = {"service": "express", "details": {"pieceIds": ["JD014600012845079316"]}}
        shipments = shipments_of({"id": NUMBER}, {"id": 340434520607182935}, piece_alone, number="")
        assert [one.number for one in shipments] == [NUMBER, "340434520607182935", "JD014600012845079316"]

    @pytest.mark.parametrize(
        "shipments", [None, "", "none", [{"id": "1"}, 1], [{"url": "https://dhl.example"}]], ids=repr
    )
    def test_a_shipment_that_is_none_is_an_error(self, shipments: Any) -> None:
        with pytest.raises(ProtocolError):
            answer_to({"shipments": shipments})

    @pytest.mark.parametrize("references", [{"number": "A", "type": "x"}, [{"number": "A"}], "A", None])
    def test_references_of_any_shape_do_no_harm(self, references: Any) -> None:
        assert len(shipments_of({"id": NUMBER, "details": {"references": references}})) == 1

    def test_a_division_that_sends_no_history_gives_its_status_as_the_only_event(self) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "service": "dgf", "status": scan("OUT_FOR_DELIVERY")})
        assert [event.status for event in shipment.events] == [Status.OUT_FOR_DELIVERY]


class TestTimes:
    def test_a_time_without_offset_is_the_places_own(self) -> None:
        moment = event_at("2026-07-03T08:30:00", "FI").moment  # summer: three hours ahead of UTC
        assert (moment.instant, moment.basis) == (datetime(2026, 7, 3, 5, 30, tzinfo=UTC), Basis.COUNTRY)

    @pytest.mark.parametrize("country", ["US", "ES", "", "XX"])
    def test_no_instant_is_made_up_where_a_country_has_several_zones_or_is_not_named(self, country: str) -> None:
        moment = event_at("2026-11-20T08:30:00", country).moment
        assert moment.instant is None
        assert moment.local == datetime(2026, 11, 20, 8, 30)

    def test_nanoseconds_and_an_offset_are_read(self) -> None:
        moment = event_at("2026-11-20T15:27:20.331986369+01:00", "DE").moment
        assert (moment.instant, moment.basis) == (datetime(2026, 11, 20, 14, 27, 20, tzinfo=UTC), Basis.OFFSET)

    def test_a_midnight_is_a_day_and_not_an_hour_too_early(self) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "estimatedTimeOfDelivery": "2026-11-23T00:00:00Z"})
        assert shipment.window is not None
        assert shipment.window.end is not None
        assert (shipment.window.end.precision, shipment.window.end.instant) == (Precision.DAY, None)

    def test_a_midnight_with_an_offset_is_a_day_too(self) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "estimatedTimeOfDelivery": "2026-11-23T00:00:00+01:00"})
        assert shipment.window is not None
        assert shipment.window.end is not None
        assert (shipment.window.end.local, shipment.window.end.precision) == (datetime(2026, 11, 23), Precision.DAY)

    def test_an_hour_is_by_the_clock_of_the_destination(self) -> None:
        destination = {"address": {"countryCode": "FI"}}
        (shipment,) = shipments_of(
            {"id": NUMBER, "destination": destination, "estimatedTimeOfDelivery": "2026-11-23T12:00"}
        )
        assert shipment.window is not None
        assert shipment.window.end is not None
        assert shipment.window.end.instant == datetime(2026, 11, 23, 10, tzinfo=UTC)

    def test_an_estimate_that_cannot_be_read_is_none(self) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "estimatedTimeOfDelivery": "soon"})
        assert shipment.window is None


class TestMeanings:
    def test_the_same_code_means_what_its_division_says(self) -> None:
        assert event_of("parcel-de", "AN").status is None
        assert event_of("parcel-pl", "AN").status is Status.EXCEPTION

    def test_an_unknown_code_falls_back_to_the_coarse_field_and_is_counted(self) -> None:
        event = event_of("express", "ZQ", "failure")
        assert (event.status, event.code, event.mapped) == (Status.EXCEPTION, "ZQ", False)

    def test_a_word_that_dhl_never_documented_is_unknown(self) -> None:
        event = event_of("express", "ZQ", "teleported")
        assert (event.status, event.mapped) == (Status.UNKNOWN, False)

    def test_a_sentence_in_place_of_a_code_is_no_unknown_code(self) -> None:
        event = event_of("parcel-de", "On its way to the next depot", "transit")
        assert (event.status, event.code, event.mapped) == (Status.IN_TRANSIT, "transit", True)
        assert event.text == "On its way to the next depot"

    def test_a_scan_that_says_nothing_is_none(self) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "service": "express", "events": [{}, 1, "PU", scan("PU")]})
        assert [event.code for event in shipment.events] == ["PU"]

    def test_a_caption_in_place_of_a_number_is_understood(self) -> None:
        event = event_of("ecommerce", "Out for Delivery", "transit")
        assert (event.status, event.code) == (Status.OUT_FOR_DELIVERY, "OUT FOR DELIVERY")

    @pytest.mark.parametrize(
        ("service", "code"),
        [
            ("parcel-de", "ZF"),
            ("parcel-nl", "DELIVERED_AT_ACCESSPOINT"),
            ("parcel-nl", "DELIVERED_AT_PARCELSTATION"),
            ("parcel-pl", "DOR_SP"),
            ("ecommerce", "601"),
            ("ecommerce-europe", "44"),
        ],
    )
    def test_delivered_to_a_shop_or_locker_is_waiting_there(self, service: str, code: str) -> None:
        assert event_of(service, code, "delivered").status is Status.AVAILABLE_FOR_PICKUP

    def test_brought_to_a_parcel_shop_is_not_yet_ready_there(self) -> None:
        assert event_of("parcel-nl", "DELIVERED_AT_PARCELSHOP", "delivered").status is Status.IN_TRANSIT

    @pytest.mark.parametrize(
        ("service", "code"), [("parcel-nl", "COLLECTED_AT_PARCELSHOP"), ("ecommerce-europe", "66"), ("svb", "FETCHED")]
    )
    def test_collected_by_the_recipient_is_delivered(self, service: str, code: str) -> None:
        assert event_of(service, code).status is Status.DELIVERED

    @pytest.mark.parametrize(
        ("service", "code"),
        [
            ("parcel-nl", "RETURNED_TO_SHIPPER"),
            ("ecommerce", "860"),
            ("ecommerce-europe", "366"),
            ("svb", "RETURNED_TO_SENDER"),
        ],
    )
    def test_delivered_to_the_sender_is_returned(self, service: str, code: str) -> None:
        assert event_of(service, code, "delivered").status is Status.RETURNED

    @pytest.mark.parametrize(
        ("service", "code"), [("express", "PD"), ("freight", "21-23"), ("parcel-nl", "PARTIAL_DELIVERY")]
    )
    def test_a_partial_delivery_is_not_the_end(self, service: str, code: str) -> None:
        event = event_of(service, code, "delivered")
        assert Flag.PARTIAL in event.flags
        assert not summarise([event]).final

    def test_a_hand_over_to_another_carrier_is_not_a_delivery(self) -> None:
        event = event_of("ecommerce", "642", "delivered")
        assert (event.status, event.flags) == (Status.IN_TRANSIT, (Flag.HANDOVER,))

    def test_delivered_after_a_return_has_begun_is_returned(self) -> None:
        there = {"location": {"address": {"countryCode": "IT"}}}
        back = {**scan("OK", "delivered", at="2026-11-20T10:00:00"), **there}
        began = {**scan("RT", "failure", at="2026-11-18T10:00:00"), **there}
        (shipment,) = shipments_of({"id": NUMBER, "service": "express", "events": [back, began]})
        assert summarise(arrange(shipment.events)).status is Status.RETURNED

    def test_a_mis_sort_makes_late_and_moves_nothing(self) -> None:
        event = event_of("express", "MS")
        assert (event.status, event.reason, event.flags) == (None, "carrier.missorted", (Flag.DELAYED,))


class TestPersonalData:
    @pytest.mark.parametrize("status", ["OK", "DD", "DELIVERED", "ZQ"])
    def test_who_signed_is_not_kept(self, status: str) -> None:
        assert "SOMEBODY" not in event_of("express", status, "delivered", "Delivered - Signed for by: SOMEBODY").text

    def test_other_texts_are_kept_without_blanks_around(self) -> None:
        assert event_of("parcel-de", "ZU", "delivered", "  Delivered  ").text == "Delivered"

    @pytest.mark.parametrize(
        ("written", "city"),
        [
            ("Musterweg 2, UTRECHT", "UTRECHT"),
            ("Musterweg 2, 3511 AB UTRECHT", "3511 AB UTRECHT"),
            ("UTRECHT, Musterweg 2", "UTRECHT"),
            ("UTRECHT - NETHERLANDS, THE", "UTRECHT"),
            ("Utrecht", "Utrecht"),
            ("", ""),
        ],
    )
    def test_a_street_beside_the_city_is_not_kept(self, written: str, city: str) -> None:
        assert place_of(written).city == city

    def test_a_proof_is_a_reference_and_names_nobody(self) -> None:
        proof = {"documentUrl": "https://proof.example/1", "signatureUrl": "string", "signed": {"name": "SOMEBODY"}}
        (shipment,) = shipments_of({"id": NUMBER, "details": {"proofOfDelivery": proof}})
        assert shipment.documents == (Document("proof_of_delivery", "https://proof.example/1"),)


class TestPieces:
    def test_a_scan_of_some_pieces_is_told_of_each(self) -> None:
        events = [{**scan("OK", "delivered"), "pieceIds": ["B", "A"]}, {**scan("WC"), "pieceIds": ["A", "B", "C"]}]
        (shipment,) = shipments_of(
            {"id": NUMBER, "service": "express", "details": {"pieceIds": ["A", "B", "C"]}, "events": events}
        )
        assert [event.piece for event in shipment.events] == ["A", "B", ""]
        taken = take_in(Found((shipment,)), dhl().manifest)
        assert isinstance(taken, Found)
        assert [(piece.number, piece.status) for piece in taken.shipments[0].pieces] == [
            ("A", Status.DELIVERED),
            ("B", Status.DELIVERED),
            ("C", Status.OUT_FOR_DELIVERY),
        ]

    def test_one_piece_is_the_parcel_itself(self) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "details": {"pieceIds": ["A", "A"]}})
        assert shipment.pieces == ()

    def test_a_consignment_of_hundreds_is_one(self) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "details": {"pieceIds": [f"P{i}" for i in range(101)]}})
        assert shipment.pieces == ()


class TestDetails:
    @pytest.mark.parametrize(
        ("weight", "expected"),
        [
            ({"value": 2, "unitText": "KG"}, Weight(2.0, "kg")),
            ({"value": 4.4, "unitText": "lbs"}, Weight(4.4, "lb")),
            ({"value": 4.4, "unitText": "stone"}, None),
            ({"value": 0, "unitText": "kg"}, None),
        ],
    )
    def test_a_weight_has_a_unit_that_is_understood(self, weight: Any, expected: Weight | None) -> None:
        (shipment,) = shipments_of({"id": NUMBER, "details": {"weight": weight}})
        assert shipment.weight == expected

    def test_the_language_of_the_texts_is_the_answers_and_not_the_one_asked_for(self) -> None:
        answer = answer_to({"shipments": [{"id": NUMBER}]}, headers={"content-language": "de, en"})
        assert isinstance(answer, Found)
        assert answer.shipments[0].language == "de"

    def test_an_unknown_product_is_named_by_its_division(self) -> None:
        product = {"product": {"productName": "UNKNOWN - Product unknown"}}
        (shipment,) = shipments_of({"id": NUMBER, "service": "parcel-de", "details": product})
        assert shipment.service == "DHL Paket"


@pytest.fixture
def published(specs: Path) -> Path:
    return specs / "samples/dhl_universal"


def test_published_answer_is_read_as_worked_out_by_hand(published: Path) -> None:
    answer = answer_to((published / "TrackingResponseJSON.json").read_bytes(), number="7777777770")
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    assert (shipment.number, shipment.service, len(shipment.pieces)) == ("7777777770", "DHL Express", 11)
    assert shipment.destination == Place(city="AMSTERDAM", postcode="1043 AG", country="NL")
    assert shipment.weight == Weight(253.5, "kg")
    assert [document.kind for document in shipment.documents] == ["proof_of_delivery"]
    assert shipment.window is not None
    assert shipment.window.start is not None
    assert shipment.window.end is not None
    assert shipment.window.start.instant == datetime(2018, 8, 3, 0, tzinfo=UTC)
    assert shipment.window.end.local == datetime(2018, 8, 4, 0)  # 22:00 UTC, two hours ahead in August
    (event,) = shipment.events
    # The published sample contradicts itself ("pre-transit" and "DELIVERED"): no code of Express, so the coarse field holds.
    assert (event.status, event.code, event.mapped) == (Status.LABEL_CREATED, "DELIVERED", False)
    assert event.text == "DELIVERED"  # the description is a name
    assert event.moment.instant == datetime(2018, 3, 2, 6, 53, 47, tzinfo=UTC)  # no offset: Amsterdam in winter


def test_published_error_is_not_found(published: Path) -> None:
    answer = answer_to((published / "TrackingErrorResponseJSON.json").read_bytes(), 404)
    assert isinstance(answer, NotFound)
