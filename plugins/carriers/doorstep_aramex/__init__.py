"""Aramex: parcels and documents by their waybill, by the JSON form of its Tracking service."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Answers, Auth, AuthRefused, Carrier, CarrierSettings, Event, Exchange, Found, InJson, Meaning, Moment,
    NotFound, Place, ProtocolError, Query, Request, Secret, Shipment, Status, Tree, Weight, countries, each_of, moments,
    registers,
)  # fmt: skip

# Where a comment says why. One that is no known phrase may name anybody, and is not kept.
TROUBLE = {Status.DELIVERY_ATTEMPTED, Status.EXCEPTION, Status.CUSTOMS}
# Seconds since 1970, from 2001 to 2191: what lies outside is a placeholder (0, or .NET's years 1 and 9999).
DATE = re.compile(r"/Date\(([1-6]\d{9})\d{3}([+-](?:0\d|1[0-3])[0-5]\d|[+-]1400)?\)/", re.ASCII)
NO_CITY = re.compile(  # a station's code, a part of an address, a depot
    r"^[A-Z]{3}$|\d|\b(?i:airport|branch|cent(?:er|re)|depot|facility|hub|office|ops|station|warehouse)\b", re.ASCII
)
BREAK = re.compile(r"\s[-–—]+\s|[:(]")  # between what happened and further words about it
WORD = re.compile(r"""[^-–—_.,;:!?/\\()\[\]"'’*\s]+""")
FILLERS = {"a", "an", "been", "has", "is", "package", "parcel", "shipment", "the", "was", "your"}
SAME = {
    **dict.fromkeys(("addressee", "customer", "receiver", "recipient"), "consignee"),
    **dict.fromkeys(("center", "centre", "depot", "hub", "station", "terminal"), "facility"),
    "sender": "shipper",
}


class Settings(CarrierSettings, frozen=True):
    user_name: str
    password: Secret
    account_number: str
    account_pin: Secret
    account_entity: str
    account_country_code: str


