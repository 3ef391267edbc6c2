"""DHL: all divisions that answer in Shipment Tracking Unified (Express, Paket, eCommerce, Freight, Forwarding)."""

import re
from collections.abc import Iterator

from doorstep import (  # isort: skip
    Answer, Auth, Carrier, Document, Event, Exchange, Found, HeaderKey, Incoming, Meaning, Moment, NotFound, Piece, Place,
    ProtocolError, Pushed, PushSettings, Query, Request, Response, Secret, Shipment, Status, Tree, Verdict, Weight, Window,
    countries, is_any, moments, registers,
)  # fmt: skip

from .answer import End, Listed, Parcel, Scan

DIVISIONS = {
    "dgf": "DHL Global Forwarding", "dsc": "DHL Supply Chain", "ecommerce": "DHL eCommerce",
    "ecommerce-europe": "DHL eCommerce", "ecommerce-ppl": "PPL", "express": "DHL Express", "freight": "DHL Freight",
    "parcel-de": "DHL Paket", "parcel-nl": "DHL eCommerce", "parcel-pl": "DHL eCommerce", "parcel-uk": "DHL eCommerce",
    "post-de": "Deutsche Post", "sameday": "DHL SameDay", "svb": "Deutsche Post",
}  # fmt: skip
CODE = re.compile(r"[A-Z0-9][A-Z0-9_/-]*", re.ASCII)
NUMBERED = re.compile(r"\d")


class Settings(PushSettings, frozen=True):
    """`service` asks one division only, by its name in DHL's API (`parcel-de`, say); empty asks all of them."""

    api_key: Secret
    service: str = ""


