"""OnTrac: the contract every carrier keeps, and what is peculiar to its web services."""

from datetime import datetime
from functools import cache
from importlib.resources import files

import pytest

from doorstep import (  # isort: skip
    Answer, AuthRefused, Found, NotFound, ProtocolError, Query, Response, Secret, Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_ontrac import OnTrac, Settings

NUMBER = "C48209173650008"
OTHER = "C48209173650017"


class TestContract(CarrierContract):
    package = "doorstep_ontrac"


@cache
def ontrac() -> OnTrac:
    home = files("doorstep_ontrac")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return OnTrac(manifest, codes, Settings("3/7", Secret("a-password")))


def result(inside: str, error: str = "") -> bytes:
    told = f"<Error>{error}</Error>" if error else "<Error/>"
    return f"<OnTracTrackingResult>{inside}{told}</OnTracTrackingResult>".encode()


def shipment(*scans: tuple[str, str, str], number: str = NUMBER, more: str = "") -> str:
    events = "".join(
        f"<Event><Status>{code}</Status><EventTime>{at}</EventTime><City>{city}</City></Event>"
        for code, at, city in scans
    )
    return f"<Shipment><Tracking>{number}</Tracking>{more}<Events>{events}</Events></Shipment>"


def read(body: bytes, *, number: str = NUMBER, status: int = 200) -> Answer:
    return replay(ontrac().track(Query(number)), Response(status, {}, body))


def shipment_of(*scans: tuple[str, str, str], more: str = "") -> Shipment:
    """One shipment as the engine keeps it: arranged and summarised."""
    answer = take_in(read(result(f"<Shipments>{shipment(*scans, more=more)}</Shipments>")), ontrac().manifest)
    assert isinstance(answer, Found)
    (found,) = answer.shipments
    return found


def after(*codes: str, more: str = "") -> Status:
    """The status after these codes, oldest first, a day between each and the next."""
    scans = [(code, f"2026-11-{day}T12:00:00", "Reno") for day, code in enumerate(codes, 10)]
    return shipment_of(*scans, more=more).status


def test_question_has_all_numbers_the_account_and_the_password() -> None:
    auth = ontrac().auth()
    request = auth.sign(next(ontrac().track_many([Query(NUMBER), Query(OTHER)])), replay(auth.login()))
    assert (request.method, request.path) == ("GET", "/3%2F7/shipments")
    assert request.params == {"tn": f"{NUMBER},{OTHER}", "requestType": "track", "pw": "a-password"}


@pytest.mark.parametrize("said", ["Invalid Password", "Account is unknown", "Login failed"])
def test_error_about_the_account_is_a_refusal(said: str) -> None:
    with pytest.raises(AuthRefused):
        read(result("", said))


@pytest.mark.parametrize(
    "said", ["Tracking number not found for this account", "No records", "Invalid tracking number"]
)
def test_error_about_the_number_is_not_found(said: str) -> None:
    assert isinstance(read(result("<Shipments/>", said)), NotFound)
    one = shipment(more=f"<Error>{said}</Error>")
    assert read(result(f"<Shipments>{one}</Shipments>")) == NotFound(said)


def test_any_other_error_says_nothing_about_the_number() -> None:
    one = shipment(more="<Error>Out of paper</Error>")
    for body in (result("", "Out of paper"), result(f"<Shipments>{one}</Shipments>"), result("")):
        with pytest.raises(ProtocolError):
            read(body)


def test_answer_without_the_number_is_not_found() -> None:
    assert isinstance(read(result("<Shipments/>")), NotFound)
    assert isinstance(read(result(f"<Shipments>{shipment(number=OTHER)}</Shipments>")), NotFound)


def test_shipments_of_a_batch_are_told_apart() -> None:
    both = shipment(("DL", "", ""), number=OTHER) + shipment(("OD", "", ""), number=NUMBER.lower())
    exchange = ontrac().track_many([Query(NUMBER), Query(OTHER)])
    answers = replay(exchange, Response(200, {}, result(f"<Shipments>{both}</Shipments>")))
    codes = {
        number: answer.shipments[0].events[0].code for number, answer in answers.items() if isinstance(answer, Found)
    }
    assert codes == {NUMBER: "OD", OTHER: "DL"}


@pytest.mark.parametrize("newest_first", [True, False])
def test_scans_hours_apart_are_put_in_order_by_their_wall_clocks(newest_first: bool) -> None:
    scans = [
        ("DL", "2026-11-20T13:00:00", "Reno"),
        ("OD", "2026-11-20T07:00:00", "Reno"),
        ("OS", "2026-11-20T02:00:00", "Elko"),
    ]
    found = shipment_of(*(scans if newest_first else scans[::-1]))
    assert [event.code for event in found.events] == ["DL", "OD", "OS"]
    assert found.status is Status.DELIVERED


def test_times_are_local_and_no_instants() -> None:
    moment = shipment_of(("OD", "2026-11-20T07:00:00", "Reno")).events[0].moment
    assert (moment.instant, moment.local) == (None, datetime(2026, 11, 20, 7))


def test_return_is_no_delivery() -> None:
    delivered = "<Delivered>true</Delivered>"
    assert after("OD", "DL", more=delivered) is Status.DELIVERED
    assert after("OD", "DR", more=delivered) is Status.RETURNED
    assert after("RS", "DL", more=delivered) is Status.RETURNED


def test_delivered_stands_in_for_an_unknown_status_of_the_newest_scan_only() -> None:
    assert after("OD", "Q1", more="<Delivered>true</Delivered>") is Status.DELIVERED
    assert after("Q1", "OD", more="<Delivered>true</Delivered>") is Status.OUT_FOR_DELIVERY
    assert after("OD", "Q1", more="<Delivered>false</Delivered>") is Status.OUT_FOR_DELIVERY


def test_delivered_without_scans_is_told() -> None:
    (event,) = shipment_of(more="<Delivered>True</Delivered>").events
    assert (event.status, event.mapped) == (Status.DELIVERED, False)


def test_whoever_signed_is_not_read() -> None:
    assert "EXAMPLE" not in repr(shipment_of(("DL", "", ""), more="<POD>ANN EXAMPLE</POD>"))


def test_published_numbers_keep_their_check_digit() -> None:
    # C counts as 4, which stands there: 4·1 + 8·2 + 2 + 0 + 9 + 1·2 + 7 + 3·2 + 6 + 5·2 + 0 + 0 + 0 = 62, 8 to the next ten
    shape = next(shape for shape in ontrac().manifest.formats if shape.name.startswith("C4"))
    assert shape.checksum
    assert shape.checksum.holds("4820917365000", "8")
