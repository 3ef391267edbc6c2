"""Correios: the contract, and what is peculiar to its codes, kinds, words and clock."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from doorstep import (  # isort: skip
    Answer, Answers, AuthRefused, Basis, Event, Exchange, Flag, Found, Moment, NotFound, PickupPoint, Place, Precision,
    ProtocolError, Query, Response, Secret, Shipment, Status,
)  # fmt: skip
from doorstep.auth import Credential
from doorstep.codes import load_codes
from doorstep.exchange import replay
from doorstep.intake import take_in
from doorstep.manifest import load_manifest
from doorstep.testing import CarrierContract
from doorstep_correios import Correios, Settings

NUMBER = "OV604182971BR"
OTHER = "QB173058463BR"
UNKNOWN = "SRO-020: Objeto não encontrado na base de dados dos Correios."


class TestContract(CarrierContract):
    package = "doorstep_correios"


@cache
def correios() -> Correios:
    home = files("doorstep_correios")
    manifest = load_manifest((home / "carrier.toml").read_text("utf-8"), file="carrier.toml")
    codes = load_codes((home / "codes.toml").read_text("utf-8"), file="codes.toml")
    return Correios(manifest, codes, Settings("user", Secret("code"), "0012345678"))


def response(body: Any, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def read(body: Any, *, number: str = NUMBER, status: int = 200) -> Answer:
    return take_in(replay(correios().track(Query(number)), response(body, status)), correios().manifest)


def read_many(body: Any, *numbers: str, status: int = 200) -> Answers:
    return replay(correios().track_many([Query(number) for number in numbers]), response(body, status))


def scan(code: str = "DO 01", text: str = "", uf: str = "SP", at: Any = "2026-11-20T10:00:00", **more: Any) -> Any:
    codigo, tipo = code.split()
    unit = {"tipo": "Unidade", "endereco": {"cidade": "CIDADE", "uf": uf}}
    return {"codigo": codigo, "tipo": tipo, "dtHrCriado": at, "descricao": text, "unidade": unit, **more}


def item(*scans: Any, number: str = NUMBER, **fields: Any) -> dict[str, Any]:
    return {"codObjeto": number, "tipoPostal": {"sigla": "OV", "categoria": "SEDEX"}, "eventos": list(scans), **fields}


def found(*scans: Any, **fields: Any) -> Shipment:
    answer = read({"objetos": [item(*scans, **fields)]})
    assert isinstance(answer, Found)
    return answer.shipments[0]


def event(code: str, text: str = "", detail: str = "") -> Event:
    return found(scan(code, text, detalhe=detail)).events[0]


def moment(at: Any, uf: str) -> Moment:
    return found(scan(at=at, uf=uf)).events[0].moment


# The login and the questions


def login(answer: Response) -> Credential:
    exchange: Exchange[Credential] = correios().auth().login()
    return replay(exchange, answer)


def test_a_login_names_the_card_and_gives_a_token_of_nearly_a_day() -> None:
    request = next(correios().auth().login())
    assert (request.path, request.json) == ("/token/v1/autentica/cartaopostagem", {"numero": "0012345678"})
    assert request.headers["Authorization"] == "Basic dXNlcjpjb2Rl"  # user:code
    credential = login(response({"token": "t", "expiraEm": "2026-11-21T08:00:00"}, 201))
    assert (credential.value.reveal(), 0 < credential.expires_in < 86400) == ("t", True)
    signed = correios().auth().sign(next(correios().track(Query(NUMBER))), credential)
    assert signed.headers["Authorization"] == "Bearer t"


def test_a_refused_card_is_told_apart_from_a_broken_answer() -> None:
    with pytest.raises(AuthRefused, match="no such card"):
        login(response({"msgs": ["no such card"]}, 400))
    for body, status in (({}, 201), ({"token": None}, 201), ([], 200), ({}, 404)):
        with pytest.raises(ProtocolError):
            login(response(body, status))


def test_questions_name_their_numbers() -> None:
    assert next(correios().track(Query("A/../B?"))).path == "/srorastro/v1/objetos/A%2F..%2FB%3F?resultado=T"
    many = next(correios().track_many([Query(NUMBER), Query(OTHER)]))
    assert many.path == f"/srorastro/v1/objetos?codigosObjetos={NUMBER}&codigosObjetos={OTHER}&resultado=T"


# Statuses


@pytest.mark.parametrize(
    ("code", "text", "status", "reason", "flags", "mapped"),
    [
        ("PO 01", "Objeto postado", Status.ACCEPTED, "", (), True),
        ("PO 77", "", Status.ACCEPTED, "", (), True),
        ("RO 01", "Objeto em transferência - por favor aguarde", Status.IN_TRANSIT, "", (), True),
        ("DO 01", "Objeto mal encaminhado", Status.IN_TRANSIT, "carrier.missorted", (Flag.DELAYED,), True),
        ("OEC 01", "Objeto saiu para entrega ao destinatário", Status.OUT_FOR_DELIVERY, "", (), True),
        ("OEC 09", "Objeto saiu para entrega ao remetente", Status.RETURNING, "", (Flag.RETURN,), True),
        ("LDE 01", "OBJETO SAIU PARA ENTREGA AO REMETENTE", Status.RETURNING, "", (Flag.RETURN,), True),
        ("LDI 01", "Objeto aguardando retirada", Status.AVAILABLE_FOR_PICKUP, "", (Flag.PICKUP_POINT,), True),
        ("LDI 02", "", Status.AVAILABLE_FOR_PICKUP, "", (), True),
        ("PAR 10", "", Status.CUSTOMS, "", (), True),
        ("PAR 17", "Aguardando pagamento", Status.CUSTOMS, "customs.duties", (Flag.ACTION_REQUIRED,), True),
        ("PAR 31", "Pagamento confirmado", Status.IN_TRANSIT, "", (), True),
        ("BDE 01", "Objeto entregue ao destinatário", Status.DELIVERED, "", (), True),
        ("BDI 1", "", Status.DELIVERED, "", (), True),
        ("BDE 01", "Objeto entregue ao remetente", Status.DELIVERED, "", (Flag.RETURN,), True),
        ("BDR 23", "", Status.RETURNED, "", (Flag.RETURN,), True),
        ("BDE 20", "Carteiro não atendido", Status.DELIVERY_ATTEMPTED, "recipient.not_home", (), True),
        ("BDE 20", "CARTEIRO NAO ATENDIDO", Status.DELIVERY_ATTEMPTED, "recipient.not_home", (), True),
        ("BDE 09", "Objeto extraviado", Status.LOST, "carrier.lost", (), True),
        ("BDE 88", "Algo novo", Status.UNKNOWN, "", (), False),
        ("ZZZ 01", "Algo novo", Status.UNKNOWN, "", (), False),
        ("ZZZ 01", "Objeto não entregue", Status.DELIVERY_ATTEMPTED, "", (), False),
    ],
)  # fmt: skip
def test_code_kind_and_words_say_what_happened(
    code: str, text: str, status: Status, reason: str, flags: tuple[Flag, ...], mapped: bool
) -> None:
    one = event(code, text)
    assert (one.status, one.reason, one.flags, one.mapped) == (status, reason, flags, mapped)
    assert one.code == code


def test_a_threat_of_return_is_one_only_after_a_failed_delivery() -> None:
    assert (
        event("BDE 04", "Cliente recusou-se a receber", "Objeto será devolvido ao remetente").status is Status.RETURNING
    )
    waiting = event("LDI 01", "Objeto aguardando retirada", "Após 7 dias, será devolvido ao remetente")
    assert (waiting.status, waiting.flags) == (Status.AVAILABLE_FOR_PICKUP, (Flag.PICKUP_POINT,))


def test_what_goes_back_is_never_delivered() -> None:
    back = scan("LDE 01", "Objeto saiu para entrega ao remetente")
    assert found(scan("BDE 01", at="2026-11-21T10:00:00"), back).status is Status.RETURNED
    assert found(scan("BDE 01", "Objeto entregue ao remetente")).status is Status.RETURNED


def test_a_detail_is_told_but_for_who_took_it() -> None:
    assert event("BDE 20", "Carteiro não atendido", "Nova tentativa").text == "Carteiro não atendido - Nova tentativa"
    assert event("BDE 01", "Objeto entregue", "Recebido por: A. EXEMPLO").text == "Objeto entregue"


# Times and places


@pytest.mark.parametrize("uf", ["SP", "sp", "BA", "PE", "DF", "PA", "RS"])
def test_a_time_is_brasilias_where_the_state_has_its_clock(uf: str) -> None:
    read = moment("2026-11-20T10:00:00", uf)
    assert (read.instant, read.basis, read.offset) == (datetime(2026, 11, 20, 13, tzinfo=UTC), Basis.PLACE, "-03:00")


@pytest.mark.parametrize("uf", ["AM", "AC", "MT", "MS", "RO", "RR", "", "XX"])
def test_a_time_that_may_be_by_either_clock_has_no_instant(uf: str) -> None:
    read = moment("2026-11-20T10:00:00", uf)
    assert (read.instant, read.local) == (None, datetime(2026, 11, 20, 10))


def test_a_unit_abroad_is_in_the_country_that_it_is_called() -> None:
    abroad = {"tipo": "País", "nome": "CHINA", "endereco": {}}
    assert found({**scan(), "unidade": abroad}).events[0].place == Place(country="CN", name="CHINA")
    assert found({**scan(), "unidade": None}).events[0].place == Place()


@pytest.mark.parametrize("written", ["2026-11-25", "2026-11-25T23:59:59", "25/11/2026"])
def test_the_day_of_delivery(written: str) -> None:
    window = found(dtPrevista=written).window
    assert window is not None
    assert window.end is not None
    assert (window.end.local, window.end.precision) == (datetime(2026, 11, 25), Precision.DAY)


@pytest.mark.parametrize("written", [None, "", "em breve", 17])
def test_no_day_of_delivery(written: Any) -> None:
    assert found(dtPrevista=written).window is None


def test_where_an_object_waits() -> None:
    there = {"cidade": "NATAL", "uf": "RN", "logradouro": "Rua do Exemplo", "numero": "9", "cep": "59000000"}
    waiting = scan("LDI 01", unidade={"tipo": "Agência dos Correios", "endereco": there})
    place = Place("NATAL", "RN", "59000000", "BR", "Agência dos Correios")
    assert found(waiting).pickup_point == PickupPoint("Agência dos Correios", "Rua do Exemplo 9", place)
    assert found(scan("BDE 01", at="2026-11-21T10:00:00"), waiting).pickup_point is None


# Answers


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"objetos": [{"codObjeto": NUMBER, "mensagem": UNKNOWN}]}), (404, {"msgs": [UNKNOWN]}),
     (200, {"objetos": [{"codObjeto": NUMBER, "mensagem": "Objeto nao encontrado", "eventos": []}]}),
     (200, {"objetos": {"codObjeto": NUMBER, "mensagem": UNKNOWN}}), (400, {"mensagem": "Objeto inválido"})],
)  # fmt: skip
def test_an_object_that_correios_does_not_know(status: int, body: Any) -> None:
    assert isinstance(read(body, status=status), NotFound)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {}), (200, []), (404, {"error": "no such page"}), (400, {"msgs": ["SRO-001: outro erro"]}),
     (200, {"objetos": [{"codObjeto": OTHER, "mensagem": UNKNOWN}]}), (200, {"objetos": [{"codObjeto": NUMBER}]}),
     (200, {"objetos": [{"codObjeto": NUMBER, "mensagem": "SRO-099: fora do ar"}]})],
)  # fmt: skip
def test_any_other_answer_is_an_error(status: int, body: Any) -> None:
    with pytest.raises(ProtocolError):
        read(body, status=status)


def test_an_object_without_events_is_pending_and_one_with_events_is_known_whatever_is_said() -> None:
    assert (found().status, found().service) == (Status.PENDING, "SEDEX")
    assert found(scan("PO 01"), mensagem="SRO-000: aviso").status is Status.ACCEPTED


def test_each_number_of_a_call_has_its_own_answer() -> None:
    body = {"objetos": [item(scan("PO 01")), {"codObjeto": OTHER, "mensagem": UNKNOWN}]}
    answers = read_many(body, OTHER, NUMBER, "LB739628158BR")
    assert [type(one) for one in answers.values()] == [NotFound, Found, ProtocolError]
    with pytest.raises(ProtocolError):
        read_many({"msgs": [UNKNOWN]}, NUMBER, OTHER, status=404)


def test_a_recorded_answer_gives_every_object_in_it() -> None:
    answer = read({"objetos": [item(scan()), item(scan(), number=OTHER)]}, number="")
    assert isinstance(answer, Found)
    assert [one.number for one in answer.shipments] == [NUMBER, OTHER]
