"""GLS: parcels all over Europe, by the Track And Trace API v1."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Answers, Auth, Basis, Carrier, CarrierSettings, CarrierUnavailable, Event, Exchange, Found, Meaning, Moment,
    NotFound, OAuthClientCredentials, Place, ProtocolError, Query, Request, Secret, Shipment, Status, Tree,
    countries, each_of, moments, registers,
)  # fmt: skip

PARCEL = ("unitno", "status", "events")  # a parcel that GLS knows has one of them
MINUTE = timedelta(minutes=1)


class Settings(CarrierSettings, frozen=True):
    client_id: str
    client_secret: Secret


class GLS(Carrier[Settings]):
    def auth(self) -> Auth:
        return OAuthClientCredentials("/oauth2/v2/token", self.settings.client_id, self.settings.client_secret)

    def track(self, query: Query) -> Exchange[Answer]:
        return self._answer((yield from _asked([query])), query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        parcels = yield from _asked(queries)
        return each_of(queries, lambda query: self._answer(parcels, query))

    def _answer(self, parcels: list[Tree], query: Query) -> Answer:
        own = [parcel for parcel in parcels if query.number in ("", *_numbers(parcel))]
        known = [parcel for parcel in own if any(map(parcel.at, PARCEL))]
        if not known:
            return _refusal(own, parcels)
        # A track id or a notification card may stand for several parcels: then GLS's own numbers tell them apart.
        return Found(tuple(self._shipment(parcel, 0 if len(known) == 1 else -1) for parcel in known))

    def _shipment(self, parcel: Tree, which: int) -> Shipment:
        scans = [self._event(scan) for scan in parcel.each("events")]
        events = [event for event in scans if event.code or event.text or event.moment.raw]
        first, last = (events[end].moment.instant if events else None for end in (0, -1))
        if first and last and first < last:
            events.reverse()
        number = (_numbers(parcel) or [""])[which]
        return Shipment(number, tuple(self._with_status(parcel, events)))

    def _event(self, scan: Tree) -> Event:
        code, country = scan.text("code"), countries.alpha2(scan.text("country"))
        place = Place(scan.text("city"), postcode=scan.text("postalCode"), country=country)
        moment = _moment(scan.text("eventDateTime"), country)
        return self._meaning(code.upper()).event(moment, code=code, text=scan.text("description"), place=place)

    def _meaning(self, code: str) -> Meaning:
        found = self.codes.read(("event", code))
        if found.mapped:
            return found
        coarse = self.codes.said("word", code)
        return structs.replace(coarse[0], mapped=False) if coarse else found

    def _with_status(self, parcel: Tree, events: list[Event]) -> list[Event]:
        """The scans, newest first, and what the parcel's status says beyond them: of the scan that it belongs to, where the
        table does not know that one's code, else as an event of its own."""
        code = parcel.text("status")
        meaning = self.codes.read(("status", code.upper()))
        if not code or (events and meaning.status in (None, Status.UNKNOWN)):
            return events
        now = meaning.event(_moment(parcel.text("statusDateTime"), ""), code=code)
        for i, scan in enumerate(events):
            later = _apart(scan.moment, now.moment)
            if scan.status is None or (later is not None and later >= MINUTE):
                continue
            near = later is not None and later > -MINUTE
            if not scan.mapped and (near or later is None):
                flags = tuple(dict.fromkeys(scan.flags + now.flags))
                return [*events[:i], structs.replace(scan, status=now.status, flags=flags), *events[i + 1 :]]
            # A scan of the same minute is why the status changed, and says it more finely.
            told = near or scan.status is now.status
            return events if told else [*events[:i], now, *events[i:]]
        return [*events, now]


def _asked(queries: Sequence[Query]) -> Exchange[list[Tree]]:
    numbers = ",".join(quote(query.number, safe="") for query in queries)
    headers = {"Accept": "application/json", "Accept-Language": queries[0].language.partition("-")[0].upper()}
    response = yield Request("GET", f"/track-and-trace-v1/tracking/simple/trackids/{numbers}", headers=headers)
    return response.expect(200, 404).tree().expect("parcels").each()


def _numbers(parcel: Tree) -> list[str]:
    """What was asked for, and GLS's own number of the parcel."""
    names = map(parcel.text, ("requested", "unitno"))
    return [name.replace(" ", "").upper() for name in names if name]


def _refusal(own: list[Tree], parcels: list[Tree]) -> NotFound:
    """NotFound if GLS says so; raises what else it says of the number."""
    said = "; ".join(f"{one.text('errorCode')} {one.text('errorMessage')}" for one in own)
    if not parcels or "E_404" in said:
        return NotFound(said)
    if "E_500" in said:
        raise CarrierUnavailable(f"GLS tells nothing of this parcel now: {said}")
    raise ProtocolError(f"GLS answered without this parcel: {said or 'its number is not in the answer'}")


def _moment(text: str, country: str) -> Moment:
    """GLS writes an offset; nobody says that it is the place's, so the wall clock is the country's where that has one."""
    moment = moments.iso(text, country=country)
    away = moment.basis is Basis.OFFSET and moments.single_zone(country)
    return moments.elsewhere(moment, country) if away else moment


def _apart(one: Moment, other: Moment) -> timedelta | None:
    return one.instant - other.instant if one.instant and other.instant else None


register_carriers = registers(GLS)
