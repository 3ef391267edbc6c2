"""Australia Post: parcels of the merchant's own account, by its Shipping & Tracking API."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from doorstep import (  # isort: skip
    Answer, Answers, Auth, Basic, Carrier, CarrierSettings, Credential, Event, Exchange, Found, Meaning, Moment, NotFound,
    Piece, Place, ProtocolError, Query, Request, Secret, Shipment, Status, Tree, countries, each_of, moments, registers,
)  # fmt: skip

CLOCKS = {
    "ACT": "Australia/Sydney", "NSW": "Australia/Sydney", "NT": "Australia/Darwin", "QLD": "Australia/Brisbane",
    "SA": "Australia/Adelaide", "TAS": "Australia/Hobart", "VIC": "Australia/Melbourne", "WA": "Australia/Perth",
}  # fmt: skip
STATE = re.compile(rf"(|.*?[^\s,])[\s,]*\b({'|'.join(CLOCKS)})(?:\s+(\d{{4}}))?")  # KEW VIC 3101
COUNTRY = re.compile(r"(|.*?\S)\s*(?:\(([A-Z]{2})\)|,\s*([^,\s][^,]*))")  # CHICAGO (US), or AUCKLAND, NEW ZEALAND
SIGNED = re.compile(r"\b(signed)(?: for)? by\b.*", re.IGNORECASE | re.DOTALL)
BESIDE = {Status.CANCELLED, Status.EXCEPTION}  # what a status may tell and no scan


class Settings(CarrierSettings, frozen=True):
    key: str
    password: Secret
    account_number: str


class AccountLogin(Basic):
    """HTTP Basic, and the account that the parcels are of."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.key, settings.password)
        self._account = settings.account_number

    def sign(self, request: Request, credential: Credential) -> Request:
        return super().sign(request, credential).adding(headers={"Account-Number": self._account})


class AustraliaPost(Carrier[Settings]):
    def auth(self) -> Auth:
        return AccountLogin(self.settings)

    def track(self, query: Query) -> Exchange[Answer]:
        return self._answer((yield from _asked([query])), query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        results = yield from _asked(queries)
        return each_of(queries, lambda query: self._answer(results, query))

    def _answer(self, results: list[Tree], query: Query) -> Answer:
        named = [one for one in results if query.number in ("", one.text("tracking_id").upper())]
        if known := [one for one in named if any(map(one.at, ("trackable_items", "consignment", "status")))]:
            return Found(tuple(self._shipment(one, query) for one in known))
        said = _said([fault for one in named for fault in one.each("errors")])
        if "ESB-10001" in said or (not said and (named or not results)):
            return NotFound(said or "neither article nor status nor error")
        raise ProtocolError(f"Australia Post says nothing about this number: {said or 'no reason given'}")

    def _shipment(self, result: Tree, query: Query) -> Shipment:
        parts = list(_parts(result))
        articles = list(dict.fromkeys(filter(None, (part.text("article_id") for part in parts))))
        pieces = articles if len(articles) > 1 else []
        events: list[Event] = []
        for part in reversed(parts):  # the articles first: what a consignment's status tells, their scans may have told
            piece = part.text("article_id") if pieces else ""
            status = part.text("status") or ("" if pieces else result.text("status"))
            scans = self._scans(part, _plain(status), piece)
            told = scans if part.text("article_id") else scans + events
            events = [*self._beside(status, told, piece), *scans, *events]
        return Shipment(
            number=query.number or result.text("tracking_id"),
            events=tuple(events),
            service=next(filter(None, (part.text("product_type") for part in parts)), ""),
            pieces=tuple(map(Piece, pieces)),
            language="en",
        )

    def _scans(self, part: Tree, status: str, piece: str) -> list[Event]:
        """The scans of an article. Its status tells of now: it stands in for the words of the newest, and has its flags."""
        scans = [scan for scan in part.each("events") if scan.text("description") or scan.text("date")]
        newest = max(scans, key=lambda scan: scan.text("date"), default=None)
        now = self.codes.find("status", status)
        events = []
        for scan in scans:
            text, place = scan.text("description"), _place(scan.text("location"))
            meaning = self._meaning(_plain(text), now if scan is newest else None)
            moment, text = _moment(scan.text("date"), place), SIGNED.sub(r"\1", text)
            events.append(meaning.event(moment, code="", text=text, place=place, piece=piece))
        return events

    def _meaning(self, text: str, now: Meaning | None) -> Meaning:
        rows = [row for row in (self.codes.find("status", text), *self.codes.said("description", text)) if row]
        first = rows[0] if rows else self.codes.read(coarse=now.status if now else None)
        return (first.finer(rows) if first.status else first.flagged(rows)).flagged([now] if now else [])

    def _beside(self, status: str, told: list[Event], piece: str) -> list[Event]:
        """What a status tells and no scan does: all there is to know, or that something went wrong."""
        row = self.codes.read(("status", _plain(status)))
        known = told and (row.status not in BESIDE or any(event.status is row.status for event in told))
        return [] if known or not status else [row.event(Moment(""), code=status, text=status, piece=piece)]


def _asked(queries: Sequence[Query]) -> Exchange[list[Tree]]:
    params = {"tracking_ids": ",".join(query.number for query in queries)}
    response = yield Request("GET", "/shipping/v1/track", params=params, headers={"Accept": "application/json"})
    answer = response.expect(200, 400, 404).tree()
    faults = answer.each("errors")
    if faults and len(queries) > 1:
        raise ProtocolError(f"Australia Post does not answer: {_said(faults)}")
    about = {"tracking_id": queries[0].number, "errors": [fault.value for fault in faults]}
    return [Tree(about)] if faults else answer.expect("tracking_results").each()


def _said(faults: list[Tree]) -> str:
    return "; ".join(" ".join(filter(None, map(fault.text, ("code", "name", "message")))) for fault in faults)


def _parts(result: Tree) -> Iterator[Tree]:
    """What may have scans and a status: the result, its consignment, and the articles, which may lie in a consignment."""
    yield result
    yield from result.each("consignment")
    for item in result.each("trackable_items"):
        yield item
        yield from item.each("items")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


@lru_cache(maxsize=1024)
def _place(text: str) -> Place:
    if state := STATE.fullmatch(text):
        return Place(city=state[1], region=state[2], postcode=state[3] or "", country="AU")
    abroad = COUNTRY.fullmatch(text)
    if country := countries.alpha2(text) if len(text) == 2 or not abroad else countries.alpha2(abroad[2] or abroad[3]):
        city = abroad[1] if abroad else ""
        return Place(country=country, **{"name" if any(map(str.isdigit, city)) else "city": city})
    return Place(name=text)


def _moment(text: str, place: Place) -> Moment:
    """The offset is that of Australia Post's own clock, wherever the scan was."""
    moment, zone = moments.iso(text), CLOCKS.get(place.region, "")
    return moments.elsewhere(moment, place.country, zone=zone) if zone or place.country else moment


register_carriers = registers(AustraliaPost)
