"""DHL Paket: parcels of DHL in Germany, by the Parcel DE Tracking API, which knows returns and signatures."""

from collections.abc import Collection, Sequence
from xml.etree.ElementTree import Element, tostring

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Answers, Auth, AuthRefused, Basic, Carrier, CarrierError, CarrierSettings, CarrierUnavailable, Credential,
    Document, Event, Exchange, File, Flag, Found, Moment, NotFound, PickupPoint, Place, Precision, ProtocolError, Query,
    RateLimited, Request, Secret, Shipment, Status, Tree, Weight, Window, countries, each_of, file_in, moments, registers,
    sent_back, taken_back,
)  # fmt: skip

UNKNOWN, WRONG_POSTCODE = {"100", "200", "41", "61"}, "57"  # no data, none yet, no number of DHL's
ERRORS: dict[str, type[CarrierError]] = {  # 6: after too many wrong logins
    "5": AuthRefused, "62": AuthRefused, "6": RateLimited, **dict.fromkeys(("-1000", "-1", "-2", "63"), CarrierUnavailable),
}  # fmt: skip


class Settings(CarrierSettings, frozen=True):
    api_key: str
    api_secret: Secret
    user: str  # of the business customer portal
    password: Secret


class PortalLogin(Basic):
    """The key in the header, and user and password in the element that is asked with, in the address."""

    def __init__(self, own: Settings) -> None:
        super().__init__(own.api_key, own.api_secret)
        self._own = own

    def sign(self, request: Request, credential: Credential) -> Request:
        own = {"appname": self._own.user, "password": self._own.password.reveal(), **request.params}
        asked = tostring(Element("data", own), "UTF-8", xml_declaration=True).decode()
        return structs.replace(super().sign(request, credential), params={"xml": asked})


