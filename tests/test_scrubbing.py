"""A real answer made fit to be published."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.exchange import Response
from doorstep.scrubbing import GONE, scrub, stand_in

NUMBER, OTHER = "AC482107352", "AC753901643"
ANSWER = {
    "trackingNumber": NUMBER,
    "otherPackages": [{"trackingNumber": "AC999111222"}],
    "transactionId": "7f2a-4411-9037-1182",
    "signedForBy": "M. Ortega",
    "recipientInformation": {
        "contact": {"personName": "Mila Ortega", "phoneNumber": "+31 6 1234 5678", "emailAddress": "mila@home.example"},
        "address": {"streetLines": ["Vinkenstraat 14", "2nd floor"], "city": "Utrecht", "postalCode": "3512 JH"},
        "latitude": 52.0907,
    },
    "serviceName": "Home",
    "mailClass": "Parcel",
    "weight": {"value": 1.4, "unit": "kg"},
    "pieces": 2,
    "delivered": True,
    "events": [
        {"code": "DEL", "date": "2026-11-20T13:05:00+01:00", "locationName": "Utrecht depot", "note": None},
        {"code": "VAN", "eventDescription": f"Parcel {NUMBER} is with the driver"},
        {"code": "NBR", "eventDescription": "Taken in by Mrs Ortega", "text": "ask mila@home.example please"},
    ],
    "label": "JVBERi0xLjQK" * 60,
}


def scrubbed() -> dict:
    return json.loads(scrub(json.dumps(ANSWER).encode(), {NUMBER: OTHER}).body)


def test_nothing_personal_is_left() -> None:
    text = json.dumps(scrubbed())
    for secret in (NUMBER, "Ortega,", "M. Ortega", "Mila", "mila@", "1234 5678", "Vinkenstraat", "2nd floor", "3512", "52.09",
                   "AC999111222", "7f2a-4411-9037-1182", "JVBERi0"):  # fmt: skip
        assert secret not in text, secret


def test_what_the_plugin_reads_stays() -> None:
    clean = scrubbed()
    assert clean["trackingNumber"] == OTHER
    assert clean["recipientInformation"]["address"]["city"] == "Utrecht"
    assert (clean["serviceName"], clean["mailClass"], clean["weight"]) == ("Home", "Parcel", ANSWER["weight"])
    assert (clean["pieces"], clean["delivered"]) == (2, True)
    assert clean["events"][0] == ANSWER["events"][0]
    assert clean["events"][1]["eventDescription"] == f"Parcel {OTHER} is with the driver"


def shape(value: object) -> object:
    """Types and keys, without the values."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value)


def test_the_shape_stays() -> None:
    assert shape(scrubbed()) == shape(ANSWER)


def test_texts_that_only_a_reader_can_judge_are_listed() -> None:
    assert "Taken in by Mrs Ortega" in scrub(json.dumps(ANSWER).encode(), {NUMBER: OTHER}).texts


def test_replaced_fields_are_named_and_no_value_of_them() -> None:
    replaced = scrub(json.dumps(ANSWER).encode(), {NUMBER: OTHER}).replaced
    assert {"personName", "streetLines", "postalCode", "signedForBy"} <= set(replaced)
    assert not any("Ortega" in one for one in replaced)


def test_a_number_written_as_a_number_is_replaced_too() -> None:
    clean = scrub(b'{"id": 4821073520, "n": 7}', {"4821073520": "4821990112"})
    assert json.loads(clean.body) == {"id": 4821990112, "n": 7}


def test_secrets_are_gone_wherever_they_stand() -> None:
    clean = scrub(b'{"debug": {"k-77-secret": "key k-77-secret"}}', {}, ["k-77-secret"])
    assert b"k-77-secret" not in clean.body


XML = f"""<e:Envelope xmlns:e="urn:e"><e:Body><r xmlns="urn:r"><number>{NUMBER}</number>
<receiverName><content>Mila Ortega</content></receiverName><street nr="14">Vinkenstraat</street>
<status>Delivered</status><location><content>Utrecht (NL)</content></location></r></e:Body></e:Envelope>"""


def test_xml_is_scrubbed_as_well() -> None:
    clean = scrub(XML.encode(), {NUMBER: OTHER})
    text = clean.body.decode()
    assert not re.search(f"{NUMBER}|Mila|Vinkenstraat", text)
    answer = Response(200, {}, clean.body).tree().at("Body.r")
    assert answer.text("number") == OTHER
    assert answer.text("location.content") == "Utrecht (NL)"
    assert answer.text("receiverName.content") == GONE


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"no such parcel " + NUMBER.encode()])
def test_what_is_neither_keeps_no_number(body: bytes) -> None:
    assert NUMBER.encode() not in scrub(body, {NUMBER: OTHER}).body


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=12, max_size=40), st.text(max_size=3))
def test_a_stand_in_has_the_shape_of_the_original(text: str, seed: str) -> None:
    other = stand_in(text, seed)
    assert [char.isdigit() or char for char in other[4:]] == [char.isdigit() or char for char in text[4:]]
    assert other[:4] == text[:4]
    assert other == stand_in(text, seed)
