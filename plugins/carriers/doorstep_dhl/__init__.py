"""DHL: all divisions that answer in Shipment Tracking Unified (Express, Paket, eCommerce, Freight, Forwarding)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from doorstep import (
    Answer,
    Auth,
    Carrier,
    Event,
    Exchange,
    Found,
    HeaderKey,
    Meaning,
    NotFound,
    Piece,
    Place,
    ProtocolError,
    Query,
    Request,
    Response,
    Secret,
    Shipment,
    Status,
    hookimpl,
    moments,
)

from .answer import Details, Location, Problem, Scan, Shipments, Tracked, plain

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_/-]*", re.ASCII)
_NAMING = frozenset({"express"})  # divisions that write into a delivery's description who signed
_MOST_PIECES = 100
_DIVISIONS = {
    "dgf": "DHL Global Forwarding", "dsc": "DHL Supply Chain", "ecommerce": "DHL eCommerce",
    "ecommerce-europe": "DHL eCommerce", "ecommerce-ppl": "PPL", "express": "DHL Express", "freight": "DHL Freight",
    "parcel-de": "DHL Paket", "parcel-nl": "DHL eCommerce", "parcel-pl": "DHL eCommerce", "parcel-uk": "DHL eCommerce",
    "post-de": "Deutsche Post", "sameday": "DHL SameDay", "svb": "Deutsche Post",
}  # fmt: skip


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`service` asks one division only, by its name in DHL's API (`parcel-de`, say); empty asks all of them."""

    api_key: Secret
    service: str = ""


class DHL(Carrier[Settings]):
    settings_type = Settings

    def auth(self) -> Auth:
        return HeaderKey("DHL-API-Key", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        params = {
            "trackingNumber": query.number,
            "language": re.split("[-_]", query.language)[0].lower(),
            "service": self.settings.service,
            "recipientPostalCode": query.postcode,
        }
        params = {name: value for name, value in params.items() if value}
        response = yield Request("GET", "/track/shipments", params=params, headers={"Accept": "application/json"})
        return self._read(response, query.number)

    def _read(self, response: Response, number: str) -> Answer:
        if response.status == 404:
            problem = response.json(Problem)
            if plain(problem.status) != "404":
                raise ProtocolError("HTTP 404 without DHL's problem document", next_step="check the account's endpoint")
            return NotFound(plain(problem.detail) or plain(problem.title))
        tracked = response.expect(200).json(Shipments).shipments
        # Several divisions may answer, some of them for a number that is only like the one asked.
        tracked = [one for one in tracked if one.bears(number)] or tracked
        language = response.headers.get("content-language", "").partition(",")[0].strip()
        return Found(tuple(self._shipment(one, number, language) for one in tracked)) if tracked else NotFound()

    def _shipment(self, tracked: Tracked, number: str, language: str) -> Shipment:
        division = plain(tracked.service).lower()
        details = tracked.details or Details()
        pieces = tuple(dict.fromkeys(filter(None, map(plain, details.piece_ids or ()))))
        pieces = pieces if 1 < len(pieces) <= _MOST_PIECES else ()
        scans = tracked.events or ([tracked.status] if tracked.status else [])
        events = tuple(event for scan in scans for event in self._events(scan, division, pieces))
        product = plain(details.product.product_name if details.product else None)
        destination = _place(tracked.destination)
        return Shipment(
            number=number if tracked.bears(number) else plain(tracked.id) or number,
            events=events,
            service=_DIVISIONS.get(division, "") if product.upper().startswith("UNKNOWN") or not product else product,
            origin=_place(tracked.origin),
            destination=destination,
            window=tracked.window(destination.country),
            pieces=tuple(Piece(piece, _latest(piece, events)) for piece in pieces),
            documents=details.documents(),
            weight=details.mass(),
            language=language,
        )

    def _events(self, scan: Scan, division: str, pieces: tuple[str, ...]) -> Iterator[Event]:
        """One event, or one for each piece where a scan names only some of them."""
        place = _place(scan.location)
        moment = moments.iso(plain(scan.timestamp), country=place.country)
        meaning, code = self._meaning(scan, division)
        delivery = meaning.status is Status.DELIVERED or "DELIVER" in plain(scan.status).upper()
        text = scan.text(code, naming=delivery and division in _NAMING)
        named = {piece for piece in map(plain, scan.piece_ids or ()) if piece in pieces}
        for piece in sorted(named) if 0 < len(named) < len(pieces) else [""]:
            yield meaning.event(moment, code=code, text=text, place=place, piece=piece)

    def _meaning(self, scan: Scan, division: str) -> tuple[Meaning, str]:
        """What a scan means and the code that says so: the division's own, else the coarse one."""
        word, status = plain(scan.status_code).lower(), plain(scan.status)
        coded = _CODE.fullmatch(status)
        for own in (status, status.upper(), plain(scan.description).upper()):
            if (meaning := self.codes.find(division, own)) is not None:
                return meaning, status if coded else own
        coarse = self.codes.find("*", word)
        if coarse is not None and not coded:
            return coarse, word  # a sentence in place of a code: there is nothing finer to know
        return self.codes.read(coarse=coarse.status if coarse else None), status or word


def _place(location: Location | None) -> Place:
    return location.place() if location else Place()


def _latest(piece: str, events: tuple[Event, ...]) -> Status:
    return next((event.status for event in events if event.status and event.piece in ("", piece)), Status.UNKNOWN)


@hookimpl
def register_carriers(register: Callable[[type[Carrier[Any]]], None]) -> None:
    register(DHL)
