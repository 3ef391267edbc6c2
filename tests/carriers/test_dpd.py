"""DPD: the contract, and what is peculiar to its SOAP services."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import tostring
from xml.sax.saxutils import escape

import pytest

from doorstep import Answer, AuthExpired, CarrierUnavailable, Credential, Found, NotFound, ProtocolError
from doorstep.codes import load_codes
from doorstep.exchange import Query, Request, Response, replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.models import Basis, Event, Flag, Moment, Place, Precision, Shipment, Status
from doorstep.secret import Secret
from doorstep.soap import SoapFault
from doorstep.testing import CarrierContract
from doorstep_dpd import DPD, Settings

NUMBER = "05303288040723N"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
AUTHENTICATION = "http://dpd.com/common/service/types/Authentication/2.0"
PARCELS = "http://dpd.com/common/service/types/ParcelLifeCycleService/2.0"


class TestContract(CarrierContract):
    package = "doorstep_dpd"


def dpd(password: str = "a-password") -> DPD:
    home = files("doorstep_dpd")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return DPD(manifest, codes, Settings("an-id", Secret(password)))


def envelope(inside: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def fault(detail: str = "", *, code: str = "soap:Server", text: str = "Fault") -> bytes:
    told = f"<detail>{detail}</detail>" if detail else ""
    return envelope(f"<s:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>{told}</s:Fault>")


def refusal(code: str) -> bytes:
    told = f"<errorCode>{code}</errorCode><errorMessage>No entry</errorMessage>"
    return fault(f'<n:authenticationFault xmlns:n="{AUTHENTICATION}">{told}</n:authenticationFault>')


def tracked(*stages: str, info: str = "") -> bytes:
    results = f"<trackingresult><shipmentInfo>{info}</shipmentInfo>{''.join(stages)}</trackingresult>"
    return envelope(f'<getTrackingDataResponse xmlns="{PARCELS}">{results}</getTrackingDataResponse>')


def stage(
    status: str, date: str = "", *, label: str = "", text: str = "", location: str = "Ghent (BE)", reached: str = "true"
) -> str:
    blocks = {"label": label, "location": location, "date": date}
    simple = "".join(f"<{name}><content>{escape(value)}</content></{name}>" for name, value in blocks.items() if value)
    flag = f"<statusHasBeenReached>{reached}</statusHasBeenReached>" if reached else ""
    described = f"<description><content><content>{escape(text)}</content></content></description>" if text else ""
    return f"<statusInfo><status>{status}</status>{simple}{described}{flag}</statusInfo>"


def read(body: bytes, *, status: int = 200, number: str = NUMBER) -> Answer:
    return replay(dpd().track(Query(number)), Response(status, {}, body))


def shipment_of(*stages: str, info: str = "") -> Shipment:
    """One shipment as the engine keeps it: arranged and summarised."""
    answer = take_in(read(tracked(*stages, info=info)), dpd().manifest)
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


def event_of(status: str, date: str = "", **more: str) -> Event:
    (event,) = shipment_of(stage(status, date, **more)).events
    return event


def login(body: bytes, status: int = 200) -> Credential:
    return replay(dpd().auth().login(), Response(status, {}, body))


def granted(token: str) -> bytes:
    return envelope(f"<getAuthResponse><return><authToken>{token}</authToken></return></getAuthResponse>")


# Asking


@pytest.mark.parametrize(
    ("number", "asked"),
    [("05303288040723", "05303288040723"), ("05303288040723N", "05303288040723"),
     # a barcode as it is printed (postcode 0993511, service 101, country 056, check character), and without the last
     ("099351105307264918350101056B", "05307264918350"), ("099351105307264918350101056", "05307264918350"),
     ("0530328804072", "0530328804072"), ("123456789012345678", "123456789012345678")],
)  # fmt: skip
def test_dpd_is_asked_for_the_fourteen_digits_where_they_are_known(number: str, asked: str) -> None:
    request = next(dpd().track(Query(number)))
    assert (request.method, request.path) == ("POST", "/services/ParcelLifeCycleService/V2_0/")
    assert request.headers["SOAPAction"] == '"http://dpd.com/common/service/ParcelLifeCycleService/2.0/getTrackingData"'
    assert f"<parcelLabelNumber>{asked}</parcelLabelNumber>" in signed(request)


def signed(request: Request) -> str:
    return written(dpd().auth().sign(request, Credential(Secret("a-token"))))


def written(request: Request) -> str:
    assert request.xml is not None
    return tostring(request.xml, encoding="unicode")


def test_signed_call_holds_id_token_and_language_in_the_order_recorded() -> None:
    body = signed(next(dpd().track(Query(NUMBER, language="nl-BE"))))
    header = body.partition("Header>")[2].partition("</ns")[0]
    parts = "<delisId>an-id</delisId>", "<authToken>a-token</authToken>", "<messageLanguage>nl_NL</messageLanguage>"
    assert header.endswith("".join(parts))
    assert f'"{AUTHENTICATION}"' in body
    assert f'"{PARCELS}"' in body


@pytest.mark.parametrize(
    ("language", "message_language"),
    [("en", "en_EN"), ("de", "de_DE"), ("de-AT", "de_DE"), ("fr_BE", "fr_FR"), ("zh-Hant-TW", "zh_ZH"), ("", "en_EN"),
     ("fil", "en_EN")],
)  # fmt: skip
def test_language_is_written_as_dpd_does(language: str, message_language: str) -> None:
    request = next(dpd().track(Query(NUMBER, language=language)))
    assert f"<messageLanguage>{message_language}</messageLanguage>" in signed(request)


# Logging in


def test_login_asks_with_id_and_password_and_gives_the_token_for_a_day() -> None:
    request = next(dpd('p<&>"w').auth().login())
    assert request.path == "/services/LoginService/V2_1/"
    assert '<delisId>an-id</delisId><password>p&lt;&amp;&gt;"w</password>' in written(request)
    credential = login(granted(" a token \n"))
    assert (credential.value.reveal(), credential.expires_in) == ("a token", 86_400)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("code", ["DELICOM_ERR_AUTHENTICATION", "LOGIN_5", "LOGIN_6", "SOMETHING_NEW"])
def test_authentication_fault_refuses_the_login_and_ends_a_token(code: str, status: int) -> None:
    with pytest.raises(AuthExpired, match=f"{code}: No entry"):
        login(refusal(code), status)
    with pytest.raises(AuthExpired, match=code):
        read(refusal(code), status=status)


@pytest.mark.parametrize(
    "body",
    [fault("<faults><faultCode>LOGIN_6</faultCode><message>Too old</message></faults>"), fault(code="soap:LOGIN_5"),
     fault("<errorCode>DELICOM_ERR_AUTHENTICATION</errorCode>")],
)  # fmt: skip
def test_login_codes_end_a_token_wherever_a_fault_writes_them(body: bytes) -> None:
    with pytest.raises(AuthExpired):
        read(body, status=500)


def test_fault_that_is_not_about_the_login_does_not_blame_it() -> None:
    with pytest.raises(CarrierUnavailable):
        login(fault(), 500)
    with pytest.raises(SoapFault, match="DATABASE: busy"):
        login(fault("<f><errorCode>DATABASE</errorCode><errorMessage>busy</errorMessage></f>"), 500)


@pytest.mark.parametrize("body", [granted(""), granted("  "), envelope("<getAuthResponse/>"), tracked()])
def test_login_without_a_token_is_an_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        login(body)


# Not found, and what is not that


def test_answer_in_which_nothing_was_reached_is_not_found() -> None:
    ahead = stage("Courier", reached="false"), stage("Delivered", "11/19/2026 5:00:00 PM", reached="false")
    assert isinstance(read(tracked(*ahead)), NotFound)
    assert isinstance(read(tracked()), NotFound)


@pytest.mark.parametrize("words", ["The parcel 1 was not found", "Parcel does not exist", "Unknown parcel"])
def test_fault_that_says_the_parcel_is_unknown_is_believed(words: str) -> None:
    body = fault(f"<f><errorCode>T1</errorCode><errorMessage>{words}</errorMessage></f>")
    assert read(body, status=500) == NotFound(words)


@pytest.mark.parametrize("words", ["Fault occurred", "Service not found", "Unknown error", "parcel: wrong length", ""])
def test_unclear_fault_is_an_error_and_not_an_unknown_parcel(words: str) -> None:
    body = fault(f"<f><errorCode>T1</errorCode><errorMessage>{words}</errorMessage></f>")
    with pytest.raises(SoapFault, match="T1"):
        read(body, status=500)


@pytest.mark.parametrize("body", [b"<html>down</html>", b"", b"no XML", fault()])
def test_http_500_without_a_reason_is_a_failing_server(body: bytes) -> None:
    with pytest.raises(CarrierUnavailable):
        read(body, status=500)


@pytest.mark.parametrize(
    "body",
    [envelope("<getTrackingDataResponse/>"), envelope("<getTrackingDataResponse>text</getTrackingDataResponse>"),
     envelope("<getAuthResponse/>"), envelope(""), b"<getTrackingDataResponse/>", tracked(stage("Courier"))[:-30],
     b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>' + tracked(stage("Courier", text="&c;")),
     b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + tracked(stage("Courier", text="&f;"))],
)  # fmt: skip
def test_what_is_no_answer_about_a_parcel_is_an_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(body)


# Stages


def test_namespaces_do_not_matter() -> None:
    odd = tracked(stage("Courier", "11/20/2026 8:00:00 AM")).replace(PARCELS.encode(), b"urn:another")
    bare = tracked(stage("Courier", "11/20/2026 8:00:00 AM")).replace(f' xmlns="{PARCELS}"'.encode(), b"")
    assert read(odd) == read(bare) == read(tracked(stage("Courier", "11/20/2026 8:00:00 AM")))
    assert isinstance(read(odd), Found)


def test_stages_that_were_not_reached_are_no_scans() -> None:
    later = stage("Courier", reached="false"), stage("Delivered", "11/21/2026 1:00:00 PM", reached="FALSE")
    shipment = shipment_of(stage("PickedUp", "11/19/2026 1:00:00 PM"), *later)
    assert [event.code for event in shipment.events] == ["PickedUp"]


@pytest.mark.parametrize(("date", "scans"), [("11/19/2026 1:00:00 PM", 2), ("", 1)])
def test_stage_that_does_not_say_whether_it_was_reached_was_if_it_has_a_date(date: str, scans: int) -> None:
    shipment = shipment_of(stage("PickedUp", "11/18/2026 1:00:00 PM", reached="1"), stage("Depot", date, reached=""))
    assert len(shipment.events) == scans


def test_reached_stage_without_date_place_words_or_code_is_kept() -> None:
    assert event_of("", location="") == Event(Moment(""), Status.UNKNOWN, mapped=False)
    assert event_of("Courier", location="") == Event(Moment(""), Status.OUT_FOR_DELIVERY, code="Courier")


def test_announcement_without_a_date_is_the_oldest_and_is_told_once() -> None:
    info = "<status>SHIPMENT</status><statusHasBeenReached>true</statusHasBeenReached>"
    announced = shipment_of(stage("SHIPMENT", "11/17/2026 1:00:00 PM"), info=info)
    assert [event.moment.raw for event in announced.events] == ["11/17/2026 1:00:00 PM"]
    scans = stage("PickedUp", "11/18/2026 1:00:00 PM"), stage("Courier", "11/19/2026 9:00:00 AM")
    shipment = shipment_of(*scans, info=info)
    assert [event.code for event in shipment.events] == ["Courier", "PickedUp", "SHIPMENT"]
    assert shipment.status is Status.OUT_FOR_DELIVERY


@pytest.mark.parametrize("date", ["", "11/8/2026 9:00:00 AM"])
def test_stages_run_oldest_first_where_times_do_not_tell(date: str) -> None:
    shipment = shipment_of(stage("PickedUp", "11/8/2026 9:00:00 AM", location=""), stage("Courier", date, location=""))
    assert [event.code for event in shipment.events] == ["Courier", "PickedUp"]


@pytest.mark.parametrize("location", ["Ghent (BE)", "Madrid (ES)"])
def test_stages_that_run_newest_first_are_turned_round(location: str) -> None:
    dates = ("Courier", "11/8/2026 9:00:00 AM"), ("PickedUp", "11/7/2026 9:00:00 AM")
    shipment = shipment_of(*(stage(code, date, location=location) for code, date in dates))
    assert [event.code for event in shipment.events] == ["Courier", "PickedUp"]


def test_several_results_are_several_shipments_and_an_empty_one_is_none() -> None:
    one = "<trackingresult>" + stage("Courier", "11/19/2026 9:00:00 AM") + "</trackingresult>"
    answer = read(envelope(f"<getTrackingDataResponse>{one}<trackingresult/>{one}</getTrackingDataResponse>"))
    assert isinstance(answer, Found)
    assert [len(shipment.events) for shipment in answer.shipments] == [1, 1]


def test_several_contents_are_one_text() -> None:
    parts = "<content><content>It is</content><bold>true</bold></content><content><content>here.</content></content>"
    block = f"<statusInfo><status>Depot</status><description>{parts}</description><statusHasBeenReached>true"
    assert shipment_of(f"{block}</statusHasBeenReached></statusInfo>").events[0].text == "It is here."


def test_text_that_is_not_wrapped_is_read() -> None:
    when, told = "<date>11/19/2026 9:00:00 AM</date>", "<description><content>In Ghent</content></description>"
    event = shipment_of(f"<statusInfo>{when}<location>Ghent (BE)</location>{told}</statusInfo>").events[0]
    assert (event.text, event.place) == ("In Ghent", Place(city="Ghent", country="BE"))
    assert event.moment.instant == datetime(2026, 11, 19, 8, tzinfo=UTC)


def test_html_in_texts_is_left_out_and_entities_are_read() -> None:
    written = "<p>Left at <b>gate&nbsp;4</b> 2 < 3 &amp; on</p>"
    assert event_of("Depot", text=written).text == "Left at gate 4 2 < 3 & on"
    assert event_of("Depot", location="&#39;s-Gravenhage&nbsp;(NL)").place == Place(city="'s-Gravenhage", country="NL")


# Pickup points


def status_of(*stages: tuple[str, str]) -> Status:
    """The status after these stages (code, label), oldest first, one a day."""
    dated = [stage(code, f"11/{day}/2026 9:00:00 AM", label=label) for day, (code, label) in enumerate(stages, 2)]
    return shipment_of(*dated).status


def test_what_is_delivered_after_it_waited_in_a_shop_was_fetched() -> None:
    assert status_of(("Courier", ""), ("ParcelShop", ""), ("Delivered", "Delivered")) is Status.DELIVERED
    assert status_of(("Courier", ""), ("ParcelShop", ""), ("Delivered", "Pickup")) is Status.DELIVERED


def test_delivered_to_a_pickup_point_is_not_delivered() -> None:
    assert status_of(("Courier", ""), ("Delivered", "Pickup")) is Status.AVAILABLE_FOR_PICKUP
    event = event_of("Delivered", label="Delivered", text="Brought to the Pickup parcelshop")
    assert (event.status, event.flags) == (Status.DELIVERED, (Flag.PICKUP_POINT,))
    assert status_of(("Courier", ""), ("Delivered", "Delivered")) is Status.DELIVERED


# Times


@pytest.mark.parametrize(
    ("written", "hour"),
    [("11/9/2026 12:00:00 AM", 0), ("11/9/2026 12:59:00 AM", 0), ("11/9/2026 1:00:00 AM", 1),
     ("11/9/2026 12:00:00 PM", 12), ("11/9/2026 01:00:00 pm", 13), ("11/09/2026 11:00:00 PM", 23),
     ("11/9/2026 11:00:00\u202fPM", 23), ("11/9/2026 11:00:00PM", 23)],
)  # fmt: skip
def test_american_times_are_by_the_clock_of_the_place(written: str, hour: int) -> None:
    moment = event_of("Depot", written).moment
    assert moment.local is not None
    assert (moment.local.date().isoformat(), moment.local.hour) == ("2026-11-09", hour)
    assert moment.instant is not None
    assert (moment.local.replace(tzinfo=UTC) - moment.instant).total_seconds() == 3600  # Ghent in winter
    assert (moment.basis, moment.offset, moment.precision) == (Basis.COUNTRY, "+01:00", Precision.SECOND)


@pytest.mark.parametrize(
    "written",
    ["23/9/2026 7:31:08 PM", "9/23/2026 19:31:08", "9/23/2026 13:31:08 PM", "9/23/2026 0:31:08 AM",
     "9/23/2026 7:61:26 PM", "2/29/2026 7:31:08 PM", "9/23/26 7:31:08 PM", "1/1/0001 12:00:00 AM",
     "23.09.2026, 19:11", "23-09-2026 19:31:08", "9/23/2026", "yesterday"],
)  # fmt: skip
def test_time_that_is_not_surely_american_stays_raw(written: str) -> None:
    assert event_of("Depot", written).moment == Moment(written)


@pytest.mark.parametrize(
    ("location", "place"),
    [("Ypres (BE)", Place(city="Ypres", country="BE")), ("Ypres", Place(city="Ypres")), ("", Place()),
     ("Frankfurt (Oder) (DE)", Place(city="Frankfurt (Oder)", country="DE")), ("(BE)", Place(country="BE")),
     ("Frankfurt (Oder)", Place(city="Frankfurt (Oder)")), ("Ypres (Be)", Place(city="Ypres (Be)"))],
)  # fmt: skip
def test_place_is_a_city_and_a_country_in_brackets(location: str, place: Place) -> None:
    assert event_of("Depot", location=location).place == place


@pytest.mark.parametrize("location", ["Ypres", "Madrid (ES)", "Nowhere (XX)", ""])
def test_time_without_a_country_of_one_clock_has_no_instant(location: str) -> None:
    moment = event_of("Depot", "9/23/2026 7:31:08 PM", location=location).moment
    assert (moment.local, moment.instant, moment.basis) == (datetime(2026, 9, 23, 19, 31, 8), None, Basis.UNKNOWN)


# What was recorded and published


@pytest.fixture
def published(specs: Path) -> Path:
    return specs / "samples/dpd"


def test_published_parcel_is_back_from_its_tour(published: Path) -> None:
    answer = take_in(read((published / "TrackingResponse.xml").read_bytes()), dpd().manifest)
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    assert (shipment.status, shipment.service) == (Status.DELIVERY_ATTEMPTED, "DPD PARCELSHOP DELIVERY")
    assert [event.code for event in shipment.events] == [
        "ReturningFromDelivery", "PickedUp", "Courier", "Courier", "ParcelShop", "ParcelShop", "ParcelShop",
        "ParcelShop", "DeliveryFailure", "DeliveryFailure", "Courier", "Courier", "Depot",
        "BetweenDepots", "BetweenDepots",
    ]  # fmt: skip
    assert all(event.mapped and event.text for event in shipment.events)
    newest, oldest = shipment.events[0], shipment.events[-1]
    assert newest.moment == Moment(
        "8/19/2021 5:11:26 PM", Precision.SECOND, Basis.COUNTRY,
        datetime(2021, 8, 19, 15, 11, 26, tzinfo=UTC), datetime(2021, 8, 19, 17, 11, 26), "+02:00",
    )  # fmt: skip
    assert oldest.place == Place(city="Puurs", country="BE")
    assert oldest.moment.instant == datetime(2021, 8, 17, 17, 11, 26, tzinfo=UTC)
    assert {event.place.city for event in shipment.events[8:10]} == {"Mechelen", "Aschaffenburg"}  # at the same second


def test_published_fault_is_about_the_login(published: Path) -> None:
    body = (published / "ErrorResponse.xml").read_bytes()
    with pytest.raises(AuthExpired, match="DELICOM_ERR_AUTHENTICATION"):
        login(body, 500)
    with pytest.raises(AuthExpired):
        read(body, status=500)
