"""FedEx: Express, Ground, Home Delivery, Ground Economy and Freight, by the Track API v1."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Answers, Auth, Carrier, CarrierUnavailable, Document, Event, Exchange, File, Flag, Found, Incoming, Leg,
    Meaning, Moment, NotFound, OAuthClientCredentials, PickupPoint, Place, Precision, ProtocolError, Pushed, PushSettings,
    Query, Request, Secret, Shipment, Status, Tree, Verdict, Weight, Window, countries, each_of, file_in, is_signed,
    moments, registers,
)  # fmt: skip

LOCALES = {"en": "en_US", "de": "de_DE", "es": "es_ES", "fr": "fr_FR", "it": "it_IT", "nl": "nl_NL", "pl": "pl_PL"}
UNKNOWN, DOWN = (".NOTFOUND", "TRACKINGNUMBER.INVALID"), ("UNAVAILABLE", "INTERNAL")  # in an error's code
VAGUE = {Status.DELIVERY_ATTEMPTED, Status.EXCEPTION}  # the exception's own code may say more
MOVING = {Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED}
SHOWN = {"DL", "OD", "HL", "RL", "RS", "SP"}  # the latest status is the derived one if it is one of these
DATES = {"DL": "ACTUAL_DELIVERY", "PU": "ACTUAL_PICKUP", "OC": "SHIPMENT_DATA_RECEIVED"}
UNITS = {"KG": "kg", "KGS": "kg", "LB": "lb", "LBS": "lb"}
POSTS = {"AX": "USPS", "OX": "USPS", "AC": "Canada Post"}
Told = TypeVar("Told", Event, Meaning)


class Settings(PushSettings, frozen=True):
    """`push_header` holds the signature of what FedEx pushes."""

    client_id: str
    client_secret: Secret
    account_number: str = ""
    push_header: str = "fdx-signature"


class FedEx(Carrier[Settings]):
    def auth(self) -> Auth:
        own = self.settings
        return OAuthClientCredentials("/oauth/token", own.client_id, own.client_secret, in_form=True)

    def track(self, query: Query) -> Exchange[Answer]:
        answer = yield from _asked([query])
        # Asked about one number, FedEx speaks of it, whatever it calls it.
        alone = len(answer.each("output.completeTrackResults")) == 1
        return self._answer(answer, "" if alone else query.number)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        answer = yield from _asked(queries)
        return each_of(queries, lambda query: self._answer(answer, query.number))

    def document(self, query: Query, document: Document) -> Exchange[File | NotFound]:
        info = {"trackingNumber": query.number, "trackingNumberUniqueId": document.ref}
        account = {"accountNumber": self.settings.account_number} if self.settings.account_number else {}
        kind = {"documentType": "SIGNATURE_PROOF_OF_DELIVERY", "documentFormat": "PDF"}
        body = {"trackDocumentDetail": kind, "trackDocumentSpecification": [{"trackingNumberInfo": info, **account}]}
        answer = yield from _posted("/track/v1/trackingdocuments", query.language, body)
        # The API sends `documents`, its description says `document`.
        letter = answer.text("output.documents") or answer.text("output.document")
        return file_in(letter, name=f"{query.number}.pdf") if letter else _unknown(answer)

    def verify(self, incoming: Incoming) -> Verdict:
        signature = incoming.header(self.settings.push_header)
        return Verdict.of(is_signed(incoming.body, self.push_secrets(), signature))

    def push(self, incoming: Incoming) -> Pushed:
        return Pushed(tuple(incoming.json().texts("trackingNumber")))

    def _answer(self, answer: Tree, number: str) -> Answer:
        entries = answer.each("output.completeTrackResults")
        own = [entry for entry in entries if number in ("", entry.text("trackingNumber"))]
        tracks = [(track, entry.text("trackingNumber")) for entry in own for track in entry.each("trackResults")]
        tracks.sort(key=lambda one: one[0].text("scanEvents.date"), reverse=True)
        shipments = [self._shipment(track, asked) for track, asked in tracks]
        known = tuple(shipment for shipment in shipments if shipment.events)
        return Found(known) if known else _unknown(answer, [track.at("error") for track, _ in tracks])

    def _shipment(self, track: Tree, asked: str) -> Shipment:
        dates = {date.text("type"): date.text("dateTime") for date in track.each("dateAndTimes")}
        events = self._events(track, dates)
        destination = _place(track.at("lastUpdatedDestinationAddress") or track.at("recipientInformation.address"))
        flags = {flag for event in events for flag in event.flags}
        delivered = any(event.status is Status.DELIVERED for event in events)
        images = [image.text("type") for image in track.each("availableImages")]
        proof = Document("proof_of_delivery", track.text("trackingNumberInfo.trackingNumberUniqueId"))
        return Shipment(
            number=track.text("trackingNumberInfo.trackingNumber") or asked,
            events=tuple(events),
            service=track.text("serviceDetail.description"),
            origin=_place(track.at("shipperInformation.address")),
            destination=destination,
            window=_window(track, dates, destination.country, late=Flag.DELAYED in flags),
            pickup_point=_pickup_point(track, in_shop=Flag.PICKUP_POINT in flags, delivered=delivered),
            legs=tuple(_legs(track, events)),
            weight=_weight(track),
            documents=(proof,) if "SIGNATURE_PROOF_OF_DELIVERY" in images else (),
        )

    def _events(self, track: Tree, dates: dict[str, str]) -> list[Event]:
        """The scans, newest first, and before them the latest status if no scan tells it."""
        events: list[Event] = []
        before: set[Status | None] = set()
        for scan in reversed(track.each("scanEvents")):
            event = self._event(scan, scan.text("eventType") or scan.text("derivedStatusCode"), track, before)
            if event.code or event.moment.raw:
                events.append(event)
                before.add(event.status)
        latest, derived = track.at("latestStatusDetail"), track.text("latestStatusDetail.derivedCode")
        code = derived if derived in SHOWN else latest.text("code") or derived
        told = any(event.code[:2] == code for event in reversed(events))
        if events:
            meaning = self._meaning(latest, code, "")
            events[-1] = _because(events[-1], meaning.reason if told else "", meaning.flags)
        if code and not told:
            moment = _when(dates.get(DATES.get(code, ""), ""), "") or Moment("")
            events.append(structs.replace(self._event(latest, code, track, before), moment=moment))
        return _nameless(events[::-1], track)

    def _event(self, scan: Tree, code: str, track: Tree, before: set[Status | None]) -> Event:
        why, place = scan.text("exceptionCode"), _place(scan.at("scanLocation"))
        meaning, text = self._meaning(scan, code, why), scan.text("eventDescription") or scan.text("statusByLocale")
        if meaning.status is Status.DELIVERED:
            meaning = _because(meaning, "", tuple(self._delivery(scan, track, before)))
        elif detail := scan.text("exceptionDescription"):  # of a delivery it may tell who took the parcel in
            text = f"{text}: {detail}" if text else detail
        if code in ("PU", "PX") and before & MOVING:  # its clock is often wrong
            meaning = structs.replace(meaning, status=None)
        if code == "HL" and not _is_held(track, place):
            meaning = structs.replace(meaning, status=Status.IN_TRANSIT)
        moment = moments.iso(scan.text("date"), country=place.country)
        return meaning.event(moment, code=f"{code}/{why}" if why else code, text=text, place=place)

    def _meaning(self, scan: Tree, code: str, why: str) -> Meaning:
        """By its code, else by the derived one; what led to it gives the reason."""
        meaning = self.codes.find("status", code)
        if meaning is None:
            coarse = self.codes.find("status", scan.text("derivedStatusCode"))
            meaning = self.codes.read(coarse=coarse.status if coarse else None)
        if why and (exception := self.codes.find("exception", why.lstrip("0").zfill(2))):
            status = exception.status if meaning.status in VAGUE else meaning.status
            meaning = _because(structs.replace(meaning, status=status), exception.reason, exception.flags)
        if scan.text("delayDetail.status") == "DELAYED":
            delay = self.codes.read(("delay", scan.text("delayDetail.type")))
            meaning = _because(meaning, delay.reason, (Flag.DELAYED,))
        return meaning

    def _delivery(self, scan: Tree, track: Tree, before: set[Status | None]) -> Iterator[Flag]:
        """What else there is to a delivery: by a return label; to a shop, where it waits unless it waited before."""
        label = track.at("returnDetail")
        if label.text("authorizationName") or label.text("reasonDetail.type"):  # else the part is there and empty
            yield Flag.RETURN
        kinds = (scan.text("locationType"), track.text("deliveryDetails.locationType"))
        waited = Status.AVAILABLE_FOR_PICKUP in before
        if not waited and any(self.codes.find("location", kind) for kind in kinds):
            yield Flag.PICKUP_POINT


def _asked(queries: Sequence[Query]) -> Exchange[Tree]:
    asked = [{"trackingNumberInfo": {"trackingNumber": query.number}} for query in queries]
    body = {"includeDetailedScans": True, "trackingInfo": asked}
    return (yield from _posted("/track/v1/trackingnumbers", queries[0].language, body))


def _posted(path: str, language: str, body: dict[str, Any]) -> Exchange[Tree]:
    headers = {"Accept": "application/json", "x-locale": LOCALES.get(language[:2].lower(), "en_US")}
    response = yield Request("POST", path, headers=headers, json=body, idempotent=True)
    return response.expect(200, 400, 404).tree()


def _unknown(answer: Tree, errors: Sequence[Tree] = ()) -> NotFound:
    """NotFound if that is what FedEx says; what else stops it from answering is no answer about the number."""
    problems = errors or answer.each("errors") + answer.each("output.alerts")
    said = "; ".join(one.text() or f"{one.text('code')} {one.text('message')}".strip() for one in problems)
    if any(word in said for word in UNKNOWN):
        return NotFound(said)
    error = CarrierUnavailable if any(word in said for word in DOWN) else ProtocolError
    raise error(f"FedEx answers without what was asked for: {said or 'no reason given'}")


def _because(one: Told, reason: str, flags: tuple[Flag, ...]) -> Told:
    return structs.replace(one, reason=reason or one.reason, flags=tuple(dict.fromkeys(one.flags + flags)))


def _nameless(events: list[Event], track: Tree) -> list[Event]:
    """Without the texts that tell who took it in."""
    for key in ("receivedByName", "signedByName"):
        if len(name := track.text(f"deliveryDetails.{key}").casefold()) > 1:
            events = [structs.replace(one, text="") if name in one.text.casefold() else one for one in events]
    return events


def _place(address: Tree) -> Place:
    country = countries.alpha2(address.text("countryCode"))
    return Place(address.text("city"), address.text("stateOrProvinceCode"), address.text("postalCode"), country)


def _window(track: Tree, dates: dict[str, str], country: str, *, late: bool) -> Window | None:
    """When it is expected. What was promised counts where FedEx has no estimate, and no longer when it is late."""
    hours = track.at("estimatedDeliveryTimeWindow.window")
    start, end = (_when(hours.text(name), country) for name in ("begins", "ends"))
    if not (start or end):
        estimate = dates.get("APPOINTMENT_DELIVERY") or dates.get("ESTIMATED_DELIVERY")
        end = _when(estimate or ("" if late else dates.get("COMMITMENT", "")), country)
        start = end if end and end.precision is Precision.DAY else None
    return Window(start, end) if start or end else None


def _when(text: str, country: str) -> Moment | None:
    """A time of a plan, local to the place unless it has an offset; FedEx writes a day as its midnight."""
    moment = moments.iso(text.partition("T00:00:00")[0], country=country)
    return structs.replace(moment, raw=text) if moment.local or moment.instant else None


def _pickup_point(track: Tree, *, in_shop: bool, delivered: bool) -> PickupPoint | None:
    """Where it is held or shall be; or the shop it was handed to."""
    hold = track.at("holdAtLocation.locationContactAndAddress")
    address = (in_shop and track.at("deliveryDetails.actualDeliveryAddress")) or hold.at("address")
    if not address.text("city") or (delivered and not in_shop):
        return None
    street = ", ".join(line.text() for line in address.each("streetLines") if line.text())
    code = track.text("holdAtLocation.locationId")
    return PickupPoint(hold.text("contact.companyName"), street, _place(address), code=code)


def _is_held(track: Tree, where: Place) -> bool:
    """Whether a parcel that is to be held has come to its place: FedEx writes HL on the way there, too."""
    notice = track.text("serviceCommitMessage.type")
    if notice.startswith("HELD_PACKAGE"):
        return "NOT_AVAILABLE" not in notice
    held = track.text("holdAtLocation.locationContactAndAddress.address.city")
    return not held or not where.city or held.casefold() == where.city.casefold()


def _weight(track: Tree) -> Weight | None:
    """Of the package, else of the whole shipment; FedEx writes it in pounds and in kilograms."""
    for one in track.each("packageDetails.weightAndDimensions.weight") + track.each("shipmentDetails.weight"):
        unit, value = UNITS.get(one.text("unit").upper()), one.number("value")
        if unit and value and value > 0:
            return Weight(value, unit)
    return None


def _legs(track: Tree, events: list[Event]) -> Iterator[Leg]:
    """The post that brings it, if a scan says so."""
    # The API sends `values`, its description says `value`; either may be one or several.
    identifiers = track.each("additionalTrackingInfo.packageIdentifiers")
    numbers = {one.text("type"): one.text("values") or one.text("value") for one in identifiers}
    if post := next((POSTS[event.code[:2]] for event in events if event.code[:2] in POSTS), ""):
        yield Leg(post, numbers.get("PARTNER_CARRIER_NUMBER", ""))


register_carriers = registers(FedEx)
