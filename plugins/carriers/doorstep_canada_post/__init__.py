"""Canada Post: parcels by PIN or delivery notice card, by its Tracking service v2 (REST in XML)."""

import re
from urllib.parse import quote

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Auth, AuthRefused, Basic, Carrier, CarrierSettings, CarrierUnavailable, Document, Event, Exchange,
    File, Flag, Found, Moment, NotFound, PickupPoint, Place, ProtocolError, Query, RateLimited,
    Request, Response, Secret, Shipment, Status, Tree, Window, countries, file_in, moments, registers,
)  # fmt: skip

# Several things under one code: the description says which.
MIXED = {Status.DELIVERY_ATTEMPTED, Status.EXCEPTION, None}
# The clocks of each province, by the first letter of what stands behind a time (EST, EDT).
CLOCKS = {
    "AB": {"M": "America/Edmonton"}, "BC": {"P": "America/Vancouver"}, "MB": {"C": "America/Winnipeg"},
    "NB": {"A": "America/Moncton"}, "NL": {"N": "America/St_Johns", "A": "America/Goose_Bay"},
    "NS": {"A": "America/Halifax"}, "NT": {"M": "America/Edmonton"},
    "NU": {"E": "America/Iqaluit", "C": "America/Rankin_Inlet", "M": "America/Cambridge_Bay"},
    "ON": {"E": "America/Toronto", "C": "America/Winnipeg"}, "PE": {"A": "America/Halifax"},
    "QC": {"E": "America/Toronto"}, "SK": {"C": "America/Regina", "M": "America/Edmonton"},
    "YT": {"P": "America/Whitehorse"},
}  # fmt: skip
POSTCODE = re.compile("(?:[A-Z][0-9]){3}|[A-Z][0-9][A-Z] [0-9][A-Z][0-9]")
OFFSETS = {
    "NST": "-03:30", "NDT": "-02:30", "AST": "-04:00", "ADT": "-03:00", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00",
    "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "UTC": "Z", "GMT": "Z",
}  # fmt: skip


class Settings(CarrierSettings, frozen=True):
    username: str
    password: Secret


class CanadaPost(Carrier[Settings]):
    def auth(self) -> Auth:
        return Basic(self.settings.username, self.settings.password)

    def track(self, query: Query) -> Exchange[Answer]:
        card = len(query.number) == 15 and query.number.isdecimal()
        language = "fr" if query.language[:2].lower() == "fr" else "en"
        path = f"/vis/track/{'dnc' if card else 'pin'}/{quote(query.number, safe='')}/detail"
        answer = yield from _asked(path, language)
        return answer if isinstance(answer, NotFound) else Found((self._shipment(answer, query, language),))

    def document(self, query: Query, document: Document) -> Exchange[File | NotFound]:
        answer = yield from _asked(f"/vis/signatureimage/{quote(document.ref, safe='')}", "en")
        return answer if isinstance(answer, NotFound) else file_in(answer.expect("image").text())

    def _shipment(self, item: Tree, query: Query, language: str) -> Shipment:
        pin, postcode = item.text("pin"), item.text("destination-postal-id")
        scans = item.each("significant-events.occurrence")
        if not (pin or scans):
            raise ProtocolError("the answer is about no item: it has neither a pin nor an event")
        back = (Flag.RETURN,) if item.text("original-pin") else ()  # it brings back what had that number
        events = tuple(self._event(scan, back) for scan in scans)
        signed = item.is_true("signature-image-exists") and not item.is_true("suppress-signature")
        return Shipment(
            number=pin or query.number,
            events=tuple(event for event in events if event.code or event.text),
            service=item.text("service-name"),
            destination=Place(postcode=postcode, country="CA" if POSTCODE.fullmatch(postcode) else ""),
            window=_day(item.text("changed-expected-date")) or _day(item.text("expected-delivery-date")),
            pickup_point=_pickup_point(events, scans),
            documents=(Document("signature", pin or query.number),) if signed else (),
            language=language if query.number else "",
        )

    def _event(self, scan: Tree, back: tuple[Flag, ...]) -> Event:
        code, text, place = scan.text("event-identifier"), scan.text("event-description"), _place(scan)
        meaning, said = (
            self.codes.read(("event-identifier", code.lstrip("0"))),
            self.codes.said("event-description", text),
        )
        meaning = meaning.finer(said) if meaning.status in MIXED else meaning.flagged(said)
        return meaning.event(_moment(scan, place), code=code, text=text, place=place, flags=back)


def _asked(path: str, language: str) -> Exchange[Tree | NotFound]:
    headers = {"Accept": "application/vnd.cpc.track-v2+xml", "Accept-Language": f"{language}-CA"}
    return _read((yield Request("GET", path, headers=headers, accept=(500,))))


def _read(response: Response) -> Tree | NotFound:
    """What is told of the item. Messages may come instead, with any HTTP status."""
    if response.status == 500 and "SLM" not in response.text():
        raise CarrierUnavailable("Canada Post's server fails (HTTP 500)")
    answer = response.tree()
    messages = answer.each("messages.message") or answer.each("message")
    codes = [one.text("code") for one in messages]
    said = "; ".join(f"{one.text('code')} {one.text('description')}" for one in messages)
    if "SLM" in said:  # the monitor that stops who asks too fast
        raise RateLimited(f"Canada Post: {said}")
    if "E002" in codes:
        raise AuthRefused(f"Canada Post: {said}", next_step="check [carriers.canada_post]")
    if "004" in codes:
        return NotFound(said)
    if messages or response.status != 200:
        raise ProtocolError(f"Canada Post does not answer (HTTP {response.status}): {said or 'no reason given'}")
    return answer


def _place(scan: Tree) -> Place:
    """In Canada, where a province of it is named. A site without a province may be a country."""
    city, region, name = map(scan.text, ("event-site", "event-province", "event-retail-name"))
    region = region.upper()
    country = "CA" if region in CLOCKS else "" if region else countries.named(city)
    return Place(city="" if country and not region else city, region=region, country=country, name=name)


def _moment(scan: Tree, place: Place) -> Moment:
    """By the province's clock that the abbreviation means; where it has no such, by the offset of the abbreviation."""
    day, time, short = map(scan.text, ("event-date", "event-time", "event-time-zone"))
    clocks, offset = CLOCKS.get(place.region, {}), OFFSETS.get(short.upper(), "")
    zone = clocks.get(short[:1].upper(), "") if short or len(clocks) != 1 else next(iter(clocks.values()))
    moment = moments.iso(f"{day}T{time}" if time else day, zone=zone)
    if moment.instant is None and offset and time:  # the hour that comes twice, too
        moment = moments.iso(f"{day}T{time}{offset}")
        moment = moment if place.country in ("", "CA") else moments.elsewhere(moment, place.country)
    return structs.replace(moment, raw=f"{day} {time} {short}".strip())


def _day(text: str) -> Window | None:
    day = moments.iso(text[:10])
    return Window(day, day) if day.local else None


def _pickup_point(events: tuple[Event, ...], scans: list[Tree]) -> PickupPoint | None:
    """The post office of the newest scan that names one, while the item waits."""
    latest = next((event.status for event in events if event.status), None)
    named = next((scan for scan in scans if scan.text("event-retail-name")), None)
    if latest is not Status.AVAILABLE_FOR_PICKUP or named is None:
        return None
    place = _place(named)
    return PickupPoint(place.name, place=place, code=named.text("event-retail-location-id"))


register_carriers = registers(CanadaPost)
