"""UPS: parcels by their 1Z number, and waybills, by the Track API v1."""

import re
from datetime import datetime
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from doorstep import (  # isort: skip
    Answer, Auth, Event, Exchange, Found, Leg, Meaning, Moment, NotFound, OAuthClientCredentials, PickupPoint, Place,
    ProtocolError, Query, Request, Shipment, Tree, Weight, Window, countries, moments, registers,
)  # fmt: skip

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
CLOCK = re.compile("20[0-9]{6}T[0-9]{6}")


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
        return self._answer(response.expect(200, 400).tree(), query.number)

    def _answer(self, answer: Tree, number: str) -> Answer:
        consignments = answer.each("trackResponse.shipment")
        packages = [package for consignment in consignments for package in consignment.each("package")]
        if not packages:
            warnings = [warning for consignment in consignments for warning in consignment.each("warnings")]
            return _unknown(warnings + answer.each("response.errors"))
        own = [package for package in packages if number and package.text("trackingNumber").upper() == number.upper()]
        return Found(tuple(self._shipment(package, number) for package in own or packages))

    def _shipment(self, package: Tree, number: str) -> Shipment:
        ends = {end.text("type"): _place(end.at("address")) for end in package.each("packageAddress")}
        destination = ends.get("DESTINATION", Place())
        # Without a scan there is still what UPS says of now, though not since when.
        now = [Tree({"status": state.value}) for state in package.each("currentStatus")]
        until = _day(package.text("accessPointInformation.pickupByDate"))
        others = [(LEGS.get(one.text("type")), one.text("number")) for one in package.each("alternateTrackingNumber")]
        weight, unit = package.number("weight.weight"), UNITS.get(package.text("weight.unitOfMeasurement"))
        return Shipment(
            number=package.text("trackingNumber") or number,
            events=tuple(map(self._event, package.each("activity") or now)),
            service=package.text("service.description"),
            origin=ends.get("ORIGIN", Place()),
            destination=destination,
            window=_window(package, destination.country),
            pickup_point=PickupPoint(until=until) if until else None,
            legs=tuple(Leg(carrier, other) for carrier, other in others if carrier and other),
            weight=Weight(weight, unit) if unit and weight and weight > 0 else None,
        )

    def _event(self, scan: Tree) -> Event:
        where, state = _place(scan.at("location.address")), scan.at("status")
        kind, letters, number = state.text("type"), state.text("code"), state.text("statusCode")
        meaning = self._meaning(kind, letters, number.zfill(3) if number else "")
        code = f"{kind}/{letters}/{number}".replace("//", "/").strip("/")  # those that there are
        return meaning.event(_moment(scan, where.country), code=code, text=state.text("description"), place=where)

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


def _moment(scan: Tree, country: str) -> Moment:
    date, time = scan.text("date"), scan.text("time")
    gmt = _clock(scan.text("gmtDate"), scan.text("gmtTime"))
    if gmt:  # UTC already: gmtOffset says how far the wall clock is from it, and must not be added
        return moments.utc(gmt, raw=f"{date} {time}".strip(), wall=_clock(date, time), country=country)
    return _local(date, time, country) or _day(date) or Moment(f"{date} {time}".strip())


def _window(package: Tree, country: str) -> Window | None:
    """When UPS plans to deliver; None when it has delivered or does not say."""
    dates = {date.text("type"): date.text("date") for date in package.each("deliveryDate")}
    date = dates.get("RDD") or dates.get("SDD", "")
    day, times = _day(date), package.at("deliveryTime")
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
    written = f"{date}T{digits}" if len(digits) != 5 else f"{date}T0{digits}"  # UPS may leave out a leading zero
    try:
        return datetime.fromisoformat(written) if CLOCK.fullmatch(written) else None
    except ValueError:
        return None


def _place(address: Tree) -> Place:
    country = countries.alpha2(address.text("countryCode") or address.text("country"))
    return Place(address.text("city"), address.text("stateProvince"), address.text("postalCode"), country)


register_carriers = registers(UPS)
