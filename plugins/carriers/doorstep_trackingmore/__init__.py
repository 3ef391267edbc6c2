"""TrackingMore: an aggregator that watches numbers of other carriers once they are registered (API v4)."""

from collections.abc import Iterable, Sequence
from heapq import merge

from msgspec.structs import replace

from doorstep import (  # isort: skip
    Answer, Answers, Auth, AuthRefused, Carrier, CarrierError, CarrierSettings, CarrierUnavailable, Event, Exchange, Flag,
    Found, HeaderKey, Leg, Meaning, NotFound, Place, ProtocolError, Query, RateLimited, Registrations, Request,
    Response, Secret, Shipment, Status, Tree, countries, each_of, moments, newest_first, registers, turned_back,
)  # fmt: skip

FINE = ("200", "201", "203")  # 203: not for all numbers
ALREADY_REGISTERED, NOT_REGISTERED = "4101", "4102"
ERRORS: dict[str, type[CarrierError]] = {
    "401": AuthRefused, "402": RateLimited, "403": AuthRefused, "429": RateLimited,
    "500": CarrierUnavailable, "501": CarrierUnavailable, "502": CarrierUnavailable, "503": CarrierUnavailable,
}  # fmt: skip
HOUR = 3600.0  # a quota that is used up does not come back within a minute
# TrackingMore's "pickup" is either of two things; its text is all that tells them apart.
ON_THE_VAN = ("out for delivery", "with driver", "with courier", "with the driver", "with the courier", "on vehicle")
WAITING = ("collect", "ready for pick", "available for pick", "await", "pickup point", "pick-up point", "pick up point",
           "parcel shop", "parcelshop", "locker", "at post office", "at the post office")  # fmt: skip


class Settings(CarrierSettings, frozen=True):
    """`courier` is TrackingMore's code of the carrier that numbers are registered for when nothing else says whose they are."""

    api_key: Secret
    courier: str = ""


