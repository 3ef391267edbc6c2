"""PostNL: letters and parcels of the Netherlands and Belgium, by the Shipping Status API v2."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from urllib.parse import quote

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Auth, Carrier, CarrierSettings, Event, Exchange, Found, HeaderKey, Meaning,
    NotFound, Piece, Place, Query, ProtocolError, Request, Secret, Shipment, Status, Tree, Window, countries, moments,
    registers,
)  # fmt: skip

ZONE = "Europe/Amsterdam"  # all times are by this clock, which is Belgium's, too
RECIPIENT = "01"  # the type of an address


class Settings(CarrierSettings, frozen=True):
    api_key: Secret


class PostNL(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("apikey", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        language = "NL" if query.language.partition("-")[0] == "nl" else "EN"
        path = f"/shipment/v2/status/barcode/{quote(query.number, safe='')}"
        params = {"detail": "true", "language": language}
        response = yield Request("GET", path, params=params, headers={"Accept": "application/json"})
        answer = response.expect(200, 404).tree()
        status = answer.at("CompleteStatus") or answer.at("CurrentStatus")
        parcels = status.each("Shipment")
        warnings = [*answer.each("Warnings"), *status.each("Warnings")]
        if warnings and not parcels:
            return NotFound("; ".join(f"{one.text('Code')} {one.text('Description')}" for one in warnings))
        status.expect("Shipment")
        return self._answer(parcels, query.number, language.lower())

    def _answer(self, parcels: Sequence[Tree], asked: str, language: str) -> Answer:
        """A shipment for each main barcode: parcels that share it are its pieces."""
        together: dict[str, list[Tree]] = {}
        for parcel in parcels:
            together.setdefault(_barcode(parcel, "MainBarcode") or _barcode(parcel), []).append(parcel)
        shipments = []
        for main, pieces in together.items():
            numbers = [main, *map(_barcode, pieces)]
            if asked in ("", *numbers):
                shipments.append(self._shipment(asked or main, pieces, language))
        if parcels and not shipments:
            raise ProtocolError("PostNL answered about another barcode")
        return Found(tuple(shipments)) if shipments else NotFound("no shipment in the answer")

    def _shipment(self, number: str, pieces: Sequence[Tree], language: str) -> Shipment:
        first, several = pieces[0], len(pieces) > 1
        dated = [scan for one in pieces for scan in self._events(one, _barcode(one) if several else "")]
        dated.sort(key=itemgetter(0), reverse=True)
        address = next((one for one in first.each("Address") if one.text("AddressType") == RECIPIENT), Tree(None))
        country = countries.alpha2(address.text("CountryCode"))
        return Shipment(
            number,
            tuple(event for _, event in dated),
            service=first.text("ProductDescription"),
            destination=Place(address.text("City"), postcode=address.text("Zipcode"), country=country),
            window=_window(first.at("Expectation")),
            pieces=tuple(Piece(_barcode(one)) for one in pieces) if several else (),
            language=language,
        )

    def _events(self, parcel: Tree, piece: str) -> Iterator[tuple[datetime, Event]]:
        """The status, those before it, and the scans, each with its wall clock: that is one clock for all. Without a time the
        status is the newest, anything else the oldest. A scan that only repeats a status in its words is left out."""
        told, newest = set(), datetime.max
        for status in (*parcel.each("Status"), *parcel.each("OldStatus")):
            code, phase, text = map(status.text, ("StatusCode", "PhaseCode", "StatusDescription"))
            text, at = text or status.text("PhaseDescription"), status.text("TimeStamp")
            if code or phase or text:
                told.add((at, text))
                moment = moments.day_first(at, zone=ZONE)
                meaning = self._meaning(code.lstrip("0"), phase.lstrip("0"), text.lower())
                yield moment.local or newest, meaning.event(moment, code=code or phase, text=text, piece=piece)
            newest = datetime.min
        for scan in parcel.each("Event"):
            code, text, at = map(scan.text, ("Code", "Description", "TimeStamp"))
            if (code or text) and (at, text) not in told:
                moment, meaning = moments.day_first(at, zone=ZONE), self.codes.read(("Event", code))
                place = Place(name=scan.text("LocationCode"))
                event = meaning.event(moment, code=code, text=text, place=place, piece=piece)
                yield moment.local or datetime.min, event

    def _meaning(self, code: str, phase: str, text: str) -> Meaning:
        """By the status code, else by the phase; then by what the description says beyond it."""
        coarse = self.codes.find("PhaseCode", phase)
        found = self.codes.read(("StatusCode", code), coarse=coarse.status if coarse else None)
        if not code and coarse and coarse.status is not Status.UNKNOWN:
            found = coarse  # no code is missing from the table
        finer = self.codes.said(found.status or "", text)
        return structs.replace(finer[0], mapped=found.mapped) if finer else found


def _barcode(parcel: Tree, name: str = "Barcode") -> str:
    return parcel.text(name).replace(" ", "").upper()


def _window(expectation: Tree) -> Window | None:
    ends = [moments.day_first(expectation.text(name), zone=ZONE) for name in ("ETAFrom", "ETATo")]
    start, end = (moment if moment.local else None for moment in ends)
    return Window(start, end) if start or end else None


register_carriers = registers(PostNL)