class Aramex(Carrier[Settings]):
    def auth(self) -> Auth:
        own = self.settings
        info = {
            "UserName": own.user_name,
            "Password": own.password,
            "Version": "1.0",
            "AccountNumber": own.account_number,
            "AccountPin": own.account_pin,
            "AccountEntity": own.account_entity,
            "AccountCountryCode": own.account_country_code,
        }
        return InJson({"ClientInfo": info})

    def track(self, query: Query) -> Exchange[Answer]:
        return self._answer((yield from _asked([query])), query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        tracking = yield from _asked(queries)
        return each_of(queries, lambda query: self._answer(tracking, query))

    def _answer(self, tracking: Tree, query: Query) -> Answer:
        known = [one for one in _listed(tracking, "TrackingResults") if query.number in ("", one.text("Key"))]
        if known:
            return Found(tuple(map(self._shipment, known)))
        unknown, said = _listed(tracking, "NonExistingWaybills"), tracking.at("Notifications")
        if any(query.number in ("", one.text()) for one in unknown):
            return NotFound("NonExistingWaybills")
        named = unknown or said or tracking.at("TrackingResults")
        if not named and tracking.at("HasErrors").value in (False, "false"):
            return NotFound("no word about any number, and no error")
        raise ProtocolError(f"Aramex says nothing about the number: {said.value or 'no reason given'}")

    def _shipment(self, waybill: Tree) -> Shipment:
        scans = _listed(waybill, "Value")
        places = {text: _place(text) for text in {scan.text("UpdateLocation") for scan in scans}}
        events = tuple(self._event(scan, places[scan.text("UpdateLocation")]) for scan in scans)
        english = all(event.text.replace("–", "-").isascii() for event in events)
        return Shipment(waybill.text("Key"), events, weight=_weight(scans), language="en" if english else "")

    def _event(self, scan: Tree, place: Place) -> Event:
        text, comment = scan.text("UpdateDescription"), scan.text("Comments")
        code, problem = scan.text("UpdateCode"), scan.text("ProblemCode")
        meaning = self._meaning(code.upper(), text, comment)
        if meaning.status in TROUBLE and self.codes.find("UpdateDescription", _phrase(comment)):
            text = ": ".join(dict.fromkeys((text, comment)))
        moment = _moment(scan.text("UpdateDateTime"), place.country)
        return meaning.event(moment, code=f"{code}/{problem}".strip("/"), text=text, place=place)

    def _meaning(self, code: str, text: str, comment: str) -> Meaning:
        """What the description says; the codes are in no document, so they count only where it says nothing known."""
        found = self.codes.find("UpdateDescription", _phrase(text))
        if found is None:
            first, *rest = BREAK.split(text, maxsplit=1)
            start, comment = _phrase(first), comment or "".join(rest)
            found = self.codes.read(("UpdateCode", f"{code} {start}"), ("beginning", start), ("UpdateCode", code))
        more = self.codes.find("UpdateDescription", _phrase(comment)) if comment else None
        if more is None:
            return found
        flags = tuple(dict.fromkeys(found.flags + more.flags))
        if found.status is None and more.status in TROUBLE:  # held, and this is why
            return structs.replace(more, flags=flags)
        akin = more.status is found.status or {more.status, found.status} <= TROUBLE
        return structs.replace(found, reason=(more.reason if akin else "") or found.reason, flags=flags)


def _asked(queries: Sequence[Query]) -> Exchange[Tree]:
    path = "/ShippingAPI.V2/Tracking/Service_1_0.svc/json/TrackShipments"
    question = {"Shipments": [query.number for query in queries], "GetLastTrackingUpdateOnly": False}
    headers = {"Accept": "application/json"}  # without it, the service may answer in XML
    answer = (yield Request("POST", path, json=question, headers=headers, idempotent=True)).expect(200).tree()
    tracking = answer.at("Body.ShipmentTrackingResponse") or answer
    for said in _listed(tracking, "Notifications"):
        if said.text("Code") == "ERR01":
            raise AuthRefused(f"Aramex: {said.text('Message')}", next_step="check [carriers.aramex]")
    return tracking


def _listed(tree: Tree, path: str) -> list[Tree]:
    """The items of a list, which have a name in XML."""
    there = tree.at(path)
    return [one for _, named in there.items() for one in named.each()] or there.each()


def _weight(scans: Sequence[Tree]) -> Weight | None:
    for scan in scans:
        unit = scan.text("WeightUnit").lower()
        value = scan.number("GrossWeight") if unit in ("kg", "lb") else None
        if value and value > 0:
            return Weight(value, unit)
    return None


def _moment(text: str, country: str) -> Moment:
    """The milliseconds are the instant; the offset behind them says by which clock Aramex wrote it, and moves nothing."""
    written = DATE.fullmatch(text)
    if written is None:
        return moments.iso(text, country=country)
    instant = datetime.fromtimestamp(int(written[1]), UTC)
    if written[2] is None:
        return moments.utc(instant, raw=text, country=country)
    return moments.zoned(instant, written[2], raw=text)


def _place(text: str) -> Place:
    """A city where one stands alone or before a country; anything else (a depot, a station's code) is a name."""
    parts = [part.strip() for part in text.replace(" - ", ",").split(",") if part.strip()]
    for last in (2, 1):  # "Korea, Republic of" is one country
        if country := countries.named(", ".join(parts[-last:])):
            del parts[-last:]
            break
    if len(parts) == 1 and not NO_CITY.search(parts[0]):
        return Place(city=parts[0], country=country)
    return Place(name=", ".join(parts), country=country)


def _phrase(text: str) -> str:
    """A description as `codes.toml` writes it: small letters, no marks, no fillers, one word for things that are the same."""
    words = [SAME.get(word, word) for word in WORD.findall(text.lower()) if word not in FILLERS]
    return " ".join(words).replace("pick up", "pickup")


register_carriers = registers(Aramex)
