"""Purolator: parcels and documents in Canada, by the TrackingService of its E-Ship web services (SOAP)."""

import re
from collections.abc import Sequence

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Answers, Auth, Basic, Carrier, CarrierSettings, Document, Event, Exchange, File, Found, Moment, NotFound,
    Piece, Place, ProtocolError, Query, Secret, Shipment, Status, Tree, each_of, file_in, moments, registers, soap,
)  # fmt: skip

PATH = "/PWS/V1/Tracking/TrackingService.asmx"
ACTION = "http://purolator.com/pws/service/v1/TrackPackagesByPin"
TYPES = "{http://purolator.com/pws/datatypes/v1}"
OTHER = {Status.IN_TRANSIT, Status.DELIVERY_ATTEMPTED}  # "Other" and "Undeliverable": the description says what it was
UNKNOWN_NUMBER = (
    "not found", "no record", "no scan", "no tracking", "no result", "does not exist", "not exist", "invalid pin",
    "introuvable", "n'existe pas", "aucun",
)  # fmt: skip
# The clock of a depot's province. Nunavut has three, and towns that keep another clock than their province have none here.
CLOCKS = {
    "AB": "America/Edmonton", "BC": "America/Vancouver", "MB": "America/Winnipeg", "NB": "America/Moncton",
    "NL": "America/St_Johns", "NS": "America/Halifax", "NT": "America/Edmonton", "NU": "", "ON": "America/Toronto",
    "PE": "America/Halifax", "QC": "America/Toronto", "SK": "America/Regina", "YT": "America/Whitehorse",
}  # fmt: skip
FORMER = {"PQ": "QC", "NF": "NL", "NFLD": "NL", "YK": "YT"}
OTHER_CLOCK = re.compile(
    "KENORA|DRYDEN|FORT FRANCES|RAINY RIVER|RED LAKE|SIOUX LOOKOUT|IGNACE|ATIKOKAN|LLOYDMINSTER|CRANBROOK|FERNIE|GOLDEN"
    "|INVERMERE|KIMBERLEY|CRESTON|SPARWOOD|DAWSON CREEK|CHETWYND|FORT (?:ST\\.?|SAINT) JOHN|FORT NELSON|TUMBLER RIDGE"
    "|GOOSE BAY|LABRADOR|WABUSH|CHURCHILL FALLS|BLANC.SABLON|[IÎ]LES.DE.LA.MADELEINE|CAP.AUX.MEULES"
)
DEPOT = re.compile(r"[/\d]|\b(?:CTR|CTRE|CENT(?:ER|RE)|DEPOT|DEP[OÔ]T|HUB|SORT|TERMINAL|TRIE?)\b", re.IGNORECASE)
SIGNED = re.compile(
    r"\b(delivered|signed|livrée?|signée?|received|reçue?|remise?)\b\W*(?:to|by|for|à|par)\b.*", re.IGNORECASE
)


class Settings(CarrierSettings, frozen=True):
    key: str
    password: Secret


