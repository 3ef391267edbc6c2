"""SF Express: the contract every carrier keeps, and what is peculiar to the route query of its open platform."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import md5
from importlib.resources import files
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, AuthRefused, Basis, CarrierUnavailable, Event, Found, NotFound, ProtocolError, Query, RateLimited, Request,
    Response, Secret, Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_sf_express import Settings, SFExpress

NUMBER = "SF4820917365011"


class TestContract(CarrierContract):
    package = "doorstep_sf_express"


@cache
def sf_express(phone: str = "") -> SFExpress:
    home = files("doorstep_sf_express")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return SFExpress(manifest, codes, Settings("a-partner", Secret("a~check*word"), phone))


def signed(query: Query, phone: str = "") -> Request:
    auth = sf_express(phone).auth()
    return auth.sign(next(sf_express(phone).track(query)), replay(auth.login()))


def asked(query: Query, phone: str = "") -> Any:
    form = signed(query, phone).form
    assert form
    return json.loads(form["msgData"])


def platform(result: Any, code: str = "A1000") -> Any:
    data = result if isinstance(result, str) else json.dumps(result)
    return {"apiResultCode": code, "apiErrorMsg": "said", "apiResponseID": "1", "apiResultData": data}


def routes(*listed: Any, number: str = NUMBER) -> Any:
    return {"success": True, "errorCode": "S0000", "msgData": {"routeResps": [{"mailNo": number, "routes": listed}]}}


def read(body: Any, *, number: str = NUMBER) -> Answer:
    return replay(sf_express().track(Query(number)), Response(200, {}, json.dumps(body).encode()))


def shipment_of(*listed: Any) -> Shipment:
    """One shipment as the engine keeps it: arranged and summarised."""
    answer = take_in(read(platform(routes(*listed))), sf_express().manifest)
    assert isinstance(answer, Found)
    (shipment,) = answer.shipments
    return shipment


def event_of(code: Any, remark: str = "") -> Event:
    return shipment_of({"opCode": code, "remark": remark, "acceptTime": "2026-11-20 09:00:00"}).events[0]


def after(*codes: str) -> Status:
    """The status after these codes, oldest first, a day between each and the next."""
    days = enumerate(codes, 10)
    return shipment_of(*({"opCode": code, "acceptTime": f"2026-11-{day} 12:00:00"} for day, code in days)).status


# Asking


def test_message_is_signed_with_the_check_word_as_java_encodes_it() -> None:
    request = signed(Query(NUMBER))
    form = request.form
    assert form
    assert (request.method, request.path) == ("POST", "/std/service")
    assert (form["partnerID"], form["serviceCode"]) == ("a-partner", "EXP_RECE_SEARCH_ROUTES")
    assert abs(int(form["timestamp"]) / 1000 - datetime.now(UTC).timestamp()) < 60
    message = (
        "%7B%22language%22%3A%221%22%2C%22trackingType%22%3A%221%22%2C%22trackingNumber%22%3A%5B%22SF4820917365011%22%5D"
        "%2C%22methodType%22%3A%221%22%7D"
    )
    encoded = f"{message}{form['timestamp']}a%7Echeck*word"
    assert form["msgDigest"] == b64encode(md5(encoded.encode()).digest()).decode()


def test_check_word_itself_does_not_travel_and_every_request_has_its_own_id() -> None:
    one, other = signed(Query(NUMBER)).form, signed(Query(NUMBER)).form
    assert one
    assert other
    assert "a~check*word" not in "".join(one.values())
    assert one["requestID"] != other["requestID"]
    assert len(one["requestID"]) == 36


@pytest.mark.parametrize(
    ("language", "asked_for"),
    [("en", "1"), ("de-AT", "1"), ("zh", "0"), ("zh-CN", "0"), ("zh-Hant", "2"), ("zh_TW", "2")],
)
def test_language_is_chinese_of_either_script_or_english(language: str, asked_for: str) -> None:
    assert asked(Query(NUMBER, language=language))["language"] == asked_for


def test_telephone_number_is_sent_where_it_is_set() -> None:
    assert asked(Query(NUMBER), phone="1234")["checkPhoneNo"] == "1234"
    assert "checkPhoneNo" not in asked(Query(NUMBER))


def test_several_numbers_share_a_message() -> None:
    request = next(sf_express().track_many([Query(NUMBER), Query("SF4820917365022")]))
    assert request.form
    assert json.loads(request.form["msgData"])["trackingNumber"] == [NUMBER, "SF4820917365022"]


# Refusals


@pytest.mark.parametrize(
    ("code", "error"),
    [("A1003", AuthRefused), ("A1004", AuthRefused), ("A1006", AuthRefused), ("A1005", RateLimited),
     ("A1009", CarrierUnavailable), ("A1099", CarrierUnavailable), ("A1001", ProtocolError), ("", ProtocolError)],
)  # fmt: skip
def test_platform_refuses_with_http_200(code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(platform(routes(), code))


@pytest.mark.parametrize("result", ["", "no json", "[]", "17", {}, {"success": False, "errorCode": "S0001"}])
def test_service_that_does_not_succeed_says_nothing_about_the_number(result: Any) -> None:
    with pytest.raises(ProtocolError):
        read(platform(result))


@pytest.mark.parametrize(
    "listed", [[], None, [{"mailNo": NUMBER, "routes": []}], [{"mailNo": NUMBER, "routes": None}],
               [{"mailNo": "SF4820917365022", "routes": [{"opCode": "80"}]}]],
)  # fmt: skip
def test_number_without_routes_is_not_found(listed: Any) -> None:
    assert isinstance(read(platform({"success": True, "msgData": {"routeResps": listed}})), NotFound)


def test_result_that_is_no_text_is_read_too() -> None:
    body = {**platform("{}"), "apiResultData": routes({"opCode": "80"})}
    assert isinstance(read(body), Found)


# Routes


def test_times_are_chinese() -> None:
    moment = event_of("54").moment
    assert (moment.instant, moment.basis) == (datetime(2026, 11, 20, 1, tzinfo=UTC), Basis.PLACE)


def test_code_written_as_a_number_is_read() -> None:
    assert event_of(80).status is Status.DELIVERED


def test_signature_after_a_return_is_the_senders() -> None:
    assert after("54", "44", "80") is Status.DELIVERED
    assert after("54", "44", "648", "80") is Status.RETURNED
    assert after("54", "44", "80", "8000") is Status.DELIVERED
    assert after("54", "125", "80") is Status.DELIVERED


def test_unknown_code_moves_nothing_and_is_told() -> None:
    assert after("54", "44", "4711") is Status.OUT_FOR_DELIVERY
    assert not event_of("4711").mapped


@pytest.mark.parametrize(
    ("remark", "text"),
    [
        ("Out for delivery (courier: Li Example, 000-0000-0000)", "Out for delivery"),
        ("快件派送中（派件人：李某，电话：00000000000）", "快件派送中"),
        ("快件到达【杭州人民路营业点】", "快件到达【杭州人民路营业点】"),
        ("已签收,签收人凭取货码签收", "已签收,签收人凭取货码签收"),
        ("已签收，签收人：李某", ""),
        ("Call 0000000 first", ""),
        ("Call 000-0000 first", ""),
        ("Waits in the hotel until 2026-11-23", "Waits in the hotel until 2026-11-23"),
        ("", ""),
    ],
)
def test_nobody_is_named_in_a_text(remark: str, text: str) -> None:
    assert event_of("44", remark).text == text


def test_language_is_that_of_the_remarks() -> None:
    assert shipment_of({"opCode": "54", "remark": "Collected"}).language == "en"
    assert shipment_of({"opCode": "54", "remark": "已收取快件"}).language == "zh"
