"""Bring and Posten: parcels of the Norwegian post and its freight in the Nordics, by the Tracking API v2."""

import re
from html import unescape

from doorstep import (  # isort: skip
    Answer, Auth, Carrier, CarrierUnavailable, Event, Exchange, Found, HeaderKey, Incoming, Moment, NotFound,
    PickupPoint, Piece, Place, Precision, ProtocolError, Pushed, PushSettings, Query, Request, Secret, Shipment, Status,
    Tree, Verdict, Weight, Window, countries, is_any, moments, registers,
)  # fmt: skip

LANGUAGES = {"en": "en", "no": "no", "nb": "no", "nn": "no", "sv": "sv", "da": "da"}
MARKUP = re.compile(r"</?[A-Za-z][^<>]*>")


class Settings(PushSettings, frozen=True):
    """The user of Mybring, its key, and the address of the shop that asks (Bring wants to know who its clients are).
    `push_header` is the header of one's own that Event Cast was told to send the secret in."""

    api_uid: str
    api_key: Secret
    client_url: str
    push_header: str = "X-Push-Secret"


class Bring(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("X-Mybring-API-Key", self.settings.api_key)

    def track(self, query: Query) -> Exchange[Answer]:
        language = LANGUAGES.get(query.language[:2].lower(), "en")
        asking = {"X-Mybring-API-Uid": self.settings.api_uid, "X-Bring-Client-URL": self.settings.client_url}
        response = yield Request(
            "GET",
            "/tracking/api/v2/tracking.json",
            params={"q": query.number, "lang": language},
            headers={"Accept": "application/json", **asking},
        )
        consignments = response.expect(200, 400, 404).tree().expect("consignmentSet").each()
        known = [
            one for one in consignments if one.at("packageSet") or (one.text("consignmentId") and not one.at("error"))
        ]
        if not known:
            return _refusal(consignments)
        # A number may have been used twice. Where none bears it, it is a reference of the sender's.
        asked = _bare(query.number)
        bearing = [one for one in known if asked in _numbers(one)] or known
        return Found(tuple(self._shipment(one, query.number, language) for one in bearing))

    def verify(self, incoming: Incoming) -> Verdict:
        return Verdict.of(is_any(self.push_secrets(), incoming.header(self.settings.push_header)))

    def push(self, incoming: Incoming) -> Pushed:
        told = incoming.json()
        return Pushed(tuple(filter(None, (told.text("package"), told.text("shipment")))))

    def _shipment(self, consignment: Tree, asked: str, language: str) -> Shipment:
        own, packages = consignment.text("consignmentId"), consignment.each("packageSet")
        if asked and _bare(asked) != _bare(own):  # where a package was asked for, the others are not meant
            packages = [one for one in packages if _bare(one.text("packageNumber")) == _bare(asked)] or packages
        numbers = list(dict.fromkeys(filter(None, (one.text("packageNumber") for one in packages))))
        alone = numbers[0] if len(numbers) == 1 else own
        events = tuple(
            self._event(scan, one.text("packageNumber") if len(numbers) > 1 else "")
            for one in packages
            for scan in one.each("eventSet")
        )
        first = packages[0] if packages else Tree({})
        return Shipment(
            number=asked if _bare(asked) in _numbers(consignment) else alone or own or asked,
            events=tuple(event for event in events if event.code or event.text),
            service=first.text("productName"),
            origin=_either(first, consignment, "senderAddress"),
            destination=_either(first, consignment, "recipientAddress"),
            window=_window(first),
            pickup_point=_pickup_point(packages, events),
            pieces=tuple(map(Piece, numbers)) if len(numbers) > 1 else (),
            weight=_weight(packages),
            language=language,
        )

    def _event(self, scan: Tree, piece: str) -> Event:
        code, place = scan.text("status"), _place(scan)
        text = " ".join(unescape(MARKUP.sub(" ", scan.text("description"))).split())
        piece = "" if scan.is_true("consignmentEvent") else piece
        moment = _moment(scan, place.country)
        return self.codes.read((code.upper(),)).event(moment, code=code, text=text, place=place, piece=piece)


def _refusal(consignments: list[Tree]) -> NotFound:
    """NotFound where Bring says so in the place of a consignment; raises what else it says."""
    errors = [one.at("error") for one in consignments]
    said = "; ".join(f"{error.text('code')} {error.text('message')}".strip() for error in errors)
    codes = {error.text("code") for error in errors}
    if codes <= {"400", "404"}:  # none at all, too: an empty set
        return NotFound(said)
    if any(len(code) == 3 and code.startswith("5") for code in codes):
        raise CarrierUnavailable(f"Bring cannot answer now: {said}")
    raise ProtocolError(f"Bring answered without a consignment: {said or 'no reason given'}")


def _bare(number: str) -> str:
    return "".join(filter(str.isalnum, number.upper()))


def _numbers(consignment: Tree) -> set[str]:
    """All numbers it goes by, its own and those of its packages."""
    own = (consignment.text("consignmentId"), *(one.text("packageNumber") for one in consignment.each("packageSet")))
    return {_bare(number) for number in own if number}


def _moment(scan: Tree, country: str) -> Moment:
    """By the offset. A time without one is by Bring's clock or the place's: where these are the same, that is the instant."""
    central = country if country in ("NO", "SE", "DK") else ""
    if written := scan.text("dateIso"):
        return moments.iso(written, country=central)
    return moments.day_first(f"{scan.text('displayDate')} {scan.text('displayTime')}".strip(), country=central)


def _place(tree: Tree) -> Place:
    country = countries.alpha2(tree.text("countryCode")) or countries.alpha2(tree.text("country"))
    return Place(tree.text("city"), postcode=tree.text("postalCode"), country=country)


def _either(package: Tree, consignment: Tree, path: str) -> Place:
    return _place(package.at(path) or consignment.at(path))


def _window(package: Tree) -> Window | None:
    expected = moments.day_first(package.text("dateOfEstimatedDelivery"))
    start = expected if expected.precision is Precision.DAY else None
    return Window(start, expected) if expected.local or expected.instant else None


def _pickup_point(packages: list[Tree], events: tuple[Event, ...]) -> PickupPoint | None:
    """Where it waits, or waited, by its scan there. The code to collect it with is not read: it opens lockers."""
    scans = [scan for one in packages for scan in one.each("eventSet")]
    for event, scan in zip(events, scans, strict=True):
        if event.status is Status.AVAILABLE_FOR_PICKUP:
            last = moments.day_first(next(filter(None, (one.text("dateOfReturn") for one in packages)), ""))
            until = last if last.local or last.instant else None
            return PickupPoint(place=event.place, until=until, code=scan.text("unitId"))
    return None


def _weight(packages: list[Tree]) -> Weight | None:
    weights = [one.number("weightInKgs") or 0 for one in packages]
    return Weight(round(sum(weights), 3)) if weights and min(weights) > 0 else None


register_carriers = registers(Bring)
