"""Royal Mail: letters and parcels of the British post, by its Tracking API v2 (mail pieces)."""

from collections.abc import Sequence
from urllib.parse import quote

from doorstep import (  # isort: skip
    Answer, Answers, Auth, Carrier, CarrierSettings, CarrierUnavailable, Document, Event, Exchange, File, Found,
    HeaderKey, Leg, NotFound, Place, ProtocolError, Query, Request, Secret, Shipment, Status, Tree, Window, countries,
    each_of, file_in, moments, registers,
)  # fmt: skip

SCAN = ("eventCode", "eventDateTime", "eventName", "locationName")
LAST = ("lastEventCode", "lastEventDateTime", "lastEventName", "lastEventLocationName")  # the same, in a summary
Coarse = dict[tuple[str, str], Status | None]  # by code and time of a scan


class Settings(CarrierSettings, frozen=True):
    client_id: str
    client_secret: Secret


class RoyalMail(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("X-IBM-Client-Secret", self.settings.client_secret)

    def track(self, query: Query) -> Exchange[Answer]:
        answer = yield from self._ask(f"/{quote(query.number, safe='')}/events")
        return self._answer(query, _about(answer, query.number), _faults(answer))

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        """Asks for the summaries: of each mail piece the last event alone, without window and signature."""
        answer = yield from self._ask("/summary", mailPieceId=",".join(query.number for query in queries))

        def summary(query: Query) -> Answer:
            pieces = [piece for piece in answer.each("mailPieces") if query.number in _numbers(piece)]
            named = query.number if len(queries) > 1 else ""
            faults = [fault for fault in _faults(answer) if named in fault.text("errorDescription")]
            return self._answer(query, pieces, faults, complete=False)

        return each_of(queries, summary)

    def document(self, query: Query, document: Document) -> Exchange[File | NotFound]:
        answer = yield from self._ask(f"/{quote(query.number, safe='')}/signature")
        pieces = _about(answer, query.number)
        for piece in pieces:
            if image := piece.text("signature.image"):
                return file_in(image)
        return NotFound("nobody signed") if any(map(_is_known, pieces)) else _refusal(pieces, _faults(answer))

    def _ask(self, path: str, **params: str) -> Exchange[Tree]:
        headers = {"X-Accept-RMG-Terms": "yes", "X-IBM-Client-Id": self.settings.client_id}
        response = yield Request("GET", path, params=params, headers={"Accept": "application/json", **headers})
        return response.expect(200, 400, 404).tree()

    def _answer(self, query: Query, pieces: list[Tree], faults: list[Tree], *, complete: bool = True) -> Answer:
        known = tuple(self._shipment(piece, query.number) for piece in pieces if _is_known(piece))
        return Found(known, complete) if known else _refusal(pieces, faults)

    def _shipment(self, piece: Tree, asked: str) -> Shipment:
        summary, signature, numbers = piece.at("summary"), piece.at("signature"), _numbers(piece)
        number = asked if asked in numbers else next(iter(numbers), asked)
        origin = countries.alpha2(summary.text("originCountryCode"))
        destination = countries.alpha2(summary.text("destinationCountryCode"))
        inland = summary.text("productCategory").upper() == "NON-INTERNATIONAL"  # also to Jersey
        at_home = {origin, destination} == {"GB"} or (inland and {origin, destination} <= {"GB", ""})
        image, post = signature.text("imageId"), summary.text("internationalPostalProvider.title")
        signed = image or signature.text("signatureDateTime")
        abroad = post and not post.upper().startswith("ROYAL MAIL")  # at home, it names itself
        return Shipment(
            number=number,
            events=self._events(piece, summary, "GB" if at_home else ""),
            service=summary.text("productName"),
            origin=Place(country=origin),
            destination=Place(country=destination),
            window=_window(piece.at("estimatedDelivery"), destination),
            legs=(Leg(post, summary.text("oneDBarcode")),) if abroad else (),
            documents=(Document("signature", image or number),) if signed else (),
            language="en",
        )

    def _events(self, piece: Tree, summary: Tree, country: str) -> tuple[Event, ...]:
        """The scans of the list, with the summary's last one where the list has not got it."""
        last = (summary.text("lastEventCode"), summary.text("lastEventDateTime"))
        # The category tells of now, so it can stand in for an unknown code of the last scan only.
        category = self.codes.find("category", summary.text("statusCategory").upper())
        coarse = {last: category.status} if category else {}
        events = [self._event(scan, SCAN, country, coarse) for scan in piece.each("events")]
        if last not in {(event.code, event.moment.raw) for event in events}:
            oldest_first = bool(events) and "" < events[0].moment.raw < events[-1].moment.raw
            events.insert(len(events) if oldest_first else 0, self._event(summary, LAST, country, coarse))
        return tuple(event for event in events if event.code or event.text)

    def _event(self, scan: Tree, fields: tuple[str, ...], country: str, coarse: Coarse) -> Event:
        code, at, text, place = map(scan.text, fields)
        meaning = self.codes.read(("event", code), coarse=coarse.get((code, at)))
        moment = moments.iso(at, country=country)
        return meaning.event(moment, code=code, text=text, place=Place(name=place, country=country))


def _about(answer: Tree, number: str) -> list[Tree]:
    """The mail pieces that go by the number; an object is about the one that was asked, whatever it goes by."""
    if (piece := answer.at("mailPieces")).items():
        return [piece]
    return [piece for piece in answer.each("mailPieces") if not number or number in _numbers(piece)]


def _numbers(piece: Tree) -> list[str]:
    """All numbers it goes by: one item has a 2D and a 1D barcode."""
    names = map(piece.text, ("mailPieceId", "summary.uniqueItemId", "summary.oneDBarcode"))
    return [name.replace(" ", "").upper() for name in names if name]


def _is_known(piece: Tree) -> bool:
    """Whether it is a mail piece; an error comes in the same place, with the number it is about."""
    return bool(piece.text("events.eventCode") or (_numbers(piece) and not _faults(piece)))


def _faults(tree: Tree) -> list[Tree]:
    return [*tree.each("error"), *tree.each("errors")]


def _refusal(pieces: list[Tree], beside: list[Tree]) -> NotFound:
    """NotFound if the errors of these mail pieces say so, or those beside them; raises what else they say."""
    faults = [fault for piece in pieces for fault in _faults(piece)] or beside
    said = [f"{fault.text('errorCode').upper()}: {fault.text('errorDescription')}" for fault in faults]
    if any(one.startswith("E1142:") for one in said):
        return NotFound("; ".join(said))
    if any(one.startswith("E11") for one in said):  # about the mail piece; E00… is about the request
        raise CarrierUnavailable(f"Royal Mail tells nothing of this mail piece now: {'; '.join(said)}")
    raise ProtocolError(f"Royal Mail answered without this mail piece: {'; '.join(said) or 'no reason given'}")


def _window(estimate: Tree, country: str) -> Window | None:
    """Between the two times, which are written without their day; the whole day where there are none."""
    day = moments.iso(estimate.text("date")[:10])
    if day.local is None:
        return None
    times = estimate.text("startOfEstimatedWindow"), estimate.text("endOfEstimatedWindow")
    ends = [moments.iso(f"{day.raw}T{time}", country=country) for time in times]
    start, end = (moment if moment.local or moment.instant else None for moment in ends)
    return Window(start, end) if start or end else Window(day, day)


register_carriers = registers(RoyalMail)
