"""USPS: the post of the United States, by the Tracking API v3."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from urllib.parse import quote

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Auth, Basis, CodeTable, Event, Exchange, Found, Manifest, Meaning, Moment, NotFound, OAuthClientCredentials,
    PickupPoint, Place, Precision, ProtocolError, Query, Request, Shipment, Status, Tree, Window, countries, moments,
    registers,
)  # fmt: skip

from .subscriptions import Settings, Subscriptions, bare

SCAN = ("eventCity", "eventState", "eventZIP", "eventCountry")
ORIGIN = ("originCity", "originState", "originZIP", "originCountry")
DESTINATION = ("destinationCity", "destinationState", "destinationZIP", "destinationCountryCode")
PARCEL = ("trackingNumber", "statusCategory", "trackingEvents", "eventSummaries")  # an answer has one at least
DAYS = ("predictedDeliveryDate", "predictedDeliveryTimeStamp", "expectedDeliveryTimeStamp", "expectedDeliveryDate",
        "guaranteedDeliveryTimeStamp")  # fmt: skip
BOUNDS = ("predictedDeliveryWindowStartTime", "predictedDeliveryWindowEndTime")
STATES = {  # with territories and the armed forces' post
    "AA", "AE", "AK", "AL", "AP", "AR", "AS", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "FM", "GA", "GU", "HI", "IA",
    "ID", "IL", "IN", "KS", "KY", "LA", "MA", "MD", "ME", "MH", "MI", "MN", "MO", "MP", "MS", "MT", "NC", "ND", "NE",
    "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "PR", "PW", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VI",
    "VT", "WA", "WI", "WV", "WY",
}  # fmt: skip
CLOCK = re.compile(r"(\d\d?):(\d\d)(?::\d\d)?(?: ?([AP])\.?M\.?)?", re.ASCII)


class USPS(Subscriptions):
    def __init__(self, manifest: Manifest, codes: CodeTable, settings: Settings) -> None:
        super().__init__(manifest, codes, settings)
        self._words: dict[str, list[tuple[str, Meaning]]] = {}
        for (table, words), row in codes.items().items():
            self._words.setdefault(table, []).append((words, row))

    def auth(self) -> Auth:
        own, form = self.settings, {"scope": "tracking"}
        return OAuthClientCredentials("/oauth2/v3/token", own.client_id, own.client_secret, in_form=True, form=form)

    def track(self, query: Query) -> Exchange[Answer]:
        number, zip_code = bare(query.number), query.postcode.partition("-")[0].strip()
        params = {"expand": "DETAIL"}
        if len(zip_code) == 5 and (zip_code + number).isdigit():  # a number with letters may go to another country
            params["destinationZIPCode"] = zip_code
        if query.shipped_on:
            params["mailingDate"] = query.shipped_on
        path = f"/tracking/v3/tracking/{quote(number, safe='')}"
        response = yield Request("GET", path, params=params, headers={"Accept": "application/json"})
        parcel = response.expect(200, 400, 404).tree()
        if (error := parcel.at("error")).items():
            return _refused(error, response.status, number)
        if response.status != 200 or not any(map(parcel.at, PARCEL)):
            raise ProtocolError(f"HTTP {response.status} with neither a parcel nor USPS's error message")
        return Found((self._shipment(parcel, number),))

    def _shipment(self, parcel: Tree, number: str) -> Shipment:
        events, destination = tuple(self._events(parcel)), _place(parcel, DESTINATION)
        return Shipment(
            number=parcel.text("trackingNumber") or number,
            events=events,
            service=_service(parcel.text("mailClass")),
            origin=_place(parcel, ORIGIN),
            destination=destination,
            window=_window(parcel, destination.country),
            pickup_point=_pickup_point(events, _when(parcel.text("returnDateNotice"))),
            language="en",
        )

    def _events(self, parcel: Tree) -> Iterator[Event]:
        # The parcel's status and category tell of now: of the newest scan, or of all there is to know.
        status, category = parcel.text("status"), parcel.text("statusCategory").upper().replace("-", " ")
        scans = parcel.each("trackingEvents")
        for scan in scans or ([Tree({})] if status or category else []):
            text, place = scan.text("eventType") or status, _place(scan, SCAN)
            code = scan.text("eventCode").upper()
            code = code.zfill(2) if code.isdecimal() else code
            meaning = self._meaning(code, text, category)
            yield meaning.event(_moment(scan, place.country), code=code, text=text, place=place)
            status = category = ""
        for sentence in [] if scans else parcel.each("eventSummaries"):
            yield Event(Moment(""), None, text=sentence.text())

    def _meaning(self, code: str, text: str, category: str) -> Meaning:
        """By the code, else by the category; then by what the words, and the category, say beyond it."""
        coarse = self.codes.find("statusCategory", category)
        key = ("eventCode", code) if code else ("statusCategory", category)
        meaning = self.codes.read(key, coarse=coarse.status if coarse else None)
        if more := self._words.get(meaning.status or ""):
            said = f"{text} {category}".upper()
            meaning = next((_finer(meaning, row) for words, row in more if words in said), meaning)
        return _finer(meaning, coarse) if coarse and coarse.status is meaning.status else meaning


def _finer(meaning: Meaning, row: Meaning) -> Meaning:
    flags = tuple(dict.fromkeys(meaning.flags + row.flags))
    return structs.replace(meaning, status=row.status, reason=row.reason or meaning.reason, flags=flags)


def _refused(error: Tree, status: int, number: str) -> NotFound:
    """NotFound if USPS does not know or does not take the number; any other refusal says nothing about it."""
    code, blamed = error.text("code"), [fault.text("source.parameter") for fault in error.each("errors")]
    said = f"{code} {error.text('message')}".replace(number or "\0", "…")
    if "404" in (code, str(status)) or "trackingNumber" in blamed:
        return NotFound(said)
    advice = "if several parcels bear the number, an order's ZIP code and day of mailing tell them apart"
    raise ProtocolError(f"USPS does not answer: {said}", next_step=advice)


def _place(tree: Tree, fields: tuple[str, ...]) -> Place:
    city, region, postcode, written = map(tree.text, fields)
    region = region.upper()
    country = countries.alpha2(written) if written else "US" if region in STATES else ""
    facility = not region and (country == "US" or not written)  # a city has a state
    return Place("" if facility else city, region, postcode, country, city if facility else "")


def _moment(scan: Tree, country: str) -> Moment:
    """The instant by GMT, else by the offset, else by the country's only zone; the timestamp is the wall clock."""
    written, in_gmt = scan.text("eventTimestamp"), scan.text("GMTTimestamp")
    hours, colon, minutes = scan.text("GMTOffset").partition(":")
    offset = f"{hours.zfill(3)}{colon}{minutes}" if hours else ""  # USPS also writes "-5:00"
    here = moments.iso(written + offset, country=country)
    if here.instant and here.instant == _utc(in_gmt):
        return Moment(written, here.precision, Basis.UTC, here.instant, here.local, here.offset)  # all agree
    gmt = moments.iso(in_gmt, zone="UTC").instant
    if gmt is None:
        return structs.replace(here, raw=written) if here.instant else moments.iso(written or in_gmt, country=country)
    here = moments.iso(written.removesuffix("Z"))  # beside GMT, its zone is not believed
    if here.precision is not Precision.DAY and here.local not in (None, gmt.replace(tzinfo=None)):
        return moments.utc(gmt, raw=written, wall=here.local, precision=here.precision)
    wall = moments.zoned(gmt, offset, raw=in_gmt).local if offset else None  # what is written only repeats GMT
    return moments.utc(gmt, raw=written or in_gmt, wall=wall, country=country)


