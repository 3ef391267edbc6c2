"""Deliveries as a calendar file, read back by a strict reader of its own, written after RFC 5545."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec import structs

from doorstep.ics import Appointment, calendar, deliveries
from doorstep.models import Moment, Precision, Shipment, Status, Window
from doorstep.order import Order
from doorstep.order_views import Looked
from doorstep.views import Reader

from .kept import NOON, kept_order, kept_parcel, reader_of

ORDER = Order("1001")
READER = reader_of()
URL = "https://shop.example/o/abc/"
PROPERTY = re.compile(r"(?P<name>[A-Z-]+)(?P<parameters>(;[A-Z-]+=[^;:,\"]+)*):(?P<value>.*)", re.DOTALL)
ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
TEXTS = ("SUMMARY", "DESCRIPTION", "UID")


def read(file: bytes) -> list[dict[str, str]]:
    """The events of a file: each property by its name with its parameters. What RFC 5545 does not allow fails."""
    assert file.endswith(b"\r\n")
    lines = file.removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(line) <= 75 for line in lines), "a line is 75 octets at most"
    for line in lines:
        line.decode()  # no character is torn apart
    text = "\r\n".join(line.decode() for line in lines).replace("\r\n ", "")
    assert not set(text.replace("\r\n", "")) & {chr(n) for n in (*range(32), 127)}, "no control characters"
    first, *inner, last = text.split("\r\n")
    assert (first, last) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    properties: dict[str, str] = {}
    events: list[dict[str, str]] = []
    target = properties
    for line in inner:
        if line == "BEGIN:VEVENT":
            assert target is properties
            target = {}
        elif line == "END:VEVENT":
            assert target is not properties
            assert {"UID", "DTSTAMP", "SUMMARY", "URL"} <= set(target)
            events.append(target)
            target = properties
        else:
            name, value = one_property(line)
            assert name not in target, f"{name} stands once"
            target[name] = value
    assert target is properties
    assert properties.pop("VERSION") == "2.0"
    assert properties.pop("PRODID").startswith("-//")
    assert properties == {"REFRESH-INTERVAL;VALUE=DURATION": "PT4H", "X-PUBLISHED-TTL": "PT4H"}
    assert events, "a calendar has one component at least"
    return events


def one_property(line: str) -> tuple[str, str]:
    found = PROPERTY.fullmatch(line)
    assert found is not None, line
    value = found["value"]
    if found["name"] in TEXTS:
        assert not re.search(r"(?<!\\)[;,]", re.sub(r"\\\\", "", value)), "separators in a text are escaped"
        assert set(ESCAPE.findall(value)) <= {"\\", ";", ",", "n"}
        value = ESCAPE.sub(lambda one: "\n" if one[1] == "n" else one[1], value)
    return found["name"] + found["parameters"], value


def moment(text: str, *, instant: bool = True, precision: Precision = Precision.MINUTE) -> Moment:
    """A wall clock in Berlin in November, an hour ahead of UTC."""
    local = datetime.fromisoformat(text)
    utc = local.replace(hour=local.hour - 1, tzinfo=UTC) if instant else None
    return Moment(text, precision=precision, local=local, instant=utc)


def day(text: str) -> Moment:
    return moment(f"{text}T00:00", instant=False, precision=Precision.DAY)


def parcel(window: Window | None = None, status: str = "in_transit", **fields: Any) -> Looked:
    """A parcel whose carrier was just asked; `fields` are of what is kept."""
    shipment = Shipment("JD14", window=window, status=Status(status))
    return Looked(kept_parcel(**{"version": 3, **fields}), shipment, fetched_at=NOON)


def events(
    *looked: Looked, order: Order = ORDER, former: dict[str, date] | None = None, reader: Reader = READER
) -> list[dict[str, str]]:
    kept = kept_order(order, *(one.parcel for one in looked))
    described = {one.parcel.id: "Northwind\nTracking number: JD14" for one in looked}
    appointments = deliveries(
        kept, looked, reader, shop="Harbour & Pine", url=URL, described=described, former=former or {}
    )
    return read(calendar(appointments))


def test_a_window_by_the_hour_is_an_event_in_utc_that_keeps_nobody_busy() -> None:
    window = Window(moment("2026-11-24T14:00"), moment("2026-11-24T18:00"))
    assert events(parcel(window)) == [
        {
            "UID": "pcl_1@doorstep",
            "DTSTAMP": "20261122T120000Z",
            "SEQUENCE": "3",
            "DTSTART": "20261124T130000Z",
            "DTEND": "20261124T170000Z",
            "SUMMARY": "Delivery from Harbour & Pine, order 1001",
            "DESCRIPTION": "Northwind\nTracking number: JD14\nhttps://shop.example/o/abc/",
            "URL": URL,
            "STATUS": "TENTATIVE",
            "TRANSP": "TRANSPARENT",
        }
    ]


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        (Window(None, day("2026-11-24")), "20261124", "20261125"),
        (Window(day("2026-11-24"), None), "20261124", "20261125"),
        (Window(day("2026-11-24"), day("2026-11-26")), "20261124", "20261127"),
        (Window(day("2026-12-31"), day("2026-12-31")), "20261231", "20270101"),
        # Over several days it is no long block of hours; an end alone is no window by the hour; neither is an empty one.
        (Window(moment("2026-11-24T14:00"), moment("2026-11-25T18:00")), "20261124", "20261126"),
        (Window(None, moment("2026-11-24T18:00")), "20261124", "20261125"),
        (Window(moment("2026-11-24T14:00"), moment("2026-11-24T14:00")), "20261124", "20261125"),
        (Window(day("2026-11-24"), moment("2026-11-24T18:00")), "20261124", "20261125"),
    ],
)
def test_days_are_whole_days_and_the_end_is_the_day_after(window: Window, start: str, end: str) -> None:
    event = events(parcel(window))[0]
    assert (event["DTSTART;VALUE=DATE"], event["DTEND;VALUE=DATE"]) == (start, end)
    assert "DTSTART" not in event


def test_a_wall_clock_whose_zone_nobody_knows_gets_none() -> None:
    window = Window(moment("2026-11-24T14:00", instant=False), moment("2026-11-24T18:00", instant=False))
    event = events(parcel(window))[0]
    assert (event["DTSTART"], event["DTEND"]) == ("20261124T140000", "20261124T180000")


def test_a_new_day_is_the_same_event_with_a_higher_sequence() -> None:
    before = events(parcel(Window(None, day("2026-11-24"))))[0]
    later = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
    after = events(structs.replace(parcel(Window(None, day("2026-11-25")), version=4), fetched_at=later))[0]
    assert after["UID"] == before["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == ("3", "4")
    assert (before["DTSTAMP"], after["DTSTAMP"]) == ("20261122T120000Z", "20261123T063000Z")


@pytest.mark.parametrize("status", ["delivered", "returned", "cancelled", "lost", "returning", "exception"])
def test_what_is_no_longer_expected_is_cancelled_on_its_day(status: str) -> None:
    event = events(parcel(Window(None, day("2026-11-24")), status=status))[0]
    assert (event["STATUS"], event["DTSTART;VALUE=DATE"]) == ("CANCELLED", "20261124")


def test_a_day_that_the_carrier_no_longer_names_is_cancelled_where_it_was() -> None:
    event = events(parcel(None), former={"pcl_1": date(2026, 11, 24)})[0]
    assert (event["STATUS"], event["DTSTART;VALUE=DATE"], event["DTEND;VALUE=DATE"]) == (
        "CANCELLED", "20261124", "20261125",
    )  # fmt: skip


def test_a_cancelled_order_expects_nothing() -> None:
    order = Order("1001", cancelled_at=NOON)
    assert events(parcel(Window(None, day("2026-11-24"))), order=order)[0]["STATUS"] == "CANCELLED"


def test_each_parcel_with_a_day_is_an_event_and_others_are_none() -> None:
    dated, other = parcel(Window(None, day("2026-11-24"))), parcel(Window(None, day("2026-11-30")), id="pcl_2")
    undated, silent = parcel(None, id="pcl_3"), structs.replace(parcel(None, id="pcl_4"), shipment=None)
    assert [one["UID"] for one in events(dated, undated, silent, other)] == ["pcl_1@doorstep", "pcl_2@doorstep"]


def test_texts_are_in_the_readers_language() -> None:
    texts = {"Delivery from %(shop)s, order %(number)s": "Bestellung %(number)s, Lieferung von %(shop)s"}
    event = events(parcel(Window(None, day("2026-11-24"))), reader=reader_of("de", texts))[0]
    assert event["SUMMARY"] == "Bestellung 1001, Lieferung von Harbour & Pine"


def appointment(**fields: Any) -> Appointment:
    values = {
        "uid": "pcl_1@doorstep", "stamp": NOON, "sequence": 0, "start": date(2026, 11, 24), "end": date(2026, 11, 25),
        "summary": "", "description": "", "url": URL, **fields,
    }  # fmt: skip
    return Appointment(**values)


@pytest.mark.parametrize(
    "text",
    [
        r"a\b;c,d:e",
        r"ends with a backslash\\",
        "two\nlines",
        r"a backslash and an n: \n",
        "ä" * 100,
        "包裹" * 60,
        "👩‍👩‍👧" * 30,
        "x" * 67,
        "x" * 68,
        "x" * 200,
    ],
)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    event = read(calendar([appointment(summary=text, description=text)]))[0]
    assert (event["SUMMARY"], event["DESCRIPTION"]) == (text, text)


def test_a_shops_text_cannot_become_a_line_of_its_own() -> None:
    hostile = "Shop\r\nATTACH:https://evil.example/\x00\x1b\x85END:VEVENT"
    event = read(calendar([appointment(summary=hostile, url=f"{URL}\r\nATTACH:x")]))[0]
    assert event["SUMMARY"] == "Shop\nATTACH:https://evil.example/\nEND:VEVENT"
    assert event["URL"] == f"{URL}ATTACH:x"


def test_a_line_of_seventy_five_octets_is_not_broken_and_the_next_longer_one_is() -> None:
    # "SUMMARY:" is eight octets, so that 67 letters make 75.
    whole = calendar([appointment(summary="x" * 67)]).split(b"\r\n")
    broken = calendar([appointment(summary="x" * 68)]).split(b"\r\n")
    assert b"SUMMARY:" + b"x" * 67 in whole
    assert broken[broken.index(b"SUMMARY:" + b"x" * 67) + 1] == b" x"
