"""Ship24: an aggregator that tracks numbers of other carriers once a tracker is made of them (API v1)."""

from collections.abc import Sequence
from urllib.parse import quote

from msgspec.structs import replace

from doorstep import (  # isort: skip
    Answer, Auth, Carrier, CarrierError, Event, Exchange, Flag, Found, HeaderKey, Incoming, Leg, Meaning, Moment,
    NotFound, Place, ProtocolError, Pushed, PushSettings, Query, Registrations, Request, Secret, Shipment, Status, Tree,
    Verdict, countries, is_any, moments, newest_first, registers, turned_back,
)  # fmt: skip


class Settings(PushSettings, frozen=True):
    """`courier` is Ship24's code of the carrier that trackers are made for when nothing else says whose a number is."""

    api_key: Secret
    courier: str = ""


class Ship24(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("Authorization", Secret(f"Bearer {self.settings.api_key.reveal()}"))

    def track(self, query: Query) -> Exchange[Answer]:
        path = f"/trackers/search/{quote(query.number, safe='')}/results"
        response = yield Request("GET", path)
        answer = response.expect(200, 201, 400, 404).tree()
        if response.status == 404 or answer.text("errors.code") == "tracker_not_found":
            return NotFound("Ship24 has no tracker of it")
        if answer.at("errors"):
            raise _failure(answer)
        trackings = _trackings(answer)
        own = [one for one in trackings if query.number in ("", *_numbers(one))]
        shipments = [shipment for one in own if (shipment := self._shipment(one, query.number)).events]
        apart = {(one.carrier_name, one.events): one for one in shipments}  # a number may have several trackers
        return Found(tuple(apart.values())) if apart else NotFound("Ship24 has no news of it")

    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        results: dict[str, CarrierError | None] = {}
        for query in queries:
            code = self.manifest.code_of(query.carriers, otherwise=self.settings.courier)
            known = {
                "trackingNumber": query.number,
                "courierCode": [code] if code else [],
                "destinationPostCode": query.postcode,
                "shippingDate": query.shipped_on,
            }
            made = {name: value for name, value in known.items() if value}
            response = yield Request("POST", "/trackers", json=made)
            answer = response.expect(200, 201, 400, 404).tree()
            results[query.number] = _failure(answer) if answer.at("errors") or response.status >= 400 else None
        return results

    def verify(self, incoming: Incoming) -> Verdict:
        shown = incoming.header("Authorization").removeprefix("Bearer ")
        return Verdict.of(is_any(self.push_secrets(), shown))

    def push(self, incoming: Incoming) -> Pushed:
        return Pushed(tuple(number for one in _trackings(incoming.json()) for number in _numbers(one)))

    def _shipment(self, tracking: Tree, asked: str) -> Shipment:
        shipment, scans = tracking.at("shipment"), newest_first(tracking.each("events"), "occurrenceDatetime")
        couriers = list(dict.fromkeys(filter(None, (scan.text("courierCode") for scan in reversed(scans)))))
        names = list(dict.fromkeys(map(self.manifest.courier_name, couriers)))
        destination = countries.alpha2(shipment.text("destinationCountryCode"))
        expected = shipment.text("delivery.estimatedDeliveryDate")
        return Shipment(
            number=tracking.text("tracker.trackingNumber") or next(iter(_numbers(tracking)), asked),
            events=self._events(shipment, scans),
            carrier_name=names[0] if names else "",
            service=shipment.text("delivery.service"),
            origin=Place(country=countries.alpha2(shipment.text("originCountryCode"))),
            destination=Place(country=destination),
            window=moments.window(expected, expected, country=destination),
            legs=tuple(Leg(name) for name in names[1:]),
        )

    def _events(self, shipment: Tree, scans: Sequence[Tree]) -> tuple[Event, ...]:
        """All scans, newest first. Where there are none the shipment's own status speaks, if it says where the parcel is."""
        latest = self._meaning(shipment)
        if not scans and latest.status not in (None, Status.UNKNOWN):
            scans = [Tree({name: shipment.text(name) for name in ("statusCode", "statusMilestone")})]
        events = tuple(event for scan in scans if (event := self._event(scan)).code or event.text)
        # A delivery to the sender is a delivery like any other: only the shipment knows of the return.
        return turned_back(events) if Flag.RETURN in latest.flags else events

    def _event(self, scan: Tree) -> Event:
        code = scan.text("statusCode") or scan.text("statusMilestone")
        place = _place(scan.text("location"))
        return self._meaning(scan).event(_moment(scan, place.country), code=code, text=scan.text("status"), place=place)

    def _meaning(self, said: Tree) -> Meaning:
        """The status code's; of one that is not known, or null as for minor scans, the milestone's."""
        code = said.text("statusCode")
        if known := self.codes.find("statusCode", code):
            return known
        coarse = self.codes.read(("statusMilestone", said.text("statusMilestone")))
        return replace(coarse, mapped=coarse.mapped and not code)


def _trackings(answer: Tree) -> list[Tree]:
    """Of an answer, or of a message that was pushed."""
    return (answer.at("data") or answer).expect("trackings").each()


def _numbers(tracking: Tree) -> list[str]:
    """All under which a parcel is known: another carrier may have given it one of its own."""
    numbers = [one.text("tn") for one in tracking.each("shipment.trackingNumbers")]
    return [number.upper() for number in (tracking.text("tracker.trackingNumber"), *numbers) if number]


def _failure(answer: Tree) -> CarrierError:
    error = answer.at("errors")
    return ProtocolError(f"Ship24 says {error.text('code') or 'nothing'}: {error.text('message')}")


def _place(line: str) -> Place:
    """Of a line as the carrier wrote it. Two letters at its end are a country only behind a state: "CA" alone may be either."""
    parts = [part.strip() for part in line.split(",")]
    country = countries.alpha2(parts[-1]) if len(parts) > 2 and len(parts[-2]) <= 3 else countries.named(parts[-1])
    rest = parts[:-1] if country else parts
    city = next((part for part in rest if len(part) > 2 and not any(map(str.isdigit, part))), "")
    region = rest[1] if len(rest) == 2 and len(rest[1]) <= 3 else ""
    return Place(city, region, country=country, name="" if rest in ([], [city], [city, region]) else line)


def _moment(scan: Tree, country: str) -> Moment:
    """The clock of the place, with an offset where Ship24 knows it; a date alone where it says so."""
    text, offset = scan.text("occurrenceDatetime") or scan.text("datetime"), scan.text("utcOffset")
    if scan.is_true("hasNoTime"):
        return replace(moments.iso(text[:10]), raw=text)
    stated = moments.at_place(text + offset, country=country)
    return stated if stated.instant else moments.at_place(text, country=country)


register_carriers = registers(Ship24)
