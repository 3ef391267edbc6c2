"""Correios: the post of Brazil, by its SRO Rastro API."""

import unicodedata
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from msgspec import structs

from doorstep import (  # isort: skip
    Answer, Answers, Auth, AuthRefused, Carrier, CarrierSettings, Credential, Event, Exchange, Found, Meaning, Moment,
    NotFound, PickupPoint, Place, ProtocolError, Query, Request, Secret, Shipment, Status, Tree, Window, basic, countries,
    each_of, moments, registers,
)  # fmt: skip

OUTCOMES = {"BDE", "BDI", "BDR"}  # one family of codes for every outcome; their details say what follows
# Brasília's clock. Elsewhere nobody documents whether a time is by it or by the clock of the place.
AS_IN_BRASILIA = {"AL", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "PA", "PB", "PE", "PI", "PR", "RJ", "RN", "RS",
                  "SC", "SE", "SP", "TO"}  # fmt: skip
STATES = AS_IN_BRASILIA | {"AC", "AM", "MS", "MT", "RO", "RR"}


class Settings(CarrierSettings, frozen=True):
    username: str
    access_code: Secret
    postage_card: str


class CardLogin:
    """A token for a postage card, by the user's access code."""

    def __init__(self, settings: Settings) -> None:
        self._authorization = Secret(basic(settings.username, settings.access_code))
        self._card = settings.postage_card

    def login(self) -> Exchange[Credential]:
        headers = {"Accept": "application/json", "Authorization": self._authorization.reveal()}
        path, card = "/token/v1/autentica/cartaopostagem", {"numero": self._card}
        response = yield Request("POST", path, headers=headers, json=card, idempotent=True)
        if response.status == 400:
            raise AuthRefused(f"Correios gives no token for the postage card: {_said(response.tree())}")
        token = response.expect(200, 201).tree().expect("token").text()
        return Credential(Secret(token), 23 * 60 * 60)  # it lasts about a day; one that ends earlier is renewed

    def sign(self, request: Request, credential: Credential) -> Request:
        return request.adding(headers={"Authorization": f"Bearer {credential.value.reveal()}"})


class Correios(Carrier[Settings]):
    def auth(self) -> Auth:
        return CardLogin(self.settings)

    def track(self, query: Query) -> Exchange[Answer]:
        answer = yield from _asked(f"/srorastro/v1/objetos/{quote(query.number, safe='')}?resultado=T")
        return self._answer(answer, query) if answer.at("objetos") else _refusal(_said(answer))

    def track_many(self, queries: Sequence[Query]) -> Exchange[Answers]:
        asked = [*(("codigosObjetos", query.number) for query in queries), ("resultado", "T")]
        answer = yield from _asked(f"/srorastro/v1/objetos?{urlencode(asked)}")
        if not answer.at("objetos"):
            raise ProtocolError(f"Correios answers without any object: {_said(answer) or 'no reason given'}")
        return each_of(queries, lambda query: self._answer(answer, query))

    def _answer(self, answer: Tree, query: Query) -> Answer:
        named = [one for one in answer.each("objetos") if query.number in ("", one.text("codObjeto").upper())]
        known = [one for one in named if one.at("eventos") or (one.at("tipoPostal") and not one.text("mensagem"))]
        if known:
            return Found(tuple(self._shipment(one, query) for one in known))
        return _refusal("; ".join(filter(None, (one.text("mensagem") for one in named))))

    def _shipment(self, item: Tree, query: Query) -> Shipment:
        scans = item.each("eventos")
        events = tuple(self._event(scan) for scan in scans)
        return Shipment(
            number=query.number or item.text("codObjeto"),
            events=tuple(event for event in events if event.code or event.text),
            service=item.text("tipoPostal.categoria") or item.text("tipoPostal.descricao"),
            window=_window(item.text("dtPrevista")),
            pickup_point=_pickup_point(events, scans),
            language="pt",
        )

    def _event(self, scan: Tree) -> Event:
        family, kind = scan.text("codigo").upper(), scan.text("tipo")
        text, detail, place = scan.text("descricao"), scan.text("detalhe"), _place(scan.at("unidade"))
        meaning = self._meaning(family, kind.zfill(2), f"{text} {detail}" if family in OUTCOMES else text)
        if detail and meaning.status is not Status.DELIVERED:  # there it may say who took it
            text = f"{text} - {detail}" if text else detail
        code = f"{family} {kind}".strip()
        return meaning.event(_moment(scan.text("dtHrCriado"), place), code=code, text=text, place=place)

    def _meaning(self, family: str, kind: str, text: str) -> Meaning:
        """By code and kind; else by the words, which say what the rest of a family is; else by the family."""
        said = self.codes.said("descricao", _bare(text))
        if exact := self.codes.find("evento", f"{family} {kind}"):
            return exact.flagged(said)
        meaning = self.codes.read(("codigo", family)).finer(said)
        return structs.replace(meaning, mapped=False) if meaning.status is Status.UNKNOWN else meaning


def _asked(path: str) -> Exchange[Tree]:
    response = yield Request("GET", path, headers={"Accept": "application/json"})
    return response.expect(200, 400, 404).tree()


def _said(answer: Tree) -> str:
    return "; ".join(filter(None, (one.text() for one in answer.each("msgs")))) or answer.text("mensagem")


def _refusal(said: str) -> NotFound:
    """NotFound where Correios says that no such object is known; raises what else it says, or that it says nothing."""
    bare = _bare(said)
    if "sro-020" in bare or "nao encontrado" in bare or "objeto invalido" in bare:
        return NotFound(said)
    raise ProtocolError(f"Correios says nothing about the object: {said or 'no reason given'}")


def _bare(text: str) -> str:
    """Small letters without accents: some of Correios' systems leave them out."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


def _place(unit: Tree) -> Place:
    """A state makes it Brazil. A unit of another country has that country's name for its own."""
    city, region, name = unit.text("endereco.cidade"), unit.text("endereco.uf").upper(), unit.text("nome")
    if region in STATES:
        return Place(city=city, region=region, country="BR", name=name or unit.text("tipo"))
    return Place(city=city, region=region, country=countries.named(name or city), name=name or unit.text("tipo"))


def _moment(text: str, place: Place) -> Moment:
    brasilia = place.region in AS_IN_BRASILIA and _bare(place.city) != "fernando de noronha"
    return moments.iso(text, zone="America/Sao_Paulo" if brasilia else "")


def _window(text: str) -> Window | None:
    day = moments.iso("-".join(reversed(text[:10].split("/"))))  # 2026-11-25, or 25/11/2026
    return Window(day, day) if day.local else None


def _pickup_point(events: Sequence[Event], scans: Sequence[Tree]) -> PickupPoint | None:
    """The unit where the newest scan says that it waits."""
    latest = next((at for at, event in enumerate(events) if event.status), None)
    if latest is None or events[latest].status is not Status.AVAILABLE_FOR_PICKUP:
        return None
    address, place = scans[latest].at("unidade.endereco"), events[latest].place
    street = " ".join(filter(None, map(address.text, ("logradouro", "numero"))))
    return PickupPoint(place.name, street, structs.replace(place, postcode=address.text("cep")))


register_carriers = registers(Correios)
