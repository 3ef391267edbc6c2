"""17TRACK: the contract, several numbers at once, registration, errors, and what was published."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from doorstep import (
    AuthRefused,
    CarrierError,
    CarrierUnavailable,
    Flag,
    Found,
    NotFound,
    Place,
    ProtocolError,
    Query,
    RateLimited,
    Request,
    Response,
    Shipment,
    Status,
)
from doorstep.testing import CarrierContract

from .seventeentrack import (
    NUMBER,
    OTHER,
    accepted,
    answer_to,
    body,
    failed,
    played,
    provider,
    rejected,
    scan,
    seventeentrack,
)


class TestContract(CarrierContract):
    package = "doorstep_seventeentrack"


class TestAsking:
    def test_one_number_is_asked_and_never_registered(self) -> None:
        request = next(seventeentrack(carrier_key=190008).track(Query(NUMBER, postcode="60601")))
        assert (request.method, request.path) == ("POST", "/track/v2.4/gettrackinfo")
        assert request.json == [{"number": NUMBER}]
        assert request.idempotent

    def test_the_key_goes_into_the_header(self) -> None:
        auth = seventeentrack().auth()
        with pytest.raises(StopIteration) as end:
            next(auth.login())
        assert auth.sign(Request("POST", "/"), end.value.value).headers == {"17token": "a-key"}

    def test_several_numbers_are_one_call(self) -> None:
        request = next(seventeentrack().track_many([Query(NUMBER), Query(OTHER)]))
        assert request.json == [{"number": NUMBER}, {"number": OTHER}]


class TestSeveralNumbers:
    def test_an_error_of_one_number_leaves_the_others_alone(self) -> None:
        said = body(accepted(tracking={"providers": [provider(scan())]}), rejected=[rejected(-18010012, OTHER)])
        answers = played(seventeentrack().track_many([Query(NUMBER), Query(OTHER)]), said)
        assert isinstance(answers[NUMBER], Found)
        assert isinstance(answers[OTHER], ProtocolError)

    @pytest.mark.parametrize("wrong", [17, "x", [1], {"tracking": 4}, {"tracking": {"providers": {"a": 1}}}])
    def test_what_cannot_be_read_of_one_number_leaves_the_others_alone(self, wrong: Any) -> None:
        damaged = {"number": OTHER, "track_info": wrong}
        said = body(damaged, None, 4, accepted(tracking={"providers": [provider(scan())]}))
        answers = played(seventeentrack().track_many([Query(NUMBER), Query(OTHER)]), said)
        assert isinstance(answers[NUMBER], Found)
        assert isinstance(answers[OTHER], ProtocolError | NotFound)

    def test_a_number_that_is_left_out_is_an_error_and_not_an_unknown_parcel(self) -> None:
        answers = played(seventeentrack().track_many([Query(NUMBER)]), body(rejected=[rejected(-18019902, OTHER)]))
        assert isinstance(answers[NUMBER], ProtocolError)
        assert isinstance(failed(body(rejected=[rejected(-18019902, OTHER)])), ProtocolError)


class TestRegistration:
    def register(self, said: Any, *queries: Query) -> Any:
        return played(seventeentrack().register(queries), said)

    def test_what_an_order_knows_goes_along(self) -> None:
        query = Query(NUMBER, postcode="60601", shipped_on="2026-11-14")
        request = next(seventeentrack(carrier_key=190008).register([query, Query(OTHER)]))
        assert (request.method, request.path, request.idempotent) == ("POST", "/track/v2.4/register", False)
        first = {"number": NUMBER, "carrier": 190008, "destination_postal_code": "60601", "ship_date": "2026-11-14"}
        assert request.json == [first, {"number": OTHER, "carrier": 190008}]

    def test_a_number_that_is_watched_already_counts_as_registered(self) -> None:
        said = body(accepted(OTHER), rejected=[rejected(-18019901)])
        assert self.register(said, Query(NUMBER), Query(OTHER)) == {NUMBER: None, OTHER: None}

    def test_a_number_that_was_not_asked_about_is_no_result(self) -> None:
        assert self.register(body(accepted(OTHER)), Query(NUMBER)) == {}

    @pytest.mark.parametrize(
        ("code", "kind"), [(-18019903, ProtocolError), (-18019907, RateLimited), (-18019908, RateLimited)]
    )
    def test_a_refusal_says_why(self, code: int, kind: type[CarrierError]) -> None:
        (error,) = self.register(body(rejected=[rejected(code)]), Query(NUMBER)).values()
        assert type(error) is kind
        assert error.next_step

    def test_a_quota_does_not_come_back_within_a_minute(self) -> None:
        (error,) = self.register(body(rejected=[rejected(-18019908)]), Query(NUMBER)).values()
        assert error.retry_after == 3600


class TestNotFoundAndErrors:
    @pytest.mark.parametrize("code", [-18019902, -18019909])
    def test_not_registered_and_no_news_yet_are_not_found(self, code: int) -> None:
        assert isinstance(answer_to(body(rejected=[rejected(code)])), NotFound)

    @pytest.mark.parametrize("status", ["NotFound", "Expired", None])
    def test_no_scan_and_no_status_is_not_found(self, status: str | None) -> None:
        assert isinstance(answer_to(body(accepted(latest_status={"status": status}))), NotFound)

    @pytest.mark.parametrize("code", [-18010001, -18010002, -18010004, -18010005])
    @pytest.mark.parametrize("whole", [True, False])
    def test_a_refused_account_is_told_apart_in_both_places_it_may_stand_in(self, code: int, whole: bool) -> None:
        problem = {"code": code, "message": "refused"}
        said = {"code": code, "data": {}} if whole else {"code": 0, "data": {"errors": [problem]}}
        assert isinstance(failed(said), AuthRefused)

    def test_a_failure_inside_http_200_is_no_unknown_parcel(self) -> None:
        assert isinstance(failed({"code": -18010003, "data": None}), CarrierUnavailable)

    @pytest.mark.parametrize(
        "said", [{}, {"code": 0}, {"code": 0, "data": {"quota_total": 9}}, {"code": 0, "data": []}]
    )
    def test_an_answer_that_lists_nothing_is_an_error(self, said: Any) -> None:
        assert isinstance(failed(said), ProtocolError)

    def test_a_number_of_two_carriers_is_not_found_only_when_neither_failed(self) -> None:
        assert isinstance(failed(body(accepted(), rejected=[rejected(-18010003)])), CarrierUnavailable)


def test_a_push_message_is_read_like_an_answer() -> None:
    pushed = {
        "event": "TRACKING_UPDATED",
        "data": accepted(tracking={"providers": [provider(scan("Delivered_Other"))]}),
    }
    answer = answer_to(pushed, number="")
    assert isinstance(answer, Found)
    assert [(one.number, one.events[0].status) for one in answer.shipments] == [(NUMBER, Status.DELIVERED)]


def test_without_a_number_every_shipment_of_a_recorded_answer_is_meant() -> None:
    entries = [accepted(number, tracking={"providers": [provider(scan())]}) for number in (NUMBER, OTHER)]
    answer = answer_to(body(*entries, rejected=[rejected(-18019902, "AC482107352")]), number="")
    assert isinstance(answer, Found)
    assert [shipment.number for shipment in answer.shipments] == [NUMBER, OTHER]


class TestPublished:
    """Test data that a public client of v2.4 was written with, shaped like the examples of 17TRACK's documentation."""

    @pytest.fixture
    def published(self) -> Path:
        shared = os.environ.get("DOORSTEP_SHARED")
        if not shared:
            pytest.skip("DOORSTEP_SHARED does not name the folder with the published samples")
        return Path(shared) / "carriers/specs/aggregators/17track_fixtures"

    def found(self, file: Path, number: str = "") -> Shipment:
        answer = answer_to(file.read_bytes(), number)
        assert isinstance(answer, Found)
        (shipment,) = answer.shipments
        return shipment

    def test_a_delivery_whose_time_has_no_zone(self, published: Path) -> None:
        shipment = self.found(published / "gettrackinfo_correios_2151.json", "AA123456789BR")
        assert (shipment.carrier_name, shipment.service, shipment.language) == ("Correios", "SEDEX", "pt")
        assert (shipment.legs, shipment.window, shipment.weight) == ((), None, None)
        assert shipment.origin == Place("SAO PAULO", "SP", "01000-000", "BR")
        assert shipment.destination == Place("RECIFE", "PE", "50000-000", "BR")
        delivered, out, posted = shipment.events
        assert (delivered.status, delivered.code) == (Status.DELIVERED, "Delivered_Other")
        assert delivered.text == "Objeto entregue ao destinatário"
        assert delivered.place == Place("RECIFE", "PE", "50000-000", "BR")
        # Brazil has several zones, and the carrier wrote none.
        assert (delivered.moment.local, delivered.moment.instant) == (datetime(2026, 6, 30, 14, 23), None)
        assert (out.status, out.moment.instant) == (Status.OUT_FOR_DELIVERY, datetime(2026, 6, 28, 11, 40, tzinfo=UTC))
        assert (posted.status, posted.moment.instant) == (Status.ACCEPTED, datetime(2026, 6, 25, 13, 12, tzinfo=UTC))
        assert shipment.final

    def test_a_status_of_the_future_and_an_estimate(self, published: Path) -> None:
        shipment = self.found(published / "gettrackinfo_yanwen_190012.json", "YT2616912345678901")
        assert (shipment.carrier_name, shipment.language) == ("Yanwen", "")
        arrived, future, collected = shipment.events
        assert (arrived.status, arrived.moment.instant) == (Status.IN_TRANSIT, datetime(2026, 6, 29, 13, 5, tzinfo=UTC))
        assert (future.status, future.code, future.mapped) == (Status.IN_TRANSIT, "InTransit_QuantumTunnelling", False)
        assert (collected.status, collected.moment.offset) == (Status.ACCEPTED, "+08:00")
        assert shipment.window is not None
        days = [
            end.local.date().isoformat() for end in (shipment.window.start, shipment.window.end) if end and end.local
        ]
        assert days == ["2026-07-08", "2026-07-12"]

    def test_the_number_that_is_not_registered_in_the_same_answer(self, published: Path) -> None:
        raw = (published / "gettrackinfo_yanwen_190012.json").read_bytes()
        assert isinstance(answer_to(raw, "21213123123230"), NotFound)
        assert self.found(published / "gettrackinfo_yanwen_190012.json").number == "YT2616912345678901"

    def test_a_parcel_on_its_way_back(self, published: Path) -> None:
        shipment = self.found(published / "gettrackinfo_exception_returning.json", "AA555666777BR")
        (event,) = shipment.events
        assert (event.status, event.flags) == (Status.RETURNING, (Flag.RETURN,))
        assert event.moment.instant == datetime(2026, 6, 27, 14, 15, tzinfo=UTC)
        assert (shipment.origin.country, shipment.destination.country) == ("BR", "PT")
        assert shipment.status is Status.RETURNING

    def test_registrations(self, published: Path) -> None:
        queries = [Query("AA123456789BR"), Query("1234")]
        mixed = played(seventeentrack().register(queries), (published / "register_mixed.json").read_bytes())
        assert mixed["AA123456789BR"] is None
        assert isinstance(mixed["1234"], ProtocolError)
        again = played(
            seventeentrack().register(queries), (published / "register_already_registered.json").read_bytes()
        )
        assert again == {"AA123456789BR": None}

    def test_a_message_that_tracking_stopped_says_nothing_of_the_parcel(self, published: Path) -> None:
        assert isinstance(answer_to((published / "webhook_tracking_stopped.json").read_bytes(), ""), NotFound)

    def test_a_list_of_what_is_registered_holds_no_scans(self, published: Path) -> None:
        assert isinstance(answer_to((published / "gettracklist_page.json").read_bytes(), ""), NotFound)

    def test_a_quota_is_no_answer_about_a_parcel(self, published: Path) -> None:
        exchange = seventeentrack().track(Query(""))
        next(exchange)
        with pytest.raises(ProtocolError):
            exchange.send(Response(200, {}, (published / "getquota.json").read_bytes()))
