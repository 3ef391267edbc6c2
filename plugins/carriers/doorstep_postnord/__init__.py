"""PostNord: parcels and letters of the Swedish and the Danish post, by Track & Trace v5."""

from collections.abc import Sequence

from doorstep import (  # isort: skip
    Answer, Auth, Carrier, CarrierSettings, Event, Exchange, Found, NotFound, PickupPoint, Piece, Place, Precision,
    ProtocolError, Query, QueryKey, Request, Secret, Shipment, Status, Tree, Weight, Window, countries, moments, registers,
    sent_back,
)  # fmt: skip

LOCALES = {"en": "en", "sv": "sv", "no": "no", "nb": "no", "nn": "no", "da": "da", "fi": "fi"}
ONE_CLOCK = {"SE", "DK", "NO"}


class Settings(CarrierSettings, frozen=True):
    api_key: Secret


class PostNord(Carrier[Settings]):
    def auth(self) -> Auth:
        return QueryKey("apikey", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        locale = LOCALES.get(query.language[:2].lower(), "en")
        response = yield Request(
            "GET",
            "/rest/shipment/v5/trackandtrace/findByIdentifier.json",
            params={"id": query.number, "locale": locale},
            headers={"Accept": "application/json"},
        )
        answer = response.expect(200, 400, 404).tree()
        found = answer.each("TrackingInformationResponse.shipments")
        listed = [one for one in found if one.text("shipmentId") or one.at("items")]
        if not listed:
            return _refusal(answer, response.status)
        bearing = [one for one in listed if _bare(query.number) in _numbers(one)] or listed
        return Found(tuple(self._shipment(one, query.number, locale) for one in bearing))

    def _shipment(self, shipment: Tree, asked: str, locale: str) -> Shipment:
        own, items = shipment.text("shipmentId"), shipment.each("items")
        if asked and _bare(asked) != _bare(own):  # where an item was asked for, the others are not meant
            items = [one for one in items if _bare(one.text("itemId")) == _bare(asked)] or items
        numbers = list(dict.fromkeys(filter(None, (one.text("itemId") for one in items))))
        alone = numbers[0] if len(numbers) == 1 else ""
        origin, destination = (_place(shipment.at(f"{end}.address")) for end in ("consignor", "consignee"))
        clock = _clock(origin.country, destination.country)
        events = [
            event
            for one in items or [shipment]
            for event in self._events(one, shipment, one.text("itemId") if len(numbers) > 1 else "", clock)
        ]
        return Shipment(
            number=asked if _bare(asked) in _numbers(shipment) else alone or own or asked,
            events=tuple(events),
            service=shipment.text("service.name"),
            origin=origin,
            destination=destination,
            window=_window(shipment, destination.country),
            pickup_point=_pickup_point(shipment, events),
            pieces=tuple(map(Piece, numbers)) if len(numbers) > 1 else (),
            weight=_weight(items),
            language=locale,
        )

    def _events(self, item: Tree, shipment: Tree, piece: str, clock: str) -> Sequence[Event]:
        """The item's scans, newest first; where it has none, the status is all there is to know."""
        said = item if item.text("status") else shipment
        now = {"status": said.text("status"), "eventDescription": said.text("statusText.header")}
        scans = item.each("events") or [Tree(now)]
        events = [self._event(scan, piece, clock) for scan in reversed(scans)]
        events = [event for event in events if event.code or event.text]
        # The scans of a parcel that went back may say "delivered", and nothing of the way back.
        went_back = "RETURNED" in (item.text("status").upper(), shipment.text("status").upper())
        return sent_back(events) if went_back else events

    def _event(self, scan: Tree, piece: str, clock: str) -> Event:
        where, status, number = scan.at("location"), scan.text("status"), scan.text("eventCode")
        place = _place(where, where.text("name") or where.text("displayName"))
        meaning = self.codes.read((status.upper(), number), (status.upper(), "*"), ("*", number))
        moment = moments.iso(scan.text("eventTime"), country=place.country or clock)
        code, text = f"{status}/{number}".strip("/"), scan.text("eventDescription")
        return meaning.event(moment, code=code, text=text, place=place, piece=piece)


def _refusal(answer: Tree, status: int) -> NotFound:
    """NotFound if PostNord knows no such identifier; raises what else its faults say."""
    inside = answer.at("TrackingInformationResponse")
    fault = inside.at("compositeFault") or answer.at("compositeFault")
    said = "; ".join(f"{one.text('faultCode')}: {one.text('explanationText')}" for one in fault.each("faults"))
    unknown = any(one.text("faultCode").lower() == "invalididentifier" for one in fault.each("faults"))
    empty = status == 200 and isinstance(inside.value, dict) and not fault and not inside.at("shipments")
    if unknown or empty:
        return NotFound(said)
    raise ProtocolError(f"PostNord answered without a shipment: {said or 'no reason given'}")


def _bare(number: str) -> str:
    """A number without blanks, and without the zeros that stand in front of an SSCC or do not."""
    return number.replace(" ", "").upper().lstrip("0")


def _numbers(shipment: Tree) -> set[str]:
    own = (shipment.text("shipmentId"), *(one.text("itemId") for one in shipment.each("items")))
    return {_bare(number) for number in own if number}


def _clock(origin: str, destination: str) -> str:
    """The country by whose clock a scan without a place was written: where both ends have the same one."""
    return destination if origin == destination or {origin, destination} <= ONE_CLOCK else ""


def _place(tree: Tree, name: str = "") -> Place:
    country = countries.alpha2(tree.text("countryCode")) or countries.alpha2(tree.text("country"))
    return Place(tree.text("city"), postcode=tree.text("postcode") or tree.text("postCode"), country=country, name=name)


def _window(shipment: Tree, country: str) -> Window | None:
    """What the public is told comes first. A midnight stands for its day."""
    for name in ("publicTimeOfArrival", "estimatedTimeOfArrival"):
        text = shipment.text(name)
        moment = moments.iso(text if text[10:].strip("T :0.Z") else text[:10], country=country)
        if moment.local or moment.instant:
            return Window(moment if moment.precision is Precision.DAY else None, moment)
    return None


def _pickup_point(shipment: Tree, events: list[Event]) -> PickupPoint | None:
    """The point that the shipment names, else the place of the scan that says it waits there."""
    for path in ("destinationDeliveryPoint", "deliveryPoint"):
        point = shipment.at(path)
        if name := point.text("name") or point.text("displayName"):
            place = _place(point.at("address"))
            return PickupPoint(name, point.text("address.street1"), place, code=point.text("locationId"))
    waiting = (event for event in events if event.status is Status.AVAILABLE_FOR_PICKUP)
    place = next((event.place for event in waiting), Place())
    return PickupPoint(place.name, place=place) if place.name or place.city else None


def _weight(items: list[Tree]) -> Weight | None:
    weights = [_measured(item.at("assessedMeasurement")) or _measured(item.at("statedMeasurement")) for item in items]
    return Weight(round(sum(weights), 3)) if weights and min(weights) > 0 else None


def _measured(measurement: Tree) -> float:
    value, unit = measurement.number("weight.value") or 0, measurement.text("weight.unit").lower()
    return value if unit == "kg" else value / 1000 if unit == "g" else 0


register_carriers = registers(PostNord)
