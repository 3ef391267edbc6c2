"""Royal Mail: the contract, and what is peculiar to its mail pieces."""

import base64
import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from doorstep import (  # isort: skip
    Answer, Answers, Basis, CarrierUnavailable, Document, Event, File, Flag, Found, Leg, Moment, NotFound, Place, Precision,
    ProtocolError, Query, Request, Response, Secret, Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_royal_mail import RoyalMail, Settings

ONE_D = "SD418273062GB"
TWO_D = "0204182730600000A1C7E"
OTHER = "TK604182937GB"
PNG = b"\x89PNG\r\n\x1a\n and the rest"


class TestContract(CarrierContract):
    package = "doorstep_royal_mail"


def royal_mail() -> RoyalMail:
    home = files("doorstep_royal_mail")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return RoyalMail(manifest, codes, Settings("a-client", Secret("a-secret")))


def response(body: Any, status: int = 200) -> Response:
    return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def answer(body: Any, *, number: str = ONE_D, status: int = 200) -> Answer:
    return replay(royal_mail().track(Query(number)), response(body, status))


def answers(body: Any, *numbers: str, status: int = 200) -> Answers:
    return replay(royal_mail().track_many([Query(number) for number in numbers]), response(body, status))


def file(body: Any, *, status: int = 200) -> File | NotFound:
    return replay(royal_mail().document(Query(ONE_D), Document("signature", "1")), response(body, status))


def found(body: Any, *, number: str = ONE_D) -> Shipment:
    got = answer(body, number=number)
    assert isinstance(got, Found)
    (shipment,) = got.shipments
    return shipment


def scan(code: str, at: str = "2026-11-20T10:42:00+00:00", place: str = "Leeds DO", name: str = "…") -> dict[str, Any]:
    return {"eventCode": code, "eventName": name, "eventDateTime": at, "locationName": place}


def last(code: str, at: str = "2026-11-20T10:42:00+00:00") -> dict[str, Any]:
    return {"lastEventCode": code, "lastEventName": "…", "lastEventDateTime": at, "lastEventLocationName": "Leeds DO"}


def piece(*scans: Any, number: str = ONE_D, summary: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    home = {"originCountryCode": "GBR", "destinationCountryCode": "GBR", "productCategory": "NON-INTERNATIONAL"}
    events = {"events": list(scans)} if scans else {}
    return {"mailPieceId": number, "summary": {**home, **(summary or {})}, **events, **fields}


def of(*scans: Any, **fields: Any) -> Shipment:
    return found({"mailPieces": piece(*scans, **fields)})


def event(code: str, **fields: Any) -> Event:
    return of(scan(code), **fields).events[0]


def window(**estimate: Any) -> tuple[Moment, Moment]:
    expected = of(scan("EVGPD"), estimatedDelivery=estimate).window
    assert expected is not None
    return expected.start or Moment(""), expected.end or Moment("")


def status_of(*codes: str) -> Status:
    """The status after these codes, oldest first, a day between each and the next."""
    scans = [scan(code, f"2026-11-{day:02}T12:00:00+00:00") for day, code in enumerate(codes, 10)]
    return summarise(arrange(of(*scans[::-1]).events)).status


def fault(code: str, text: str = "no") -> dict[str, Any]:
    return {"errorCode": code, "errorDescription": text, "errorCause": "…", "errorResolution": "…"}


class TestRequests:
    def test_every_request_accepts_the_terms_and_names_the_client(self) -> None:
        carrier = royal_mail()
        auth = carrier.auth()
        with pytest.raises(StopIteration) as end:
            next(auth.login())
        firsts: list[Request] = [
            next(carrier.track(Query(ONE_D))),
            next(carrier.track_many([Query(ONE_D)])),
            next(carrier.document(Query(ONE_D), Document("signature", "1"))),
        ]
        for request in firsts:
            assert auth.sign(request, end.value.value).headers == {
                "Accept": "application/json", "X-Accept-RMG-Terms": "yes",
                "X-IBM-Client-Id": "a-client", "X-IBM-Client-Secret": "a-secret",
            }  # fmt: skip

    def test_a_number_cannot_leave_its_path(self) -> None:
        assert next(royal_mail().track(Query("A/../B?c"))).path == "/A%2F..%2FB%3Fc/events"
        document = Document("signature", "1")
        assert next(royal_mail().document(Query("A/B"), document)).path == "/A%2FB/signature"

    def test_a_summary_asks_for_all_numbers_at_once(self) -> None:
        request = next(royal_mail().track_many([Query(ONE_D), Query(TWO_D)]))
        assert (request.path, request.params) == ("/summary", {"mailPieceId": f"{ONE_D},{TWO_D}"})


class TestNumbers:
    @pytest.mark.parametrize("number", [ONE_D, TWO_D])
    def test_the_number_asked_is_kept_whichever_of_the_two_it_is(self, number: str) -> None:
        body = {"mailPieces": piece(scan("EVKOP"), number=TWO_D, summary={"uniqueItemId": TWO_D, "oneDBarcode": ONE_D})}
        assert found(body, number=number).number == number

    def test_of_a_list_only_what_goes_by_the_number_is_given(self) -> None:
        body = {"mailPieces": [piece(scan("EVKOP"), number=OTHER), piece(scan("EVGPD")), None]}
        assert found(body).events[0].code == "EVGPD"

    def test_a_number_that_was_used_twice_is_two_shipments(self) -> None:
        got = answer({"mailPieces": [piece(scan("EVKOP")), piece(scan("EVGPD"))]})
        assert isinstance(got, Found)
        assert [shipment.events[0].code for shipment in got.shipments] == ["EVKOP", "EVGPD"]

    def test_a_recorded_answer_gives_every_shipment_in_it(self) -> None:
        body = {"mailPieces": [piece(scan("EVKOP"), number=OTHER), piece(scan("EVGPD")), {"error": fault("E1142")}]}
        got = answer(body, number="")
        assert isinstance(got, Found)
        assert [shipment.number for shipment in got.shipments] == [OTHER, ONE_D]


class TestErrors:
    @pytest.mark.parametrize("status", [400, 404])
    def test_e1142_is_not_found_whatever_the_status(self, status: int) -> None:
        got = answer({"httpCode": str(status), "errors": [fault("E1142", "unknown")]}, status=status)
        assert got == NotFound("E1142: unknown")

    @pytest.mark.parametrize("field", [{"error": fault("E1142")}, {"errors": [fault("E1142")]}])
    def test_e1142_in_place_of_the_mail_piece_is_not_found(self, field: dict[str, Any]) -> None:
        assert isinstance(answer({"mailPieces": {"mailPieceId": ONE_D, **field}}), NotFound)

    @pytest.mark.parametrize("status", [200, 400, 404])
    def test_e1144_means_that_the_carrier_has_no_answer_now(self, status: int) -> None:
        with pytest.raises(CarrierUnavailable, match="E1144"):
            answer({"errors": [fault("E1144")]}, status=status)

    def test_missing_terms_are_an_error_and_not_an_unknown_number(self) -> None:
        with pytest.raises(ProtocolError, match="E0004"):
            answer({"httpCode": "400", "errors": [fault("E0004")]}, status=400)

    @pytest.mark.parametrize("body", [{"httpMessage": "Not Found"}, {"errors": []}, {"errors": None}])
    def test_http_404_without_royal_mails_error_is_no_unknown_number(self, body: Any) -> None:
        with pytest.raises(ProtocolError):
            answer(body, status=404)

    @pytest.mark.parametrize(
        "pieces", [None, {}, [], [None], {"events": []}, {"events": "x"}, {"events": [{}]}, "x", 17, {"summary": 1}]
    )
    def test_an_answer_about_nothing_is_refused(self, pieces: Any) -> None:
        with pytest.raises(ProtocolError):
            answer({"mailPieces": pieces})


class TestSummaries:
    def test_a_summary_keeps_the_last_event(self) -> None:
        got = answers({"mailPieces": [piece(summary=last("EVKSF"))]}, ONE_D)[ONE_D]
        assert isinstance(got, Found)
        (only,) = got.shipments[0].events
        assert (only.status, only.code, only.place) == (Status.DELIVERED, "EVKSF", Place(name="Leeds DO", country="GB"))
        assert only.moment.instant == datetime(2026, 11, 20, 10, 42, tzinfo=UTC)

    def test_each_number_has_its_own_result(self) -> None:
        missing = {"mailPieceId": "B", "status": "404", "error": fault("E1142")}
        later = {"mailPieceId": "C", "errors": [fault("E1144")]}
        got = answers({"mailPieces": [missing, piece(number="A", summary=last("EVKOP")), later]}, *"ABCD")
        assert [type(got[number]) for number in "ABCD"] == [Found, NotFound, CarrierUnavailable, ProtocolError]

    def test_one_item_asked_by_both_numbers_answers_both(self) -> None:
        one = piece(number=TWO_D, summary={"oneDBarcode": ONE_D, **last("EVKOP")})
        got = answers({"mailPieces": [one]}, ONE_D, TWO_D)
        assert [found.shipments[0].number for found in got.values() if isinstance(found, Found)] == [ONE_D, TWO_D]

    def test_errors_beside_the_list_count_for_the_numbers_they_name(self) -> None:
        known = piece(number="AAA", summary=last("EVKOP"))
        body = {"mailPieces": [known], "errors": [fault("E1142", "BBB is unknown")]}
        got = answers(body, "AAA", "BBB", "CCC")
        assert [type(got[number]) for number in ("AAA", "BBB", "CCC")] == [Found, NotFound, ProtocolError]

    def test_one_unknown_number_does_not_make_the_others_unknown(self) -> None:
        got = answers({"errors": [fault("E1142")]}, "AAA", "BBB", status=404)
        assert [type(outcome) for outcome in got.values()] == [ProtocolError, ProtocolError]

    def test_an_object_in_place_of_the_list_counts_for_its_own_number(self) -> None:
        got = answers({"mailPieces": piece(summary=last("EVKOP"))}, ONE_D, OTHER)
        assert [type(outcome) for outcome in got.values()] == [Found, ProtocolError]

    def test_a_summary_is_not_the_complete_answer_and_a_list_of_events_is(self) -> None:
        summarised = answers({"mailPieces": [piece(summary=last("EVKOP"))]}, ONE_D)[ONE_D]
        listed = answer({"mailPieces": piece(scan("EVKOP"))})
        assert isinstance(summarised, Found)
        assert isinstance(listed, Found)
        assert (summarised.complete, listed.complete) == (False, True)


class TestSignatures:
    def test_a_signature_is_a_reference_and_its_signer_is_nowhere(self) -> None:
        signature = {"recipientName": "SOMEBODY", "signatureDateTime": "2026-11-20T10:42:00+00:00", "imageId": "720418"}
        shipment = of(scan("EVKSP"), signature=signature)
        assert shipment.documents == (Document("signature", "720418"),)
        assert b"SOMEBODY" not in msgspec.json.encode(shipment)

    def test_a_signature_without_an_image_number_is_referred_to_by_the_mail_piece(self) -> None:
        signature = {"recipientName": None, "signatureDateTime": "2026-11-20T10:42:00+00:00"}
        assert of(scan("EVKSP"), signature=signature).documents == (Document("signature", ONE_D),)

    @pytest.mark.parametrize("signature", [None, {}, {"recipientName": None, "signatureDateTime": "", "imageId": None}])
    def test_nothing_signed_is_no_document(self, signature: Any) -> None:
        assert of(scan("EVKOP"), signature=signature).documents == ()

    @pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
    def test_an_image_in_base64_is_a_file_of_its_type(self, head: str) -> None:
        image = head + base64.b64encode(PNG).decode()
        assert file({"mailPieces": piece(signature={"image": image, "imageFormat": "base64"})}) == File(
            "image/png", PNG
        )

    def test_an_image_as_the_text_of_an_svg_is_a_file_too(self) -> None:
        got = file({"mailPieces": piece(signature={"image": '<svg xmlns="http://www.w3.org/2000/svg"/>'})})
        assert got == File("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>')

    @pytest.mark.parametrize("image", ["AAAA", "not base64!", "é", 17, ["x"], base64.b64encode(b"MZ").decode()])
    def test_what_is_no_image_is_refused(self, image: Any) -> None:
        with pytest.raises(ProtocolError, match="no document that can be read"):
            file({"mailPieces": piece(signature={"image": image})})

    @pytest.mark.parametrize("signature", [None, {}, {"image": None}, {"image": ""}, {"imageId": "720418"}])
    def test_a_mail_piece_without_an_image_has_no_such_document(self, signature: Any) -> None:
        assert isinstance(file({"mailPieces": piece(signature=signature)}), NotFound)

    def test_a_mail_piece_that_is_not_known_has_no_such_document(self) -> None:
        assert file({"errors": [fault("E1142", "unknown")]}, status=404) == NotFound("E1142: unknown")

    @pytest.mark.parametrize(("code", "error"), [("E1144", CarrierUnavailable), ("E0004", ProtocolError)])
    def test_another_refusal_is_an_error_of_its_kind(self, code: str, error: type[Exception]) -> None:
        with pytest.raises(error, match=code):
            file({"errors": [fault(code)]}, status=404)

    def test_an_answer_about_nothing_is_no_missing_signature(self) -> None:
        with pytest.raises(ProtocolError, match="no reason given"):
            file({})

    def test_a_signature_of_another_mail_piece_is_not_given(self) -> None:
        other = piece(number=OTHER, signature={"image": base64.b64encode(PNG).decode()})
        with pytest.raises(ProtocolError, match="without this mail piece"):
            file({"mailPieces": [other]})


class TestTimes:
    def test_a_window_joins_its_day_and_its_times(self) -> None:
        times = {"startOfEstimatedWindow": "08:00:00+01:00", "endOfEstimatedWindow": "11:00:00+01:00"}
        start, end = window(date="2026-07-03", **times)
        assert (start.instant, end.instant) == (
            datetime(2026, 7, 3, 7, tzinfo=UTC),
            datetime(2026, 7, 3, 10, tzinfo=UTC),
        )
        assert (start.local, end.local) == (datetime(2026, 7, 3, 8), datetime(2026, 7, 3, 11))

    def test_a_window_without_offsets_is_by_the_clock_of_the_destination(self) -> None:
        start, end = window(date="2026-07-03", endOfEstimatedWindow="11:00")
        assert start == Moment("")
        assert (end.instant, end.basis) == (datetime(2026, 7, 3, 10, tzinfo=UTC), Basis.COUNTRY)

    @pytest.mark.parametrize("time", [None, "", "morning"])
    def test_a_day_without_times_is_a_whole_day(self, time: Any) -> None:
        start, end = window(date="2026-11-21", startOfEstimatedWindow=time, endOfEstimatedWindow=time)
        assert start == end
        assert (start.precision, start.instant, start.local) == (Precision.DAY, None, datetime(2026, 11, 21))

    @pytest.mark.parametrize("estimate", [None, {}, {"date": "soon", "startOfEstimatedWindow": "08:00:00Z"}])
    def test_times_without_a_day_are_no_window(self, estimate: Any) -> None:
        assert of(scan("EVIMC"), estimatedDelivery=estimate).window is None

    def test_a_time_without_offset_is_british_at_home_only(self) -> None:
        at = "2026-07-03T10:42:00"
        assert of(scan("EVKOP", at)).events[0].moment.instant == datetime(2026, 7, 3, 9, 42, tzinfo=UTC)
        abroad = of(scan("EVKOP", at), summary={"destinationCountryCode": "PRT"}).events[0].moment
        assert (abroad.instant, abroad.local) == (None, datetime(2026, 7, 3, 10, 42))


class TestPlaces:
    @pytest.mark.parametrize(
        ("origin", "destination", "category", "country"),
        [
            ("GBR", "GBR", "NON-INTERNATIONAL", "GB"),
            (None, "GBR", "NON-INTERNATIONAL", "GB"),
            ("GBR", "GBR", None, "GB"),
            (None, "GBR", None, ""),  # it may come from abroad
            ("USA", "GBR", "INTERNATIONAL", ""),
            ("GBR", "PRT", "INTERNATIONAL", ""),
            ("GBR", "JEY", "NON-INTERNATIONAL", ""),
        ],
    )
    def test_a_scan_is_in_britain_where_the_mail_piece_never_leaves_it(
        self, origin: str | None, destination: str, category: str | None, country: str
    ) -> None:
        ends = {"originCountryCode": origin, "destinationCountryCode": destination, "productCategory": category}
        assert event("EVIMC", summary=ends).place == Place(name="Leeds DO", country=country)

    def test_a_country_in_three_letters_is_kept_in_two(self) -> None:
        shipment = of(scan("EVIMC"), summary={"originCountryCode": "IRL", "destinationCountryCode": "GBR"})
        assert (shipment.origin, shipment.destination) == (Place(country="IE"), Place(country="GB"))

    @pytest.mark.parametrize("code", ["XYZ", "", None, 826])
    def test_what_is_no_country_is_left_empty(self, code: Any) -> None:
        assert of(scan("EVIMC"), summary={"destinationCountryCode": code}).destination == Place()

    def test_the_post_abroad_is_a_leg_under_the_international_number(self) -> None:
        abroad = {"oneDBarcode": "LV407192632GB", "internationalPostalProvider": {"title": "CTT Correios de Portugal"}}
        assert of(scan("EVDAC"), summary=abroad).legs == (Leg("CTT Correios de Portugal", "LV407192632GB"),)

    @pytest.mark.parametrize("provider", [None, {}, {"title": None}, {"title": "Royal Mail Group Ltd"}])
    def test_royal_mail_itself_is_no_leg(self, provider: Any) -> None:
        assert of(scan("EVDAC"), summary={"internationalPostalProvider": provider}).legs == ()


class TestEvents:
    def test_events_written_oldest_first_are_turned_round(self) -> None:
        minute = "2026-11-20T10:42:00+00:00"
        scans = [scan("EVAIP", "2026-11-19T09:00:00+00:00"), scan("EVGPD", minute), scan("EVKOP", minute)]
        expected = ["EVKOP", "EVGPD", "EVAIP"]
        assert [event.code for event in arrange(of(*scans).events)] == expected
        assert [event.code for event in arrange(of(*scans[::-1]).events)] == expected

    def test_the_last_event_of_the_summary_is_not_told_twice(self) -> None:
        shipment = of(scan("EVKOP"), scan("EVGPD"), summary=last("EVKOP"))
        assert [event.code for event in shipment.events] == ["EVKOP", "EVGPD"]

    def test_the_last_event_of_the_summary_is_the_newest_though_the_list_runs_oldest_first(self) -> None:
        # Abroad, without offsets: no instant says which is the newest.
        scans = [scan("EVAIP", "2026-11-18T09:00:00"), scan("EVIMC", "2026-11-19T09:00:00")]
        abroad = {"destinationCountryCode": "PRT", **last("EVDAC", "2026-11-20T09:00:00")}
        for told in (scans, scans[::-1]):
            codes = [event.code for event in arrange(of(*told, summary=abroad).events)]
            assert codes == ["EVDAC", "EVIMC", "EVAIP"]

    @pytest.mark.parametrize("events", [None, [], [None], "x", [17], [{}], {"at": "x"}])
    def test_without_a_list_the_summarys_event_is_all(self, events: Any) -> None:
        assert [event.code for event in of(summary=last("EVKOP"), events=events).events] == ["EVKOP"]

    def test_a_field_of_a_wrong_type_costs_that_field_only(self) -> None:
        odd = {"eventCode": "EVKOP", "eventName": {"en": "x"}, "eventDateTime": {"at": 1}, "locationName": 7}
        only = of(odd, summary={"productName": {"en": "x"}}).events[0]
        assert (only.status, only.text, only.moment.instant, only.place.name) == (Status.DELIVERED, "", None, "7")


class TestMeanings:
    def test_an_unknown_code_of_the_last_event_falls_back_to_the_category(self) -> None:
        category = {"statusCategory": "in transit", **last("EVZZQ")}
        events = of(scan("EVZZQ"), scan("EVZZQ", "2026-11-19T09:00:00+00:00"), summary=category).events
        assert [(one.status, one.mapped) for one in events] == [(Status.IN_TRANSIT, False), (Status.UNKNOWN, False)]

    @pytest.mark.parametrize(("code", "status"), [("EVRTS", Status.RETURNED), ("EVKLC", Status.AVAILABLE_FOR_PICKUP)])
    def test_a_known_code_is_believed_before_the_category(self, code: str, status: Status) -> None:
        assert event(code, summary={"statusCategory": "DELIVERED", **last(code)}).status is status

    @pytest.mark.parametrize(
        ("codes", "status"),
        [
            (("EVGPD", "EVKNA", "EVNAR"), Status.DELIVERY_ATTEMPTED),
            (("EVGPD", "EVKNA", "RORXS", "EVGPD"), Status.OUT_FOR_DELIVERY),
            (("EVGPD", "EVGMI"), Status.IN_TRANSIT),
            (("EVGPD", "EVNKS"), Status.IN_TRANSIT),
            (("EVGPD", "EVKRF", "EVDAC"), Status.RETURNING),
            (("EVKGA", "EVKOP"), Status.RETURNED),
            (("EVKLC", "EVPLC"), Status.DELIVERED),
            (("EVKOP", "EVGPD"), Status.OUT_FOR_DELIVERY),  # a scan by mistake
        ],
    )
    def test_scans_together_say_where_it_is(self, codes: tuple[str, ...], status: Status) -> None:
        assert status_of(*codes) is status


@pytest.fixture
def published(specs: Path) -> Path:
    return specs / "samples/royalmail"


def test_published_answer_is_read_as_worked_out_by_hand(published: Path) -> None:
    shipment = found((published / "TrackingResponseJSON.json").read_bytes(), number="FQ087430672GB")
    assert (shipment.number, shipment.service) == ("FQ087430672GB", "Special Delivery Guaranteed")
    assert (shipment.origin, shipment.destination) == (Place(country="GB"), Place(country="GB"))
    assert (shipment.documents, shipment.legs) == ((Document("signature", "001234"),), ())
    assert shipment.window is not None
    ends = [end and end.instant for end in (shipment.window.start, shipment.window.end)]
    # The offset is written as of summer, in February: it is kept as written.
    assert ends == [datetime(2017, 2, 20, 7, tzinfo=UTC), datetime(2017, 2, 20, 10, tzinfo=UTC)]
    (only,) = shipment.events
    assert (only.status, only.code, only.text) == (Status.IN_TRANSIT, "EVNMI", "Forwarded - Mis-sort")
    assert (only.flags, only.reason) == ((Flag.DELAYED,), "carrier.missorted")
    assert only.moment.instant == datetime(2016, 10, 20, 9, 4, tzinfo=UTC)
    assert only.place == Place(name="Stafford DO", country="GB")


def test_published_error_is_the_missing_header(published: Path) -> None:
    with pytest.raises(ProtocolError, match="E0004"):
        answer((published / "TrackingErrorResponseJSON.json").read_bytes(), status=400)
