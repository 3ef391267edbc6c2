"""Shippo: an aggregator that is told a number and its carrier, by its Tracking API."""

from collections.abc import Sequence
from urllib.parse import quote

from msgspec.structs import replace

from doorstep import (  # isort: skip
    TROUBLE, Answer, Auth, Carrier, CarrierError, Event, Exchange, Flag, Found, HeaderKey, Incoming, Meaning, NotFound,
    Place, ProtocolError, Pushed, PushSettings, Query, Registrations, Request, Response, Secret, Shipment, Status, Tree,
    Verdict, countries, is_any, is_signed, moments, newest_first, registers,
)  # fmt: skip

VERSION = {"Shippo-API-Version": "2018-02-08"}
MOST_CARRIERS = 3  # that are asked about one number, each a call that is paid
SAYS_NOTHING = ("", "other")  # substatuses; the status alone counts then
ENDS = (Status.DELIVERED, Status.AVAILABLE_FOR_PICKUP, Status.RETURNING)  # what DELIVERED can be more exactly


class Settings(PushSettings, frozen=True):
    """`courier` is Shippo's token of the carrier that is asked when nothing else says whose a number is. `push_header` is where
    Shippo signs, once it was asked to; without it, the secret stands in the address."""

    api_token: Secret
    courier: str = ""
    push_header: str = ""


class Shippo(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("Authorization", Secret(f"ShippoToken {self.settings.api_token.reveal()}"))

    def track(self, query: Query) -> Exchange[Answer]:
        told = self._told(query) if query.number else ("",)
        answer: Answer = NotFound("Shippo wants to be told the carrier, and it has no name for this one")
        for carrier in told[:MOST_CARRIERS]:
            path = f"/tracks/{quote(carrier, safe='')}/{quote(query.number, safe='')}"
            response = yield Request("GET", path, headers=VERSION)
            answer = self._answer(response, query)
            if isinstance(answer, Found):
                break
        return answer

    def register(self, queries: Sequence[Query]) -> Exchange[Registrations]:
        """Has numbers pushed: a look-up needs no registration, so without pushes there is none."""
        results: dict[str, CarrierError | None] = {query.number: None for query in queries}
        for query in queries if self.push_secrets() else ():
            told = self._told(query)
            if len(told) != 1:
                results[query.number] = ProtocolError(
                    "Shippo wants to be told the carrier, and it is not certain which"
                )
                continue
            track = {"carrier": told[0], "tracking_number": query.number}
            response = yield Request("POST", "/tracks/", json=track, headers=VERSION)
            refused = response.expect(200, 201, 400, 404).status >= 400
            results[query.number] = _failure(response.tree(), self.settings.courier) if refused else None
        return results

    def verify(self, incoming: Incoming) -> Verdict:
        if not self.settings.push_header:
            return Verdict.of(is_any(self.push_secrets(), incoming.query.get("secret", "")))
        # Whether it is base64 or hexadecimal is not documented; the other one cannot be right by chance.
        signature, secrets = incoming.header(self.settings.push_header), self.push_secrets()
        in_hex = is_signed(incoming.body, secrets, signature.lower(), hex=True)
        return Verdict.of(is_signed(incoming.body, secrets, signature) or in_hex)

    def push(self, incoming: Incoming) -> Pushed:
        return Pushed((incoming.json().text("data.tracking_number"),))

    def _told(self, query: Query) -> tuple[str, ...]:
        own = (self.settings.courier,) if self.settings.courier else ()
        return self.manifest.codes_of(query.carriers) if query.carriers else own

    def _answer(self, response: Response, query: Query) -> Answer:
        answer = response.expect(200, 400, 404).tree()
        if response.status == 404:
            return NotFound(answer.text("detail"))
        if response.status == 400:
            raise _failure(answer, self.settings.courier)
        track = answer.at("data") or answer  # "data" in a message that was pushed
        if not track.text("tracking_number"):
            raise ProtocolError("the answer has no tracking_number")
        shipment = self._shipment(track)
        mine = query.number in ("", shipment.number.upper())
        return Found((shipment,)) if mine and shipment.events else NotFound("Shippo has no news of it")

    def _shipment(self, track: Tree) -> Shipment:
        destination = _place(track.at("address_to"))
        expected = track.text("eta")[:10]
        return Shipment(
            number=track.text("tracking_number"),
            events=self._events(track),
            carrier_name=self.manifest.courier_name(track.text("carrier")),
            service=track.text("servicelevel.name") or track.text("servicelevel.token"),
            origin=_place(track.at("address_from")),
            destination=destination,
            window=moments.window(expected, expected),
        )

    def _events(self, track: Tree) -> tuple[Event, ...]:
        """The history, newest first, and the present status where that is not in it. UNKNOWN without a history is no news."""
        scans = newest_first(track.each("tracking_history"), "status_date")
        now = track.at("tracking_status")
        if now and all(_same(now) != _same(scan) for scan in scans) and (scans or now.text("status") != "UNKNOWN"):
            scans = [now, *scans]
        return tuple(event for scan in scans if (event := self._event(scan)).code or event.text)

    def _event(self, scan: Tree) -> Event:
        meaning = self._meaning(scan)
        asks = scan.is_true("substatus.action_required") and Flag.ACTION_REQUIRED not in meaning.flags
        code = "/".join(filter(None, (scan.text("status"), scan.text("substatus.code"))))
        text = scan.text("status_details") or scan.text("substatus.text")
        place = _place(scan.at("location"))
        at = moments.doubtful(scan.text("status_date"), country=place.country)
        return meaning.event(at, code=code, text=text, place=place, flags=(Flag.ACTION_REQUIRED,) if asks else ())

    def _meaning(self, scan: Tree) -> Meaning:
        """The substatus says more exactly, and why; but not against a status that is an end or a failure."""
        status, detail = scan.text("status"), scan.text("substatus.code")
        coarse, fine = self.codes.read(("status", status)), self.codes.find("substatus", detail)
        if detail in SAYS_NOTHING or fine is None:
            return replace(coarse, mapped=coarse.mapped and detail in SAYS_NOTHING)
        match status:
            case "DELIVERED":
                leads = fine.status in ENDS
            case "RETURNED":
                leads = fine.status is Status.RETURNING
            case "FAILURE":
                leads = fine.status in TROUBLE
            case _:
                leads = fine.status is not Status.DELIVERED
        flags = tuple(dict.fromkeys(coarse.flags + fine.flags))
        position = fine.status if leads else coarse.status
        return replace(fine, status=position, flags=flags, mapped=coarse.mapped or not status)


def _failure(answer: Tree, courier: str) -> CarrierError:
    step = "correct courier in the settings" if courier else ""
    return ProtocolError(f"Shippo says: {answer.text('detail') or answer.text('carrier')}", next_step=step)


def _same(scan: Tree) -> tuple[str, ...]:
    return tuple(scan.text(name) for name in ("status_date", "status", "substatus.code", "status_details"))


def _place(said: Tree) -> Place:
    return Place(said.text("city"), said.text("state"), said.text("zip"), countries.alpha2(said.text("country")))


register_carriers = registers(Shippo)