class Purolator(Carrier[Settings]):
    def auth(self) -> Auth:
        return Basic(self.settings.key, self.settings.password)

    def track(self, query: Query) -> Exchange[Answer]:
        return self._answer((yield from _asked([query])), query, alone=True)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        answer = yield from _asked(queries)
        return each_of(queries, lambda query: self._answer(answer, query, alone=len(queries) == 1))

    def document(self, query: Query, document: Document) -> Exchange[File | NotFound]:
        answer = yield from _asked([query])
        images = [_image(scan) for parcel in _about(answer, query) for scan in parcel.each("Scans.Scan")]
        return next((file_in(image) for image in images if image), NotFound("nobody signed"))

    def _answer(self, answer: Tree, query: Query, *, alone: bool) -> Answer:
        parcels, general = _about(answer, query), _faults(answer)
        if scanned := tuple(self._shipment(one, query) for one in parcels if one.each("Scans.Scan")):
            return Found(scanned)
        own = [fault for one in parcels for fault in _faults(one)]
        own = own or [fault for fault in general if alone or query.number in fault]
        if any(words in fault.lower() for fault in own for words in UNKNOWN_NUMBER):
            return NotFound("; ".join(own))
        if own or general or (_parcels(answer) and not parcels):
            raise ProtocolError(f"Purolator says nothing about the number: {'; '.join(own or general)}")
        return NotFound("no scans, and no error")

    def _shipment(self, parcel: Tree, query: Query) -> Shipment:
        scans = parcel.each("Scans.Scan")
        number = query.number or parcel.text("PIN.Value").upper()
        pins = list(dict.fromkeys(pin for scan in scans if (pin := scan.text("PIN.Value").upper())))
        several = pins if len(pins) > 1 else []
        return Shipment(
            number=number,
            events=tuple(event for event in (self._event(scan, several) for scan in scans) if event.code or event.text),
            pieces=tuple(map(Piece, several)),
            documents=(Document("signature", number),) if any(map(_image, scans)) else (),
        )

    def _event(self, scan: Tree, pieces: list[str]) -> Event:
        code, text = scan.text("ScanType"), scan.text("Description")
        meaning = self.codes.read(("ScanType", code))
        said = self.codes.said("Description", f"{text} {scan.text('Comment')}")
        meaning = meaning.finer(said) if meaning.status in OTHER else meaning.flagged(said)
        text = SIGNED.sub(r"\1", text) if meaning.status is Status.DELIVERED else text
        place, piece = _place(scan.text("Depot.Name")), scan.text("PIN.Value").upper() if pieces else ""
        return meaning.event(_moment(scan, place), code=code, text=text, place=place, piece=piece)


def _asked(queries: Sequence[Query]) -> Exchange[Tree]:
    language = "fr" if queries[0].language[:2].lower() == "fr" else "en"
    context = {"Version": "1.2", "Language": language, "GroupID": "", "RequestReference": "Doorstep"}
    header = soap.element(
        f"{TYPES}RequestContext", *(soap.element(TYPES + name, text) for name, text in context.items())
    )
    pins = [soap.element(f"{TYPES}PIN", soap.element(f"{TYPES}Value", query.number)) for query in queries]
    asked = soap.element(f"{TYPES}TrackPackagesByPinRequest", soap.element(f"{TYPES}PINs", *pins))
    answer = soap.answer((yield soap.call(PATH, asked, action=ACTION, header=header)))
    answer.expect("ResponseInformation")
    return answer


def _parcels(answer: Tree) -> list[Tree]:
    return answer.each("TrackingInformationList.TrackingInformation")


def _about(answer: Tree, query: Query) -> list[Tree]:
    return [one for one in _parcels(answer) if query.number in ("", one.text("PIN.Value").upper())]


def _faults(tree: Tree) -> list[str]:
    names = ("Code", "Description", "AdditionalInformation")
    return [" ".join(filter(None, map(one.text, names))) for one in tree.each("ResponseInformation.Errors.Error")]


def _image(scan: Tree) -> str:
    return scan.text("ScanDetails.SignatureImage")


def _place(depot: str) -> Place:
    """A depot's name is "… SORT CTR, ON"; one that is a town alone is a city."""
    name, comma, last = (part.strip() for part in depot.rpartition(","))
    region = FORMER.get(last.upper(), last.upper()) if comma else ""
    if region not in CLOCKS:
        return Place(name=depot)
    return Place(region=region, country="CA", **{"name" if DEPOT.search(name) else "city": name})


def _moment(scan: Tree, place: Place) -> Moment:
    """By the clock of the depot; the time is six digits, of which a zero in front may be missing."""
    day, time = scan.text("ScanDate")[:10], scan.text("ScanTime")
    zone = "" if OTHER_CLOCK.search(f"{place.city}{place.name}".upper()) else CLOCKS.get(place.region, "")
    written = f"0{time}" if len(time) % 2 and time.isdecimal() else time
    moment = moments.iso(f"{day}T{written}", zone=zone)
    return structs.replace(moment if moment.local else moments.iso(day), raw=f"{day} {time}".strip())


register_carriers = registers(Purolator)