def _utc(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _window(parcel: Tree, country: str) -> Window | None:
    """When it is expected, by the clock of the destination: between two times, by a time, or on a day."""
    first = next(filter(None, (_when(parcel.text(name), country) for name in DAYS)), Moment(""))
    start, end = (_at(first.raw[:10], parcel.text(name), country) for name in BOUNDS)
    if first.raw and not (start or end):
        start, end = first if first.precision is Precision.DAY else None, first
    return Window(start, end) if start or end else None


def _at(day: str, clock: str, country: str) -> Moment | None:
    """A time of day as "1:30 pm", as "13:30", or with a day of its own."""
    match = CLOCK.fullmatch(clock.upper())
    if match is None:
        return _when(clock, country)
    hour = int(match[1]) % 12 + 12 * (match[3] == "P") if match[3] else int(match[1])
    moment = moments.iso(f"{day}T{hour:02}:{match[2]}", country=country)
    return structs.replace(moment, raw=f"{day} {clock}") if moment.local else None


def _when(text: str, country: str = "") -> Moment | None:
    """A day, or a time; a midnight stands for its day."""
    moment = moments.iso(text if text[10:].strip("T :0.Z") else text[:10], country=country)
    return moment if moment.local or moment.instant else None


def _pickup_point(events: tuple[Event, ...], until: Moment | None) -> PickupPoint | None:
    """Where the parcel waits, and until when. A notice that was left says where it was left, not where the parcel is."""
    latest = next((event for event in events if event.status), Event(Moment(""), None))
    if latest.status is Status.AVAILABLE_FOR_PICKUP:
        return PickupPoint(latest.place.name, place=latest.place, until=until)
    return PickupPoint(until=until) if until and latest.status is Status.DELIVERY_ATTEMPTED else None


def _service(mail_class: str) -> str:
    """As people know it: the API's documentation has "PRIORITY_MAIL", its answers "Priority Mail<SUP>&reg;</SUP>"."""
    name = unescape(re.sub("<[^<>]*>", "", unescape(mail_class)))
    return name.replace("_", " ").title().replace("Usps", "USPS") if "_" in name else name


register_carriers = registers(USPS)
