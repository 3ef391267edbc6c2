"""AfterShip: an aggregator that watches numbers of other carriers once they are registered (Tracking API, by date versions)."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from doorstep import (  # isort: skip
    Answer, Answers, Auth, Carrier, CarrierError, Event, Exchange, Flag, Found, HeaderKey, Incoming, Leg, Meaning,
    NotFound, Place, ProtocolError, Pushed, PushSettings, Query, Registrations, Request, Response, Secret, Shipment,
    Status, Tree, Verdict, Window, countries, each_of, is_signed, moments, newest_first, registers, turned_back,
)  # fmt: skip

ALREADY_REGISTERED = "4003"
NOT_KNOWN = ("4004", "4005", "4017", "404")  # no such tracking; a number that can be nobody's
STEPS: Mapping[str, str] = {
    "4010": "correct slug in the settings",
    "4011": "the carrier needs more than a number: postcode or day of shipping of the order",
    "4012": "AfterShip cannot tell whose number it is: set slug, or name the carrier in the order",
    "403": "check what the AfterShip account may do",
}
COUNTRY = ("country_region", "country_iso3", "country_region_name")


class Settings(PushSettings, frozen=True):
    """`slug` is AfterShip's name of the carrier that numbers are registered for when nothing else says whose they are."""

    api_key: Secret
    slug: str = ""


class AfterShip(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("as-api-key", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        response = yield _asking([query])
        return self._answer(response, query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        response = yield _asking(queries)
        return each_of(queries, lambda query: self._answer(response, query))

    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        results: dict[str, CarrierError | None] = {}
        for query in queries:
            known = {
                "tracking_number": query.number,
                "slug": self.manifest.code_of(query.carriers, otherwise=self.settings.slug),
                "postal_code": query.postcode,
                "ship_date": query.shipped_on.replace("-", ""),
            }
            response = yield Request("POST", "/trackings", json={name: value for name, value in known.items() if value})
            answer, code = _read(response)
            results[query.number] = None if code[0] == "2" or code == ALREADY_REGISTERED else _failure(answer, code)
        return results

    def verify(self, incoming: Incoming) -> Verdict:
        signature = incoming.header("aftership-hmac-sha256")
        return Verdict.of(is_signed(incoming.body, self.push_secrets(), signature))

    def push(self, incoming: Incoming) -> Pushed:
        return Pushed((incoming.json().text("msg.tracking_number"),))

    def _answer(self, response: Response, query: Query) -> Answer:
        answer, code = _read(response)
        if code in NOT_KNOWN:
            return NotFound(f"AfterShip says {code}: {answer.text('meta.message')}")
        if code[0] != "2":
            raise _failure(answer, code)
        own = [one for one in _trackings(answer) if query.number in ("", one.text("tracking_number").upper())]
        slugs = self.manifest.codes_of(query.carriers)
        own = [one for one in own if one.text("slug") in slugs] or own
        shipments = tuple(shipment for one in own if (shipment := self._shipment(one)).events)
        return Found(shipments) if shipments else NotFound("AfterShip has no news of it")

    def _shipment(self, tracking: Tree) -> Shipment:
        slug, scans = tracking.text("slug"), newest_first(tracking.each("checkpoints"), "checkpoint_time")
        others = dict.fromkeys(scan.text("slug") for scan in reversed(scans))
        destination = _place(tracking, "destination_")
        return Shipment(
            number=tracking.text("tracking_number"),
            events=self._events(tracking, scans),
            carrier_name=self.manifest.courier_name(slug),
            service=tracking.text("shipment_type"),
            origin=_place(tracking, "origin_"),
            destination=destination,
            window=_window(tracking, destination.country),
            legs=tuple(Leg(self.manifest.courier_name(other)) for other in others if other not in ("", slug)),
        )

    def _events(self, tracking: Tree, scans: Sequence[Tree]) -> tuple[Event, ...]:
        """All scans, newest first. Where there are none the parcel's own tag speaks, if it says where the parcel is."""
        latest = self._meaning(tracking)
        if not scans and latest.status not in (None, Status.UNKNOWN):
            scans = [Tree({name: tracking.text(name) for name in ("tag", "subtag")})]
        events = tuple(event for scan in scans if (event := self._event(scan)).code or event.text)
        # A delivery to the sender is a delivery like any other: only the parcel knows of the return.
        back = tracking.is_true("return_to_sender") or Flag.RETURN in latest.flags
        return turned_back(events) if back else events

    def _event(self, scan: Tree) -> Event:
        place = _place(scan, "", scan.text("location"))
        text = scan.text("message") or scan.text("subtag_message")
        code = scan.text("subtag") or scan.text("tag")
        at = moments.at_place(scan.text("checkpoint_time"), country=place.country)
        return self._meaning(scan).event(at, code=code, text=text, place=place)

    def _meaning(self, said: Tree) -> Meaning:
        """The sub-tag's; of one that is not known, the tag's (which is also the part before "_")."""
        subtag = said.text("subtag")
        if known := self.codes.find("subtag", subtag):
            return known
        coarse = self.codes.read(("tag", said.text("tag")), ("tag", subtag.partition("_")[0]))
        return replace(coarse, mapped=False) if subtag else coarse


def _asking(queries: Sequence[Query]) -> Request:
    return Request("GET", "/trackings", params={"tracking_numbers": ",".join(query.number for query in queries)})


def _trackings(answer: Tree) -> list[Tree]:
    """Those of a list, the one of a single answer, or the one of a message that was pushed."""
    data = answer.at("data") or answer.at("msg")
    one = data.at("tracking") or data
    return [one] if one.text("tracking_number") else data.expect("trackings").each()


def _read(response: Response) -> tuple[Tree, str]:
    """The answer and its code, which is more than HTTP's."""
    answer = response.expect(200, 201, 202, 400, 404).tree()
    return answer, answer.text("meta.code") or str(response.status)


def _failure(answer: Tree, code: str) -> CarrierError:
    said = answer.text("meta.message") or answer.text("meta.type")
    return ProtocolError(f"AfterShip says {code}: {said}", next_step=STEPS.get(code, ""))


def _place(said: Tree, prefix: str, line: str = "") -> Place:
    """`line` is the carrier's own: where the city is not told apart, it is the place's name."""
    country = next(filter(None, (countries.alpha2(said.text(prefix + name)) for name in COUNTRY)), "")
    city = said.text(prefix + "city")
    postcode = said.text(prefix + "postal_code") or said.text(prefix + "zip")
    return Place(city, said.text(prefix + "state"), postcode, country, "" if city else line)


def _window(tracking: Tree, country: str) -> Window | None:
    """The carrier's own estimate, else AfterShip's."""
    for source in ("courier_estimated_delivery_date", "expected_delivery", "aftership_estimated_delivery_date"):
        said = tracking.at(source)
        day = said.text("estimated_delivery_date") or said.text()
        ends = [said.text(f"estimated_delivery_date_{end}") or day for end in ("min", "max")]
        if window := moments.window(*ends, country=country):
            return window
    return None


register_carriers = registers(AfterShip)
