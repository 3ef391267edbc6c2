"""Amazon Shipping: parcels that a merchant ships with Amazon, by the Shipping API v2 of the Selling Partner API."""

import re
from datetime import UTC, datetime
from typing import Literal

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Auth, AuthExpired, Carrier, CarrierSettings, CodeTable, Credential, Document, Event, Exchange, Flag, Found, Moment,
    NotFound, OAuthClientCredentials, Place, ProtocolError, Query, Request, Secret, Shipment, Tree, Window, countries,
    moments, registers,
)  # fmt: skip

LOGIN = "https://api.amazon.com/auth/o2/token"
ELSEWHERE = {  # than at the endpoint, which is Europe's, the Middle East's and India's
    "AmazonShipping_US": "https://sellingpartnerapi-na.amazon.com",
    "AmazonShipping_JP": "https://sellingpartnerapi-fe.amazon.com",
}
UNKNOWN_NUMBER = {"InvalidTrackingId", "NotFound"}
LEGS = {"FORWARD": "forward", "RETURNS": "returns"}  # shipmentType of a scan, list of its detail codes
BACK: dict[str, tuple[Flag, ...]] = {"FORWARD": (), "RETURNS": (Flag.RETURN,)}  # where no row of the table says it
BETWEEN_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Business = Literal[
    "AmazonShipping_UK", "AmazonShipping_IT", "AmazonShipping_ES", "AmazonShipping_FR", "AmazonShipping_US",
    "AmazonShipping_IN", "AmazonShipping_UAE", "AmazonShipping_SA", "AmazonShipping_EG", "AmazonShipping_JP",
]  # fmt: skip


class Settings(CarrierSettings, frozen=True):
    client_id: str
    client_secret: Secret
    refresh_token: Secret
    business: Business = "AmazonShipping_UK"
    carrier_id: str = ""


class LoginWithAmazon(OAuthClientCredentials):
    """OAuth 2.0 by the refresh token of a merchant who has let the application in; the token has a header of Amazon's own."""

    def __init__(self, settings: Settings) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": settings.refresh_token.reveal()}
        super().__init__(LOGIN, settings.client_id, settings.client_secret, in_form=True, form=form)

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(headers={"x-amz-access-token": credential.value.reveal()})


class AmazonShipping(Carrier[Settings]):
    def auth(self) -> Auth:
        return LoginWithAmazon(self.settings)

    def track(self, query: Query) -> Exchange[Answer]:
        business = self.settings.business
        params = {
            "trackingId": query.number,
            "carrierId": self.settings.carrier_id or business.replace("AmazonShipping", "AMZN"),
        }
        headers = {"Accept": "application/json", "x-amzn-shipping-business-id": business}
        path = f"{ELSEWHERE.get(business, '')}/shipping/v2/tracking"
        response = yield Request("GET", path, params=params, headers=headers, accept=(403,))
        if response.status == 403:  # an expired token too, unlike elsewhere
            raise AuthExpired("Amazon does not accept the access token (HTTP 403)")
        answer = response.expect(200, 400, 404).tree()
        if errors := answer.each("errors"):
            return _refusal(errors)
        parcel = answer.at("payload") or answer
        if response.status != 200 or not (parcel.at("eventHistory") or parcel.at("summary")):
            raise ProtocolError(f"HTTP {response.status} with neither a parcel nor Amazon's list of errors")
        return Found((self._shipment(parcel, query.number),))

    def _shipment(self, parcel: Tree, number: str) -> Shipment:
        promised = moments.iso(parcel.text("promisedDeliveryDate"))
        photo = parcel.text("summary.proofOfDelivery.deliveryImageURL")
        return Shipment(
            number=parcel.text("trackingId") or number,
            events=self._events(parcel.each("eventHistory"), parcel.at("summary")),
            window=Window(end=promised) if promised.local or promised.instant else None,
            documents=(Document("photo", photo),) if photo else (),
            language="en",
        )

    def _events(self, scans: list[Tree], summary: Tree) -> tuple[Event, ...]:
        details, status = summary.at("trackingDetailCodes"), summary.text("status")
        if not scans:  # then the summary is all there is
            leg = "RETURNS" if details.each("returns") else "FORWARD"
            meaning = self.codes.read(("status", status))
            return _detailed([(leg, meaning.event(Moment(""), code=status, flags=BACK[leg]))], details, self.codes)
        now, newest = self.codes.find("status", status), max(scan.text("eventTime") for scan in scans)
        told = []
        for scan in scans:
            at, code, place = scan.text("eventTime"), scan.text("eventCode"), _place(scan.at("location"))
            leg = "RETURNS" if scan.text("shipmentType").upper().startswith("RETURN") else "FORWARD"
            meaning = self.codes.read((leg, code), coarse=now.status if now and at == newest else None)
            flags = () if meaning.mapped else BACK[leg]
            told.append(
                (leg, meaning.event(moments.iso(at, country=place.country), code=code, place=place, flags=flags))
            )
        return _detailed(told, details, self.codes)


def _detailed(told: list[tuple[str, Event]], details: Tree, codes: CodeTable) -> tuple[Event, ...]:
    """The scans with what the detail codes say: each belongs to the newest scan of its leg that means the same."""
    events = [event for _, event in told]
    for leg, path in LEGS.items():
        own = [spot for spot, (its, _) in enumerate(told) if its == leg]
        own.sort(key=lambda spot: events[spot].moment.instant or LONG_AGO, reverse=True)
        for code in details.each(path) if own else ():
            meaning = codes.find("detail", code.text())
            alike = [spot for spot in own if meaning and events[spot].status is meaning.status]
            spot = (alike or own)[0]
            event, words = events[spot], BETWEEN_WORDS.sub(" ", code.text())
            reason = event.reason or (meaning.reason if meaning and alike else "")
            events[spot] = structs.replace(event, text=f"{event.text}, {words}".strip(", "), reason=reason)
    return tuple(events)


def _refusal(errors: list[Tree]) -> NotFound:
    """NotFound if Amazon does not know the number; any other refusal says nothing about it."""
    said = "; ".join(f"{error.text('code')}: {error.text('details') or error.text('message')}" for error in errors)
    if any(error.text("code") in UNKNOWN_NUMBER for error in errors):
        return NotFound(said)
    raise ProtocolError(f"Amazon does not answer: {said}", next_step="check business and carrier_id of the account")


def _place(location: Tree) -> Place:
    city, region, postcode = (location.text(name) for name in ("city", "stateOrRegion", "postalCode"))
    return Place(city, region, postcode, countries.alpha2(location.text("countryCode")))


register_carriers = registers(AmazonShipping)
