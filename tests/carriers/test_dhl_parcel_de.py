"""DHL Paket: the contract, and what is peculiar to the Parcel DE Tracking API."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

import msgspec
import pytest
from defusedxml.ElementTree import fromstring

from doorstep import (  # isort: skip
    Answer, AuthRefused, CarrierUnavailable, Document, Event, File, Flag, Found, NotFound, ProtocolError, Query, RateLimited,
    Response, Secret, Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.manifest import load_manifest
from doorstep.packages import installed
from doorstep.recognition import Hints, Recognizer
from doorstep.summary import arrange, summarise
from doorstep.testing import CarrierContract
from doorstep_dhl_parcel_de import DHLParcelDE, Settings

NUMBER = "00340434820573649105"
HOME = files("doorstep_dhl_parcel_de")


class TestContract(CarrierContract):
    package = "doorstep_dhl_parcel_de"


def paket() -> DHLParcelDE:
    manifest = load_manifest((HOME / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((HOME / "codes.toml").read_text("utf-8"), file="codes.toml")
    return DHLParcelDE(manifest, codes, Settings("key", Secret("secret"), 'a"user', Secret("<word>")))


def element(name: str, *inner: Element, **attributes: str) -> Element:
    made = Element("data", {"name": name, **{key.replace("_", "-"): value for key, value in attributes.items()}})
    made.extend(inner)
    return made


def scan(code: str, at: str = "20.11.2026 12:00", country: str = "Germany", **more: str) -> Element:
    ice, ric, standard = code.split("/")
    own = {"ice": ice, "ric": ric, "standard_event_code": standard, "event_status": "…", **more}
    return element("piece-event", event_timestamp=at, event_country=country, **own)


def piece(*scans: Element, **more: str) -> Element:
    own = {"error_status": "0", "piece_code": NUMBER, "origin_country": "DE", "dest_country": "DE", **more}
    return element("piece-shipment", element("piece-event-list", *scans), **own)


def body(*pieces: Element, code: str = "0", **more: str) -> Response:
    return Response(200, {}, tostring(element("piece-shipment-list", *pieces, code=code, **more)))


def answer(*pieces: Element, number: str = NUMBER, language: str = "en", **more: str) -> Answer:
    return replay(paket().track(Query(number, language)), body(*pieces, **more))


def of(*scans: Element, language: str = "en", **more: str) -> Shipment:
    got = answer(piece(*scans, **more), language=language)
    assert isinstance(got, Found)
    return got.shipments[0]


def event(code: str, **more: Any) -> Event:
    return of(scan(code, **more)).events[0]


def status_of(*codes: str, back: str = "false", **more: str) -> Status:
    """The status after these scans, oldest first, a day between each and the next."""
    scans = [scan(code, f"{day}.11.2026 12:00", ruecksendung=back) for day, code in enumerate(codes, 10)]
    return summarise(arrange(of(*scans, **more).events)).status


class TestRequests:
    def test_user_and_password_travel_in_the_element_and_the_key_in_the_header(self) -> None:
        carrier = paket()
        auth, request = carrier.auth(), next(carrier.track(Query(NUMBER, "de-AT", postcode="53113")))
        with pytest.raises(StopIteration) as end:
            next(auth.login())
        signed = auth.sign(request, end.value.value)
        assert (signed.path, signed.headers["Authorization"]) == (
            "/parcel/de/tracking/v0/shipments",
            "Basic a2V5OnNlY3JldA==",
        )
        assert list(signed.params) == ["xml"]
        assert signed.params["xml"].startswith("<?xml version='1.0' encoding='UTF-8'?>")
        assert fromstring(signed.params["xml"].encode()).attrib == {
            "appname": 'a"user', "password": "<word>", "request": "d-get-piece-detail", "piece-code": NUMBER,
            "language-code": "de", "zip-code": "53113",
        }  # fmt: skip

    def test_a_postcode_that_is_not_the_parcels_is_left_out_the_second_time(self) -> None:
        exchange = paket().track(Query(NUMBER, postcode="53113"))
        next(exchange)
        again = exchange.send(body(code="57", error="No info"))
        assert "zip-code" not in again.params
        with pytest.raises(StopIteration) as end:
            exchange.send(body(piece(scan("DLVRD/ACCPT/ZU"))))
        assert isinstance(end.value.value, Found)

    def test_many_numbers_are_asked_without_a_postcode(self) -> None:
        request = next(paket().track_many([Query("1", postcode="53113"), Query("2")]))
        assert (request.params["piece-code"], "zip-code" in request.params) == ("1;2", False)


class TestErrors:
    @pytest.mark.parametrize("code", ["100", "200", "41", "61"])
    def test_no_data_is_not_found(self, code: str) -> None:
        assert answer(code=code, error="none") == NotFound("none")
        assert answer(piece(error_status=code, status="none")) == NotFound("none")

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("5", AuthRefused), ("62", AuthRefused), ("6", RateLimited), ("-1", CarrierUnavailable), ("-2", CarrierUnavailable),
            ("-1000", CarrierUnavailable), ("63", CarrierUnavailable), ("58", ProtocolError), ("", ProtocolError),
            ("57", ProtocolError), ("0", ProtocolError),
        ],
    )  # fmt: skip
    def test_every_other_code_is_an_error_of_its_kind(self, code: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            answer(code=code, error="said")

    def test_a_piece_that_fails_or_is_another_is_no_unknown_number(self) -> None:
        for one in (piece(error_status="9"), piece(piece_code="00340434111111111111")):
            with pytest.raises(ProtocolError):
                answer(one)

    def test_each_number_of_a_batch_has_its_own_answer(self) -> None:
        pieces = [piece(scan("DLVRD/ACCPT/ZU")), piece(error_status="100", piece_code="B")]
        got = replay(paket().track_many([Query(NUMBER), Query("B"), Query("C")]), body(*pieces))
        assert [type(one) for one in got.values()] == [Found, NotFound, ProtocolError]


class TestNumbers:
    def test_zeros_in_front_do_not_count(self) -> None:
        got = answer(piece(piece_code="", piece_identifier=NUMBER[2:]))
        assert isinstance(got, Found)
        assert got.shipments[0].number == NUMBER

    def test_a_file_without_a_number_gives_every_piece(self) -> None:
        got = answer(piece(), piece(piece_code="X"), number="")
        assert isinstance(got, Found)
        assert [one.number for one in got.shipments] == [NUMBER, "X"]


class TestMeanings:
    @pytest.mark.parametrize(
        ("codes", "status"),
        [
            (["PARCV/NRQRD/VA", "SRTED/NRQRD/NB"], Status.IN_TRANSIT),
            (["SRTED/NRQRD/NB", "SRTED/NRQRD/PO"], Status.OUT_FOR_DELIVERY),
            (["SRTED/NRQRD/PO", "DLVRD/SERPT/ZU"], Status.AVAILABLE_FOR_PICKUP),
            (["CNRFC/SERPT/ZF", "DLVRD/ACCPK/ZU"], Status.DELIVERED),
            (["SRTED/NRQRD/PO", "DSPSD/NTCLM/ZU"], Status.EXCEPTION),  # disposed of
            (["SRTED/NRQRD/PO", "DLVRD/AGENT/ZU"], Status.IN_TRANSIT),
            (["OFWRD/RTSCR/AA", "ULFMV/UNLDD/EE"], Status.RETURNING),
            (["RETRN/RFUSD/ZN", "DLVRD/ACCPT/ZU"], Status.RETURNED),
            (["DLVRD/ACCPT/ZU", "DLVRD/CODAR/GT"], Status.DELIVERED),
            (["DLVRD/ACCPT/ZU", "MSRTD/CRRCS/BV"], Status.EXCEPTION),  # brought to somebody else
            (["LDTMV/MVMTV/AA", "LDTMV/MVMTV/PO"], Status.OUT_FOR_DELIVERY),
            (["LDTMV/MVMTV/AA", "DLVRD/ACCPT/ZU", "STORN/NRQRD/DD"], Status.IN_TRANSIT),
            (["LDTMV/MVMTV/AA", "DLVRX/ACCPT/QQ"], Status.IN_TRANSIT),  # no code is known by how it begins
        ],
    )
    def test_the_way_decides(self, codes: list[str], status: Status) -> None:
        assert status_of(*codes) is status

    def test_what_goes_back_is_never_delivered(self) -> None:
        assert status_of("LDTMV/MVMTV/AA", "DLVRD/ACCPT/ZU", back="true") is Status.RETURNED
        assert status_of("LDTMV/MVMTV/AA", "DLVRD/ACCPT/ZU", ruecksendung="true") is Status.RETURNED
        assert status_of("LDTMV/MVMTV/AA", "SRTED/NRQRD/PO", ruecksendung="true") is Status.RETURNING
        assert of(scan("RETRN/NHOME/ZN", ruecksendung="true")).events[0].flags == (Flag.RETURN,)

    @pytest.mark.parametrize(
        ("code", "status", "mapped"),
        [
            ("LDTMV/MVMTV/AA", Status.IN_TRANSIT, True),
            ("DLVRD/ACCPT/", Status.DELIVERED, True),
            ("//ZU", Status.DELIVERED, True),
            ("//DD", None, True),
            ("BEAMD/QUICK/PO", Status.OUT_FOR_DELIVERY, False),
            ("LDTMV/MVMTV/QQ", Status.UNKNOWN, False),
            ("//QQ", Status.UNKNOWN, False),
        ],
    )
    def test_what_is_not_in_the_list_falls_back_to_its_standard_event(
        self, code: str, status: Any, mapped: bool
    ) -> None:
        one = event(code)
        assert (one.status, one.mapped, one.code) == (status, mapped, code.strip("/"))

    def test_who_took_it_is_nowhere(self) -> None:
        told = scan("DLVRD/NGHBR/ZU", event_status="Taken by SOMEBODY", event_short_status="With a neighbour")
        shipment = of(told, recipient_name="SOMEBODY", recipient_street="SOMEBODY", shipper_name="SOMEBODY")
        assert shipment.events[0].text == "With a neighbour"
        assert b"SOMEBODY" not in msgspec.json.encode(shipment)


class TestTimes:
    @pytest.mark.parametrize(
        ("country", "ends", "hour"),
        [
            ("Germany", {}, 11), ("Austria", {"dest_country": "AT"}, 11), ("Ireland", {}, None), ("Nowhere", {}, None),
            ("", {}, 11), ("", {"dest_country": "FR"}, 11), ("", {"dest_country": "IE"}, None),
            ("", {"dest_country": ""}, None),
        ],
    )  # fmt: skip
    def test_an_instant_is_known_where_the_german_clock_and_the_places_agree(
        self, country: str, ends: dict[str, str], hour: int | None
    ) -> None:
        moment = of(scan("SRTED/NRQRD/NB", country=country), **ends).events[0].moment
        assert (moment.instant and moment.instant.hour, moment.local) == (hour, datetime(2026, 11, 20, 12))

    def test_a_country_is_read_in_the_language_it_was_asked_in(self) -> None:
        assert of(scan("SRTED/NRQRD/NB", country="Österreich"), language="de").events[0].place.country == "AT"
        assert of(scan("SRTED/NRQRD/NB", country="DE"), language="de").events[0].place.country == "DE"

    @pytest.mark.parametrize(
        ("start", "end", "hours"),
        [("11:30", "13:00", [10, 12]), ("20.11.2026 11:30", "20.11.2026 13:00", [10, 12]), ("", "13:00", [None, 12])],
    )
    def test_a_window_joins_its_day_and_its_times(self, start: str, end: str, hours: list[int | None]) -> None:
        window = of(delivery_date="20.11.2026", delivery_timeframe_from=start, delivery_timeframe_to=end).window
        assert window
        assert [one.instant.hour if one and one.instant else None for one in (window.start, window.end)] == hours
        assert of(delivery_date="soon", delivery_timeframe_from=start).window is None


class TestSignatures:
    def test_an_image_in_hexadecimal_is_a_file(self) -> None:
        image = b"GIF89a and the rest"
        signature = element("signature", image=image.hex(), mime_type="image/gif")
        exchange = paket().document(Query(NUMBER), Document("signature", NUMBER))
        assert replay(exchange, body(signature)) == File("image/gif", image)

    @pytest.mark.parametrize("given", [body(), body(element("signature", image="")), body(code="100")])
    def test_no_image_is_no_document(self, given: Response) -> None:
        assert isinstance(replay(paket().document(Query(NUMBER), Document("signature", NUMBER)), given), NotFound)

    def test_what_is_no_image_is_refused(self) -> None:
        given = body(element("signature", image="4d5a"))
        with pytest.raises(ProtocolError):
            replay(paket().document(Query(NUMBER), Document("signature", NUMBER)), given)

    def test_only_a_delivery_in_germany_has_one(self) -> None:
        signed = {"delivery_event_flag": "1"}
        assert of(**signed).documents == (Document("signature", NUMBER),)
        assert of(**signed, dest_country="AT").documents == of().documents == ()


def test_dhl_and_its_paket_are_one_carrier_to_recognition() -> None:
    recognizer = Recognizer([one for package in installed() for one in package.manifests()])
    first = [
        recognizer.candidates(NUMBER, Hints(carriers=frozenset(used)))[0].carrier
        for used in ([], ["dhl"], ["dhl_parcel_de"])
    ]
    assert first == ["dhl", "dhl", "dhl_parcel_de"]


def test_its_formats_are_dhls() -> None:
    manifests = {one.slug: one for package in installed() for one in package.manifests()}
    own = {(one.pattern, one.rank, one.checksum) for one in manifests["dhl_parcel_de"].formats}
    assert own <= {(one.pattern, one.rank, one.checksum) for one in manifests["dhl"].formats}


def test_published_answers_are_read(specs: Path) -> None:
    def sample(name: str, number: str) -> Answer:
        given = Response(200, {}, (specs / "samples" / "dhl_parcel_de" / name).read_bytes())
        return replay(paket().track(Query(number)), given)

    number = "00340434161094015902"
    assert sample("TrackingErrorResponseXML.xml", number) == NotFound("No data found")
    got = sample("TrackingResponseXML.xml", number)
    assert isinstance(got, Found)
    (shipment,) = got.shipments
    assert [one.status for one in shipment.events] == [
        Status.DELIVERED, Status.OUT_FOR_DELIVERY, Status.IN_TRANSIT, Status.IN_TRANSIT, Status.ACCEPTED, Status.IN_TRANSIT,
        Status.ACCEPTED,
    ]  # fmt: skip
    assert all(one.mapped for one in shipment.events)
    assert shipment.events[0].moment.instant == datetime(2016, 3, 18, 9, 2, tzinfo=UTC)
    assert (shipment.destination.city, shipment.service, shipment.weight) == ("Bonn", "DHL PAKET (parcel)", None)
    assert summarise(arrange(shipment.events)).final
    assert b"Kraemer" not in msgspec.json.encode(shipment)


def test_every_published_combination_is_known(specs: Path) -> None:
    rows = (specs / "dhl" / "parcel_de_ice_event_ric_combinations_July_2024.csv").read_text("latin-1").splitlines()[1:]
    codes = paket().codes
    keys = [tuple(row.split(";")[:3]) for row in rows]
    unknown = [key for key in keys if codes.find(*key) is None and codes.find(*key[:2], "*") is None]
    assert (len(rows), unknown) == (338, [])
