"""La Poste: Colissimo, Chronopost and tracked letters, by the Suivi v2 API of the Okapi portal."""

from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct

from doorstep import (  # isort: skip
    Answer, Auth, AuthRefused, Carrier, CarrierSettings, CarrierUnavailable, Event, Exchange, Found, HeaderKey, Leg,
    NotFound, PickupPoint, Place, ProtocolError, Query, Request, Secret, Shipment, Status, Window, moments, registers,
)  # fmt: skip

LANGUAGES = {"fr": "fr_FR", "en": "en_GB", "de": "de_DE", "es": "es_ES", "it": "it_IT", "nl": "nl_NL"}
# The timeline's steps. The fifth is left out: it is the end, which may be the addressee's door or the sender's.
STEPS = {1: Status.ACCEPTED, 2: Status.IN_TRANSIT, 3: Status.IN_TRANSIT, 4: Status.OUT_FOR_DELIVERY}


class Settings(CarrierSettings, frozen=True):
    okapi_key: Secret


class Step(Struct, frozen=True):
    id: int | None = None
    status: bool | None = None


class Scan(Struct, frozen=True):
    code: str | None = None
    label: str | None = None
    date: str | None = None


class Named(Struct, frozen=True):
    name: str | None = None
    reference: str | None = None


class Context(Struct, frozen=True, rename="camel"):
    origin_country: str | None = None
    arrival_country: str | None = None
    removal_point: Named | None = None
    partner: Named | None = None


class Parcel(Struct, frozen=True, rename="camel"):
    id_ship: str | None = None
    product: str | None = None
    estim_date: str | None = None
    timeline: list[Step] | None = None
    event: list[Scan] | None = None
    context_data: Context | None = None


class Item(Struct, frozen=True, rename="camel"):
    return_code: int = 0
    return_message: str | None = None
    lang: str | None = None
    shipment: Parcel | None = None


class LaPoste(Carrier[Settings]):
    def auth(self) -> Auth:
        return HeaderKey("X-Okapi-Key", self.settings.okapi_key)

    def track(self, query: Query) -> Exchange[Answer]:
        path = f"/suivi/v2/idships/{quote(query.number, safe='')}"
        params = {"lang": LANGUAGES.get(query.language[:2].lower(), "en_GB")}
        response = yield Request("GET", path, params=params, headers={"Accept": "application/json"})
        if response.status == 404:
            return NotFound(response.text()[:200])
        # An object, or alone in a list (HTTP 207, and older answers).
        listed = response.expect(200, 207, 400).body.lstrip().startswith(b"[")
        return self._answer(response.json(tuple[Item])[0] if listed else response.json(Item), query.number)

    def _answer(self, item: Item, number: str) -> Answer:
        # The HTTP status is 200 or 207 whatever happened: the return code is what counts.
        said = f"La Poste's returnCode is {item.return_code}: {_clean(item.return_message)}"
        if item.return_code in (400, 404):
            return NotFound(said)
        if item.return_code == 401:
            raise AuthRefused(said, next_step="check okapi_key under [carriers.la_poste]")
        if item.return_code >= 500:
            raise CarrierUnavailable(said)
        if item.return_code != 200 or item.shipment is None:
            raise ProtocolError(said)
        return Found((self._shipment(item.shipment, item.lang, number),))

    def _shipment(self, parcel: Parcel, language: str | None, number: str) -> Shipment:
        context = parcel.context_data or Context()
        point, partner = context.removal_point or Named(), context.partner or Named()
        origin, arrival = _country(context.origin_country), _country(context.arrival_country)
        scans = parcel.event or []
        countries = _whereabouts([_clean(scan.code) for scan in scans], origin, arrival)
        step = max((step.id or 0 for step in parcel.timeline or [] if step.status), default=0)
        # The timeline tells of now, so it can stand in for an unknown code of the newest scan only.
        coarse = [STEPS.get(step), *[None] * len(scans)]
        estimate = moments.iso(_clean(parcel.estim_date))
        day = moments.whole_day(estimate.local.date(), raw=estimate.raw) if estimate.local else None
        return Shipment(
            number=_clean(parcel.id_ship) or number,
            events=tuple(map(self._event, scans, countries, coarse)),
            service=_clean(parcel.product).capitalize(),  # "colissimo" is a name
            origin=Place(country=origin),
            destination=Place(country=arrival),
            window=Window(day, day) if day else None,
            pickup_point=PickupPoint(_clean(point.name)) if _clean(point.name) else None,
            legs=(Leg(_clean(partner.name), _clean(partner.reference)),) if _clean(partner.name) else (),
            language=_clean(language).replace("_", "-"),
        )

    def _event(self, scan: Scan, country: str, coarse: Status | None) -> Event:
        # All times are written by the French clock, wherever it happened: the instant is right, the wall clock is not.
        moment = moments.elsewhere(moments.iso(_clean(scan.date), zone="Europe/Paris"), country)
        code = _clean(scan.code)
        meaning = self.codes.read((code,), coarse=coarse)
        return meaning.event(moment, code=code, text=_clean(scan.label), place=Place(country=country))


def _whereabouts(codes: Sequence[str], origin: str, arrival: str) -> list[str]:
    """The country of each event (newest first), or "" where the codes leave room for doubt.

    A parcel is at home until it leaves (ET2) and abroad from its arrival (ET3) until it is sent back (RE1).
    """
    if origin == arrival:
        return [origin] * len(codes)
    home = ("PC2", "ET2", "DR1", "DR2", "PC1") if origin == "FR" else ("PC2", "ET2")  # an import's PC1 may be in France
    oldest = list(reversed(codes))
    out = oldest[: oldest.index("RE1")] if "RE1" in oldest else oldest
    there = next((i for i, code in enumerate(out) if code in ("ET3", "MD2", "AG1", "DI1")), len(out))
    left = max((i + 1 for i in range(there) if out[i] in home), default=0)
    known = [origin] * left + [""] * (there - left) + [arrival] * (len(out) - there)
    return [""] * (len(codes) - len(known)) + known[::-1]


def _country(text: str | None) -> str:
    return _clean(text).upper() if len(_clean(text)) == 2 else ""


def _clean(text: str | None) -> str:
    return " ".join((text or "").split())


register_carriers = registers(LaPoste)
