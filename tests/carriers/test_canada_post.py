"""Canada Post: the contract, and what is peculiar to its XML, its clocks and its mixed codes."""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from doorstep import (  # isort: skip
    Answer, AuthRefused, Basis, CarrierUnavailable, Document, Event, Flag, Found, Moment, NotFound, Place, Precision,
    ProtocolError, Query, RateLimited, Response, Secret, Shipment, Status,
)  # fmt: skip
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_canada_post import CanadaPost, Settings

PIN = "2049173501264813"


class TestContract(CarrierContract):
    package = "doorstep_canada_post"


@cache
def canada_post() -> CanadaPost:
    home = files("doorstep_canada_post")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return CanadaPost(manifest, codes, Settings("user", Secret("password")))


def read(body: str | bytes, *, status: int = 200, number: str = PIN, language: str = "en") -> Answer:
    body = body.encode() if isinstance(body, str) else body
    return replay(canada_post().track(Query(number, language)), Response(status, {}, body))


def shipment(*scans: str, fields: str = f"<pin>{PIN}</pin>") -> Shipment:
    events = f"<significant-events>{''.join(scans)}</significant-events>"
    answer = take_in(read(f"<tracking-detail>{fields}{events}</tracking-detail>"), canada_post().manifest)
    assert isinstance(answer, Found)
    return answer.shipments[0]


def scan(code: str = "0100", text: str = "", at: str = "2026-11-20 09:00:00 EST", site: str = "OTTAWA/ON") -> str:
    (day, time, zone), (city, province) = (*at.split(), "", "")[:3], site.split("/")
    return (
        f"<occurrence><event-identifier>{code}</event-identifier><event-date>{day}</event-date>"
        f"<event-time>{time}</event-time><event-time-zone>{zone}</event-time-zone>"
        f"<event-description>{text}</event-description><signatory-name>SOMEBODY</signatory-name>"
        f"<event-site>{city}</event-site><event-province>{province}</event-province></occurrence>"
    )


def event(code: str, text: str = "") -> Event:
    return shipment(scan(code, text)).events[0]


def moment(at: str, site: str) -> Moment:
    return shipment(scan(at=at, site=site)).events[0].moment


# Questions


@pytest.mark.parametrize(
    ("number", "path"),
    [(PIN, f"/vis/track/pin/{PIN}/detail"), ("JR604182971CA", "/vis/track/pin/JR604182971CA/detail"),
     ("481730592604817", "/vis/track/dnc/481730592604817/detail"), ("A/../B", "/vis/track/pin/A%2F..%2FB/detail")],
)  # fmt: skip
def test_a_card_and_a_pin_are_asked_by_their_own_paths(number: str, path: str) -> None:
    assert next(canada_post().track(Query(number))).path == path


@pytest.mark.parametrize(("language", "asked"), [("fr", "fr-CA"), ("fr-CA", "fr-CA"), ("en", "en-CA"), ("de", "en-CA")])
def test_the_stores_language_is_asked_where_canada_post_has_it(language: str, asked: str) -> None:
    request = next(canada_post().track(Query(PIN, language)))
    assert request.headers["Accept-Language"] == asked
    answer = read(f"<tracking-detail><pin>{PIN}</pin></tracking-detail>", language=language)
    assert isinstance(answer, Found)
    assert answer.shipments[0].language == asked[:2]


# Errors


def messages(code: str, text: str = "no") -> str:
    return f"<messages><message><code>{code}</code><description>{text}</description></message></messages>"


