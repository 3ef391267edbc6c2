"""UPS: parcels by their 1Z number, and waybills, by the Track API v1."""

from datetime import datetime
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from doorstep import (  # isort: skip
    Answer, Auth, Event, Exchange, Found, Leg, Meaning, Moment, NotFound, OAuthClientCredentials, PickupPoint, Place,
    ProtocolError, Query, Request, Shipment, Tree, Weight, Window, countries, moments, registers,
)  # fmt: skip

from .answer import Details, End, Package, Scan, State
from .track_alert import TrackAlert

UNKNOWN = {"TW0001", "TV1002"}  # a warning beside HTTP 200, an error beside HTTP 400
LOCALES = {"en": "en_US", "de": "de_DE", "es": "es_ES", "fr": "fr_FR", "it": "it_IT", "nl": "nl_NL", "pl": "pl_PL"}
# The same two letters mean something else in the table of each type.
TABLES = {
    "I": "movement", "P": "movement", "D": "delivery", "X": "exception", "U": "update",
    "M": "manifest", "MV": "manifest",
}  # fmt: skip
VAGUE = {"000", "011", "013"}  # not available, delivered (to whom?), exception (which?): the two letters say more
LEGS = {"USPS_PIC": "USPS", "": "UPS"}  # a number without a type is another one of UPS
HOURS = {"EDW", "CDW", "IDW", "CMT"}  # windows, and a latest time; EOD is some time that day
UNITS = {"LBS": "lb", "KGS": "kg"}
NOWHERE, NOTHING = End(), State()


class UPS(TrackAlert):
    def auth(self) -> Auth:
        own, account = self.settings, self.settings.account_number
        headers = {"x-merchant-id": account} if account else {}
        return OAuthClientCredentials("/security/v1/oauth/token", own.client_id, own.client_secret, headers=headers)

    def track(self, query: Query) -> Exchange[Answer]:
        path = f"/api/track/v1/details/{quote(query.number, safe='')}"
        # It should be another one with each request, but a pure function has nothing to draw lots with.
        transaction = str(uuid5(NAMESPACE_URL, path))
        headers = {"Accept": "application/json", "transId": transaction, "transactionSrc": "doorstep"}
        locale = LOCALES.get(query.language[:2].lower(), "en_US")
        response = yield Request("GET", path, params={"locale": locale}, headers=headers)
        if response.status == 404:
            return NotFound("HTTP 404")
        return self._answer(response.expect(200, 400).shaped(Details), query.number)

    def _answer(self, answer: Details, number: str) -> Answer:
        consignments = (answer.track_response and answer.track_response.shipment) or []
        packages = [package for consignment in consignments for package in consignment.package or []]
        if not packages:
            warnings = [warning for consignment in consignments for warning in Tree(consignment.warnings).each()]
            return _unknown(warnings + Tree(answer.response).each("errors"))
        own = [package for package in packages if number and _number(package).upper() == number.upper()]
        return Found(tuple(self._shipment(package, number) for package in own or packages))

    def _shipment(self, package: Package, number: str) -> Shipment:
        ends = {(end.type or "").strip(): _place(end) for end in package.package_address or []}
        destination = ends.get("DESTINATION", Place())
        # Without a scan there is still what UPS says of now, though not since when.
        now = [Scan(status=package.current_status)] if package.current_status else []
        until = _day(Tree(package.access_point_information).text("pickupByDate"))
        numbers = Tree(package.alternate_tracking_number).each()
        others = [(LEGS.get(one.text("type")), one.text("number")) for one in numbers]
        return Shipment(
            number=_number(package) or number,
            events=tuple(map(self._event, package.activity or now)),
            service=Tree(package.service).text("description"),
            origin=ends.get("ORIGIN", Place()),
            destination=destination,
            window=_window(package, destination.country),
            pickup_point=PickupPoint(until=until) if until else None,
            legs=tuple(Leg(carrier, other) for carrier, other in others if carrier and other),
            weight=_weight(Tree(package.weight)),
        )

    def _event(self, scan: Scan) -> Event:
        where, state = _place(scan.location or NOWHERE), scan.status or NOTHING
        kind, letters = (state.type or "").strip(), (state.code or "").strip()
        number, said = (state.status_code or "").strip(), (state.description or "").strip()
        meaning = self._meaning(kind, letters, number.zfill(3) if number else "")
        code = f"{kind}/{letters}/{number}".replace("//", "/").strip("/")  # those that there are
        return meaning.event(_moment(scan, where.country), code=code, text=said, place=where)

    def _meaning(self, kind: str, letters: str, number: str) -> Meaning:
        whole, detail = self.codes.find("statusCode", number), self.codes.find(TABLES.get(kind, ""), letters)
        meaning = (detail or whole) if number in VAGUE else (whole or detail)
        if meaning is None:
            coarse = self.codes.find("type", kind)
            return self.codes.read(coarse=coarse.status if coarse else None)
        if detail and detail.status in (None, meaning.status) and (detail.reason or detail.flags):
            # Both speak of the same position: the two letters know the reason better.
            flags = tuple(dict.fromkeys(meaning.flags + detail.flags))
            return Meaning(meaning.status, detail.reason or meaning.reason, flags, meaning.source)
        return meaning