class TrackingMore(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("Tracking-Api-Key", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        response = yield _asking([query])
        return self._answer(response, query)

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        response = yield _asking(queries)
        return each_of(queries, lambda query: self._answer(response, query))

    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        wanted = []
        for query in queries:
            code = self.manifest.code_of(query.carriers, otherwise=self.settings.courier)
            wanted.append({"tracking_number": query.number, **({"courier_code": code} if code else {})})
        response = yield Request("POST", "/trackings/batch", json=wanted)
        answer, code = _read(response)
        if code not in (*FINE, ALREADY_REGISTERED):
            raise _failure(code, answer.text("meta.message"))
        data = answer.at("data")
        results: dict[str, CarrierError | None] = {_number(one): None for one in (*data.each("success"), *data.each())}
        results |= {_number(one): _refusal(one) for one in data.each("error")}
        return {query.number: results[query.number] for query in queries if query.number in results}

    def _answer(self, response: Response, query: Query) -> Answer:
        answer, code = _read(response)
        if code == NOT_REGISTERED:
            return NotFound("TrackingMore says 4102")
        if code not in FINE:
            raise _failure(code, answer.text("meta.message"))
        own = [one for one in answer.expect("data").each() if query.number in ("", _number(one))]
        codes = self.manifest.codes_of(query.carriers)
        own = [one for one in own if one.text("courier_code") in codes] or own
        shipments = tuple(shipment for one in own if (shipment := self._shipment(one)).events)
        return Found(shipments) if shipments else NotFound("TrackingMore has no news of it")

    def _shipment(self, tracking: Tree) -> Shipment:
        legs = [tracking.at(name) for name in ("origin_info", "destination_info")]
        ways = [newest_first(leg.each("trackinfo"), "checkpoint_date") for leg in legs]
        couriers = [tracking.text("courier_code"), *(leg.text("courier_code") for leg in legs if leg.each("trackinfo"))]
        name, *others = dict.fromkeys(self.manifest.courier_name(code) for code in couriers if code) or [""]
        destination = _end(tracking, "destination")
        expected = tracking.text("scheduled_delivery_date")
        return Shipment(
            number=tracking.text("tracking_number"),
            events=self._events(tracking, list(merge(*ways, key=_time, reverse=True))),
            carrier_name=name,
            service=tracking.text("service_code"),
            origin=_end(tracking, "origin"),
            destination=destination,
            window=moments.window(expected, expected, country=destination.country),
            legs=tuple(map(Leg, others)),
        )

    def _events(self, tracking: Tree, scans: Sequence[Tree]) -> tuple[Event, ...]:
        """All scans, newest first. Where there are none the parcel's own status speaks, if it says where the parcel is."""
        latest = self._meaning(tracking.text("delivery_status"), tracking.text("substatus"), "")
        if not scans and latest.status not in (None, Status.UNKNOWN):
            names = {"delivery_status": "checkpoint_delivery_status", "substatus": "checkpoint_delivery_substatus"}
            scans = [Tree({scan: tracking.text(name) for name, scan in names.items()})]
        events = tuple(event for scan in scans if (event := self._event(scan)).code or event.text)
        # A delivery to the sender is a delivery like any other: only the parcel knows of the return.
        return turned_back(events) if Flag.RETURN in latest.flags else events

    def _event(self, scan: Tree) -> Event:
        status, detail = scan.text("checkpoint_delivery_status"), scan.text("checkpoint_delivery_substatus")
        text = scan.text("tracking_detail")
        meaning = self._meaning(status, detail, text)
        country, city, line = countries.alpha2(scan.text("country_iso2")), scan.text("city"), scan.text("location")
        place = Place(city, scan.text("state"), scan.text("zip"), country, "" if city else line)
        return meaning.event(
            moments.at_place(_time(scan), country=country), code=detail or status, text=text, place=place
        )

    def _meaning(self, status: str, detail: str, text: str) -> Meaning:
        """The substatus's; of one that is not known, the status's."""
        if known := self.codes.find("substatus", detail):
            return known
        coarse = self.codes.read(("delivery_status", status), ("delivery_status", detail.rstrip("0123456789")))
        said = text.lower()
        if status == "pickup" and any(map(said.__contains__, WAITING)) and not any(map(said.__contains__, ON_THE_VAN)):
            coarse = replace(coarse, status=Status.AVAILABLE_FOR_PICKUP)
        return replace(coarse, mapped=coarse.mapped and not detail)


def _asking(queries: Iterable[Query]) -> Request:
    return Request("GET", "/trackings/get", params={"tracking_numbers": ",".join(query.number for query in queries)})


def _read(response: Response) -> tuple[Tree, str]:
    """The answer and its code, which is more than HTTP's."""
    answer = response.expect(200, 201, 203, 400, 404).tree()
    return answer, answer.text("meta.code") or str(response.status)


def _refusal(said: Tree) -> CarrierError | None:
    code = said.text("errorCode") or said.text("code")
    return None if code == ALREADY_REGISTERED else _failure(code, said.text("errorMessage") or said.text("message"))


def _failure(code: str, message: str) -> CarrierError:
    kind = ERRORS.get(code, ProtocolError)
    step = "name the carrier in the order, or set courier" if code.startswith("41") else ""
    wait = HOUR if code == "402" else None
    return kind(f"TrackingMore says {code or 'nothing'}: {message}", next_step=step, retry_after=wait)


def _number(tracking: Tree) -> str:
    return tracking.text("tracking_number").upper()


def _time(scan: Tree) -> str:
    return scan.text("checkpoint_date")


def _end(tracking: Tree, name: str) -> Place:
    country = countries.alpha2(tracking.text(f"{name}_country"))
    return Place(tracking.text(f"{name}_city"), tracking.text(f"{name}_state"), country=country)


register_carriers = registers(TrackingMore)