class DHLParcelDE(Carrier[Settings]):
    def auth(self) -> Auth:
        return PortalLogin(self.settings)

    def track(self, query: Query) -> Exchange[Answer]:
        more = {"zip-code": query.postcode} if query.postcode else {}
        answer = yield from _asked("d-get-piece-detail", query.number, query.language, **more)
        if more and answer.text("@code") == WRONG_POSTCODE:
            answer = yield from _asked("d-get-piece-detail", query.number, query.language)
        return self._answer(answer, query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        answer = yield from _asked("d-get-piece-detail", ";".join(one.number for one in queries), queries[0].language)
        return each_of(queries, lambda query: self._answer(answer, query))

    def document(self, query: Query, document: Document) -> Exchange[File | NotFound]:
        answer = yield from _asked("d-get-signature", query.number, query.language)
        images = [one.text("@image") for one in _named(answer, "signature")]
        return file_in(images[0]) if images and images[0] else NotFound(answer.text("@error") or "nobody signed")

    def _answer(self, answer: Tree, query: Query) -> Answer:
        pieces = [one for one in _named(answer, "piece-shipment") if not query.number or _bears(one, query.number)]
        if known := [one for one in pieces if one.text("@error-status") in ("", "0")]:
            return Found(tuple(self._shipment(one, query) for one in known))
        if ({one.text("@error-status") for one in pieces} or {answer.text("@code")}) <= UNKNOWN:
            return NotFound(pieces[0].text("@status") if pieces else answer.text("@error"))
        raise ProtocolError("DHL answered without this piece")

    def _shipment(self, piece: Tree, query: Query) -> Shipment:
        origin, destination = (countries.alpha2(piece.text(f"@{end}-country")) for end in ("origin", "dest"))
        scans = [scan for one in _named(piece, "piece-event-list") for scan in _named(one, "piece-event")]
        events = [self._event(scan, piece, query.language, {origin, destination}) for scan in scans or [piece]]
        heard = [one for one in reversed(events) if one.code or one.text]
        told = taken_back(heard, lambda one: tuple(Status) if one.code.startswith("STORN/") else ())
        number = piece.text("@piece-code") or piece.text("@piece-identifier")
        signed = piece.text("@delivery-event-flag") == "1" and destination == "DE"
        postcode, _, city = piece.text("@recipient-city").partition(" ")
        point = next((event.place for event in told if event.status is Status.AVAILABLE_FOR_PICKUP), Place())
        return Shipment(
            number=query.number or number,
            events=sent_back(told) if piece.is_true("@ruecksendung") else told,
            service=piece.text("@product-name"),
            origin=Place(country=origin),
            destination=Place(city if postcode.isdecimal() else "", country=destination),
            window=_window(piece, destination),
            pickup_point=PickupPoint(place=point) if point.city else None,
            documents=(Document("signature", number),) if signed else (),
            weight=Weight(weight) if (weight := piece.number("@shipment-weight") or 0) > 0 else None,
            language=_language(query.language),
        )

    def _event(self, scan: Tree, piece: Tree, language: str, ends: Collection[str]) -> Event:
        ice, ric, standard = (scan.text(name).upper() for name in ("@ice", "@ric", "@standard-event-code"))
        coarse = self.codes.find("*", "*", standard)
        keys = [(ice, ric, standard), (ice, ric, "*")] if ice else [("*", "*", standard)]
        meaning = self.codes.read(*keys, coarse=coarse.status if coarse else None)
        back = scan is not piece and scan.is_true("@ruecksendung") and Flag.RETURN not in meaning.flags
        written, name = scan.text("@event-country"), piece.text("@recipient-name")
        country = countries.alpha2(written) or countries.named(written, _language(language))
        # In place of a list of scans, the piece itself says where it is now, by names with nothing in front.
        text, short = (scan.text(f"@event-{one}") or scan.text(f"@{one}") for one in ("status", "short-status"))
        moment = _moment(
            scan.text("@event-timestamp") or scan.text("@status-timestamp"), {country} if written else ends
        )
        text = short if name and name in text else text  # who took it is nobody's business
        code, place = "/".join(filter(None, (ice, ric, standard))), Place(scan.text("@event-location"), country=country)
        return meaning.event(moment, code=code, text=text, place=place, flags=(Flag.RETURN,) if back else ())


def _asked(request: str, pieces: str, language: str, **more: str) -> Exchange[Tree]:
    params = {"request": request, "piece-code": pieces, "language-code": _language(language), **more}
    answer = (yield Request("GET", "/parcel/de/tracking/v0/shipments", params=params)).expect(200).tree()
    if (code := answer.text("@code")) not in {"0", WRONG_POSTCODE, *UNKNOWN}:
        raise ERRORS.get(code, ProtocolError)(f"DHL says {code}: {answer.text('@error')}")
    return answer


def _named(tree: Tree, name: str) -> list[Tree]:
    return [one for one in tree.each("data") if one.text("@name") == name]  # every element is a "data"


def _bears(piece: Tree, number: str) -> bool:
    names = ("@searched-piece-code", "@piece-code", "@piece-identifier")
    return any(piece.text(name).lstrip("0") == number.lstrip("0") for name in names)


def _language(language: str) -> str:
    return "de" if language[:2].lower() == "de" else "en"


def _moment(text: str, places: Collection[str]) -> Moment:
    """By the German clock or the place's: nobody says which, so the instant is known where they agree."""
    told = [moments.day_first(text, country=country) for country in dict.fromkeys(("DE", *places))]
    return told[0] if len({moment.instant for moment in told}) == 1 else moments.day_first(text)


def _window(piece: Tree, country: str) -> Window | None:
    """Between the two times, with or without their day; the whole day where there are none."""
    day = moments.day_first(piece.text("@delivery-date")[:10])
    if day.local is None:
        return None
    times = (piece.text(f"@delivery-timeframe-{end}") for end in ("from", "to"))
    ends = [moments.day_first(at if at[10:] else f"{day.raw} {at}", country=country) for at in times]
    start, end = (moment if moment.local and moment.precision is not Precision.DAY else None for moment in ends)
    return Window(start, end) if start or end else Window(day, day)


register_carriers = registers(DHLParcelDE)