def _unknown(problems: list[Tree]) -> NotFound:
    """NotFound if that is what UPS says; what else stops it from answering is no answer about the number."""
    said = {problem.text("code"): problem.text("message") for problem in problems}
    for code in UNKNOWN & said.keys():
        return NotFound(f"{code} {said[code]}")
    raise ProtocolError(f"UPS answered without a package: {said or 'no reason given'}")


def _number(package: Package) -> str:
    return (package.tracking_number or "").strip()


def _moment(scan: Scan, country: str) -> Moment:
    date, time = (scan.date or "").strip(), (scan.time or "").strip()
    gmt = _clock((scan.gmt_date or "").strip(), (scan.gmt_time or "").strip())
    if gmt:  # UTC already: gmtOffset says how far the wall clock is from it, and must not be added
        return moments.utc(gmt, raw=f"{date} {time}".strip(), wall=_clock(date, time), country=country)
    return _local(date, time, country) or _day(date) or Moment(f"{date} {time}".strip())


def _window(package: Package, country: str) -> Window | None:
    """When UPS plans to deliver; None when it has delivered or does not say."""
    dates = {date.text("type"): date.text("date") for date in Tree(package.delivery_date).each()}
    date = dates.get("RDD") or dates.get("SDD", "")
    day, times = _day(date), Tree(package.delivery_time)
    if day is None or "DEL" in dates:
        return None
    start, end = (_local(date, times.text(name), country) for name in ("startTime", "endTime"))
    return Window(start, end) if times.text("type") in HOURS and (start or end) else Window(day, day)


def _local(date: str, time: str, country: str) -> Moment | None:
    return moments.local(wall, raw=f"{date} {time}", country=country) if (wall := _clock(date, time)) else None


def _day(date: str) -> Moment | None:
    return moments.whole_day(midnight.date(), raw=date) if (midnight := _clock(date, "000000")) else None


def _clock(date: str, time: str) -> datetime | None:
    digits = time.replace(":", "")
    if len(digits) == 5:
        digits = f"0{digits}"  # UPS may leave out a leading zero
    if not (len(date) == 8 and len(digits) == 6 and date.startswith("20") and (date + digits).isdecimal()):
        return None
    try:
        return datetime.fromisoformat(f"{date}T{digits}")
    except ValueError:
        return None


def _place(end: End) -> Place:
    if (at := end.address) is None:
        return Place()
    country = countries.alpha2((at.country_code or at.country or "").strip())
    city, region, postcode = at.city or "", at.state_province or "", at.postal_code or ""
    return Place(city.strip(), region.strip(), postcode.strip(), country)


def _weight(weight: Tree) -> Weight | None:
    value, unit = weight.number("weight"), UNITS.get(weight.text("unitOfMeasurement"))
    return Weight(value, unit) if unit and value and value > 0 else None


register_carriers = registers(UPS)
