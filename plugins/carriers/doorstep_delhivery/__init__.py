"""Delhivery: parcels in India, by its package tracking API."""

from collections.abc import Iterator, Sequence

from doorstep import (  # isort: skip
    Answer, Answers, Auth, Carrier, CarrierSettings, CarrierUnavailable, Event, Exchange, Found, HeaderKey, NotFound, Place,
    Query, Request, Secret, Shipment, Tree, Window, each_of, moments, registers,
)  # fmt: skip

CLOCK = "Asia/Kolkata"  # of all times, which are written without an offset
DAY_ENDS = ("00:00:00", "23:59:59", "00:00", "23:59")  # of an announced delivery: they stand for the day
# What an error says that is not about the number. All others say that Delhivery does not know it.
TROUBLE = ("server", "try again", "throttl", "limit", "timed out", "timeout", "unavailable", "went wrong")
SCAN = ("ScanType", "Scan", "ScanDateTime", "ScannedLocation")
NOW = ("StatusType", "Status", "StatusDateTime", "StatusLocation")  # the same, of the current status
NAMES = ("Status.RecievedBy", "Status.ReceivedBy", "Consignee.Name")


class Settings(CarrierSettings, frozen=True):
    api_token: Secret


class Delhivery(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("Authorization", Secret(f"Token {self.settings.api_token.reveal()}"))

    def track(self, query: Query) -> Exchange[Answer]:
        return self._answer((yield from _asked([query])), query.number, alone=True)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        answer = yield from _asked(queries)
        return each_of(queries, lambda query: self._answer(answer, query.number, alone=len(queries) == 1))

    def _answer(self, answer: Tree, number: str, *, alone: bool) -> Answer:
        """What is said of one waybill; if it was asked `alone`, a shipment without any number is this one."""
        if not answer.at("ShipmentData") and (said := answer.text("Error") or answer.text("error")):
            if any(words in said.lower() for words in TROUBLE):
                raise CarrierUnavailable(f"Delhivery does not answer: {said}")
            return NotFound(said)
        shipments = [one.at("Shipment") for one in answer.expect("ShipmentData").each()]
        own = [one for one in shipments if not number or one.text("AWB") in (number, "" if alone else number)]
        known = tuple(self._shipment(one, number) for one in own if one.at("Scans") or one.at("Status"))
        return Found(known) if known else NotFound("no shipment has this waybill")

    def _shipment(self, parcel: Tree, number: str) -> Shipment:
        return Shipment(
            number=parcel.text("AWB") or number,
            events=tuple(self._events(parcel)),
            origin=_place(parcel.text("Origin")),
            destination=_place(parcel.text("Destination")),
            window=_window(parcel.text("ExpectedDeliveryDate")) or _window(parcel.text("PromisedDeliveryDate")),
            language="en",
        )

    def _events(self, parcel: Tree) -> Iterator[Event]:
        """The scans, oldest first as Delhivery has them, and the current status where it is none of them."""
        names, told = [name for name in map(parcel.text, NAMES) if len(name) > 1], set()
        scans = [(part.at("ScanDetail") or part, SCAN) for part in parcel.each("Scans")]
        for scan, fields in [*scans, (parcel.at("Status"), NOW)]:
            kind, name, at, place = map(scan.text, fields)
            moment, said = moments.iso(at, zone=CLOCK), scan.text("Instructions")
            if not (kind or name or said) or (fields is NOW and (kind, name, moment.instant) in told):
                continue
            told.add((kind, name, moment.instant))
            coarse = self.codes.find(kind.upper(), "any")
            meaning = self.codes.read((kind.upper(), name.lower()), coarse=coarse.status if coarse else None)
            code = "/".join(filter(None, (kind, name, scan.text("StatusCode"))))
            text = name if any(one.lower() in said.lower() for one in names) else said or name
            yield meaning.event(moment, code=code, text=text, place=_place(place))


def _asked(queries: Sequence[Query]) -> Exchange[Tree]:
    params = {"waybill": ",".join(query.number for query in queries)}
    response = yield Request("GET", "/api/v1/packages/json/", params=params, headers={"Accept": "application/json"})
    return response.expect(200, 400, 404).tree()


def _place(text: str) -> Place:
    """From "Pune_Bavdhan_D (Maharashtra)": a centre is named after its city, and its state stands behind it."""
    centre, _, region = text.removesuffix(")").partition(" (")
    city, built, _ = centre.partition("_")
    if not text:
        return Place()
    return Place("" if centre == "HQ" else city, region, country="IN", name=centre if built or centre == "HQ" else "")


def _window(text: str) -> Window | None:
    """The day, or the time by which it comes; a time at the end of a day, or its beginning, stands for the day."""
    written = text[:10] if text[11:19] in DAY_ENDS else text
    moment = moments.iso(written, zone=CLOCK)
    if moment.instant:
        return Window(end=moment)
    return Window(moment, moment) if moment.local else None


register_carriers = registers(Delhivery)
