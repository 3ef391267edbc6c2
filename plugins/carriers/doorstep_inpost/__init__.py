"""InPost: lockers and courier parcels in Poland, by the public tracking of its ShipX API."""

from urllib.parse import quote

from doorstep import (  # isort: skip
    Answer, Carrier, Event, Exchange, Found, Moment, NoSettings, NotFound, PickupPoint, Place, ProtocolError, Query,
    Request, Shipment, Tree, moments, registers,
)  # fmt: skip

PARCEL = ("tracking_number", "tracking_details", "custom_attributes")  # a parcel has one of them


class InPost(Carrier[NoSettings]):
    def track(self, query: Query) -> Exchange[Answer]:
        path = f"/v1/tracking/{quote(query.number, safe='')}"
        response = yield Request("GET", path, headers={"Accept": "application/json"})
        answer = response.expect(200, 404).tree()
        if (error := answer.text("error")) == "resource_not_found":
            return NotFound(error)
        if response.status != 200 or error or not any(map(answer.at, PARCEL)):
            raise ProtocolError(f"HTTP {response.status} with neither a parcel nor 'resource_not_found': {error}")
        return Found((self._shipment(answer, query.number),))

    def _shipment(self, parcel: Tree, asked: str) -> Shipment:
        point = _pickup_point(parcel.at("custom_attributes"))
        return Shipment(
            number=parcel.text("tracking_number") or asked,
            events=self._events(parcel),
            service=_service(parcel.text("service") or parcel.text("type")),
            destination=point.place if point else Place(),
            pickup_point=point,
        )

    def _events(self, parcel: Tree) -> tuple[Event, ...]:
        """The scans. The parcel's status is one of them; where it is not, it is the newest, and its time is not known."""
        scans = [self._event(scan, moments.iso(scan.text("datetime"))) for scan in parcel.each("tracking_details")]
        events = [event for event in scans if event.code or event.text]
        if (now := parcel.text("status")) and now not in {event.code for event in events}:
            first, last = (events[end].moment.instant if events else None for end in (0, -1))
            oldest_first = first and last and first < last
            events.insert(len(events) if oldest_first else 0, self._event(parcel, Moment("")))
        return tuple(events)

    def _event(self, scan: Tree, moment: Moment) -> Event:
        """InPost gives no text; the code behind a status stands in for one where the status says nothing."""
        code, own = scan.text("status"), scan.text("origin_status")
        meaning = self.codes.read((code.lower(),))
        place = Place(name=scan.text("agency"))
        return meaning.event(moment, code=code or own, text="" if meaning.mapped else own, place=place)


def _pickup_point(attributes: Tree) -> PickupPoint | None:
    """The locker or point that the parcel goes to, and waits in."""
    code, detail = attributes.text("target_machine_id"), attributes.at("target_machine_detail")
    town = detail.text("address.line2")
    postcode, _, city = town.partition(" ")
    if not any(map(str.isdigit, postcode)):
        postcode, city = "", town
    country = "PL" if postcode[2:3] == "-" and len(postcode) == 6 else ""  # 30-001: no other country writes it so
    hours = tuple(filter(None, (line.text() for line in detail.each("opening_hours"))))
    place = Place(city.strip(), postcode=postcode, country=country)
    point = PickupPoint(detail.text("name") or code, detail.text("address.line1"), place, hours, code=code)
    return point if point != PickupPoint() else None


def _service(name: str) -> str:
    """As people read it: ShipX writes "inpost_locker_standard"."""
    return name.replace("_", " ").title().replace("Inpost", "InPost") if "_" in name else name


register_carriers = registers(InPost)
