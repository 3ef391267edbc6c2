"""SOAP: calls as elements, answers without traps."""

from xml.etree.ElementTree import tostring

import pytest

from doorstep import CarrierUnavailable, ProtocolError, Request, Response, soap
from doorstep.soap import SoapFault

CALL = soap.element("{urn:acme}track", soap.element("{urn:acme}number", "A & B <1>"))


def envelope(inside: str, status: int = 200) -> Response:
    text = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{inside}</s:Body></s:Envelope>'
    return Response(status, {}, text.encode())


def sent(request: Request) -> Response:
    """What a server reads that is sent this request."""
    assert request.xml is not None
    return Response(200, {}, tostring(request.xml, encoding="utf-8", xml_declaration=True))


def test_a_call_is_a_repeatable_question_whose_faults_come_back() -> None:
    request = soap.call("/track", CALL, action="urn:acme/track")
    assert (request.method, request.path, request.accept, request.idempotent) == ("POST", "/track", (500,), True)
    assert request.headers == {"SOAPAction": '"urn:acme/track"'}
    assert soap.answer(sent(request)).text("number") == "A & B <1>"


def test_what_xml_cannot_hold_is_left_out() -> None:
    request = soap.call("/track", soap.element("n", "a\x00b\x1b\ud800c"))
    assert soap.answer(sent(request)).text() == "abc"


def test_a_header_is_added_to_a_call_and_the_call_given_stays_as_it_was() -> None:
    plain = soap.call("/track", CALL)
    signed = soap.with_header(plain, soap.element("{urn:acme}token", "t&1"))
    assert sent(signed).tree().text("Header.token") == "t&1"
    assert not sent(plain).tree().at("Header")
    assert soap.answer(sent(signed)).text("number") == "A & B <1>"


def test_a_header_that_is_there_already_gets_more_in_front() -> None:
    header = soap.element("{urn:acme}auth", soap.element("language", "en"))
    signed = soap.with_header(
        soap.call("/track", CALL, header=header), soap.element("{urn:acme}auth", soap.element("token", "t"))
    )
    assert [name for name, _ in sent(signed).tree().at("Header.auth").items()] == ["token", "language"]


@pytest.mark.parametrize("request_", [Request("GET", "/"), Request("POST", "/", xml=CALL)], ids=["none", "no envelope"])
def test_only_a_call_takes_a_header(request_: Request) -> None:
    with pytest.raises(ProtocolError, match="no SOAP call"):
        soap.with_header(request_, CALL)


def test_an_answer_is_what_stands_in_the_body_whatever_the_namespaces() -> None:
    answer = soap.answer(
        envelope('<a:result xmlns:a="urn:x"><b xmlns="urn:y"> 5 </b><b xmlns="urn:y">6</b></a:result>')
    )
    assert [one.text() for one in answer.each("b")] == ["5", "6"]


@pytest.mark.parametrize("status", [200, 500])
def test_a_fault_says_its_code_text_and_detail(status: int) -> None:
    fault = (
        "<s:Fault><faultcode>s:Server</faultcode><faultstring>no such</faultstring><detail><c>7</c></detail></s:Fault>"
    )
    with pytest.raises(SoapFault, match="no such") as caught:
        soap.answer(envelope(fault, status))
    assert (caught.value.fault_code, caught.value.text) == ("s:Server", "no such")
    assert caught.value.detail.text("c") == "7"


@pytest.mark.parametrize("body", [b"", b"<a/>", b"{}", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"\xff\xfe<"])
def test_what_is_no_envelope_is_an_error_of_the_protocol(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        soap.answer(Response(200, {}, body))


def test_an_empty_body_is_no_answer() -> None:
    with pytest.raises(ProtocolError, match="no SOAP envelope"):
        soap.answer(envelope(""))


@pytest.mark.parametrize("body", [b"", b"<html>", b"<a/>"])
def test_a_failing_server_without_an_envelope_is_unavailable(body: bytes) -> None:
    with pytest.raises(CarrierUnavailable, match="HTTP 500"):
        soap.answer(Response(500, {}, body))


def test_a_fault_of_the_server_itself_is_unavailable() -> None:
    with pytest.raises(CarrierUnavailable, match="out of memory"):
        soap.answer(
            envelope("<s:Fault><faultcode>s:Server</faultcode><faultstring>out of memory</faultstring></s:Fault>", 500)
        )
