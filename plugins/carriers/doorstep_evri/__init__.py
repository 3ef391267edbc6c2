"""Evri: Hermes Germany by its HSI interface, and Evri in the United Kingdom by the client tracking API."""

import re
from collections.abc import Collection
from typing import Literal

from doorstep import (  # isort: skip
    Answer, Auth, Carrier, CarrierSettings, Event, Exchange, Found, NotFound, OAuthClientCredentials, PickupPoint,
    Place, ProtocolError, Query, Request, Secret, Shipment, Status, Tree, Window, countries, moments, registers,
    taken_back,
)  # fmt: skip

GERMAN_TOKEN = "https://authme.myhermes.de/authorization-facade/oauth2/access_token"  # noqa: S105
BRITISH_TOKEN = "https://hermes-client-integration-prod.eu.auth0.com/oauth/token"  # noqa: S105
BRITISH_EVENTS = "https://api.hermesworld.co.uk/client-tracking-api/v1/events"
PLACEHOLDER = re.compile(
    r" ?#[A-Z]+#"
)  # "sorted #IM# #ORT# #CITY#": what the text was made from, and was not filled in
LONG = 9  # digits of a code in its long form: what happened (6), and by whom it was seen (3)
TAKES_BACK: dict[str, Collection[Status]] = {  # by the short code, and by the first six digits of the long one
    **dict.fromkeys(("4070", "050090"), (Status.OUT_FOR_DELIVERY, Status.IN_TRANSIT)),  # it did not leave
    **dict.fromkeys(("4072", "100090"), (Status.RETURNING,)),
    **dict.fromkeys(("4690", "048090"), tuple(Status)),  # the last word of the shop, whatever it was
    **dict.fromkeys(("9399", "390020"), (Status.CANCELLED,)),
}
# Nobody documents Evri's answer: these are the names under which such things usually stand.
TIMES = ("dateTime", "eventDateTime", "timestamp", "date")
TEXTS = ("description", "trackingPoint.description", "trackingStage.description", "eventDescription")
CODES = ("code", "eventCode", "trackingPoint.trackingPointId", "trackingStage.trackingStageCode")
LISTS = ("events", "trackingEvents", "results.trackingEvents", "")


class Settings(CarrierSettings, frozen=True):
    """`country` chooses the API: an account belongs to one of the two. Hermes Germany wants `user` and `password` as well."""

    client_id: str
    client_secret: Secret
    country: Literal["GB", "DE"] = "GB"
    user: str = ""
    password: Secret = Secret("")

    def __post_init__(self) -> None:
        if self.country == "DE" and not (self.user and self.password.reveal()):
            raise ValueError("Hermes Germany wants user and password beside client_id and client_secret")


class Evri(Carrier[Settings]):
    def auth(self) -> Auth:
        own, form = self.settings, {"audience": "client-tracking-api"}
        if own.country == "DE":  # another grant of the same protocol (RFC 6749, 4.3)
            form = {"grant_type": "password", "username": own.user, "password": own.password.reveal()}
        path = GERMAN_TOKEN if own.country == "DE" else BRITISH_TOKEN
        return OAuthClientCredentials(path, own.client_id, own.client_secret, in_form=True, form=form)

    def track(self, query: Query) -> Exchange[Answer]:
        headers = {"Accept": "application/json", "Accept-Language": query.language}
        if self.settings.country == "DE":
            path, params = "/services/hsi/shipmentinfo", {"shipmentID": query.number}
        else:
            path, params = BRITISH_EVENTS, {"barcode": query.number, "descriptionType": "CLIENT"}
        answer = (yield Request("GET", path, params=params, headers=headers)).expect(200).tree()
        german = answer.at("shipmentinfo")
        return (
            self._german(german.each(), query.number)
            if german.value is not None
            else self._british(answer, query.number)
        )

    def _german(self, listed: list[Tree], asked: str) -> Answer:
        known = [one for one in listed if one.at("status") or (one.text("shipmentID") and not one.at("result"))]
        if not known:
            said = "; ".join(f"{one.text('result.code')}: {one.text('result.message')}" for one in listed)
            if {one.text("result.code") for one in listed} <= {"e001"}:
                return NotFound(said)
            raise ProtocolError(f"Hermes answered without a shipment: {said}")
        bearing = [one for one in known if asked and one.text("shipmentID").upper() == asked] or known
        return Found(tuple(self._shipment(one, asked) for one in bearing))

    def _shipment(self, info: Tree, asked: str) -> Shipment:
        oldest_first = [self._event(scan) for scan in info.each("status")]
        events = taken_back((event for event in reversed(oldest_first) if event.code or event.text), _takes_back)
        where = info.at("receiverAddress")
        country = countries.alpha2(where.text("countryCode"))
        point = next((event.place for event in events if event.status is Status.AVAILABLE_FOR_PICKUP), None)
        return Shipment(
            number=info.text("shipmentID") or asked,
            events=events,
            destination=Place(where.text("city"), postcode=where.text("zipCode"), country=country),
            window=_window(info.at("deliveryForecast"), country),
            pickup_point=PickupPoint(point.name, place=point) if point else None,
        )

    def _event(self, scan: Tree) -> Event:
        unit, code = scan.at("scanningUnit"), scan.text("code")
        code = code.zfill(4 if len(code) <= 4 else LONG) if code.isdecimal() else code  # a number has lost its zeros
        place = Place(unit.text("city"), country=countries.alpha2(unit.text("countryCode")), name=unit.text("name"))
        moment = moments.iso(scan.text("timestamp"), country=place.country)
        text = PLACEHOLDER.sub("", scan.text("description")).strip()
        return self.codes.read((code,)).event(moment, code=code, text=text, place=place)

    def _british(self, answer: Tree, asked: str) -> Answer:
        """Times and words of the events, and no status: what Evri's codes mean is in no document."""
        lists = ([one for one in answer.each(path) if _says_something(one)] for path in LISTS)
        found = next(filter(None, lists), [])
        if not found:
            raise ProtocolError("the answer is neither Hermes Germany's nor a list of events")
        told = tuple(
            self.codes.read().event(moments.iso(_first(one, TIMES)), code=_first(one, CODES), text=_first(one, TEXTS))
            for one in found
        )
        return Found((Shipment(found[0].text("barcode") or answer.text("barcode") or asked, told),))


def _takes_back(event: Event) -> Collection[Status]:
    return TAKES_BACK.get(event.code[:6] if len(event.code) == LONG else event.code, ())


def _window(forecast: Tree, country: str) -> Window | None:
    """Between the two times, which are written without their day; the whole day where there are none."""
    day = moments.iso(forecast.text("date")[:10])
    if day.local is None:
        return None
    times = (f"{day.raw}T{forecast.text(f'timeSlot.{end}')}" for end in ("from", "to"))
    start, end = (moment if moment.local else None for moment in (moments.iso(at, country=country) for at in times))
    return Window(start, end) if start or end else Window(day, day)


def _says_something(one: Tree) -> bool:
    return bool(_first(one, TIMES) and (_first(one, TEXTS) or _first(one, CODES)))


def _first(tree: Tree, paths: tuple[str, ...]) -> str:
    return next(filter(None, map(tree.text, paths)), "")


register_carriers = registers(Evri)