class DHL(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("DHL-API-Key", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        params = {"trackingNumber": query.number, "language": query.language.partition("-")[0].lower()}
        hints = {"service": self.settings.service, "recipientPostalCode": query.postcode}
        params |= {name: value for name, value in hints.items() if value}
        response = yield Request("GET", "/track/shipments", params=params, headers={"Accept": "application/json"})
        return self._answer(response, query.number)

    def verify(self, incoming: Incoming) -> Verdict:
        """How DHL signs is not documented: who was given the address knows the secret that stands in it."""
        return Verdict.of(is_any(self.push_secrets(), incoming.query.get("secret", "")))

    def push(self, incoming: Incoming) -> Pushed:
        told = incoming.json()
        parcels = told.each("shipments") or [told]
        return Pushed(
            tuple(
                number for parcel in parcels for number in (parcel.text("id"), *_pieces(parcel.at("details"))) if number
            )
        )

    def _answer(self, response: Response, asked: str) -> Answer:
        # A 404 is an answer in DHL's problem document only, and no other machine's.
        if response.status == 404 and (problem := response.tree()).text("status") == "404":
            return NotFound(problem.text("detail") or problem.text("title"))
        listed = response.expect(200).shaped(Listed).shipments
        if listed is None or Parcel() in listed:
            raise ProtocolError("DHL's answer has no list of shipments, or one of them says nothing")
        language = response.headers.get("content-language", "").partition(",")[0].strip()
        shipments = tuple(self._shipment(one, asked, language) for one in listed)
        # Several divisions may answer, some of them for a number that is only like the one asked.
        own = tuple(shipment for shipment in shipments if asked in ("", shipment.number))
        return Found(own or shipments) if shipments else NotFound()

    def _shipment(self, tracked: Parcel, asked: str, language: str) -> Shipment:
        details = Tree(tracked.details)
        division, product = (tracked.service or "").strip().lower(), details.text("product.productName")
        named = product and not product.upper().startswith("UNKNOWN")
        pieces, scans = _pieces(details), tracked.events or ([tracked.status] if tracked.status else [])
        destination = _place(tracked.destination)
        return Shipment(
            number=_number(tracked, asked),
            events=tuple(event for scan in scans for event in self._events(scan, division, pieces)),
            service=product if named else DIVISIONS.get(division, ""),
            origin=_place(tracked.origin),
            destination=destination,
            window=_window(tracked, destination.country),
            pieces=tuple(map(Piece, pieces)),
            documents=_documents(details.at("proofOfDelivery")),
            weight=_weight(details.at("weight")),
            language=language,
        )

    def _events(self, scan: Scan, division: str, pieces: tuple[str, ...]) -> Iterator[Event]:
        """One event, or one for each piece where a scan names only some of them."""
        place = _place(scan.location)
        moment = moments.iso((scan.timestamp or "").strip(), country=place.country)
        status, words = (scan.status or "").strip(), (scan.description or "").strip()
        meaning, code = self._meaning(division, status, words, (scan.status_code or "").strip().lower())
        if division == "express" and (meaning.status is Status.DELIVERED or "DELIVER" in status.upper()):
            words = ""  # they say who signed
        text = words or (status if len(status) > 3 else "")  # shorter ones are codes
        if not (code or text):
            return  # it says nothing
        told = [piece.text() for piece in Tree(scan.piece_ids).each()] if pieces else []
        some = [piece for piece in pieces if piece in told]
        for piece in some if 0 < len(some) < len(pieces) else [""]:
            yield meaning.event(moment, code=code, text=text, place=place, piece=piece)

    def _meaning(self, division: str, status: str, words: str, coarse: str) -> tuple[Meaning, str]:
        """What a scan means and the code that says so: the division's own, else the coarse one."""
        coded = CODE.fullmatch(status)
        for own in (status, status.upper(), words.upper()):
            if meaning := self.codes.find(division, own):
                return meaning, status if coded else own
        general = self.codes.find("*", coarse)
        if general and not coded:
            return general, coarse  # a sentence in place of a code: there is nothing finer to know
        return self.codes.read(coarse=general.status if general else None), status or coarse


def _number(tracked: Parcel, asked: str) -> str:
    """The number asked for where the shipment or a piece of it bears that, else its own."""
    texts = [one.text() for one in (Tree(tracked.id), *Tree(tracked.details).each("pieceIds"))]
    borne = [text.replace(" ", "").upper() for text in texts if text]
    # An id that comes as a JSON number has lost its zeros in front.
    bears = asked and asked.lstrip("0") in {number.lstrip("0") for number in borne}
    return asked if bears else next(iter(borne), asked)


def _pieces(details: Tree) -> tuple[str, ...]:
    """The pieces' numbers. One is the parcel itself, and a consignment of very many is told as one."""
    numbers = {one.text(): None for one in details.each("pieceIds") if one.text()}
    return tuple(numbers) if 1 < len(numbers) <= 100 else ()


def _place(end: End | None) -> Place:
    if end is None or (at := end.address) is None:
        return Place()
    city, country = (at.address_locality or "").strip(), countries.alpha2((at.country_code or "").strip())
    if "," in city:  # "Musterweg 2, CITY": a street is nobody's business
        parts = city.split(",")
        city = ",".join([part for part in parts if not NUMBERED.search(part)] or parts[-1:]).strip()
    city = city.rpartition(" - ")[0] or city  # Express writes "CITY - COUNTRY"
    return Place(city, postcode=(at.postal_code or "").strip(), country=country)


def _window(tracked: Parcel, country: str) -> Window | None:
    """When it is expected, at the destination: the frame, else until the time (or the end of the day) given."""
    frame = Tree(tracked.estimated_delivery_time_frame)
    start, end = (_expected(frame.text(name), country) for name in ("estimatedFrom", "estimatedThrough"))
    if not (start or end):
        # DHL writes a day as its midnight: "by 20 November, 0:00" would be a day early.
        end = _expected(Tree(tracked.estimated_time_of_delivery).text().partition("T00:00")[0], country)
    return Window(start, end) if start or end else None


def _expected(text: str, country: str) -> Moment | None:
    moment = moments.iso(text, country=country)
    return moment if moment.local or moment.instant else None


def _documents(proof: Tree) -> tuple[Document, ...]:
    urls = {"proof_of_delivery": proof.text("documentUrl"), "signature": proof.text("signatureUrl")}
    return tuple(Document(kind, url) for kind, url in urls.items() if url.startswith("https://"))


def _weight(weight: Tree) -> Weight | None:
    unit, value = weight.text("unitText").lower().removesuffix("s"), weight.number("value")
    return Weight(value, unit) if unit in ("kg", "lb") and value and value > 0 else None


register_carriers = registers(DHL)
