"""EasyPost: an aggregator that tracks numbers of other carriers once a tracker is made of them (Trackers API v2)."""

from collections.abc import Sequence
from unicodedata import normalize

from msgspec.structs import replace

from doorstep import (  # isort: skip
    TROUBLE, Answer, Answers, Auth, Basic, Carrier, CarrierError, Event, Exchange, Flag, Found, Incoming, Leg, Meaning,
    NotFound, Place, ProtocolError, Pushed, PushSettings, Query, Registrations, Request, Response, Secret, Shipment,
    Status, Tree, Verdict, Weight, Window, countries, each_of, is_signed, moments, newest_first, registers, turned_back,
)  # fmt: skip

SAYS_NOTHING = ("", "status_update", "unknown")  # details; the status alone counts then
OPEN = ("", "in_transit", "unknown")  # statuses that a detail makes more precise
FAILED = ("failure", "error")  # statuses that a detail of trouble makes more precise
OUNCES = 16  # in a pound


class Settings(PushSettings, frozen=True):
    """`courier` is EasyPost's name of the carrier that trackers are made for when nothing else says whose a number is."""

    api_key: Secret
    courier: str = ""


class EasyPost(Carrier[Settings]):
    def auth(self) -> Auth:
        return Basic(self.settings.api_key.reveal(), Secret(""))

    def track(self, query: Query) -> Exchange[Answer]:
        response = yield Request("GET", "/trackers", params={"tracking_code": query.number})
        return self._answer(response, query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        codes = [query.number for query in queries]
        response = yield Request("POST", "/trackers/batch", json={"tracking_codes": codes}, idempotent=True)
        return each_of(queries, lambda query: self._answer(response, query))

    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        results: dict[str, CarrierError | None] = {}
        for query in queries:
            carrier = self.manifest.code_of(query.carriers, otherwise=self.settings.courier)
            tracker = {"tracking_code": query.number, **({"carrier": carrier} if carrier else {})}
            response = yield Request("POST", "/trackers", json={"tracker": tracker}, accept=(422,))
            refused = response.status >= 400
            results[query.number] = _failure(response.tree()) if refused else None
        return results

    def verify(self, incoming: Incoming) -> Verdict:
        scheme, _, signature = incoming.header("X-Hmac-Signature").partition("=")
        secrets = [normalize("NFKD", one.reveal()) for one in self.push_secrets()]
        return Verdict.of(scheme == "hmac-sha256-hex" and is_signed(incoming.body, secrets, signature, hex=True))

    def push(self, incoming: Incoming) -> Pushed:
        event = incoming.json()
        return Pushed((event.text("result.tracking_code"),), id=event.text("id"))

    def _answer(self, response: Response, query: Query) -> Answer:
        answer = response.expect(200, 201, 400, 404).tree()
        if response.status == 404 and answer.at("error"):
            return NotFound(answer.text("error.code"))
        if answer.at("error"):
            raise _failure(answer)
        own = [one for one in _trackers(answer) if query.number in ("", one.text("tracking_code").upper())]
        if not own and answer.is_true("has_more"):
            raise ProtocolError("EasyPost left the number out of the first page of its answer")
        names = self.manifest.codes_of(query.carriers)
        own = [one for one in own if one.text("carrier") in names] or own
        shipments = [shipment for one in own if (shipment := self._shipment(one)).events]
        # A parcel may have several trackers, of its label and of its number, which say the same.
        apart = {(one.carrier_name, one.events): one for one in shipments}
        return Found(tuple(apart.values())) if apart else NotFound("EasyPost has no news of it")

    def _shipment(self, tracker: Tree) -> Shipment:
        carrier, scans = tracker.text("carrier"), newest_first(tracker.each("tracking_details"), "datetime")
        others = dict.fromkeys(scan.text("source") for scan in reversed(scans))
        detail, pounds = tracker.at("carrier_detail"), (tracker.number("weight") or 0.0) / OUNCES
        destination = _end(detail, "destination")
        return Shipment(
            number=tracker.text("tracking_code"),
            events=self._events(tracker, scans),
            carrier_name=self.manifest.courier_name(carrier),
            service=detail.text("service"),
            origin=_end(detail, "origin"),
            destination=destination,
            window=_window(tracker, destination.country),
            legs=tuple(Leg(self.manifest.courier_name(other)) for other in others if other not in ("", carrier)),
            weight=Weight(round(pounds, 3), "lb") if pounds > 0 else None,
        )

    def _events(self, tracker: Tree, scans: Sequence[Tree]) -> tuple[Event, ...]:
        """All scans, newest first. Where there are none the tracker's own status speaks, if it says where the parcel is."""
        latest = self._meaning(tracker)
        if not scans and latest.status not in (None, Status.UNKNOWN):
            scans = [Tree({name: tracker.text(name) for name in ("status", "status_detail")})]
        back = tracker.is_true("is_return")  # the whole journey, then
        events = tuple(event for scan in scans if (event := self._event(scan, back=back)).code or event.text)
        return turned_back(events) if Flag.RETURN in latest.flags else events

    def _event(self, scan: Tree, *, back: bool) -> Event:
        meaning = self._meaning(scan)
        flags = (Flag.RETURN,) if back and Flag.RETURN not in meaning.flags else ()
        code = "/".join(filter(None, (scan.text("status"), scan.text("status_detail"))))
        text = scan.text("message") or scan.text("description")
        place = _place(scan.at("tracking_location"))
        return meaning.event(
            moments.doubtful(scan.text("datetime"), country=place.country),
            code=code,
            text=text,
            place=place,
            flags=flags,
        )

    def _meaning(self, said: Tree) -> Meaning:
        """The status says where the parcel is; the detail, of what is under way or has failed, more exactly, and why."""
        status, detail = said.text("status"), said.text("status_detail")
        coarse, fine = self.codes.read(("status", status)), self.codes.find("status_detail", detail)
        if detail in SAYS_NOTHING or fine is None:
            return replace(coarse, mapped=coarse.mapped and detail in SAYS_NOTHING)
        leads = status in OPEN or not coarse.mapped or (status in FAILED and fine.status in TROUBLE)
        flags = tuple(dict.fromkeys(coarse.flags + fine.flags))
        known = coarse.mapped or not status
        return replace(fine, status=fine.status if leads else coarse.status, flags=flags, mapped=known)


def _trackers(answer: Tree) -> list[Tree]:
    """Those of a list, a single one, or the one of a message that was pushed."""
    one = answer.at("result") or answer
    return [one] if one.text("tracking_code") else answer.expect("trackers").each()


def _failure(answer: Tree) -> CarrierError:
    error = answer.at("error")
    step = "name the carrier in the order, or set courier" if "TRACKER.CREATE" in error.text("code") else ""
    return ProtocolError(f"EasyPost says {error.text('code') or 'nothing'}: {error.text('message')}", next_step=step)


def _place(said: Tree) -> Place:
    country = countries.alpha2(said.text("country"))
    return Place(said.text("city"), said.text("state"), said.text("zip"), country)


def _end(detail: Tree, name: str) -> Place:
    """Where the journey begins or ends: told apart, or as a line such as "CITY ST, 12345"."""
    place = _place(detail.at(f"{name}_tracking_location"))
    line = detail.text(f"{name}_location")
    return place if place != Place() else Place(city=line.rpartition(",")[0].strip() or line)


def _window(tracker: Tree, country: str) -> Window | None:
    """The hour on the clock of the place, where the carrier says it; else the day alone, since the hour's zone is in doubt."""
    day, hour = (tracker.text(f"carrier_detail.est_delivery_{name}_local") for name in ("date", "time"))
    local = f"{day[:10]}T{hour}" if day and hour else day
    expected = local or tracker.text("est_delivery_date")[:10]
    return moments.window(expected, expected, country=country)


register_carriers = registers(EasyPost)