@pytest.mark.parametrize("status", [200, 400, 404])
def test_no_history_is_not_found(status: int) -> None:
    assert read(messages("004", "No Pin History"), status=status) == NotFound("004 No Pin History")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(400, messages("E002"), AuthRefused), (500, messages("Server", "Rejected by SLM Monitor"), RateLimited),
     (200, messages("Server", "Rejected by SLM Monitor"), RateLimited), (500, messages("Server"), CarrierUnavailable),
     (500, "<html>oops</html>", CarrierUnavailable), (500, "", CarrierUnavailable), (400, messages("9113"), ProtocolError),
     (404, "<html><body>Not Found</body></html>", ProtocolError), (404, "", ProtocolError),
     (200, "<tracking-detail/>", ProtocolError), (200, "<messages/>", ProtocolError)],
)  # fmt: skip
def test_errors_are_told_apart(status: int, body: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(body, status=status)


# Codes and words


@pytest.mark.parametrize("code", ["174", "0174", "00174"])
def test_zeros_in_front_do_not_count_and_are_kept(code: str) -> None:
    assert (event(code).status, event(code).code) == (Status.OUT_FOR_DELIVERY, code)


@pytest.mark.parametrize(
    ("code", "text", "status", "reason", "flags"),
    [
        ("0181", "Item refused by recipient. Item being returned to sender", Status.RETURNING, "recipient.refused",
         (Flag.RETURN,)),
        ("0181", "Item refused by\n   recipient", Status.DELIVERY_ATTEMPTED, "recipient.refused", ()),
        ("0167", "Article en cours de retour à l'expéditeur", Status.RETURNING, "", (Flag.RETURN,)),
        ("0167", "Attempted delivery", Status.DELIVERY_ATTEMPTED, "", ()),
        ("0117", "Item held by Customs", Status.CUSTOMS, "customs.clearance", ()),
        ("0117", "Article retenu aux douanes", Status.CUSTOMS, "customs.clearance", ()),
        ("0117", "Item on hold", Status.EXCEPTION, "", ()),
        ("0100", "Item released by Customs", Status.IN_TRANSIT, "", ()),
        ("0160", "Delayed by weather", None, "weather", (Flag.DELAYED,)),
        ("0173", "Customer addressing error found", None, "address.wrong", (Flag.DELAYED,)),
        ("0156", "Final Notice; Item will be returned to sender if not collected", Status.AVAILABLE_FOR_PICKUP, "", ()),
        ("1498", "Item returned to sender", Status.DELIVERED, "", (Flag.RETURN,)),
        ("9076", "Item being returned to sender", Status.UNKNOWN, "", (Flag.RETURN,)),
    ],
)  # fmt: skip
def test_words_say_which_of_several_things_a_code_is(
    code: str, text: str, status: Status | None, reason: str, flags: tuple[Flag, ...]
) -> None:
    one = event(code, text)
    assert (one.status, one.reason, one.flags) == (status, reason, flags)


def test_what_is_delivered_to_the_sender_is_returned() -> None:
    assert shipment(scan("1498", "Item returned to sender")).status is Status.RETURNED


def test_an_item_that_brings_another_back_never_looks_delivered() -> None:
    fields = f"<pin>{PIN}</pin><original-pin>8361047259301847</original-pin>"
    assert shipment(scan("1498"), fields=fields).status is Status.RETURNED
    fields = f"<pin>{PIN}</pin><return-pin>8361047259301847</return-pin>"
    assert shipment(scan("1498"), fields=fields).status is Status.DELIVERED


def test_nobody_is_named() -> None:
    assert "SOMEBODY" not in repr(shipment(scan("1498"), scan("20")))


def test_one_scan_alone_and_empty_scans() -> None:
    assert [
        one.code for one in shipment("<occurrence/>", scan("0100"), "<occurrence><event-site/></occurrence>").events
    ]
    assert shipment("<occurrence/>").events == ()


# Times


@pytest.mark.parametrize(
    ("at", "site", "instant", "basis"),
    [
        # winter: 12:00 + 5 h, + 3:30, + 4, + 6, + 7, + 8
        ("2026-01-15 12:00:00 EST", "TORONTO/ON", "2026-01-15 17:00", Basis.PLACE),
        ("2026-01-15 12:00:00 NST", "GANDER/NL", "2026-01-15 15:30", Basis.PLACE),
        ("2026-01-15 12:00:00 AST", "HAPPY VALLEY/NL", "2026-01-15 16:00", Basis.PLACE),
        ("2026-01-15 12:00:00 AST", "HALIFAX/NS", "2026-01-15 16:00", Basis.PLACE),
        ("2026-01-15 12:00:00 CST", "REGINA/SK", "2026-01-15 18:00", Basis.PLACE),
        ("2026-01-15 12:00:00 MST", "EDMONTON/AB", "2026-01-15 19:00", Basis.PLACE),
        ("2026-01-15 12:00:00 PST", "VANCOUVER/BC", "2026-01-15 20:00", Basis.PLACE),
        # summer: an hour less, but for Saskatchewan
        ("2026-07-15 12:00:00 EDT", "TORONTO/ON", "2026-07-15 16:00", Basis.PLACE),
        ("2026-07-15 12:00:00 NDT", "GANDER/NL", "2026-07-15 14:30", Basis.PLACE),
        ("2026-07-15 12:00:00 CST", "REGINA/SK", "2026-07-15 18:00", Basis.PLACE),
        ("2026-07-15 12:00:00 EST", "TORONTO/ON", "2026-07-15 16:00", Basis.PLACE),
        # clocks that the province's main one is not
        ("2026-07-15 12:00:00 MST", "CRESTON/BC", "2026-07-15 19:00", Basis.OFFSET),
        ("2026-07-15 12:00:00 EST", "MEMPHIS/TN", "2026-07-15 17:00", Basis.OFFSET),
        ("2026-07-15 12:00:00 GMT", "/", "2026-07-15 12:00", Basis.UTC),
        ("2026-07-15 12:00:00", "MONCTON/NB", "2026-07-15 15:00", Basis.PLACE),
        # the clocks are put back at 2:00 on November 1
        ("2026-11-01 01:30:00 EDT", "TORONTO/ON", "2026-11-01 05:30", Basis.OFFSET),
        ("2026-11-01 01:30:00 EST", "TORONTO/ON", "2026-11-01 06:30", Basis.OFFSET),
        ("2026-11-01 01:30 est", "toronto/on", "2026-11-01 06:30", Basis.OFFSET),
    ],
)
def test_a_time_is_by_the_clock_that_is_meant(at: str, site: str, instant: str, basis: Basis) -> None:
    read = moment(at, site)
    assert (read.raw, read.instant, read.basis) == (at, datetime.fromisoformat(instant).replace(tzinfo=UTC), basis)


@pytest.mark.parametrize("at", ["2026-07-15 12:00:00", "2026-07-15 12:00:00 XYZ"])
@pytest.mark.parametrize("site", ["KENORA/ON", "SHENZHEN/", "/"])
def test_a_clock_that_nobody_names_gives_no_instant(at: str, site: str) -> None:
    assert (moment(at, site).instant, moment(at, site).local) == (None, datetime(2026, 7, 15, 12))


def test_a_day_is_a_day_and_nonsense_is_kept() -> None:
    assert moment("2026-07-15", "REGINA/SK").precision is Precision.DAY
    assert moment("15/07/2026 noon EST", "REGINA/SK") == Moment("15/07/2026 noon EST")


def test_a_site_without_a_province_may_be_a_country() -> None:
    assert shipment(scan(site="GERMANY/")).events[0].place == Place(country="DE")
    assert shipment(scan(site="BUFFALO/NY")).events[0].place == Place(city="BUFFALO", region="NY")


# What Canada Post publishes


@pytest.fixture
def published(specs: Path) -> Path:
    return specs / "canadapost" / "active_shipping_fixtures"


def parsed(file: Path) -> Shipment:
    answer = take_in(read(file.read_bytes(), number=""), canada_post().manifest)
    assert isinstance(answer, Found)
    return answer.shipments[0]


@pytest.mark.parametrize("name", ["tracking_details_en.xml", "tracking_details_fr.xml"])
def test_published_parcel_was_delivered_twice(published: Path, name: str) -> None:
    found = parsed(published / name)
    assert (found.number, found.status, found.final, found.service) == (
        "1371134583769923",
        Status.DELIVERED,
        True,
        "Xpresspost",
    )
    assert [one.code for one in found.events] == [
        "1496", "20", "0174", "0100", "0173", "1496", "20", "0500", "2300", "3000"
    ]  # fmt: skip
    assert found.events[0].moment.instant == datetime(2011, 2, 3, 16, 59, 59, tzinfo=UTC)
    assert all(one.mapped and one.text for one in found.events)
    assert found.destination == Place(postcode="G1K4M7", country="CA")
    assert found.window is not None
    assert found.window.start is not None
    assert found.window.start.local == datetime(2011, 2, 11)
    signed = name == "tracking_details_en.xml"
    assert found.documents == ((Document("signature", "1371134583769923"),) if signed else ())


def test_published_parcel_is_out_for_delivery_after_its_first_delivery(published: Path) -> None:
    found = parsed(published / "tracking_details_en_undelivered.xml")
    assert (found.status, found.final, len(found.events)) == (Status.OUT_FOR_DELIVERY, False, 7)


def test_published_parcel_of_a_card_was_fetched(published: Path) -> None:
    found = parsed(published / "dnc_tracking_details_en.xml")
    assert (found.number, found.status, found.pickup_point) == ("1680678172650919", Status.DELIVERED, None)
    assert found.events[1].place == Place("VANKLEEK HILL", "ON", country="CA", name="VANKLEEK HILL PO")


def test_published_parcel_is_only_announced(published: Path) -> None:
    found = parsed(published / "tracking_details_no_expected_delivery_date.xml")
    assert (found.status, found.window) == (Status.LABEL_CREATED, None)


def test_published_errors(published: Path, specs: Path) -> None:
    unknown = (published / "tracking_details_en_error.xml").read_bytes()
    assert isinstance(read(unknown, status=404), NotFound)
    samples = specs / "samples" / "canadapost"
    assert isinstance(read((samples / "UnknownTrackingNumberResponse.xml").read_bytes()), NotFound)
    with pytest.raises(AuthRefused):
        read((samples / "AuthError.xml").read_bytes())
