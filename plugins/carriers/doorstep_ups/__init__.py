"""UPS: parcels by their 1Z number, and waybills, by the Track API v1."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct, structs

from doorstep import (
    Answer,
    Auth,
    Carrier,
    Event,
    Exchange,
    Found,
    Leg,
    Meaning,
    NotFound,
    OAuthClientCredentials,
    PickupPoint,
    Place,
    ProtocolError,
    Query,
    Request,
    Secret,
    Shipment,
    hookimpl,
)

from .shape import Answered, Consignment, Package, Problem, Refused, Scan, State
from .values import clean, day, moment, place, weight, window

UNKNOWN = {"TW0001", "TV1002"}  # a warning beside HTTP 200, an error beside HTTP 400
LOCALES = {"en": "en_US", "de": "de_DE", "es": "es_ES", "fr": "fr_FR", "it": "it_IT", "nl": "nl_NL", "pl": "pl_PL"}
# The same two letters mean something else in the table of each type.
TABLES = {
    "I": "movement",
    "P": "movement",
    "D": "delivery",
    "X": "exception",
    "M": "manifest",
    "MV": "manifest",
    "U": "update",
}
VAGUE = {"000", "011", "013"}  # not available, delivered (to whom?), exception (which?): the two letters say more
LEGS = {"USPS_PIC": "USPS", "": "UPS"}  # a number without a type is another one of UPS


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    client_id: str
    client_secret: Secret
    account_number: str = ""


class UPS(Carrier[Settings]):
    settings_type = Settings

    def auth(self) -> Auth:
        own, account = self.settings, self.settings.account_number
        headers = {"x-merchant-id": account} if account else {}
        return OAuthClientCredentials("/security/v1/oauth/token", own.client_id, own.client_secret, headers=headers)

    def track(self, query: Query) -> Exchange[Answer]:
        path = f"/api/track/v1/details/{quote(query.number, safe='')}"
        # transId should differ with each request, but a pure function has nothing to draw lots with.
        headers = {
            "Accept": "application/json",
            "transId": str(uuid5(NAMESPACE_URL, path)),
            "transactionSrc": "doorstep",
        }
        locale = LOCALES.get(query.language[:2].lower(), "en_US")
        response = yield Request("GET", path, params={"locale": locale}, headers=headers)
        if response.status == 404:
            return NotFound("HTTP 404")
        if response.status == 400:
            return _unknown(response.json(Refused).response.errors or [])
        return self._answer(response.expect(200).json(Answered).track_response.shipment or [], query.number)

    def _answer(self, consignments: list[Consignment], number: str) -> Answer:
        packages = [package for consignment in consignments for package in consignment.package or []]
        if not packages:
            return _unknown(warning for consignment in consignments for warning in consignment.warnings or [])
        own = [package for package in packages if clean(package.tracking_number).upper() == number.upper()]
        return Found(tuple(self._shipment(package, number) for package in own or packages))

    def _shipment(self, package: Package, number: str) -> Shipment:
        ends = {clean(end.type): place(end.address) for end in package.package_address or []}
        destination = ends.get("DESTINATION", Place())
        # Without a scan there is still what UPS says of now, though not since when.
        scans = package.activity or ([Scan(status=package.current_status)] if package.current_status else [])
        access, others = package.access_point_information, package.alternate_tracking_number or []
        until = day(access.pickup_by_date) if access else None
        legs = [Leg(LEGS[kind], clean(other.number)) for other in others if (kind := clean(other.type)) in LEGS]
        return Shipment(
            number=clean(package.tracking_number) or number,
            events=tuple(map(self._event, scans)),
            service=clean(package.service.description) if package.service else "",
            origin=ends.get("ORIGIN", Place()),
            destination=destination,
            window=window(package, destination.country),
            pickup_point=PickupPoint(until=until) if until else None,
            legs=tuple(leg for leg in legs if leg.number),
            weight=weight(package.weight) if package.weight else None,
        )

    def _event(self, scan: Scan) -> Event:
        where = place(scan.location.address if scan.location else None)
        state = scan.status or State()
        code = "/".join(filter(None, map(clean, (state.type, state.code, state.status_code))))
        text = clean(state.description)
        return self._meaning(state).event(moment(scan, where.country), code=code, text=text, place=where)

    def _meaning(self, state: State) -> Meaning:
        kind, number = clean(state.type), clean(state.status_code)
        number = number and number.zfill(3)
        keys = [("statusCode", number), (TABLES.get(kind, ""), clean(state.code))]
        coarse, letters = self.codes.find("type", kind), self.codes.find(*keys[1])
        ordered = reversed(keys) if number in VAGUE else keys
        meaning = self.codes.read(*ordered, coarse=coarse.status if coarse else None)
        if letters is None or letters.status not in (None, meaning.status):
            return meaning
        # Both speak of the same position: the two letters know the reason better.
        flags = tuple(dict.fromkeys(meaning.flags + letters.flags))
        return structs.replace(meaning, reason=letters.reason or meaning.reason, flags=flags)


def _unknown(problems: Iterable[Problem]) -> NotFound:
    """NotFound if that is what UPS says; what else stops it from answering is no answer about the number."""
    said = {clean(problem.code): clean(problem.message) for problem in problems}
    for code in UNKNOWN & said.keys():
        return NotFound(f"{code} {said[code]}")
    raise ProtocolError(f"UPS answered without a package: {said or 'no reason given'}")


@hookimpl
def register_carriers(register: Callable[[type[Carrier[Any]]], None]) -> None:
    register(UPS)
